//! Calls about logins and rights.
//!
//! Refuses to show secrets once they were given out.

use serde_json::{Map, Value, json};

use crate::simulator::gate::answer::{Failure, Reply};
use crate::simulator::gate::authentication::{self, Caller};
use crate::simulator::gate::call::{Call, privileges_at};
use crate::simulator::world::access::{Privileges, TOP_PATHS, Token};

pub(super) fn permissions(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let who = call.text("userid").unwrap_or(&call.caller.who).to_owned();
    let own_token = who
        .split_once('!')
        .is_some_and(|(user, _)| user == call.caller.who);
    if who != call.caller.who && !own_token && !call.may("/access", "Sys.Audit") {
        return Err(Failure::forbidden("/access", "Sys.Audit"));
    }
    let subject = Caller { who: who.clone() };
    let known = match who.split_once('!') {
        Some(_) => call.world.access.token(&who).is_some(),
        None => call.world.access.users.contains_key(&who),
    };
    if !known {
        return Ok(Reply::Data(json!({})));
    }
    let paths: Vec<String> = match call.text("path") {
        Some(path) => vec![path.to_owned()],
        None => listed_paths(call),
    };
    let answer: Map<String, Value> = paths
        .into_iter()
        .map(|path| {
            let privileges = privileges_at(call.world, &subject, &path);
            (path, privileges)
        })
        .filter(|(_, privileges)| !privileges.is_empty())
        .map(|(path, privileges)| (path, numbers(&privileges)))
        .collect();
    Ok(Reply::Data(Value::Object(answer)))
}

fn listed_paths(call: &Call<'_>) -> Vec<String> {
    let mut paths: std::collections::BTreeSet<String> =
        TOP_PATHS.iter().map(|path| (*path).to_owned()).collect();
    paths.extend(
        call.world
            .access
            .list
            .iter()
            .map(|entry| entry.path.clone()),
    );
    for pool in call.world.pools.values() {
        paths.extend(pool.guests.iter().map(|vmid| format!("/vms/{vmid}")));
        paths.extend(
            pool.storages
                .iter()
                .map(|storage| format!("/storage/{storage}")),
        );
    }
    paths.into_iter().collect()
}

fn numbers(privileges: &Privileges) -> Value {
    privileges
        .iter()
        .map(|(name, propagate)| (name.clone(), json!(u8::from(*propagate))))
        .collect::<Map<_, _>>()
        .into()
}

/// Every refused login says the same, whatever was wrong.
fn login_failed<T>() -> Result<T, Failure> {
    Err(Failure::login_failed())
}

pub(super) fn create_ticket(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let mut user = call.required("username").to_owned();
    if let Some(realm) = call.text("realm").filter(|_| !user.contains('@')) {
        user = format!("{user}@{realm}");
    }
    let password = call.required("password").to_owned();
    let Some(known) = call
        .world
        .access
        .users
        .get(&user)
        .filter(|known| known.enabled)
        .cloned()
    else {
        return login_failed();
    };
    if let Some(challenge) = call.text("tfa-challenge") {
        let sound = authentication::verify_challenge(call.core, challenge, &user);
        return if sound && second_factor_is_right(call, &user, &password) {
            Ok(logged_in(call, &user))
        } else {
            login_failed()
        };
    }
    // A ticket renews itself, without the second factor.
    if password.starts_with("PVE:") {
        let renews = authentication::verify_ticket(call.core, &password, "PVE")
            .is_some_and(|owner| owner == user);
        return if renews {
            Ok(logged_in(call, &user))
        } else {
            login_failed()
        };
    }
    if known.password != password {
        return login_failed();
    }
    if known.has_second_factor() {
        return Ok(Reply::Data(json!({
            "NeedTFA": 1,
            "username": user,
            "ticket": authentication::make_challenge(call.core, &user, &known),
            "CSRFPreventionToken": authentication::make_csrf(call.core, &user),
        })));
    }
    Ok(logged_in(call, &user))
}

