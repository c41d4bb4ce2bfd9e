//! `/access`: who one is and what one may.

use reqwest::Method;

use crate::domain::failure::FailureKind;
use crate::domain::permission::Permissions;
use crate::domain::token::TokenExpiry;
use crate::proxmox::client::Client;
use crate::proxmox::convert::ListedPermissions;
use crate::proxmox::convert_access::{self, Told};
use crate::proxmox::error::Error;
use crate::proxmox::wire::Version;

/// Calls about the account; made by [`Client::access`].
#[derive(Debug)]
pub struct Access<'a>(pub(super) &'a Client);

impl Client {
    /// Opens the calls about the account.
    pub fn access(&self) -> Access<'_> {
        Access(self)
    }
}

impl Access<'_> {
    /// Reads the server's version, as `9.1.4`; any account may.
    pub async fn version(&self) -> Result<String, Error> {
        let version: Version = self.0.get("/version", &[]).await?;
        Ok(version.version.unwrap_or_default())
    }

    /// Reads the effective privileges of the account on every listed path, and the server's release.
    ///
    /// These are two calls at once. A release that cannot be read is left open.
    pub fn permissions(&self) -> impl Future<Output = Result<Permissions, Error>> + Send + '_ {
        // Boxed, because it is awaited deep within other futures.
        Box::pin(async {
            let (listed, version) = tokio::join!(self.listed_permissions(), self.version());
            let release = version.ok().as_deref().and_then(release_of);
            Ok(listed?.of_release(release))
        })
    }

    /// Reads the effective privileges of the account on every listed path.
    ///
    /// Paths without any right are not listed (API.md §3), so a guest that is missing here is one
    /// that inherits, not one that is forbidden.
    pub async fn listed_permissions(&self) -> Result<Permissions, Error> {
        let ListedPermissions(permissions) = self.0.get("/access/permissions", &[]).await?;
        Ok(permissions)
    }

    /// Reads the effective privileges of the account on one path, whether it is listed or not.
    pub async fn permissions_at(&self, path: &str) -> Result<Permissions, Error> {
        let query = [("path", path)];
        let ListedPermissions(permissions) = self.0.get("/access/permissions", &query).await?;
        Ok(permissions)
    }

    /// Reads when the token in use ends; nothing for who signed in with a password.
    ///
    /// Needs Sys.Audit or User.Modify on `/access/groups` or on a group of the token's user: a
    /// token does not count as its user, so neither its own entry nor its user's is open to it
    /// without (the call for one token even asks for User.Modify). Lacking that it is `Forbidden`,
    /// although the server answers with a list (recordings 051, 052).
    pub async fn token_expiry(&self) -> Result<Option<TokenExpiry>, Error> {
        const PATH: &str = "/access/users";
        let Some((user, token)) = self.0.account().split_once('!') else {
            return Ok(None);
        };
        let users = self.0.get(PATH, &[("full", "1")]).await?;
        let failed = |kind, text| Err(Error::unsent(kind, text).of(&Method::GET, PATH));
        match convert_access::token_expiry(users, user, token) {
            Told::Known(expiry) => Ok(Some(expiry)),
            Told::Unreadable => failed(
                FailureKind::Malformed,
                "the token's entry does not say when it ends",
            ),
            Told::Unlisted => failed(
                FailureKind::Forbidden,
                "the token is not shown its own entry (/access/groups, Sys.Audit)",
            ),
        }
    }
}

/// Returns the first number of a version such as `9.1.4`.
fn release_of(version: &str) -> Option<u64> {
    version.split('.').next()?.parse().ok()
}
