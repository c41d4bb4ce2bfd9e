//! One account's session: its ticket, the waits after refusals, and what a person has to give.

use std::time::{Duration, Instant};

use reqwest::Method;
use reqwest::header::HeaderMap;
use secrecy::{ExposeSecret, SecretString};

use super::error::Error;
use super::meter::monotonic;
use super::second_factor::Pending;
use super::transport::{Manner, Request, Transport};
use super::wire::Login;
use crate::domain::failure::FailureKind;
use crate::domain::sign_in::{Given, SecondFactor, Secret, Wanted};

/// The pauses after failed logins; the last one repeats.
const PAUSES: [Duration; 5] = [
    Duration::from_secs(10),
    Duration::from_secs(30),
    Duration::from_secs(60),
    Duration::from_secs(300),
    Duration::from_secs(1800),
];
/// So often a person may mistype before pauses begin; the server makes each refusal wait 3 s itself.
const SLIPS: usize = 2;
/// So many second factors are tried until one is right; after eight wrong codes the server takes none.
const MOST_WRONG: usize = 5;
/// A challenge older than this is replaced by a new one before it is answered.
const CHALLENGE_LASTS: Duration = Duration::from_secs(600);

/// What is known of the account's login.
pub(super) struct Session {
    ticket: Option<Ticket>,
    /// Counts proofs, so that several requests refused with the same one count once: tickets that
    /// were given, and refusals of a token.
    pub(super) generation: u64,
    /// Absent until a person gives it.
    password: Option<SecretString>,
    /// Whether a person typed it: a wrong one is forgotten, not tried again.
    was_typed: bool,
    /// The half ticket that waits for a second factor, and when it came.
    pending: Option<(Pending, Instant)>,
    /// Second factors that were refused since the last one that was right.
    wrong_codes: usize,
    /// Whether the server ever accepted a ticket: then its user and password were right.
    was_accepted: bool,
    failures: usize,
    /// What the last failed login came to; told again while no other is tried.
    refusal: Option<(FailureKind, String)>,
    pause_until: Option<Instant>,
}

/// A whole ticket, with what writes need beside it.
pub(super) struct Ticket {
    pub(super) text: SecretString,
    pub(super) csrf: SecretString,
    obtained: Instant,
}

impl Session {
    pub(super) fn new(password: Option<SecretString>) -> Self {
        Self {
            ticket: None,
            generation: 0,
            password,
            was_typed: false,
            pending: None,
            wrong_codes: 0,
            was_accepted: false,
            failures: 0,
            refusal: None,
            pause_until: None,
        }
    }

    /// Returns the present ticket, however old.
    pub(super) fn ticket(&self) -> Option<&Ticket> {
        self.ticket.as_ref()
    }

    /// Returns until when no login is tried.
    pub(super) fn pause_until(&self) -> Option<Instant> {
        self.pause_until
    }

    /// Gives up the ticket; tells whether there was one.
    pub(super) fn drop_ticket(&mut self) -> bool {
        self.ticket.take().is_some()
    }

    /// Returns what a person has to give before anything else can be asked.
    pub(super) fn wanted(&self) -> Option<Wanted> {
        if self.ticket.is_some() {
            return None;
        }
        if let Some((pending, _)) = &self.pending {
            return Some(Wanted::SecondFactor(pending.offered.clone()));
        }
        // A configured password that is refused may have been changed; somebody may know the new one.
        let is_refused = self.refusal_kind().is_some_and(|kind| {
            matches!(
                kind,
                FailureKind::AuthenticationFailed | FailureKind::SessionExpired
            )
        });
        (self.password.is_none() || is_refused).then_some(Wanted::Password)
    }

    fn refusal_kind(&self) -> Option<FailureKind> {
        let refused = self.pause_until.is_some();
        let told = self.refusal.as_ref().map(|(kind, _)| *kind);
        refused.then(|| told.unwrap_or_else(|| self.kind_of_refusal()))
    }

    /// Notes that the server accepted what a session gave; a token's says nothing about a password.
    pub(super) fn accepted(&mut self, by_ticket: bool) {
        self.was_accepted = by_ticket;
        self.failures = 0;
        self.refusal = None;
        self.pause_until = None;
    }

