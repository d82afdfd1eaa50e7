//! A session under any sequence of inputs: it ends once and for good, moves to a WebSocket only by
//! a probe in order, closes nobody too early, and never sleeps for ever.
//!
//! Input: one byte that chooses the times, then pairs of bytes: what happens, and its argument.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rialto_protocol::CloseReason;
use rialto_protocol::engine::{
    Config, Packet, Poll, Probe, Received, Refusal, Session, State, Timeout, Transport, Version,
};
use std::sync::Arc;
use std::time::{Duration, Instant};

const PACKETS: [Packet<'_>; 9] = [
    Packet::Text("x"),
    Packet::Pong(""),
    Packet::Ping("probe"),
    Packet::Upgrade,
    Packet::Noop,
    Packet::Close,
    Packet::Ping(""),
    Packet::Open("{}"),
    Packet::from_binary(b"x"),
];

fuzz_target!(|data: &[u8]| {
    let Some((switches, steps)) = data.split_first() else { return };
    let mut watch = Watch::new(*switches);
    for step in steps.as_chunks::<2>().0.iter().take(300) {
        watch.step(step[0], step[1]);
    }
    watch.silence();
});

/// A session, a clock that stands still between steps, and what is known of both.
struct Watch {
    session: Session,
    config: Arc<Config>,
    now: Instant,
    /// The last sign of life that the session was told of.
    heard: Instant,
    /// A ping is out and no pong has come.
    pinged: bool,
}

impl Watch {
    fn new(switches: u8) -> Self {
        let ms = Duration::from_millis;
        let [ping_interval, ping_timeout, upgrade_timeout, close_timeout] = match switches >> 2 & 7
        {
            0 => [ms(25), ms(20), ms(10), ms(5)],
            1 => [ms(100), ms(200), ms(30), ms(50)],
            2 => [ms(0); 4],
            3 => [ms(25), ms(0), ms(10), ms(0)],
            4 => [Duration::MAX; 4],
            5 => [ms(0), ms(20), ms(500), ms(5)],
            _ => [ms(250), ms(200), ms(100), ms(50)],
        };
        let allow_upgrades = switches & 2 == 0;
        let config =
            Config { ping_interval, ping_timeout, upgrade_timeout, allow_upgrades, close_timeout };
        let config = Arc::new(config);
        let transport = if switches & 1 == 0 { Transport::Polling } else { Transport::WebSocket };
        let now = Instant::now();
        let version = if switches & 32 == 0 { Version::V4 } else { Version::V3 };
        let session = Session::with_version(config.clone(), version, transport, now);
        Self { session, config, now, heard: now, pinged: false }
    }

    fn step(&mut self, what: u8, argument: u8) {
        let before = self.session.clone();
        let packet = &PACKETS[usize::from(argument) % PACKETS.len()];
        let reason = CloseReason::ALL[usize::from(argument) % CloseReason::ALL.len()];
        match what % 16 {
            0 => self.pass(Duration::from_millis(u64::from(argument))),
            1 => self.pass_until_due(),
            2..=4 => self.receive(packet),
            5 => self.poll(),
            6 => self.session.poll_ended(),
            7 => self.session.poll_lost(),
            8 => self.post(),
            9 => self.session.post_ended(),
            10 => self.session.post_lost(),
            11 => self.probe(),
            12 | 13 => self.probe_received(packet),
            14 => self.commanded(argument, reason),
            _ => {
                // A caller's clock may lag behind a little.
                let late = self.now - Duration::from_millis(u64::from(argument % 8));
                self.session.heard(late);
                self.heard = self.heard.max(late);
            }
        }
        self.compare(&before, what % 16);
    }

    fn commanded(&mut self, argument: u8, reason: CloseReason) {
        match argument >> 6 {
            0 | 1 => self.session.close(reason, self.now),
            2 => self.session.probe_lost(),
            _ => {
                let stands = self.session.lost(reason);
                assert_eq!(self.session.state(), State::Closed(stands));
            }
        }
    }

    fn receive(&mut self, packet: &Packet<'_>) {
        let open = self.session.is_open();
        let received = self.session.receive(packet, self.now);
        match received {
            Ok(Received::Message) => {
                assert!(open && matches!(packet, Packet::Text(_) | Packet::Binary(_)));
            }
            Ok(Received::Ping) => {
                assert!(open && matches!(packet, Packet::Ping(_)));
                assert_eq!(self.session.version(), Version::V3);
            }
            Ok(Received::Nothing) => {}
            Ok(Received::Closed(reason)) => {
                assert!(matches!(packet, Packet::Close));
                assert_eq!(self.session.state(), State::Closed(reason));
            }
            Err(violation) => {
                assert!(open, "who has closed judges nobody");
                assert_eq!(self.session.state(), State::Closed(violation.reason()));
            }
        }
        if open {
            self.heard = self.now;
            self.pinged &= !matches!(packet, Packet::Pong(_));
        }
    }

    fn poll(&mut self) {
        let before = self.session.clone();
        match self.session.poll_started(self.now) {
            Ok(poll) => {
                assert!(!before.has_poll() && self.session.has_poll());
                assert_eq!(self.session.active_transport(), Transport::Polling);
                let expected = match (self.session.is_open(), self.session.is_moving()) {
                    (true, false) => Poll::Hold,
                    (true, true) => Poll::Answer,
                    (false, _) => Poll::Last,
                };
                assert_eq!(poll, expected);
            }
            Err(refusal) => self.refused(&before, refusal, before.has_poll()),
        }
    }

    fn post(&mut self) {
        let before = self.session.clone();
        match self.session.post_started(self.now) {
            Ok(()) => assert!(!before.has_post() && self.session.has_post()),
            Err(refusal) => self.refused(&before, refusal, before.has_post()),
        }
    }

