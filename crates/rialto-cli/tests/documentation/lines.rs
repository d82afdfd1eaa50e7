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

fn refusals() -> Options {
    let options = Options::default().on_connection_error(|error| {
        eprintln!("{} {}: {}", error.code, error.message, error.context);
    });
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

mod quickstart_handlers {
    use rialto::{Events, Listen, Server, Socket};
    use serde::Deserialize;

    fn slow_digest(password: &str) -> String {
        password.chars().rev().collect()
    }

    fn blocking(events: Events) -> Events {
        events.on_ack("digest", async |_, password: String| {
            let digest = tokio::task::spawn_blocking(move || slow_digest(&password)).await;
            digest.map_err(|error| error.to_string().into())
        })
    }

    async fn watch(socket: &Socket, ticker: &str) -> rialto::Result {
        socket.emit("watching", ticker).await
    }

    fn ending(events: Events) -> Events {
        events.on("watch", async |socket, ticker: String| {
            tokio::select! {
                _ = socket.closed() => Ok(()),
                watched = watch(&socket, &ticker) => watched,
            }
        })
    }

    fn rooms(events: Events) -> Events {
        events.on_ack("enter", async |socket, room: String| {
            if !socket.rooms().contains(&room.as_str().into()) {
                socket.join(&room)?;
            }
            for room in socket.rooms() {
                socket.to(&room).emit("entered", &*room).await?;
            }
            Ok(socket.rooms().iter().map(|room| room.to_string()).collect::<Vec<_>>())
        })
    }

    #[derive(Deserialize)]
    struct Seat {
        game: String,
        seat: u8,
    }

    fn seats(events: Events) -> Server {
        let players = Events::new().on_connect(async |socket| {
            let Some(at) = socket.params::<Seat>() else { return Ok(()) };
            socket.emit("seated", (&at.game, at.seat)).await
        });
        let server = Server::new(events).namespace_pattern::<Seat>("/{game}/{seat}", players);
        server
    }

    async fn stopping(listen: Listen) -> rialto::Result {
        let pressed = async || drop(tokio::signal::ctrl_c().await);
        let twice = async {
            pressed().await;
            pressed().await;
        };
        tokio::select! {
            served = listen.run_until(pressed()) => served,
            () = twice => Ok(()),
        }
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

mod routes_two_parameters {
    use rialto::axum::{Router, extract::Path, routing::get};

    fn router() -> Router {
        Router::new().route(
            "/{room}/{id}",
            get(async |Path((room, id)): Path<(String, u64)>| format!("{room} {id}")),
        )
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
