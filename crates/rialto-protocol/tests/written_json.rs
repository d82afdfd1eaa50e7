//! The JSON that packets are written in is `serde_json`'s, byte for byte; only bytes differ.
#![allow(clippy::unwrap_used, reason = "tests may fail")]

use bytes::Bytes;
use proptest::prelude::*;
use rialto_protocol::socketio::{Args, MAX_DEPTH, Value, decode, encode_payload};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use std::collections::BTreeMap;

/// The value as the one argument of a payload.
fn written<T: Serialize>(value: &T) -> String {
    encode_payload(&(value,)).unwrap().0
}

fn assert_same<T: Serialize>(value: &T) {
    assert_eq!(written(value), format!("[{}]", serde_json::to_string(value).unwrap()));
}

#[derive(Serialize)]
enum Shape {
    Unit,
    Newtype(i8),
    Tuple(u8, &'static str),
    Struct { a: Option<char>, b: () },
}

#[derive(Serialize)]
struct Everything<'a> {
    bytes: [i8; 3],
    numbers: (i64, u64, i128, u128, f32, f64),
    special: [f64; 3],
    text: &'a str,
    shapes: Vec<Shape>,
    raw: Box<RawValue>,
    nested: BTreeMap<u16, BTreeMap<bool, Unit>>,
    letters: BTreeMap<char, Wrapped>,
    empty: (Vec<()>, BTreeMap<String, ()>, Nothing),
}

#[derive(Serialize)]
struct Unit;

#[derive(Serialize)]
struct Nothing {}

#[derive(Serialize)]
struct Wrapped(Option<bool>);

#[test]
fn values_of_every_kind_look_as_serde_json_writes_them() {
    let unit = || BTreeMap::from([(true, Unit), (false, Unit)]);
    assert_same(&Everything {
        bytes: [i8::MIN, 0, i8::MAX],
        numbers: (i64::MIN, u64::MAX, i128::MIN, u128::MAX, 0.1, -1.5e-300),
        special: [f64::NAN, f64::INFINITY, -0.0],
        text: "quote \" backslash \\ tab \t \u{1}\u{1f}\u{7f} ü 🦀",
        shapes: vec![
            Shape::Unit,
            Shape::Newtype(-1),
            Shape::Tuple(255, "x"),
            Shape::Struct { a: Some('"'), b: () },
            Shape::Struct { a: None, b: () },
        ],
        raw: to_raw_value(&("as it \n is", 1)).unwrap(),
        nested: BTreeMap::from([(7, unit()), (65535, BTreeMap::new())]),
        letters: BTreeMap::from([('ä', Wrapped(Some(true))), ('\\', Wrapped(None))]),
        empty: (Vec::new(), BTreeMap::new(), Nothing {}),
    });
}

#[test]
fn every_character_below_256_at_every_place_of_a_word() {
    for code in 0..=255_u8 {
        for before in 0..40 {
            let text = format!("{}{}tail", "a".repeat(before), char::from(code));
            assert_same(&text);
        }
    }
}

#[test]
fn keys_that_are_no_strings_are_refused_as_by_serde_json() {
    let map = BTreeMap::from([((1, 2), 3)]);
    let ours = encode_payload(&(&map,)).unwrap_err();
    assert!(ours.to_string().contains("key must be a string"), "{ours}");
    assert!(serde_json::to_string(&map).is_err());
}

#[test]
fn the_deepest_value_is_written_and_no_deeper_one() {
    let nested =
        |depth: u32| (1..depth).fold(serde_json::json!([]), |inner, _| serde_json::json!([inner]));
    // The array of the arguments is the first level.
    assert_same(&nested(MAX_DEPTH - 1));
    let error = encode_payload(&(nested(MAX_DEPTH),)).unwrap_err();
    assert!(error.to_string().contains("nested too deeply"), "{error}");
}

#[test]
fn a_placeholder_is_a_level_of_its_own() {
    let nested = |depth: u32| {
        let bytes = Value::from(Bytes::from_static(b"abc"));
        Args::from(vec![(0..depth).fold(bytes, |inner, _| Value::Array(vec![inner]))])
    };
    let deepest = nested(MAX_DEPTH - 2);
    let (text, attachments) = encode_payload(&deepest).unwrap();
    assert_eq!(decode::<Args>(&text, false, &attachments).unwrap(), deepest);
    let error = encode_payload(&nested(MAX_DEPTH - 1)).unwrap_err();
    assert!(error.to_string().contains("nested too deeply"), "{error}");
}

/// Any JSON, of a bounded size.
fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
        "[ -~]{0,80}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            prop::collection::vec((any::<String>(), inner), 0..6)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_json_looks_the_same(value in json()) {
        prop_assert_eq!(written(&value), format!("[{value}]"));
    }
}
