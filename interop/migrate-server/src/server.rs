//! "The server", and the namespaces in which the tables of "Listeners", "One client" and
//! "Everyone" are served.

use crate::ports::Ports;
use crate::{everyone, listeners, one_client};
use rialto::{Events, Options, Server};
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Default)]
struct State(AtomicU64);

/// Starts both.
pub(crate) async fn start(ports: &mut Ports) -> rialto::Result {
    ports.add("server", namespaces()).await?;
    ports.add("tables", tables()).await?;
    ports
        .add_at("listen", |port| {
            let events = greeting("at a port of its own");
            let options = Options::default().max_payload(1234);
            let server = Server::new(events).options(options);
            tokio::spawn(async move { server.listen(port).await })
        })
        .await
}

fn greeting(text: &'static str) -> Events {
    Events::new().on_connect(move |socket| async move { socket.emit("welcome", text).await })
}

fn namespaces() -> Server {
    let events = greeting("main")
        .on("tell", async |socket, text: String| socket.broadcast().emit("told", text).await)
        .on_ack("visit", async |socket, ()| {
            Ok(socket.state::<State>().0.fetch_add(1, Ordering::Relaxed) + 1)
        });
    let server = Server::new(events)
        .state(State::default())
        .adapter(|_| rialto::adapter::Memory::new())
        .on_new_namespace(|io| println!("{}", io.namespace()));
    let (admin, room) = (greeting("admin"), greeting("room"));
    let server = server
        .namespace("/admin", admin)
        .namespace_matching(|name| name.starts_with("/room-"), room);
    let user = Events::new().on_connect(async |socket| {
        let id = socket.params::<u64>();
        socket.emit("welcome", id.as_deref()).await
    });
    let server = server.namespace_pattern::<u64>("/user-{id}", user);
    let upper = Events::new().on_connect(async |socket| {
        socket.emit("welcome", socket.params::<String>().as_deref()).await
    });
    server.namespace_parsed(|name| name.strip_prefix("/up-").map(str::to_uppercase), upper)
}

/// Each test opens a namespace of its own: `/one-7` has the table `one`.
fn tables() -> Server {
    let mut tables = vec![("one", one_client::events()), ("each", everyone::events())];
    tables.extend(listeners::tables());
    tables.into_iter().fold(Server::new(Events::new()), |server, (table, events)| {
        let of_table = move |name: &str| {
            let name = name.strip_prefix('/').and_then(|name| name.rsplit_once('-'));
            name.is_some_and(|(prefix, _)| prefix == table)
        };
        server.namespace_matching(of_table, events)
    })
}
