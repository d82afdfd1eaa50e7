//! Redirects: followed within bounds, and never into less safety.

use crate::support::{Scripted, answer, echo_server, greeting, within};
use rialto_ws::Connect;

fn to(status: &str, location: &str) -> String {
    answer(status, &format!("Location: {location}\r\n"))
}

#[tokio::test]
async fn off_by_default_and_the_error_tells_where_it_leads() {
    let server = Scripted::start([to("302 Found", "wss://elsewhere.test/")]).await;
    let refused = within(rialto_ws::connect(format!("ws://{}/", server.address))).await;
    let refused = refused.unwrap_err();
    assert!(refused.is_handshake());
    assert_eq!(refused.status().unwrap(), 302);
    assert_eq!(refused.response().unwrap().headers()["location"], "wss://elsewhere.test/");
    let text = refused.to_string();
    assert!(text.contains("elsewhere.test") && text.contains("Connect::redirects"), "{text}");
}

#[tokio::test]
async fn every_status_is_followed_to_absolute_and_relative_places() {
    let end = echo_server().await;
    for status in ["301 M", "302 F", "303 S", "307 T", "308 P"] {
        let absolute = to(status, &format!("http://{end}/end?x=1#frag"));
        let server = Scripted::start([to(status, "next?y"), absolute]).await;
        let url = format!("ws://{}/a/b", server.address);
        let connect = Connect::new(url).redirects(2).connect();
        let mut socket = within(connect).await.unwrap();
        assert_eq!(greeting(&mut socket).await, format!("/end?x=1 {end} -"));
        assert_eq!(socket.request().target(), "/end?x=1");
        let requests = server.requests().await;
        assert!(requests[1].starts_with("GET /a/next?y HTTP/1.1"), "{requests:?}");
    }
}

#[tokio::test]
async fn a_loop_ends_at_the_bound() {
    let server = Scripted::start([to("301 Moved", "/again")]).await;
    let url = format!("ws://{}/", server.address);
    let refused = within(Connect::new(url).redirects(3).connect()).await.unwrap_err();
    assert_eq!(refused.status().unwrap(), 301);
    assert!(refused.to_string().contains("no more redirects"), "{refused}");
    assert_eq!(server.requests().await.len(), 4);
}

#[tokio::test]
async fn credentials_stay_behind_when_the_host_changes() {
    let refusal = answer("404 Not Found", "");
    let end = Scripted::start([refusal.clone()]).await;
    let away = to("307 T", &format!("ws://{}/end", end.address));
    let server = Scripted::start([to("307 T", "/same"), away]).await;
    let connect = Connect::new(format!("ws://user:pass@{}/", server.address))
        .header("cookie", "a=b")
        .header("x-kept", "yes")
        .redirects(5);
    assert_eq!(within(connect.connect()).await.unwrap_err().status().unwrap(), 404);
    for request in server.requests().await {
        assert!(request.contains("authorization: Basic dXNlcjpwYXNz\r\n"), "{request}");
        assert!(request.contains("cookie: a=b\r\n"), "{request}");
    }
    let last = &end.requests().await[0];
    assert!(!last.contains("authorization") && !last.contains("cookie"), "{last}");
    assert!(last.contains("x-kept: yes\r\n"), "{last}");
}

#[tokio::test]
async fn places_that_are_no_websocket_are_not_gone_to() {
    for location in
        ["ftp://h/", "ws+unix:///run/x.sock:/", "javascript:alert(1)", "ws://", "ws://h:x/"]
    {
        let server = Scripted::start([to("301 Moved", location)]).await;
        let url = format!("ws://{}/", server.address);
        let refused = within(Connect::new(url).redirects(3).connect()).await.unwrap_err();
        assert!(refused.to_string().contains("no WebSocket URL"), "{location}: {refused}");
    }
    let server = Scripted::start([answer("301 Moved", "")]).await;
    let url = format!("ws://{}/", server.address);
    let refused = within(Connect::new(url).redirects(3).connect()).await.unwrap_err();
    assert_eq!(refused.status().unwrap(), 301, "a redirect without a place is a refusal");
}
