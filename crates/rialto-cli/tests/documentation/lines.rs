//! Every line of Rust in `docs/`, where it compiles. None of it runs: programs like these are
//! tested in `examples/` and `interop/`.
#![allow(dead_code, clippy::let_and_return, reason = "it is enough that it compiles")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "programs of users print")]

use rialto::axum::Json;
use rialto::axum::extract::{Path, Query, Request};
use rialto::axum::http::request::Parts;
use rialto::axum::http::{HeaderMap, HeaderValue, StatusCode};
use rialto::axum::middleware::{self, Next};
use rialto::axum::response::Response;
use rialto::axum::routing::{get, post};
use rialto::ws::{self, WebSocket};
use rialto::{
    Args, Bytes, ConnectionStateRecovery, Cookie, Cors, Denied, Events, Handshake, HttpCompression,
    Options, Refused, RemoteSocket, SameSite, ServeClient, Server, Socket, Transport, guard,
};
use serde::Deserialize;
use std::time::Duration;

struct Name(String);

#[derive(Deserialize)]
struct Search {
    q: String,
}

#[derive(Deserialize)]
struct Login {
    name: String,
    token: String,
}

// In lines as long as the rows of the table.
#[rustfmt::skip]
fn table() -> Events {
    Events::new()
        .on_connect(async |socket| socket.emit("welcome", "Hello!").await)
        .on("say", async |socket, text: String| socket.io().emit("said", text).await)
        .on("move", async |socket, (x, y): (f64, f64)|
            socket.broadcast().emit("moved", (x, y)).await)
        .on("typing", async |socket, ()| socket.broadcast().emit("typing", ()).await)
        .on("play", async |socket, args: Args| socket.emit("played", args).await)
        .on_ack("sum", async |_, (a, b): (f64, f64)| Ok(a + b))
        .once("ready", async |socket, ()| socket.join("players"))
        .prepend("say", async |socket, text: String| socket.emit("echo", text).await)
        .off("say")
        .off_any()
        .off_any_outgoing()
        .on_any(async |socket, event| socket.emit("seen", event.name()).await)
        .prepend_any(async |socket, event| socket.emit("seen", event.name()).await)
        .on_any_outgoing(|socket, event| println!("{} to {}", event.name(), socket.id()))
        .prepend_any_outgoing(|_, event| println!("{:?}", event.args::<Args>()))
        .middleware(async |_, event| if event.name() == "no" { Err("no".into()) } else { Ok(()) })
        .on_disconnect(async |socket| println!("{:?}", socket.rooms()))
        .on_disconnect(async |socket| println!("{:?}", socket.disconnect_reason()))
        .on_error(|socket, name, error| eprintln!("{} {name}: {error}", socket.id()))
        .sequential()
}

async fn start(
    events: Events,
    options: Options,
    admin: Events,
    room: Events,
    user: [Events; 2],
    state: Name,
) -> rialto::Result {
    let _ = events.event_names();
    let [user, other] = user;
    let server = Server::new(other);
    let server =
        server.namespace_parsed(|name| name.strip_prefix("/up-").map(str::to_uppercase), user);
    let user = Events::new();
    let server = server
        .namespace_pattern::<u64>("/user-{id}", user)
        .on_new_namespace(|io| println!("{}", io.namespace()));
    drop(server);
    let server = Server::new(events).options(options);
    let server = server
        .namespace("/admin", admin)
        .namespace_matching(|name| name.starts_with("/room-"), room)
        .state(state)
        .adapter(|_| rialto::adapter::Memory::new())
        .websocket("/echo", echo)
        .websocket_with("/large", ws::Options::default().max_message(64_000_000), echo)
        .files("public")
        .route("/health", get(async || "ok"))
        .route("/u/{id}", get(async |Path(id): Path<String>| id))
        .route("/find", get(async |Query(search): Query<Search>| search.q))
        .route("/sum", post(async |Json((a, b)): Json<(f64, f64)>| Json(a + b)))
        .route("/gone", get(async || StatusCode::NO_CONTENT));
    server.listen(3000).await
}

fn behind_a_login(events: Events) -> Server {
    Server::new(guard(login, events))
}

async fn login(request: Handshake) -> Result<Name, Refused> {
    let login: Login = request.auth()?;
    match login.token == "secret" {
        true => Ok(Name(login.name)),
        false => Err(Refused::new("unauthorized").data(&("code", 401))),
    }
}

