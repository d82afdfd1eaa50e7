//! The command line: options, environment, signals, and what goes wrong.

use super::support::{Served, rialto};
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Output;
use std::thread;
use std::time::{Duration, Instant};

/// A folder of one test, removed with the value.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let path = std::env::temp_dir().join(format!("rialto-cli-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        for (name, text) in files {
            fs::write(path.join(name), text).unwrap();
        }
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

fn failed(arguments: &[&str]) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } = rialto(arguments).output().unwrap();
    assert_eq!(stdout, b"", "standard output is for the address alone");
    (status.code(), String::from_utf8(stderr).unwrap())
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn without_a_command_it_serves_the_gallery() {
    let served = Served::start(&mut rialto(&["--port", "0"]));
    assert!(served.address.ip().is_loopback());
    assert!(served.get("/").body.contains("<title>Rialto"));
}

#[test]
fn port_and_host_come_from_the_environment_unless_they_are_options() {
    let port = free_port();
    let mut command = rialto(&[]);
    let served = Served::start(command.env("PORT", port.to_string()).env("HOST", "localhost"));
    assert_eq!(served.address.port(), port);
    assert_eq!(served.get("/health").body, "ok");
    let mut command = rialto(&["serve", "--port", "0", "--host", "127.0.0.1"]);
    let other = Served::start(command.env("PORT", port.to_string()).env("HOST", "192.0.2.1"));
    assert_ne!(other.address.port(), port);
}

#[test]
fn empty_variables_count_as_unset() {
    for arguments in [&["--port", "0"][..], &["serve", "--port", "0"]] {
        let mut command = rialto(arguments);
        let served = Served::start(command.env("PORT", "").env("HOST", ""));
        assert!(served.address.ip().is_loopback(), "{arguments:?}");
    }
    // An address that no machine has: the message tells the port, and the default one stays free.
    let mut child = rialto(&["--host", "192.0.2.1"]).env("PORT", "").spawn().unwrap();
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert!(said.starts_with("rialto: cannot listen on 192.0.2.1:3000: "), "{said}");
}

#[test]
fn a_folder_alone_is_pointed_to_its_option() {
    let folder = Folder::new("alone", &[]);
    for arguments in [&[folder.path()][..], &["serve", folder.path()], &["./nowhere"]] {
        let (code, said) = failed(arguments);
        let hint = format!("write '--dir {}'", arguments.last().unwrap());
        assert_eq!(code, Some(2), "{arguments:?}");
        assert!(said.contains(&hint), "{said}");
    }
    for slip in ["srve", "--dirr"] {
        let (_, said) = failed(&[slip]);
        assert!(said.contains("similar") && !said.contains("to serve a folder"), "{said}");
    }
}

#[test]
fn an_address_in_use_is_a_sentence() {
    let taken = Served::start(&mut rialto(&["--port", "0"]));
    let port = taken.address.port().to_string();
    let (code, said) = failed(&["serve", "--port", &port]);
    let expected = format!(
        "rialto: port {port} of 127.0.0.1 is in use: name another with --port or PORT (0 is any \
         free)\n"
    );
    assert_eq!((code, said), (Some(1), expected));
}

#[test]
fn mistakes_are_told_in_a_line() {
    let nowhere = ["serve", "--port", "0", "--dir", "no-such-folder"];
    let expected = "rialto: --dir: there is no folder no-such-folder\n".to_owned();
    assert_eq!(failed(&nowhere), (Some(1), expected));
    let (code, said) = failed(&["--port", "0", "--host", "192.0.2.1"]);
    assert_eq!(code, Some(1));
    assert!(said.starts_with("rialto: cannot listen on 192.0.2.1:0: "), "{said}");
    assert_eq!(said.matches("cannot listen").count(), 1, "{said}");
    let (_, said) = failed(&["--ping-interval", "86400001"]);
    assert!(said.contains("from 1 to 86400000 (one day)"), "{said}");
    for wrong in [
        ["--port", "65536"],
        ["--ping-interval", "0"],
        ["--cors", "https://app.example/"],
        ["--no-such-option", "1"],
    ] {
        let (code, said) = failed(&wrong);
        assert_eq!(code, Some(2), "{wrong:?}");
        assert!(said.starts_with("error: "), "{said}");
    }
}

