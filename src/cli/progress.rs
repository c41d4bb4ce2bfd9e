//! How far work is, on stderr: a bar for a person at a terminal, plain lines for a log.

use std::fmt::Display;

use indicatif::{ProgressBar, ProgressStyle};

use super::output::{Output, stderr_is_terminal};
use super::setup::{color_depth, is_unicode};
use crate::config::environment::Environment;
use crate::domain::text::clean;
use crate::ui::ColorDepth;

/// How often the bar moves by itself, so that a person sees that it is alive.
const BEAT: std::time::Duration = std::time::Duration::from_millis(120);

/// The progress of one piece of work.
pub(super) struct Progress<'a> {
    output: &'a Output,
    label: String,
    bar: Option<ProgressBar>,
    last: String,
}

impl<'a> Progress<'a> {
    /// Begins to show work that reports shares and lines.
    pub(super) fn of_work(output: &'a Output, environment: &Environment, label: String) -> Self {
        let bar = is_watched(environment).then(|| {
            let bar = ProgressBar::new(1000);
            bar.set_style(style(
                environment,
                "{spinner} {prefix} {wide_msg} {elapsed}",
            ));
            bar.set_prefix(label.clone());
            bar.enable_steady_tick(BEAT);
            bar
        });
        Self {
            output,
            label,
            bar,
            last: String::new(),
        }
    }

    /// Begins to show how many of a number of readings have come.
    pub(super) fn of_readings(
        output: &'a Output,
        environment: &Environment,
        label: &str,
        count: usize,
        things: &str,
    ) -> Self {
        let bar = is_watched(environment).then(|| {
            let bar = ProgressBar::new(count as u64);
            bar.set_style(style(environment, "{prefix} {wide_bar} {pos}/{len}"));
            bar.set_prefix(label.to_owned());
            bar
        });
        if bar.is_none() && count > 1 {
            output.note(format_args!("{label} of {count} {things}"));
        }
        Self {
            output,
            label: label.to_owned(),
            bar,
            last: String::new(),
        }
    }

    /// One more reading has come.
    pub(super) fn advance(&self) {
        if let Some(bar) = &self.bar {
            bar.inc(1);
        }
    }

    /// Tells the next step, or the last line of a log, with the share that is done.
    pub(super) fn tell(&mut self, fraction: Option<f64>, line: impl Display) {
        let line = clean(&line.to_string());
        let share = fraction.map(|fraction| format!("{:.0}%  ", fraction * 100.0));
        let text = format!("{}{line}", share.unwrap_or_default());
        if text == self.last {
            return;
        }
        match &self.bar {
            Some(bar) => bar.set_message(text.clone()),
            None => self.output.note(format_args!("{}: {text}", self.label)),
        }
        self.last = text;
    }

    /// Says something that stays, above the bar where there is one.
    pub(super) fn note(&self, text: impl Display) {
        match &self.bar {
            Some(bar) => bar.suspend(|| self.output.note(text)),
            None => self.output.note(text),
        }
    }

    /// Leaves nothing behind on a terminal.
    pub(super) fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}

fn is_watched(environment: &Environment) -> bool {
    stderr_is_terminal() && environment.get("TERM") != Some("dumb")
}

fn style(environment: &Environment, template: &str) -> ProgressStyle {
    let colored = color_depth(environment) != ColorDepth::None;
    let template = if colored {
        template
            .replace("{prefix}", "{prefix:.bold}")
            .replace("{wide_bar}", "{wide_bar:.cyan}")
    } else {
        template.to_owned()
    };
    // A template of ours that could not be read would only cost the looks.
    let style =
        ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
    if is_unicode(environment) {
        style.progress_chars("█▌ ")
    } else {
        style.progress_chars("#> ").tick_chars("-\\|/ ")
    }
}
