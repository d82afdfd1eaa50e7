//! Whatever a proxy answers: taken only if it is whole and says yes.

use super::http::Asked;
use super::{http, socks};
use ::http::HeaderMap;
use proptest::prelude::*;
use tokio::io::{join, sink};

const MAX_HEAD: usize = 1 << 10;

/// True if the proxy's bytes, and then its end, are taken for a tunnel.
fn by_http(answer: &[u8]) -> bool {
    let asked = Asked { host: "app.example", port: 443, user: None, headers: &HeaderMap::new() };
    let mut stream = join(answer, sink());
    block_on(http::connect(&mut stream, &asked, MAX_HEAD)).is_ok()
}

/// True, and what is left for the server's own bytes, if they are taken for a tunnel.
fn by_socks(answer: &[u8]) -> Option<usize> {
    let mut stream = join(answer, sink());
    let taken = block_on(socks::connect(&mut stream, "app.example", 443, None)).is_ok();
    taken.then(|| stream.reader().len())
}

fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(future)
}

fn line() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        3 => "HTTP/1\\.[01] [0-9]{3} ?[a-z]{0,4}\r\n".prop_map(String::into_bytes),
        3 => "[A-Za-z-]{1,9}: ?[ -~]{0,9}\r\n".prop_map(String::into_bytes),
        2 => Just(b"\r\n".to_vec()),
        1 => Just(b"HTTP/1.1 200 OK\r\n\r\n".to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..9),
    ]
}

/// Greetings and replies that are nearly right.
fn reply() -> impl Strategy<Value = Vec<u8>> {
    let byte = || prop_oneof![4 => 0u8..6, 1 => any::<u8>()];
    let head = (prop_oneof![9 => Just(5u8), 1 => byte()], prop_oneof![5 => Just(0u8), 1 => byte()]);
    let heads = (head.clone(), head);
    (heads, proptest::collection::vec(byte(), 0..40)).prop_map(|((greeting, reply), rest)| {
        let mut bytes = vec![greeting.0, greeting.1, reply.0, reply.1, 0];
        bytes.extend(rest);
        bytes
    })
}

proptest! {
    #[test]
    fn an_answer_to_connect_is_a_whole_success(lines in proptest::collection::vec(line(), 1..6)) {
        let answer = lines.concat();
        if by_http(&answer) {
            let text = String::from_utf8_lossy(&answer);
            // Empty lines in front are passed over (RFC 9112 §2.2).
            prop_assert!(text.trim_start().starts_with("HTTP/1."), "{text}");
            prop_assert!(text.contains(" 2"), "{text}");
            prop_assert!(answer.ends_with(b"\n"), "something stands behind it: {text}");
            for cut in 0..answer.len() {
                prop_assert!(!by_http(&answer[..cut]), "cut at {cut}: {text}");
            }
            prop_assert!(!by_http(&[&answer[..], b"x"].concat()), "{text}");
        }
    }

    #[test]
    fn an_answer_by_socks_is_a_whole_success(answer in reply()) {
        if let Some(left) = by_socks(&answer) {
            prop_assert_eq!(&answer[..4], &[5, 0, 5, 0]);
            let length = answer.len() - left;
            let address = match answer[5] {
                1 => 4,
                4 => 16,
                _ => 1 + usize::from(answer[6]),
            };
            prop_assert_eq!(length, 2 + 4 + address + 2);
            for cut in 0..length {
                prop_assert!(by_socks(&answer[..cut]).is_none(), "cut at {}", cut);
            }
        }
    }
}

#[test]
fn what_is_made_up_is_taken_now_and_then() {
    assert!(by_http(b"HTTP/1.1 100 Wait\r\n\r\nHTTP/1.0 200 OK\r\nVia: x\r\n\r\n"));
    assert_eq!(by_socks(&[5, 0, 5, 0, 0, 1, 1, 2, 3, 4, 0, 80, 7]), Some(1));
    assert_eq!(by_socks(&[5, 0, 5, 0, 0, 3, 1, b'a', 0, 80]), Some(0));
}
