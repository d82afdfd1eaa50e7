//! `Options::max_attachments`: as many as it says, and not one more.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod support;

use rialto::{Bytes, Events, Options, Server};
use std::net::SocketAddr;
use std::time::Duration;
use support::{Client, start};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

async fn serve(options: Options) -> SocketAddr {
    let events = Events::new().on_ack("parts", async |_, parts: Vec<Bytes>| Ok(parts.len()));
    start(Server::new(events).options(options)).await.0
}

async fn client(options: Options) -> Client {
    Client::join(serve(options).await).await
}

/// The head of an event with so many attachments.
fn head(count: usize) -> String {
    let part = |num| format!(r#"{{"_placeholder":true,"num":{num}}}"#);
    let parts: Vec<_> = (0..count).map(part).collect();
    format!(r#"5{count}-0["parts",[{}]]"#, parts.join(","))
}

async fn sends(client: &mut Client, count: usize) {
    client.send(&head(count)).await;
    for _ in 0..count {
        client.socket.send(&b"x"[..]).await.unwrap();
    }
}

#[tokio::test]
async fn the_option_bounds_attachments() {
    for (options, most) in [
        (Options::default(), 10),
        (Options::default().max_attachments(1), 1),
        (Options::default().max_attachments(300), 300),
    ] {
        let mut client = client(options).await;
        sends(&mut client, most).await;
        assert_eq!(client.recv().await, format!("30[{most}]"));
        client.send(&head(most + 1)).await;
        let text = "more attachments than the limit allows".to_owned();
        assert_eq!(client.closed().await, (1002, text), "{most}");
    }
    let mut client = client(Options::default().max_attachments(0)).await;
    client.send(&head(1)).await;
    assert_eq!(client.closed().await.0, 1002);
}

/// Nothing is reserved for attachments that are announced: the option has no bound of its own.
#[tokio::test]
async fn without_a_bound_announcing_costs_nothing() {
    let mut client = client(Options::default().max_attachments(usize::MAX)).await;
    client.send(&format!(r#"5{}-["parts",[]]"#, usize::MAX)).await;
    client.send(r#"2["parts"]"#).await;
    let text = "a text message came while attachments were due".to_owned();
    assert_eq!(client.closed().await, (1002, text));
}

#[cfg(feature = "msgpack")]
mod msgpack {
    use super::support::{Client, within};
    use rialto::Options;
    use rialto::parser::{MAX_BINARY, Msgpack};
    use rialto::ws::Message;

    fn map(pairs: &[(&str, &[u8])]) -> Vec<u8> {
        let mut out = vec![0x80 | u8::try_from(pairs.len()).unwrap()];
        for (name, value) in pairs {
            out.push(0xa0 | u8::try_from(name.len()).unwrap());
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(value);
        }
        out
    }

    /// An event with so many binary values of no length.
    fn event(count: usize) -> Vec<u8> {
        let mut data = b"\x92\xa5parts\xdd".to_vec();
        data.extend_from_slice(&u32::try_from(count).unwrap().to_be_bytes());
        (0..count).for_each(|_| data.extend_from_slice(b"\xc4\x00"));
        map(&[("type", b"\x02"), ("nsp", b"\xa1/"), ("id", b"\x00"), ("data", &data)])
    }

    #[tokio::test]
    async fn binary_values_inside_messages_have_a_bound_of_their_own() {
        for (most, allowed) in [(1, MAX_BINARY), (10, MAX_BINARY), (2_000, 2_000)] {
            let options = Options::default().max_attachments(most).parser(Msgpack);
            let mut client = client_of(options).await;
            client.socket.send(event(allowed)).await.unwrap();
            let answer = within(client.socket.recv()).await.unwrap().unwrap();
            assert!(matches!(answer, Message::Binary(_)), "{answer}");
            client.socket.send(event(allowed + 1)).await.unwrap();
            let text = "more binary values than the limit allows".to_owned();
            assert_eq!(client.closed().await, (1002, text), "{most}");
        }
    }

    async fn client_of(options: Options) -> Client {
        let mut client = Client::open(super::serve(options).await).await;
        client.socket.send(map(&[("type", b"\x00"), ("nsp", b"\xa1/")])).await.unwrap();
        let joined = within(client.socket.recv()).await.unwrap().unwrap();
        assert!(matches!(joined, Message::Binary(_)), "{joined}");
        client
    }
}

/// A client that sends bytes of its own choice.
struct Raw(TcpStream);

impl Raw {
    async fn join(address: SocketAddr) -> Self {
        let mut raw = Self(TcpStream::connect(address).await.unwrap());
        let head = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\n\
                    Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        raw.send(head.as_bytes()).await;
        raw.frame(0x81, 2).await;
        raw.send(b"40").await;
        raw.expect("40{").await;
        raw
    }

    async fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
    }

    /// The head of a frame whose mask changes nothing.
    async fn frame(&mut self, first: u8, length: u8) {
        self.send(&[first, 0x80 | length, 0, 0, 0, 0]).await;
    }

    /// The head of an event, and the head of the frame with its attachment.
    async fn announce(&mut self, length: u8) {
        let event = format!("4{}", head(1));
        self.frame(0x81, event.len().try_into().unwrap()).await;
        self.send(event.as_bytes()).await;
        self.frame(0x82, length).await;
    }

    async fn expect(&mut self, word: &str) {
        let (mut all, mut piece) = (Vec::new(), [0; 1024]);
        while !String::from_utf8_lossy(&all).contains(word) {
            let count = timeout(Duration::from_secs(60), self.0.read(&mut piece)).await;
            let count = count.unwrap().unwrap();
            assert!(count > 0, "{word} in {}", String::from_utf8_lossy(&all));
            all.extend_from_slice(&piece[..count]);
        }
    }
}

/// An attachment may take longer than the 15 s in which something of it has to come.
#[tokio::test]
async fn an_attachment_that_is_on_its_way_is_waited_for() {
    // With the second option the session's task has a client that stands before the usual one.
    let counted = Options::default().max_connections_per_address(2);
    tokio::join!(waits_for_what_comes(Options::default()), waits_for_what_comes(counted));
}

async fn waits_for_what_comes(options: Options) {
    let address = serve(options).await;
    let (mut slow, mut silent) = (Raw::join(address).await, Raw::join(address).await);
    let sends = async {
        slow.announce(40).await;
        for _ in 0..40 {
            tokio::time::sleep(Duration::from_millis(450)).await;
            slow.send(b"x").await;
        }
        slow.expect("430[1]").await;
    };
    let waits = async {
        silent.announce(40).await;
        silent.send(b"x").await;
        silent.expect("the packet's attachments did not arrive in time").await;
    };
    tokio::join!(sends, waits);
}
