//! A cheaply cloned string: [`Bytes`] that are known to be UTF-8.
#![allow(
    unsafe_code,
    reason = "one conversion, see its SAFETY lines; the fuzz target `frame` drives it"
)]

use bytes::Bytes;
use std::fmt;
use std::ops::Deref;

/// Text of a message or a close reason: shared bytes known to be UTF-8.
///
/// Cloning costs a reference count. It dereferences to `str`.
///
/// ```
/// use rialto_ws::Text;
/// let text = Text::from("Rialto");
/// assert_eq!(text.to_uppercase(), "RIALTO");
/// assert_eq!(text, "Rialto");
/// ```
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(Bytes);

impl Text {
    /// Text that lives as long as the program; nothing is allocated.
    #[must_use]
    pub const fn from_static(text: &'static str) -> Self {
        Self(Bytes::from_static(text.as_bytes()))
    }

    /// Checks `bytes` and takes them.
    ///
    /// # Errors
    /// Gives them back if they are not UTF-8.
    pub fn from_bytes(bytes: Bytes) -> Result<Self, Bytes> {
        if simdutf8::basic::from_utf8(&bytes).is_ok() { Ok(Self(bytes)) } else { Err(bytes) }
    }

    /// Takes bytes that the decoder has checked as they arrived.
    ///
    /// Private to the crate: the whole safety of [`Text::as_str`] rests on its callers.
    pub(crate) fn from_checked(bytes: Bytes) -> Self {
        debug_assert!(std::str::from_utf8(&bytes).is_ok());
        Self(bytes)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // SAFETY: every constructor has checked that the bytes are UTF-8
        // (`from_checked` is called on what `Utf8Check` or `is_utf8` accepted),
        // and `Bytes` never change.
        unsafe { std::str::from_utf8_unchecked(&self.0) }
    }

    /// The bytes, to be shared.
    pub(crate) fn as_shared(&self) -> &Bytes {
        &self.0
    }

    /// The bytes, without copying.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

/// A view of bytes that the decoder has checked as they arrived; crate-private for the same
/// reason as [`Text::from_checked`].
pub(crate) fn checked_str(bytes: &[u8]) -> &str {
    debug_assert!(std::str::from_utf8(bytes).is_ok());
    // SAFETY: the only callers pass the payload of a text message that the decoder has completed,
    // which it does only after `Utf8Check` or `is_utf8` accepted every byte of it.
    unsafe { std::str::from_utf8_unchecked(bytes) }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        self
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(Bytes::from(text))
    }
}

impl From<&String> for Text {
    fn from(text: &String) -> Self {
        text.as_str().into()
    }
}

impl From<Text> for String {
    fn from(text: Text) -> Self {
        text.as_str().to_owned()
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_utf8_becomes_text() {
        assert_eq!(Text::from_bytes(Bytes::from_static(b"ok")).unwrap(), "ok");
        assert!(Text::from_bytes(Bytes::from_static(b"\xff")).is_err());
        assert_eq!(Text::from_checked(Bytes::from("Grüße")).as_str(), "Grüße");
        assert_eq!(Text::default(), "");
        assert_eq!(Text::from_static("x").into_bytes(), Bytes::from_static(b"x"));
    }
}
