//! How many events of a connection are read in a second: a token bucket. Time is an argument.

use crate::options::Options;
use std::time::{Duration, Instant};

/// The pace of one connection; nothing where it is not limited.
#[derive(Default)]
pub(super) struct Pace(Option<Box<Bucket>>);

/// It is not the tokens that are counted, but when the bucket will be full again: each event moves
/// that moment on, and the bucket is empty while it is a whole burst away.
struct Bucket {
    /// Time in which one token comes.
    interval: Duration,
    /// How far away `full` may be for one more event.
    slack: Duration,
    full: Instant,
    /// When the next event may come; `None` while one may.
    paused: Option<Instant>,
}

impl Pace {
    pub(super) fn new(options: &Options, now: Instant) -> Self {
        let Some(rate) = options.max_events_per_second else { return Self(None) };
        let burst = options.max_event_burst.unwrap_or(rate);
        let interval = Duration::from_secs(1) / rate.max(1);
        let slack = interval.saturating_mul(burst.saturating_sub(1));
        Self(Some(Box::new(Bucket { interval, slack, full: now, paused: None })))
    }

    /// An event has come.
    pub(super) fn take(&mut self, now: impl FnOnce() -> Instant) {
        let Some(bucket) = &mut self.0 else { return };
        let now = now();
        bucket.full = bucket.full.max(now) + bucket.interval;
        let next = bucket.full.checked_sub(bucket.slack);
        bucket.paused = next.filter(|next| *next > now);
    }

    /// Whether a further event may come.
    pub(super) fn is_open(&self) -> bool {
        self.paused().is_none()
    }

    /// When one may, if not now.
    pub(super) fn paused(&self) -> Option<Instant> {
        self.0.as_ref().and_then(|bucket| bucket.paused)
    }

    /// Time has passed.
    pub(super) fn go_on(&mut self, now: Instant) {
        if let Some(bucket) = &mut self.0 {
            bucket.paused = bucket.paused.filter(|next| *next > now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(rate: u32, burst: Option<u32>, now: Instant) -> Pace {
        let mut options = Options::default().max_events_per_second(rate);
        options.max_event_burst = burst;
        Pace::new(&options, now)
    }

    /// Takes what may come at this moment.
    fn take_all(pace: &mut Pace, now: Instant) -> u32 {
        pace.go_on(now);
        let mut taken = 0;
        while pace.is_open() && taken < 1_000 {
            pace.take(|| now);
            taken += 1;
        }
        taken
    }

    #[test]
    fn a_burst_passes_and_then_one_for_each_interval() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut pace = pace(10, Some(5), start);
        assert_eq!(take_all(&mut pace, start), 5);
        assert_eq!(pace.paused(), Some(at(100)));
        assert_eq!(take_all(&mut pace, at(99)), 0);
        assert_eq!(take_all(&mut pace, at(100)), 1);
        assert_eq!(take_all(&mut pace, at(350)), 2);
        assert_eq!(take_all(&mut pace, at(400)), 1, "half a token was left");
        assert_eq!(take_all(&mut pace, at(99_000)), 5, "no more gathers than a burst");
    }

    #[test]
    fn a_burst_is_a_second_unless_it_is_set_and_without_a_rate_there_is_none() {
        let now = Instant::now();
        assert_eq!(take_all(&mut pace(10, None, now), now), 10);
        assert_eq!(take_all(&mut pace(10, Some(1), now), now), 1);
        assert_eq!(take_all(&mut pace(10, Some(0), now), now), 1);
        assert_eq!(take_all(&mut Pace::new(&Options::default(), now), now), 1_000);
        assert_eq!(take_all(&mut pace(u32::MAX, Some(u32::MAX), now), now), 1_000);
    }
}
