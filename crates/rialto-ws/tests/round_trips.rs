//! What one side writes the other reads as it was meant: frames, closes, handshakes; and the origin
//! rule agrees with a plainer statement of itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

use http::{HeaderMap, Method, StatusCode, Version};
use proptest::prelude::*;
use proptest::sample::subsequence;
use rialto_ws::proto::deflate::Offer;
use rialto_ws::proto::handshake::client::{self, Offers};
use rialto_ws::proto::handshake::server::{self, Terms};
use rialto_ws::proto::handshake::{Request, head_end};
use rialto_ws::proto::{Header, OpCode, apply_mask};
use rialto_ws::{CloseCode, CloseFrame, Deflate, Origins};

fn opcode() -> impl Strategy<Value = OpCode> {
    use OpCode::{Binary, Close, Continuation, Ping, Pong, Text};
    prop::sample::select(vec![Continuation, Text, Binary, Close, Ping, Pong])
}

/// Lengths of every form, their bounds more often than by chance.
fn length() -> impl Strategy<Value = u64> {
    prop_oneof![
        0..130u64,
        65_530..65_540u64,
        any::<u64>().prop_map(|length| length >> 1),
        Just(u64::MAX >> 1),
    ]
}

prop_compose! {
    fn header()(
        fin in any::<bool>(), rsv in 0..8u8, opcode in opcode(),
        mask in any::<Option<[u8; 4]>>(), length in length(),
    ) -> Header {
        // Control frames that there are: whole and short.
        let control = opcode.is_control();
        let length = if control { length % 126 } else { length };
        Header { fin: fin || control, rsv, opcode, mask, length }
    }
}

proptest! {
    #[test]
    fn a_header_is_read_as_it_was_written(header in header()) {
        let mut bytes = [0; Header::MAX];
        let size = header.write(&mut bytes);
        prop_assert_eq!(Header::parse(&bytes), Ok(Some((header, size))));
        for cut in 0..size {
            prop_assert_eq!(Header::parse(&bytes[..cut]), Ok(None), "cut at {}", cut);
        }
    }

    #[test]
    fn whatever_is_read_as_a_header_can_be_written(bytes in prop::array::uniform14(any::<u8>())) {
        if let Ok(Some((header, size))) = Header::parse(&bytes) {
            let mut again = [0; Header::MAX];
            let shortest = header.write(&mut again);
            prop_assert!(shortest <= size);
            prop_assert_eq!(Header::parse(&again[..shortest]), Ok(Some((header, shortest))));
        }
    }

    #[test]
    fn masking_twice_is_nothing_wherever_it_is_cut(
        payload in prop::collection::vec(any::<u8>(), 0..300),
        key in any::<[u8; 4]>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut masked = payload.clone();
        apply_mask(&mut masked, key, 0);
        let cut = cut.index(payload.len() + 1);
        let (first, second) = masked.split_at_mut(cut);
        apply_mask(first, key, 0);
        apply_mask(second, key, cut);
        prop_assert_eq!(masked, payload);
    }

    #[test]
    fn a_close_frame_is_read_as_it_was_written(code in any::<u16>(), reason in "\\PC{0,150}") {
        let frame = CloseFrame::new(code, reason.as_str());
        let mut bytes = Vec::new();
        frame.write(&mut bytes);
        prop_assert!(bytes.len() <= 125);
        let read = CloseFrame::parse(&bytes).unwrap();
        if !frame.code.is_sendable() {
            prop_assert_eq!(read, CloseFrame::new(CloseCode::NO_STATUS, ""));
            return Ok(());
        }
        prop_assert_eq!(read.code, frame.code);
        prop_assert!(reason.starts_with(read.reason.as_str()));
        let next = reason[read.reason.len()..].chars().next().map_or(0, char::len_utf8);
        let is_longest = next == 0 || read.reason.len() + next > CloseFrame::MAX_REASON;
        prop_assert!(is_longest, "cut more than needed");
    }

    #[test]
    fn whatever_is_read_as_a_close_frame_can_be_written(
        bytes in prop::collection::vec(any::<u8>(), 0..126),
    ) {
        if let Ok(frame) = CloseFrame::parse(&bytes) {
            let mut again = Vec::new();
            frame.write(&mut again);
            prop_assert_eq!(again, bytes);
        }
    }
}

const PROTOCOLS: [&str; 4] = ["chat.v1", "chat.v2", "graphql-ws", "mqtt"];

fn protocols() -> impl Strategy<Value = Vec<String>> {
    subsequence(PROTOCOLS.map(str::to_owned).to_vec(), 0..=4).prop_shuffle()
}

fn wish() -> impl Strategy<Value = Option<Deflate>> {
    let deflate = (any::<[bool; 2]>(), 8..=15u8, 8..=15u8).prop_map(|(anew, server, client)| {
        Deflate::default()
            .server_no_context_takeover(anew[0])
            .client_no_context_takeover(anew[1])
            .server_max_window_bits(server)
            .client_max_window_bits(client)
    });
    prop::option::of(deflate)
}

