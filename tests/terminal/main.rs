//! The real program in a pseudo-terminal: what a person sees, types, and is left with.
//!
//! It refuses to know anything of the program but its command line, its keys and its screen.
#![cfg(test)]

mod breaking;
mod dashboard;
mod ending;
mod harness;
mod journey;
mod keeping;
mod resizing;
