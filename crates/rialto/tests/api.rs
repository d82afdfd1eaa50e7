//! Middlewares, catch-all listeners, dynamic namespaces, refusals, parsers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod support;

use rialto::parser::{Decoder, Packet, Parser};
use rialto::ws::{Message, MessageRef};
use rialto::{Args, Bytes, Events, Handshake, Options, Refused, Server, Socket, guard};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::{Client, http, start, within};
use tokio::sync::Semaphore;

type Log = Arc<Mutex<Vec<String>>>;

fn note(log: &Log, line: impl Into<String>) {
    log.lock().unwrap().push(line.into());
}

fn lines(log: &Log) -> String {
    std::mem::take(&mut *log.lock().unwrap()).join(", ")
}

#[tokio::test]
async fn middlewares_decide_on_events_one_after_the_other() {
    let log = Log::default();
    let (first, second, any, errors) = (log.clone(), log.clone(), log.clone(), log.clone());
    let events = Events::new()
        .on_ack("say", async |_, text: String| Ok(text))
        .on_any(move |_, event| {
            note(&any, format!("any {}", event.name()));
            async { Ok(()) }
        })
        .middleware(move |_, event| {
            note(&first, format!("1 {}", event.name()));
            async move {
                match event.args::<String>()?.as_str() {
                    "no" => Err("not allowed".into()),
                    _ => Ok(()),
                }
            }
        })
        .middleware(move |_, event| {
            note(&second, format!("2 {}", event.name()));
            async { Ok(()) }
        })
        .on_error(move |socket, name, error| {
            note(&errors, format!("{name}: {error}"));
            drop(socket.emit("refused", error.to_string()));
        });
    let (address, _) = start(Server::new(events)).await;
    let mut client = Client::join(address).await;
    assert_eq!(client.ask(0, "[\"say\",\"yes\"]").await, "30[\"yes\"]");
    assert_eq!(lines(&log), "1 say, 2 say, any say");
    assert_eq!(client.ask(1, "[\"say\",\"no\"]").await, "2[\"refused\",\"not allowed\"]");
    assert_eq!(lines(&log), "1 say, say: not allowed");
}

#[tokio::test]
async fn a_suspended_middleware_holds_up_its_event_alone() {
    let gate = Arc::new(Semaphore::new(0));
    let opened = Arc::clone(&gate);
    let events = Events::new().on_ack("say", async |_, text: String| Ok(text)).middleware(
        move |_, event| {
            let gate = Arc::clone(&gate);
            async move {
                if event.args::<String>()? == "slow" {
                    gate.acquire().await.unwrap().forget();
                }
                Ok(())
            }
        },
    );
    let (address, _) = start(Server::new(events)).await;
    let mut client = Client::join(address).await;
    client.send("20[\"say\",\"slow\"]").await;
    assert_eq!(client.ask(1, "[\"say\",\"quick\"]").await, "31[\"quick\"]");
    opened.add_permits(1);
    assert_eq!(client.recv().await, "30[\"slow\"]");
}

#[tokio::test]
async fn whoever_wants_to_know_sees_what_is_sent() {
    let log = Log::default();
    let (one, two, three) = (log.clone(), log.clone(), log.clone());
    let events = Events::new()
        .on_any_outgoing(move |_, event| {
            note(&one, format!("{}{}", event.name(), event.args::<Args>().unwrap()));
        })
        .prepend_any_outgoing(move |socket, event| {
            assert_eq!(event.args::<Args>().unwrap().len(), 2);
            note(&two, format!("to {}", socket.namespace()));
        })
        .on("off", async |socket, ()| {
            socket.off_any_outgoing();
            socket.emit("silent", ()).await
        })
        .on("own", move |socket: Socket, ()| {
            let log = three.clone();
            socket.on_any_outgoing(move |_, event| note(&log, format!("own {}", event.name())));
            async move { socket.emit("last", 1).await }
        })
        .on("emit", async |socket, ()| {
            socket.emit("one", (1, Bytes::from_static(b"abc"))).await?;
            socket.io().emit("all", ("x", "y")).await
        });
    let server = Server::new(Events::new()).namespace("/n", events);
    let (address, _) = start(server).await;
    let mut client = Client::open(address).await;
    client.send("0/n,").await;
    client.recv().await;
    client.send("2/n,[\"emit\"]").await;
    for expected in ["51-/n,[\"one\",1,", "bc", "2/n,[\"all\",\"x\",\"y\"]"] {
        let packet = client.recv().await;
        assert!(packet.starts_with(expected), "{packet}");
    }
    assert_eq!(lines(&log), "to /n, one[1,<3 bytes>], to /n, all[\"x\",\"y\"]");
    client.send("2/n,[\"off\"]").await;
    assert_eq!(client.recv().await, "2/n,[\"silent\"]");
    client.send("2/n,[\"own\"]").await;
    assert_eq!(client.recv().await, "2/n,[\"last\",1]");
    assert_eq!(lines(&log), "own last");
}

