//! How serde values become arguments and arguments become serde values.

#![allow(clippy::unwrap_used)] // The functions between the tests fail as tests do.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bytes::Bytes;
use rialto_protocol::socketio::{
    Connected, Error, decode, decode_borrowed, encode_ack, encode_connect, encode_connect_error,
    encode_disconnect, encode_event,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

fn event<T: Serialize + ?Sized>(args: &T) -> (String, Vec<Bytes>) {
    let mut out = Vec::new();
    let attachments = encode_event(&mut out, "/", None, "e", args).unwrap();
    (String::from_utf8(out).unwrap(), attachments)
}

fn text<T: Serialize + ?Sized>(args: &T) -> String {
    let (text, attachments) = event(args);
    assert!(attachments.is_empty());
    text
}

fn bytes(content: &'static [u8]) -> Bytes {
    Bytes::from_static(content)
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct Point {
    x: i32,
    y: Option<i32>,
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct Pair(i32, String);

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct Wrapped(Pair);

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct Nothing;

#[derive(Serialize, Deserialize, Debug, PartialEq)]
enum Shape {
    Empty,
    Circle(f64),
    Line(i32, i32),
    Named { data: Bytes },
}

#[test]
fn one_value_is_one_argument() {
    assert_eq!(text("hi"), r#"2["e","hi"]"#);
    assert_eq!(text(&true), r#"2["e",true]"#);
    assert_eq!(text(&-1_i8), r#"2["e",-1]"#);
    assert_eq!(text(&u64::MAX), r#"2["e",18446744073709551615]"#);
    assert_eq!(text(&1.5_f32), r#"2["e",1.5]"#);
    assert_eq!(text(&f64::NAN), r#"2["e",null]"#);
    assert_eq!(text(&'x'), r#"2["e","x"]"#);
    assert_eq!(text(&vec![1, 2]), r#"2["e",[1,2]]"#);
    assert_eq!(text(&[1, 2][..]), r#"2["e",[1,2]]"#);
    assert_eq!(text(&Vec::<i32>::new()), r#"2["e",[]]"#);
    assert_eq!(text(&Point { x: 1, y: None }), r#"2["e",{"x":1,"y":null}]"#);
    assert_eq!(text(&BTreeMap::from([("a", 1)])), r#"2["e",{"a":1}]"#);
    assert_eq!(text(&Some("x")), r#"2["e","x"]"#);
    assert_eq!(text(&None::<String>), r#"2["e",null]"#);
    assert_eq!(text(&Shape::Empty), r#"2["e","Empty"]"#);
    assert_eq!(text(&Shape::Circle(1.5)), r#"2["e",{"Circle":1.5}]"#);
    assert_eq!(text(&Shape::Line(1, 2)), r#"2["e",{"Line":[1,2]}]"#);
}

#[test]
fn tuples_and_fixed_arrays_are_several_arguments_and_unit_is_none() {
    assert_eq!(text(&("a", 1, [true])), r#"2["e","a",1,[true]]"#);
    assert_eq!(text(&("a",)), r#"2["e","a"]"#);
    assert_eq!(text(&[1, 2, 3]), r#"2["e",1,2,3]"#);
    assert_eq!(text(&Pair(1, "a".into())), r#"2["e",1,"a"]"#);
    assert_eq!(text(&Wrapped(Pair(1, "a".into()))), r#"2["e",1,"a"]"#);
    assert_eq!(text(&Some((1, 2))), r#"2["e",1,2]"#);
    assert_eq!(text(&((1, 2), 3)), r#"2["e",[1,2],3]"#);
    assert_eq!(text(&((), None::<i32>)), r#"2["e",null,null]"#);
    assert_eq!(text(&()), r#"2["e"]"#);
    assert_eq!(text(&Nothing), r#"2["e"]"#);
    assert_eq!(text::<[i32; 0]>(&[]), r#"2["e"]"#);
}

#[test]
fn one_value_takes_the_first_argument() {
    let data = r#"["e", "hi" ,{"x":1},[1,2]]"#;
    assert_eq!(decode::<String>(data, true, &[]).unwrap(), "hi");
    assert_eq!(decode::<String>(r#"["hi"]"#, false, &[]).unwrap(), "hi");
    assert_eq!(decode::<Vec<i32>>("[[1,2],3]", false, &[]).unwrap(), [1, 2]);
    let point = decode::<Point>(r#"[{"x":1}]"#, false, &[]).unwrap();
    assert_eq!(point, Point { x: 1, y: None });
    assert_eq!(decode::<Shape>(r#"[{"Line":[1,2]}]"#, false, &[]).unwrap(), Shape::Line(1, 2));
    assert_eq!(decode::<u8>("[7 ,1]", false, &[]).unwrap(), 7);
    assert!(decode::<bool>("[7,true]", true, &[]).unwrap());
}

#[test]
fn a_tuple_takes_several_and_ignores_the_surplus() {
    let data = r#"["e",1,"a",null,{"more":[]}]"#;
    assert_eq!(decode::<Pair>(data, true, &[]).unwrap(), Pair(1, "a".into()));
    assert_eq!(decode::<Wrapped>(data, true, &[]).unwrap(), Wrapped(Pair(1, "a".into())));
    assert_eq!(decode::<[i32; 2]>("[1,2,3]", false, &[]).unwrap(), [1, 2]);
    assert_eq!(decode::<((i32, i32), i32)>("[[1,2],3]", false, &[]).unwrap(), ((1, 2), 3));
    assert_eq!(decode::<(Option<i32>, i32)>("[null,3]", false, &[]).unwrap(), (None, 3));
}

#[test]
fn unit_ignores_whatever_there_is() {
    decode::<()>(r#"["e",1,2]"#, true, &[]).unwrap();
    decode::<()>("[]", false, &[]).unwrap();
    assert_eq!(decode::<Nothing>("[1]", false, &[]).unwrap(), Nothing);
}

#[test]
fn missing_trailing_options_are_none() {
    type Three = (i32, Option<String>, Option<i32>);
    assert_eq!(decode::<Three>("[1]", false, &[]).unwrap(), (1, None, None));
    assert_eq!(decode::<Three>(r#"["e",1,"a"]"#, true, &[]).unwrap(), (1, Some("a".into()), None));
    assert_eq!(decode::<Option<i32>>("[]", false, &[]).unwrap(), None);
    assert_eq!(decode::<Option<i32>>("[null]", false, &[]).unwrap(), None);
    assert_eq!(decode::<Option<i32>>(r#"["e"]"#, true, &[]).unwrap(), None);
    assert_eq!(decode::<Option<i32>>("[5]", false, &[]).unwrap(), Some(5));
    assert_eq!(decode::<Option<(i32, i32)>>("[1,2]", false, &[]).unwrap(), Some((1, 2)));
}

#[test]
fn errors_say_which_argument() {
    let missing = decode::<(i32, i32)>(r#"["e",1]"#, true, &[]).unwrap_err();
    assert!(missing.is_missing_argument() && missing.is_decode());
    assert_eq!(missing.argument(), Some(1));
    assert_eq!(missing.to_string(), "args[1]: the argument is missing");

    let missing = decode::<i32>("[]", false, &[]).unwrap_err();
    assert_eq!((missing.is_missing_argument(), missing.argument()), (true, Some(0)));

    let wrong = decode::<(i32, i32, i32)>(r#"[1,"two",3]"#, false, &[]).unwrap_err();
    assert_eq!((wrong.is_missing_argument(), wrong.argument()), (false, Some(1)));
    assert!(wrong.to_string().starts_with("args[1]: "), "{wrong}");

    let wrong = decode::<u8>("[256]", false, &[]).unwrap_err();
    assert_eq!(wrong.argument(), Some(0));
    assert!(std::error::Error::source(&wrong).is_some());

    for malformed in ["", "{}", "[", "1", r#"["e""#] {
        let error = decode::<i32>(malformed, true, &[]).unwrap_err();
        assert!(error.is_decode(), "{malformed}");
        assert!(decode::<(i32,)>(malformed, true, &[]).is_err(), "{malformed}");
        let _ = decode::<Option<i32>>(malformed, true, &[]);
    }
}

#[test]
fn types_may_borrow_from_the_payload() {
    #[derive(Deserialize)]
    struct Message<'a> {
        #[serde(borrow)]
        text: Cow<'a, str>,
        #[serde(borrow)]
        rest: &'a RawValue,
    }
    let data = r#"["e",{"text":"hi","rest":[1, 2]},"more"]"#;
    let (message, more): (Message<'_>, &str) = decode_borrowed(data, true, &[]).unwrap();
    assert!(matches!(message.text, Cow::Borrowed("hi")));
    assert_eq!((message.rest.get(), more), ("[1, 2]", "more"));

    let raw: &RawValue = decode_borrowed("[ {\"a\" : 1} ]", false, &[]).unwrap();
    assert_eq!(raw.get(), "{\"a\" : 1}");
    let attachments = [bytes(b"abc")];
    let placed = r#"[{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]"#;
    let (raw, slice): (&RawValue, &[u8]) = decode_borrowed(placed, false, &attachments).unwrap();
    assert_eq!(raw.get(), r#"{"_placeholder":true,"num":0}"#);
    assert_eq!(slice.as_ptr(), attachments[0].as_ptr());
}

#[test]
fn a_lone_surrogate_becomes_the_replacement_character() {
    let data = r#"["e","a\ud83db\udc00","\ud83e\udd80","\\ud83d","\ud83d\ud83e\udd80"]"#;
    let strings: [String; 4] = decode(data, true, &[]).unwrap();
    assert_eq!(strings, ["a\u{fffd}b\u{fffd}", "🦀", "\\ud83d", "\u{fffd}🦀"]);
    assert_eq!(decode::<String>(data, true, &[]).unwrap(), "a\u{fffd}b\u{fffd}");
    assert!(decode_borrowed::<String>(data, true, &[]).is_err());
    // Another mistake stays the mistake it is.
    assert_eq!(decode::<(String, i32)>(data, true, &[]).unwrap_err().argument(), Some(1));
}

#[test]
fn bytes_travel_as_attachments_at_any_depth() {
    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    struct File {
        name: String,
        content: Bytes,
        thumbnails: Vec<Bytes>,
        signature: Option<Bytes>,
        shape: Shape,
    }
    let file = File {
        name: "a".into(),
        content: bytes(b"0"),
        thumbnails: vec![bytes(b"1"), bytes(b"")],
        signature: Some(bytes(b"3")),
        shape: Shape::Named { data: bytes(b"4") },
    };
    let (text, attachments) = event(&(&file, &bytes(b"5"), None::<Bytes>));
    let p = |n: usize| format!(r#"{{"_placeholder":true,"num":{n}}}"#);
    let expected = format!(
        r#"56-["e",{{"name":"a","content":{},"thumbnails":[{},{}],"signature":{},{}}},{},null]"#,
        p(0),
        p(1),
        p(2),
        p(3),
        format_args!(r#""shape":{{"Named":{{"data":{}}}}}"#, p(4)),
        p(5),
    );
    assert_eq!(text, expected);
    assert_eq!(attachments, [&b"0"[..], b"1", b"", b"3", b"4", b"5"]);

    type Read = (File, Bytes, Option<Bytes>);
    let (read, last, none): Read = decode(&text[3..], true, &attachments).unwrap();
    assert_eq!((read, last, none), (file, bytes(b"5"), None));
}

#[test]
fn bytes_alone_are_one_argument_and_vectors_of_numbers_stay_arrays() {
    let (packet, attachments) = event(&bytes(b"abc"));
    assert_eq!(packet, r#"51-["e",{"_placeholder":true,"num":0}]"#);
    assert_eq!(decode::<Bytes>(&packet[3..], true, &attachments).unwrap(), bytes(b"abc"));
    let option: Option<Bytes> = decode(&packet[3..], true, &attachments).unwrap();
    assert_eq!(option, Some(bytes(b"abc")));
    assert_eq!(text(&vec![1_u8, 2]), r#"2["e",[1,2]]"#);
    assert_eq!(decode::<Vec<u8>>("[[1,2]]", false, &[bytes(b"x")]).unwrap(), [1, 2]);
    assert_eq!(decode::<Bytes>("[[1,2]]", false, &[bytes(b"x")]).unwrap(), bytes(&[1, 2]));
}

#[test]
fn bytes_are_found_through_untagged_and_flattened_types() {
    #[derive(Deserialize, Debug, PartialEq)]
    #[serde(untagged)]
    enum Content {
        // First, because `Bytes` takes a string too (and `String` takes bytes that are UTF-8).
        Text(String),
        Binary(Bytes),
    }
    #[derive(Deserialize, Debug, PartialEq)]
    struct Outer {
        #[serde(flatten)]
        inner: Inner,
    }
    #[derive(Deserialize, Debug, PartialEq)]
    struct Inner {
        num: i32,
        data: Bytes,
    }
    let data = r#"["a",{"num":0,"_placeholder":true},
        {"num":5,"data":{ "_placeholder" : true , "num" : 1 }}]"#;
    let attachments = [bytes(b"\xff"), bytes(b"y")];
    let (a, b, c): (Content, Content, Outer) = decode(data, false, &attachments).unwrap();
    assert_eq!(a, Content::Text("a".into()));
    assert_eq!(b, Content::Binary(bytes(b"\xff")));
    assert_eq!(c, Outer { inner: Inner { num: 5, data: bytes(b"y") } });
}

#[test]
fn an_attachment_cannot_be_multiplied_nor_invented() {
    let one = r#"{"_placeholder":true,"num":0}"#;
    let twice = format!("[[{one},{one}]]");
    assert!(decode::<Vec<Bytes>>(&twice, false, &[bytes(b"abc")]).unwrap_err().is_decode());
    let error = decode::<Bytes>(&format!("[{one}]"), false, &[]).unwrap_err();
    assert_eq!(error.argument(), Some(0));
    let beyond = r#"[{"_placeholder":true,"num":1}]"#;
    assert!(decode::<Bytes>(beyond, false, &[bytes(b"abc")]).is_err());
}

#[test]
fn headers_carry_namespace_and_id() {
    let write = |namespace, id| {
        let mut out = b"4".to_vec();
        encode_event(&mut out, namespace, id, "a\"b", &1).unwrap();
        String::from_utf8(out).unwrap()
    };
    assert_eq!(write("/", None), r#"42["a\"b",1]"#);
    assert_eq!(write("/", Some(0)), r#"420["a\"b",1]"#);
    assert_eq!(write("/chat", None), r#"42/chat,["a\"b",1]"#);
    let max = format!(r#"42/chat,{}["a\"b",1]"#, u64::MAX);
    assert_eq!(write("/chat", Some(u64::MAX)), max);

    let mut out = b"4".to_vec();
    let attachments = encode_ack(&mut out, "/chat", 12, &(1, bytes(b"x"))).unwrap();
    assert_eq!(out, br#"461-/chat,12[1,{"_placeholder":true,"num":0}]"#);
    assert_eq!(attachments, [bytes(b"x")]);
    out.clear();
    encode_ack(&mut out, "/", 0, &()).unwrap();
    assert_eq!(out, b"30[]");
    out.clear();
    encode_ack(&mut out, "/", 10, &("a", "b")).unwrap();
    assert_eq!(out, br#"310["a","b"]"#);
}

#[test]
fn packets_of_a_namespace_s_life_are_written() {
    let write = |f: &dyn Fn(&mut Vec<u8>) -> Result<(), Error>| {
        let mut out = Vec::new();
        f(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    let connected = Connected { sid: "a", pid: Some("b") };
    let connect = write(&|out| encode_connect(out, "/", Some(&connected)));
    assert_eq!(connect, r#"0{"sid":"a","pid":"b"}"#);
    assert_eq!(write(&|out| encode_connect::<()>(out, "/x", None)), "0/x,");
    let refused = write(&|out| encode_connect_error::<()>(out, "/x", "Invalid namespace", None));
    assert_eq!(refused, r#"4/x,{"message":"Invalid namespace"}"#);
    let data = Point { x: 1, y: None };
    let refused = write(&|out| encode_connect_error(out, "/", "no", Some(&data)));
    assert_eq!(refused, r#"4{"message":"no","data":{"x":1,"y":null}}"#);
    assert_eq!(write(&|out| encode_disconnect(out, "/")), "1");
    assert_eq!(write(&|out| encode_disconnect(out, "/x")), "1/x,");
}

#[test]
fn an_error_leaves_the_buffer_as_it_was() {
    #[derive(Serialize)]
    struct Failing {
        before: &'static str,
        #[serde(serialize_with = "fail")]
        value: (),
    }
    fn fail<S: serde::Serializer>(_: &(), _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("no"))
    }
    let failing = || Failing { before: "x", value: () };
    let mut out = b"before".to_vec();
    let error = encode_event(&mut out, "/", None, "e", &(bytes(b"x"), failing())).unwrap_err();
    assert!(error.is_encode() && !error.is_decode());
    assert!(encode_ack(&mut out, "/", 1, &failing()).is_err());
    assert!(encode_connect(&mut out, "/", Some(&failing())).is_err());
    assert!(encode_connect(&mut out, "/", Some(&bytes(b"x"))).unwrap_err().is_encode());
    assert!(encode_event(&mut out, "chat", None, "e", &()).is_err());
    assert!(encode_event(&mut out, "", None, "e", &()).is_err());
    assert!(encode_disconnect(&mut out, "/a,b").is_err());
    let reserved = encode_event(&mut out, "/", None, "disconnect", &()).unwrap_err();
    assert!(reserved.is_reserved_name() && reserved.is_encode());
    assert_eq!(out, b"before");
}
