//! One server-side session: heartbeat, overlapping requests, upgrade, close.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Config, Poll, Probe, Received, Refusal, State, Timeout};
use crate::CloseReason;
use crate::engine::{Packet, Transport, Version, Violation};

/// A ping that left at most this late counts from its due time; timers are never exact. A longer
/// delay (a suspended machine, a starved process) is ours and not the peer's.
const TIMER_SLACK: Duration = Duration::from_millis(10);

/// The state machine of one Engine.IO session on the server.
///
/// It moves no bytes and holds no queue; it says what may be done and when:
/// - **in**: [`receive`](Self::receive) for each packet of the active transport,
///   `poll_*` and `post_*` as HTTP requests begin and end, `probe_*` for a second transport,
///   [`lost`](Self::lost) when the active WebSocket is gone, [`close`](Self::close) and
///   [`fail`](Self::fail) from this side, [`handle_timeout`](Self::handle_timeout) for time;
/// - **out**: their return values, [`poll_timeout`](Self::poll_timeout) for the next deadline,
///   [`active_transport`](Self::active_transport) for where packets leave (while a probe runs, that
///   is still polling), [`state`](Self::state).
///
/// Order of calls: give it everything that has already arrived before `handle_timeout`, so that
/// time in which nothing was read does not count against the peer. Ask `poll_timeout` again after
/// each call. Once the state is [`State::Closed`], release the transports (a waiting poll is
/// answered with a `close` packet) and drop the session.
///
/// ```
/// use std::{sync::Arc, time::Instant};
/// use rialto_protocol::engine::{Config, Packet, Received, Session, Timeout, Transport};
///
/// let (config, start) = (Arc::new(Config::default()), Instant::now());
/// let mut session = Session::new(config.clone(), Transport::WebSocket, start);
/// assert_eq!(session.receive(&Packet::Text("hi"), start), Ok(Received::Message));
///
/// let due = session.poll_timeout().unwrap();
/// assert_eq!(due, start + config.ping_interval);
/// assert_eq!(session.handle_timeout(due), Some(Timeout::Ping));
/// assert_eq!(session.poll_timeout(), Some(due + config.ping_timeout));
/// ```
#[derive(Clone, Debug)]
pub struct Session {
    config: Arc<Config>,
    state: State,
    transport: Transport,
    /// In a closing session, whose heart beats no more, when it gives up.
    heartbeat: Heartbeat,
    upgrade: Upgrade,
    /// A GET waits for its answer.
    poll: bool,
    /// A POST's body is arriving.
    post: bool,
}

/// Deadlines are `None` where the configured time reaches beyond the clock: never.
#[derive(Clone, Copy, Debug)]
enum Heartbeat {
    /// The next ping is due then.
    Idle { ping_at: Option<Instant> },
    /// A ping is out; the peer is gone unless something is heard before then.
    Waiting { deadline: Option<Instant> },
    /// Revision 3: the peer pings, and is gone unless something is heard before then.
    Listening { deadline: Option<Instant> },
}

#[derive(Clone, Copy, Debug)]
enum Upgrade {
    /// No second transport.
    None,
    /// A WebSocket has come and owes us `2probe`.
    Connected { deadline: Option<Instant> },
    /// `3probe` is sent; `5` is owed.
    Answered { deadline: Option<Instant> },
}

impl Session {
    /// A session that has just been opened over that transport; the `open` packet is the caller's
    /// to send.
    pub fn new(config: Arc<Config>, transport: Transport, now: Instant) -> Self {
        let ping_at = now.checked_add(config.ping_interval);
        Self {
            config,
            state: State::Open,
            transport,
            heartbeat: Heartbeat::Idle { ping_at },
            upgrade: Upgrade::None,
            poll: false,
            post: false,
        }
    }

    /// [`new`](Self::new) for a client of that revision.
    ///
    /// ```
    /// use std::{sync::Arc, time::Instant};
    /// use rialto_protocol::engine::{Config, Packet, Received, Session, Transport, Version};
    ///
    /// let (config, now) = (Arc::new(Config::default()), Instant::now());
    /// let transport = Transport::WebSocket;
    /// let mut session = Session::with_version(config.clone(), Version::V3, transport, now);
    /// assert_eq!(session.receive(&Packet::Ping(""), now), Ok(Received::Ping));
    /// let due = now + config.ping_interval + config.ping_timeout;
    /// assert_eq!(session.poll_timeout(), Some(due));
    /// ```
    pub fn with_version(
        config: Arc<Config>,
        version: Version,
        transport: Transport,
        now: Instant,
    ) -> Self {
        let mut session = Self::new(config, transport, now);
        if version == Version::V3 {
            session.heartbeat = Heartbeat::Listening { deadline: session.silence_ends(now) };
        }
        session
    }