#[tokio::test]
async fn tables_can_be_changed_before_they_serve() {
    let log = Log::default();
    let any = |name: &'static str| {
        let log = log.clone();
        move |_: Socket, _| {
            note(&log, name);
            async { Ok(()) }
        }
    };
    let events = Events::new()
        .on_any(any("gone"))
        .off_any()
        .on_any(any("second"))
        .prepend_any(any("first"))
        .on_any_outgoing(|_, _| panic!("removed"))
        .off_any_outgoing()
        .on_ack("a", async |_, ()| Ok(()));
    assert_eq!(events.event_names().collect::<Vec<_>>(), ["a"]);
    let (address, _) = start(Server::new(events)).await;
    let mut client = Client::join(address).await;
    assert_eq!(client.ask(0, "[\"a\"]").await, "30[]");
    assert_eq!(lines(&log), "first, second");
}

struct Version(u32);

async fn version(request: Handshake) -> Result<Version, Refused> {
    let version = request.query("v").and_then(|text| text.parse().ok());
    version.map(Version).ok_or_else(|| Refused::new("which version?").data(&["v"]))
}

async fn login(request: Handshake) -> Result<String, Refused> {
    request.auth::<(String,)>().map(|(name,)| name).map_err(|_| Refused::new("who?"))
}

async fn name_and_version(socket: Socket, name: String) -> rialto::Result {
    let version = socket.data::<Version>().ok_or("no version")?.0;
    socket.emit("hello", (name, version)).await?;
    std::future::pending().await
}

#[tokio::test]
async fn guards_stand_behind_each_other() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let counted = move |_: Handshake| {
        count.fetch_add(1, Ordering::Relaxed);
        async { Ok::<(), Refused>(()) }
    };
    let server = Server::new(guard(version, guard(counted, guard(object_login, name_and_version))));
    let (address, _) = start(server).await;
    let mut client = Client::open(address).await;
    client.send("0").await;
    assert_eq!(client.recv().await, "4{\"message\":\"which version?\",\"data\":[\"v\"]}");
    assert_eq!(asked.load(Ordering::Relaxed), 0, "the first to refuse is the last to be asked");
    let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket&v=3");
    let socket = within(rialto::ws::connect(&url)).await.unwrap();
    let mut client = Client { socket };
    client.next().await;
    client.send("0").await;
    assert_eq!(client.recv().await, "4{\"message\":\"who?\"}");
    client.send("0{\"name\":\"Ada\"}").await;
    assert!(client.recv().await.starts_with("0{\"sid\""));
    assert_eq!(client.recv().await, "2[\"hello\",\"Ada\",3]");
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

#[derive(serde::Deserialize)]
struct Named {
    name: String,
}

async fn object_login(request: Handshake) -> Result<String, Refused> {
    match request.auth::<Named>() {
        Ok(named) => Ok(named.name),
        Err(_) => login(request).await,
    }
}

async fn odd(request: Handshake) -> Result<(), Refused> {
    match request.params::<u32>().is_some_and(|id| *id % 2 == 1) {
        true => Ok(()),
        false => Err(Refused::new("even")),
    }
}

fn dynamic(options: Options, log: &Log) -> Server {
    let log = log.clone();
    let user = Events::new()
        .on_connect(async |socket| {
            let id = *socket.params::<u32>().ok_or("no id")?;
            assert_eq!(socket.io().params::<u32>().as_deref(), Some(&id));
            assert!(socket.params::<String>().is_none());
            socket.emit("id", id).await
        })
        .on("kick me", async |socket, ()| {
            socket.disconnect(false);
            Ok(())
        });
    Server::new(Events::new())
        .namespace_pattern::<u32>("/user-{id}", guard(odd, user))
        .namespace_parsed(|name| name.strip_prefix("/up-").map(str::to_uppercase), shout)
        .on_new_namespace(move |io| note(&log, io.namespace()))
        .options(options)
}

async fn shout(socket: Socket) -> rialto::Result {
    socket.emit("up", socket.params::<String>().as_deref()).await?;
    std::future::pending().await
}

