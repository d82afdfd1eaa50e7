//! One session's rules, scenario by scenario, on a clock of our own.

#![allow(clippy::unwrap_used)] // The functions between the tests fail as tests do.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rialto_protocol::CloseReason;
use rialto_protocol::engine::{
    Config, HandshakeError, Packet, PacketType, Poll, Probe, Received, Refusal, Session, State,
    Timeout, Transport, Violation,
};

const INTERVAL: Duration = Duration::from_millis(300);
const TIMEOUT: Duration = Duration::from_millis(200);
const UPGRADE: Duration = Duration::from_millis(1000);
const CLOSE: Duration = Duration::from_millis(50);

fn config() -> Config {
    Config {
        ping_interval: INTERVAL,
        ping_timeout: TIMEOUT,
        upgrade_timeout: UPGRADE,
        allow_upgrades: true,
        close_timeout: CLOSE,
    }
}

fn session(transport: Transport) -> (Session, Instant) {
    let start = Instant::now();
    (Session::new(Arc::new(config()), transport, start), start)
}

/// A session whose probe has been answered and waits for `5`.
fn probed() -> (Session, Instant) {
    let (mut session, start) = session(Transport::Polling);
    session.probe_started(start).unwrap();
    assert_eq!(session.probe_received(&Packet::Ping("probe"), start), Ok(Probe::Answer));
    (session, start)
}

#[test]
fn the_defaults_are_those_of_the_reference() {
    let config = Config::default();
    assert_eq!(config.ping_interval, Duration::from_secs(25));
    assert_eq!(config.ping_timeout, Duration::from_secs(20));
    assert_eq!(config.upgrade_timeout, Duration::from_secs(10));
    assert!(config.allow_upgrades);
}

#[test]
fn the_first_ping_is_due_after_the_interval_and_each_pong_starts_the_next() {
    let (mut session, start) = session(Transport::WebSocket);
    assert_eq!(session.handle_timeout(start + INTERVAL - Duration::from_nanos(1)), None);
    assert_eq!(session.handle_timeout(start + INTERVAL), Some(Timeout::Ping));
    assert_eq!(session.handle_timeout(start + INTERVAL), None);

    let answered = start + INTERVAL + TIMEOUT / 2;
    assert_eq!(session.receive(&Packet::Pong(""), answered), Ok(Received::Nothing));
    assert_eq!(session.poll_timeout(), Some(answered + INTERVAL));
    assert_eq!(session.handle_timeout(answered + INTERVAL), Some(Timeout::Ping));
}

#[test]
fn silence_after_a_ping_ends_the_session() {
    let (mut session, start) = session(Transport::WebSocket);
    session.handle_timeout(start + INTERVAL);
    let due = start + INTERVAL + TIMEOUT;
    assert_eq!(session.poll_timeout(), Some(due));
    let closed = Timeout::Closed(CloseReason::PingTimeout);
    assert_eq!(session.handle_timeout(due), Some(closed));
    assert_eq!(session.state(), State::Closed(CloseReason::PingTimeout));
    assert_eq!(session.poll_timeout(), None);
}

#[test]
fn any_packet_and_any_bytes_are_a_sign_of_life() {
    let (mut session, start) = session(Transport::WebSocket);
    session.handle_timeout(start + INTERVAL);
    let later = start + INTERVAL + TIMEOUT - Duration::from_millis(1);
    assert_eq!(session.receive(&Packet::Text("x"), later), Ok(Received::Message));
    assert_eq!(session.poll_timeout(), Some(later + TIMEOUT));
    session.heard(later + TIMEOUT / 2);
    assert_eq!(session.poll_timeout(), Some(later + TIMEOUT + TIMEOUT / 2));
    // An older moment does not take time away.
    session.heard(later);
    assert_eq!(session.poll_timeout(), Some(later + TIMEOUT + TIMEOUT / 2));
    // It is still the pong that the next ping waits for.
    assert_eq!(session.handle_timeout(later + TIMEOUT), None);
}

#[test]
fn a_machine_that_slept_pings_once_and_gives_the_whole_time_to_answer() {
    let (mut session, start) = session(Transport::WebSocket);
    let awake = start + Duration::from_secs(3600);
    assert_eq!(session.handle_timeout(awake), Some(Timeout::Ping));
    assert_eq!(session.handle_timeout(awake), None);
    assert_eq!(session.poll_timeout(), Some(awake + TIMEOUT));
}