async fn one(socket: Socket, text: String, data: Vec<u8>, x: f64, y: f64) -> rialto::Result {
    let _ = socket.id();
    socket.emit("news", (x, y)).await?;
    socket.emit("list", vec![1, 2]).await?;
    socket.emit("file", Bytes::from(data)).await?;
    let answer: String = socket.emit_with_ack("question", ()).await?;
    drop(answer);
    let answer =
        socket.timeout(Duration::from_secs(5)).emit_with_ack::<String>("question", ()).await;
    drop(answer);
    socket.volatile().emit("cursor", (x, y)).await?;
    let image = vec![0];
    socket.compress(false).emit("image", Bytes::from(image)).await?;
    socket.local().emit("said", &text).await?;
    socket.emit("message", "hi").await?;
    socket.leave_all();
    socket.on_any_outgoing(|_, event| println!("{}", event.name()));
    socket.set_shared_data("Ada".to_owned())?;
    let _ = socket.params::<u64>();
    let _ = socket.handshake().headers();
    let _ = socket.handshake().issued();
    let _ = socket.handshake().secure();
    let _ = socket.handshake().xdomain();
    let _ = socket.handshake().protocol();
    socket.broadcast().emit("said", &text).await?;
    socket.to("room").emit("said", &text).await?;
    socket.to(["a", "b"]).except("muted").emit("said", &text).await?;
    socket.except("muted").emit("said", &text).await?;
    socket.join(["a", "b"])?;
    socket.leave("room")?;
    let _ = socket.rooms();
    socket.set_data(Name("Ada".to_owned()));
    let name = socket.data::<Name>();
    drop(name);
    let login: Login = socket.handshake().auth()?;
    drop(login);
    let _ = socket.handshake().query("room");
    let _ = socket.handshake().header("cookie");
    let _ = socket.handshake().address();
    let _ = socket.handshake().url();
    let _ = socket.transport();
    let _ = socket.namespace();
    let _ = socket.is_connected();
    let _ = socket.recovered();
    socket.disconnect(false);
    socket.disconnect(true);
    socket.close_connection();
    Ok(())
}

async fn everyone(mut server: Server, socket: Socket, text: String) -> rialto::Result {
    let io = socket.io();
    drop(io);
    let io = server.io();
    io.emit("news", &text).await?;
    io.to("room").emit("news", &text).await?;
    io.except("muted").emit("news", &text).await?;
    io.volatile().emit("news", &text).await?;
    io.local().emit("news", &text).await?;
    let admin = io.of("/admin");
    drop(admin);
    let acks = io.timeout(Duration::from_secs(1)).emit_with_ack::<String>("question", ()).await?;
    drop((acks.answers, acks.missing));
    let sockets = io.fetch_sockets().await?;
    for remote in sockets {
        found(remote, &text).await?;
    }
    let image = vec![0];
    io.compress(false).emit("image", Bytes::from(image)).await?;
    io.sockets_join("room");
    io.sockets_leave("room");
    io.disconnect_sockets(true);
    io.server_side_emit("reload", &text).await?;
    let loads = io.server_side_emit_with_ack::<f64>("load", ()).await?;
    drop(loads);
    io.on_server_side("load", async |_, ()| Ok(0.5));
    io.on_room_change(|change| println!("{change:?}"));
    let socket = io.socket("id");
    drop(socket);
    let sockets = io.sockets();
    drop(sockets);
    let namespaces = io.namespaces();
    drop(namespaces);
    let _ = io.clients_count();
    io.to("room").fetch_sockets().await?;
    io.to("room").sockets_join("other");
    io.to("room").sockets_leave("other");
    io.to("room").disconnect_sockets(true);
    let _ = io.count();
    let _ = io.stats().connections;
    io.close().await;
    Ok(())
}

// In lines as long as the rows of the table.
#[rustfmt::skip]
async fn found(remote: RemoteSocket, text: &str) -> rialto::Result {
    println!("{:?} {} {}", remote.rooms(), remote.id(), remote.handshake().url());
    let name: Option<String> = remote.data()?;
    drop(name);
    remote.emit("hi", text).await?;
    remote.join("room");
    remote.leave("room");
    remote.disconnect(true);
    let answer: String =
        remote.timeout(Duration::from_secs(1)).emit_with_ack("question", ()).await?;
    drop(answer);
    Ok(())
}

fn chain(events: Events) -> Server {
    Server::new(guard(version, guard(login, events)))
}

async fn version(_: Handshake) -> Result<(), Refused> {
    Ok(())
}

async fn stop(server: Server) -> rialto::Result {
    let listen = server.bind("127.0.0.1:3000").await?;
    listen.run_until(async { drop(tokio::signal::ctrl_c().await) }).await
}

fn random() -> String {
    "uJ3_9aXk2Lq-7Zb0Qw5T".to_owned()
}

async fn known(request: Handshake) -> bool {
    request.header("origin") == Some("https://other.example")
}

