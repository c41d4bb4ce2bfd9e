//! From users, tokens and pools as sent to values that mean something.

use super::convert::{text, timestamp};
use super::wire::access::{PoolRow, UserRow};
use super::wire::lenient::Rows;
use crate::domain::pool::Pool;
use crate::domain::text::Text;
use crate::domain::token::TokenExpiry;

/// What a list of users tells of a token's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// When it ends.
    Known(TokenExpiry),
    /// The token stands there, with nothing readable about its end.
    Unreadable,
    /// The token does not stand there.
    Unlisted,
}

pub(super) fn token_expiry(list: Rows<UserRow>, user: &str, token: &str) -> Told {
    let users = list.rows.into_iter();
    let tokens = users
        .filter(|row| row.userid.as_deref() == Some(user))
        .filter_map(|row| row.tokens)
        .flat_map(|tokens| tokens.rows);
    let mut found = tokens.filter(|row| row.tokenid.as_deref() == Some(token));
    let Some(row) = found.next() else {
        return Told::Unlisted;
    };
    match row.expire {
        Some(0) => Told::Known(TokenExpiry::Never),
        expire => expire
            .and_then(timestamp)
            .map_or(Told::Unreadable, |end| Told::Known(TokenExpiry::At(end))),
    }
}

/// Reads pools in the order of their names; one whose name makes no sense is left out.
pub(super) fn pools(list: Rows<PoolRow>) -> Vec<Pool> {
    let pools = list.rows.into_iter().filter_map(|row| {
        Some(Pool {
            name: row.poolid.as_deref()?.parse().ok()?,
            comment: comment(&row),
        })
    });
    let mut pools: Vec<Pool> = pools.collect();
    pools.sort_by(|a, b| a.name.cmp(&b.name));
    pools
}

/// Returns a pool's comment; it is kept as sent, because it may be written back.
pub(super) fn comment(row: &PoolRow) -> Option<Text> {
    text(row.comment.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(json: &str) -> Told {
        token_expiry(serde_json::from_str(json).unwrap(), "hub@pve", "deck")
    }

    #[test]
    fn a_token_s_end_is_told_from_never_and_from_silence() {
        // Recording 052, shortened.
        let never = r#"[{"userid":"root@pam","tokens":null},
            {"tokens":[{"tokenid":"ci","privsep":0,"expire":5},{"expire":0,"privsep":1,"tokenid":"deck"}],"userid":"hub@pve"}]"#;
        assert_eq!(told(never), Told::Known(TokenExpiry::Never));
        let ends = r#"[{"userid":"hub@pve","tokens":[{"tokenid":"deck","expire":"1795451756"}]}]"#;
        let Told::Known(TokenExpiry::At(end)) = told(ends) else {
            panic!("no end");
        };
        assert_eq!(end.timestamp(), 1_795_451_756);
        for unreadable in ["null", "-1", "\"soon\"", "[0]", "1e18"] {
            let json = format!(
                r#"[{{"userid":"hub@pve","tokens":[{{"tokenid":"deck","expire":{unreadable}}}]}}]"#
            );
            assert_eq!(told(&json), Told::Unreadable, "{unreadable}");
        }
        for unlisted in [
            "[]",
            r#"[{"userid":"hub@pve"}]"#,
            r#"[{"userid":"hub@pve","tokens":"deck"}]"#,
            r#"[{"userid":"other@pve","tokens":[{"tokenid":"deck","expire":0}]}]"#,
        ] {
            assert_eq!(told(unlisted), Told::Unlisted, "{unlisted}");
        }
    }

    #[test]
    fn comments_are_kept_as_sent() {
        let json = r#"[{"poolid":"rec","comment":"line one\nline two\n\u001b[31m#keep "},{"poolid":"lab/nested","comment":""},
            {"poolid":"prod","comment":null},{"poolid":"a b"},{"comment":"nobody's"},7]"#;
        let pools = pools(serde_json::from_str(json).unwrap());
        let names: Vec<&str> = pools.iter().map(|pool| pool.name.as_str()).collect();
        assert_eq!(names, ["lab/nested", "prod", "rec"]);
        assert_eq!((&pools[0].comment, &pools[1].comment), (&None, &None));
        let comment = pools[2].comment.as_ref().unwrap();
        assert_eq!(comment.raw(), "line one\nline two\n\u{1b}[31m#keep ");
    }
}
