//! `/nodes/N/{qemu,lxc}/ID/status/current` and `…/rrddata`: what one guest does and did.

use super::guests::{Guests, guest_path};
use crate::domain::guest::GuestRef;
use crate::domain::guest_status::GuestStatus;
use crate::domain::history::{Series, Span};
use crate::proxmox::convert_metrics;
use crate::proxmox::error::Error;
use crate::proxmox::wire::lenient::Rows;
use crate::proxmox::wire::metrics::HistoryRow;

impl Guests<'_> {
    /// Reads what the guest's own node says of it now; needs VM.Audit.
    ///
    /// The server asks the running process, which takes up to 3 s when it hangs. The processor
    /// figure of this answer is not comparable with anything (PITFALLS 15).
    pub async fn current(&self, guest: &GuestRef) -> Result<GuestStatus, Error> {
        let path = guest_path(guest, &["status", "current"])?;
        self.0
            .get(&path, &[])
            .await
            .map(convert_metrics::current_status)
    }

    /// Reads the averages that the server keeps of the guest; needs VM.Audit.
    ///
    /// Network and disk figures are bytes a second here (PITFALLS 19). A guest that never ran has
    /// rows without figures; one whose file is missing is a failure of the server.
    pub async fn history(&self, guest: &GuestRef, span: Span) -> Result<Series, Error> {
        let path = guest_path(guest, &["rrddata"])?;
        let query = [("timeframe", span.as_str()), ("cf", "AVERAGE")];
        let rows: Rows<HistoryRow> = self.0.get(&path, &query).await?;
        Ok(convert_metrics::history(span, rows))
    }
}
