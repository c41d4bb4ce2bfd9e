//! What outlives the dashboard on this machine: alerts, failing channels, and what guests used.

use crate::app::Event;
use crate::config::alert_memory::AlertMemory;
use crate::config::channel_memory::ChannelMemory;
use crate::config::usage_ledger::UsageLedger;

/// The files in which something is remembered; each is absent where nothing may be.
#[derive(Debug, Clone, Default)]
pub struct Remembered {
    /// Since when alerts stand, and who has them in hand.
    pub alerts: Option<AlertMemory>,
    /// Which notify channels failed the last time.
    pub channels: Option<ChannelMemory>,
    /// What guests had used when they were last seen.
    pub ledger: Option<UsageLedger>,
}

impl Remembered {
    /// Reads everything; none of it asks for anything.
    pub(super) fn recall(&self) -> Vec<Event> {
        let alerts = self.alerts.as_ref();
        let channels = self.channels.as_ref();
        let ledger = self.ledger.as_ref();
        let mut events = Vec::new();
        events.extend(alerts.map(|alerts| Event::Remembered(alerts.read())));
        events.extend(channels.map(|channels| Event::Channels(channels.read())));
        events.extend(ledger.map(|ledger| Event::Ledger(Box::new(ledger.read()))));
        events
    }
}
