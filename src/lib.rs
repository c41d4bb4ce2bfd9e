//! A keyboard-driven terminal dashboard for Proxmox VE.

pub mod config;
pub mod domain;
pub mod simulator;
