//! What the log says of a request for a host that the server is not: once in the process, so in a
//! file of its own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod support;

use rialto::{Events, Options, Server};
use support::log::Log;
use support::{http, start};

#[tokio::test]
async fn the_log_says_once_how_to_be_asked_for_by_another_name() {
    let (log, _logging) = Log::here();
    let options = Options::default().allowed_hosts(["app.example"]);
    let (address, _) = start(Server::new(Events::new()).options(options)).await;
    for target in ["/nothing", "/socket.io/?EIO=4&transport=polling"] {
        assert_eq!(http(address, "GET", target, "").await.0, 403, "{target}");
    }
    let lines = log.take("a request for another host was refused");
    let host = format!(
        "WARN a request for another host was refused; if it is yours: \
                        .allowed_hosts([...]) host=\"{address}\""
    );
    assert_eq!(lines, [host]);
}
