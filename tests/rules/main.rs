//! The pure rules, each held against tables of examples and against properties.
#![cfg(test)]

mod admission;
mod alerts;
mod brackets;
mod creation;
mod creation_calls;
mod creation_places;
mod creation_properties;
mod creation_world;
mod enforcement;
mod enforcement_properties;
mod limit_tracker;
mod limits;
mod network;
mod network_passage;
mod network_properties;
mod network_server;
mod notifications;
mod plan_files;
mod projects;
mod quota;
mod retention;
mod retention_properties;
mod selection;
mod throttle;
mod usage;
mod usage_frames;
mod usage_ledger;
mod usage_properties;
mod usage_readings;
mod usage_sums;
mod worlds;
