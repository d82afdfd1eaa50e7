//! Close codes and the payload of a Close frame (RFC 6455 §5.5.1, §7.4).

use super::text::Text;
use super::utf8::is_utf8;
use super::violation::Violation;

/// A close code (RFC 6455 §7.4).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CloseCode(u16);

impl CloseCode {
    /// 1000: done, nothing wrong.
    pub const NORMAL: Self = Self(1000);
    /// 1001: the server stops, or the browser leaves the page.
    pub const GOING_AWAY: Self = Self(1001);
    /// 1002: the peer broke the protocol.
    pub const PROTOCOL: Self = Self(1002);
    /// 1003: a kind of data that is not accepted here.
    pub const UNSUPPORTED: Self = Self(1003);
    /// 1005: the Close frame carried no code. Never sent.
    pub const NO_STATUS: Self = Self(1005);
    /// 1006: the connection ended without a Close frame. Never sent.
    pub const ABNORMAL: Self = Self(1006);
    /// 1007: data that does not fit its type, as text that is not UTF-8.
    pub const INVALID_PAYLOAD: Self = Self(1007);
    /// 1008: against a rule of this server.
    pub const POLICY: Self = Self(1008);
    /// 1009: a message that is too large.
    pub const TOO_LARGE: Self = Self(1009);
    /// 1010: the server did not accept an extension that the client needs.
    pub const EXTENSION: Self = Self(1010);
    /// 1011: the server failed.
    pub const INTERNAL: Self = Self(1011);
    /// 1012: the server restarts.
    pub const RESTART: Self = Self(1012);
    /// 1013: try again later.
    pub const TRY_AGAIN: Self = Self(1013);

    /// The code with this number, whatever it is.
    #[must_use]
    pub const fn new(code: u16) -> Self {
        Self(code)
    }

    /// Its number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }

    /// True if it may stand in a Close frame: 1000 to 1003, 1007 to 1014, 3000 to 4999.
    #[must_use]
    pub const fn is_sendable(self) -> bool {
        matches!(self.0, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }
}

impl From<u16> for CloseCode {
    fn from(code: u16) -> Self {
        Self(code)
    }
}

impl From<CloseCode> for u16 {
    fn from(code: CloseCode) -> Self {
        code.0
    }
}

impl std::fmt::Display for CloseCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::fmt::Debug for CloseCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CloseCode({})", self.0)
    }
}

/// Code and reason of a Close frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseFrame {
    /// Why, as a number; [`CloseCode::NO_STATUS`] if the frame was empty.
    pub code: CloseCode,
    /// Why, in words; at most 123 bytes on the wire, longer ones are cut when sent.
    pub reason: Text,
}

impl CloseFrame {
    /// The longest reason that fits a control frame, in bytes.
    pub const MAX_REASON: usize = 123;

    /// A frame with this code and reason.
    pub fn new(code: impl Into<CloseCode>, reason: impl Into<Text>) -> Self {
        Self { code: code.into(), reason: reason.into() }
    }

    /// Reads the (unmasked) payload of a Close frame.
    ///
    /// # Errors
    /// One byte alone, a code that may not be sent, or a reason that is not UTF-8.
    pub fn parse(payload: &[u8]) -> Result<Self, Violation> {
        let Some((code, reason)) = payload.split_first_chunk::<2>() else {
            return match payload {
                [] => Ok(Self::new(CloseCode::NO_STATUS, "")),
                _ => Err(Violation::ShortClose),
            };
        };
        let code = CloseCode(u16::from_be_bytes(*code));
        if !code.is_sendable() {
            return Err(Violation::InvalidCloseCode(code.0));
        }
        if !is_utf8(reason) {
            return Err(Violation::InvalidUtf8);
        }
        let reason = String::from_utf8_lossy(reason).into_owned();
        Ok(Self { code, reason: reason.into() })
    }

    /// Appends the payload as it goes on the wire.
    ///
    /// A code that may not be sent (as [`CloseCode::NO_STATUS`]) makes an empty payload;
    /// a reason over [`CloseFrame::MAX_REASON`] bytes is cut at a character's boundary.
    pub fn write(&self, out: &mut Vec<u8>) {
        if !self.code.is_sendable() {
            return;
        }
        out.extend_from_slice(&self.code.0.to_be_bytes());
        let end = self.reason.floor_char_boundary(Self::MAX_REASON);
        out.extend_from_slice(&self.reason.as_bytes()[..end]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_that_may_be_sent() {
        let sendable = |code| CloseCode::new(code).is_sendable();
        for code in [1000, 1001, 1002, 1003, 1007, 1011, 1014, 3000, 3999, 4000, 4999] {
            assert!(sendable(code), "{code}");
        }
        for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535] {
            assert!(!sendable(code), "{code}");
            let payload = code.to_be_bytes();
            assert_eq!(CloseFrame::parse(&payload), Err(Violation::InvalidCloseCode(code)));
        }
    }

    #[test]
    fn payloads_round_trip_and_long_reasons_are_cut_between_characters() {
        let frame = CloseFrame::new(4000, "bye");
        let mut out = Vec::new();
        frame.write(&mut out);
        assert_eq!(CloseFrame::parse(&out), Ok(frame));

        let long = CloseFrame::new(1000, "é".repeat(100));
        let mut out = Vec::new();
        long.write(&mut out);
        assert_eq!(out.len(), 2 + 122);
        assert!(CloseFrame::parse(&out).is_ok());
    }

    #[test]
    fn broken_payloads_name_their_fault() {
        assert_eq!(CloseFrame::parse(&[3]), Err(Violation::ShortClose));
        assert_eq!(CloseFrame::parse(b"\x03\xe8\xff"), Err(Violation::InvalidUtf8));
        assert_eq!(CloseFrame::parse(&[]).map(|f| f.code), Ok(CloseCode::NO_STATUS));
    }
}