    /// The revision that the client speaks.
    pub const fn version(&self) -> Version {
        match self.heartbeat {
            Heartbeat::Listening { .. } => Version::V3,
            _ => Version::V4,
        }
    }

    /// When a client of revision 3 that was heard at `now`, and never again, is gone.
    fn silence_ends(&self, now: Instant) -> Option<Instant> {
        now.checked_add(self.config.ping_interval)?.checked_add(self.config.ping_timeout)
    }

    /// Where the session is in its life.
    pub const fn state(&self) -> State {
        self.state
    }

    /// Whether packets still travel both ways.
    pub const fn is_open(&self) -> bool {
        matches!(self.state, State::Open)
    }

    /// The transport on which packets leave now.
    pub const fn active_transport(&self) -> Transport {
        self.transport
    }

    /// Whether a second transport is being tried.
    pub const fn is_probing(&self) -> bool {
        !matches!(self.upgrade, Upgrade::None)
    }

    /// Whether a second transport has been tried with success and the client is about to move to
    /// it, polling no more.
    pub const fn is_moving(&self) -> bool {
        matches!(self.upgrade, Upgrade::Answered { .. })
    }

    /// Whether a poll waits for its answer.
    pub const fn has_poll(&self) -> bool {
        self.poll
    }

    /// Whether a POST is being received.
    pub const fn has_post(&self) -> bool {
        self.post
    }

    /// Whether a waiting poll must be answered now, even with nothing but a `noop` or `close`.
    pub const fn must_release_poll(&self) -> bool {
        self.poll
            && (!self.is_open()
                || matches!(self.upgrade, Upgrade::Answered { .. })
                || matches!(self.transport, Transport::WebSocket))
    }

    /// Judges one packet of the active transport.
    ///
    /// # Errors
    /// A [`Violation`], by which the session is closed.
    #[inline]
    pub fn receive(&mut self, packet: &Packet<'_>, now: Instant) -> Result<Received, Violation> {
        match self.state {
            State::Closed(_) => return Ok(Received::Nothing),
            State::Closing(reason) if matches!(packet, Packet::Close) => {
                return Ok(Received::Closed(self.finish(reason)));
            }
            State::Closing(_) => return Ok(Received::Nothing),
            State::Open => self.heard(now),
        }
        match packet {
            Packet::Text(_) | Packet::Binary(_) => Ok(Received::Message),
            Packet::Ping(_) if self.version() == Version::V3 => Ok(Received::Ping),
            Packet::Pong(_) if self.version() == Version::V3 => {
                Err(self.fail(Violation::UnexpectedPong))
            }
            Packet::Pong(_) => {
                let ping_at = now.checked_add(self.config.ping_interval);
                self.heartbeat = Heartbeat::Idle { ping_at };
                Ok(Received::Nothing)
            }
            Packet::Noop => Ok(Received::Nothing),
            Packet::Close => Ok(Received::Closed(self.finish(CloseReason::TransportClose))),
            Packet::Ping(_) => Err(self.fail(Violation::HeartbeatDirection)),
            Packet::Open(_) | Packet::Upgrade => {
                Err(self.fail(Violation::UnexpectedPacket(packet.kind())))
            }
        }
    }

    /// Bytes of the peer have arrived that are not (yet) a packet: part of a long message, a
    /// WebSocket control frame. They count as a sign of life.
    #[inline]
    pub fn heard(&mut self, now: Instant) {
        if !self.is_open() {
            return;
        }
        // Never earlier than before: a caller's `now` may be a little old.
        let later = |old: Option<Instant>, new| old.zip(new).map(|(old, new)| old.max(new));
        match self.heartbeat {
            Heartbeat::Idle { .. } => {}
            Heartbeat::Waiting { deadline } => {
                let deadline = later(deadline, now.checked_add(self.config.ping_timeout));
                self.heartbeat = Heartbeat::Waiting { deadline };
            }
            Heartbeat::Listening { deadline } => {
                let deadline = later(deadline, self.silence_ends(now));
                self.heartbeat = Heartbeat::Listening { deadline };
            }
        }
    }

