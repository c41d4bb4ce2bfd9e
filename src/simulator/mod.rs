//! A small Proxmox VE for demos and tests.
