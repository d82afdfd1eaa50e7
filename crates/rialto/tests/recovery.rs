//! Connection state recovery: who comes back, as whom, and with which packets.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod support;

use rialto::{
    Args, ConnectionStateRecovery, Events, Handshake, Io, Options, Refused, Server, Socket, guard,
};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::{Client, start, within};

fn options(recovery: ConnectionStateRecovery) -> Options {
    Options::default().connection_state_recovery(recovery)
}

fn events() -> Events {
    Events::new()
        .on_connect(async |socket: Socket| {
            if !socket.recovered() {
                socket.set_data(7u32);
            }
            Ok(())
        })
        .on_ack("join", async |socket: Socket, room: String| socket.join(room))
        .on_ack("who", async |socket: Socket, ()| {
            let data = socket.data::<u32>().map(|data| *data);
            let rooms: Vec<String> = socket.rooms().iter().map(|room| room.to_string()).collect();
            Ok((socket.recovered(), data, rooms))
        })
        .on("last words", async |socket: Socket, ()| socket.volatile().emit("tick", "tock").await)
        .on("say", async |socket: Socket, text: String| socket.emit("said", text).await)
        .on_ack("kick", async |socket: Socket, ()| {
            socket.disconnect(false);
            Ok(())
        })
}

async fn serve(recovery: ConnectionStateRecovery) -> (SocketAddr, Io) {
    start(Server::new(events()).options(options(recovery))).await
}

/// A client that remembers what a stock client remembers.
struct Stock {
    client: Client,
    sid: String,
    pid: String,
    offset: Option<String>,
    /// Events that came before the answer to its CONNECT.
    missed: Vec<String>,
}

impl Stock {
    async fn join(address: SocketAddr) -> Self {
        Self::claim(address, "").await
    }

    /// Connects with this payload; the answer must not be a refusal.
    async fn claim(address: SocketAddr, auth: &str) -> Self {
        let mut client = Client::open(address).await;
        client.send(&format!("0{auth}")).await;
        let (mut missed, mut offset) = (Vec::new(), None);
        loop {
            let packet = client.recv().await;
            let Some(answer) = packet.strip_prefix("0") else {
                offset = Some(last(&packet));
                missed.push(packet);
                continue;
            };
            let fields: Vec<_> = answer.split('"').collect();
            let [sid, pid] = [fields[3], fields[7]].map(str::to_owned);
            return Self { client, sid, pid, offset, missed };
        }
    }

    /// The next event without its offset.
    async fn event(&mut self) -> String {
        let packet = self.client.recv().await;
        let offset = last(&packet);
        let event = packet.replace(&format!(",\"{offset}\""), "");
        self.offset = Some(offset);
        event
    }

