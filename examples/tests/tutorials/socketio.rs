//! The examples that speak Socket.IO.

use crate::client::Client;
use crate::pages::request;
use crate::program::Program;
use httpdate::parse_http_date;
use serde_json::{Value, json};
use std::time::{Duration, Instant, SystemTime};

#[tokio::test]
async fn the_clock_tells_the_time_at_once_and_every_five_seconds() {
    let program = Program::serve("clock").await;
    let mut client = Client::join(program.port()).await;
    let mut last = None;
    for _ in 0..2 {
        let time = client.event("time").await;
        let date = parse_http_date(time[0].as_str().unwrap()).unwrap();
        let age = SystemTime::now().duration_since(date).unwrap();
        assert!(age < Duration::from_secs(10), "{time} is {age:?} old");
        if let Some(last) = last.replace(Instant::now()) {
            assert!(last.elapsed() > Duration::from_secs(4), "{:?}", last.elapsed());
        }
    }
}

#[tokio::test]
async fn welcome_greets_and_notices_who_goes() {
    let mut program = Program::serve("welcome").await;
    let mut client = Client::join(program.port()).await;
    assert_eq!(client.event("welcome").await, json!(["Hello!"]));
    assert_eq!(program.line().await, format!("{} connected", client.id()));
    let gone = format!("{} disconnected", client.id());
    drop(client);
    assert_eq!(program.line().await, gone);
}

#[tokio::test]
async fn chat_reaches_everyone_the_sender_included() {
    let program = Program::serve("chat").await;
    let mut ada = Client::join(program.port()).await;
    let mut grace = Client::join(program.port()).await;
    for text in ["What news on the Rialto?", "Grüße 👋"] {
        ada.emit("chat message", json!([text])).await;
        assert_eq!(grace.event("chat message").await, json!([text]));
        assert_eq!(ada.event("chat message").await, json!([text]));
    }
}

#[tokio::test]
async fn the_whiteboard_shows_lines_live_and_to_latecomers() {
    let program = Program::serve("whiteboard").await;
    let mut ada = Client::join(program.port()).await;
    let mut grace = Client::join(program.port()).await;
    assert_eq!(ada.event("picture").await, json!([[]]));
    assert_eq!(grace.event("picture").await, json!([[]]));
    let lines = [json!([0.25, 0.5, 0.75, 1.0]), json!([0.75, 1.0, 0.0, 0.125])];
    for line in &lines {
        ada.emit("line", line.clone()).await;
        assert_eq!(&grace.event("line").await, line);
    }
    let mut latecomer = Client::join(program.port()).await;
    assert_eq!(latecomer.event("picture").await, json!([lines]));
    // Who draws does not get the own lines back: the first that Ada hears of is Grace's.
    grace.emit("line", json!([0.0, 0.0, 0.5, 0.5])).await;
    assert_eq!(ada.event("line").await, json!([0.0, 0.0, 0.5, 0.5]));
}

#[tokio::test]
async fn acks_go_both_ways() {
    let mut program = Program::serve("acks").await;
    let mut client = Client::join(program.port()).await;
    let question = client.event_packet("what is your name?").await;
    // An answer to the client does not wait for the client's own.
    assert_eq!(client.ask("sum", json!([1, 2.5])).await, [json!(3.5)]);
    client.answer(&question, json!(["Ada"])).await;
    assert_eq!(client.event("welcome").await, json!(["Hello, Ada!"]));
    assert_eq!(program.line().await, "Ada connected");
}

#[tokio::test]
async fn a_file_reaches_the_others_as_it_was() {
    let program = Program::serve("binary").await;
    let mut ada = Client::join(program.port()).await;
    let mut grace = Client::join(program.port()).await;
    let data: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    assert_eq!(ada.ask_binary("file", json!(["a.bin"]), &data).await, [json!(data.len())]);
    let file = grace.event_packet("file").await;
    assert!(file.attachments == [data], "the attachment has changed");
}

#[tokio::test]
async fn rooms_deliver_to_their_other_members_alone() {
    let program = Program::serve("rooms").await;
    let mut ada = Client::join(program.port()).await;
    let mut grace = Client::join(program.port()).await;
    let mut outsider = Client::join(program.port()).await;
    // Every socket is in a room of its own id: what arrives there was said after the joining.
    ada.emit("join", json!(["tea"])).await;
    say(&ada, &mut grace, "I am in").await;
    grace.emit("join", json!(["tea"])).await;
    say(&grace, &mut ada, "so am I").await;

    ada.emit("say", json!(["tea", "milk?"])).await;
    assert_eq!(grace.event("said").await, json!([ada.id(), "milk?"]));
    // Neither the outsider nor the speaker has heard it: what each hears next is something else.
    say(&ada, &mut outsider, "not for you").await;
    grace.emit("leave", json!(["tea"])).await;
    say(&grace, &mut ada, "I am out").await;

    ada.emit("say", json!(["tea", "sugar?"])).await;
    say(&ada, &mut grace, "you have left").await;
}

/// One says something to another alone, who hears nothing else before.
async fn say(from: &Client, to: &mut Client, text: &str) {
    from.emit("say", json!([to.id(), text])).await;
    assert_eq!(to.event("said").await, json!([from.id(), text]));
}

#[tokio::test]
async fn nobody_comes_in_without_a_login() {
    let program = Program::serve("login").await;
    let refused = async |auth: Value| Client::login(program.port(), &auth).await.err().unwrap();
    let wrong = refused(json!({ "name": "Eve", "token": "guess" })).await;
    assert_eq!(wrong, json!({ "message": "unauthorized" }));
    let none = refused(Value::Null).await;
    assert_eq!((&none["message"], &none["data"]["code"]), (&json!("invalid auth"), &json!(11)));

    let auth = json!({ "name": "Ada", "token": "secret" });
    let mut ada = Client::login(program.port(), &auth).await.unwrap();
    assert_eq!(ada.event("welcome").await, json!(["Hello, Ada!"]));
    ada.emit("say", json!(["hello"])).await;
    assert_eq!(ada.event("said").await, json!(["Ada", "hello"]));
}

#[tokio::test]
async fn typed_events_are_read_and_sent() {
    let program = Program::serve("typed_events").await;
    let mut ada = Client::join(program.port()).await;
    let mut grace = Client::join(program.port()).await;
    assert_eq!(ada.ask("sum", json!([1, 2])).await, [json!(3.0)]);
    ada.emit("typing", json!([])).await;
    assert_eq!(grace.event("typing").await, json!([ada.id()]));
    ada.emit("say", json!(["hello"])).await;
    assert_eq!(ada.event("said").await, json!([ada.id(), "hello"]));
}

#[tokio::test]
async fn a_route_of_an_axum_application_emits() {
    let program = Program::serve("axum_app").await;
    let mut client = Client::join(program.port()).await;
    let answer = request(program.port(), "POST", "/announce", "Tea is ready").await;
    assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
    assert_eq!(client.event("announcement").await, json!(["Tea is ready"]));
}
