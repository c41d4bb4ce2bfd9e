//! What is read of a guest, close up or in the background, while something goes wrong and afterwards.

use std::time::Duration;

use proxdeck::domain::time::Moment;
use proxdeck::simulator::{FaultId, FaultKind, FaultRule};

use super::desk::{BESIDE, CLOSE_UP, Desk, What, vmid};
use super::writing::cut_connections;
use super::{Fault, Place, Promise, promise};

/// A fault that meets what is asked about a guest.
struct Cell {
    desk: Desk,
    case: String,
    fault: Fault,
    place: Place,
    about: u64,
    wanted: [What; 3],
    /// So much time passes at once.
    step: Duration,
    /// Whatever is to come comes within so many steps.
    most: usize,
}

/// Reads on while a fault strikes what is asked about one guest, and once it is gone.
pub(super) async fn guest(fault: Fault, place: Place) {
    let case = format!("{place:?}, {}", fault.name);
    let (about, wanted, step, most) = match place {
        Place::Detail => (CLOSE_UP, What::CLOSE_UP, Duration::from_secs(5), 40),
        // A list that could be read is read again after an hour.
        Place::Background => (BESIDE, What::BACKGROUND, Duration::from_secs(120), 80),
        Place::Login | Place::Refresh => panic!("{case}: this is about no guest"),
    };
    let mut cell = Cell {
        desk: Desk::before(&fault).await,
        case,
        fault,
        place,
        about,
        wanted,
        step,
        most,
    };
    cell.begin().await;
    let since = cell.desk.now.moment;
    let id = cell.strike().await;
    match promise(&cell.fault, place) {
        Promise::Unseen => cell.is_unseen(since).await,
        Promise::Dated => cell.is_dated(since).await,
        Promise::Down => cell.is_down().await,
        Promise::Aged => cell.is_aged().await,
        Promise::Clean => cell.is_clean(id).await,
        other @ (Promise::Told | Promise::Named | Promise::Asked | Promise::Nothing(_)) => {
            panic!("{}: nothing here holds {other:?}", cell.case)
        }
    }
    cell.recovers().await;
}

impl Cell {
    /// Reads everything once, without a fault.
    async fn begin(&mut self) {
        self.desk.step(self.step).await;
        let begun = self.desk.now.moment;
        if self.place == Place::Detail {
            self.desk.press("j").await;
        }
        self.is_read(self.desk.now.moment, true).await;
        if self.place == Place::Background {
            self.desk.let_pass_nearly_an_hour(begun).await;
        }
    }

    /// Lets the fault begin, and all that it can strike be due.
    async fn strike(&mut self) -> FaultId {
        let part = format!("/qemu/{}/", self.about);
        let rule = FaultRule::new(self.fault.kind.clone()).path(&part);
        let id = self.desk.simulator.faults().add(rule);
        if matches!(
            self.fault.kind,
            FaultKind::Refused | FaultKind::CertificateSwapped
        ) {
            cut_connections(&self.desk.simulator, 8);
        }
        if self.place == Place::Detail {
            self.desk.press("r").await;
        }
        id
    }

    /// Waits until each question was answered since then, or each was not.
    async fn is_read(&mut self, since: Moment, well: bool) {
        let (about, wanted) = (self.about, self.wanted);
        let is_read = |desk: &Desk| desk.all(about, &wanted, since, well);
        self.desk
            .until(&self.case, self.step, self.most, is_read)
            .await;
    }

    /// Returns what is known of the guest, by question.
    fn known(&self, wanted: &[What]) -> Vec<String> {
        let known = wanted.iter().map(|what| {
            let known = self.desk.known(self.about, *what);
            known.unwrap_or_else(|| panic!("{}: {what:?} is forgotten", self.case))
        });
        known.collect()
    }

    async fn pass(&mut self, steps: usize) {
        for _ in 0..steps {
            self.desk.step(self.step).await;
        }
    }

    async fn is_unseen(&mut self, since: Moment) {
        self.is_read(since, true).await;
        let mut asked = self.desk.asked.iter();
        let failed = asked.find(|asked| asked.1 == self.about && !asked.3);
        assert!(failed.is_none(), "{}: {failed:?}", self.case);
    }

