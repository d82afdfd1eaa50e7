//! What the floors share. A floor answers every request as if it knew the key, and moves bytes
//! without looking at them: no WebSocket server can cost less.

/// The answer to RFC 6455's sample key, which the load generator sends.
pub const ANSWER: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

/// The port, from the command line.
///
/// # Panics
/// Without one.
#[must_use]
pub fn port() -> u16 {
    std::env::args().nth(1).and_then(|port| port.parse().ok()).expect("a port")
}

/// Takes the whole client frames out of `received` and gives them as a server sends them.
///
/// A fan-out has to, since every client masks; payloads of 64 KiB and more are not understood.
#[must_use]
pub fn unmasked(received: &mut Vec<u8>) -> Vec<u8> {
    let (mut frames, mut at) = (Vec::new(), 0);
    while let Some((used, frame)) = first_frame(&received[at..]) {
        frames.extend(frame);
        at += used;
    }
    received.drain(..at);
    frames
}

/// The first frame, if it is whole: the bytes that it takes, and the same unmasked.
fn first_frame(bytes: &[u8]) -> Option<(usize, Vec<u8>)> {
    let (length, at) = match bytes.get(1)? & 0x7f {
        126 => (usize::from(u16::from_be_bytes([*bytes.get(2)?, *bytes.get(3)?])), 4),
        short => (usize::from(short), 2),
    };
    let (mask, payload) = (bytes.get(at..at + 4)?, bytes.get(at + 4..at + 4 + length)?);
    let mut frame = bytes[..at].to_vec();
    frame[1] &= 0x7f;
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    Some((at + 4 + length, frame))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_frames_are_taken_and_the_rest_waits() {
        let one = [0x81, 0x82, 1, 1, 1, 1, b'h' ^ 1, b'i' ^ 1];
        let mut received = [&one[..], &one[..5]].concat();
        assert_eq!(unmasked(&mut received), [0x81, 2, b'h', b'i']);
        assert_eq!(received, one[..5]);
        assert!(unmasked(&mut received).is_empty());
    }
}
