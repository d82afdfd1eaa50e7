//! `serve` on several runtimes: the same bounds and the same end as on one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

#[path = "support/http.rs"]
mod http_support;

use http_support::{PATIENCE, SWITCHING, close_frame, echo, open, rest, round_trip};
use rialto_ws::{Workers, serve};
use std::cell::RefCell;
use std::future::{Future, IntoFuture, pending};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

async fn in_time<T>(waiting: impl Future<Output = T>) -> T {
    timeout(PATIENCE, waiting).await.expect("an end in time")
}

/// The names of the threads that have served `connections` connections.
async fn threads_behind(addresses: &[SocketAddr], names: &mut mpsc::UnboundedReceiver<String>) {
    // By a hash of random ports: that one of three has none of 300 does not happen.
    let mut seen = std::collections::BTreeSet::new();
    for address in addresses.iter().cycle().take(300) {
        let (_stream, head) = open(*address, "").await;
        assert!(head.starts_with(SWITCHING), "{head}");
        seen.insert(in_time(names.recv()).await.unwrap());
    }
    assert_eq!(Vec::from_iter(seen), ["rialto-worker0", "rialto-worker1", "rialto-worker2"]);
}

#[tokio::test]
async fn every_worker_serves_and_the_stop_reaches_them_all() {
    let (name, mut names) = mpsc::unbounded_channel();
    let handler = move |socket| {
        name.send(thread::current().name().unwrap().to_owned()).unwrap();
        echo(socket)
    };
    let (stop, stopped) = oneshot::channel::<()>();
    let mut server = serve("127.0.0.1:0", handler)
        .listen(("127.0.0.1", 0))
        .workers(3)
        // Each of the six listeners waits for a client.
        .max_handshakes(1)
        .with_graceful_shutdown(async { drop(stopped.await) });
    let addresses = server.bind().await.unwrap();
    assert_eq!(addresses.len(), 2, "one for each endpoint: {addresses:?}");
    let running = tokio::spawn(server.into_future());
    threads_behind(&addresses, &mut names).await;
    let mut open_ones = Vec::new();
    for address in addresses.iter().cycle().take(20) {
        let (mut stream, _) = open(*address, "").await;
        round_trip(&mut stream).await;
        open_ones.push(stream);
    }
    drop(stop);
    for mut stream in open_ones {
        let ended = in_time(async {
            let mut frame = [0; 4];
            stream.read_exact(&mut frame).await.unwrap();
            frame
        });
        assert_eq!(ended.await[2..], 1001_u16.to_be_bytes());
        stream_end(stream).await;
    }
    in_time(running).await.unwrap().unwrap();
    TcpStream::connect(addresses[0]).await.unwrap_err();
}

/// Answers the Close frame and waits for the end.
async fn stream_end(mut stream: TcpStream) {
    use tokio::io::AsyncWriteExt;
    stream.write_all(&close_frame(1001)).await.unwrap();
    rest(&mut stream).await;
}

#[tokio::test]
async fn the_bounds_are_those_of_all_workers_together() {
    let mut server = serve("127.0.0.1:0", echo).workers(3).max_connections(10);
    let address = server.bind().await.unwrap()[0];
    tokio::spawn(server.into_future());
    let mut held = Vec::new();
    for _ in 0..10 {
        held.push(open(address, "").await);
    }
    assert!(held.iter().all(|(_, head)| head.starts_with(SWITCHING)));
    for _ in 0..10 {
        assert!(open(address, "").await.1.starts_with("HTTP/1.1 503"));
    }

    let mut server = serve("127.0.0.1:0", echo).workers(3).max_per_address(2);
    let address = server.bind().await.unwrap()[0];
    tokio::spawn(server.into_future());
    let _two = [open(address, "").await, open(address, "").await];
    for _ in 0..10 {
        assert!(open(address, "").await.1.starts_with("HTTP/1.1 429"));
    }
}

#[cfg(unix)]
#[tokio::test]
async fn workers_share_a_unix_socket_and_a_listener_that_is_given() {
    let path = std::env::temp_dir().join(format!("rialto-workers-{}", std::process::id()));
    let own = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let mut server = serve(format!("unix:{}", path.display()), echo)
        .listen(own)
        .workers(2)
        .with_graceful_shutdown(async { drop(stopped.await) });
    let addresses = server.bind().await.unwrap();
    let running = tokio::spawn(server.into_future());
    for _ in 0..10 {
        let mut unix = tokio::net::UnixStream::connect(&path).await.unwrap();
        assert!(http_support::shake(&mut unix, "").await.starts_with(SWITCHING));
        round_trip(&mut unix).await;
        let (mut tcp, _) = open(addresses[0], "").await;
        round_trip(&mut tcp).await;
    }
    drop(stop);
    in_time(running).await.unwrap().unwrap();
    assert!(!path.exists(), "the socket's file goes with the server");
}

#[tokio::test]
async fn an_accept_loop_that_panics_begins_again_on_its_worker() {
    let workers = Workers::start(2).unwrap();
    let listeners = workers.bind("127.0.0.1:0").await.unwrap();
    let address = listeners[0].local_addr().unwrap();
    assert!(listeners.iter().all(|listener| listener.local_addr().unwrap() == address));
    let panics = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&panics);
    tokio::spawn(async move {
        let task = |listener: Arc<TcpListener>| {
            let count = Arc::clone(&count);
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    let before = count.fetch_add(1, Ordering::SeqCst);
                    drop(stream);
                    assert!(before > 3, "a panic on purpose");
                }
            }
        };
        workers.attend(listeners, pending(), task).await;
    });
    // Each is ended by the server, wherever the kernel has put it.
    for _ in 0..20 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        assert_eq!(in_time(rest(&mut stream)).await, b"");
    }
    assert_eq!(panics.load(Ordering::SeqCst), 20);
}

/// Says so when its thread ends.
struct Last(mpsc::UnboundedSender<()>);

impl Drop for Last {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

thread_local! {
    static LAST: RefCell<Option<Last>> = const { RefCell::new(None) };
}

#[tokio::test]
async fn a_worker_ends_with_its_last_task() {
    let workers = Workers::start(2).unwrap();
    let (end, mut ends) = mpsc::unbounded_channel();
    let mut holds = Vec::new();
    for runtime in workers.runtimes() {
        let (hold, held) = oneshot::channel::<()>();
        let last = Last(end.clone());
        runtime.spawn(async move {
            LAST.set(Some(last));
            drop(held.await);
        });
        holds.push(hold);
    }
    drop((workers, end));
    let nothing = timeout(std::time::Duration::from_millis(300), ends.recv()).await;
    assert!(nothing.is_err(), "tasks are served to their end");
    drop(holds);
    in_time(async { while ends.recv().await.is_some() {} }).await;
}
