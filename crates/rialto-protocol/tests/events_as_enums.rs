//! An enum as the list of events, both ways.

#![allow(clippy::unwrap_used)] // The functions between the tests fail as tests do.

use bytes::Bytes;
use rialto_protocol::socketio::{Error, encode_enum, event_name, read};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Debug, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Chat {
    Typing,
    Say(String),
    Sum(i64, i64),
    Draw {
        color: String,
        pixels: Bytes,
    },
    Pair((i32, i32)),
    List(Vec<i32>),
    Maybe(Option<String>),
    Several(i32, Option<i32>),
    #[serde(rename = "1")]
    Numbered(Bytes),
}

fn write(event: &Chat) -> (String, Vec<Bytes>) {
    let mut out = Vec::new();
    let attachments = encode_enum(&mut out, "/", None, event).unwrap();
    (String::from_utf8(out).unwrap(), attachments)
}

fn read_text(data: &str, attachments: &[Bytes]) -> Result<Chat, Error> {
    let (name, _) = event_name(data).unwrap();
    read(&name, data, attachments)
}

#[test]
fn every_kind_of_variant_goes_out_and_comes_back() {
    let pixels = Bytes::from_static(b"px");
    for (event, wire) in [
        (Chat::Typing, r#"2["typing"]"#),
        (Chat::Say("hi".into()), r#"2["say","hi"]"#),
        (Chat::Sum(1, -2), r#"2["sum",1,-2]"#),
        (Chat::Pair((1, 2)), r#"2["pair",1,2]"#),
        (Chat::List(vec![1, 2]), r#"2["list",[1,2]]"#),
        (Chat::Maybe(None), r#"2["maybe",null]"#),
        (Chat::Several(1, None), r#"2["several",1,null]"#),
        (
            Chat::Draw { color: "red".into(), pixels: pixels.clone() },
            r#"51-["draw",{"color":"red","pixels":{"_placeholder":true,"num":0}}]"#,
        ),
        (Chat::Numbered(pixels.clone()), r#"51-["1",{"_placeholder":true,"num":0}]"#),
    ] {
        let (text, attachments) = write(&event);
        assert_eq!(text, wire);
        let data = &text[text.find('[').unwrap()..];
        assert_eq!(read_text(data, &attachments).unwrap(), event);
    }
}

#[test]
fn a_reader_is_as_lenient_as_decode() {
    assert_eq!(read_text(r#"["typing",1,2]"#, &[]).unwrap(), Chat::Typing);
    assert_eq!(read_text(r#"["sum",1,2,3]"#, &[]).unwrap(), Chat::Sum(1, 2));
    assert_eq!(read_text(r#"["maybe"]"#, &[]).unwrap(), Chat::Maybe(None));
    assert_eq!(read_text(r#"["several",1]"#, &[]).unwrap(), Chat::Several(1, None));
    assert_eq!(read_text(r#"["say","\ud800"]"#, &[]).unwrap(), Chat::Say("\u{fffd}".into()));
    assert_eq!(read_text(r#"["s\u0061y","x"]"#, &[]).unwrap(), Chat::Say("x".into()));
    let number = r#"[1,{"_placeholder":true,"num":0}]"#;
    let attachment = Bytes::from_static(b"x");
    let event = read_text(number, std::slice::from_ref(&attachment)).unwrap();
    assert_eq!(event, Chat::Numbered(attachment));
}

#[test]
fn errors_tell_the_unknown_event_from_the_wrong_argument() {
    let unknown = read_text(r#"["shout","x"]"#, &[]).unwrap_err();
    assert!(unknown.is_unknown_event() && unknown.is_decode());
    assert!(unknown.to_string().contains("shout"));

    let wrong = read_text(r#"["sum",1,"x"]"#, &[]).unwrap_err();
    assert_eq!((wrong.is_unknown_event(), wrong.argument()), (false, Some(1)));
    let missing = read_text(r#"["say"]"#, &[]).unwrap_err();
    assert_eq!((missing.is_missing_argument(), missing.argument()), (true, Some(0)));
}

#[test]
fn only_enums_are_events() {
    #[derive(Serialize)]
    struct NoEvent {
        a: i32,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "snake_case")]
    enum Reserved {
        Disconnect,
    }
    let mut out = b"x".to_vec();
    assert!(encode_enum(&mut out, "/", None, &NoEvent { a: 1 }).unwrap_err().is_encode());
    assert!(encode_enum(&mut out, "/", None, "text").unwrap_err().is_encode());
    let reserved = encode_enum(&mut out, "/", None, &Reserved::Disconnect).unwrap_err();
    assert!(reserved.is_reserved_name());
    assert_eq!(out, b"x");
    assert!(read::<String>("e", r#"["e","x"]"#, &[]).unwrap_err().is_decode());
}
