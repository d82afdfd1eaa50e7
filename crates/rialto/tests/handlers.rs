//! How handlers run: order, suspension, acks, panics, the end of a client.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod support;

use rialto::{CloseReason, Events, Options, Server, Socket};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::{Client, PATIENCE, start, within};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::sleep;

#[tokio::test(flavor = "multi_thread")]
async fn listeners_start_in_order_and_their_acks_leave_in_order() {
    let events = Events::new().on_ack("n", async |_, n: u64| Ok(n));
    let (address, _) = start(Server::new(events)).await;
    let mut client = Client::join(address).await;
    let sender = client.socket.sender();
    let count = 20_000u64;
    tokio::spawn(async move {
        for n in 0..count {
            sender.send(format!("42{n}[\"n\",{n}]")).await.unwrap();
        }
    });
    for n in 0..count {
        assert_eq!(client.recv().await, format!("3{n}[{n}]"));
    }
}

#[tokio::test]
async fn a_suspended_listener_holds_up_nobody() {
    let gate = Arc::new(Semaphore::new(0));
    let events = Events::new()
        .on_ack("wait", {
            let gate = Arc::clone(&gate);
            move |_, ()| {
                let gate = Arc::clone(&gate);
                async move {
                    gate.acquire().await.unwrap().forget();
                    Ok("waited")
                }
            }
        })
        .on_ack("now", async |_, ()| Ok("at once"));
    let (address, _) = start(Server::new(events)).await;
    let mut client = Client::join(address).await;
    client.send("20[\"wait\"]").await;
    assert_eq!(client.ask(1, "[\"now\"]").await, "31[\"at once\"]");
    gate.add_permits(1);
    assert_eq!(client.recv().await, "30[\"waited\"]");
}

#[tokio::test]
async fn sequential_listeners_wait_for_each_other() {
    let events = Events::new().sequential().on_ack("sleep", async |_, ms: u64| {
        sleep(Duration::from_millis(ms)).await;
        Ok(ms)
    });
    let (address, _) = start(Server::new(events)).await;
    let mut client = Client::join(address).await;
    client.send("20[\"sleep\",60]").await;
    client.send("21[\"sleep\",1]").await;
    assert_eq!(client.recv().await, "30[60]");
    assert_eq!(client.recv().await, "31[1]");
}

/// More events than may be suspended, each of which waits for an ack of the same client:
/// the acks have to come through although reading events has stopped.
#[tokio::test]
async fn an_ack_never_waits_behind_an_event() {
    let events = Events::new().on("start", async |socket, n: u64| {
        let answer: u64 = socket.emit_with_ack("question", n).await?;
        socket.emit("done", answer).await
    });
    let options = Options::default().max_running_handlers(8);
    let (address, _) = start(Server::new(events).options(options)).await;
    let mut client = Client::join(address).await;
    let count = 40;
    for n in 0..count {
        client.send(&format!("2[\"start\",{n}]")).await;
    }
    let mut done = 0;
    while done < count {
        let packet = client.recv().await;
        match packet.split_once("[\"question\",") {
            Some((head, n)) => {
                let n = n.trim_end_matches(']');
                client.send(&format!("3{}[{n}]", &head[1..])).await;
            }
            None => {
                assert!(packet.starts_with("2[\"done\","), "{packet}");
                done += 1;
            }
        }
    }
}

#[tokio::test]
async fn a_panic_ends_its_own_connection_only() {
    let (gone, mut ends) = mpsc::unbounded_channel();
    let events = Events::new()
        .on_connect(async |socket: Socket| socket.join("room"))
        .on("panic", async |_, ()| -> rialto::Result { panic!("as the test wants") })
        .on_disconnect(move |_| {
            gone.send(()).unwrap();
            async {}
        })
        .on_ack("count", async |socket, ()| {
            Ok(socket.io().to("room").fetch_sockets().await?.len())
        });
    let (address, io) = start(Server::new(events)).await;
    let mut healthy = Client::join(address).await;
    let mut client = Client::join(address).await;
    assert_eq!(healthy.ask(0, "[\"count\"]").await, "30[2]");
    client.send("2[\"panic\"]").await;
    assert_eq!(client.closed().await, (1011, "a handler failed".to_owned()));
    assert_eq!(within(ends.recv()).await, Some(()), "on_disconnect runs for this client too");
    assert_eq!(healthy.ask(1, "[\"count\"]").await, "31[1]");
    assert_eq!(io.count(), 1);
}

