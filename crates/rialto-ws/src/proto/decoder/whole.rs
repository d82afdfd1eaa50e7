//! The short way of what most peers send most of the time.

use super::{Decoder, is_utf8};
use crate::proto::frame::Role;
use crate::proto::mask::apply_mask;
use crate::proto::message::Kind;
use std::ops::Range;

impl Decoder {
    /// A message in one frame of at most 65,535 bytes, all of it at the start of `input` and not
    /// compressed, where nothing else has begun. It ends where the range ends, which is its
    /// payload, unmasked in place.
    ///
    /// `None` leaves everything else, mistakes included, to [`Decoder::decode`].
    #[inline]
    pub(crate) fn decode_whole(&self, input: &mut [u8]) -> Option<(Kind, Range<usize>)> {
        if self.closed || !self.rest.is_nothing() {
            return None;
        }
        let (kind, second) = match *input.first_chunk()? {
            [0x81, second] => (Kind::Text, second),
            [0x82, second] => (Kind::Binary, second),
            _ => return None,
        };
        let (length, at) = match second & 0x7F {
            126 => (u16::from_be_bytes(*input.get(2..)?.first_chunk()?).into(), 4),
            127 => return None,
            short => (usize::from(short), 2),
        };
        let masked = second & 0x80 != 0;
        let limits = &self.limits;
        if length > limits.max_message || length > limits.max_frame {
            return None;
        }
        if masked != (self.role == Role::Server) {
            return None;
        }
        let key = if masked { *input.get(at..)?.first_chunk()? } else { [0; 4] };
        let from = if masked { at + 4 } else { at };
        let payload = input.get_mut(from..from + length)?;
        if masked {
            apply_mask(payload, key, 0);
        }
        if kind == Kind::Text && !is_utf8(payload) {
            // As it came, for whoever reports it.
            apply_mask(payload, key, 0);
            return None;
        }
        Some((kind, from..from + length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::{Body, Header, Item, Limits, OpCode};

    fn frame(opcode: OpCode, payload: &[u8], mask: Option<[u8; 4]>) -> Vec<u8> {
        let mut bytes = [0; Header::MAX];
        let size = Header::new(opcode, payload.len(), mask).write(&mut bytes);
        let mut frame = [&bytes[..size], payload].concat();
        apply_mask(&mut frame[size..], mask.unwrap_or_default(), 0);
        frame
    }

    /// Whatever the short way takes, the long way finds the same in; the rest stays as it came.
    fn compare(role: Role, limits: Limits, input: &[u8]) -> bool {
        let (mut short, mut long) = (input.to_vec(), input.to_vec());
        let taken = Decoder::new(role, limits).decode_whole(&mut short);
        let Some((kind, range)) = taken.clone() else {
            assert_eq!(short, input);
            return false;
        };
        let decoded = Decoder::new(role, limits).decode(&mut long).unwrap();
        assert_eq!(decoded.consumed, range.end);
        assert_eq!(decoded.item, Some(Item::Message(kind, Body::Input(range))));
        assert_eq!(short, long);
        true
    }

    #[test]
    fn both_ways_find_the_same() {
        let limits = Limits::default();
        for length in [0, 1, 2, 125, 126, 127, 300, 65_535, 65_536] {
            let payload = vec![b'x'; length];
            for opcode in [OpCode::Text, OpCode::Binary, OpCode::Ping, OpCode::Continuation] {
                for (role, mask) in [(Role::Server, Some([1, 2, 3, 4])), (Role::Client, None)] {
                    let mut input = frame(opcode, &payload, mask);
                    let plain = matches!(opcode, OpCode::Text | OpCode::Binary);
                    let expected = plain && length <= 65_535;
                    assert_eq!(compare(role, limits, &input), expected, "{opcode:?} {length}");
                    input.extend_from_slice(&[0x82, 0x80]);
                    assert_eq!(compare(role, limits, &input), expected);
                    input.truncate(input.len() - 3);
                    assert!(!compare(role, limits, &input), "a part is missing");
                    let other = if role == Role::Server { Role::Client } else { Role::Server };
                    assert!(!compare(other, limits, &input), "masked by the wrong end");
                }
            }
        }
    }

    #[test]
    fn mistakes_and_what_has_begun_are_left_to_the_long_way() {
        let limits = Limits::default();
        let mask = Some([9, 8, 7, 6]);
        assert!(!compare(Role::Server, limits, &frame(OpCode::Text, b"a\xFFb", mask)));
        let hello = frame(OpCode::Text, b"hello", mask);
        assert!(compare(Role::Server, limits.max_message(5), &hello));
        assert!(!compare(Role::Server, limits.max_message(4), &hello));
        assert!(!compare(Role::Server, limits.max_frame(4), &hello));
        for first in [0x01, 0xC1, 0xA1, 0x91] {
            let mut other = hello.clone();
            other[0] = first;
            assert!(!compare(Role::Server, limits, &other), "first byte {first:#x}");
        }
        let mut decoder = Decoder::new(Role::Server, limits);
        decoder.decode(&mut hello[..4].to_vec()).unwrap();
        assert_eq!(decoder.decode_whole(&mut hello.clone()), None);
    }
}
