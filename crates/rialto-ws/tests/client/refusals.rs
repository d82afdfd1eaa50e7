//! What a server that refuses has said.

use crate::support::{Scripted, answer, echo_server, greeting, within};
use rialto_ws::{Connect, Options};

async fn refused_by(wire: &str) -> rialto_ws::Error {
    let server = Scripted::start([wire]).await;
    within(rialto_ws::connect(format!("ws://{}/", server.address))).await.unwrap_err()
}

#[tokio::test]
async fn status_fields_and_body_are_there() {
    let refused = refused_by(
        "HTTP/1.1 403 Forbidden\r\nX-Why: quota\r\nTransfer-Encoding: chunked\r\n\r\n\
         5\r\nno, b\r\n12\r\nut thank you\u{1b}[31m!\r\n0\r\n\r\n",
    )
    .await;
    let response = refused.response().unwrap();
    assert_eq!(response.headers()["x-why"], "quota");
    assert_eq!(response.body(), "no, but thank you\u{1b}[31m!");
    let text = refused.to_string();
    assert_eq!(text, "the server answered 403 Forbidden: no, but thank you[31m!");
    assert!(refused.is_handshake() && refused.status().unwrap() == 403);
}

#[tokio::test]
async fn an_answer_that_is_none_is_told_from_a_refusal() {
    for wire in ["", "HTTP/1.1 200", "nonsense\r\n\r\n"] {
        let refused = refused_by(wire).await;
        assert!(refused.is_handshake() && refused.response().is_none(), "{refused}");
    }
    // An alert of TLS, "unexpected message", by which a server answers plain HTTP.
    let refused = refused_by("\u{15}\u{3}\u{1}\0\u{2}\u{2}\n").await;
    assert!(refused.is_handshake() && refused.to_string().contains("wss://"), "{refused}");
    let refused = refused_by(&answer("101 Switching Protocols", "Upgrade: websocket\r\n")).await;
    assert!(refused.is_handshake() && refused.status().is_none(), "{refused}");
}

#[tokio::test]
async fn a_head_over_the_limit_is_not_read_on() {
    let server = Scripted::start([format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(5_000))]).await;
    let mut options = Options::default();
    options.max_head = 4_000;
    let connect = Connect::new(format!("ws://{}/", server.address)).options(options);
    let refused = within(connect.connect()).await.unwrap_err();
    assert!(refused.to_string().contains("max_head"), "{refused}");
}

#[tokio::test]
async fn the_fields_of_an_acceptance_can_be_had_too() {
    let address = echo_server().await;
    let connect = Connect::new(format!("ws://{address}/")).origin(&format!("http://{address}"));
    let (mut socket, response) =
        within(connect.user_agent("test/1").connect_with_response()).await.unwrap();
    assert_eq!(response.status(), 101);
    assert!(response.headers().contains_key("sec-websocket-accept"));
    assert_eq!(socket.request().header("user-agent"), Some("test/1"));
    greeting(&mut socket).await;
}

#[tokio::test]
async fn what_was_set_last_counts_and_the_explicit_before_the_url() {
    let server = Scripted::start([answer("400 Bad Request", "")]).await;
    let connect = Connect::new(format!("http://url:user@{}/", server.address))
        .origin("http://one.test")
        .origin("http://two.test")
        .basic_auth("a", "b");
    within(connect.connect()).await.unwrap_err();
    let request = server.requests().await.remove(0);
    assert!(request.contains("authorization: Basic YTpi\r\n"), "{request}");
    assert!(request.contains("origin: http://two.test\r\n"), "{request}");
    assert!(!request.contains("one.test"), "{request}");
}

#[tokio::test]
async fn fields_that_are_none_are_refused_before_anything_is_sent() {
    let connects = [
        Connect::new("ws://h/").header("bad name", "x"),
        Connect::new("ws://h/").header("x", "a\r\nb"),
        Connect::new("ws://h/").origin("a\nb"),
        Connect::new("ws://h/").proxy_header("", "x"),
    ];
    for connect in connects {
        assert!(connect.connect().await.unwrap_err().is_url());
    }
    let shown = format!("{:?}", Connect::new("ws://me:secret@h/").basic_auth("x", "hidden"));
    assert!(!shown.contains("secret") && !shown.contains("hidden"), "{shown}");
}

/// What a program passes on from its own users cannot add lines to the request.
#[tokio::test]
async fn nothing_that_ends_a_line_gets_into_a_request() {
    let server = Scripted::start([answer("101 Switching Protocols", "")]).await;
    let address = server.address;
    let url = format!("ws://{address}/");
    for protocol in ["chat\r\nX-Admin: 1", "a, b", "", "a\n"] {
        let options = Options::default().protocols([protocol]);
        let refused = within(Connect::new(&url).options(options).connect()).await.unwrap_err();
        assert!(refused.is_url(), "{protocol:?}: {refused}");
    }
    for url in [
        format!("ws://{address}/\r\nX-Admin: 1"),
        format!("ws://{address}/a b"),
        format!("ws://{address}\r\n/"),
        format!("ws://{address}/?a=\nb"),
        "ws+unix:///tmp/x.sock:/a\r\nX-Admin: 1".to_owned(),
    ] {
        let refused = within(rialto_ws::connect(&url)).await.unwrap_err();
        assert!(refused.is_url(), "{url:?}: {refused}");
    }
    for (name, value) in
        [("x", "a\r\nX-Admin: 1"), ("x\r\nX-Admin", "1"), ("x y", "1"), ("x", "\0")]
    {
        let connect = Connect::new(&url).header(name, value);
        let refused = within(connect.connect()).await.unwrap_err();
        assert!(refused.is_url(), "{name:?}: {value:?}: {refused}");
    }
}
