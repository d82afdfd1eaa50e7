//! The handshake: the request's query, the open packet, the refusals.

#![allow(clippy::unwrap_used)] // The functions between the tests fail as tests do.

use std::time::Duration;

use proptest::prelude::*;
use rialto_protocol::engine::{
    HandshakeError, MAX_QUERY_BYTES, MAX_QUERY_PAIRS, Open, Query, Transport, Version,
};

#[test]
fn the_query_of_a_stock_client_is_understood() {
    let query = Query::parse("EIO=4&transport=polling&t=PzJd-xX&sid=lv_VI97HAXpY6yYWAAAC").unwrap();
    assert_eq!(query.version, Version::V4);
    assert_eq!(query.transport, Transport::Polling);
    assert_eq!(query.sid.as_deref(), Some("lv_VI97HAXpY6yYWAAAC"));
    assert_eq!(query.timestamp.as_deref(), Some("PzJd-xX"));
    assert_eq!(query.jsonp, None);
    assert!(!query.base64);
}

#[test]
fn the_revision_is_four_or_counts_as_three() {
    for (eio, version) in [
        ("EIO=4&", Version::V4),
        ("EIO=3&", Version::V3),
        ("", Version::V3),
        ("EIO=5&", Version::V3),
        ("EIO=&", Version::V3),
        ("EIO=04&", Version::V3),
    ] {
        let query = format!("{eio}transport=websocket");
        assert_eq!(Query::parse(&query).unwrap().version, version, "{query}");
    }
}

#[test]
fn the_transport_must_be_known() {
    for query in ["", "EIO=4", "transport=", "transport=constructor", "transport=Polling", "a=b"] {
        assert_eq!(Query::parse(query).err(), Some(HandshakeError::TransportUnknown), "{query}");
    }
}

#[test]
fn of_a_repeated_parameter_the_first_counts() {
    let query = Query::parse("transport=polling&transport=x&sid=a&sid=b&x=1&x=2").unwrap();
    assert_eq!(query.transport, Transport::Polling);
    assert_eq!(query.sid.as_deref(), Some("a"));
    assert_eq!(query.get("x").as_deref(), Some("1"));
    assert_eq!(query.pairs().filter(|(name, _)| name == "x").count(), 2);
}

#[test]
fn an_empty_sid_is_none_and_an_empty_b64_is_no() {
    let query = Query::parse("transport=polling&sid=&b64=&j=").unwrap();
    assert_eq!(query.sid, None);
    assert!(!query.base64);
    assert_eq!(query.jsonp.as_deref(), Some(""));
    assert!(Query::parse("transport=polling&b64=1").unwrap().base64);
}

#[test]
fn names_and_values_are_decoded() {
    let query = Query::parse("transport=%70olling&a%20b=%E2%82%AC+%F0%9F%A6%80&&flag&=x").unwrap();
    let pairs: Vec<_> = query.pairs().collect();
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| (name.as_ref(), value.as_ref())).collect();
    assert_eq!(pairs, [("transport", "polling"), ("a b", "€ 🦀"), ("flag", ""), ("", "x")]);
}

#[test]
fn broken_escapes_stay_and_broken_utf8_is_replaced() {
    let query = Query::parse("transport=polling&a=%&b=%4&c=%zz&d=%ff&e=100%+%41&f=%+1").unwrap();
    for (name, value) in
        [("a", "%"), ("b", "%4"), ("c", "%zz"), ("d", "\u{fffd}"), ("e", "100% A"), ("f", "% 1")]
    {
        assert_eq!(query.get(name).as_deref(), Some(value));
    }
}

#[test]
fn the_query_is_bounded() {
    let filler = "x".repeat(MAX_QUERY_BYTES - "transport=polling&".len());
    let query = format!("transport=polling&{filler}");
    assert!(Query::parse(&query).is_ok());
    assert_eq!(Query::parse(&(query + "x")).err(), Some(HandshakeError::BadRequest));

    let query = ["transport=polling"; MAX_QUERY_PAIRS].join("&");
    assert!(Query::parse(&query).is_ok());
    assert_eq!(Query::parse(&(query + "&a")).err(), Some(HandshakeError::BadRequest));
}