#[tokio::test]
async fn dynamic_namespaces_have_typed_parameters_and_end_with_their_last_client() {
    let log = Log::default();
    let (address, io) = start(dynamic(Options::default(), &log)).await;
    let mut client = Client::open(address).await;
    for (name, refusal) in [("/user-x", "Invalid namespace"), ("/user-2", "even")] {
        client.send(&format!("0{name},")).await;
        assert_eq!(client.recv().await, format!("4{name},{{\"message\":\"{refusal}\"}}"));
        assert!(io.of(name).is_none(), "{name} was left behind");
    }
    client.send("0/user-7,").await;
    client.recv().await;
    assert_eq!(client.recv().await, "2/user-7,[\"id\",7]");
    client.send("0/up-abc,").await;
    client.recv().await;
    assert_eq!(client.recv().await, "2/up-abc,[\"up\",\"ABC\"]");
    assert_eq!(io.namespaces().len(), 3);
    assert_eq!(lines(&log), "/user-2, /user-7, /up-abc");
    client.send("2/user-7,[\"kick me\"]").await;
    assert_eq!(client.recv().await, "1/user-7,");
    client.send("1/up-abc,").await;
    let alone = async {
        while io.namespaces().len() > 1 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    within(alone).await;
}

#[tokio::test]
async fn empty_dynamic_namespaces_can_be_kept() {
    let options = Options::default().cleanup_empty_child_namespaces(false);
    let (address, io) = start(dynamic(options, &Log::default())).await;
    let mut client = Client::open(address).await;
    client.send("0/up-a,").await;
    client.recv().await;
    client.recv().await;
    client.send("1/up-a,").await;
    // The packets of a connection are handled in order.
    client.send("0/up-b,").await;
    client.recv().await;
    let kept = io.of("/up-a").unwrap();
    assert_eq!(kept.count(), 0);
}

#[test]
#[should_panic(expected = "is no pattern")]
fn a_pattern_that_is_none_is_found_at_the_start() {
    drop(Server::default().namespace_pattern::<u32>("/user-{id", Events::new()));
}

#[tokio::test]
async fn refused_requests_are_told() {
    let log = Log::default();
    let told = log.clone();
    let options = Options::default()
        .allow_request(|request| request.query("name").map(drop).ok_or("no name".to_owned()))
        .on_connection_error(move |error| {
            let name = error.handshake.url().rsplit("name=").next().filter(|name| *name == "Ada");
            let name = name.unwrap_or_default();
            note(&told, format!("{} {} {} {name}", error.code, error.message, error.context));
        });
    let (address, _) = start(Server::new(Events::new()).options(options)).await;
    let get = async |query: &str| {
        let target = format!("/socket.io/?{query}");
        http(address, "GET", &target, "").await.0
    };
    assert_eq!(get("EIO=4&transport=polling").await, 403);
    assert_eq!(get("EIO=4&transport=pigeon&name=Ada").await, 400);
    assert_eq!(get("EIO=4&transport=polling&sid=none").await, 400);
    assert_eq!(get("EIO=4&transport=polling&name=Ada").await, 200);
    let target = "/socket.io/?EIO=4&transport=polling&name=Ada";
    assert_eq!(http(address, "POST", target, "").await.0, 400);
    let expected = "4 Forbidden no name , 0 Transport unknown Transport unknown Ada, \
                    1 Session ID unknown Session ID unknown , \
                    2 Bad handshake method Bad handshake method Ada";
    assert_eq!(lines(&log), expected);
}

#[tokio::test]
async fn flags_do_not_lose_events() {
    let events = Events::new().on("go", async |socket, ()| {
        socket.compress(false).emit("a", Bytes::from_static(b"ab")).await?;
        socket.compress(false).volatile().emit("b", 1).await?;
        socket.io().compress(false).local().emit("c", 1).await?;
        socket.local().emit("not to itself", ()).await?;
        let answer: u8 =
            socket.compress(false).timeout(Duration::from_secs(5)).emit_with_ack("d", ()).await?;
        socket.emit("e", answer).await
    });
    let options = Options::default().per_message_deflate(rialto::ws::Deflate::default());
    let (address, _) = start(Server::new(events).options(options)).await;
    let mut client = Client::join(address).await;
    client.send("2[\"go\"]").await;
    assert_eq!(client.recv().await, "51-[\"a\",{\"_placeholder\":true,\"num\":0}]");
    assert_eq!(client.recv().await, "b");
    assert_eq!(client.recv().await, "2[\"b\",1]");
    assert_eq!(client.recv().await, "2[\"c\",1]");
    let question = client.recv().await;
    let id = question.strip_prefix('2').and_then(|rest| rest.strip_suffix("[\"d\"]")).unwrap();
    client.send(&format!("3{id}[9]")).await;
    assert_eq!(client.recv().await, "2[\"e\",9]");
}

/// Packets as lines of JSON, counted as they are made.
#[derive(Clone, Default)]
struct Lines(Arc<AtomicUsize>);

impl Parser for Lines {
    fn encode(&self, packet: &Packet) -> rialto::Result<Vec<Message>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        if packet.namespace == "/mute" {
            return Ok(Vec::new());
        }
        let kind = packet.kind.digit() - b'0';
        let line = (kind, &packet.namespace, packet.id, &packet.data);
        Ok(vec![serde_json::to_string(&line)?.into()])
    }
    fn decoder(&self) -> Box<dyn Decoder> {
        Box::new(self.clone())
    }
}