    async fn is_dated(&mut self, since: Moment) {
        let before = self.known(&self.wanted);
        self.is_read(since, false).await;
        let Self { case, fault, .. } = self;
        for what in self.wanted {
            if let Some(failure) = self.desk.failure(self.about, what) {
                assert_eq!(failure.kind, fault.cause(), "{case}: {what:?}");
            }
        }
        assert_eq!(self.known(&self.wanted), before, "{}", self.case);
        self.names_the_cause().await;
    }

    async fn is_down(&mut self) {
        // Connections that were made before may still be good for a question.
        let is_down = |desk: &Desk| desk.down >= 3;
        self.desk
            .until(&self.case, self.step, self.most, is_down)
            .await;
        let (before, asked) = (self.known(&self.wanted), self.desk.asked.len());
        self.pass(5).await;
        assert_eq!(self.known(&self.wanted), before, "{}", self.case);
        let asked = &self.desk.asked[asked..];
        assert!(
            asked.is_empty(),
            "{}: asked meanwhile: {asked:?}",
            self.case
        );
        let failure = self.desk.failure(self.about, self.wanted[0]).unwrap();
        assert_eq!(failure.kind, self.fault.cause(), "{}", self.case);
    }

    async fn is_aged(&mut self) {
        let about = self.about;
        let is_silent = |desk: &Desk| {
            let resources = desk.state.inventory.resources.value().unwrap();
            !resources.guest(vmid(about)).unwrap().vouched
        };
        self.desk
            .until(&self.case, self.step, self.most, is_silent)
            .await;
        // Every node knows the history; and the snapshots of the guest that is looked at are wanted, for its node may be
        // silent about figures only.
        let is_asked_for = |what: What| match what {
            What::Use => true,
            What::Snapshots => self.place == Place::Detail,
            What::Status | What::History | What::Fence => false,
        };
        let (asked_for, others): (Vec<What>, Vec<What>) = self
            .wanted
            .into_iter()
            .partition(|what| is_asked_for(*what));
        let (before, asked) = (self.known(&others), self.desk.asked.len());
        self.pass(20).await;
        assert_eq!(self.known(&others), before, "{}", self.case);
        let mut asked = self.desk.asked[asked..].iter();
        let asked = asked.find(|asked| asked.1 == about && !asked_for.contains(&asked.2));
        assert!(
            asked.is_none(),
            "{}: asked all the same: {asked:?}",
            self.case
        );
    }

    async fn is_clean(&mut self, id: FaultId) {
        let is_struck = |desk: &Desk| desk.simulator.faults().strikes(id) >= 6;
        self.desk
            .until(&self.case, self.step, self.most, is_struck)
            .await;
        let screen = self.desk.screen();
        let is_bad = |c: char| c.is_control() && c != '\n';
        assert!(!screen.contains(is_bad), "{}:\n{screen}", self.case);
    }

    /// Asserts that whoever looks sees that what is shown is old, and why.
    async fn names_the_cause(&mut self) {
        let cause = self.fault.cause().headline();
        let (key, words) = if self.place == Place::Detail {
            let panes = ["live figures:", "history as of", "could not be read again"];
            ("1", panes.to_vec())
        } else {
            ("3", vec!["not read again: 102:", cause])
        };
        self.desk.press(key).await;
        let screen = self.desk.screen();
        for word in words {
            let is_there = screen.contains(word);
            assert!(is_there, "{}: {word:?} is missing:\n{screen}", self.case);
        }
        self.desk.press("1").await;
    }

    /// Takes the fault away and waits until everything is read anew, without a key.
    async fn recovers(&mut self) {
        self.desk.simulator.faults().clear();
        // After a refused login no other is tried for a while, on the true clock.
        tokio::time::sleep(self.desk.client.pause()).await;
        self.is_read(self.desk.now.moment, true).await;
        let entries = self.desk.simulator.journal().entries();
        let reads = entries.iter().all(|entry| entry.method == "GET");
        assert!(reads, "{}: something was changed", self.case);
    }
}
