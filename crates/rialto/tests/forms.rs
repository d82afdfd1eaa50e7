//! Every form that a handler may be written in, compiled and called.
//!
//! A capturing `async move |..|` closure is no `Fn`: what it captured would be gone after the
//! first call. So state enters by the forms below, and this file is where they are promised.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

use rialto::{
    Args, Error, Event, Events, Handshake, Io, Refused, Result, Server, Socket, guard, ws,
};
use serde::Deserialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

#[derive(Default)]
struct Counter(AtomicU64);

impl Counter {
    fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed) + 1
    }
}

#[derive(Deserialize)]
struct Login {
    name: String,
}

#[derive(Clone)]
struct User(String);

async fn login(request: Handshake) -> Result<User, Refused> {
    let login: Login = request.auth()?;
    if login.name.is_empty() { Err(Refused::new("who are you?")) } else { Ok(User(login.name)) }
}

#[tokio::test]
async fn closures_that_capture_nothing() {
    let events = Events::new()
        .on_connect(async |socket| socket.emit("connected", ()).await)
        .on("none", async |socket, ()| socket.emit("none", ()).await)
        .on("one", async |socket, text: String| socket.emit("one", text).await)
        .on("two", async |socket, (a, b): (u8, bool)| socket.emit("two", (a, b)).await)
        .on("any", async |socket, args: Args| socket.emit("any", args).await)
        .on("not async", |socket: Socket, ()| socket.emit("not async", ()))
        .on_ack("ack", async |_, number: u64| Ok(number + 1));
    let asked = ["2[\"none\"]", "2[\"one\",\"x\"]", "2[\"two\",1,true]", "2[\"any\",[1],{}]"];
    let mut client = Client::join(Server::new(events), "").await;
    assert_eq!(client.next().await, "2[\"connected\"]");
    for packet in asked.into_iter().chain(["2[\"not async\"]"]) {
        assert_eq!(client.ask(packet).await, packet);
    }
    assert_eq!(client.ask("27[\"ack\",41]").await, "37[42]");
}

#[tokio::test]
async fn closures_that_clone_what_they_capture() {
    let counter = Arc::new(Counter::default());
    let (named, any, connected) = (counter.clone(), counter.clone(), counter.clone());
    let events = Events::new()
        .on_connect(move |_| {
            connected.next();
            async { Ok(()) }
        })
        .on_any(move |_, event: Event| {
            let counter = any.clone();
            async move {
                assert_eq!(event.name(), "visit");
                counter.next();
                Ok(())
            }
        })
        .on_ack("visit", move |socket, by: u64| {
            let counter = named.clone();
            async move {
                socket.emit("visited", ()).await?;
                Ok(counter.next() * by)
            }
        });
    let mut client = Client::join(Server::new(events), "").await;
    for expected in ["30[30]", "30[50]"] {
        assert_eq!(client.ask("20[\"visit\",10]").await, "2[\"visited\"]");
        assert_eq!(client.next().await, expected);
    }
    assert_eq!(counter.next(), 6);
}

#[tokio::test]
async fn state_of_the_server_and_of_the_socket() {
    let events = Events::new()
        .on_connect(async |socket| {
            socket.set_data(Counter::default());
            Ok(())
        })
        .on_ack("visit", async |socket, ()| {
            let own = socket.data::<Counter>().ok_or("on_connect comes first")?;
            Ok((socket.state::<Counter>().next(), own.next()))
        });
    let server = Server::new(events).state(Counter(AtomicU64::new(100)));
    let mut client = Client::join(server, "").await;
    assert_eq!(client.ask("20[\"visit\"]").await, "30[101,1]");
    assert_eq!(client.ask("20[\"visit\"]").await, "30[102,2]");
}

async fn double(_socket: Socket, number: f64) -> Result<f64> {
    Ok(2.0 * number)
}

async fn shout(socket: Socket, text: String) -> Result {
    socket.emit("shouted", text.to_uppercase()).await
}

#[tokio::test]
async fn functions_in_a_table() {
    async fn greet(socket: Socket) -> Result {
        socket.emit("hello", ()).await
    }
    let events = Events::new().on_connect(greet).on("shout", shout).on_ack("double", double);
    let mut client = Client::join(Server::new(events), "").await;
    assert_eq!(client.next().await, "2[\"hello\"]");
    assert_eq!(client.ask("2[\"shout\",\"hey\"]").await, "2[\"shouted\",\"HEY\"]");
    assert_eq!(client.ask("20[\"double\",1.5]").await, "30[3.0]");
}

