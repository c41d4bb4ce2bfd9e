//! How budgets are written, wherever their bars stand.

use ratatui::style::{Modifier, Style};

use crate::domain::project::Resource;
use crate::domain::quota::{Amount, Certainty, Tier};
use crate::ui::theme::Theme;

/// Returns the colour of what is in a tier.
pub(in crate::ui) fn style_of(tier: Tier, theme: &Theme) -> Style {
    match tier {
        Tier::Unlimited | Tier::Ok => theme.gauge,
        Tier::Unknown => theme.stale,
        Tier::Warn | Tier::Throttle => theme.warning,
        Tier::Emergency => theme.critical,
    }
}

/// Returns the colour of a bar in a tier; reversed, as without colours, a full bar would look empty.
pub(in crate::ui) fn bar_style_of(tier: Tier, theme: &Theme) -> Style {
    style_of(tier, theme).remove_modifier(Modifier::REVERSED)
}

/// Returns the mark of a tier that is over its budget, so that colour does not tell it alone.
pub(in crate::ui) fn tier_mark(tier: Tier, theme: &Theme) -> Option<(&'static str, Style)> {
    let (mark, ascii) = match tier {
        Tier::Unlimited | Tier::Ok | Tier::Unknown => return None,
        Tier::Warn | Tier::Throttle => ("△", "-"),
        Tier::Emergency => ("▲", "!"),
    };
    let mark = if theme.unicode { mark } else { ascii };
    Some((mark, style_of(tier, theme)))
}

/// Shortens a resource's key so that the bars begin in one column.
pub(in crate::ui) fn resource_label(resource: Resource) -> &'static str {
    match resource {
        Resource::CpuHours => "cpu_hours",
        Resource::MemoryGbHours => "mem_gb_h",
        Resource::StorageGb => "storage",
        Resource::NetworkGb => "network",
    }
}

/// Writes an amount with its sign; without Unicode the lower bound is `>=`.
pub(in crate::ui) fn amount(amount: Amount, unicode: bool) -> String {
    let Some(value) = amount.value() else {
        return "?".to_owned();
    };
    let lower_bound = amount.certainty() == Certainty::AtLeast;
    let sign = if lower_bound && !unicode {
        ">="
    } else {
        amount.certainty().sign()
    };
    format!("{sign}{}", short(value))
}

/// Writes an amount with a digit behind the point only where it says something.
pub(in crate::ui) fn short(value: f64) -> String {
    match value {
        small if small < 10.0 => format!("{:.1}", (small * 10.0).round() / 10.0)
            .trim_end_matches(".0")
            .to_owned(),
        value => format!("{value:.0}"),
    }
}