#[test]
fn a_timer_that_is_a_little_late_does_not_move_the_deadline() {
    let (mut session, start) = session(Transport::WebSocket);
    session.handle_timeout(start + INTERVAL + Duration::from_millis(2));
    assert_eq!(session.poll_timeout(), Some(start + INTERVAL + TIMEOUT));
}

#[test]
fn endless_times_never_fire() {
    let endless = Config {
        ping_interval: Duration::MAX,
        ping_timeout: Duration::MAX,
        upgrade_timeout: Duration::MAX,
        allow_upgrades: true,
        close_timeout: Duration::MAX,
    };
    let start = Instant::now();
    let mut session = Session::new(Arc::new(endless), Transport::Polling, start);
    session.probe_started(start).unwrap();
    session.receive(&Packet::Pong(""), start).unwrap();
    assert_eq!(session.poll_timeout(), None);
    assert_eq!(session.handle_timeout(start + Duration::from_secs(1 << 30)), None);
    session.close(CloseReason::ForcedClose, start);
    assert_eq!(session.poll_timeout(), None);
}

#[test]
fn a_client_neither_pings_nor_opens_nor_upgrades_here() {
    for (packet, violation) in [
        (Packet::Ping(""), Violation::HeartbeatDirection),
        (Packet::Open("{}"), Violation::UnexpectedPacket(PacketType::Open)),
        (Packet::Upgrade, Violation::UnexpectedPacket(PacketType::Upgrade)),
    ] {
        let (mut session, start) = session(Transport::WebSocket);
        assert_eq!(session.receive(&packet, start), Err(violation));
        assert_eq!(session.state(), State::Closed(CloseReason::TransportError));
        // What comes after that is nobody's.
        assert_eq!(session.receive(&Packet::Text("x"), start), Ok(Received::Nothing));
    }
}

#[test]
fn the_peer_closes_with_a_packet() {
    let (mut session, start) = session(Transport::Polling);
    let closed = Received::Closed(CloseReason::TransportClose);
    assert_eq!(session.receive(&Packet::Noop, start), Ok(Received::Nothing));
    assert_eq!(session.receive(&Packet::Close, start), Ok(closed));
    assert_eq!(session.poll_started(start), Err(Refusal::Ended));
    assert_eq!(session.post_started(start), Err(Refusal::Ended));
    assert_eq!(session.probe_started(start), Err(Refusal::Ended));
    assert_eq!(Refusal::Ended.handshake_error(), HandshakeError::SessionUnknown);
}

#[test]
fn two_polls_at_once_close_the_session() {
    let (mut session, start) = session(Transport::Polling);
    assert_eq!(session.poll_started(start), Ok(Poll::Hold));
    session.poll_ended();
    assert_eq!(session.poll_started(start), Ok(Poll::Hold));
    let refusal = session.poll_started(start).unwrap_err();
    assert_eq!(refusal, Refusal::Overlap(Violation::OverlappingPoll));
    assert_eq!(refusal.handshake_error(), HandshakeError::BadRequest);
    assert_eq!(session.state(), State::Closed(CloseReason::TransportError));
    assert!(session.must_release_poll(), "the first poll gets a close packet");
}

#[test]
fn two_posts_at_once_close_the_session() {
    let (mut session, start) = session(Transport::Polling);
    session.post_started(start).unwrap();
    assert_eq!(session.poll_started(start), Ok(Poll::Hold), "a poll beside a POST is usual");
    session.post_ended();
    session.post_started(start).unwrap();
    let refusal = session.post_started(start);
    assert_eq!(refusal, Err(Refusal::Overlap(Violation::OverlappingPost)));
    assert_eq!(session.state(), State::Closed(CloseReason::TransportError));
}

#[test]
fn a_request_broken_off_ends_the_session() {
    let (mut first, start) = session(Transport::Polling);
    first.poll_started(start).unwrap();
    first.poll_lost();
    assert_eq!(first.state(), State::Closed(CloseReason::TransportError));

    let (mut second, start) = session(Transport::Polling);
    second.post_started(start).unwrap();
    second.post_lost();
    assert_eq!(second.state(), State::Closed(CloseReason::TransportError));
}

#[test]
fn a_poll_after_the_deadline_does_not_race_with_the_timer() {
    let (mut session, start) = session(Transport::Polling);
    session.handle_timeout(start + INTERVAL);
    assert_eq!(session.poll_started(start + INTERVAL + TIMEOUT), Err(Refusal::Ended));
    assert_eq!(session.state(), State::Closed(CloseReason::PingTimeout));
}