#[test]
fn a_folder_is_served_with_socket_io_beside_it() {
    let files = [("index.html", "<p>mine</p>"), ("a.txt", "text"), (".env", "secret")];
    let folder = Folder::new("dir", &files);
    let served = Served::start(&mut rialto(&["serve", "--port", "0", "--dir", folder.path()]));
    assert_eq!(served.get("/").body, "<p>mine</p>");
    assert_eq!(served.get("/a.txt").body, "text");
    assert_eq!(served.get("/health").body, "ok");
    assert!(served.get("/socket.io/socket.io.js").body.contains("Rialto client"));
    assert!(served.get("/socket.io/?EIO=4&transport=polling").body.starts_with("0{"));
    for hidden in ["/.env", "/chat/", "/source/chat.rs", "/ws/echo"] {
        assert_eq!(served.get(hidden).status(), 404, "{hidden}");
    }
}

#[test]
fn events_of_a_folders_pages_go_to_everyone_in_their_namespace() {
    let folder = Folder::new("relay", &[]);
    let served = Served::start(&mut rialto(&["--port", "0", "--dir", folder.path()]));
    let pages = ["40", "40", "40/chat,"].map(|connect| {
        let path = format!("/socket.io/?EIO=4&transport=polling&sid={}", served.open_session());
        assert_eq!(served.post(&path, connect).body, "ok");
        assert!(served.get(&path).body.starts_with(connect));
        path
    });
    assert_eq!(served.post(&pages[2], "42/chat,[\"say\",\"elsewhere\"]").body, "ok");
    assert_eq!(served.post(&pages[0], "420[\"say\",{\"a\":[1,null]},2]").body, "ok");
    let event = "42[\"say\",{\"a\":[1,null]},2]";
    assert_eq!(served.get(&pages[0]).body, format!("{event}\u{1e}430[]"));
    assert_eq!(served.get(&pages[1]).body, event);
    assert_eq!(served.get(&pages[2]).body, "42/chat,[\"say\",\"elsewhere\"]");
}

#[test]
fn options_reach_the_server() {
    let client = Folder::new("client", &[("socket.io.js", "// stock")]);
    let served = Served::start(&mut rialto(&[
        "--port=0",
        "--ping-interval=1234",
        "--ping-timeout=567",
        "--cors=https://a.example,https://b.example",
        "--client-dir",
        client.path(),
    ]));
    let path = "/socket.io/?EIO=4&transport=polling";
    let answer = served.ask("GET", path, "Origin: https://b.example\r\n");
    assert!(answer.body.contains("\"pingInterval\":1234,\"pingTimeout\":567"), "{}", answer.body);
    assert_eq!(answer.field("access-control-allow-origin"), Some("https://b.example"));
    assert_eq!(served.get("/socket.io/socket.io.js").body, "// stock");

    let upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nOrigin: https://c.example\r\n";
    assert_eq!(served.ask("GET", "/ws/echo", upgrade).status(), 403);
}

#[test]
#[cfg(unix)]
fn a_signal_ends_it_gracefully() {
    for name in ["TERM", "INT"] {
        let mut served = Served::start(&mut rialto(&["--port", "0"]));
        let sid = served.open_session();
        thread::scope(|scope| {
            let path = format!("/socket.io/?EIO=4&transport=polling&sid={sid}");
            let served = &served;
            let poll = scope.spawn(move || served.get(&path));
            thread::sleep(Duration::from_millis(200));
            served.signal(name);
            // The client hears of the end: a CLOSE packet.
            let answer = poll.join().unwrap();
            assert_eq!((answer.status(), answer.body.as_str()), (200, "1"), "{name}");
        });
        assert_eq!(served.ended().code(), Some(0), "{name}");
    }
}

/// A request whose answer is not over holds up the end, until a second signal.
#[test]
#[cfg(unix)]
fn a_second_signal_ends_it_at_once() {
    let mut served = Served::start(&mut rialto(&["--port", "0"]));
    let mut slow = TcpStream::connect(served.address).unwrap();
    let sid = served.open_session();
    let head = format!("POST /socket.io/?EIO=4&transport=polling&sid={sid} HTTP/1.1\r\n");
    write!(slow, "{head}Host: x\r\nContent-Length: 5\r\n\r\n4").unwrap();
    thread::sleep(Duration::from_millis(200));
    served.signal("TERM");
    thread::sleep(Duration::from_millis(200));
    assert!(served.child.try_wait().unwrap().is_none(), "the body is still awaited");
    let second = Instant::now();
    served.signal("TERM");
    assert_eq!(served.ended().code(), Some(130));
    assert!(second.elapsed() < Duration::from_secs(3), "it took {:?}", second.elapsed());
}
