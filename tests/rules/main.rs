//! The pure rules, each held against tables of examples and against properties.
#![cfg(test)]

mod brackets;
mod limit_tracker;
mod limits;
mod projects;
mod quota;
mod retention;
mod retention_properties;
mod selection;
mod worlds;
