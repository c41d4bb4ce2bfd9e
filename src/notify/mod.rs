//! How people are told: webhooks and programs, outside of the cluster and its client.
//!
//! A [`Notifier`] delivers a [`Notification`] to every channel at once and says of each what became
//! of it. Delivery is at least once: an answer that gets lost makes the same notification go out
//! again, which a receiver can tell by its `time`. Who hears what is a rule of the domain
//! ([`recipients`](crate::domain::notification::recipients)).

mod command;
mod webhook;

use std::fmt;
use std::time::Duration;

use futures_util::future::join_all;

use crate::domain::failure::{Failure, FailureKind};
use crate::domain::notification::Notification;
use crate::domain::text::clean;

pub use command::Command;
pub use webhook::Webhook;

/// Somebody who can be told.
#[derive(Debug, Clone)]
pub struct Channel {
    /// The name by which projects refer to it.
    pub name: String,
    /// How a message gets there.
    pub delivery: Delivery,
}

/// How a message gets to somebody.
#[derive(Debug, Clone)]
pub enum Delivery {
    /// Posted to an address.
    Webhook(Webhook),
    /// On the standard input of a program.
    Command(Command),
    /// As a line in the log: a demo tells nobody.
    Log,
}

/// How long a delivery may take, and how often it is tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pace {
    /// How long the building of a connection may take.
    pub connect: Duration,
    /// How long a whole request may take, from its begin to the head of its answer.
    pub request: Duration,
    /// The pauses before further tries of a request; there is one try more than pauses.
    pub pauses: Vec<Duration>,
    /// How long a program may take.
    pub command: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            request: Duration::from_secs(10),
            pauses: vec![Duration::from_secs(1), Duration::from_secs(3)],
            command: Duration::from_secs(10),
        }
    }
}

/// What became of a notification on one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The channel's name.
    pub channel: String,
    /// Whether it was delivered.
    pub result: Result<(), Failure>,
}

/// Everybody who can be told.
#[derive(Debug, Clone)]
pub struct Notifier {
    channels: Vec<Channel>,
    pace: Pace,
}

impl Notifier {
    /// Takes the channels of the config.
    pub fn new(channels: Vec<Channel>) -> Self {
        Self::with_pace(channels, Pace::default())
    }

    /// Takes the channels, and other times than the usual ones.
    pub fn with_pace(channels: Vec<Channel>, pace: Pace) -> Self {
        Self { channels, pace }
    }

    /// Tells all recipients at once; returns a receipt for each, in their order.
    ///
    /// A name without a channel is a failed delivery. Dropping the future gives up what is not
    /// delivered yet, and ends the programs that still run.
    pub async fn tell(&self, notification: &Notification, recipients: &[String]) -> Vec<Receipt> {
        let receipts = recipients.iter().map(async |name| {
            let result = self.tell_one(notification, name).await;
            match &result {
                Ok(()) => tracing::info!("told {}: {notification}", clean(name)),
                Err(failure) => tracing::warn!("{failure}"),
            }
            Receipt {
                channel: name.clone(),
                result,
            }
        });
        join_all(receipts).await
    }

    async fn tell_one(&self, notification: &Notification, name: &str) -> Result<(), Failure> {
        let failed = |fault: Fault| {
            Failure::new(
                FailureKind::NotDelivered,
                format!("{name}: {}", fault.message),
            )
            .with_advice(format!(
                "look at [notify.{}]: {}",
                clean(name),
                fault.advice
            ))
        };
        let Some(channel) = self.channels.iter().find(|channel| channel.name == name) else {
            let message = format!("{name}: there is no such channel");
            let advice = format!("add [notify.{}] to the config", clean(name));
            return Err(Failure::new(FailureKind::NotDelivered, message).with_advice(advice));
        };
        let json = notification
            .to_json()
            .map_err(|error| Failure::new(FailureKind::Internal, error.to_string()))?;
        match &channel.delivery {
            Delivery::Webhook(webhook) => webhook.post(json, &self.pace).await.map_err(failed),
            Delivery::Command(command) => {
                command.run(&json, self.pace.command).await.map_err(failed)
            }
            // The line about what was told is the delivery.
            Delivery::Log => Ok(()),
        }
    }
}

/// Why one delivery failed; no secret of the channel is in it.
#[derive(Debug)]
struct Fault {
    message: String,
    advice: &'static str,
}

impl Fault {
    fn new(message: impl Into<String>, advice: &'static str) -> Self {
        Self {
            message: message.into(),
            advice,
        }
    }
}

/// Writes a time limit.
struct Seconds(Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} s", self.0.as_secs_f32())
    }
}
