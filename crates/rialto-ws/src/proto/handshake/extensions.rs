//! The grammar of `Sec-WebSocket-Extensions` (RFC 6455 §9.1), whoever sends it.

/// One extension of a list: its name and its parameters, as they stand in the header field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension<'a> {
    /// The extension's token.
    pub name: &'a str,
    /// Its parameters in order; a value in quotes has lost them.
    pub params: Vec<(&'a str, Option<&'a str>)>,
}

/// The value is no list of extensions as RFC 6455 §9.1 has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// Reads one header field's value: `token *( ";" token [ "=" ( token / quoted token ) ] )`, and
/// more of them behind commas.
///
/// ```
/// use rialto_ws::proto::handshake::extensions::parse;
/// let list = parse(b"permessage-deflate; client_max_window_bits=10, x").unwrap();
/// assert_eq!(list[0].params, [("client_max_window_bits", Some("10"))]);
/// assert_eq!(list[1].name, "x");
/// assert!(parse(b"permessage-deflate; =10").is_err());
/// ```
///
/// # Errors
/// [`Malformed`] for anything else.
pub fn parse(value: &[u8]) -> Result<Vec<Extension<'_>>, Malformed> {
    let text = std::str::from_utf8(value).map_err(|_| Malformed)?;
    // An empty element is allowed in lists (RFC 9110 §5.6.1); a quoted value holds no comma, since
    // it has to be a token inside its quotes.
    let elements = text.split(',').filter(|element| !element.trim_matches(BLANK).is_empty());
    elements.map(extension).collect()
}

/// What may stand around a token (RFC 9110 §5.6.3).
const BLANK: [char; 2] = [' ', '\t'];

fn extension(element: &str) -> Result<Extension<'_>, Malformed> {
    let mut parts = element.split(';').map(|part| part.trim_matches(BLANK));
    let name = parts.next().and_then(token).ok_or(Malformed)?;
    let params = parts.map(param).collect::<Result<_, _>>()?;
    Ok(Extension { name, params })
}

fn param(part: &str) -> Result<(&str, Option<&str>), Malformed> {
    let Some((name, value)) = part.split_once('=') else {
        return token(part).map(|name| (name, None)).ok_or(Malformed);
    };
    let bare = match value.strip_prefix('"') {
        Some(quoted) => quoted.strip_suffix('"').ok_or(Malformed)?,
        None => value,
    };
    match (token(name), token(bare)) {
        (Some(name), Some(value)) => Ok((name, Some(value))),
        _ => Err(Malformed),
    }
}

/// A token of RFC 9110 §5.6.2, or nothing.
fn token(text: &str) -> Option<&str> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    (!text.is_empty() && text.bytes().all(is_token)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_blanks_and_empty_elements_are_read_as_the_grammar_says() {
        let list = parse(b"a ; b=\"c\";\td , , e").unwrap();
        assert_eq!(list.len(), 2);
        assert_eq!(list[0], Extension { name: "a", params: vec![("b", Some("c")), ("d", None)] });
        assert_eq!(list[1], Extension { name: "e", params: vec![] });
        assert_eq!(parse(b" "), Ok(vec![]));
    }

    #[test]
    fn what_is_no_list_of_extensions_is_refused() {
        let wrong: [&[u8]; 9] = [
            b"a;",
            b";a",
            b"a; b=",
            b"a; =b",
            b"a; b=\"",
            b"a; b=\"\"",
            b"a b",
            b"a; b=c d",
            b"\xFF",
        ];
        for value in wrong {
            assert_eq!(parse(value), Err(Malformed), "{value:?}");
        }
    }
}
