//! Socket.IO server for the side-by-side benchmark:
//! `bench-sio [PORT] [values] [threads N | workers N] [deflate] [tls CHAIN KEY]`.
//!
//! Without the first word the port is that of the variable `PORT`. What came is passed on as it is;
//! with `values` it is decoded into a tree and encoded anew, as the other servers of the benchmark
//! have to do. It runs on one thread; `threads N` gives it tokio's runtime of N threads,
//! `workers N` N runtimes of one thread ([`Server::workers`]).

use rialto::ws::{Deflate, ServerTls};
use rialto::{Args, Bytes, Events, Options, Server};
use serde_json::Value;
use tokio::runtime::Builder;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The command line.
struct Words(Vec<String>);

impl Words {
    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|word| word == name)
    }

    /// The word that stands so far behind a name.
    fn behind(&self, name: &str, distance: usize) -> Option<&str> {
        let at = self.0.iter().position(|word| word == name)?;
        self.0.get(at + distance).map(String::as_str)
    }

    fn number(&self, name: &str) -> Option<usize> {
        self.behind(name, 1)?.parse().ok()
    }

    fn port(&self) -> u16 {
        let first = self.0.first().and_then(|word| word.parse().ok());
        first.or_else(|| std::env::var("PORT").ok()?.parse().ok()).unwrap_or(8000)
    }
}

fn main() -> rialto::Result {
    let words = Words(std::env::args().skip(1).collect());
    let mut runtime = match words.number("threads") {
        Some(threads) => {
            let mut runtime = Builder::new_multi_thread();
            runtime.worker_threads(threads);
            runtime
        }
        None => Builder::new_current_thread(),
    };
    let address = format!("127.0.0.1:{}", words.port());
    runtime.enable_all().build()?.block_on(server(&words)?.listen(address))
}

fn server(words: &Words) -> rialto::Result<Server> {
    let mut options = Options::default();
    if words.has("deflate") {
        options = options.per_message_deflate(Deflate::default());
    }
    let mut server = Server::new(events(words.has("values"))).options(options);
    if let Some(workers) = words.number("workers") {
        server = server.workers(workers);
    }
    if let (Some(chain), Some(key)) = (words.behind("tls", 1), words.behind("tls", 2)) {
        server = server.tls(ServerTls::from_pem_files(chain, key)?);
    }
    Ok(server)
}

fn events(values: bool) -> Events {
    if values { with_values() } else { with_args() }
        .on_ack("join", async |socket, room: String| {
            socket.join(room)?;
            Ok("ok")
        })
        .on_ack("bin", async |_, bytes: Bytes| Ok(bytes))
}

fn with_args() -> Events {
    Events::new()
        .on_ack("echo", async |_, x: Args| Ok(x))
        .on("echo-event", async |socket, x: Args| socket.emit("echo-event", x).await)
        .on("say", async |socket, x: Args| socket.io().to("room").emit("say", x).await)
}

fn with_values() -> Events {
    Events::new()
        .on_ack("echo", async |_, x: Value| Ok(x))
        .on("echo-event", async |socket, x: Value| socket.emit("echo-event", x).await)
        .on("say", async |socket, x: Value| socket.io().to("room").emit("say", x).await)
}
