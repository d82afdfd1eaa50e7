//! All arguments of a packet.

use std::fmt;
use std::ops::Index;
use std::sync::OnceLock;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Value;
use super::dynamic::{NULL, fmt_list};
use super::serial::List;
use crate::socketio::encode::Payload;
use crate::socketio::json::replace_infinities;
use crate::socketio::{Error, decode};

/// All arguments of an event or an ack, whatever they are.
///
/// As an argument type it takes everything that came; sent, it is as many arguments as it holds.
/// Inside another value it is an array.
///
/// What came without binary is kept as text and read when somebody looks at it: to pass it on costs
/// a copy of the text and nothing else. A number beyond the range of floats is read as `null`.
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
#[derive(Clone, Default)]
pub struct Args {
    /// The arguments as they came, with commas between them; `None` if they are made of values.
    text: Option<Box<str>>,
    values: OnceLock<Vec<Value>>,
}

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
        match &self.text {
            Some(text) => decode(&format!("[{text}]"), false, &[]),
            None => Payload::encode(self)?.decode(),
        }
    }

    /// From JSON that was checked.
    pub(super) fn from_text(text: &str) -> Self {
        Self { text: Some(text.into()), values: OnceLock::new() }
    }

    /// The arguments as they came, if they are still that.
    pub(super) fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    pub(super) fn values(&self) -> &[Value] {
        self.values.get_or_init(|| self.text.as_deref().map(read).unwrap_or_default())
    }

    fn into_values(self) -> Vec<Value> {
        match (self.values.into_inner(), self.text) {
            (Some(values), _) => values,
            (None, Some(text)) => read(&text),
            (None, None) => Vec::new(),
        }
    }

    /// The argument at that index.
    pub fn get(&self, index: usize) -> Option<&Value> {
        self.values().get(index)
    }

    /// Appends an argument.
    pub fn push(&mut self, value: impl Into<Value>) {
        let mut values = std::mem::take(self).into_values();
        values.push(value.into());
        *self = Self::from(values);
    }

    /// How many arguments there are.
    pub fn len(&self) -> usize {
        self.values().len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        match &self.text {
            Some(text) => text.is_empty(),
            None => self.values().is_empty(),
        }
    }

    /// The arguments in their order.
    pub fn iter(&self) -> std::slice::Iter<'_, Value> {
        self.values().iter()
    }
}

/// Arguments that are known to be JSON.
fn read(text: &str) -> Vec<Value> {
    let payload = format!("[{text}]");
    let list = decode::<List>(&payload, false, &[]);
    list.or_else(|_| decode(&replace_infinities(&payload), false, &[]))
        .map(|List(values)| values)
        .unwrap_or_default()
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
        Self { text: None, values: values.into() }
    }
}

impl PartialEq for Args {
    fn eq(&self, other: &Self) -> bool {
        self.values() == other.values()
    }
}

impl<V: Into<Value>> FromIterator<V> for Args {
    fn from_iter<I: IntoIterator<Item = V>>(values: I) -> Self {
        Self::from(values.into_iter().map(Into::into).collect::<Vec<_>>())
    }
}

impl IntoIterator for Args {
    type Item = Value;
    type IntoIter = std::vec::IntoIter<Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.into_values().into_iter()
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
        fmt_list(self.values(), f)
    }
}

impl fmt::Debug for Args {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
