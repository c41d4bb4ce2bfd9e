//! Small parts that several panes and dialogs are made of.

mod bar;
mod beyond;
mod card;
mod frame;
mod lines;
mod message;
mod row;
mod sparkline;
mod table;

pub(super) use bar::{push_bar, push_growing_bar};
pub(super) use beyond::beyond;
pub(super) use card::{CardRow, card};
pub(super) use frame::{dialog, hint_line, pane, reading_width};
pub(super) use lines::{line_at, line_from_bottom, stack};
pub(super) use message::message;
pub(super) use row::{Row, cursor_mark, fit, paragraph, width, wrapped};
pub(super) use sparkline::{push_chart_row, push_sparkline};
pub(super) use table::Table;
