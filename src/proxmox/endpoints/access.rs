//! `/access`: who one is and what one may.

use crate::domain::permission::Permissions;
use crate::proxmox::client::Client;
use crate::proxmox::convert;
use crate::proxmox::error::Error;
use crate::proxmox::wire::{PermissionTree, Version};

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

    /// Reads the effective privileges of the account on every listed path.
    ///
    /// Paths without any right are not listed (API.md §3), so a guest that is missing here is one
    /// that inherits, not one that is forbidden.
    pub async fn permissions(&self) -> Result<Permissions, Error> {
        let tree: PermissionTree = self.0.get("/access/permissions", &[]).await?;
        Ok(convert::permissions(tree))
    }
}