async fn repeat(mut socket: Socket) -> Result {
    while let Some(event) = socket.recv().await {
        socket.emit(event.name(), event.args::<Args>()?).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_function_as_the_handler() {
    let mut client = Client::join(Server::new(repeat), "").await;
    assert_eq!(client.ask("2[\"a\",1]").await, "2[\"a\",1]");
}

#[tokio::test]
async fn a_closure_as_the_handler() {
    let mut client = Client::join(
        Server::new(async |mut socket: Socket| {
            while let Some(event) = socket.recv().await {
                event.ack(event.name()).await?;
            }
            Ok(())
        }),
        "",
    )
    .await;
    assert_eq!(client.ask("20[\"a\"]").await, "30[\"a\"]");
}

#[tokio::test]
async fn a_closure_that_hands_its_state_to_a_function() {
    async fn count(mut socket: Socket, counter: Arc<Counter>) -> Result {
        while let Some(event) = socket.recv().await {
            event.ack(counter.next()).await?;
        }
        Ok(())
    }
    let counter = Arc::new(Counter::default());
    let server = Server::new(move |socket| count(socket, counter.clone()));
    let mut client = Client::join(server, "").await;
    assert_eq!(client.ask("20[\"a\"]").await, "30[1]");
    assert_eq!(client.ask("20[\"b\"]").await, "30[2]");
}

#[tokio::test]
async fn a_login_before_a_function() {
    async fn greet(mut socket: Socket, user: User) -> Result {
        socket.emit("hello", user.0).await?;
        while socket.recv().await.is_some() {}
        Ok(())
    }
    let mut client = Client::join(Server::new(guard(login, greet)), r#"{"name":"Ada"}"#).await;
    assert_eq!(client.next().await, r#"2["hello","Ada"]"#);
}

#[tokio::test]
async fn a_login_before_a_closure() {
    let handler = async |socket: Socket, user: User| {
        socket.emit("hello", user.0).await?;
        socket.closed().await;
        Ok(())
    };
    let mut client = Client::join(Server::new(guard(login, handler)), r#"{"name":"Ada"}"#).await;
    assert_eq!(client.next().await, r#"2["hello","Ada"]"#);
}

#[tokio::test]
async fn a_login_before_a_table() {
    let events = Events::new().on_ack("who am I?", async |socket, ()| {
        Ok(socket.data::<User>().map(|user| user.0.clone()))
    });
    let mut client = Client::join(Server::new(guard(login, events)), r#"{"name":"Ada"}"#).await;
    assert_eq!(client.ask(r#"20["who am I?"]"#).await, r#"30["Ada"]"#);
}

#[tokio::test]
async fn a_login_that_captures_its_state() {
    let names = Arc::new(["Ada".to_owned()]);
    let login = move |request: Handshake| {
        let names = names.clone();
        async move {
            let login: Login = request.auth()?;
            if names.contains(&login.name) { Ok(()) } else { Err(Refused::new("unknown")) }
        }
    };
    let handler = async |socket: Socket, ()| {
        socket.closed().await;
        Ok(())
    };
    let listen = Server::new(guard(login, handler)).bind("127.0.0.1:0").await.unwrap();
    let mut client = Client::open(listen).await;
    assert_eq!(client.ask(r#"0{"name":"Eve"}"#).await, r#"4{"message":"unknown"}"#);
    assert!(client.ask(r#"0{"name":"Ada"}"#).await.starts_with("0{\"sid\":"));
}

#[tokio::test]
async fn tasks_of_ones_own_emit_and_end_with_the_client() {
    let (ended, mut has_ended) = tokio::sync::mpsc::channel(1);
    let events = Events::new().on_connect(move |socket| {
        let ended = ended.clone();
        tokio::spawn(async move {
            socket.emit("from a task", ()).await?;
            socket.closed().await;
            ended.send(()).await.map_err(Error::other)
        });
        async { Ok(()) }
    });
    let mut server = Server::new(events);
    let io: Io = server.io();
    let mut client = Client::join(server, "").await;
    assert_eq!(client.next().await, "2[\"from a task\"]");
    io.emit("from outside", 1).await.unwrap();
    assert_eq!(client.next().await, "2[\"from outside\",1]");
    drop(client);
    within(has_ended.recv()).await.unwrap();
}

/// A WebSocket that speaks Socket.IO packets, and the server behind it.
struct Client {
    socket: ws::WebSocket,
    server: tokio::task::JoinHandle<Result>,
}

impl Client {
    /// Starts the server and joins the main namespace with this `auth`.
    async fn join(server: Server, auth: &str) -> Self {
        let mut client = Self::open(server.bind("127.0.0.1:0").await.unwrap()).await;
        let answer = client.ask(&format!("0{auth}")).await;
        assert!(answer.starts_with("0{\"sid\":"), "{answer}");
        client
    }

    async fn open(listen: rialto::Listen) -> Self {
        let url = format!("ws://{}/socket.io/?EIO=4&transport=websocket", listen.address());
        let server = tokio::spawn(listen.run());
        let mut socket = within(ws::connect(&url)).await.unwrap();
        let open = within(socket.recv()).await.unwrap().unwrap().to_string();
        assert!(open.starts_with("0{"), "{open}");
        Self { socket, server }
    }

    async fn ask(&mut self, packet: &str) -> String {
        self.socket.send(format!("4{packet}")).await.unwrap();
        self.next().await
    }

    async fn next(&mut self) -> String {
        let message = within(self.socket.recv()).await.unwrap().unwrap().to_string();
        message.strip_prefix('4').expect("a message, no heartbeat").to_owned()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // The server would end with the test's runtime; this way it ends with the client's test.
        self.server.abort();
    }
}

async fn within<T>(happening: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(10), happening).await.expect("within 10 s")
}
