//! Temporary.
use super::*;
use crate::domain::guest::GuestRef;
use chrono::{DateTime, Utc};
pub fn plan(_: &GuestRef, _: &NetworkProfile, _: &Resolved, _: &Current) -> NetworkPlan {
    loop {}
}
pub fn try_out(
    _: &GuestRef,
    _: &NetworkProfile,
    _: &Resolved,
    _: &Current,
    _: DateTime<Utc>,
) -> NetworkPlan {
    loop {}
}
pub fn keep(_: &GuestRef, _: &WayBack, _: &Current) -> NetworkPlan {
    loop {}
}
pub fn put_back(_: &GuestRef, _: &WayBack, _: &Current) -> NetworkPlan {
    loop {}
}
pub fn reality(_: &Current, _: &[NetworkProfile]) -> Reality {
    loop {}
}
