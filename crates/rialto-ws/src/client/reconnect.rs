//! Connections that are made again: when, how often, and after which errors.

use super::backoff::Backoff;
use super::connect::Connect;
use super::messages::Messages;
use crate::error::{Error, Result};
use crate::io::random;
use crate::socket::WebSocket;
use http::{StatusCode, header};
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, SystemTime};
use tokio::time::{Instant, Sleep, sleep};

/// How long a connection has to last to count as a success. See [`Reconnect::stable_after`].
const STABLE: Duration = Duration::from_secs(10);

type Make = Box<dyn FnMut(u32) -> Connect + Send>;
type Decide = Box<dyn Fn(&Error) -> bool + Send>;
type Notice = Box<dyn FnMut(&Error, Duration) + Send>;

/// How a lost connection is made again. [`Reconnect::connections`] yields one connection after
/// the other, [`Reconnect::messages`] the messages of all of them.
///
/// Nothing is sent again by itself: what was under way when a connection broke may have arrived
/// or not, and only the application knows what to do about that.
///
/// ```no_run
/// # async fn example() -> rialto_ws::Result<()> {
/// use rialto_ws::Connect;
/// let mut connections = Connect::new("wss://feed.example/").reconnect().connections();
/// loop {
///     let mut socket = connections.next().await?;
///     socket.send("subscribe").await?;
///     while let Ok(Some(message)) = socket.recv().await {
///         println!("{message}");
///     }
/// }
/// # }
/// ```
///
/// # Which errors end it
/// By default, those that waiting does not mend: a URL or header field that cannot be used, and
/// answers below 500 except 408, 425 and 429, a proxy's included. All else (no address, no
/// connection, TLS, time limits, 5xx) is tried again after the pause that [`Backoff`] gives, or
/// the one that the server asks for by `Retry-After` if it is longer (RFC 9110 §10.2.3).
/// [`Reconnect::retry_if`] decides otherwise.
pub struct Reconnect {
    make: Make,
    backoff: Backoff,
    stable: Duration,
    retry: Decide,
    notice: Notice,
}

impl Reconnect {
    /// Makes the same connection each time.
    #[must_use]
    pub fn new(connect: Connect) -> Self {
        Self::with(move |_| connect.clone())
    }

    /// Makes what the closure gives, which is told how many attempts in a row have failed: for
    /// a fresh token, or another server each time.
    #[must_use]
    pub fn with(make: impl FnMut(u32) -> Connect + Send + 'static) -> Self {
        Self {
            make: Box::new(make),
            backoff: Backoff::default(),
            stable: STABLE,
            retry: Box::new(|error| !is_permanent(error)),
            notice: Box::new(|error, pause| tracing::debug!(?error, ?pause, "connecting failed")),
        }
    }

    /// Sets the pauses between attempts, and how many may fail.
    #[must_use]
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// How long a connection has to be used until its loss counts as the first failure again.
    /// Default 10 s. One that is lost sooner counts as a failed attempt, so that a server that
    /// accepts and throws out at once is not called without pause.
    #[must_use]
    pub fn stable_after(mut self, time: Duration) -> Self {
        self.stable = time;
        self
    }

    /// Decides after which errors another attempt is made.
    #[must_use]
    pub fn retry_if(mut self, decide: impl Fn(&Error) -> bool + Send + 'static) -> Self {
        self.retry = Box::new(decide);
        self
    }

    /// Is told of each failed attempt that is followed by another one, and after which pause.
    #[must_use]
    pub fn on_retry(mut self, notice: impl FnMut(&Error, Duration) + Send + 'static) -> Self {
        self.notice = Box::new(notice);
        self
    }

    /// Connections, one after the other.
    #[must_use]
    pub fn connections(self) -> Reconnections {
        Reconnections {
            plan: self,
            failures: 0,
            opened: None,
            asked: Duration::ZERO,
            state: State::Idle,
        }
    }

    /// The messages of one connection after the other.
    #[must_use]
    pub fn messages(self) -> Messages {
        Messages::new(self.connections())
    }
}

impl fmt::Debug for Reconnect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reconnect")
            .field("backoff", &self.backoff)
            .field("stable", &self.stable)
            .finish_non_exhaustive()
    }
}

/// One connection after the other, with pauses after failures; see [`Reconnect`].
pub struct Reconnections {
    plan: Reconnect,
    /// In a row.
    failures: u32,
    /// When the last connection was handed out.
    opened: Option<Instant>,
    /// The pause that the server has asked for.
    asked: Duration,
    state: State,
}

enum State {
    Idle,
    Waiting(Pin<Box<Sleep>>),
    Connecting(Pin<Box<dyn Future<Output = Result<WebSocket>> + Send>>),
}

