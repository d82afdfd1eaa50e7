//! Runs the `rialto` command and talks HTTP to it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long anything may take before the test fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// The command, without the settings that this machine may have for it.
pub(crate) fn rialto(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rialto"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for variable in ["PORT", "HOST", "RUST_LOG"] {
        command.env_remove(variable);
    }
    // Nothing may depend on where it is started.
    command.current_dir(std::env::temp_dir());
    command
}

/// A server that runs until the value is dropped.
pub(crate) struct Served {
    pub(crate) child: Child,
    pub(crate) address: SocketAddr,
}

impl Served {
    /// Starts the command and waits for the line with its address.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stderr(Stdio::inherit()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.strip_prefix("listening on http://").and_then(|a| a.strip_suffix('\n'));
        let address = address.unwrap_or_else(|| panic!("not the line: {line:?}"));
        Self { address: address.parse().unwrap(), child }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "")
    }

    /// One request on a connection of its own; `fields` are whole lines.
    pub(crate) fn ask(&self, method: &str, path: &str, fields: &str) -> Answer {
        self.exchange(method, path, fields, "")
    }

    pub(crate) fn post(&self, path: &str, body: &str) -> Answer {
        self.exchange("POST", path, &format!("Content-Length: {}\r\n", body.len()), body)
    }

    fn exchange(&self, method: &str, path: &str, fields: &str, body: &str) -> Answer {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.address);
        write!(stream, "{head}{fields}Connection: close\r\n\r\n{body}").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        Answer { head: head.to_owned(), body: body.to_owned() }
    }

    /// Opens an Engine.IO session by polling; says its id.
    pub(crate) fn open_session(&self) -> String {
        let opened = self.get("/socket.io/?EIO=4&transport=polling").body;
        opened.split('"').nth(3).unwrap().to_owned()
    }

    /// Sends a signal by its name, as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// Waits for the end of the process.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("the command did not end");
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// An answer as it came.
pub(crate) struct Answer {
    head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn status(&self) -> u16 {
        self.head.split(' ').nth(1).unwrap().parse().unwrap()
    }

    /// The value of a header field.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let fields = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        fields.into_iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}