/// Checks the answer to a challenge, and remembers what it uses up.
///
/// That a key is good once and lifts the lock of the authenticator is assumed, from proxmox-tfa.
fn second_factor_is_right(call: &mut Call<'_>, user: &str, answer: &str) -> bool {
    let now = call.now as i64;
    let Some(known) = call.world.access.users.get_mut(user) else {
        return false;
    };
    if let Some(code) = answer.strip_prefix("totp:") {
        let Some(secret) = &known.totp else {
            return false;
        };
        if known.wrong_codes >= authentication::MOST_WRONG_CODES {
            return false;
        }
        if authentication::code_is_right(secret, code, now) {
            known.wrong_codes = 0;
            return true;
        }
        known.wrong_codes += 1;
    } else if let Some(key) = answer.strip_prefix("recovery:") {
        let found = known.recovery.iter().find(|(_, known)| *known == key);
        if let Some(number) = found.map(|(number, _)| *number) {
            known.recovery.remove(&number);
            known.wrong_codes = 0;
            return true;
        }
    }
    false
}

fn logged_in(call: &mut Call<'_>, user: &str) -> Reply {
    let mut data = json!({
        "username": user,
        "ticket": authentication::make_ticket(call.core, user),
        "CSRFPreventionToken": authentication::make_csrf(call.core, user),
        "cap": capabilities(call, user),
    });
    let caller = Caller {
        who: user.to_owned(),
    };
    let audits = privileges_at(call.world, &caller, "/").contains_key("Sys.Audit");
    if let Some(name) = call.world.cluster.clone().filter(|_| audits) {
        data["clustername"] = json!(name);
    }
    let node = call.world.local.clone();
    call.world.note(
        call.now as i64,
        &node,
        "root@pam",
        6,
        format!("successful auth for user '{user}'"),
    );
    Reply::Data(data)
}

/// Returns the union of a user's privileges over all paths, by the area that they belong to.
fn capabilities(call: &Call<'_>, user: &str) -> Value {
    const AREAS: [(&str, &[&str]); 7] = [
        ("vms", &["VM.", "Permissions.Modify"]),
        ("access", &["User.", "Group.", "Permissions.Modify"]),
        ("storage", &["Datastore.", "Permissions.Modify"]),
        ("nodes", &["Sys.", "Permissions.Modify"]),
        ("sdn", &["SDN.", "Permissions.Modify"]),
        ("dc", &["Sys.Audit", "Sys.Modify", "SDN."]),
        ("mapping", &["Mapping.", "Permissions.Modify"]),
    ];
    let caller = Caller {
        who: user.to_owned(),
    };
    let all: std::collections::BTreeSet<String> = listed_paths(call)
        .iter()
        .flat_map(|path| privileges_at(call.world, &caller, path).into_keys())
        .collect();
    let areas = AREAS.iter().map(|(area, starts)| {
        let own = all
            .iter()
            .filter(|name| starts.iter().any(|start| name.starts_with(start)));
        (
            (*area).to_owned(),
            own.map(|name| (name.clone(), json!(1)))
                .collect::<Map<_, _>>()
                .into(),
        )
    });
    Value::Object(areas.collect())
}

pub(super) fn ticket_dummy(_call: &mut Call<'_>) -> Result<Reply, Failure> {
    Ok(Reply::Data(Value::Null))
}

pub(super) fn domains(_call: &mut Call<'_>) -> Result<Reply, Failure> {
    Ok(Reply::Data(json!([
        { "realm": "pam", "type": "pam", "comment": "Linux PAM standard authentication" },
        { "realm": "pve", "type": "pve", "comment": "Proxmox VE authentication server" },
    ])))
}

pub(super) fn roles(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let rows = call.world.access.roles.iter().map(|(name, role)| {
        let privileges: Vec<&str> = role.privileges.iter().map(String::as_str).collect();
        json!({ "roleid": name, "special": u8::from(role.special), "privs": privileges.join(",") })
    });
    Ok(Reply::Data(rows.collect()))
}

pub(super) fn users(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let full = call.flag("full").unwrap_or(false);
    let enabled = call.flag("enabled");
    let audits =
        call.may("/access/groups", "Sys.Audit") || call.may("/access/groups", "User.Modify");
    let rows = call
        .world
        .access
        .users
        .iter()
        .filter(|(name, user)| {
            // A token is not its user here, and sees nobody without the privilege.
            (audits || **name == call.caller.who) && enabled.is_none_or(|wanted| wanted == user.enabled)
        })
        .map(|(name, user)| {
            let realm = name.rsplit('@').next().unwrap_or("pve");
            let mut row =
                json!({ "userid": name, "enable": u8::from(user.enabled), "expire": 0, "realm-type": realm });
            if let Some(comment) = &user.comment {
                row["comment"] = json!(comment);
            }
            if full {
                row["groups"] = json!("");
                let tokens: Vec<Value> = user.tokens.iter().map(|(name, token)| token_row(name, token)).collect();
                row["tokens"] = if tokens.is_empty() { Value::Null } else { json!(tokens) };
            }
            row
        });
    Ok(Reply::Data(rows.collect()))
}