    /// A GET of this session has come.
    ///
    /// # Errors
    /// A [`Refusal`], which says how to answer; an overlap closes the session.
    pub fn poll_started(&mut self, now: Instant) -> Result<Poll, Refusal> {
        self.admit_request(now)?;
        if self.poll {
            return Err(Refusal::Overlap(self.fail(Violation::OverlappingPoll)));
        }
        self.poll = true;
        Ok(match (self.state, self.upgrade) {
            (State::Open, Upgrade::Answered { .. }) => Poll::Answer,
            (State::Open, _) => Poll::Hold,
            _ => Poll::Last,
        })
    }

    /// The waiting poll has been answered: call it when the answer is put together, so that a
    /// [`close`](Self::close) falls either before it or behind it. If the session was closing on
    /// polling, the `close` packet was in that answer and the session is over.
    pub fn poll_ended(&mut self) {
        self.poll = false;
        if let (State::Closing(reason), Transport::Polling) = (self.state, self.transport) {
            self.finish(reason);
        }
    }

    /// The waiting poll has been answered with packets, and the `close` packet was not among them:
    /// a session that is closing goes on until it is.
    pub fn poll_answered(&mut self) {
        self.poll = false;
    }

    /// The client broke off the waiting poll: the session is over, because an answer may be lost.
    pub fn poll_lost(&mut self) {
        self.poll = false;
        if matches!(self.transport, Transport::Polling) {
            self.lost(CloseReason::TransportError);
        }
    }

    /// A POST of this session has come.
    ///
    /// # Errors
    /// A [`Refusal`], which says how to answer; an overlap closes the session.
    pub fn post_started(&mut self, now: Instant) -> Result<(), Refusal> {
        self.admit_request(now)?;
        if self.post {
            return Err(Refusal::Overlap(self.fail(Violation::OverlappingPost)));
        }
        self.post = true;
        Ok(())
    }

    /// The POST's body has been received and handled.
    pub fn post_ended(&mut self) {
        self.post = false;
    }

    /// The client broke off a POST: the session is over, because packets are lost.
    pub fn post_lost(&mut self) {
        self.post = false;
        if matches!(self.transport, Transport::Polling) {
            self.lost(CloseReason::TransportError);
        }
    }

    /// A WebSocket that names this polling session has come.
    ///
    /// # Errors
    /// A [`Refusal`]; the session itself is not touched by it.
    pub fn probe_started(&mut self, now: Instant) -> Result<(), Refusal> {
        match self.state {
            State::Open if self.is_expired(now) => {
                self.finish(CloseReason::PingTimeout);
                Err(Refusal::Ended)
            }
            State::Closing(_) | State::Closed(_) => Err(Refusal::Ended),
            State::Open if matches!(self.transport, Transport::WebSocket) => {
                Err(Refusal::WrongTransport)
            }
            State::Open if !self.config.allow_upgrades => Err(Refusal::UpgradesDisabled),
            State::Open if self.is_probing() => Err(Refusal::AlreadyProbing),
            State::Open => {
                let deadline = now.checked_add(self.config.upgrade_timeout);
                self.upgrade = Upgrade::Connected { deadline };
                Ok(())
            }
        }
    }

    /// Judges one packet of the probing transport.
    ///
    /// # Errors
    /// A [`Violation`], which ends the probe (close that transport) but not the session.
    pub fn probe_received(
        &mut self,
        packet: &Packet<'_>,
        now: Instant,
    ) -> Result<Probe, Violation> {
        match (self.upgrade, packet) {
            (Upgrade::None, _) => return Ok(Probe::Ended),
            (Upgrade::Connected { deadline }, Packet::Ping("probe")) => {
                self.upgrade = Upgrade::Answered { deadline };
                self.heard(now);
                Ok(Probe::Answer)
            }
            (Upgrade::Answered { .. }, Packet::Upgrade) => {
                self.upgrade = Upgrade::None;
                self.transport = Transport::WebSocket;
                self.heard(now);
                Ok(Probe::Upgraded)
            }
            (Upgrade::Connected { .. }, _) => Err(Violation::ProbeExpected),
            (Upgrade::Answered { .. }, _) => Err(Violation::UpgradeExpected),
        }
        .inspect_err(|_| self.upgrade = Upgrade::None)
    }

    /// The probing transport is gone; the session stays on polling.
    pub fn probe_lost(&mut self) {
        self.upgrade = Upgrade::None;
    }

