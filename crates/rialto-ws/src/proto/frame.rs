//! The frame header of RFC 6455 §5.2: parsing and writing.

use super::message::Kind;
use super::violation::Violation;

/// Which end of the connection this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Receives masked frames and sends unmasked ones.
    Server,
    /// Sends masked frames and receives unmasked ones.
    Client,
}

/// What a frame carries (RFC 6455 §5.2, §11.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum OpCode {
    /// A further fragment of the message in progress.
    Continuation = 0x0,
    /// A text message, or its first fragment.
    Text = 0x1,
    /// A binary message, or its first fragment.
    Binary = 0x2,
    /// The closing handshake.
    Close = 0x8,
    /// A ping, to be answered by a pong with the same payload.
    Ping = 0x9,
    /// A pong, asked for or not.
    Pong = 0xA,
}

impl OpCode {
    /// True for close, ping and pong, which are never fragmented and carry at most 125 bytes.
    #[must_use]
    pub fn is_control(self) -> bool {
        self as u8 & 0x8 != 0
    }

    fn from_bits(bits: u8) -> Result<Self, Violation> {
        Ok(match bits {
            0x0 => Self::Continuation,
            0x1 => Self::Text,
            0x2 => Self::Binary,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xA => Self::Pong,
            reserved => return Err(Violation::ReservedOpCode(reserved)),
        })
    }
}

impl From<Kind> for OpCode {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Text => Self::Text,
            Kind::Binary => Self::Binary,
        }
    }
}

/// The reserved bit that marks a compressed message (RFC 7692 §6), as [`Header::rsv`] has it.
pub const RSV1: u8 = 4;

/// A frame header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Last fragment of its message.
    pub fin: bool,
    /// The three reserved bits, RSV1 being the highest (value 4).
    pub rsv: u8,
    /// What the frame carries.
    pub opcode: OpCode,
    /// Masking key, present in what a client sends.
    pub mask: Option<[u8; 4]>,
    /// Payload length in bytes; the top bit is never set.
    pub length: u64,
}

impl Header {
    /// Length of the longest header: 2 bytes, 8 of length, 4 of mask.
    pub const MAX: usize = 14;

    /// Header of an unfragmented frame without reserved bits.
    #[must_use]
    pub fn new(opcode: OpCode, length: usize, mask: Option<[u8; 4]>) -> Self {
        Self { fin: true, rsv: 0, opcode, mask, length: length as u64 }
    }

    /// Reads a header from the start of `input`.
    ///
    /// Returns the header and its length in bytes, or `None` while bytes are missing.
    /// Lengths in a longer form than needed are accepted, as every browser and server does.
    ///
    /// # Errors
    /// As soon as a byte that breaks RFC 6455 §5.2 or §5.5 is there,
    /// even if the rest of the header is not.
    pub fn parse(input: &[u8]) -> Result<Option<(Self, usize)>, Violation> {
        let Some(&first) = input.first() else { return Ok(None) };
        let opcode = OpCode::from_bits(first & 0x0F)?;
        let fin = first & 0x80 != 0;
        let rsv = (first >> 4) & 0x7;
        if opcode.is_control() && !fin {
            return Err(Violation::FragmentedControl);
        }
        let Some(&second) = input.get(1) else { return Ok(None) };
        let masked = second & 0x80 != 0;
        let short = second & 0x7F;
        if opcode.is_control() && short > 125 {
            return Err(Violation::LongControl);
        }
        let Some((length, at)) = parse_length(short, input)? else { return Ok(None) };
        if !masked {
            return Ok(Some((Self { fin, rsv, opcode, mask: None, length }, at)));
        }
        let Some(&key) = input.get(at..).and_then(<[u8]>::first_chunk::<4>) else {
            return Ok(None);
        };
        Ok(Some((Self { fin, rsv, opcode, mask: Some(key), length }, at + 4)))
    }

    /// Writes the header in its shortest form into `out` and returns how many bytes it took.
    pub fn write(&self, out: &mut [u8; Self::MAX]) -> usize {
        out[0] = self.opcode as u8 | (self.rsv << 4) | if self.fin { 0x80 } else { 0 };
        let mask_bit = if self.mask.is_some() { 0x80 } else { 0 };
        let [.., b6, b7] = self.length.to_be_bytes();
        let at = match self.length {
            0..=125 => {
                out[1] = b7 | mask_bit;
                2
            }
            126..=0xFFFF => {
                out[1] = 126 | mask_bit;
                out[2..4].copy_from_slice(&[b6, b7]);
                4
            }
            _ => {
                out[1] = 127 | mask_bit;
                out[2..10].copy_from_slice(&self.length.to_be_bytes());
                10
            }
        };
        match self.mask {
            Some(key) => {
                out[at..at + 4].copy_from_slice(&key);
                at + 4
            }
            None => at,
        }
    }
}

/// The length and the offset behind it, or `None` while bytes are missing.
fn parse_length(short: u8, input: &[u8]) -> Result<Option<(u64, usize)>, Violation> {
    Ok(match short {
        126 => input
            .get(2..)
            .and_then(<[u8]>::first_chunk::<2>)
            .map(|bytes| (u64::from(u16::from_be_bytes(*bytes)), 4)),
        127 => match input.get(2..).and_then(<[u8]>::first_chunk::<8>) {
            // RFC 6455 §5.2: the most significant bit must be 0.
            Some(bytes) if bytes[0] & 0x80 != 0 => return Err(Violation::LengthOverflow),
            Some(bytes) => Some((u64::from_be_bytes(*bytes), 10)),
            None => None,
        },
        short => Some((u64::from(short), 2)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(length: u64, mask: Option<[u8; 4]>) {
        let header = Header { fin: true, rsv: 0, opcode: OpCode::Binary, mask, length };
        let mut out = [0; Header::MAX];
        let n = header.write(&mut out);
        assert_eq!(Header::parse(&out[..n]), Ok(Some((header, n))));
        for cut in 0..n {
            assert_eq!(Header::parse(&out[..cut]), Ok(None), "cut at {cut}");
        }
    }

    #[test]
    fn every_length_form_round_trips_with_and_without_mask() {
        for length in [0, 1, 125, 126, 127, 0xFFFF, 0x1_0000, u64::MAX >> 1] {
            round_trip(length, None);
            round_trip(length, Some([1, 2, 3, 4]));
        }
    }

    #[test]
    fn violations_show_at_the_first_byte_that_tells() {
        assert_eq!(Header::parse(&[0x83]), Err(Violation::ReservedOpCode(3)));
        assert_eq!(Header::parse(&[0x8F]), Err(Violation::ReservedOpCode(15)));
        assert_eq!(Header::parse(&[0x09]), Err(Violation::FragmentedControl));
        assert_eq!(Header::parse(&[0x89, 0xFE]), Err(Violation::LongControl));
        let huge = [0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(Header::parse(&huge), Err(Violation::LengthOverflow));
    }
}