fn token_row(name: &str, token: &Token) -> Value {
    let mut row =
        json!({ "tokenid": name, "privsep": u8::from(token.separated), "expire": token.expires });
    if let Some(comment) = &token.comment {
        row["comment"] = json!(comment);
    }
    row
}

/// Refuses to touch somebody else's tokens without the right to change users; a token is not its user.
fn own_or_modify(call: &Call<'_>) -> Result<String, Failure> {
    let user = call.required("userid").to_owned();
    if user != call.caller.who && !call.may("/access/groups", "User.Modify") {
        return Err(Failure::forbidden_because(""));
    }
    if call.world.access.users.contains_key(&user) {
        Ok(user)
    } else {
        Err(Failure::internal(format!("no such user ('{user}')")))
    }
}

pub(super) fn tokens(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let user = own_or_modify(call)?;
    let tokens = call
        .world
        .access
        .users
        .get(&user)
        .map(|user| user.tokens.clone())
        .unwrap_or_default();
    Ok(Reply::Data(
        tokens
            .iter()
            .map(|(name, token)| token_row(name, token))
            .collect(),
    ))
}

pub(super) fn token(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let user = own_or_modify(call)?;
    let name = call.required("tokenid").to_owned();
    let found = call
        .world
        .access
        .users
        .get(&user)
        .and_then(|user| user.tokens.get(&name));
    let token = found
        .ok_or_else(|| Failure::internal(format!("no such token '{name}' for user '{user}'")))?;
    let mut row = token_row(&name, token);
    if let Some(row) = row.as_object_mut() {
        row.remove("tokenid");
    }
    Ok(Reply::Data(row))
}

pub(super) fn create_token(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let user = own_or_modify(call)?;
    let name = call.required("tokenid").to_owned();
    let separated = call.flag("privsep").unwrap_or(true);
    let expires = call.integer("expire").unwrap_or(0);
    let comment = call.text("comment").map(str::to_owned);
    let secret = call.world.uuid();
    let tokens = call.world.access.users.entry(user.clone()).or_default();
    if tokens.tokens.contains_key(&name) {
        return Err(Failure::parameter("tokenid", "Token already exists."));
    }
    let token = Token {
        secret: secret.clone(),
        separated,
        expires,
        comment,
    };
    tokens.tokens.insert(name.clone(), token);
    Ok(Reply::Data(json!({
        "full-tokenid": format!("{user}!{name}"),
        "value": secret,
        "info": { "privsep": u8::from(separated).to_string() },
    })))
}

pub(super) fn delete_token(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let user = own_or_modify(call)?;
    let name = call.required("tokenid").to_owned();
    if let Some(known) = call.world.access.users.get_mut(&user) {
        known.tokens.remove(&name);
    }
    let id = format!("{user}!{name}");
    call.world.access.list.retain(|entry| entry.who != id);
    Ok(Reply::Data(Value::Null))
}

pub(super) fn second_factors(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let own = call.caller.user().to_owned();
    let audits =
        call.may("/access/groups", "Sys.Audit") || call.may("/access/groups", "User.Modify");
    let rows = call
        .world
        .access
        .users
        .iter()
        .filter(|(name, user)| user.has_second_factor() && (audits || **name == own))
        .map(|(name, user)| {
            let entry = |kind: &str, description: &str| {
                let id = format!("{kind}1");
                json!({ "id": id, "type": kind, "description": description, "created": 0, "enable": 1 })
            };
            let mut entries = Vec::new();
            entries.extend(user.totp.is_some().then(|| entry("totp", "phone")));
            entries.extend((!user.recovery.is_empty()).then(|| entry("recovery", "")));
            entries.extend(user.security_key.then(|| entry("webauthn", "key ring")));
            json!({ "userid": name, "entries": entries })
        });
    Ok(Reply::Data(rows.collect()))
}

pub(super) fn change_password(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let user = own_or_modify(call)?;
    let password = call.required("password").to_owned();
    if let Some(known) = call.world.access.users.get_mut(&user) {
        known.password = password;
    }
    Ok(Reply::Data(Value::Null))
}