#[tokio::test]
async fn waiting_for_an_ack_always_ends() {
    let (report, mut reports) = mpsc::unbounded_channel();
    let events = Events::new().on("ask", move |socket: Socket, ms: u64| {
        let report = report.clone();
        async move {
            let limit = Duration::from_millis(ms);
            let answer = socket.timeout(limit).emit_with_ack::<u64>("question", ()).await;
            let error = answer.unwrap_err();
            report.send((error.is_timeout(), error.is_disconnected(), error.is_decode())).unwrap();
            Ok(())
        }
    });
    let (address, _) = start(Server::new(events)).await;
    let mut client = Client::join(address).await;
    client.send("2[\"ask\",10]").await;
    assert_eq!(within(reports.recv()).await, Some((true, false, false)));
    let question = client.recv().await;
    client.send("2[\"ask\",10000]").await;
    // A late answer to the first question is ignored.
    client.send(&question.replace("[\"question\"]", "[7]").replacen('2', "3", 1)).await;
    let question = client.recv().await;
    client.send(&question.replace("[\"question\"]", "[\"text\"]").replacen('2', "3", 1)).await;
    assert_eq!(within(reports.recv()).await, Some((false, false, true)));
    client.send("2[\"ask\",10000]").await;
    client.recv().await;
    drop(client);
    assert_eq!(within(reports.recv()).await, Some((false, true, false)));
}

/// Says when it is dropped.
struct Bell(mpsc::UnboundedSender<&'static str>, &'static str);

impl Drop for Bell {
    fn drop(&mut self) {
        let _ = self.0.send(self.1);
    }
}

#[tokio::test]
async fn on_connect_ends_with_its_client_and_on_disconnect_knows_why() {
    let (bell, mut bells) = mpsc::unbounded_channel();
    let reason = Arc::new(Mutex::new(None));
    let events = Events::new()
        .on_connect({
            let bell = bell.clone();
            move |_| {
                let bell = Bell(bell.clone(), "connect");
                async move {
                    let _bell = bell;
                    std::future::pending::<()>().await;
                    Ok(())
                }
            }
        })
        .on_disconnect({
            let reason = Arc::clone(&reason);
            move |socket| {
                let bell = Bell(bell.clone(), "disconnect");
                *reason.lock().unwrap() = socket.disconnect_reason();
                async move { drop(bell) }
            }
        });
    let (address, _) = start(Server::new(events)).await;
    let mut client = Client::join(address).await;
    client.send("1").await;
    let mut rung = [within(bells.recv()).await, within(bells.recv()).await];
    rung.sort_unstable();
    assert_eq!(rung, [Some("connect"), Some("disconnect")]);
    assert_eq!(*reason.lock().unwrap(), Some(CloseReason::ClientNamespaceDisconnect));
}

#[tokio::test]
async fn a_loop_gets_every_event_in_order_however_slow_it_is() {
    async fn slow(mut socket: Socket) -> rialto::Result {
        sleep(Duration::from_millis(100)).await;
        let mut expected = 0u64;
        while let Some(event) = socket.recv().await {
            let n: u64 = event.args()?;
            assert_eq!(n, expected);
            expected += 1;
            event.ack(n).await?;
        }
        Ok(())
    }
    let (address, _) = start(Server::new(slow)).await;
    let mut client = Client::join(address).await;
    let sender = client.socket.sender();
    tokio::spawn(async move {
        for n in 0..1000u64 {
            sender.send(format!("42{n}[\"n\",{n}]")).await.unwrap();
        }
    });
    for n in 0..1000u64 {
        assert_eq!(client.recv().await, format!("3{n}[{n}]"));
    }
}

