//! A keyboard-driven terminal dashboard for Proxmox VE.
//!
//! The program is a library with a thin binary. This page is the map of the house; each room says
//! at its door what it is for and what it refuses to do.
//!
//! # Layers
//!
//! ```text
//!                 domain                  rules and values; no I/O, no clock, no async
//!               /    |    \
//!        proxmox     |     simulator      the client; and a small Proxmox that shares nothing with it
//!        notify      |         :          webhooks and programs that tell people; not the client's affair
//!           |        |         :
//!       operations   |         :          the steps of each change; screen and command line run the same
//!           |       app        :          State + Event -> State + Effects
//!           |      /   \       :
//!           |    ui     |      :          State -> frame
//!            \    \    /       :
//!              runtime ........'          terminal, clocks, tasks, signals; wires everything
//!                 |
//!             cli, config                 arguments, headless commands, the config file
//! ```
//!
//! An arrow may only point upwards; `tests/architecture.rs` reads every import and fails on a new
//! one. Three walls deserve their reason: the simulator imports nothing of the client, because a
//! field that both misread would make every test green; neither `app` nor `ui` knows of sockets
//! or tasks, so that what a key does is a plain function that a test can call; and `notify` and the
//! client know nothing of each other, because whoever is told is outside of the cluster, and
//! neither its trust nor its rules of repetition hold there.
//!
//! # From key to toast
//!
//! The terminal's key becomes a [`Combo`](app::keymap::Combo); the top dialog, else the focused
//! pane, gives the place; the key table gives the [`Action`](app::Action); `availability` says
//! whether it is possible and why not. A dialog copies its target when it opens and re-checks
//! what was filled in with every event. Submitted, it yields an
//! [`Operation`](domain::operation::Operation), which can only come out of a passed check; the
//! runtime runs it as a job, `operations` asks the server, follows the task to its end and makes
//! sure of the result. Every [`Update`](domain::operation::Update) returns as an event.
//!
//! # From refresh to frame
//!
//! One background task reads the cluster's resources, tasks and status, each on its own beat and
//! at most once at a time, and publishes an [`Inventory`](domain::inventory::Inventory) in which
//! every source has its own date and result. The state keeps its cursor on ids, never on rows.
//! The loop draws at once after a key and otherwise at most every 33 ms.
//!
//! What must be read guest by guest has a store of its own, as
//! [`SnapshotLists`](app::snapshot_lists::SnapshotLists) or [`UsageBook`](app::usage::UsageBook), and one rule
//! of pace, [`ReadingQueue`](app::reading_queue::ReadingQueue): the guest under the cursor and an
//! open plan come first. `app::background` fills in the rest within one budget of questions: what
//! alerts need and the last hour of guests above a limit, then snapshot lists and use in turns.
//!
//! # When something goes wrong
//!
//! What a fault may do, and where, is a table of promises: a row for each
//! [`FaultKind`](simulator::FaultKind), a column for each place that it can meet. It stands in
//! [`simulator::faults`], made from the values that `tests/changes/promises` hold the program to. The
//! client knows what it may repeat (reads, and writes that were certainly not sent);
//! [`Error::outcome_unknown`](proxmox::Error::outcome_unknown) says when a write has to be looked up,
//! which `operations` do; and a value that cannot be read again keeps its old answer, with its date,
//! beside the [`Failure`](domain::failure::Failure).
//!
//! # From figures to what is done about them
//!
//! A history is added up to an [`Account`](domain::usage::Account) of each guest, and with disks and
//! the guests of the [`Ledger`](domain::usage::Ledger) to a
//! [`ProjectStanding`](domain::usage::ProjectStanding), which screen, commands, alerts and
//! enforcement share; each figure carries its [`Certainty`](domain::quota::Certainty). One look at
//! everything is a [`Situation`](domain::alert::Situation); the
//! [`AlertBook`](domain::alert::AlertBook) turns looks into alerts that begin and end. The
//! [`EnforcementPlan`](domain::enforcement::EnforcementPlan) leads from the
//! [`throttle`](domain::throttle) that stands in a pool's comment to the one that the use wants;
//! [`admission`](domain::admission) holds new guests against it. Whoever hears of it is a rule of
//! [`notification`](domain::notification), and [`notify`] only delivers. What must outlive a run
//! (alerts in hand, the ledger, what `--auto` saw) is written by `config`, under a lock.
//!
//! # Recipes
//!
//! *Add a pane:* a variant of [`Pane`](app::state::Pane) with its view and context; its state in a
//! file of `app`; its drawing in a file of `ui/panes`; a line in `ui::draw_pane`. The compiler
//! names the rest.
//!
//! *Add an action:* a variant of [`Action`](app::Action) with its name; a row in
//! `app/keymap/table.rs` (footer, help, palette and README follow from it); what it does in
//! `app/keys.rs`. A change on the server is a [`Change`](app::action::Change), whose needs stand in
//! `app/availability.rs`, and whose checks in `domain/request`.
//!
//! *Add an endpoint:* the answer as sent in `proxmox/wire`, its meaning in `proxmox/convert`, the
//! call in the file of its area in `proxmox/endpoints`; the same call in `simulator/routes`,
//! written from the API's documentation and not from the client. The contract tests then hold both
//! against what a real server answered.

pub mod app;
pub mod cli;
pub mod config;
pub mod domain;
pub mod notify;
pub mod operations;
pub mod proxmox;
pub mod runtime;
pub mod simulator;
pub mod ui;
