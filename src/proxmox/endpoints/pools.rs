//! `/pools`: pools and what is written about them.

use reqwest::Method;
use serde::de::IgnoredAny;

use super::path;
use crate::domain::failure::FailureKind;
use crate::domain::id::PoolName;
use crate::domain::pool::Pool;
use crate::domain::text::Text;
use crate::proxmox::client::Client;
use crate::proxmox::convert_access;
use crate::proxmox::error::Error;
use crate::proxmox::wire::access::PoolRow;
use crate::proxmox::wire::lenient::Rows;

/// Calls about pools; made by [`Client::pools`].
#[derive(Debug)]
pub struct Pools<'a>(pub(super) &'a Client);

impl Client {
    /// Opens the calls about pools.
    pub fn pools(&self) -> Pools<'_> {
        Pools(self)
    }
}

impl Pools<'_> {
    /// Reads all pools with their comments, in the order of their names, in one answer.
    ///
    /// Pools without Pool.Audit are missing from it (recordings 111, 1197).
    pub async fn list(&self) -> Result<Vec<Pool>, Error> {
        self.0.get("/pools", &[]).await.map(convert_access::pools)
    }

    /// Reads a pool's comment, fresh and as it was written; a pool that does not exist is a failure.
    ///
    /// Servers before 8.1 know no `poolid` here and are asked in the older form, which has no
    /// words for a nested pool; they have none (API.md §10, §11).
    pub async fn comment(&self, pool: &PoolName) -> Result<Option<Text>, Error> {
        // Of the members, which nobody wants here, storages are the fewest.
        let few = ("type", "storage");
        let query = [("poolid", pool.as_str()), few];
        let answer: Result<Rows<PoolRow>, Error> = self.0.get("/pools", &query).await;
        match answer {
            Ok(list) => {
                let listed = convert_access::pools(list).into_iter();
                let mut found = listed.filter(|row| row.name == *pool);
                found.next().map(|row| row.comment).ok_or_else(|| {
                    let text = format!("the answer says nothing about the pool {pool}");
                    Error::unsent(FailureKind::Malformed, text).of(&Method::GET, "/pools")
                })
            }
            Err(error) if error.kind() == FailureKind::Rejected && !is_nested(pool) => {
                let path = path(&["pools", pool.as_str()])?;
                let row: PoolRow = self.0.get(&path, &[few]).await?;
                Ok(convert_access::comment(&row))
            }
            Err(error) => Err(error),
        }
    }

    /// Writes a pool's comment, an empty one to remove it; done when it returns. Needs Pool.Allocate.
    ///
    /// Pools have no digest: whoever writes last wins, so the comment is read right before. Nothing
    /// that was tried was too long (recordings 1101–1104). Servers before 8.1 refuse the call as
    /// unknown, which is certain to have changed nothing, and take the older form.
    pub async fn set_comment(&self, pool: &PoolName, comment: &str) -> Result<(), Error> {
        let form = [("poolid", pool.as_str()), ("comment", comment)];
        let answer: Result<IgnoredAny, Error> = self.0.write(Method::PUT, "/pools", &form).await;
        match answer {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == FailureKind::NotImplemented && !is_nested(pool) => {
                let path = path(&["pools", pool.as_str()])?;
                let form = [("comment", comment)];
                let _: IgnoredAny = self.0.write(Method::PUT, &path, &form).await?;
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}

fn is_nested(pool: &PoolName) -> bool {
    pool.as_str().contains('/')
}
