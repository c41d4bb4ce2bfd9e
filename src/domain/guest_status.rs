//! A guest seen close up: what its own node says of it at this moment.
//!
//! Its processor figure is kept but not to be shown: each of the server's workers averages since
//! it last looked itself (PITFALLS 15). The resource list has a better one.

use std::time::Duration;

use super::guest::Status;
use super::rates::Counters;
use super::text::Text;

/// The answer of `status/current`; everything may be missing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GuestStatus {
    /// Its run state: QEMU's own word where there is one, because `running` covers paused guests.
    pub status: Option<Status>,
    /// Processor use since the answering worker last looked; not to be believed (PITFALLS 15).
    pub cpu: Option<f64>,
    /// Its cores.
    pub cpus: Option<f64>,
    /// Memory in use, in bytes.
    pub memory: Option<u64>,
    /// Memory that it may use, in bytes.
    pub max_memory: Option<u64>,
    /// Memory that the host spends on it, in bytes.
    pub host_memory: Option<u64>,
    /// Memory that it says is free, in bytes.
    pub free_memory: Option<u64>,
    /// Memory that the balloon leaves it, in bytes.
    pub balloon: Option<u64>,
    /// The least that the balloon may leave it, in bytes.
    pub balloon_min: Option<u64>,
    /// What the balloon driver inside reports.
    pub balloon_report: Option<BalloonReport>,
    /// Disk space in use, in bytes; containers only.
    pub disk: Option<u64>,
    /// Size of its boot or root disk, in bytes.
    pub max_disk: Option<u64>,
    /// What it moved since its process started.
    pub counters: Counters,
    /// Its drives, in the order of their names.
    pub drives: Vec<Drive>,
    /// Its network cards, in the order of their names.
    pub cards: Vec<Card>,
    /// How long its process has run.
    pub uptime: Option<Duration>,
    /// The lock in its configuration.
    pub lock: Option<Text>,
    /// How long its processes waited lately (PVE 9).
    pub pressure: Pressure,
    /// Whether high availability manages it.
    pub ha_managed: Option<bool>,
    /// Its state under high availability.
    pub ha_state: Option<Text>,
    /// The machine type that runs.
    pub machine: Option<Text>,
    /// The version of QEMU that runs.
    pub qemu: Option<Text>,
    /// Whether the guest agent is configured.
    pub agent: Option<bool>,
}

/// What the balloon driver inside a guest reports, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BalloonReport {
    /// Memory that the balloon leaves the guest.
    pub actual: Option<u64>,
    /// Memory that it could leave.
    pub most: Option<u64>,
    /// Memory that the guest's system counts.
    pub total: Option<u64>,
    /// Memory that the guest's system calls free.
    pub free: Option<u64>,
}

/// A drive and what it moved since the guest's process started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drive {
    /// Its name, as `scsi0`.
    pub name: Text,
    /// Bytes read.
    pub read: Option<u64>,
    /// Bytes written.
    pub written: Option<u64>,
}

/// A network card and what it moved since the guest's process started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// Its name on the host, as `tap104i0`.
    pub name: Text,
    /// Bytes received by the guest.
    pub net_in: Option<u64>,
    /// Bytes sent by the guest.
    pub net_out: Option<u64>,
}

/// The percentage of the last 10 s in which processes waited for something.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Pressure {
    /// Some waited for a processor.
    pub cpu: Option<f64>,
    /// Some waited for a disk.
    pub io: Option<f64>,
    /// Some waited for memory.
    pub memory: Option<f64>,
    /// All waited for a processor.
    pub cpu_full: Option<f64>,
    /// All waited for a disk.
    pub io_full: Option<f64>,
    /// All waited for memory.
    pub memory_full: Option<f64>,
}

impl GuestStatus {
    /// Tells whether the memory figure is the host's view and not the guest's own (SPEC §5.6).
    pub fn memory_is_host_view(&self) -> bool {
        let reports = self.free_memory.is_some()
            || self
                .balloon_report
                .is_some_and(|report| report.free.is_some());
        let (Some(memory), Some(host)) = (self.memory, self.host_memory) else {
            return false;
        };
        !reports && memory > 0 && memory >= host
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pitfall_16_memory_is_the_host_s_view_unless_the_balloon_driver_reports() {
        let mut status = GuestStatus {
            memory: Some(145_989_632),
            max_memory: Some(67_108_864),
            host_memory: Some(145_989_632),
            ..GuestStatus::default()
        };
        assert!(status.memory_is_host_view());
        status.free_memory = Some(1);
        assert!(!status.memory_is_host_view());
        assert!(!GuestStatus::default().memory_is_host_view());
    }
}
