//! Looks whether a project is throttled, fresh each time.

use crate::domain::admission::{Admission, Throttle};
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::id::PoolName;
use crate::proxmox::{Client, Error};

/// Reads the throttle that stands in a pool's comment.
pub async fn read_throttle(client: &Client, pool: &PoolName) -> Throttle {
    let comment = client.pools().comment(pool).await;
    let comment = comment.as_ref().map(Option::as_ref);
    Throttle::of(comment.map_err(|error| Failure::from(error.clone())))
}

/// Refuses where a project has been throttled since it was asked, or where that cannot be read.
pub(super) async fn still_admits(client: &Client, admission: &Admission) -> Result<(), Error> {
    // Whoever has overridden what he was shown is not stopped by more of the same.
    if admission.overridden().is_some() {
        return Ok(());
    }
    let throttle = read_throttle(client, admission.pool()).await;
    match admission.refusal(throttle) {
        None => Ok(()),
        Some(reason) => {
            let text = format!("{reason}; nothing was made");
            Err(Error::unsent(FailureKind::Refused, text))
        }
    }
}
