//! Shows the certificates of the cluster's nodes, and the lines that pin them.
//!
//! It pins nothing: whoever wants to compares first, and writes the config themselves.

use super::Reply;
use crate::app::action::Action;
use crate::app::effect::Ticket;
use crate::app::remote::Remote;
use crate::domain::failure::Failure;
use crate::domain::pins::PinReport;
use crate::domain::time::Moment;

/// The certificates of a cluster, to be read and copied.
#[derive(Debug, Clone, PartialEq)]
pub struct PinsDialog {
    /// The cluster's name in the config.
    pub cluster: String,
    /// What a trusted server says.
    pub report: Remote<PinReport>,
    /// How many lines are scrolled away.
    pub scroll: usize,
}

impl PinsDialog {
    pub(in crate::app) fn new(cluster: String, ticket: Ticket) -> Self {
        let mut report = Remote::default();
        report.ask(ticket);
        Self {
            cluster,
            report,
            scroll: 0,
        }
    }

    pub(in crate::app) fn settle(
        &mut self,
        ticket: Ticket,
        now: Moment,
        result: Result<PinReport, Failure>,
    ) {
        self.report.settle(ticket, now, result);
    }

    pub(super) fn act(&mut self, action: Action) -> Reply {
        if let Action::Move(motion) = action {
            self.scroll = self.scroll.saturating_add_signed(motion.rows(10)).min(500);
        } else if action == Action::Copy {
            let lines = self
                .report
                .value()
                .and_then(|report| report.snippet(&self.cluster));
            return match lines {
                Some(lines) => Reply::Copy(lines),
                None => Reply::Notice("copy: there is nothing to pin".to_owned()),
            };
        } else if action == Action::Quit {
            return Reply::Close;
        }
        Reply::Stay
    }
}
