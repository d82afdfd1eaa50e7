//! The gallery over HTTP; what its pages do is tested in a browser (`interop/js`).

use super::support::{Served, rialto};

fn gallery() -> Served {
    Served::start(&mut rialto(&["serve", "--port", "0"]))
}

#[test]
fn pages_and_files_carry_their_type_and_the_policy() {
    let gallery = gallery();
    for (path, kind, holds) in [
        ("/", "text/html; charset=utf-8", "<title>Rialto"),
        ("/chat/?transport=polling", "text/html; charset=utf-8", "<title>Chat"),
        ("/index.js", "text/javascript; charset=utf-8", "io("),
        ("/shared/gallery.css", "text/css; charset=utf-8", "{"),
        ("/shared/icon.svg", "image/svg+xml", "<svg"),
        ("/favicon.ico", "image/svg+xml", "<svg"),
        ("/source/chat.rs", "text/plain; charset=utf-8", "fn serve"),
    ] {
        let answer = gallery.get(path);
        assert_eq!((answer.status(), answer.field("content-type")), (200, Some(kind)), "{path}");
        assert!(answer.body.contains(holds), "{path}");
        let length = answer.body.len().to_string();
        assert_eq!(answer.field("content-length"), Some(length.as_str()), "{path}");
        assert_headers(&answer, path);
    }
}

fn assert_headers(answer: &super::support::Answer, path: &str) {
    let policy = answer.field("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'self'; connect-src 'self' ws: wss:;"), "{path}");
    assert_eq!(answer.field("x-content-type-options"), Some("nosniff"), "{path}");
    assert_eq!(answer.field("referrer-policy"), Some("same-origin"), "{path}");
    assert_eq!(answer.field("cache-control"), Some("no-cache"), "{path}");
}

#[test]
fn the_code_that_a_page_shows_is_the_code_that_serves_it() {
    let gallery = gallery();
    let echo = gallery.get("/source/echo.rs");
    assert_eq!(echo.body, include_str!("../../src/gallery/echo.rs"));
    for inside in ["mod.rs", "rules.rs", "../main.rs", "%2e%2e/main.rs", ""] {
        assert_eq!(gallery.get(&format!("/source/{inside}")).status(), 404, "{inside}");
    }
}

#[test]
fn a_copy_that_is_still_good_is_not_sent_again() {
    let gallery = gallery();
    let first = gallery.get("/");
    let tag = first.field("etag").unwrap();
    assert_ne!(gallery.get("/index.js").field("etag"), Some(tag));
    for known in [tag.to_owned(), format!("\"x\", W/{tag}"), "*".to_owned()] {
        let again = gallery.ask("GET", "/", &format!("If-None-Match: {known}\r\n"));
        assert_eq!((again.status(), again.body.as_str()), (304, ""), "{known}");
        assert_eq!(again.field("etag"), Some(tag));
        assert_headers(&again, "/");
    }
    let other = gallery.ask("GET", "/", "If-None-Match: \"x\"\r\n");
    assert_eq!((other.status(), other.body), (200, first.body));
}

#[test]
fn head_is_get_without_the_body_and_other_methods_are_refused() {
    let gallery = gallery();
    let (get, head) = (gallery.get("/clock/"), gallery.ask("HEAD", "/clock/", ""));
    assert_eq!((head.status(), head.body.as_str()), (200, ""));
    for field in ["content-length", "content-type", "etag"] {
        assert_eq!(head.field(field), get.field(field));
    }
    let post = gallery.ask("POST", "/clock/", "Content-Length: 0\r\n");
    assert_eq!((post.status(), post.field("allow")), (405, Some("GET, HEAD")));
}

#[test]
fn folders_lead_to_their_page_and_the_rest_to_the_404_page() {
    let gallery = gallery();
    let folder = gallery.get("/chat?room=lobby");
    assert_eq!((folder.status(), folder.field("location")), (308, Some("/chat/?room=lobby")));
    for path in ["/nowhere", "/nowhere/", "/EVENTS.md", "/ws/nowhere", "/shared/", "/chat/x/../"] {
        let answer = gallery.get(path);
        assert_eq!(answer.status(), 404, "{path}");
        assert!(answer.body.contains("Nothing here"), "{path}");
        assert_headers(&answer, path);
        assert_eq!(answer.field("etag"), None, "{path}");
    }
    // Not to another server, as `//host/` would be.
    assert_eq!(gallery.get("//chat").field("location"), Some("/chat/"));
}

#[test]
fn what_a_node_user_asks_with_curl() {
    let gallery = gallery();
    let health = gallery.get("/health");
    assert_eq!((health.status(), health.body.as_str()), (200, "ok"));
    let client = gallery.get("/socket.io/socket.io.js");
    assert_eq!(client.status(), 200);
    assert!(client.body.contains("Rialto client"));
    let open = gallery.get("/socket.io/?EIO=4&transport=polling");
    assert_eq!(open.status(), 200);
    assert!(open.body.starts_with("0{\"sid\":\""), "{}", open.body);
    assert!(open.body.contains("\"pingInterval\":25000,\"pingTimeout\":20000"), "{}", open.body);
    assert_eq!(gallery.get("/ws/echo").status(), 426);
}
