//! A keyboard-driven terminal dashboard for Proxmox VE.

pub mod app;
pub mod cli;
pub mod config;
pub mod domain;
pub mod operations;
pub mod proxmox;
pub mod runtime;
pub mod simulator;
pub mod ui;
