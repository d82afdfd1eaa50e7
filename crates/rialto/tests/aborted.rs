//! Polls that their client breaks off: what they were to bring is not lost without a word.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod support;

use rialto::{Events, Options, Server};
use std::time::Duration;
use support::{Poller, http, start, within};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// Text that takes a compressor its time.
fn noise(bytes: usize) -> String {
    let mut state = 1_u64;
    let mut letter = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        char::from(b'a' + u8::try_from((state >> 33) % 26).unwrap())
    };
    (0..bytes).map(|_| letter()).collect()
}

/// Whether the session is over after its client has gone while its answer was being compressed.
async fn is_over(event: &str) -> bool {
    let options = Options::default().ping_interval(Duration::from_secs(60));
    let (address, io) = start(Server::new(Events::new()).options(options)).await;
    let client = Poller::join(address).await;
    io.emit("large", event).await.unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "GET {} HTTP/1.1\r\nHost: {address}\r\nAccept-Encoding: gzip\r\n\r\n",
        client.target
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    within(async {
        while io.stats().buffered > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    drop(stream);
    let gone = async {
        while http(address, "POST", &client.target, "3").await.0 != 400 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(3), gone).await.is_ok()
}

#[tokio::test]
async fn a_poll_broken_off_while_its_answer_is_compressed_ends_the_session() {
    let event = noise(900_000);
    // A compressor that is done before the end of the connection is seen has answered in time.
    for _ in 0..5 {
        if is_over(&event).await {
            return;
        }
    }
    panic!("what the poll was to bring is lost, and the session goes on");
}
