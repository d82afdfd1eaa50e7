//! `--app engine-client`: the server of `engine.io-client`'s own tests.

use crate::args::Args;
use crate::settings;
use rialto::axum::extract::Request;
use rialto::axum::http::request::Parts;
use rialto::axum::http::{HeaderMap, HeaderValue, Method, header};
use rialto::axum::middleware::{Next, from_fn};
use rialto::axum::response::Response;
use rialto::{Bytes, EngineSocket, Events, Handshake, Server};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

const UTF8: &str = "пойду спать всем спокойной ночи";

/// Header fields of the last POST, as JSON: whichever session sent it, as the tests run one by one.
type LastPost = Arc<Mutex<String>>;

pub(crate) fn server(args: &Args) -> Server {
    let last = LastPost::default();
    let noted = Arc::clone(&last);
    let options = settings::timing(args).allow_request(admit).initial_headers(set_cookies);
    Server::new(Events::new())
        .options(options)
        .engine_layer(from_fn(move |request, next| note(Arc::clone(&noted), request, next)))
        .engine("/engine.io", move |socket| serve(socket, Arc::clone(&last)))
}

fn admit(handshake: &Handshake) -> Result<(), &'static str> {
    match handshake.query("deny") {
        Some(_) => Err("Forbidden"),
        None => Ok(()),
    }
}

/// The four cookies, on the first answer of long-polling.
fn set_cookies(headers: &mut HeaderMap, request: &Parts) {
    if request.headers.contains_key(header::UPGRADE) {
        return;
    }
    let now = httpdate::fmt_http_date(SystemTime::now());
    for cookie in [
        "1=1; Max-Age=86400",
        "2=2; Path=/; HttpOnly; Secure; SameSite=Strict",
        "3=3; Max-Age=0",
        &format!("4=4; Expires={now}"),
    ] {
        if let Ok(cookie) = HeaderValue::from_str(cookie) {
            headers.append(header::SET_COOKIE, cookie);
        }
    }
}

async fn note(last: LastPost, request: Request, next: Next) -> Response {
    if request.method() == Method::POST {
        let fields: serde_json::Map<_, _> = request
            .headers()
            .iter()
            .map(|(name, value)| {
                (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into())
            })
            .collect();
        let text = serde_json::Value::from(fields).to_string();
        *last.lock().unwrap_or_else(PoisonError::into_inner) = text;
    }
    next.run(request).await
}

async fn serve(socket: EngineSocket, last: LastPost) -> rialto::Result {
    socket.send("hi").await?;
    while let Some(message) = socket.recv().await {
        match message.as_text() {
            Some("give binary") => socket.send(Bytes::from_static(&[0, 1, 2, 3, 4])).await?,
            Some("give utf8") => socket.send(UTF8).await?,
            Some("sendHeaders") => {
                let text = last.lock().unwrap_or_else(PoisonError::into_inner).clone();
                socket.send(text).await?;
            }
            _ => socket.send(message).await?,
        }
    }
    Ok(())
}
