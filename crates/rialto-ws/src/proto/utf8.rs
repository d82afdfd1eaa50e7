//! UTF-8 checked as it arrives, across fragments and reads (RFC 6455 §8.1).

use super::violation::Violation;

/// State of a check over a stream of pieces: at most three bytes of a sequence that a piece's end
/// has cut.
#[derive(Clone, Copy, Debug, Default)]
pub struct Utf8Check {
    pending: [u8; 4],
    len: u8,
}

impl Utf8Check {
    /// Checks the next piece.
    ///
    /// # Errors
    /// [`Violation::InvalidUtf8`] at the first byte that no continuation can make valid.
    pub fn feed(&mut self, piece: &[u8]) -> Result<(), Violation> {
        let rest = if self.len == 0 { piece } else { self.complete(piece)? };
        let (whole, tail) = rest.split_at(rest.len() - cut_sequence(rest));
        if !is_utf8(whole) {
            return Err(Violation::InvalidUtf8);
        }
        if !tail.is_empty() {
            self.len = 0;
            for &byte in tail {
                self.push(byte)?;
            }
        }
        Ok(())
    }

    /// Ends the message.
    ///
    /// # Errors
    /// [`Violation::InvalidUtf8`] if the last sequence is incomplete.
    pub fn finish(&mut self) -> Result<(), Violation> {
        if self.len == 0 { Ok(()) } else { Err(Violation::InvalidUtf8) }
    }

    /// Feeds single bytes until the pending sequence is whole; returns what is left of the piece.
    fn complete<'a>(&mut self, piece: &'a [u8]) -> Result<&'a [u8], Violation> {
        let mut rest = piece;
        while self.len > 0 {
            let Some((&byte, tail)) = rest.split_first() else { break };
            self.push(byte)?;
            rest = tail;
        }
        Ok(rest)
    }

    fn push(&mut self, byte: u8) -> Result<(), Violation> {
        self.pending[usize::from(self.len)] = byte;
        self.len += 1;
        match std::str::from_utf8(&self.pending[..usize::from(self.len)]) {
            Ok(_) => self.len = 0,
            Err(error) if error.error_len().is_some() => return Err(Violation::InvalidUtf8),
            Err(_) => {}
        }
        Ok(())
    }
}

/// True if `bytes` are UTF-8 from the first to the last.
pub(super) fn is_utf8(bytes: &[u8]) -> bool {
    simdutf8::basic::from_utf8(bytes).is_ok()
}

/// How many bytes at the end may be the start of a sequence that goes on in the next piece.
fn cut_sequence(bytes: &[u8]) -> usize {
    for back in 1..=bytes.len().min(3) {
        let needed = match bytes[bytes.len() - back] {
            0x00..=0x7F => return 0,
            0x80..=0xBF => continue,
            0xC0..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xFF => 4,
        };
        return if needed > back { back } else { 0 };
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pieces: &[&[u8]]) -> Result<(), Violation> {
        let mut state = Utf8Check::default();
        for piece in pieces {
            state.feed(piece)?;
        }
        state.finish()
    }

    #[test]
    fn any_split_of_valid_text_is_valid() {
        let text = "κόσμε, Grüße, 日本語, 🦀 and plain ASCII that is long enough for vector code";
        let bytes = text.as_bytes();
        for i in 0..=bytes.len() {
            for j in i..=bytes.len().min(i + 5) {
                assert_eq!(check(&[&bytes[..i], &bytes[i..j], &bytes[j..]]), Ok(()), "{i} {j}");
            }
        }
    }

    #[test]
    fn every_split_agrees_with_the_standard_library() {
        let samples: [&[u8]; 9] = [
            b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited",
            b"\xf4\x90\x80\x80",
            b"\xc0\xaf",
            b"\xe0\x80\x80",
            b"\xf0\x9f\xa6",
            b"abc\xff",
            b"\x80",
            b"ok\xc3",
            b"\xf0\x9f\xa6\x80",
        ];
        for bytes in samples {
            let expected = std::str::from_utf8(bytes).is_ok();
            for cut in 0..=bytes.len() {
                assert_eq!(check(&[&bytes[..cut], &bytes[cut..]]).is_ok(), expected, "{bytes:?}");
            }
        }
    }

    #[test]
    fn fails_at_the_first_hopeless_byte() {
        let mut state = Utf8Check::default();
        assert_eq!(state.feed(b"\xf4"), Ok(()));
        assert_eq!(state.feed(b"\x90"), Err(Violation::InvalidUtf8));
    }
}
