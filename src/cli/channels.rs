//! The channels of the config as they are told; a demo's are lines in the log already.

use crate::config::settings::Settings;
use crate::config::settings::notify as written;
use crate::notify::{Channel, Command, Delivery, Webhook};

/// Converts the channels of the settings.
pub(super) fn of(settings: &Settings) -> Vec<Channel> {
    settings
        .notify
        .iter()
        .map(|channel| Channel {
            name: channel.name.clone(),
            delivery: match &channel.delivery {
                written::Delivery::Webhook(webhook) => {
                    Delivery::Webhook(Webhook::new(webhook.url().clone()))
                }
                written::Delivery::Command(words) => Delivery::Command(Command::new(words.clone())),
                written::Delivery::Log => Delivery::Log,
            },
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::cli::demo;
    use crate::config::load::{Flags, load_demo};

    const CONFIG: &str = "[notify.alpha]\nwebhook = \"https://me:hunter2@hooks.example/hunter2\"\n\
                          [notify.administrators]\ncommand = [\"page\", \"hunter2\"]\n";

    #[test]
    fn each_channel_of_the_config_becomes_one_that_shows_no_secret() {
        let settings = Settings::parse(CONFIG, Path::new("x.toml"), None).unwrap();
        let channels = of(&settings);
        let shown: Vec<String> = channels
            .iter()
            .map(|channel| format!("{} {:?}", channel.name, channel.delivery))
            .collect();
        assert_eq!(
            shown,
            [
                "alpha Webhook(Webhook(https://hooks.example))",
                "administrators Command(Command(\"page\"))",
            ]
        );
    }

    #[test]
    fn a_demo_tells_nobody_whatever_its_config_says() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.toml");
        std::fs::write(&file, CONFIG).unwrap();
        let flags = Flags {
            config: Some(file),
            ..Flags::default()
        };
        let channels = of(&load_demo(&flags, demo::CONFIG).unwrap().settings);
        assert_eq!(channels.len(), 2);
        for channel in channels {
            assert!(matches!(channel.delivery, Delivery::Log), "{channel:?}");
        }
    }
}
