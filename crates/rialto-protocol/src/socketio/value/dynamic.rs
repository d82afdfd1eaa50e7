//! One argument of any kind.

use std::fmt;
use std::ops::Index;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Number;

use super::{Args, Object};
use crate::socketio::Error;

/// Any argument: JSON, with binary beside it.
///
/// It goes through [`encode_event`](crate::socketio::encode_event) and
/// [`decode`](crate::socketio::decode) like every other type. Its binary parts are shared and not
/// copied on both ways, and are numbered anew when they are sent on. (Through another serializer,
/// binary is what serde says of bytes: with plain `serde_json` an array of numbers.)
///
/// ```
/// use rialto_protocol::socketio::{Value, decode};
///
/// let value: Value = decode(r#"[{"name":"Ada","tags":["x"]}]"#, false, &[]).unwrap();
/// assert_eq!(value["name"], "Ada");
/// assert_eq!(value["tags"][0].as_str(), Some("x"));
/// assert!(value["nothing"]["here"].is_null());
/// ```
#[derive(Clone, Default, PartialEq)]
pub enum Value {
    /// `null`, and what JavaScript makes of `undefined` in an array.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, integer or not.
    Number(Number),
    /// A string.
    String(String),
    /// An array.
    Array(Vec<Value>),
    /// An object; its members keep their order.
    Object(Object),
    /// Binary data, which travels as an attachment.
    Binary(Bytes),
}

/// What an index finds where there is nothing.
pub(super) static NULL: Value = Value::Null;

impl Value {
    /// The value that `value` is as one argument.
    ///
    /// # Errors
    /// As [`encode_event`](crate::socketio::encode_event).
    pub fn new<T: Serialize + ?Sized>(value: &T) -> Result<Self, Error> {
        Args::new(&(value,)).map(|args| args.into_iter().next().unwrap_or_default())
    }

    /// Decodes the value into a type.
    ///
    /// # Errors
    /// As [`decode`](crate::socketio::decode).
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, Error> {
        Args::from(vec![self.clone()]).decode::<(T,)>().map(|(value,)| value)
    }

    /// Whether it is `null`.
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The truth value, if it is one.
    pub const fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The number as a signed integer, if it is one and fits.
    pub fn as_i64(&self) -> Option<i64> {
        self.as_number().and_then(Number::as_i64)
    }

    /// The number as an unsigned integer, if it is one and fits.
    pub fn as_u64(&self) -> Option<u64> {
        self.as_number().and_then(Number::as_u64)
    }

    /// The number, rounded to the nearest float if need be.
    pub fn as_f64(&self) -> Option<f64> {
        self.as_number().and_then(Number::as_f64)
    }

    /// The number, if it is one.
    pub const fn as_number(&self) -> Option<&Number> {
        match self {
            Self::Number(value) => Some(value),
            _ => None,
        }
    }

    /// The string, if it is one.
    pub const fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(value) => Some(value.as_str()),
            _ => None,
        }
    }

    /// The elements, if it is an array.
    pub const fn as_array(&self) -> Option<&[Value]> {
        match self {
            Self::Array(value) => Some(value.as_slice()),
            _ => None,
        }
    }

    /// The members, if it is an object.
    pub const fn as_object(&self) -> Option<&Object> {
        match self {
            Self::Object(value) => Some(value),
            _ => None,
        }
    }

    /// The bytes, if it is binary.
    pub const fn as_bytes(&self) -> Option<&Bytes> {
        match self {
            Self::Binary(value) => Some(value),
            _ => None,
        }
    }

    /// The member of that name or the element at that index, if there is one.
    pub fn get<K: ValueIndex>(&self, key: K) -> Option<&Value> {
        key.find(self)
    }
}

/// What can name a part of a [`Value`]: a member's name or an element's index.
pub trait ValueIndex: sealed::Sealed {
    #[doc(hidden)]
    fn find<'v>(&self, value: &'v Value) -> Option<&'v Value>;
}

mod sealed {
    /// Keeps [`ValueIndex`](super::ValueIndex) to the types that are meant.
    pub trait Sealed {}
    impl Sealed for &str {}
    impl Sealed for usize {}
}

impl ValueIndex for &str {
    fn find<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        value.as_object()?.get(self)
    }
}

impl ValueIndex for usize {
    fn find<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        value.as_array()?.get(*self)
    }
}

/// The part of that name or index; [`Value::Null`] where there is none, so that it never panics.
impl<K: ValueIndex> Index<K> for Value {
    type Output = Value;

    fn index(&self, key: K) -> &Value {
        self.get(key).unwrap_or(&NULL)
    }
}

/// JSON, with binary parts shown by their length.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Number(value) => write!(f, "{value}"),
            Self::String(value) => fmt_json_string(value, f),
            Self::Array(values) => fmt_list(values, f),
            Self::Object(members) => members.fmt(f),
            Self::Binary(bytes) => write!(f, "<{} bytes>", bytes.len()),
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Control characters come out escaped, so a peer's text cannot steer a terminal.
pub(super) fn fmt_json_string(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let quoted = serde_json::to_string(text).map_err(|_| fmt::Error)?;
    f.write_str(&quoted)
}

pub(super) fn fmt_list(values: &[Value], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("[")?;
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            f.write_str(",")?;
        }
        fmt::Display::fmt(value, f)?;
    }
    f.write_str("]")
}