async fn admit(request: Handshake) -> Result<(), Denied> {
    request.query("ticket").map(drop).ok_or("no ticket".into())
}

fn add(headers: &mut HeaderMap, request: &Parts) {
    headers.insert("x-method", HeaderValue::from_static("seen"));
    let _ = &request.method;
}

async fn gate(request: Request, next: Next) -> Response {
    next.run(request).await
}

fn gated(server: Server) -> Server {
    server.engine_layer(middleware::from_fn(gate))
}

fn options(cors: Cors) -> Options {
    let _ = ServeClient::Folder("node_modules/socket.io-client/dist".into());
    Options::default()
        .path("/live")
        .ping_interval(Duration::from_secs(25))
        .ping_timeout(Duration::from_secs(20))
        .connect_timeout(Duration::from_secs(45))
        .upgrade_timeout(Duration::from_secs(10))
        .max_payload(1_000_000)
        .transports([Transport::WebSocket])
        .allow_upgrades(false)
        .allow_eio3(true)
        .allow_jsonp(true)
        .cookie(true)
        .cookie(Cookie::default())
        .cookie(
            Cookie::new("node")
                .max_age(Duration::from_secs(3600))
                .same_site(SameSite::None)
                .secure(true),
        )
        .cors(cors)
        .cors(Cors::new(["https://app.example"]).decide(known))
        .cors(Cors::matching(|origin| origin.ends_with(".example")))
        .cors(Cors::new(["*"]).methods(["GET", "POST"]).allowed_headers(["x-a"]))
        .http_compression(HttpCompression::default().threshold(4096))
        .http_compression(false)
        .per_message_deflate(ws::Deflate::default().threshold(2048))
        .allow_request_async(admit)
        .initial_headers(add)
        .headers(add)
        .cors(Cors::new(["https://app.example"]).credentials(true))
        .allow_request(|request| request.header("cookie").map(drop).ok_or("no cookie".to_owned()))
        .generate_id(|_| format!("node7-{}", random()))
        .serve_client(ServeClient::Off)
        .parser(rialto::parser::Msgpack)
        .cleanup_empty_child_namespaces(true)
        .on_connection_error(|error| println!("{} {}", error.code, error.context))
        .connection_state_recovery(ConnectionStateRecovery::default())
        .connection_state_recovery(
            ConnectionStateRecovery::default()
                .max_disconnection_duration(Duration::from_secs(60))
                .skip_middlewares(true),
        )
        .ack_timeout(Duration::from_secs(30))
}

fn options_page() -> Options {
    let options = Options::default()
        .ping_interval(Duration::from_secs(10))
        .ping_timeout(Duration::from_secs(5))
        .cors(Cors::new(["https://app.example"]).credentials(true));
    options
}

async fn echo(mut socket: WebSocket) -> ws::Result<()> {
    while let Some(message) = socket.recv().await? {
        let _ = message.as_text();
        let _ = message.as_bytes();
        socket.send(message).await?;
    }
    let _ = socket.close_frame();
    Ok(())
}

async fn raw(mut socket: WebSocket, data: Vec<u8>) -> ws::Result<()> {
    socket.send("text").await?;
    socket.send(Bytes::from(data)).await?;
    socket.ping(b"")?;
    let _ = socket.buffered();
    let _ = socket.request().target();
    let _ = socket.request().header("cookie");
    let _ = socket.protocol();
    let sender = socket.sender();
    drop(sender);
    socket.close(1000, "bye").await?;
    socket.abort();
    Ok(())
}

async fn raw_server_and_client(url: &str) -> ws::Result<()> {
    ws::serve("127.0.0.1:8080", echo).await?;
    let socket = ws::connect(url).await?;
    drop(socket);
    let socket = ws::Connect::new(url).header("cookie", "id=1").connect().await?;
    drop(socket);
    Ok(())
}

async fn raw_group(socket: WebSocket, group: ws::Group, data: Vec<u8>) -> ws::Result<()> {
    socket.sender().uncompressed().send(data.clone()).await?;
    let member = group.join(&socket);
    println!("{}", group.len());
    {
        let data = data.clone();
        group.publish_except(&member, data);
    }
    group.publish(data);
    Ok(())
}

fn raw_options() -> [ws::Options; 1] {
    [ws::Options::default().deflate(ws::Deflate::default())]
}

mod login_block {
    use rialto::{Events, Handshake, Refused, Server, guard};
    use serde::Deserialize;

    #[derive(Deserialize)]
    struct Login {
        name: String,
        token: String,
    }

    struct User {
        name: String,
    }

    async fn login(request: Handshake) -> Result<User, Refused> {
        let login: Login = request.auth()?;
        if login.token != "secret" {
            return Err(Refused::new("unauthorized"));
        }
        Ok(User { name: login.name })
    }

