//! `--app client`: the server of `socket.io-client`'s own tests.
//!
//! Without connection state recovery, for which there is no interface yet.

use crate::args::Args;
use crate::settings;
use rialto::{
    Args as Arguments, Bytes, Denied, Events, Handshake, Refused, Server, Socket, Value, guard,
};
use serde_json::json;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What several events send and expect as binary.
const DOGE: &[u8] = b"asdfasdf";

/// How long admission takes.
const ADMISSION: Duration = Duration::from_millis(10);

pub(crate) fn server(args: &Args) -> Server {
    let open = Events::new;
    Server::new(guard(main, main_events()))
        .namespace("/foo", Events::new().on_ack("getId", get_id))
        .namespace("/abc", Events::new().on_connect(send_handshake))
        .namespace("/valid", open())
        .namespace("/asd", open())
        .namespace("/timeout_socket", open())
        .namespace("/no", guard(nobody, open()))
        .options(settings::timing(args).allow_request_async(admit))
}

/// Everyone may come in, after a while: clients must not depend on an answer at once.
async fn admit(_handshake: Handshake) -> Result<(), Denied> {
    tokio::time::sleep(ADMISSION).await;
    Ok(())
}

async fn main(handshake: Handshake) -> Result<(), Refused> {
    match handshake.query("fail") {
        Some(_) => Err(Refused::new("Auth failed (main namespace)")),
        None => Ok(()),
    }
}

async fn nobody(_handshake: Handshake) -> Result<(), Refused> {
    Err(Refused::new("Auth failed (custom namespace)"))
}

fn main_events() -> Events {
    binary(dates(texts(acks(Events::new()))))
}

fn acks(events: Events) -> Events {
    events
        .on_ack("echo", async |_, value: Option<Value>| Ok(value))
        .on("ack", async |socket, ()| {
            let (five, object): (Value, Value) = socket.emit_with_ack("ack", ()).await?;
            if five == 5_u8 && object["test"] == true {
                socket.emit("got it", ()).await?;
            }
            Ok(())
        })
        .on_ack("getHandshake", async |socket, ()| handshake(&socket))
        .on_ack("getId", get_id)
}

async fn get_id(socket: Socket, (): ()) -> rialto::Result<String> {
    Ok(socket.id().to_owned())
}

fn dates(events: Events) -> Events {
    events
        .on_ack("getAckDate", async |_, ()| Ok(now()))
        .on("getDate", async |socket, ()| socket.emit("takeDate", now()).await)
        .on("getDateObj", async |socket, ()| {
            socket.emit("takeDateObj", json!({ "date": now() })).await
        })
}

/// The time as JavaScript writes a `Date` into JSON: the tests parse it.
fn now() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let (days, ms) = (since.as_secs() / 86_400, since.as_millis() % 86_400_000);
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
    let ms = ms % 1000;
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
}

/// Year, month and day of a day counted from 1970-01-01.
fn civil(days: u64) -> (u64, u64, u64) {
    let (mut year, mut left) = (1970, days);
    loop {
        let length = if is_leap(year) { 366 } else { 365 };
        if left < length {
            break;
        }
        left -= length;
        year += 1;
    }
    let february = if is_leap(year) { 29 } else { 28 };
    let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 1;
    for length in months {
        if left < length {
            break;
        }
        left -= length;
        month += 1;
    }
    (year, month, left + 1)
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn texts(events: Events) -> Events {
    events
        .on("hi", async |socket, ()| socket.emit("hi", ()).await)
        .on("false", async |socket, ()| socket.emit("false", false).await)
        .on("getUtf8", async |socket, ()| {
            for line in ["てすと", "Я Б Г Д Ж Й", "Ä ä Ü ü ß", "utf8 — string", "utf8 — string"]
            {
                socket.emit("takeUtf8", line).await?;
            }
            Ok(())
        })
}

fn binary(events: Events) -> Events {
    let events = events
        .on("doge", async |socket, ()| socket.emit("doge", Bytes::from_static(DOGE)).await)
        .on("getbin", async |socket, ()| socket.emit("takebin", Bytes::from_static(DOGE)).await)
        .on("buffa", answered("buffack", |args| is_binary(&args[0])))
        .on(
            "jsonbuff",
            answered("jsonbuff-ack", |args| {
                let object = &args[0];
                object["hello"] == "lol"
                    && is_binary(&object["message"])
                    && object["goodbye"] == "gotcha"
            }),
        )
        .on("blob", async |socket, blob: Bytes| socket.emit("back", blob).await)
        .on("jsonblob", answered("jsonblob-ack", |args| is_binary(&args[0]["message"])));
    let events = in_order(events, ["abuff1", "abuff2"], "abuff2-ack");
    in_order(events, ["blob1", "blob2"], "").on("blob3", async |socket, last: Value| {
        let seen = socket.data::<Last>().map_or("", |last| last.0);
        if seen == "blob2" && is_binary(&last) {
            socket.emit("blob3-ack", ()).await?;
        }
        Ok(())
    })
}

fn is_binary(value: &Value) -> bool {
    value.as_bytes().is_some()
}

type Answered = std::pin::Pin<Box<dyn Future<Output = rialto::Result> + Send>>;

/// A listener that emits `reply` if the arguments are as they should be.
fn answered(
    reply: &'static str,
    fits: impl Fn(&Arguments) -> bool + Send + Sync + 'static,
) -> impl Fn(Socket, Arguments) -> Answered + Send + Sync + 'static {
    move |socket, args| {
        let fits = fits(&args);
        Box::pin(async move { if fits { socket.emit(reply, ()).await } else { Ok(()) } })
    }
}

/// The event of a series that a socket sent last.
struct Last(&'static str);

/// Two events of which the second has to follow the first; then `reply`, unless it is empty.
fn in_order(events: Events, names: [&'static str; 2], reply: &'static str) -> Events {
    let [first, second] = names;
    events
        .on(first, move |socket: Socket, ()| async move {
            socket.set_data(Last(first));
            Ok(())
        })
        .on(second, move |socket: Socket, ()| async move {
            if socket.data::<Last>().is_none_or(|last| last.0 != first) {
                return Ok(());
            }
            socket.set_data(Last(second));
            if reply.is_empty() { Ok(()) } else { socket.emit(reply, ()).await }
        })
}

async fn send_handshake(socket: Socket) -> rialto::Result {
    socket.emit("handshake", handshake(&socket)?).await
}

fn handshake(socket: &Socket) -> rialto::Result<serde_json::Value> {
    let handshake = socket.handshake();
    let headers: serde_json::Map<_, _> = handshake
        .headers()
        .map(|(name, value)| (name.to_ascii_lowercase(), value.into()))
        .collect();
    let query: serde_json::Map<_, _> =
        handshake.query_pairs().into_iter().map(|(name, value)| (name, value.into())).collect();
    let issued = handshake.issued().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    Ok(json!({
        "headers": headers,
        "time": now(),
        "address": handshake.address().map(|address| address.ip().to_string()),
        "xdomain": handshake.header("origin").is_some(),
        "secure": handshake.secure(),
        "issued": issued * 1000,
        "url": handshake.url(),
        "query": query,
        "auth": handshake.auth::<serde_json::Value>()?,
    }))
}