    fn refused(&mut self, before: &Session, refusal: Refusal, overlaps: bool) {
        assert_eq!(self.session.has_poll(), before.has_poll());
        assert_eq!(self.session.has_post(), before.has_post());
        match refusal {
            Refusal::Overlap(_) => {
                assert!(overlaps);
                assert!(matches!(self.session.state(), State::Closed(_)));
            }
            Refusal::Ended => assert!(matches!(self.session.state(), State::Closed(_))),
            Refusal::WrongTransport => {
                assert_eq!(before.active_transport(), Transport::WebSocket);
            }
            Refusal::AlreadyProbing | Refusal::UpgradesDisabled => panic!("{refusal:?}"),
        }
    }

    fn probe(&mut self) {
        let before = self.session.clone();
        match self.session.probe_started(self.now) {
            Ok(()) => {
                assert!(before.is_open() && !before.is_probing() && self.config.allow_upgrades);
                assert_eq!(before.active_transport(), Transport::Polling);
                assert!(self.session.is_probing() && !self.session.is_moving());
            }
            Err(Refusal::AlreadyProbing) => assert!(before.is_probing()),
            Err(Refusal::UpgradesDisabled) => assert!(!self.config.allow_upgrades),
            Err(Refusal::WrongTransport) => {
                assert_eq!(before.active_transport(), Transport::WebSocket);
            }
            Err(Refusal::Ended) => assert!(!self.session.is_open()),
            Err(refusal @ Refusal::Overlap(_)) => panic!("{refusal:?}"),
        }
    }

    fn probe_received(&mut self, packet: &Packet<'_>) {
        let before = self.session.clone();
        match self.session.probe_received(packet, self.now) {
            Ok(Probe::Answer) => {
                assert!(before.is_probing() && !before.is_moving() && self.session.is_moving());
                self.heard = self.now;
            }
            Ok(Probe::Upgraded) => {
                assert!(before.is_moving() && !self.session.is_probing());
                assert_eq!(self.session.active_transport(), Transport::WebSocket);
                assert_eq!(self.session.must_release_poll(), before.has_poll());
                self.heard = self.now;
            }
            Ok(Probe::Ended) => assert!(!before.is_probing()),
            Err(_) => {
                assert!(before.is_probing() && !self.session.is_probing());
                assert_eq!(self.session.state(), before.state());
            }
        }
    }

    /// Lets time pass and does what is due, as a driver would.
    fn pass(&mut self, time: Duration) {
        self.now += time;
        // A ping, an expired probe and the end: there is no more to do at one moment.
        for _ in 0..3 {
            let before = self.session.clone();
            match self.session.handle_timeout(self.now) {
                None => break,
                Some(Timeout::Ping) => {
                    assert!(self.session.is_open() && !self.pinged, "two pings and no pong");
                    assert_eq!(self.session.version(), Version::V4);
                    self.pinged = true;
                }
                Some(Timeout::ProbeExpired) => {
                    assert!(before.is_probing() && !self.session.is_probing());
                }
                Some(Timeout::Closed(reason)) => {
                    assert_eq!(self.session.state(), State::Closed(reason));
                    assert!(!before.is_open() || reason == CloseReason::PingTimeout);
                }
            }
        }
        assert!(self.session.poll_timeout().is_none_or(|due| due > self.now), "more is due");
    }

    fn pass_until_due(&mut self) {
        if let Some(due) = self.session.poll_timeout() {
            self.pass(due.saturating_duration_since(self.now));
        }
    }

    /// What holds from one step to the next, whatever it was.
    fn compare(&self, before: &Session, what: u8) {
        let after = &self.session;
        match (before.state(), after.state()) {
            (State::Closed(first), now) => assert_eq!(now, State::Closed(first)),
            (State::Closing(first), State::Closing(now) | State::Closed(now)) => {
                assert_eq!(now, first);
            }
            (State::Closing(_), State::Open) => panic!("it opened again"),
            (State::Open, State::Closed(CloseReason::PingTimeout)) if what != 14 => {
                let patience = match after.version() {
                    Version::V3 => self.config.ping_interval + self.config.ping_timeout,
                    Version::V4 => {
                        assert!(self.pinged, "no ping had been sent");
                        self.config.ping_timeout
                    }
                };
                assert!(self.now - self.heard >= patience, "too early");
            }
            (State::Open, _) => {}
        }
        if before.active_transport() != after.active_transport() {
            assert_eq!(after.active_transport(), Transport::WebSocket);
            assert!(matches!(what, 12 | 13), "moved without a probe");
        }
        assert!(after.is_probing() || !after.is_moving());
        assert!(after.has_poll() || !after.must_release_poll());
        match after.state() {
            State::Closed(_) => {
                assert!(!after.is_probing() && after.poll_timeout().is_none());
                assert_eq!(after.must_release_poll(), after.has_poll());
            }
            _ if self.config.ping_timeout == Duration::MAX => {}
            _ => assert!(after.poll_timeout().is_some(), "it sleeps for ever"),
        }
    }

    /// Of a peer that falls silent, the session gets rid by its own deadlines.
    fn silence(&mut self) {
        if self.config.ping_timeout == Duration::MAX {
            return;
        }
        let longest = self.config.ping_interval + self.config.ping_timeout;
        let longest = longest.max(self.config.close_timeout) + Duration::from_millis(10);
        let start = self.now;
        for _ in 0..4 {
            self.pass_until_due();
        }
        assert!(matches!(self.session.state(), State::Closed(_)));
        assert!(self.now - start <= longest);
    }
}
