//! Every order of inputs to a session, up to a depth, against rules that must always hold.

#![allow(clippy::panic)] // The functions between the tests fail as tests do.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rialto_protocol::CloseReason;
use rialto_protocol::engine::{
    Config, Packet, Poll, Probe, Session, State, Timeout, Transport, Version,
};

/// Each step takes time, so that deadlines fall between, on and behind the inputs.
const STEP: Duration = Duration::from_millis(40);

/// 19 inputs in each of five places: 2.5 million orders.
const DEPTH: usize = 5;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Input {
    Message,
    Pong,
    Ping,
    PeerCloses,
    PollStarted,
    PollAnswered,
    PollEnded,
    PollLost,
    PostStarted,
    PostEnded,
    PostLost,
    ProbeStarted,
    ProbePing,
    ProbeUpgrade,
    ProbeLost,
    Close,
    Lost,
    Wait,
    Sleep,
}

const INPUTS: [Input; 19] = [
    Input::Message,
    Input::Pong,
    Input::Ping,
    Input::PeerCloses,
    Input::PollStarted,
    Input::PollAnswered,
    Input::PollEnded,
    Input::PollLost,
    Input::PostStarted,
    Input::PostEnded,
    Input::PostLost,
    Input::ProbeStarted,
    Input::ProbePing,
    Input::ProbeUpgrade,
    Input::ProbeLost,
    Input::Close,
    Input::Lost,
    Input::Wait,
    Input::Sleep,
];

fn config() -> Config {
    Config {
        ping_interval: STEP * 2,
        ping_timeout: STEP,
        upgrade_timeout: STEP * 2,
        allow_upgrades: true,
        close_timeout: STEP,
    }
}

/// A session, and what a correct caller remembers of it.
#[derive(Clone)]
struct Model {
    session: Session,
    now: Instant,
    /// The probe's packets so far, as the protocol counts them: 0 none, 1 connected, 2 answered.
    probe: u8,
    /// Timeouts seen since the last input.
    fired: Vec<Timeout>,
}

impl Model {
    fn new(version: Version, transport: Transport) -> Self {
        let now = Instant::now();
        let session = Session::with_version(Arc::new(config()), version, transport, now);
        Self { session, now, probe: 0, fired: Vec::new() }
    }

    fn apply(&mut self, input: Input) {
        let (session, now) = (&mut self.session, self.now);
        match input {
            Input::Message => drop(session.receive(&Packet::Text(""), now)),
            Input::Pong => drop(session.receive(&Packet::Pong(""), now)),
            Input::Ping => drop(session.receive(&Packet::Ping(""), now)),
            Input::PeerCloses => drop(session.receive(&Packet::Close, now)),
            Input::PollStarted => {
                if let Ok(poll) = session.poll_started(now) {
                    let answered = self.probe == 2;
                    match poll {
                        Poll::Hold => assert!(session.is_open() && !answered),
                        Poll::Answer => assert!(session.is_open() && answered),
                        Poll::Last => assert!(!session.is_open()),
                    }
                    assert_eq!(session.active_transport(), Transport::Polling);
                }
            }
            Input::PollAnswered => session.poll_answered(),
            Input::PollEnded => session.poll_ended(),
            Input::PollLost => session.poll_lost(),
            Input::PostStarted => drop(session.post_started(now)),
            Input::PostEnded => session.post_ended(),
            Input::PostLost => session.post_lost(),
            Input::ProbeStarted => {
                if session.probe_started(now).is_ok() {
                    self.probe = 1;
                }
            }
            Input::ProbePing => self.probe(&Packet::Ping("probe")),
            Input::ProbeUpgrade => self.probe(&Packet::Upgrade),
            Input::ProbeLost => session.probe_lost(),
            Input::Close => session.close(CloseReason::ForcedClose, now),
            Input::Lost => drop(session.lost(CloseReason::TransportClose)),
            Input::Wait => self.now += STEP,
            Input::Sleep => self.now += STEP * 1000,
        }
        self.run_timers();
        if !self.session.is_probing() {
            self.probe = 0;
        }
    }

    fn probe(&mut self, packet: &Packet<'_>) {
        match self.session.probe_received(packet, self.now) {
            Ok(Probe::Answer) => {
                assert_eq!((self.probe, packet), (1, &Packet::Ping("probe")));
                self.probe = 2;
            }
            Ok(Probe::Upgraded) => {
                assert_eq!((self.probe, packet), (2, &Packet::Upgrade));
                assert_eq!(self.session.active_transport(), Transport::WebSocket);
            }
            Ok(Probe::Ended) => assert_eq!(self.probe, 0),
            Err(_) => assert!(!self.session.is_probing() && self.probe > 0),
        }
    }

    fn run_timers(&mut self) {
        self.fired.clear();
        while let Some(timeout) = self.session.handle_timeout(self.now) {
            self.fired.push(timeout);
            assert!(self.fired.len() <= 3, "timers must not fire in bursts: {:?}", self.fired);
        }
    }
}