    fn server() -> Server {
        let events = Events::new().on("say", async |socket, text: String| {
            let user = socket.data::<User>().ok_or("no login")?;
            socket.io().emit("said", (&user.name, text)).await
        });
        Server::new(guard(login, events))
    }
}

mod loop_block {
    use rialto::{Server, Socket};

    async fn chat(mut socket: Socket) -> rialto::Result {
        let mut name = String::from("somebody");
        while let Some(event) = socket.recv().await {
            match event.name() {
                "name" => name = event.args()?,
                "say" => socket.io().emit("said", (&name, event.args::<String>()?)).await?,
                "count" => event.ack(socket.io().count()).await?,
                _ => {}
            }
        }
        Ok(())
    }

    fn server() -> Server {
        Server::new(chat)
    }
}

mod ack_block {
    use rialto::Events;
    use serde::Serialize;

    #[derive(Serialize)]
    #[serde(rename_all = "lowercase")]
    enum Answer {
        Value(f64),
        Error(&'static str),
    }

    fn events() -> Events {
        Events::new().on_ack("divide", async |_, (a, b): (f64, f64)| match b == 0.0 {
            true => Ok(Answer::Error("division by zero")),
            false => Ok(Answer::Value(a / b)),
        })
    }
}

mod quickstart_first {
    use rialto::{Events, Server};

    #[tokio::main]
    async fn main() -> rialto::Result<()> {
        let events = Events::new().on("chat message", async |socket, text: String| {
            socket.io().emit("chat message", text).await
        });
        let listen = Server::new(events).files("public").bind("127.0.0.1:3000").await?;
        println!("listening on http://{}", listen.address());
        listen.run().await
    }
}

mod quickstart_more {
    use rialto::{Events, Server};
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicU64, Ordering};

    fn first_line() {
        tracing_subscriber::fmt::init();
    }

    fn errors(events: Events) -> Events {
        let events = events.on_error(|socket, name, error| {
            eprintln!("{}: {name}: {error}", socket.id());
        });
        events
    }

    #[derive(Default)]
    struct History(Mutex<Vec<String>>);

    fn with_history() -> Server {
        let events = Events::new()
            .on_connect(async |socket| {
                let lines = socket.state::<History>().0.lock().unwrap().clone();
                socket.emit("history", lines).await
            })
            .on("chat message", async |socket, text: String| {
                socket.state::<History>().0.lock().unwrap().push(text.clone());
                socket.io().emit("chat message", text).await
            });
        let server = Server::new(events).state(History::default());
        server
    }

    fn counting() -> Events {
        let count = std::sync::Arc::new(AtomicU64::new(0));
        let events = Events::new().on_ack("count me", move |_, ()| {
            let count = count.clone(); // for this call
            async move { Ok(count.fetch_add(1, Ordering::Relaxed) + 1) }
        });
        events
    }

    fn several(events: Events) -> Events {
        events.on("say", async |socket, (room, text): (String, String)| {
            socket.to(&room).emit("said", (room, text)).await
        })
    }
}

mod routes_first {
    use rialto::axum::extract::Path;
    use rialto::axum::routing::get;
    use rialto::{Events, Server};

    async fn page(events: Events) -> rialto::Result {
        Server::new(events)
            .route("/health", get(async || "ok"))
            .route("/u/{id}", get(async |Path(id): Path<u64>| format!("user {id}")))
            .files("public")
            .listen("127.0.0.1:3000")
            .await
    }
}

mod routes_emit {
    use rialto::Options;
    use rialto::{Events, Server};
    async fn page(events: Events, admin: Events, options: Options) -> rialto::Result {
        use rialto::axum::{http::StatusCode, routing::post};

        let mut server = Server::new(events).namespace("/admin", admin).options(options);
        let io = server.io();
        let announce = async move |text: String| {
            io.emit("announcement", text).await.map(|()| StatusCode::NO_CONTENT)
        };
        server.route("/announce", post(announce)).files("public").listen("127.0.0.1:3000").await
    }
}

mod routes_state {
    use rialto::{Events, Server};
    async fn page(events: Events) -> rialto::Result {
        use rialto::axum::{Json, Router, extract::State, routing::get};

        let mut server = Server::new(events);
        let count = async |State(io): State<rialto::Io>| Json(io.count());
        let routes = Router::new().route("/count", get(count)).with_state(server.io());
        server.router(routes).listen("127.0.0.1:3000").await
    }
}

mod routes_axum {
    use rialto::{Events, Server, axum};
    async fn page(events: Events, app: axum::Router) -> rialto::Result {
        let app = app.merge(Server::new(events).into_router());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
        Ok(axum::serve(listener, app).await?)
    }
}