    /// Tells a password that never worked from a session that ended and cannot be renewed.
    pub(super) fn kind_of_refusal(&self) -> FailureKind {
        if self.was_accepted {
            FailureKind::SessionExpired
        } else {
            FailureKind::AuthenticationFailed
        }
    }

    /// Fails while no login may be tried.
    pub(super) fn respect_pause(&self) -> Result<(), Error> {
        let Some(until) = self.pause_until else {
            return Ok(());
        };
        let left = until.saturating_duration_since(monotonic());
        if left.is_zero() {
            return Ok(());
        }
        let (kind, why) = self.refusal.clone().unwrap_or_else(|| {
            let why = format!("refused {} times", self.failures);
            (self.kind_of_refusal(), why)
        });
        let text = format!("{why}; the next login is tried in {} s", left.as_secs() + 1);
        Err(Error::unsent(kind, text))
    }

    /// Notes a failed login; without a refusal it is the server's usual one.
    pub(super) fn note_failure(&mut self, refusal: Option<(FailureKind, String)>) {
        let pause = PAUSES[self.failures.min(PAUSES.len() - 1)];
        self.failures += 1;
        self.refusal = refusal;
        self.pause_until = Some(monotonic() + pause);
    }

    /// Notes that what a person typed was refused; the first slips cost no pause.
    fn note_slip(&mut self) {
        self.failures += 1;
        self.refusal = None;
        let paused = self.failures.checked_sub(SLIPS + 1);
        let pause = paused.map(|count| PAUSES[count.min(PAUSES.len() - 1)]);
        self.pause_until = pause.map(|pause| monotonic() + pause);
    }

    /// Signs in with what a person gave.
    pub(super) async fn sign_in_with(
        &mut self,
        transport: &Transport,
        user: &str,
        given: &Given,
    ) -> Result<(), Error> {
        self.respect_pause()?;
        let ticket = match given {
            Given::Password(password) => {
                self.password = Some(password.expose().to_owned().into());
                self.was_typed = true;
                self.pending = None;
                self.log_in(transport, user).await?
            }
            Given::Code(method, code) => self.answer(transport, user, *method, code).await?,
        };
        self.ticket = Some(ticket);
        Ok(())
    }

    /// Makes sure that there is a ticket and that it is young enough.
    pub(super) async fn renewed(
        &mut self,
        transport: &Transport,
        user: &str,
        renew_after: Duration,
    ) -> Result<(), Error> {
        let ticket = match self.ticket.take() {
            Some(ticket)
                if monotonic().saturating_duration_since(ticket.obtained) < renew_after =>
            {
                ticket
            }
            Some(ticket) => {
                let form = [
                    ("username", user),
                    ("password", ticket.text.expose_secret()),
                ];
                match self.ask(transport, Manner::Login, user, &form).await {
                    Ok(renewed) => renewed,
                    // The old ticket may have ended while the machine slept; the password still
                    // works, and whoever it lets in is not made to wait.
                    Err(error) if error.needs_login() => self.log_in(transport, user).await?,
                    Err(error) => {
                        self.ticket = Some(ticket);
                        return Err(error);
                    }
                }
            }
            None => self.log_in(transport, user).await?,
        };
        self.ticket = Some(ticket);
        Ok(())
    }

    /// Signs in with the password; a refusal is a failed login.
    async fn log_in(&mut self, transport: &Transport, user: &str) -> Result<Ticket, Error> {
        if let Some((pending, _)) = &self.pending {
            // Asking again would only bring another half ticket.
            return Err(wants_second_factor(user, pending));
        }
        let Some(password) = self.password.clone() else {
            let text = format!("the password of {user} was not given yet");
            let kind = if self.was_accepted {
                FailureKind::SessionExpired
            } else {
                FailureKind::PasswordNeeded
            };
            return Err(Error::unsent(kind, text));
        };
        let form = [("username", user), ("password", password.expose_secret())];
        match self.ask(transport, Manner::Login, user, &form).await {
            Err(error) if error.needs_login() => {
                if self.was_typed {
                    self.password = None;
                    self.note_slip();
                } else {
                    self.note_failure(None);
                }
                Err(error.called(self.kind_of_refusal()))
            }
            ticket => ticket,
        }
    }

