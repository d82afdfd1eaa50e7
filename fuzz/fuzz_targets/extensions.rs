//! The negotiation of permessage-deflate: no field makes it panic, what a server answers is what a
//! client with the same offer accepts, nobody agrees to less than was asked for, and what they
//! agree on works in both directions.
//!
//! Input: six bytes of wishes (three for each side), then values of `Sec-WebSocket-Extensions`, one
//! to a line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rialto_ws::proto::Role;
use rialto_ws::proto::deflate::{Agreed, Deflate, Offer};
use rialto_ws::proto::handshake::extensions::{Extension, parse};

/// Sent in both directions after each agreement: long enough to be compressed, and with a past.
const MESSAGES: [&[u8]; 3] = [b"What news on the Rialto?", b"", b"news on the Rialto, news!"];

fuzz_target!(|data: &[u8]| {
    let Some((wishes, lines)) = data.split_first_chunk::<6>() else { return };
    let [a, b, c, d, e, f] = *wishes;
    let (server, client) = (wish([a, b, c]), wish([d, e, f]));
    let values: Vec<&[u8]> = lines.split(|&byte| byte == b'\n').collect();
    for value in &values {
        if let Ok(list) = parse(value) {
            let written = write(&list);
            assert_eq!(parse(written.as_bytes()), Ok(list), "written and read again: {written}");
        }
    }
    if let Ok(Some(agreed)) = server.accept(values.iter().copied()) {
        let answer = agreed.to_header();
        let list = parse(answer.as_bytes()).expect("the answer is a list");
        assert_eq!(list.len(), 1, "{answer}");
        assert!(!server.server_no_context_takeover || has(&list[0], "server_no_context_takeover"));
    }
    answered(&Offer::new(&client), &client, &values);
    each_other(&server, &client);
});

fn wish([switches, server, client]: [u8; 3]) -> Deflate {
    Deflate::default()
        .threshold(0)
        .server_no_context_takeover(switches & 1 == 0)
        .client_no_context_takeover(switches & 2 == 0)
        .max_contexts(if switches & 4 == 0 { 1000 } else { 1 })
        .level(switches >> 4)
        .server_max_window_bits(server)
        .client_max_window_bits(client)
}

fn write(list: &[Extension<'_>]) -> String {
    let one = |extension: &Extension<'_>| {
        let mut out = extension.name.to_owned();
        for (name, value) in &extension.params {
            out.push_str("; ");
            out.push_str(name);
            if let Some(value) = value {
                out.push_str("=\"");
                out.push_str(value);
                out.push('"');
            }
        }
        out
    };
    list.iter().map(one).collect::<Vec<_>>().join(",")
}

fn has(extension: &Extension<'_>, name: &str) -> bool {
    extension.params.iter().any(|(param, _)| *param == name)
}

fn bits(extension: &Extension<'_>, name: &str) -> Option<u8> {
    let (_, value) = extension.params.iter().find(|(param, _)| *param == name)?;
    value.and_then(|value| value.parse().ok())
}

/// A client takes no answer that leaves out what it has asked for.
fn answered(offer: &Offer, wish: &Deflate, values: &[&[u8]]) {
    let Ok(Some(_)) = offer.check(values.iter().copied()) else { return };
    let lists = values.iter().flat_map(|value| parse(value).expect("a list that was taken"));
    let all: Vec<Extension<'_>> = lists.collect();
    let [answer] = all.as_slice() else { panic!("{} extensions were taken", all.len()) };
    assert_eq!(answer.name, "permessage-deflate");
    assert!(!wish.server_no_context_takeover || has(answer, "server_no_context_takeover"));
    let wished = wish.server_max_window_bits.clamp(8, 15);
    if wished < 15 {
        assert!(bits(answer, "server_max_window_bits").is_some_and(|bits| bits <= wished));
    }
    let known = ["server_no_context_takeover", "client_no_context_takeover"];
    let sized = ["server_max_window_bits", "client_max_window_bits"];
    for (name, value) in &answer.params {
        let number = value.and_then(|value| value.parse().ok());
        let right = if value.is_some() { &sized } else { &known };
        assert!(right.contains(name), "{name}");
        assert!(value.is_none() || number.is_some_and(|bits: u8| (8..=15).contains(&bits)));
    }
}

/// Two ends of ours always understand each other.
fn each_other(server: &Deflate, client: &Deflate) {
    let offer = Offer::new(client);
    let header = offer.to_header();
    let accepted = server.accept([header.as_bytes()].into_iter()).expect("our offer is a list");
    let accepted = accepted.expect("our offers name every parameter, so they can be accepted");
    let answer = accepted.to_header();
    let checked = offer.check([answer.as_bytes()].into_iter());
    let checked = checked.expect("our answer fits our offer").expect("it is an answer");
    talk(accepted, checked, &answer);
}

fn talk(server: Agreed, client: Agreed, answer: &str) {
    let (mut from_server, mut at_server) = server.codec(Role::Server);
    let (mut from_client, mut at_client) = client.codec(Role::Client);
    for message in MESSAGES {
        for (compressor, decompressor) in
            [(&mut from_server, &mut at_client), (&mut from_client, &mut at_server)]
        {
            let Some(sent) = compressor.compress(message, <[u8]>::to_vec) else { continue };
            let came = decompressor.decompress(&sent, message.len());
            assert_eq!(came.as_deref(), Ok(message), "{answer}");
        }
    }
}
