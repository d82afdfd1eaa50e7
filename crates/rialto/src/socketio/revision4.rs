//! What clients of Socket.IO 1 and 2 do otherwise: revision 4 of the protocol, over Engine.IO 3.

use super::handler::Refused;
use crate::engine::Session;
use rialto_protocol::engine::{MAX_QUERY_PAIRS, Version, query_pairs};
use rialto_protocol::socketio;
use serde_json::Value;
use serde_json::value::RawValue;

/// Whether the client speaks that revision.
pub(super) fn is_spoken(session: &Session) -> bool {
    session.version() == Version::V3
}

/// The id of a client's socket, which it makes for itself by the same rule.
pub(super) fn socket_id(session: &Session, namespace: &str) -> Box<str> {
    match namespace {
        "/" => session.id().into(),
        other => format!("{other}#{}", session.id()).into(),
    }
}

/// The query of a CONNECT packet (`0/chat?token=x,`) as the `auth` of later revisions: an object
/// of strings. Where a name is repeated, the last value counts.
pub(super) fn auth(query: &str) -> String {
    let pairs = query_pairs(query).take(MAX_QUERY_PAIRS);
    let object: serde_json::Map<_, _> =
        pairs.map(|(name, value)| (name.into_owned(), Value::from(value.into_owned()))).collect();
    if object.is_empty() { String::new() } else { Value::from(object).to_string() }
}

/// The ERROR packet: the data of the refusal, or its message where there is none. A refusal of the
/// server's own is an object with its message, as the reference's is.
pub(super) fn encode_refusal(
    out: &mut Vec<u8>,
    namespace: &str,
    refused: &Refused,
) -> Result<(), socketio::Error> {
    if let Some(code) = refused.code() {
        let own = serde_json::json!({ "code": code, "message": refused.message() });
        return socketio::encode_error(out, namespace, &own);
    }
    let data = refused.data_json().and_then(|json| RawValue::from_string(json.to_owned()).ok());
    match data {
        Some(data) => socketio::encode_error(out, namespace, &data),
        None => socketio::encode_error(out, namespace, refused.message()),
    }
}

#[cfg(test)]
mod tests {
    use super::auth;

    #[test]
    fn queries_become_objects_of_strings() {
        assert_eq!(auth(""), "");
        assert_eq!(auth("token=a%20b&n=1"), r#"{"n":"1","token":"a b"}"#);
        assert_eq!(auth("a=1&a=2&b"), r#"{"a":"2","b":""}"#);
        assert_eq!(auth("q=%22%7D"), r#"{"q":"\"}"}"#);
    }
}
