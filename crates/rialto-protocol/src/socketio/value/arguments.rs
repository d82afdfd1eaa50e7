//! All arguments of a packet.

use std::fmt;
use std::ops::Index;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Value;
use super::dynamic::{NULL, fmt_list};
use crate::socketio::encode::Payload;
use crate::socketio::{Error, decode};

/// All arguments of an event or an ack, whatever they are.
///
/// As an argument type it takes everything that came; sent, it is as many arguments as it holds.
/// Inside another value it is an array.
///
/// ```
/// use rialto_protocol::socketio::{Args, decode, encode_event};
///
/// let args: Args = decode(r#"["say","hi",3]"#, true, &[]).unwrap();
/// assert_eq!(args.len(), 2);
/// assert_eq!(args[0], "hi");
/// assert_eq!(args.get(1).and_then(|value| value.as_i64()), Some(3));
///
/// let mut out = Vec::new();
/// encode_event(&mut out, "/", None, "forwarded", &args).unwrap();
/// assert_eq!(out, br#"2["forwarded","hi",3]"#);
/// ```
#[derive(Clone, Default, PartialEq)]
pub struct Args(Vec<Value>);

impl Args {
    /// The arguments that `args` stands for: a tuple is several, `()` none, anything else one.
    ///
    /// # Errors
    /// As [`encode_event`](crate::socketio::encode_event).
    pub fn new<T: Serialize + ?Sized>(args: &T) -> Result<Self, Error> {
        Payload::encode(args)?.decode()
    }

    /// Decodes the arguments into a type, as [`decode`] does.
    ///
    /// # Errors
    /// As [`decode`].
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, Error> {
        Payload::encode(self)?.decode()
    }

    /// The argument at that index.
    pub fn get(&self, index: usize) -> Option<&Value> {
        self.0.get(index)
    }

    /// Appends an argument.
    pub fn push(&mut self, value: impl Into<Value>) {
        self.0.push(value.into());
    }

    /// How many arguments there are.
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The arguments in their order.
    pub fn iter(&self) -> std::slice::Iter<'_, Value> {
        self.0.iter()
    }
}

impl Payload {
    fn decode<T: DeserializeOwned>(&self) -> Result<T, Error> {
        decode(&self.data, false, &self.attachments)
    }
}

/// The argument at that index; [`Value::Null`] where there is none, so that it never panics.
impl Index<usize> for Args {
    type Output = Value;

    fn index(&self, index: usize) -> &Value {
        self.get(index).unwrap_or(&NULL)
    }
}

impl From<Vec<Value>> for Args {
    fn from(values: Vec<Value>) -> Self {
        Self(values)
    }
}

impl<V: Into<Value>> FromIterator<V> for Args {
    fn from_iter<I: IntoIterator<Item = V>>(values: I) -> Self {
        Self(values.into_iter().map(Into::into).collect())
    }
}

impl IntoIterator for Args {
    type Item = Value;
    type IntoIter = std::vec::IntoIter<Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Args {
    type Item = &'a Value;
    type IntoIter = std::slice::Iter<'a, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Args {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt_list(&self.0, f)
    }
}

impl fmt::Debug for Args {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