    /// This side ends the session in order: what is queued may leave, then a `close` packet (on
    /// polling, in the answer to the waiting or next poll) or a Close frame. Whoever sends the last
    /// byte then calls [`poll_ended`](Self::poll_ended) or [`lost`](Self::lost). A probe is given
    /// up (close its transport), unless the client [is moving](Self::is_moving): it has stopped
    /// polling, so the end has to wait for it on the new transport.
    pub fn close(&mut self, reason: CloseReason, now: Instant) {
        if self.is_open() {
            self.state = State::Closing(reason);
            *self.heartbeat.due_mut() = now.checked_add(self.config.close_timeout);
            if !self.is_moving() {
                self.upgrade = Upgrade::None;
            }
        }
    }

    /// The active transport is gone, so the session is over. If this side was closing, the reason
    /// given then stands; the one that stands is returned.
    pub fn lost(&mut self, reason: CloseReason) -> CloseReason {
        match self.state {
            State::Closing(earlier) | State::Closed(earlier) => self.finish(earlier),
            State::Open => self.finish(reason),
        }
    }

    /// Ends the session because of a breach that the caller found, such as a packet that cannot be
    /// decoded; hands the violation back.
    pub fn fail(&mut self, violation: Violation) -> Violation {
        self.lost(violation.reason());
        violation
    }

    /// The next moment at which [`handle_timeout`](Self::handle_timeout) has something to do;
    /// `None` if never.
    pub fn poll_timeout(&self) -> Option<Instant> {
        match self.state {
            State::Closed(_) => None,
            State::Closing(_) => self.heartbeat.due(),
            State::Open => [self.heartbeat.due(), self.upgrade.due()].into_iter().flatten().min(),
        }
    }

    /// Does what is due at `now`, one thing per call; `None` if nothing is.
    ///
    /// A timer that comes late fires once: the next ping follows the next pong, so a machine that
    /// slept sends one ping and gives the peer the whole of `ping_timeout` to answer it.
    pub fn handle_timeout(&mut self, now: Instant) -> Option<Timeout> {
        if self.poll_timeout().is_none_or(|due| due > now) {
            return None;
        }
        if let State::Closing(reason) = self.state {
            return Some(Timeout::Closed(self.finish(reason)));
        }
        if self.is_expired(now) {
            return Some(Timeout::Closed(self.finish(CloseReason::PingTimeout)));
        }
        if self.upgrade.due().is_some_and(|due| due <= now) {
            self.upgrade = Upgrade::None;
            return Some(Timeout::ProbeExpired);
        }
        let sent = self.ping_counts_from(now);
        let deadline = sent.checked_add(self.config.ping_timeout);
        self.heartbeat = Heartbeat::Waiting { deadline };
        Some(Timeout::Ping)
    }

    /// The checks that polls and POSTs have in common.
    fn admit_request(&mut self, now: Instant) -> Result<(), Refusal> {
        if self.is_open() && self.is_expired(now) {
            // The timer is due but has not run yet; the client's request must not race with it.
            self.finish(CloseReason::PingTimeout);
        }
        match (self.state, self.transport) {
            (State::Closed(_), _) => Err(Refusal::Ended),
            (_, Transport::WebSocket) => Err(Refusal::WrongTransport),
            (_, Transport::Polling) => Ok(()),
        }
    }

    /// Whether the peer has been silent for too long after a ping.
    fn is_expired(&self, now: Instant) -> bool {
        match self.heartbeat {
            Heartbeat::Waiting { deadline } | Heartbeat::Listening { deadline } => {
                deadline.is_some_and(|deadline| deadline <= now)
            }
            Heartbeat::Idle { .. } => false,
        }
    }

    /// The moment from which the peer's time to answer a ping runs.
    fn ping_counts_from(&self, now: Instant) -> Instant {
        let slack = TIMER_SLACK.min(self.config.ping_timeout / 10);
        match self.heartbeat.due() {
            Some(due) if now.saturating_duration_since(due) <= slack => due,
            _ => now,
        }
    }

    fn finish(&mut self, reason: CloseReason) -> CloseReason {
        self.state = State::Closed(reason);
        self.upgrade = Upgrade::None;
        reason
    }
}

impl Heartbeat {
    const fn due(&self) -> Option<Instant> {
        match self {
            Self::Idle { ping_at } => *ping_at,
            Self::Waiting { deadline } | Self::Listening { deadline } => *deadline,
        }
    }

    const fn due_mut(&mut self) -> &mut Option<Instant> {
        match self {
            Self::Idle { ping_at } => ping_at,
            Self::Waiting { deadline } | Self::Listening { deadline } => deadline,
        }
    }
}

impl Upgrade {
    const fn due(&self) -> Option<Instant> {
        match self {
            Self::None => None,
            Self::Connected { deadline } | Self::Answered { deadline } => *deadline,
        }
    }
}