#[test]
fn an_upgrade_goes_probe_answer_upgrade() {
    let (mut session, start) = session(Transport::Polling);
    assert_eq!(session.poll_started(start), Ok(Poll::Hold));
    session.probe_started(start).unwrap();
    assert!(session.is_probing());
    assert!(!session.must_release_poll());

    assert_eq!(session.probe_received(&Packet::Ping("probe"), start), Ok(Probe::Answer));
    assert!(session.must_release_poll(), "the client waits for its poll to return");
    assert_eq!(session.active_transport(), Transport::Polling);
    session.poll_ended();
    assert_eq!(session.poll_started(start), Ok(Poll::Answer));
    session.poll_ended();

    assert_eq!(session.probe_received(&Packet::Upgrade, start), Ok(Probe::Upgraded));
    assert_eq!(session.active_transport(), Transport::WebSocket);
    assert!(!session.is_probing());
    assert_eq!(session.receive(&Packet::Text("x"), start), Ok(Received::Message));
    // The heartbeat has gone on all the while.
    assert_eq!(session.poll_timeout(), Some(start + INTERVAL));
}

#[test]
fn a_poll_that_waits_through_the_upgrade_is_released() {
    let (mut session, start) = session(Transport::Polling);
    session.poll_started(start).unwrap();
    session.probe_started(start).unwrap();
    session.probe_received(&Packet::Ping("probe"), start).unwrap();
    session.probe_received(&Packet::Upgrade, start).unwrap();
    assert!(session.must_release_poll());
    session.poll_lost();
    assert!(session.is_open(), "polling is no longer what the session lives on");
}

#[test]
fn after_the_upgrade_polling_and_other_websockets_are_refused() {
    let (mut session, start) = probed();
    session.probe_received(&Packet::Upgrade, start).unwrap();
    assert_eq!(session.poll_started(start), Err(Refusal::WrongTransport));
    assert_eq!(session.post_started(start), Err(Refusal::WrongTransport));
    assert_eq!(session.probe_started(start), Err(Refusal::WrongTransport));
    assert_eq!(Refusal::WrongTransport.handshake_error(), HandshakeError::BadRequest);
    assert!(session.is_open());
}

#[test]
fn a_second_probe_is_refused_and_the_first_goes_on() {
    let (mut session, start) = probed();
    assert_eq!(session.probe_started(start), Err(Refusal::AlreadyProbing));
    assert_eq!(session.probe_received(&Packet::Upgrade, start), Ok(Probe::Upgraded));
}

#[test]
fn a_wrong_packet_ends_the_probe_only() {
    for packet in [Packet::Ping(""), Packet::Text("probe"), Packet::Upgrade, Packet::Close] {
        let (mut session, start) = session(Transport::Polling);
        session.probe_started(start).unwrap();
        let violation = session.probe_received(&packet, start);
        assert_eq!(violation, Err(Violation::ProbeExpected), "{packet:?}");
        assert!(session.is_open() && !session.is_probing());
        assert_eq!(session.probe_received(&packet, start), Ok(Probe::Ended));
        assert_eq!(session.probe_started(start), Ok(()), "it may be tried again");
    }
    let (mut session, start) = probed();
    let violation = session.probe_received(&Packet::Ping("probe"), start);
    assert_eq!(violation, Err(Violation::UpgradeExpected));
    assert_eq!((session.is_open(), session.active_transport()), (true, Transport::Polling));
}

#[test]
fn an_upgrade_that_takes_too_long_is_given_up() {
    let (mut session, start) = probed();
    session.handle_timeout(start + INTERVAL);
    session.receive(&Packet::Pong(""), start + UPGRADE - INTERVAL / 2).unwrap();
    assert_eq!(session.poll_timeout(), Some(start + UPGRADE));
    assert_eq!(session.handle_timeout(start + UPGRADE), Some(Timeout::ProbeExpired));
    assert!(session.is_open() && !session.is_probing());
    assert_eq!(session.poll_started(start + UPGRADE), Ok(Poll::Hold));
    assert_eq!(session.probe_received(&Packet::Upgrade, start + UPGRADE), Ok(Probe::Ended));
}

#[test]
fn a_probe_that_breaks_off_leaves_the_session_on_polling() {
    let (mut session, start) = probed();
    session.probe_lost();
    assert!(session.is_open() && !session.is_probing());
    assert_eq!(session.poll_started(start), Ok(Poll::Hold));
}

