//! JSONP: polling by script elements and forms, as browsers without CORS needed it.

use std::borrow::Cow;

use super::Violation;
use super::query_pairs;

/// Wraps an answer's payload in the call of the client's function: `___eio[0]("…");`.
///
/// `index` is what the request's `j` said; everything but its digits is left out.
///
/// ```
/// use rialto_protocol::engine::jsonp;
///
/// assert_eq!(jsonp::script("0);alert(1", "2:4\"\u{2028}"), r#"___eio[01]("2:4\"\u2028");"#);
/// ```
pub fn script(index: &str, payload: &str) -> String {
    let index: String = index.chars().filter(char::is_ascii_digit).collect();
    let text = serde_json::Value::from(payload).to_string();
    // JSON may hold these two in a string, old JavaScript may not. `<` is escaped so that no
    // reader can take the answer for markup.
    let text = text.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029");
    format!("___eio[{index}]({});", text.replace('<', "\\u003c"))
}

/// The payload in the body of a POST: the field `d` of a form.
///
/// Forms change newlines, so the client writes them as `\n`, and a `\n` of its own as `\\n`.
///
/// # Errors
/// [`Violation::InvalidUtf8`]; [`Violation::InvalidForm`] without such a field.
///
/// ```
/// use rialto_protocol::engine::jsonp;
///
/// assert_eq!(jsonp::payload(b"d=4%3A4a%5Cnb").as_deref(), Ok("4:4a\nb"));
/// assert_eq!(jsonp::payload(br"d=5:4a\\nb").as_deref(), Ok(r"5:4a\nb"));
/// ```
pub fn payload(body: &[u8]) -> Result<Cow<'_, str>, Violation> {
    let body = std::str::from_utf8(body).map_err(|_| Violation::InvalidUtf8)?;
    let field = query_pairs(body).find(|(name, _)| name == "d").ok_or(Violation::InvalidForm)?;
    Ok(unescape(field.1))
}

fn unescape(text: Cow<'_, str>) -> Cow<'_, str> {
    if !text.contains("\\n") {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_ref();
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let tail = &rest[at..];
        let (plain, used) = if tail.starts_with("\\\\n") {
            ("\\n", 3)
        } else if tail.starts_with("\\n") {
            ("\n", 2)
        } else {
            ("\\", 1)
        };
        out.push_str(plain);
        rest = &tail[used..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}
