//! The members of an object, in their order.

use std::collections::BTreeMap;
use std::fmt;

use super::Value;
use super::dynamic::fmt_json_string;

/// The members of a JSON object in the order in which they came.
///
/// Two objects are equal if they have the same members in any order. If a name occurs twice, as a
/// peer may write it, the last one counts, as in JavaScript; both are kept.
#[derive(Clone, Default)]
pub struct Object(Vec<(String, Value)>);

impl Object {
    /// An object without members.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// The value of the last member of that name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// Sets a member: in its place if it is there, otherwise at the end.
    pub fn insert(&mut self, name: impl Into<String>, value: impl Into<Value>) {
        let (name, value) = (name.into(), value.into());
        match self.0.iter_mut().rev().find(|(key, _)| *key == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name, value)),
        }
    }

    /// Removes all members of that name and returns the value that counted.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        self.0.extract_if(.., |(key, _)| key == name).last().map(|(_, value)| value)
    }

    /// How many members there are.
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no member.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The members in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// Appends a member without looking for one of the same name.
    pub(super) fn push(&mut self, name: String, value: Value) {
        self.0.push((name, value));
    }
}

impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        // Nearly always the order is the same; if not, sorting keeps hostile sizes affordable.
        self.0 == other.0
            || self.iter().collect::<BTreeMap<_, _>>() == other.iter().collect::<BTreeMap<_, _>>()
    }
}

impl FromIterator<(String, Value)> for Object {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(members: I) -> Self {
        Self(members.into_iter().collect())
    }
}

impl IntoIterator for Object {
    type Item = (String, Value);
    type IntoIter = std::vec::IntoIter<(String, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (index, (name, value)) in self.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            fmt_json_string(name, f)?;
            write!(f, ":{value}")?;
        }
        f.write_str("}")
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