    /// Answers the challenge that is pending.
    async fn answer(
        &mut self,
        transport: &Transport,
        user: &str,
        method: SecondFactor,
        code: &Secret,
    ) -> Result<Ticket, Error> {
        if self.wrong_codes >= MOST_WRONG {
            let text = format!("{MOST_WRONG} second factors in a row were refused");
            let advice = "after eight wrong codes the server takes none any more, so that no other is \
                          tried: check the authenticator's clock and account, then start proxdeck again";
            return Err(Error::unsent(FailureKind::AuthenticationFailed, text).advising(advice));
        }
        let is_old = self.pending.as_ref().is_some_and(|(_, since)| {
            monotonic().saturating_duration_since(*since) >= CHALLENGE_LASTS
        });
        if is_old {
            self.pending = None;
            match self.log_in(transport, user).await {
                Err(error) if error.kind() == FailureKind::SecondFactorRequired => {}
                // Nothing is wanted any more, or the password is refused now.
                ended => return ended,
            }
        }
        let Some((pending, _)) = &self.pending else {
            let text = "no second factor is asked for";
            return Err(Error::unsent(FailureKind::Refused, text));
        };
        let challenge = pending.ticket.clone();
        // Authenticators show codes in groups, and keys are written down with blanks.
        let typed: Secret = {
            let mut typed = Secret::from(method.prefix());
            let characters = code.expose().chars();
            characters
                .filter(|character| !character.is_whitespace())
                .for_each(|character| typed.push(character));
            typed
        };
        let form = [
            ("username", user),
            ("password", typed.expose()),
            ("tfa-challenge", challenge.expose_secret()),
        ];
        // A code that arrived is used up, whatever became of the answer.
        match self.ask(transport, Manner::Once, user, &form).await {
            Ok(ticket) => {
                self.pending = None;
                self.wrong_codes = 0;
                Ok(ticket)
            }
            Err(error) if error.needs_login() => {
                self.wrong_codes += 1;
                self.note_slip();
                let error = error.called(FailureKind::AuthenticationFailed);
                Err(error.advising(method.advice()))
            }
            Err(error) => Err(error),
        }
    }

    /// Asks for a ticket with a password, with the ticket before it, or with a second factor.
    async fn ask(
        &mut self,
        transport: &Transport,
        manner: Manner,
        user: &str,
        form: &[(&str, &str)],
    ) -> Result<Ticket, Error> {
        let answer = transport
            .send(Request {
                manner,
                method: Method::POST,
                path: "/access/ticket",
                parameters: form,
                headers: HeaderMap::new(),
                tally: None,
            })
            .await;
        let login: Login = answer.and_then(|body| transport.decode(&body))?;
        if login.needs_second_factor {
            // The half ticket of such an answer is no session (PITFALLS 9), and a dashboard that
            // asks every two seconds must not collect them.
            let pending = Pending::of(login.ticket.unwrap_or_default());
            let error = wants_second_factor(user, &pending);
            if pending.offered.methods().is_empty() {
                let why = error.text().raw().to_owned();
                self.note_failure(Some((FailureKind::SecondFactorRequired, why)));
            } else {
                self.pending = Some((pending, monotonic()));
            }
            return Err(error);
        }
        let (Some(ticket), Some(csrf)) = (login.ticket, login.csrf) else {
            return Err(Error::unsent(
                FailureKind::Malformed,
                "the login answer holds no ticket",
            ));
        };
        // Failures are forgotten when the ticket is accepted, not already when it is given.
        self.generation += 1;
        Ok(Ticket {
            text: ticket.into(),
            csrf: csrf.into(),
            obtained: monotonic(),
        })
    }
}

/// Says that a second factor is wanted, and where none can be given here, why.
fn wants_second_factor(user: &str, pending: &Pending) -> Error {
    let kind = FailureKind::SecondFactorRequired;
    let text = format!("{user} signs in with a second factor");
    let offered = &pending.offered;
    if !offered.methods().is_empty() {
        return Error::unsent(kind, text);
    }
    let advice = "sign in with an API token instead: it needs no second factor";
    let text = match offered.regret() {
        Some(regret) => format!("{text} that cannot be given here: {regret}"),
        None => format!("{text} that this program does not know"),
    };
    Error::unsent(kind, text).advising(advice)
}
