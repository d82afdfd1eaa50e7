//! Values and messages as they are written: nothing that two parsers could differ in is lost.

use data_encoding::BASE64;
use rialto::Value;
use serde_json::json;

/// A value with its objects as lists of members, and binary data as base64.
pub(crate) fn tagged(value: &Value) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(value) => json!(value),
        Value::Number(value) => serde_json::Value::Number(value.clone()),
        Value::String(value) => json!(value),
        Value::Array(values) => values.iter().map(tagged).collect(),
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| json!([name, tagged(value)]));
            json!({ "o": members.collect::<Vec<_>>() })
        }
        Value::Binary(bytes) => json!({ "b": BASE64.encode(bytes) }),
    }
}

pub(crate) fn text(text: &str) -> serde_json::Value {
    json!({ "text": text })
}

pub(crate) fn binary(bytes: &[u8]) -> serde_json::Value {
    json!({ "binary": BASE64.encode(bytes) })
}

pub(crate) fn error(error: impl std::fmt::Display) -> serde_json::Value {
    json!({ "error": error.to_string() })
}
