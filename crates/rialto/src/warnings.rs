//! Warnings that peers can provoke: enough to see what is wrong, too few to fill a disk.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Counts the warnings of one kind: ten in a minute are worth it.
#[derive(Default)]
pub(crate) struct Warnings {
    /// The minute, and how many there were in it.
    state: AtomicU64,
}

impl Warnings {
    const MOST: u32 = 10;

    /// Whether one more is to be said; what is not can go to a lower level.
    pub(crate) fn due(&self) -> bool {
        static START: OnceLock<Instant> = OnceLock::new();
        self.due_at(START.get_or_init(Instant::now).elapsed())
    }

    fn due_at(&self, time: Duration) -> bool {
        let minute = time.as_secs() / 60;
        let count = |state: u64| state & u64::from(u32::MAX);
        let next = |state: u64| {
            let same = state >> 32 == minute && state != 0;
            Some(if same {
                (state + 1).min(minute << 32 | u64::from(u32::MAX))
            } else {
                minute << 32 | 1
            })
        };
        let before = self.state.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
        let now = next(before.unwrap_or_else(|state| state)).map_or(0, count);
        now <= u64::from(Self::MOST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_are_due_in_each_minute() {
        let warnings = Warnings::default();
        for start in [0, 60, 61 * 60] {
            let time = Duration::from_secs(start);
            let said = (0..50).filter(|n| warnings.due_at(time + Duration::from_secs(*n))).count();
            assert_eq!(said, 10, "from second {start}");
        }
    }
}
