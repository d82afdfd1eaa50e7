//! Every block of Rust in `docs/`, where it compiles. None of it runs: programs like these are
//! tested in `examples/` and `interop/`. The rows and blocks of `migrate.md` do run, in
//! `interop/migrate-server`.
#![allow(dead_code, clippy::let_and_return, reason = "it is enough that it compiles")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "programs of users print")]

use rialto::{Cors, Options};
use std::time::Duration;

fn options_page() -> Options {
    let options = Options::default()
        .ping_interval(Duration::from_secs(10))
        .ping_timeout(Duration::from_secs(5))
        .cors(Cors::new(["https://app.example"]).credentials(true));
    options
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