#[tokio::test]
async fn the_end_of_a_loop_lets_the_client_go() {
    async fn once(mut socket: Socket) -> rialto::Result {
        socket.recv().await;
        Ok(())
    }
    let (address, io) = start(Server::new(once)).await;
    let mut client = Client::join(address).await;
    client.send("2[\"bye\"]").await;
    assert_eq!(client.recv().await, "1");
    assert_eq!(io.count(), 0);
    // What was on its way to the namespace does not cost the connection.
    client.send("2[\"late\"]").await;
    client.send("0").await;
    assert!(client.recv().await.starts_with("0{\"sid\""));
}

#[tokio::test]
async fn events_that_do_not_decode_are_reported_and_the_client_stays() {
    let errors = Arc::new(Mutex::new(Vec::new()));
    let events = Events::new()
        .on("n", async |_, _n: u64| Ok(()))
        .on_ack("ok", async |_, ()| Ok(()))
        .on_error({
            let errors = Arc::clone(&errors);
            move |_, name, error| {
                errors.lock().unwrap().push((name.to_owned(), error.is_decode()));
            }
        });
    let (address, io) = start(Server::new(events)).await;
    let mut client = Client::join(address).await;
    client.send("2[\"n\",\"text\"]").await;
    assert_eq!(client.ask(0, "[\"ok\"]").await, "30[]");
    assert_eq!(*errors.lock().unwrap(), [("n".to_owned(), true)]);
    assert_eq!(io.undecoded(), 1);
}

/// Options whose heartbeat leaves a silent peer a tenth of a second.
fn short_heartbeat() -> Options {
    let short = Duration::from_millis(50);
    Options::default().ping_interval(short).ping_timeout(short)
}

#[tokio::test]
async fn a_pause_that_our_own_handlers_cause_is_not_the_peers_silence() {
    let events = Events::new().on_ack("slow", async |_, n: u64| {
        sleep(Duration::from_millis(4)).await;
        Ok(n)
    });
    let options = short_heartbeat().max_running_handlers(1);
    let (address, _) = start(Server::new(events).options(options)).await;
    let mut client = Client::join(address).await;
    let count = 200u64;
    for n in 0..count {
        client.send(&format!("2{n}[\"slow\",{n}]")).await;
    }
    for n in 0..count {
        assert_eq!(client.recv().await, format!("3{n}[{n}]"));
    }
}

#[tokio::test]
async fn a_message_that_arrives_slowly_is_a_sign_of_life() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let events = Events::new().on_ack("echo", async |_, text: String| Ok(text));
    // Twenty bytes take longer than both together, and none of them nearly as long.
    let half = Duration::from_millis(400);
    let options = Options::default().ping_interval(half).ping_timeout(half);
    let (address, _) = start(Server::new(events).options(options)).await;
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let head = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\n\
        Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(b"\x81\x82\0\0\0\x0040").await.unwrap();
    let packet = b"420[\"echo\",\"slowly\"]";
    stream
        .write_all(&[0x81, 0x80 | u8::try_from(packet.len()).unwrap(), 0, 0, 0, 0])
        .await
        .unwrap();
    for byte in packet {
        sleep(Duration::from_millis(50)).await;
        stream.write_all(&[*byte]).await.unwrap();
    }
    let mut received = Vec::new();
    while !received.ends_with(b"430[\"slowly\"]") {
        let read = within(stream.read_buf(&mut received)).await.unwrap();
        assert!(read > 0, "{}", String::from_utf8_lossy(&received));
    }
}

#[tokio::test]
async fn silence_has_deadlines() {
    let short = Duration::from_millis(100);
    let options =
        Options::default().ping_interval(short).ping_timeout(short).connect_timeout(short * 3);
    let (address, _) = start(Server::new(Events::new()).options(options)).await;
    let mut idle = Client::open(address).await;
    let (code, reason) = idle.closed().await;
    assert_eq!(code, 1008, "{reason}");
    let silent = Client::join(address).await;
    let (_sender, mut receiver) = silent.socket.split();
    let ended = async { while let Ok(Some(_)) = receiver.recv().await {} };
    tokio::time::timeout(PATIENCE, ended).await.expect("a silent client is dropped");
}
