//! What the pages with many visitors share: answers in words, and a pace.

use serde::Serialize;
use std::time::{Duration, Instant};

/// An acknowledgement: `{ok: true, ..}` or `{ok: false, reason}`.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Answer<T> {
    Done {
        ok: bool,
        #[serde(flatten)]
        value: T,
    },
    Refused {
        ok: bool,
        reason: String,
    },
}

impl<T> From<rialto::Result<T>> for Answer<T> {
    fn from(result: rialto::Result<T>) -> Self {
        match result {
            Ok(value) => Self::Done { ok: true, value },
            Err(error) => Self::Refused { ok: false, reason: error.to_string() },
        }
    }
}

/// An acknowledgement that says nothing but `{ok: true}`.
#[derive(Debug, Serialize)]
pub(super) struct Nothing {}

/// How much one connection may ask for in ten seconds, so that nobody crowds out the others.
#[derive(Debug)]
pub(super) struct Pace {
    allowance: u32,
    used: u32,
    opened: Instant,
}

impl Pace {
    const WINDOW: Duration = Duration::from_secs(10);

    /// So many events in each window; a window opens with the first event in it.
    pub(super) fn new(allowance: u32) -> Self {
        Self { allowance, used: 0, opened: Instant::now() }
    }

    /// Counts an event.
    ///
    /// # Errors
    /// If it is one too many.
    pub(super) fn take(&mut self) -> rialto::Result {
        self.take_at(Instant::now())
    }

    fn take_at(&mut self, now: Instant) -> rialto::Result {
        if self.used == 0 || now.duration_since(self.opened) >= Self::WINDOW {
            self.opened = now;
            self.used = 0;
        }
        if self.used == self.allowance {
            return Err("too fast: wait a moment".into());
        }
        self.used += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_opens_with_its_first_event_and_holds_its_allowance() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut pace = Pace::new(2);
        assert!(pace.take_at(at(5_000)).is_ok());
        assert!(pace.take_at(at(14_000)).is_ok());
        let refused = pace.take_at(at(14_999)).map_err(|error| error.to_string());
        assert_eq!(refused, Err("too fast: wait a moment".to_owned()));
        assert!(pace.take_at(at(15_000)).is_ok());
        assert!(pace.take_at(at(15_001)).is_ok());
        assert!(pace.take_at(at(24_999)).is_err());
    }
}
