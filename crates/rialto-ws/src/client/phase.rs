//! The parts of connecting, each with a time limit of its own and a name in errors.

use crate::error::{Error, Result};
use std::future::Future;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;
use tokio::time::timeout;

/// A part of connecting to a server, in order; see [`Connect::time_limit`](crate::Connect).
///
/// An error of kind [`is_timeout`](crate::Error::is_timeout) names the part in which it happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// Finding the addresses of a host name (the proxy's, where there is one).
    Resolve,
    /// Connecting to one of them, all of them tried.
    Connect,
    /// The way through a proxy, TLS with an `https://` proxy included.
    Proxy,
    /// The TLS handshake with the server.
    Tls,
    /// The opening handshake (RFC 6455 §4): the request and its answer.
    Handshake,
}

impl Phase {
    const ALL: [Self; 5] = [Self::Resolve, Self::Connect, Self::Proxy, Self::Tls, Self::Handshake];

    fn name(self) -> &'static str {
        match self {
            Self::Resolve => "resolving the host name",
            Self::Connect => "connecting",
            Self::Proxy => "the way through the proxy",
            Self::Tls => "the TLS handshake",
            Self::Handshake => "the opening handshake",
        }
    }

    fn index(self) -> u8 {
        self as u8
    }
}

/// A limit for each phase; none but the total's where nothing was set.
#[derive(Clone, Debug, Default)]
pub(crate) struct Limits([Option<Duration>; Phase::ALL.len()]);

impl Limits {
    pub(crate) fn set(&mut self, phase: Phase, time: Duration) {
        if let Some(slot) = self.0.get_mut(usize::from(phase.index())) {
            *slot = Some(time);
        }
    }

    fn get(&self, phase: Phase) -> Option<Duration> {
        self.0.get(usize::from(phase.index())).copied().flatten()
    }
}

/// Where an attempt stands, so that the limit of the whole can say what it interrupted.
#[derive(Debug)]
pub(crate) struct Progress {
    limits: Limits,
    phase: AtomicU8,
}

impl Progress {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, phase: AtomicU8::new(Phase::Resolve.index()) }
    }

    /// Runs a phase within its limit.
    pub(crate) async fn during<T>(
        &self,
        phase: Phase,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        self.phase.store(phase.index(), Ordering::Relaxed);
        match self.limits.get(phase) {
            None => work.await,
            Some(limit) => match timeout(limit, work).await {
                Ok(result) => result,
                Err(_) => Err(Error::timeout(phase.name())),
            },
        }
    }

    /// Runs the whole within the total; its error names the phase that was under way.
    pub(crate) async fn within<T>(
        &self,
        total: Duration,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        match timeout(total, work).await {
            Ok(result) => result,
            Err(_) => {
                let index = self.phase.load(Ordering::Relaxed);
                let phase = Phase::ALL.into_iter().find(|phase| phase.index() == index);
                Err(Error::timeout(phase.unwrap_or(Phase::Handshake).name()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;

    const LIMIT: Duration = Duration::from_secs(3);

    #[tokio::test(start_paused = true)]
    async fn each_phase_ends_at_its_own_limit_by_its_own_name() {
        let mut names = Vec::new();
        for phase in Phase::ALL {
            let mut limits = Limits::default();
            limits.set(phase, LIMIT);
            let progress = Progress::new(limits);
            let error = progress.during(phase, pending::<Result>()).await.unwrap_err();
            assert!(error.is_timeout() && error.to_string().ends_with(phase.name()), "{error}");
            // Another phase is not bounded by it, but by the whole.
            let other = if phase == Phase::Tls { Phase::Handshake } else { Phase::Tls };
            let whole = progress.within(LIMIT * 2, progress.during(other, pending::<Result>()));
            let error = whole.await.unwrap_err();
            assert!(error.is_timeout() && error.to_string().ends_with(other.name()), "{error}");
            names.push(phase.name());
        }
        names.dedup();
        assert_eq!(names.len(), Phase::ALL.len());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_done_in_time_is_not_disturbed() {
        let progress = Progress::new(Limits::default());
        let work = async {
            tokio::time::sleep(LIMIT).await;
            Ok(())
        };
        progress.within(LIMIT * 2, progress.during(Phase::Connect, work)).await.unwrap();
    }
}