proptest! {
    #[test]
    fn a_handshake_of_ours_is_accepted_by_us(
        nonce in any::<[u8; 16]>(),
        target in "/[a-z0-9/%._~-]{0,30}(\\?[a-z0-9=&%+]{0,20})?",
        (offered, spoken) in (protocols(), protocols()),
        (asked, given) in (wish(), wish()),
        cookie in "[ -~]{0,200}",
    ) {
        let key = client::key(nonce);
        let offers = Offers { protocols: &offered, deflate: asked.as_ref().map(Offer::new) };
        let mut headers = HeaderMap::new();
        headers.insert("cookie", cookie.parse().unwrap());
        let request = client::request(&target, "localhost:3000", &key, &offers, &headers);
        prop_assert_eq!(head_end(&request, 0), Some(request.len()));

        let mut fields = [httparse::EMPTY_HEADER; 32];
        let mut parsed = httparse::Request::new(&mut fields);
        parsed.parse(&request).unwrap();
        prop_assert_eq!(parsed.path, Some(target.as_str()));
        let fields: &[httparse::Header<'_>] = parsed.headers;
        let kept = Request::new(&target, fields.iter().map(|field| (field.name, field.value)));
        prop_assert_eq!(kept.header("cookie"), Some(cookie.trim()));
        let terms = Terms { origins: &Origins::same(), protocols: &spoken, deflate: given };
        let accept = server::check(&Method::GET, Version::HTTP_11, fields, &terms).unwrap();
        let common = spoken.iter().find(|name| offered.contains(name));
        prop_assert_eq!(accept.protocol.as_ref(), common);
        prop_assert_eq!(accept.deflate.is_some(), asked.is_some() && given.is_some());

        let answer = accept.to_http1();
        prop_assert_eq!(head_end(&answer, 0), Some(answer.len()));
        let mut fields = [httparse::EMPTY_HEADER; 32];
        let mut parsed = httparse::Response::new(&mut fields);
        parsed.parse(&answer).unwrap();
        let status = StatusCode::from_u16(parsed.code.unwrap()).unwrap();
        let fields: &[httparse::Header<'_>] = parsed.headers;
        let chosen = client::check(status, fields, &key, &offers).unwrap();
        prop_assert_eq!(chosen.protocol.as_ref(), common);
        prop_assert_eq!(chosen.deflate.is_some(), accept.deflate.is_some());
        // Nobody else's answer will do.
        let other = client::key(nonce.map(|byte| !byte));
        prop_assert!(client::check(status, fields, &other, &offers).is_err());
    }

    #[test]
    fn no_head_of_any_bytes_is_accepted_without_a_key(
        fields in prop::collection::vec(("[a-zA-Z-]{1,30}", "[ -~]{0,60}"), 0..20),
    ) {
        let mut map = HeaderMap::new();
        for (name, value) in fields {
            map.append(name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap());
        }
        map.remove("sec-websocket-key");
        let terms =
            Terms { origins: &Origins::Any, protocols: &[], deflate: Some(Deflate::default()) };
        prop_assert!(server::check(&Method::GET, Version::HTTP_11, &map, &terms).is_err());
    }
}

/// A place that a page or a server can be at.
#[derive(Clone, Debug)]
struct Place {
    name: &'static str,
    port: Option<u16>,
}

impl Place {
    fn text(&self) -> String {
        match self.port {
            Some(port) => format!("{}:{port}", self.name),
            None => self.name.to_owned(),
        }
    }

    fn is_loopback(&self) -> bool {
        let name = self.name.to_lowercase();
        name == "localhost" || name.starts_with("127.") || name == "[::1]"
    }
}

fn place() -> impl Strategy<Value = Place> {
    let names = [
        "a.example",
        "A.Example",
        "b.example",
        "a.example.evil",
        "xa.example",
        "localhost",
        "LocalHost",
        "localhost.evil",
        "127.0.0.1",
        "127.9.8.7",
        "128.0.0.1",
        "[::1]",
        "[::2]",
    ];
    let ports = vec![None, Some(80), Some(443), Some(3000), Some(8080)];
    (prop::sample::select(names.to_vec()), prop::sample::select(ports))
        .prop_map(|(name, port)| Place { name, port })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_page_may_connect_to_its_own_place_and_loopback_to_loopback(
        secure in any::<bool>(), page in place(), server in place(), listed in place(),
    ) {
        let scheme = if secure { "https" } else { "http" };
        let origin = format!("{scheme}://{}", page.text());
        let port = |place: &Place| place.port.unwrap_or(if secure { 443 } else { 80 });
        let own = page.name.eq_ignore_ascii_case(server.name) && port(&page) == port(&server);
        let expected = own || page.is_loopback() && server.is_loopback();
        let host = server.text();
        let allowed = Origins::same().allow(Some(&origin), Some(&host));
        prop_assert_eq!(allowed, expected, "{} to {}", &origin, &host);

        let named = format!("{scheme}://{}", listed.text());
        let list = Origins::list([named.as_str()]);
        let expected = expected || named.eq_ignore_ascii_case(&origin);
        prop_assert_eq!(list.allow(Some(&origin), Some(&host)), expected);
        prop_assert!(Origins::list(["*"]).allow(Some(&origin), Some(&host)));
        prop_assert!(Origins::same().allow(None, Some(&host)), "whoever is no browser");
        prop_assert!(!Origins::same().allow(Some("null"), Some(&host)));
    }

    #[test]
    fn nothing_that_is_no_origin_passes(origin in "\\PC{0,40}", host in "[a-z.:0-9]{1,20}") {
        if !origin.contains("://") {
            prop_assert!(!Origins::same().allow(Some(&origin), Some(&host)));
        }
    }
}
