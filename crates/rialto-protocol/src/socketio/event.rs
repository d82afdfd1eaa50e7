//! The event's name: the first element of an event's payload.

use std::borrow::Cow;

use super::json::{Scanner, plain_prefix, unquote};

/// The event's name and the text behind it, from the payload of an event packet.
///
/// The name is borrowed unless it holds escapes. A number is a legal name on the wire and is given
/// as its text. The rest begins with the comma before the first argument, or with the closing
/// bracket. `None` if the payload is not an array that begins with a string or a number.
///
/// ```
/// use rialto_protocol::socketio::event_name;
///
/// let (name, rest) = event_name(r#"["chat message","hi"]"#).unwrap();
/// assert_eq!(name, "chat message");
/// assert_eq!(rest, r#","hi"]"#);
/// assert_eq!(event_name("[7]").unwrap().0, "7");
/// assert!(event_name("[{}]").is_none());
/// ```
#[inline]
pub fn event_name(data: &str) -> Option<(Cow<'_, str>, &str)> {
    if let Some((name, rest)) = plain_name(data) {
        return Some((Cow::Borrowed(name), rest));
    }
    let mut scan = Scanner::new(data, 0);
    scan.skip_space();
    if !scan.eat(b'[') {
        return None;
    }
    scan.skip_space();
    let start = scan.pos;
    let name = if scan.peek() == Some(b'"') {
        scan.string().then(|| unquote(&data[start..scan.pos]))??
    } else {
        scan.number().then(|| Cow::Borrowed(&data[start..scan.pos]))?
    };
    scan.skip_space();
    matches!(scan.peek(), Some(b',' | b']')).then(|| (name, &data[scan.pos..]))
}

/// [`event_name`] of nearly every event: nothing before the name, no escape in it.
#[inline]
pub(super) fn plain_name(data: &str) -> Option<(&str, &str)> {
    let text = data.strip_prefix("[\"")?;
    let (name, rest) = text.split_at_checked(plain_prefix(text.as_bytes()))?;
    let rest = rest.strip_prefix('"')?;
    rest.starts_with([',', ']']).then_some((name, rest))
}

/// Whether the protocol keeps that event name for itself, so that no peer may send it.
pub fn is_reserved(name: &str) -> bool {
    matches!(
        name,
        "connect"
            | "connect_error"
            | "disconnect"
            | "disconnecting"
            | "newListener"
            | "removeListener"
    )
}