/// What holds after every input, given the state before it.
fn check(before: &Model, after: &Model, input: Input) {
    let (old, new) = (&before.session, &after.session);
    match (old.state(), new.state()) {
        (State::Open, _) => {}
        (State::Closing(reason), State::Closing(now) | State::Closed(now)) => {
            assert_eq!(reason, now, "the first reason stands");
        }
        (State::Closed(reason), now) => assert_eq!(State::Closed(reason), now),
        (State::Closing(_), State::Open) => panic!("a closing session opened again"),
    }
    if old.active_transport() == Transport::WebSocket {
        assert_eq!(new.active_transport(), Transport::WebSocket, "there is no way back");
    }
    if new.active_transport() != old.active_transport() {
        assert_eq!(input, Input::ProbeUpgrade);
        assert!(!matches!(new.state(), State::Closed(_)));
    }
    if new.is_probing() {
        assert!(!matches!(new.state(), State::Closed(_)));
        assert!(new.is_open() || new.is_moving(), "a probe that was not answered is given up");
        assert_eq!(new.active_transport(), Transport::Polling);
    }
    match new.state() {
        State::Closed(_) => assert_eq!(new.poll_timeout(), None),
        _ => assert!(new.poll_timeout().is_some_and(|due| due > after.now), "a timer is missing"),
    }
    let pings = after.fired.iter().filter(|timeout| **timeout == Timeout::Ping).count();
    assert!(pings <= 1, "one ping at a time");
    let closed = after.fired.iter().any(|timeout| matches!(timeout, Timeout::Closed(_)));
    assert!(!closed || matches!(new.state(), State::Closed(_)));
    if input == Input::Sleep && after.fired.contains(&Timeout::Ping) {
        assert!(new.is_open(), "a peer is not blamed for the time we slept");
    }
    check_requests(old, new, input);
    assert_eq!(new.version(), old.version());
    let (good, bad) = match new.version() {
        Version::V3 => (Input::Ping, Input::Pong),
        Version::V4 => (Input::Pong, Input::Ping),
    };
    assert!(new.version() == Version::V4 || pings == 0, "in revision 3 the client pings");
    if old.is_open() && (input == Input::Message || input == good) {
        assert!(new.is_open(), "a good packet never ends a session");
    }
    assert!(!new.is_open() || input != bad, "a heartbeat in the wrong direction ends it");
}

/// Duplicated and aborted requests, and polls that nobody would answer.
fn check_requests(old: &Session, new: &Session, input: Input) {
    let polling = old.active_transport() == Transport::Polling;
    let doubled = match input {
        Input::PollStarted => old.has_poll(),
        Input::PostStarted => old.has_post(),
        _ => false,
    };
    if doubled && polling {
        assert!(!new.is_open(), "two requests of a kind at once end the session");
    }
    if matches!(input, Input::PollLost | Input::PostLost) && polling {
        assert!(matches!(new.state(), State::Closed(_)), "what was on its way is lost");
    }
    if matches!(input, Input::PollLost | Input::PostLost) && !polling {
        assert_eq!(new.state(), old.state(), "an old request does not concern a WebSocket");
    }
    if matches!(input, Input::ProbeStarted | Input::ProbeLost | Input::ProbePing) && old.is_open() {
        assert!(new.is_open(), "a probe, good or bad, never ends a session that polls");
    }
    if new.has_poll() && (!new.is_open() || new.is_moving()) {
        assert!(new.must_release_poll(), "a poll is left waiting for nothing");
    }
    if new.must_release_poll() {
        assert!(new.has_poll());
    }
    if input == Input::Close && old.is_open() {
        assert_eq!(new.is_moving(), old.is_moving(), "the end waits for a client that moves");
        assert!(new.is_moving() || !new.is_probing());
    }
}

fn explore(model: &Model, path: &mut Vec<Input>, counts: &mut [u64; 3]) {
    counts[match model.session.state() {
        State::Open => 0,
        State::Closing(_) => 1,
        State::Closed(_) => 2,
    }] += 1;
    if path.len() == DEPTH {
        return;
    }
    for input in INPUTS {
        let mut next = model.clone();
        path.push(input);
        next.apply(input);
        let outcome = std::panic::catch_unwind(|| check(model, &next, input));
        assert!(outcome.is_ok(), "after {path:?}");
        explore(&next, path, counts);
        path.pop();
    }
}

#[test]
fn no_order_of_inputs_breaks_a_session_that_began_on_polling() {
    let mut counts = [0; 3];
    explore(&Model::new(Version::V4, Transport::Polling), &mut Vec::new(), &mut counts);
    assert!(counts.iter().all(|count| *count > 10_000), "all states were visited: {counts:?}");
}

#[test]
fn no_order_of_inputs_breaks_a_session_that_began_on_a_websocket() {
    let mut counts = [0; 3];
    explore(&Model::new(Version::V4, Transport::WebSocket), &mut Vec::new(), &mut counts);
    assert!(counts.iter().all(|count| *count > 10_000), "all states were visited: {counts:?}");
}

#[test]
fn no_order_of_inputs_breaks_a_session_of_revision_3() {
    for transport in [Transport::Polling, Transport::WebSocket] {
        let mut counts = [0; 3];
        explore(&Model::new(Version::V3, transport), &mut Vec::new(), &mut counts);
        assert!(counts.iter().all(|count| *count > 10_000), "all states: {counts:?}");
    }
}