impl Reconnections {
    /// The next connection: at once the first time, after a pause when the one before is lost.
    /// Call it when you are done with the one before.
    ///
    /// Cancel safe: a call that is dropped before it is ready is carried on by the next one.
    ///
    /// # Errors
    /// If an error is permanent, or [`Backoff::max_attempts`] have failed in a row; calling again
    /// makes one more attempt after the next pause.
    pub async fn next(&mut self) -> Result<WebSocket> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// [`Reconnections::next`] for hand-written futures.
    ///
    /// # Errors
    /// As [`Reconnections::next`].
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<WebSocket>> {
        loop {
            match &mut self.state {
                State::Idle => self.begin(),
                State::Waiting(pause) => {
                    ready!(pause.as_mut().poll(cx));
                    self.attempt();
                }
                State::Connecting(attempt) => {
                    let result = ready!(attempt.as_mut().poll(cx));
                    self.state = State::Idle;
                    match result {
                        Ok(socket) => {
                            self.opened = Some(Instant::now());
                            return Poll::Ready(Ok(socket));
                        }
                        Err(error) => self.failed(error)?,
                    }
                }
            }
        }
    }

    /// Attempts in a row that have failed, connections that did not last included.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// Waits if there is a reason to, else connects.
    fn begin(&mut self) {
        if let Some(opened) = self.opened.take() {
            let stable = opened.elapsed() >= self.plan.stable;
            self.failures = if stable { 1 } else { self.failures.saturating_add(1) };
        }
        if self.failures == 0 {
            return self.attempt();
        }
        let pause = self.plan.backoff.delay(self.failures, chance());
        self.wait(pause);
    }

    fn wait(&mut self, pause: Duration) {
        let pause = pause.max(std::mem::take(&mut self.asked));
        self.state = State::Waiting(Box::pin(sleep(pause)));
    }

    fn attempt(&mut self) {
        let connect = (self.plan.make)(self.failures);
        self.state = State::Connecting(Box::pin(connect.connect()));
    }

    /// Counts a failure and begins the pause after it, unless it was the last.
    fn failed(&mut self, error: Error) -> Result<()> {
        self.failures = self.failures.saturating_add(1);
        let backoff = &self.plan.backoff;
        self.asked = retry_after(&error).unwrap_or_default().min(backoff.max_retry_after);
        let exhausted = backoff.max_attempts.is_some_and(|most| self.failures >= most);
        if exhausted || !(self.plan.retry)(&error) {
            return Err(error);
        }
        let pause = backoff.delay(self.failures, chance()).max(self.asked);
        (self.plan.notice)(&error, pause);
        self.wait(pause);
        Ok(())
    }
}

impl fmt::Debug for Reconnections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reconnections")
            .field("plan", &self.plan)
            .field("failures", &self.failures)
            .finish_non_exhaustive()
    }
}

/// True if another attempt would end in the same way.
fn is_permanent(error: &Error) -> bool {
    const LATER: [StatusCode; 3] =
        [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_EARLY, StatusCode::TOO_MANY_REQUESTS];
    let refused = |status: StatusCode| status.as_u16() < 500 && !LATER.contains(&status);
    error.is_url() || error.status().is_some_and(refused)
}

/// The pause that an answer asks for, as seconds or as a date (RFC 9110 §10.2.3).
fn retry_after(error: &Error) -> Option<Duration> {
    let value = error.response()?.headers().get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    date.duration_since(SystemTime::now()).ok()
}

/// A number from 0 to 1.
fn chance() -> f64 {
    // Without randomness the pause is the middle one.
    random::bytes().map_or(0.5, |bytes| f64::from(u32::from_be_bytes(bytes)) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use http::Response;

    fn answer(status: u16, retry: Option<&str>) -> Error {
        let mut builder = Response::builder().status(status);
        if let Some(value) = retry {
            builder = builder.header("retry-after", value);
        }
        Error::answer(builder.body(Bytes::new()).unwrap(), "")
    }

    #[test]
    fn what_waiting_does_not_mend_is_permanent() {
        for status in [200, 301, 400, 401, 403, 404, 407, 410, 426] {
            assert!(is_permanent(&answer(status, None)), "{status}");
        }
        for status in [408, 425, 429, 500, 502, 503, 504] {
            assert!(!is_permanent(&answer(status, None)), "{status}");
        }
        assert!(is_permanent(&Error::url("bad")));
        assert!(is_permanent(&Error::proxy_status("no", StatusCode::FORBIDDEN)));
        assert!(!is_permanent(&Error::proxy("no")));
        assert!(!is_permanent(&Error::timeout("x")));
        assert!(!is_permanent(&std::io::Error::other("x").into()));
        assert!(!is_permanent(&Error::tls("x")));
    }

    #[test]
    fn pauses_that_servers_ask_for() {
        assert_eq!(retry_after(&answer(503, Some(" 7 "))), Some(Duration::from_secs(7)));
        assert_eq!(retry_after(&answer(503, None)), None);
        for nonsense in ["soon", "-1", "1.5", "Thu, 01 Jan 1970 00:00:00 GMT"] {
            assert_eq!(retry_after(&answer(503, Some(nonsense))), None, "{nonsense}");
        }
        let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(100));
        let pause = retry_after(&answer(429, Some(&date))).unwrap();
        assert!((90..=100).contains(&pause.as_secs()), "{pause:?}");
    }
}