#[test]
fn upgrades_can_be_forbidden() {
    let start = Instant::now();
    let config = Config { allow_upgrades: false, ..config() };
    let mut session = Session::new(Arc::new(config), Transport::Polling, start);
    assert_eq!(session.probe_started(start), Err(Refusal::UpgradesDisabled));
    assert!(session.is_open());
}

#[test]
fn closing_on_polling_waits_for_a_poll_to_carry_the_close_packet() {
    let (mut session, start) = session(Transport::Polling);
    session.close(CloseReason::ServerNamespaceDisconnect, start);
    let closing = CloseReason::ServerNamespaceDisconnect;
    assert_eq!(session.state(), State::Closing(closing));
    assert_eq!(session.receive(&Packet::Text("x"), start), Ok(Received::Nothing));
    assert_eq!(session.post_started(start), Ok(()));
    session.post_ended();
    assert_eq!(session.poll_started(start), Ok(Poll::Last));
    session.poll_ended();
    assert_eq!(session.state(), State::Closed(closing));
}

#[test]
fn closing_releases_the_waiting_poll() {
    let (mut session, start) = session(Transport::Polling);
    session.poll_started(start).unwrap();
    session.close(CloseReason::ServerShuttingDown, start);
    assert!(session.must_release_poll());
    session.poll_ended();
    assert_eq!(session.state(), State::Closed(CloseReason::ServerShuttingDown));
}

#[test]
fn closing_gives_up_after_a_while() {
    let (mut session, start) = session(Transport::WebSocket);
    session.close(CloseReason::ForcedServerClose, start);
    assert_eq!(session.poll_timeout(), Some(start + CLOSE));
    let closed = Timeout::Closed(CloseReason::ForcedServerClose);
    assert_eq!(session.handle_timeout(start + CLOSE), Some(closed));
}

#[test]
fn the_first_reason_stands() {
    let (mut session, start) = session(Transport::WebSocket);
    session.close(CloseReason::ForcedServerClose, start);
    session.close(CloseReason::ServerShuttingDown, start);
    assert_eq!(session.lost(CloseReason::TransportClose), CloseReason::ForcedServerClose);
    assert_eq!(session.fail(Violation::EmptyPacket), Violation::EmptyPacket);
    assert_eq!(session.state(), State::Closed(CloseReason::ForcedServerClose));
}

#[test]
fn closing_gives_up_a_probe_that_was_not_answered() {
    let (mut session, start) = session(Transport::Polling);
    session.probe_started(start).unwrap();
    session.close(CloseReason::ForcedClose, start);
    assert!(!session.is_probing());
    assert_eq!(session.probe_received(&Packet::Ping("probe"), start), Ok(Probe::Ended));
    assert_eq!(session.poll_started(start), Ok(Poll::Last));
}

#[test]
fn a_client_that_is_moving_hears_of_the_end_where_it_moves_to() {
    let (mut session, start) = probed();
    session.close(CloseReason::ForcedClose, start);
    assert!(session.is_moving());
    assert_eq!(session.poll_timeout(), Some(start + CLOSE));
    assert_eq!(session.probe_received(&Packet::Upgrade, start), Ok(Probe::Upgraded));
    assert_eq!(session.active_transport(), Transport::WebSocket);
    assert_eq!(session.state(), State::Closing(CloseReason::ForcedClose));
    assert_eq!(session.poll_started(start), Err(Refusal::WrongTransport));
}

#[test]
fn a_client_that_is_moving_may_still_poll_for_the_end() {
    let (mut session, start) = probed();
    session.close(CloseReason::ForcedClose, start);
    assert_eq!(session.poll_started(start), Ok(Poll::Last));
    session.poll_ended();
    assert_eq!(session.state(), State::Closed(CloseReason::ForcedClose));
    assert!(!session.is_moving());
}

#[test]
fn closing_waits_while_packets_leave_before_the_close_packet() {
    let (mut session, start) = session(Transport::Polling);
    session.poll_started(start).unwrap();
    session.close(CloseReason::ForcedServerClose, start);
    session.poll_answered();
    assert_eq!(session.state(), State::Closing(CloseReason::ForcedServerClose));
    assert_eq!(session.poll_started(start), Ok(Poll::Last));
    session.poll_ended();
    assert_eq!(session.state(), State::Closed(CloseReason::ForcedServerClose));
}

#[test]
fn what_the_caller_cannot_decode_ends_the_session_as_a_parse_error() {
    let (mut session, _) = session(Transport::WebSocket);
    session.fail(Violation::UnknownPacketType);
    assert_eq!(session.state(), State::Closed(CloseReason::ParseError));
}
