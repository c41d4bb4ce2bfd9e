//! Progress as it can be read from the lines of a task's log.
//!
//! Proxmox reports no progress of its own; some tasks print figures (API.md §5, PITFALLS 25).

/// What one log line tells about the progress of its task.
#[derive(Debug, Clone, PartialEq)]
pub enum LineProgress {
    /// A drive's copy begins; the figures that follow are this drive's.
    DriveBegins(String),
    /// A share of the present drive, or of everything, is done.
    Fraction(f64),
    /// So much has been written, of an unknown whole (`1.50 GiB in 3s`).
    Written(String),
}

/// Reads what a log line tells about progress, if it does.
pub fn read_line(line: &str) -> Option<LineProgress> {
    if let Some(rest) = line.strip_prefix("create full clone of drive ") {
        let drive = rest.split_whitespace().next()?;
        return Some(LineProgress::DriveBegins(drive.to_owned()));
    }
    if let Some(rest) = line.strip_prefix("INFO:") {
        let percent = rest.trim_start().split_once('%')?.0;
        return fraction(percent);
    }
    if line.contains("transferred ") && line.contains(" of ") {
        let (_, rest) = line.rsplit_once('(')?;
        let (percent, _) = rest.split_once('%')?;
        return fraction(percent);
    }
    let (amount, seconds) = line.split_once(" in ")?;
    let is_time = seconds
        .strip_suffix('s')
        .is_some_and(|digits| digits.parse::<u64>().is_ok());
    let (number, unit) = amount.split_once(' ')?;
    let is_size =
        number.parse::<f64>().is_ok() && matches!(unit, "B" | "KiB" | "MiB" | "GiB" | "TiB");
    (is_time && is_size).then(|| LineProgress::Written(amount.to_owned()))
}

fn fraction(percent: &str) -> Option<LineProgress> {
    let percent: f64 = percent.trim().parse().ok()?;
    (0.0..=100.0)
        .contains(&percent)
        .then_some(LineProgress::Fraction(percent / 100.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pitfall_25_progress_is_read_per_drive_in_both_spellings() {
        assert_eq!(
            read_line("create full clone of drive scsi0 (vmstore:101/vm-101-disk-0.qcow2)"),
            Some(LineProgress::DriveBegins("scsi0".into()))
        );
        let offline = read_line("transferred 1.2 GiB of 32.0 GiB (3.75%)");
        assert_eq!(offline, Some(LineProgress::Fraction(0.0375)));
        let live = read_line("drive-scsi0: transferred 1.2 GiB of 32.0 GiB (3.75%) in 5s, ready");
        assert_eq!(live, Some(LineProgress::Fraction(0.0375)));
    }

    #[test]
    fn the_state_of_memory_reports_how_much_was_written() {
        assert_eq!(
            read_line("1.50 GiB in 3s"),
            Some(LineProgress::Written("1.50 GiB".into()))
        );
        assert_eq!(
            read_line("completed saving the VM state in 0s, saved 2.91 MiB"),
            None
        );
    }

    #[test]
    fn other_lines_tell_nothing() {
        for line in [
            "TASK OK",
            "",
            "transferred of (",
            "x in ys",
            "INFO: starting",
            "transferred 1 of 2 (999%)",
        ] {
            assert_eq!(read_line(line), None, "{line}");
        }
    }
}
