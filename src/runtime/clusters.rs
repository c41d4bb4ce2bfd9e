//! The clusters that may be shown instead of the present one, and how each is opened.

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::event_loop::Dashboard;
use crate::app::switching::KnownCluster;
use crate::domain::failure::Failure;

/// Opens a cluster by its name.
type Open = Arc<dyn Fn(String) -> BoxFuture<'static, Result<Dashboard, Failure>> + Send + Sync>;

/// What can be switched to; without anything there is only the present cluster.
#[derive(Clone, Default)]
pub struct Clusters {
    /// Every cluster of the config.
    pub known: Vec<KnownCluster>,
    open: Option<Open>,
}

impl Clusters {
    /// Makes the choice of these clusters; `open` has to fail where a server cannot be used.
    pub fn new<F>(
        known: Vec<KnownCluster>,
        open: impl Fn(String) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<Dashboard, Failure>> + Send + 'static,
    {
        Self {
            known,
            open: Some(Arc::new(move |name| Box::pin(open(name)))),
        }
    }

    /// Opens a cluster; absent where there is no other.
    pub(super) fn open(
        &self,
        name: String,
    ) -> Option<BoxFuture<'static, Result<Dashboard, Failure>>> {
        self.open.as_ref().map(|open| open(name))
    }
}

impl fmt::Debug for Clusters {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("Clusters")
            .field(&self.known)
            .finish()
    }
}
