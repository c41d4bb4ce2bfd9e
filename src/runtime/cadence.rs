//! How often the server is asked; pure, so that the promise of SPEC §1.1 can be tested.

use std::time::Duration;

/// The longest pause after failures.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Returns the pause before the next reading.
///
/// A slow server is asked less often: twice the time that its last answer took is added. After
/// failures the pause doubles, up to a minute.
pub fn pause(interval: Duration, took: Duration, failures: u32) -> Duration {
    let calm = interval.saturating_add(took.saturating_mul(2));
    if failures == 0 {
        return calm;
    }
    let doubled = interval.saturating_mul(1 << failures.min(10));
    doubled.min(LONGEST_PAUSE).max(interval)
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(5);

    #[test]
    fn a_slow_server_is_asked_less_often() {
        assert_eq!(pause(INTERVAL, Duration::ZERO, 0), INTERVAL);
        assert_eq!(
            pause(INTERVAL, Duration::from_secs(3), 0),
            Duration::from_secs(11)
        );
    }

    #[test]
    fn failures_lengthen_the_pause_up_to_a_minute() {
        let pauses: Vec<u64> = (1..6)
            .map(|failures| pause(INTERVAL, Duration::ZERO, failures).as_secs())
            .collect();
        assert_eq!(pauses, [10, 20, 40, 60, 60]);
        assert_eq!(
            pause(Duration::from_secs(300), Duration::ZERO, 3),
            Duration::from_secs(300)
        );
        assert_eq!(
            pause(INTERVAL, Duration::MAX, u32::MAX),
            Duration::from_secs(60)
        );
    }
}
