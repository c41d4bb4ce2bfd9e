//! The log of a task.

use ratatui::Frame;
use ratatui::text::Line;

use crate::app::State;
use crate::app::dialogs::LogView;
use crate::domain::task::TaskState;
use crate::ui::theme::Theme;
use crate::ui::viewport::Viewport;
use crate::ui::widgets::{dialog, fit, hint_line, line_from_bottom, stack};

pub(super) fn draw(
    frame: &mut Frame<'_>,
    log: &LogView,
    state: &State,
    theme: &Theme,
    viewport: &mut Viewport,
) {
    let screen = frame.area();
    let upid = &log.upid;
    let title = format!(
        "{} {} on {} by {}",
        upid.kind(),
        upid.id(),
        upid.node(),
        upid.user()
    );
    let inner = dialog(
        frame,
        screen.width.saturating_sub(6).min(130),
        screen.height.saturating_sub(4),
        &title,
        theme,
    );
    let columns = usize::from(inner.width);
    let height = usize::from(inner.height).saturating_sub(3);
    viewport.page = height;
    // Scrolled to the very top, the first page is full all the same.
    let back = log.back.min(log.lines.len().saturating_sub(height));
    let end = log.lines.len() - back;
    let shown = &log.lines[end.saturating_sub(height)..end];
    let lines = shown.iter().map(|line| {
        let text = line.to_string();
        let style = if text.starts_with("TASK ERROR") {
            theme.critical
        } else if text.starts_with("TASK WARNINGS") || text.starts_with("WARN") {
            theme.warning
        } else if text == "TASK OK" {
            theme.ok
        } else {
            theme.text
        };
        Line::styled(fit(&text, columns, theme.unicode), style)
    });
    stack(frame, inner, lines);
    let (status, style) = match (&log.failure, &log.state) {
        (Some(failure), _) => (failure.to_string(), theme.critical),
        (None, None) => ("reading…".to_owned(), theme.dim),
        (None, Some(TaskState::Running)) => {
            let took = (state.server_time() - upid.started())
                .to_std()
                .unwrap_or_default();
            (
                format!("running for {}", crate::ui::format::elapsed(took)),
                theme.accent,
            )
        }
        (None, Some(ended)) if ended.is_success() => (format!("ended: {ended}"), theme.ok),
        (None, Some(ended)) => (format!("ended: {ended}"), theme.critical),
    };
    let status = fit(
        &format!("{status}{}", remarks(log, back)),
        columns,
        theme.unicode,
    );
    frame.render_widget(Line::styled(status, style), line_from_bottom(inner, 1));
    let hints = [
        ("j k", "scroll"),
        ("G", "end"),
        ("y", "copy"),
        ("Esc", "close"),
    ];
    frame.render_widget(
        hint_line(&hints, columns, theme),
        line_from_bottom(inner, 0),
    );
}

/// Says what of the log is not on screen, and what is not read or no longer kept.
fn remarks(log: &LogView, back: usize) -> String {
    let has_ended = matches!(&log.state, Some(state) if !state.is_running());
    let reads_on = has_ended && log.failure.is_none() && !log.is_whole();
    let remarks = [
        reads_on.then(|| "   reading on…".to_owned()),
        (back > 0).then(|| format!("   {back} more lines below")),
        (log.left_out > 0).then(|| format!("   the first {} lines are not kept", log.left_out)),
    ];
    remarks.into_iter().flatten().collect()
}
