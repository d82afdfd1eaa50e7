//! The dynamic form of arguments.

#![allow(clippy::unwrap_used)] // The functions between the tests fail as tests do.

use bytes::Bytes;
use proptest::prelude::*;
use rialto_protocol::socketio::{
    Args, MAX_DEPTH, Object, Value, decode, encode_ack, encode_event, encode_payload,
};

fn send(args: &Args) -> (String, Vec<Bytes>) {
    let mut out = Vec::new();
    let attachments = encode_event(&mut out, "/", None, "e", args).unwrap();
    let text = String::from_utf8(out).unwrap();
    (text[text.find('[').unwrap()..].to_owned(), attachments)
}

#[test]
fn values_are_made_from_and_compared_with_rust_types() {
    let mut object = Object::new();
    object.insert("b", 1);
    object.insert("a", vec!["x", "y"]);
    object.insert("b", 2.5);
    let value = Value::from(object);
    assert_eq!(value.to_string(), r#"{"b":2.5,"a":["x","y"]}"#);
    assert_eq!(value["b"], 2.5);
    assert_eq!(value["a"][1], "y");
    assert_eq!(value.get("a").and_then(|list| list.get(0)).and_then(Value::as_str), Some("x"));
    assert!(value["a"]["b"].is_null() && value[0].is_null() && value["a"][9].is_null());

    assert_eq!(Value::from(7_u8), 7_i64);
    assert_eq!(Value::from(-7).as_i64(), Some(-7));
    assert_eq!(Value::from(-7).as_u64(), None);
    assert_eq!(Value::from(u64::MAX).as_u64(), Some(u64::MAX));
    assert_eq!(Value::from(true), true);
    assert_eq!(Value::from("x"), "x");
    assert_eq!(Value::from(None::<bool>), Value::Null);
    assert_eq!(Value::from(f64::INFINITY), Value::Null);
    assert_eq!(Value::from(()), Value::default());
    assert_eq!(Value::from(Bytes::from_static(b"x")), Bytes::from_static(b"x"));
    assert_ne!(Value::from("x"), Value::from(Bytes::from_static(b"x")));
}

/// JavaScript writes the shortest text that spells a number, up to 17 digits: reading it has to
/// find that very number, or what is passed on is another.
#[test]
fn floats_keep_every_bit() {
    let args: Args = decode("[0.12345678901678901]", false, &[]).unwrap();
    assert_eq!(send(&args).0, r#"["e",0.12345678901678901]"#);
    for step in 0..2_000_u64 {
        // Numbers as `Math.random` makes them: multiples of 2^-53, spread evenly.
        let random = (step.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 11) as f64 / (1_u64 << 53) as f64;
        let read: f64 = decode(&format!("[{random:?}]"), false, &[]).unwrap();
        assert_eq!(read.to_bits(), random.to_bits(), "{random:?}");
    }
}

#[test]
fn objects_keep_their_order_and_compare_without_it() {
    let read = |text: &str| decode::<Value>(&format!("[{text}]"), false, &[]).unwrap();
    let (ab, ba) = (read(r#"{"a":1,"b":2}"#), read(r#"{"b":2,"a":1}"#));
    assert_eq!(ab, ba);
    assert_ne!(ab.to_string(), ba.to_string());
    assert_ne!(ab, read(r#"{"a":1}"#));
    assert_ne!(ab, read(r#"{"a":1,"b":3}"#));

    let twice = read(r#"{"a":1,"__proto__":5,"a":2}"#);
    assert_eq!(twice["a"], 2);
    assert_eq!(twice["__proto__"], 5);
    let mut object = twice.as_object().unwrap().clone();
    assert_eq!(object.remove("a"), Some(Value::from(2)));
    assert_eq!((object.get("a"), object.len()), (None, 1));
}

#[test]
fn args_take_all_that_came_and_send_all_they_hold() {
    let args: Args = decode(r#"["e",1,null,{"a":[]}]"#, true, &[]).unwrap();
    assert_eq!(args.len(), 3);
    assert_eq!(args[0], 1);
    assert!(args[1].is_null() && args[99].is_null());
    assert_eq!(args.get(3), None);
    assert_eq!(send(&args).0, r#"["e",1,null,{"a":[]}]"#);
    assert_eq!(decode::<Args>(r#"["e"]"#, true, &[]).unwrap(), Args::default());
    assert_eq!(send(&Args::default()).0, r#"["e"]"#);

    let (first, nested): (i32, Args) = decode("[1,[2,3]]", false, &[]).unwrap();
    assert_eq!((first, nested.len()), (1, 2));

    let mut out = Vec::new();
    encode_ack(&mut out, "/", 1, &Value::Null).unwrap();
    assert_eq!(out, b"31[null]", "null is an argument");
}

#[test]
fn binary_is_shared_and_numbered_anew_when_forwarded() {
    let attachments = [Bytes::from(vec![1; 100]), Bytes::from(vec![2; 100])];
    let data = concat!(
        r#"["e",{"x":{"_placeholder":true,"num":1},"num":7,"_placeholder":false},"#,
        r#"{"num":0,"_placeholder":true}]"#
    );
    let args: Args = decode(data, true, &attachments).unwrap();
    assert_eq!(args[0]["num"], 7);
    assert_eq!(args[0]["_placeholder"], false);
    assert_eq!(args[0]["x"].as_bytes().unwrap().as_ptr(), attachments[1].as_ptr());
    assert_eq!(args[1].as_bytes().unwrap().as_ptr(), attachments[0].as_ptr());

    let (text, sent) = send(&args);
    let expected = concat!(
        r#"["e",{"x":{"_placeholder":true,"num":0},"num":7,"_placeholder":false},"#,
        r#"{"_placeholder":true,"num":1}]"#
    );
    assert_eq!(text, expected);
    assert_eq!(sent[0].as_ptr(), attachments[1].as_ptr());
    assert_eq!(sent[1].as_ptr(), attachments[0].as_ptr());
}

#[test]
fn values_and_types_convert_into_each_other() {
    let data = Bytes::from_static(b"abc");
    let args = Args::new(&("x", 1.5, &data, ())).unwrap();
    assert_eq!(args.len(), 4);
    assert_eq!(args[2], data);
    let (text, number, bytes): (String, f64, Bytes) = args.decode().unwrap();
    assert_eq!((text.as_str(), number, bytes), ("x", 1.5, data.clone()));
    assert!(args.decode::<(i32,)>().is_err());

    let value = Value::new(&(1, 2)).unwrap();
    assert_eq!(value.to_string(), "[1,2]");
    assert_eq!(value.decode::<(i32, i32)>().unwrap(), (1, 2));
    assert_eq!(Value::new(&()).unwrap(), Value::Null);
    assert_eq!(Value::new(&data).unwrap().decode::<Bytes>().unwrap(), data);
    let args: Args = ["a", "b"].into_iter().collect();
    assert_eq!(args.decode::<[String; 2]>().unwrap(), ["a", "b"]);
}

#[test]
fn what_is_shown_cannot_steer_a_terminal() {
    let mut args = Args::from(vec![Value::from("\u{1b}[2J"), Value::from(vec![1])]);
    args.push(Bytes::from_static(b"abc"));
    assert_eq!(format!("{args}"), r#"["\u001b[2J",[1],<3 bytes>]"#);
    assert_eq!(format!("{args:?}"), format!("{args}"));
}

#[test]
fn depth_is_bounded_both_ways() {
    let nest = |levels: u32| (0..levels).fold(Value::from(1), |inner, _| Value::Array(vec![inner]));
    // The array of the arguments is a level of its own.
    let deepest = Args::from(vec![nest(MAX_DEPTH - 1)]);
    let (text, _) = send(&deepest);
    assert_eq!(decode::<Args>(&text, true, &[]).unwrap(), deepest);

    // Depth is what is open at once, not what has been opened.
    let members =
        (0..200).map(|at| (at.to_string(), Value::from(vec![Value::from(Object::new())])));
    let wide = Args::from(vec![Value::from(members.collect::<Object>())]);
    assert_eq!(decode::<Args>(&send(&wide).0, true, &[]).unwrap(), wide);

    let deeper = Args::from(vec![nest(MAX_DEPTH)]);
    let mut out = Vec::new();
    assert!(encode_event(&mut out, "/", None, "e", &deeper).unwrap_err().is_encode());
    assert!(out.is_empty());
    let object = Value::from([("a".to_owned(), nest(MAX_DEPTH))].into_iter().collect::<Object>());
    assert!(encode_event(&mut out, "/", None, "e", &object).is_err());

    // Far deeper than any stack: an error, not a crash. It is leaked, because dropping it recurses.
    let hostile = std::mem::ManuallyDrop::new(nest(1_000_000));
    assert!(encode_event(&mut out, "/", None, "e", &*hostile).unwrap_err().is_encode());

    let text = format!("[{}", "[".repeat(1_000_000));
    assert!(decode::<Value>(&text, false, &[]).unwrap_err().is_decode());
    assert!(decode::<Value>(&text, false, &[Bytes::new()]).unwrap_err().is_decode());
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        // Short decimals, since serde_json reads the last bit of a float only on request.
        any::<i16>().prop_map(|value| Value::from(f64::from(value) / 8.0)),
        any::<String>().prop_map(Value::from),
        any::<Vec<u8>>().prop_map(|data| Value::from(Bytes::from(data))),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        let key = prop_oneof!["num", "_placeholder", any::<String>()];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::vec((key, inner), 0..5)
                .prop_map(|members| Value::from(members.into_iter().collect::<Object>())),
        ]
    })
}

/// Data that is spelled as a placeholder is one: the protocol has no escape.
fn is_ambiguous(value: &Value) -> bool {
    match value {
        Value::Array(values) => values.iter().any(is_ambiguous),
        Value::Object(object) => {
            object.get("_placeholder").is_some_and(|marker| *marker == true)
                || object.iter().any(|(_, value)| is_ambiguous(value))
        }
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 600,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn whatever_is_sent_arrives(values in proptest::collection::vec(value(), 0..4)) {
        prop_assume!(!values.iter().any(is_ambiguous));
        let args = Args::from(values);
        let (text, attachments) = send(&args);
        let received: Args = decode(&text, true, &attachments).unwrap();
        prop_assert_eq!(&received, &args);
        let (again, same) = send(&received);
        prop_assert_eq!(again, text);
        prop_assert_eq!(same, attachments);
    }

    #[test]
    fn any_payload_is_decoded_without_panic(
        text in "[\\[\\]{}\",:0-9a_pluhcdernm\\\\ ]{0,40}",
        name in any::<bool>(),
    ) {
        for attachments in [&[][..], &[Bytes::from_static(b"x")]] {
            let _ = decode::<Args>(&text, name, attachments);
            let _ = decode::<Value>(&text, name, attachments);
            let _ = decode::<(String, Option<Bytes>)>(&text, name, attachments);
        }
    }
}

/// Arguments that nobody looks at leave as they came.
#[test]
fn arguments_are_passed_on_as_text() {
    for (came, left) in [
        (r#"["e", {"b":1,  "a":1e400} , "\ud83d" ]"#, r#"{"b":1,  "a":1e400} , "\ud83d""#),
        (r#"["e"]"#, ""),
        (r#"["e" ]"#, ""),
        (r#"["e",1]"#, "1"),
        (r#"["e","]"]"#, r#""]""#),
    ] {
        let args: Args = decode(came, true, &[]).unwrap();
        let comma = if left.is_empty() { "" } else { "," };
        let mut out = Vec::new();
        encode_event(&mut out, "/", None, "e", &args).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), format!(r#"2["e"{comma}{left}]"#));
        assert_eq!(encode_payload(&args).unwrap().0, format!("[{left}]"));
        assert_eq!(encode_payload(&Some(&args)).unwrap().0, format!("[{left}]"));
    }
}

#[test]
fn arguments_that_were_kept_as_text_are_values_when_asked() {
    let came = r#"["e",1e400,["a",-1e999,"1e999 \" 1e999"],"\ud83d!",2.50]"#;
    let args: Args = decode(came, true, &[]).unwrap();
    assert!(!args.is_empty());
    assert_eq!(args.len(), 4);
    assert!(args[0].is_null() && args[1][1].is_null());
    assert_eq!(args[1][2], "1e999 \" 1e999");
    assert_eq!(args[2], "\u{fffd}!");
    assert_eq!(args.to_string(), "[null,[\"a\",null,\"1e999 \\\" 1e999\"],\"\u{fffd}!\",2.5]");
    assert_eq!(args.decode::<Args>().unwrap(), args);
    assert!(args.decode::<f64>().is_err(), "it is out of range");
    let values: Vec<Value> = args.clone().into_iter().collect();
    assert_eq!(Args::from(values), args);

    let mut longer = args.clone();
    longer.push(true);
    assert_eq!(longer.len(), 5);
    assert_eq!(longer[3], 2.5);
    // Beside others it is one argument, an array, whoever writes it.
    let one: Args = decode(r#"[1,"x"]"#, false, &[]).unwrap();
    assert_eq!(encode_payload(&("a", &one)).unwrap().0, r#"["a",[1,"x"]]"#);
    assert_eq!(serde_json::to_string(&one).unwrap(), r#"[1,"x"]"#);
    assert_eq!(serde_json::from_str::<Args>(r#"[1,"x"]"#).unwrap(), one);
    assert!(Args::default().is_empty() && decode::<Args>("[]", false, &[]).unwrap().is_empty());
}
