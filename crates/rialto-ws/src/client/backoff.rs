//! How long to wait before the next attempt: a rule, without a clock.

use std::time::Duration;

/// The pauses between attempts to connect: each longer than the one before, up to a limit, and
/// scattered, so that the clients of a server that restarts do not return in one moment.
///
/// ```
/// use rialto_ws::Backoff;
/// use std::time::Duration;
/// let backoff = Backoff::default().initial(Duration::from_millis(200)).jitter(0.0);
/// assert_eq!(backoff.delay(1, 0.5), Duration::from_millis(200));
/// assert_eq!(backoff.delay(2, 0.5), Duration::from_millis(400));
/// assert_eq!(backoff.delay(100, 0.5), Duration::from_secs(30));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Backoff {
    /// The pause after the first failure. Default 1 s.
    pub initial: Duration,
    /// The longest pause, jitter included. Default 30 s.
    pub max: Duration,
    /// By what each further failure multiplies the pause. Default 2; less than 1 counts as 1.
    pub factor: f64,
    /// Which part of a pause chance decides, from 0 to 1. Default 0.5: a pause of 4 s becomes
    /// one between 2 s and 6 s.
    pub jitter: f64,
    /// Attempts in a row that may fail before the error is handed out. Default `None`: no end.
    pub max_attempts: Option<u32>,
    /// The longest pause that a server may ask for by `Retry-After`. Default 10 min.
    pub max_retry_after: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            initial: Duration::from_secs(1),
            max: Duration::from_secs(30),
            factor: 2.0,
            jitter: 0.5,
            max_attempts: None,
            max_retry_after: Duration::from_secs(600),
        }
    }
}

impl Backoff {
    /// Sets [`Backoff::initial`].
    #[must_use]
    pub fn initial(mut self, pause: Duration) -> Self {
        self.initial = pause;
        self
    }

    /// Sets [`Backoff::max`].
    #[must_use]
    pub fn max(mut self, pause: Duration) -> Self {
        self.max = pause;
        self
    }

    /// Sets [`Backoff::factor`].
    #[must_use]
    pub fn factor(mut self, factor: f64) -> Self {
        self.factor = factor;
        self
    }

    /// Sets [`Backoff::jitter`].
    #[must_use]
    pub fn jitter(mut self, part: f64) -> Self {
        self.jitter = part;
        self
    }

    /// Sets [`Backoff::max_attempts`].
    #[must_use]
    pub fn max_attempts(mut self, count: u32) -> Self {
        self.max_attempts = Some(count);
        self
    }

    /// Sets [`Backoff::max_retry_after`].
    #[must_use]
    pub fn max_retry_after(mut self, pause: Duration) -> Self {
        self.max_retry_after = pause;
        self
    }

    /// The pause after so many failures in a row; `chance` is a random number from 0 to 1.
    /// None after no failure.
    #[must_use]
    pub fn delay(&self, failures: u32, chance: f64) -> Duration {
        if failures == 0 {
            return Duration::ZERO;
        }
        let exponent = i32::try_from(failures - 1).unwrap_or(i32::MAX);
        let grown = self.initial.as_secs_f64() * self.factor.max(1.0).powi(exponent);
        // Bounded before the jitter too, or the limit would swallow all of it.
        let grown = grown.min(self.max.as_secs_f64());
        let part = self.jitter.clamp(0.0, 1.0);
        let scattered = grown * (1.0 + part * (2.0 * chance.clamp(0.0, 1.0) - 1.0));
        Duration::try_from_secs_f64(scattered).unwrap_or(self.max).min(self.max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: fn(u64) -> Duration = Duration::from_secs;

    #[test]
    fn pauses_grow_to_their_limit() {
        let backoff = Backoff::default();
        let pauses: Vec<_> = (0..8).map(|failures| backoff.delay(failures, 0.5)).collect();
        assert_eq!(pauses, [S(0), S(1), S(2), S(4), S(8), S(16), S(30), S(30)]);
        assert_eq!(backoff.delay(u32::MAX, 0.5), S(30));
    }

    #[test]
    fn chance_scatters_around_the_pause_and_never_beyond_the_limit() {
        let backoff = Backoff::default();
        assert_eq!(backoff.delay(3, 0.0), S(2));
        assert_eq!(backoff.delay(3, 1.0), S(6));
        assert_eq!(backoff.delay(9, 0.0), S(15));
        assert_eq!(backoff.delay(9, 1.0), S(30));
        assert_eq!(backoff.clone().jitter(7.0).delay(1, 0.0), S(0));
        assert_eq!(backoff.clone().jitter(-1.0).delay(1, 0.0), S(1));
    }

    #[test]
    fn odd_numbers_do_no_harm() {
        let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -3.0, 0.0, f64::MAX];
        for factor in odd {
            for jitter in odd {
                let backoff = Backoff::default().factor(factor).jitter(jitter);
                for failures in [0, 1, 2, 1_000, u32::MAX] {
                    assert!(backoff.delay(failures, 0.7) <= S(30), "{backoff:?} {failures}");
                }
            }
        }
        let still = Backoff::default().factor(0.1);
        assert_eq!(still.delay(5, 0.5), S(1));
    }
}
