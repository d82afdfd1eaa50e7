//! MessagePack by hand: what JavaScript writes, and what nobody should.

use super::*;

fn event(bytes: &[u8]) -> Result<Packet> {
    Msgpack.decode(MessageRef::Binary(bytes)).map(|packet| packet.expect("a packet"))
}

/// `{ type: 2, data: ["e", <value>], nsp: "/" }`
fn around(value: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x83\xa4type\x02\xa4data\x92\xa1e".to_vec();
    bytes.extend_from_slice(value);
    bytes.extend_from_slice(b"\xa3nsp\xa1/");
    bytes
}

fn argument(value: &[u8]) -> Value {
    event(&around(value)).expect("a packet").data.expect("data")[1].clone()
}

#[test]
fn what_is_written_reads_the_same() {
    let text = r#"["e",null,true,-1,-200,-70000,-5000000000,7,200,70000,5000000000,1.5,"я",[],
        {"a":[{}]}]"#;
    let mut value: Value = serde_json::from_str(text).expect("JSON");
    if let Value::Array(values) = &mut value {
        values.push(Value::Binary(Bytes::from(vec![7; 300])));
        values.push(Value::String("x".repeat(70_000)));
        values.push(Value::Array(vec![Value::Null; 70_000]));
    }
    let packet = Packet { id: Some(3), data: Some(value), ..Packet::new(2, "/chat").expect("two") };
    let messages = Msgpack.encode(&packet).expect("bytes");
    assert_eq!(messages.len(), 1);
    assert_eq!(event(messages[0].as_bytes()).expect("a packet"), packet);
}

#[test]
fn every_form_of_a_value_is_read() {
    assert_eq!(argument(b"\xca\x3f\xc0\x00\x00").as_f64(), Some(1.5));
    assert_eq!(argument(b"\xd1\xff\x00").as_i64(), Some(-256));
    assert_eq!(argument(b"\xd3\xff\xff\xff\xff\xff\xff\xff\xff").as_i64(), Some(-1));
    assert_eq!(argument(b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff").as_u64(), Some(u64::MAX));
    assert_eq!(argument(b"\xdb\x00\x00\x00\x01x"), "x");
    assert_eq!(argument(b"\xdd\x00\x00\x00\x01\xc0"), Value::Array(vec![Value::Null]));
    assert_eq!(argument(b"\xdf\x00\x00\x00\x01\xa1k\xc3")["k"], true);
    // NaN, `undefined`, an array buffer.
    assert!(argument(b"\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00").is_null());
    assert!(argument(b"\xd4\x00\x00").is_null());
    assert_eq!(argument(b"\xc7\x02\x00ab").as_bytes().map(|bytes| &bytes[..]), Some(&b"ab"[..]));
    // What no JavaScript client writes keeps its type.
    let of_type = |kind: i64| Value::Array(vec![kind.into(), Value::Binary(Bytes::from("ab"))]);
    assert_eq!(argument(b"\xd5\xffab"), of_type(-1));
    assert_eq!(argument(b"\xd5\x00ab"), of_type(0));
    assert_eq!(argument(b"\xc7\x02\x05ab"), of_type(5));
}

#[test]
fn dates_are_strings_as_json_has_them() {
    let at = |ms: i64| argument(&[&b"\xd7\x00"[..], &ms.to_be_bytes()].concat());
    assert_eq!(at(0), "1970-01-01T00:00:00.000Z");
    assert_eq!(at(1_709_210_096_789), "2024-02-29T12:34:56.789Z");
    assert_eq!(at(-1), "1969-12-31T23:59:59.999Z");
    assert_eq!(at(8_640_000_000_000_000), "+275760-09-13T00:00:00.000Z");
    assert_eq!(at(-62_198_755_200_000), "-000001-01-01T00:00:00.000Z");
    assert!(at(i64::MAX).is_null());
}

#[test]
fn every_cut_and_every_byte_in_place_of_another_is_survived() {
    let whole = around(b"\x82\xa1a\xc4\x02xy\xa1b\x93\xcd\x01\x00\xc0\xd9\x01z");
    assert!(event(&whole).is_ok());
    for cut in 0..whole.len() {
        assert!(event(&whole[..cut]).is_err(), "cut at {cut}");
    }
    let mut refused = 0;
    for at in 0..whole.len() {
        for byte in 0..=u8::MAX {
            let mut broken = whole.clone();
            broken[at] = byte;
            refused += u32::from(event(&broken).is_err());
        }
    }
    assert!(refused > 1000, "{refused}");
}

#[test]
fn lengths_are_not_believed_and_depth_has_a_limit() {
    // Four thousand million of each.
    for marker in [0xdb, 0xc6, 0xc9, 0xdd, 0xdf] {
        let bytes = around(&[marker, 0xff, 0xff, 0xff, 0xff]);
        assert!(event(&bytes).is_err(), "{marker:x}");
    }
    // The packet's map and its data are two levels.
    let nested = |levels: u32| {
        let mut value = vec![0x91; levels as usize];
        value.push(0xc0);
        event(&around(&value))
    };
    assert!(nested(MAX_DEPTH - 1).is_ok());
    let error = nested(MAX_DEPTH).expect_err("too deep");
    assert!(error.to_string().contains("nested too deeply"), "{error}");
    assert!(nested(1_000_000).is_err());
    // An extension is read as an array, which may be written again; binary has no level here, but
    // has one in the JSON that handlers are given.
    let ends_with = |levels: u32, last: &[u8]| {
        let mut value = vec![0x91; levels as usize];
        value.extend_from_slice(last);
        event(&around(&value))
    };
    for extension in [&[0xd4, 5, 1][..], &[0xc7, 1, 5, 1]] {
        let packet = ends_with(MAX_DEPTH - 2, extension).expect("as deep as it may be");
        assert!(event(Msgpack.encode(&packet).unwrap()[0].as_bytes()).is_ok());
        assert!(ends_with(MAX_DEPTH - 1, extension).is_err());
    }
    assert!(ends_with(MAX_DEPTH - 2, &[0xc4, 1, 1]).expect("deepest").check().is_ok());
    assert!(ends_with(MAX_DEPTH - 1, &[0xc4, 1, 1]).expect("too deep for JSON").check().is_err());
}

#[test]
fn packets_have_the_reference_s_shape() {
    let broken: [&[u8]; 7] = [
        b"\x82\xa4type\x05\xa3nsp\xa1/",
        b"\x82\xa4type\xff\xa3nsp\xa1/",
        b"\x82\xa4type\xa11\xa3nsp\xa1/",
        b"\x81\xa4type\x00",
        b"\x82\xa4type\x00\xa3nsp\x07",
        b"\x83\xa4type\x02\xa2id\xff\xa3nsp\xa1/",
        b"\x92\x02\xa1/",
    ];
    for bytes in broken {
        assert!(event(bytes).is_err(), "{bytes:?}");
    }
    assert!(Msgpack.decode(MessageRef::Text("2[\"e\"]")).is_err());
    let connect = event(b"\x83\xa4type\x00\xa4data\xd4\x00\x00\xa3nsp\xa1/").expect("a packet");
    assert_eq!((connect.kind, connect.data), (PacketType::Connect, None));
}