    fn auth(&self) -> String {
        match &self.offset {
            Some(offset) => format!(r#"{{"pid":"{}","offset":"{offset}"}}"#, self.pid),
            None => format!(r#"{{"pid":"{}"}}"#, self.pid),
        }
    }

    /// Loses its connection; gives back with what it will return.
    async fn lose(self, io: &Io) -> (String, String) {
        let (auth, sid) = (self.auth(), self.sid.clone());
        drop(self);
        within(async {
            while io.count() > 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
        (auth, sid)
    }
}

/// The last argument of an event, or its name.
fn last(packet: &str) -> String {
    packet.trim_end_matches("\"]").rsplit('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn id_rooms_data_and_missed_events_come_back_in_order() {
    let (address, io) = serve(ConnectionStateRecovery::default()).await;
    let mut client = Stock::join(address).await;
    assert_eq!((client.sid.len(), client.pid.len()), (20, 20));
    assert_eq!(client.client.ask(1, "[\"join\",\"room\"]").await, "31[]");
    io.emit("first", 1).await.unwrap();
    assert_eq!(client.event().await, "2[\"first\",1]");
    let (auth, sid) = client.lose(&io).await;
    io.emit("all", 2).await.unwrap();
    io.to("elsewhere").emit("other", 3).await.unwrap();
    io.to("room").emit("room", rialto::Bytes::from_static(b"abc")).await.unwrap();
    io.volatile().emit("volatile", 5).await.unwrap();
    io.to(&sid).emit("me", 6).await.unwrap();

    let mut client = Client::open(address).await;
    client.send(&format!("0{auth}")).await;
    assert!(client.recv().await.starts_with("2[\"all\",2,\""));
    assert!(client.recv().await.starts_with("51-[\"room\",{\"_placeholder\""));
    assert_eq!(within(client.socket.recv()).await.unwrap().unwrap().as_bytes(), b"abc");
    assert!(client.recv().await.starts_with("2[\"me\",6,\""));
    assert!(client.recv().await.starts_with(&format!("0{{\"sid\":\"{sid}\",\"pid\":")));
    assert_eq!(client.ask(2, "[\"who\"]").await, "32[true,7,[\"room\"]]");
    io.to("room").emit("room", 7).await.unwrap();
    assert!(client.recv().await.starts_with("2[\"room\",7,\""));
}

#[tokio::test]
async fn a_client_that_has_received_nothing_gets_all_since_it_joined() {
    let (address, io) = serve(ConnectionStateRecovery::default()).await;
    io.emit("before its time", ()).await.unwrap();
    let client = Stock::join(address).await;
    let (auth, sid) = client.lose(&io).await;
    assert!(!auth.contains("offset"));
    io.emit("missed", ()).await.unwrap();
    let client = Stock::claim(address, &auth).await;
    assert_eq!((client.sid, client.missed.len()), (sid, 1));
}

#[tokio::test]
async fn a_volatile_event_with_a_string_at_its_end_carries_the_offset() {
    let (address, io) = serve(ConnectionStateRecovery::default()).await;
    let mut client = Stock::join(address).await;
    io.emit("kept", ()).await.unwrap();
    assert_eq!(client.event().await, "2[\"kept\"]");
    let kept = client.offset.clone();
    client.client.send("2[\"last words\"]").await;
    assert_eq!(client.event().await, "2[\"tick\",\"tock\"]");
    assert_eq!(client.offset, kept);
    io.volatile().emit("name alone", ()).await.unwrap();
    assert_eq!(client.event().await, "2[\"name alone\"]");
    assert_eq!(client.offset, kept);
    io.volatile().emit("number", 1).await.unwrap();
    assert_eq!(client.client.recv().await, "2[\"number\",1]");
    let (auth, sid) = client.lose(&io).await;
    let client = Stock::claim(address, &auth).await;
    assert_eq!((client.sid, client.missed.len()), (sid, 0));
}

#[tokio::test]
async fn of_two_who_present_a_session_one_has_it_in_the_end() {
    let (address, io) = serve(ConnectionStateRecovery::default()).await;
    let (auth, sid) = Stock::join(address).await.lose(&io).await;
    let first = Stock::claim(address, &auth).await;
    assert_eq!(first.sid, sid);
    // The second may be the same client, whose first attempt looks open still.
    let mut first = first.client;
    let second = Stock::claim(address, &auth).await;
    assert_eq!(second.sid, sid);
    let text = "this client has come back on another connection".to_owned();
    assert_eq!(first.closed().await, (1001, text));
    assert_eq!(io.count(), 1);
    let (_, _) = second.lose(&io).await;
    let wrong = auth.replacen(&auth[9..12], "___", 1);
    assert_ne!(Stock::claim(address, &wrong).await.sid, sid);
}

#[tokio::test]
async fn many_presenters_at_once_never_share_an_id() {
    let (address, io) = serve(ConnectionStateRecovery::default()).await;
    let (auth, sid) = Stock::join(address).await.lose(&io).await;
    let claims = (0..10).map(|_| Stock::claim(address, &auth));
    let clients = futures_util::future::join_all(claims).await;
    let sockets = within(io.fetch_sockets()).await.unwrap();
    assert_eq!(sockets.iter().filter(|socket| *socket.id() == *sid).count(), 1);
    assert_eq!(io.to(&sid).fetch_sockets().await.unwrap().len(), 1);
    drop(clients);
}

#[tokio::test]
async fn who_left_or_was_sent_away_does_not_come_back() {
    let (address, io) = serve(ConnectionStateRecovery::default()).await;
    let mut client = Stock::join(address).await;
    client.client.send("1").await;
    let (auth, sid) = client.lose(&io).await;
    let mut client = Stock::claim(address, &auth).await;
    assert_ne!(client.sid, sid);
    client.client.send("2[\"kick\"]").await;
    let (auth, sid) = client.lose(&io).await;
    assert_ne!(Stock::claim(address, &auth).await.sid, sid);
}

#[tokio::test]
async fn a_session_ends_with_its_time_and_too_much_missed_begins_anew() {
    let short = Duration::from_millis(50);
    let recovery = ConnectionStateRecovery::default().max_disconnection_duration(short);
    let (address, io) = serve(recovery).await;
    let (auth, sid) = Stock::join(address).await.lose(&io).await;
    tokio::time::sleep(short).await;
    assert_ne!(Stock::claim(address, &auth).await.sid, sid);

    let small = options(ConnectionStateRecovery::default()).send_budget(1_000);
    let (address, io) = start(Server::new(events()).options(small)).await;
    let (auth, sid) = Stock::join(address).await.lose(&io).await;
    io.emit("much", "x".repeat(1_000)).await.unwrap();
    let client = Stock::claim(address, &auth).await;
    assert_ne!(client.sid, sid);
    assert!(client.missed.is_empty(), "nothing of the old session is left over");
}

async fn login(handshake: Handshake) -> Result<String, Refused> {
    #[derive(serde::Deserialize)]
    struct Auth {
        token: String,
    }
    let auth: Auth = handshake.auth()?;
    if auth.token == "good" { Ok(auth.token) } else { Err(Refused::new("unauthorized")) }
}

#[tokio::test]
async fn the_login_comes_first_and_lets_nothing_through() {
    let server = Server::new(guard(login, events()));
    let (address, io) = start(server.options(options(ConnectionStateRecovery::default()))).await;
    let client = Stock::claim(address, "{\"token\":\"good\"}").await;
    let (auth, sid) = client.lose(&io).await;
    io.emit("secret", ()).await.unwrap();
    let with = |token| auth.replace("{", &format!("{{\"token\":\"{token}\","));
    let mut thief = Client::open(address).await;
    thief.send(&format!("0{}", with("bad"))).await;
    assert_eq!(thief.recv().await, "4{\"message\":\"unauthorized\"}");
    let client = Stock::claim(address, &with("good")).await;
    assert_eq!((client.sid, client.missed.len()), (sid, 1), "a refused claim takes nothing");
}

#[tokio::test]
async fn a_login_is_skipped_where_that_is_asked_for_and_its_result_is_kept() {
    let events = events().on_ack("token", async |socket: Socket, ()| {
        Ok(socket.data::<String>().map(|token| (*token).clone()))
    });
    let recovery = ConnectionStateRecovery::default().skip_middlewares(true);
    let server = Server::new(guard(login, events)).options(options(recovery));
    let (address, io) = start(server).await;
    let client = Stock::claim(address, "{\"token\":\"good\"}").await;
    let (auth, sid) = client.lose(&io).await;
    let mut client = Stock::claim(address, &auth).await;
    assert_eq!(client.sid, sid);
    assert_eq!(client.client.ask(1, "[\"token\"]").await, "31[\"good\"]");
    let mut unknown = Client::open(address).await;
    unknown.send("0{\"pid\":\"nobody\"}").await;
    assert!(unknown.recv().await.starts_with("4{\"message\":\"invalid auth\""));
}

#[tokio::test]
async fn logins_behind_each_other_are_skipped_together() {
    async fn outer(_: Handshake) -> Result<u8, Refused> {
        Ok(9)
    }
    let events = Events::new().on_ack("found", async |socket: Socket, ()| {
        let token = socket.data::<String>().map(|token| (*token).clone());
        Ok((socket.data::<u8>().map(|number| *number), token))
    });
    let recovery = ConnectionStateRecovery::default().skip_middlewares(true);
    let server = Server::new(guard(outer, guard(login, events))).options(options(recovery));
    let (address, io) = start(server).await;
    let client = Stock::claim(address, "{\"token\":\"good\"}").await;
    let (auth, sid) = client.lose(&io).await;
    let mut client = Stock::claim(address, &auth).await;
    assert_eq!(client.sid, sid);
    assert_eq!(client.client.ask(1, "[\"found\"]").await, "31[9,\"good\"]");
}

#[tokio::test(flavor = "multi_thread")]
async fn through_many_losses_every_event_arrives_once_and_in_order() {
    const COUNT: u64 = 3_000;
    let (address, io) = serve(ConnectionStateRecovery::default()).await;
    let mut client = Stock::join(address).await;
    assert_eq!(client.client.ask(1, "[\"join\",\"room\"]").await, "31[]");
    let (sid, mut seen) = (client.sid.clone(), Vec::new());
    let emitting = tokio::spawn(async move {
        for n in 0..COUNT {
            match n % 3 {
                0 => io.emit("n", n).await.unwrap(),
                1 => io.to("room").emit("n", n).await.unwrap(),
                _ => io.to(&sid).volatile().emit("v", "string").await.unwrap(),
            }
            if n % 20 == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
    });
    let number = |event: &str| {
        event.strip_prefix("2[\"n\",")?.split(&[',', ']'][..]).next()?.parse::<u64>().ok()
    };
    let last = (0..COUNT).rfind(|n| n % 3 != 2).unwrap();
    for loss in 1.. {
        for _ in 0..loss * 7 {
            if seen.last() != Some(&last) {
                seen.extend(number(&client.event().await));
            }
        }
        let (auth, sid) = (client.auth(), client.sid.clone());
        drop(client);
        client = Stock::claim(address, &auth).await;
        assert_eq!(client.sid, sid);
        seen.extend(client.missed.iter().filter_map(|event| number(event)));
        if client.offset.is_none() {
            client.offset = Some(auth.split('"').nth(7).unwrap().to_owned());
        }
        if seen.last() == Some(&last) {
            break;
        }
    }
    within(emitting).await.unwrap();
    let expected: Vec<u64> = (0..COUNT).filter(|n| n % 3 != 2).collect();
    assert_eq!(seen, expected);
}

async fn next(socket: &mut rialto::ws::WebSocket) -> String {
    within(socket.recv()).await.unwrap().unwrap().to_string()
}

#[tokio::test]
async fn clients_of_revision_3_get_no_secret_and_begin_anew() {
    let options = options(ConnectionStateRecovery::default()).allow_eio3(true);
    let (address, io) = start(Server::new(events()).options(options)).await;
    let stock = Stock::join(address).await;
    let (auth, sid) = stock.lose(&io).await;
    let url = format!("ws://{address}/socket.io/?EIO=3&transport=websocket");
    let mut old = rialto::ws::connect(&url).await.unwrap();
    assert!(next(&mut old).await.starts_with('0'));
    assert_eq!(next(&mut old).await, "40");
    within(io.emit("news", 1)).await.unwrap();
    // As with Node, everyone in the room gets the offset.
    assert!(next(&mut old).await.starts_with("42[\"news\",1,"));
    old.send("42[\"say\",\"x\"]").await.unwrap();
    assert_eq!(next(&mut old).await, "42[\"said\",\"x\"]", "nobody comes back for it");
    // Whose session it was can still have it.
    let back = Stock::claim(address, &auth).await;
    assert_eq!(back.sid, sid);
}

#[tokio::test]
async fn listeners_of_outgoing_events_see_no_offsets_and_do_not_outlive_their_socket() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let of_socket = Arc::new(Mutex::new(0));
    let (names, count) = (Arc::clone(&seen), Arc::clone(&of_socket));
    let events = events()
        .on_any_outgoing(move |_, event| {
            let args: Args = event.args().unwrap();
            names.lock().unwrap().push((event.name().to_owned(), args));
        })
        .on_ack("watch", move |socket: Socket, (): ()| {
            let count = Arc::clone(&count);
            socket.on_any_outgoing(move |_, _| *count.lock().unwrap() += 1);
            async { Ok(()) }
        });
    let options = options(ConnectionStateRecovery::default());
    let (address, io) = start(Server::new(events).options(options)).await;
    let mut stock = Stock::join(address).await;
    stock.client.ask(1, "[\"watch\"]").await;
    within(io.emit("all", "a")).await.unwrap();
    assert_eq!(stock.event().await, "2[\"all\",\"a\"]");
    stock.client.send("2[\"say\",\"b\"]").await;
    assert_eq!(stock.event().await, "2[\"said\",\"b\"]");
    assert_eq!(*of_socket.lock().unwrap(), 2);
    let (auth, _) = stock.lose(&io).await;
    let mut back = Stock::claim(address, &auth).await;
    within(io.emit("all", "c")).await.unwrap();
    assert_eq!(back.event().await, "2[\"all\",\"c\"]");
    let expected = [("all", "a"), ("said", "b"), ("all", "c")];
    let expected = expected.map(|(name, arg)| (name.to_owned(), Args::new(arg).unwrap()));
    assert_eq!(*seen.lock().unwrap(), expected);
    assert_eq!(*of_socket.lock().unwrap(), 2, "it was the old socket's");
}

#[tokio::test]
async fn who_is_forgotten_begins_anew() {
    let (address, io) = serve(ConnectionStateRecovery::default()).await;
    assert!(!io.forget("nobody"));

    let (auth, sid) = Stock::join(address).await.lose(&io).await;
    assert!(!io.forget("nobody") && io.forget(&sid) && !io.forget(&sid));
    let mut back = Stock::claim(address, &auth).await;
    assert_ne!(back.sid, sid);
    assert_eq!(back.client.ask(1, "[\"who\"]").await, "31[false,7,[]]");

    // One who is connected stays so, and is not kept when it is lost.
    assert!(io.forget(&back.sid));
    assert_eq!(back.client.ask(2, "[\"who\"]").await, "32[false,7,[]]");
    let (auth, sid) = back.lose(&io).await;
    assert!(!io.forget(&sid));
    let back = Stock::claim(address, &auth).await;
    assert_ne!(back.sid, sid);

    // The next one of the same client is another.
    let (auth, sid) = back.lose(&io).await;
    assert_eq!(Stock::claim(address, &auth).await.sid, sid);
}
