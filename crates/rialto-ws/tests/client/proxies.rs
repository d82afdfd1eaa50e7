//! Through proxies of each kind.

use crate::relays::Relay;
use crate::support::{Scripted, answer, echo_server, greeting, nobody, within};
use rialto_ws::Connect;

#[tokio::test]
async fn an_http_proxy_is_asked_to_connect_and_resolves_the_name() {
    let relay = Relay::knowing("chat.test", echo_server().await);
    let proxy = relay.http().await;
    let connect = Connect::new("ws://chat.test/room?x=1")
        .proxy(format!("http://{proxy}"))
        .proxy_header("X-Team", "blue");
    let mut socket = within(connect.connect()).await.unwrap();
    assert_eq!(greeting(&mut socket).await, "/room?x=1 chat.test -");
    let [head] = &relay.seen().await[..] else { panic!("one request") };
    assert!(head.starts_with("CONNECT chat.test:80 HTTP/1.1\r\nHost: chat.test:80\r\n"), "{head}");
    assert!(head.contains("x-team: blue\r\n"), "{head}");
    assert!(!head.contains("Proxy-Authorization"), "{head}");
}

#[tokio::test]
async fn a_password_for_the_proxy_goes_to_the_proxy_alone() {
    let relay = Relay::knowing("chat.test", echo_server().await).wanting("al@ice:s:3");
    let proxy = relay.http().await;
    let url = |user| format!("http://{user}{proxy}");
    let connect = |user| Connect::new("ws://me:mine@chat.test/").proxy(url(user));
    let mut socket = within(connect("al%40ice:s:3@").connect()).await.unwrap();
    assert_eq!(greeting(&mut socket).await, "/ chat.test Basic bWU6bWluZQ==");
    for user in ["", "al%40ice:wrong@"] {
        let refused = within(connect(user).connect()).await.unwrap_err();
        assert!(refused.is_proxy() && !refused.is_handshake());
        assert_eq!(refused.status().unwrap(), 407);
        assert!(refused.to_string().contains("password"), "{refused}");
    }
}

#[tokio::test]
async fn a_proxy_that_refuses_or_talks_nonsense_is_named() {
    let relay = Relay::knowing("chat.test", nobody().await);
    let proxy = relay.http().await;
    for (name, status) in [("chat.test", 503), ("other.test", 502)] {
        let connect = Connect::new(format!("ws://{name}/")).proxy(proxy.to_string());
        let refused = within(connect.connect()).await.unwrap_err();
        assert_eq!(refused.status().unwrap(), status);
        assert!(refused.is_proxy());
    }
    for nonsense in ["SSH-2.0-x\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\nahead of time", ""] {
        let scripted = Scripted::start([nonsense]).await;
        let connect = Connect::new("ws://chat.test/").proxy(scripted.address.to_string());
        let refused = within(connect.connect()).await.unwrap_err();
        assert!(refused.is_proxy() && refused.status().is_none(), "{refused:?}");
    }
    let connect = Connect::new("ws://chat.test/").proxy(nobody().await.to_string());
    let refused = within(connect.connect()).await.unwrap_err();
    assert!(refused.is_proxy() && format!("{refused:?}").contains("refused"), "{refused:?}");
    let endless = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(40_000));
    let scripted = Scripted::start([endless]).await;
    let connect = Connect::new("ws://chat.test/").proxy(scripted.address.to_string());
    let refused = within(connect.connect()).await.unwrap_err();
    assert!(refused.to_string().contains("max_head"), "{refused}");
}

#[tokio::test]
async fn socks_leaves_the_name_to_the_proxy_or_resolves_it_here() {
    let server = echo_server().await;
    let relay = Relay::knowing("chat.test", server);
    let proxy = relay.socks().await;
    let connect = Connect::new("ws://chat.test/a").proxy(format!("socks5h://{proxy}"));
    let mut socket = within(connect.connect()).await.unwrap();
    assert_eq!(greeting(&mut socket).await, "/a chat.test -");
    let here = format!("ws://localhost:{}/b", server.port());
    let connect = Connect::new(here).proxy(format!("socks5://{proxy}"));
    // `localhost` may be ::1 first, where this server does not listen.
    let outcome = within(connect.connect()).await;
    let seen = relay.seen().await;
    assert_eq!(seen[0], "chat.test 80 by 3");
    assert!(seen[1].starts_with("127.0.0.1 ") || seen[1].starts_with("::1 "), "{seen:?}");
    assert!(!seen[1].ends_with("by 3"), "{seen:?}");
    assert_eq!(outcome.is_ok(), seen[1].starts_with("127"), "{outcome:?}");
}

#[tokio::test]
async fn socks_with_user_and_password() {
    let relay = Relay::knowing("chat.test", echo_server().await).wanting("u:p");
    let proxy = relay.socks().await;
    let connect = |user: &str| {
        Connect::new("ws://chat.test/").proxy(format!("socks5h://{user}{proxy}")).connect()
    };
    let mut socket = within(connect("u:p@")).await.unwrap();
    assert_eq!(greeting(&mut socket).await, "/ chat.test -");
    for (user, why) in [("u:wrong@", "refused the user"), ("", "wants a user")] {
        let refused = within(connect(user)).await.unwrap_err();
        assert!(refused.is_proxy() && refused.to_string().contains(why), "{refused}");
    }
    let long = format!("{}:p@", "u".repeat(256));
    assert!(within(connect(&long)).await.unwrap_err().to_string().contains("255"));
}

#[tokio::test]
async fn what_a_socks_proxy_gives_as_its_reason_is_told() {
    let relay = Relay::knowing("chat.test", nobody().await);
    let proxy = relay.socks().await;
    for (name, why) in [("chat.test", "refused its connection"), ("other.test", "cannot reach")] {
        let connect = Connect::new(format!("ws://{name}/")).proxy(format!("socks5h://{proxy}"));
        let refused = within(connect.connect()).await.unwrap_err();
        assert!(refused.is_proxy() && refused.to_string().contains(why), "{refused}");
    }
    let web = Scripted::start([answer("400 Bad Request", "")]).await;
    let connect = Connect::new("ws://chat.test/").proxy(format!("socks5://{}", web.address));
    // It waits for the end of a head that never comes; the time limit is the last resort.
    let limited =
        connect.time_limit(rialto_ws::Phase::Proxy, std::time::Duration::from_millis(300));
    let refused = within(limited.connect()).await.unwrap_err();
    assert!(refused.is_timeout() || refused.is_proxy() || refused.is_io(), "{refused:?}");
}

#[tokio::test]
async fn urls_of_proxies_are_checked_and_a_unix_socket_needs_none() {
    for url in ["gopher://p", "http://", "socks4://p"] {
        let refused = Connect::new("ws://chat.test/").proxy(url).connect().await.unwrap_err();
        assert!(refused.is_url() && refused.to_string().contains("proxy"), "{refused}");
    }
}
