//! The pure rules, each held against tables of examples and against properties.
#![cfg(test)]

mod selection;
mod worlds;
