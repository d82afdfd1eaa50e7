//! Groups 1, 9 and 10: messages of every length, in one frame, in many, in pieces.

use super::{Case, Frame, all, frame};
use rialto_ws::proto::OpCode::{self, Binary, Continuation, Text};

/// Bytes that are text as well.
fn payload(length: usize) -> Vec<u8> {
    (b'!'..b'~').cycle().take(length).collect()
}

/// A message in fragments of `size` bytes.
fn fragmented(opcode: OpCode, payload: &[u8], size: usize) -> Vec<Frame> {
    let mut frames: Vec<Frame> =
        payload.chunks(size).map(|piece| frame(Continuation, piece).more()).collect();
    frames.first_mut().unwrap().first |= opcode as u8;
    frames.last_mut().unwrap().first |= 0x80;
    frames
}

#[tokio::test]
async fn lengths_around_the_forms_of_the_header() {
    // 1.1.1 to 1.2.8
    let lengths = [0, 1, 2, 124, 125, 126, 127, 128, 65_534, 65_535, 65_536, 65_537];
    all(lengths.into_iter().flat_map(|length| {
        [Text, Binary].map(|opcode| {
            let payload = payload(length);
            let back = vec![(opcode, payload.clone())];
            Case::clean(format!("{opcode:?} of {length}"), vec![frame(opcode, payload)], back)
        })
    }))
    .await;
}

#[tokio::test]
async fn a_length_may_have_a_longer_form_than_it_needs() {
    // RFC 6455 §5.2 asks senders for the shortest form; receivers have always taken all.
    for role in [rialto_ws::Role::Server, rialto_ws::Role::Client] {
        for form in [&[126, 0, 2][..], &[127, 0, 0, 0, 0, 0, 0, 0, 2]] {
            let mut wire = vec![0x82];
            wire.extend(form);
            if role == rialto_ws::Role::Server {
                wire[1] |= 0x80;
                wire.extend([0; 4]);
            }
            wire.extend(b"ab");
            let mut peer = super::echo(role);
            peer.send_raw(&wire).await;
            assert_eq!(peer.read().await, Some((Binary, b"ab".to_vec())));
        }
    }
}

#[tokio::test]
async fn large_messages_whole() {
    // 9.1.1 to 9.2.6
    let sizes = [64 << 10, 256 << 10, 1 << 20, 4 << 20];
    all(sizes.into_iter().flat_map(|size| {
        [Text, Binary].map(|opcode| {
            let payload = payload(size);
            let back = vec![(opcode, payload.clone())];
            Case::clean(format!("{opcode:?} of {size}"), vec![frame(opcode, payload)], back)
        })
    }))
    .await;
}

#[tokio::test]
async fn large_messages_in_fragments_of_every_size() {
    // 9.3.1 to 9.4.9
    let sizes = [64, 256, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20];
    all(sizes.into_iter().flat_map(|size| {
        [Text, Binary].map(|opcode| {
            let payload = payload(1 << 20);
            let frames = fragmented(opcode, &payload, size);
            Case::clean(format!("{opcode:?} by {size}"), frames, vec![(opcode, payload)])
        })
    }))
    .await;
}

#[tokio::test]
async fn many_messages_come_back_in_order() {
    // 9.7.1 to 9.8.6
    all([0, 16, 64, 256, 1024, 4096].into_iter().flat_map(|size| {
        [Text, Binary].map(|opcode| {
            let payload = payload(size);
            let frames = vec![frame(opcode, &payload); 1000];
            Case::clean(format!("1000 of {size}"), frames, vec![(opcode, payload); 1000])
        })
    }))
    .await;
}

#[tokio::test]
async fn a_message_that_its_sender_fragments_by_itself() {
    // 10.1.1
    let payload = payload(65_536);
    let frames = fragmented(Text, &payload, 1300);
    all([Case::clean("65 536 by 1300", frames, vec![(Text, payload)])]).await;
}