impl Decoder for Lines {
    fn decode(&mut self, message: MessageRef<'_>) -> rialto::Result<Option<Packet>> {
        // A line may be empty.
        let bytes = message.as_bytes();
        if bytes == b"." {
            return Ok(None);
        }
        let (kind, namespace, id, data): (_, String, _, _) = serde_json::from_slice(bytes)?;
        Ok(Some(Packet { id, data, ..Packet::new(kind, namespace)? }))
    }
}

async fn joined(address: std::net::SocketAddr) -> Client {
    let mut client = Client::open(address).await;
    client.send("[0,\"/\",null,null]").await;
    assert!(client.recv().await.starts_with("[0,\"/\",null,{\"sid\""));
    client
}

#[tokio::test]
async fn another_parser_encodes_a_broadcast_once() {
    let lines = Lines::default();
    let count = Arc::clone(&lines.0);
    let events = Events::new()
        .on_ack("sum", async |_, (a, b): (i64, i64)| Ok(a + b))
        .on("all", async |socket, args: Args| socket.io().emit("all", args).await);
    let options = Options::default().parser(lines);
    let (address, io) = start(Server::new(events).options(options)).await;
    let mut clients = Vec::new();
    for _ in 0..5 {
        clients.push(joined(address).await);
    }
    clients[0].send(".").await;
    clients[0].send("[2,\"/\",7,[\"sum\",1,2]]").await;
    assert_eq!(clients[0].recv().await, "[3,\"/\",7,[3]]");
    let before = count.load(Ordering::Relaxed);
    clients[0].send("[2,\"/\",null,[\"all\",{\"x\":[1.5,null]}]]").await;
    for client in &mut clients {
        assert_eq!(client.recv().await, "[2,\"/\",null,[\"all\",{\"x\":[1.5,null]}]]");
    }
    assert_eq!(count.load(Ordering::Relaxed), before + 1);
    io.disconnect_sockets(false);
    assert_eq!(clients[4].recv().await, "[1,\"/\",null,null]");
}

#[tokio::test]
async fn what_another_parser_lets_through_is_checked_all_the_same() {
    let events = Events::new().on_ack("sum", async |_, (a, b): (i64, i64)| Ok(a + b));
    let options = Options::default().parser(Lines::default());
    let (address, io) = start(Server::new(events).options(options)).await;
    let breaches = [
        "[2,\"/\",null,[\"disconnect\"]]",
        "[2,\"/\",null,[]]",
        "[2,\"/\",null,[{}]]",
        "[2,\"/\",null,{\"0\":\"sum\"}]",
        "[2,\"/\",null,null]",
        "[3,\"/\",null,[]]",
        "[1,\"/\",null,1]",
        "[4,\"/\",null,{}]",
        "[0,\"/\",null,null]",
        "[0,\"/a\",7,null]",
        "[0,\"/a,b\",null,null]",
        "[0,\"a\",null,null]",
        "[7,\"/\",null,null]",
        "no line",
    ];
    for breach in breaches {
        let mut client = joined(address).await;
        client.send(breach).await;
        let (code, reason) = client.closed().await;
        assert!(!reason.is_empty() && code >= 1002, "{breach}: {code} {reason}");
    }
    let mut client = joined(address).await;
    client.send(&format!("[0,\"/{}\",null,null]", "x".repeat(2000))).await;
    client.closed().await;
    let gone = async {
        while io.count() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    within(gone).await;
}

#[tokio::test]
async fn a_parser_that_makes_nothing_is_an_error_of_who_emits() {
    let options = Options::default().parser(Lines::default());
    let mut server = Server::new(Events::new()).namespace("/mute", Events::new()).options(options);
    let mute = server.io().of("/mute").unwrap();
    let error = mute.emit("x", 1).await.unwrap_err();
    assert!(error.to_string().contains("no message"), "{error}");
}