#[test]
fn the_open_packet_uses_the_wire_names_and_milliseconds() {
    let open = Open {
        sid: "abc".into(),
        upgrades: vec![Transport::WebSocket],
        ping_interval: Duration::from_millis(300),
        ping_timeout: Duration::from_micros(200_900),
        max_payload: 1_000_000,
    };
    let expected = concat!(
        r#"{"sid":"abc","upgrades":["websocket"],"#,
        r#""pingInterval":300,"pingTimeout":200,"maxPayload":1000000}"#
    );
    assert_eq!(open.to_json(), expected);
}

#[test]
fn whatever_the_id_is_the_packet_is_json() {
    for sid in ["", "a-_9", "a\"b", "back\\slash", "line\nend", "\u{7f}", "\u{0}", "héllo 😀"] {
        let open = Open {
            sid: sid.into(),
            upgrades: vec![Transport::Polling, Transport::WebSocket],
            ping_interval: Duration::MAX,
            ping_timeout: Duration::ZERO,
            max_payload: usize::MAX,
        };
        let json = open.to_json();
        let expected = format!(
            "{{\"sid\":{},\"upgrades\":[\"polling\",\"websocket\"],\
             \"pingInterval\":{},\"pingTimeout\":0,\"maxPayload\":{}}}",
            serde_json::to_string(sid).unwrap(),
            u64::MAX,
            usize::MAX
        );
        assert_eq!(json, expected);
        assert_eq!(Open::from_json(&json).unwrap().sid, sid);
    }
}

#[test]
fn the_open_packet_of_other_servers_is_read() {
    let old = r#"{"sid":"a\u0062","upgrades":["webtransport","websocket"],"pingInterval":1,
        "pingTimeout":2,"more":[]}"#;
    let open = Open::from_json(old).unwrap();
    assert_eq!(open.sid, "ab");
    assert_eq!(open.upgrades, [Transport::WebSocket]);
    assert_eq!(open.max_payload, 0);
    assert_eq!(Open::from_json(&open.to_json()).unwrap(), open);

    for bad in ["", "{}", "[]", r#"{"sid":1,"pingInterval":1,"pingTimeout":1}"#] {
        let error = Open::from_json(bad).unwrap_err();
        assert!(std::error::Error::source(&error).is_some(), "{bad}");
    }
}

#[test]
fn refusals_have_the_reference_codes_and_words() {
    for (code, error, status, message) in [
        (0, HandshakeError::TransportUnknown, 400, "Transport unknown"),
        (1, HandshakeError::SessionUnknown, 400, "Session ID unknown"),
        (2, HandshakeError::BadMethod, 400, "Bad handshake method"),
        (3, HandshakeError::BadRequest, 400, "Bad request"),
        (4, HandshakeError::Forbidden, 403, "Forbidden"),
        (5, HandshakeError::UnsupportedVersion, 400, "Unsupported protocol version"),
    ] {
        assert_eq!((error.code(), error.status(), error.message()), (code, status, message));
        assert_eq!(error.to_json(), format!(r#"{{"code":{code},"message":"{message}"}}"#));
    }
    let json = HandshakeError::Forbidden.to_json_with("not \"you\"\n");
    assert_eq!(json, r#"{"code":4,"message":"not \"you\"\n"}"#);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 256,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_query_is_read_without_panic(raw in "[%&=+a-fé0-9]{0,60}") {
        let _ = Query::parse(&raw);
        let query = format!("transport=polling&{raw}");
        prop_assert!(Query::parse(&query).unwrap().pairs().count() <= MAX_QUERY_PAIRS);
    }
}
