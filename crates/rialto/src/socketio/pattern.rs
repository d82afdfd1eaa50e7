//! Names of namespaces with parameters in them, as `/user-{id}`.

use serde::de::value::{Error, MapDeserializer, SeqDeserializer};
use serde::de::{DeserializeOwned, Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

/// A pattern, taken apart.
pub(crate) struct Pattern {
    /// What stands before the first parameter.
    first: Box<str>,
    /// Each parameter's name, and what stands behind it.
    rest: Vec<(Box<str>, Box<str>)>,
}

impl Pattern {
    /// Takes a pattern apart; the error says what is wrong with it.
    pub(crate) fn parse(pattern: &str) -> Result<Self, String> {
        let mut parts = pattern.split('{');
        let first: Box<str> = parts.next().unwrap_or_default().into();
        let mut rest: Vec<(Box<str>, Box<str>)> = Vec::new();
        for part in parts {
            let (name, literal) = part.split_once('}').ok_or("a `{` without its `}`")?;
            if name.is_empty() || literal.contains('}') {
                return Err("a parameter needs a name between `{` and `}`".to_owned());
            }
            if rest.last().is_some_and(|(_, before)| before.is_empty()) {
                return Err("two parameters need something between them".to_owned());
            }
            rest.push((name.into(), literal.into()));
        }
        Ok(Self { first, rest })
    }

    /// The parameters in a name, if it fits: each at least a character and without `/`, as short as
    /// can be, the last one whatever is left.
    fn parameters<'a>(&'a self, name: &'a str) -> Option<Vec<(&'a str, &'a str)>> {
        let mut left = name.strip_prefix(&*self.first)?;
        let mut found = Vec::with_capacity(self.rest.len());
        for (index, (parameter, literal)) in self.rest.iter().enumerate() {
            let last = index + 1 == self.rest.len();
            let (value, behind) = match last {
                true => (left.strip_suffix(&**literal)?, ""),
                false => left.split_once(&**literal)?,
            };
            if value.is_empty() || value.contains('/') {
                return None;
            }
            found.push((&**parameter, value));
            left = behind;
        }
        left.is_empty().then_some(found)
    }

    /// The parameters as a value: by name in a struct, in order in a tuple, one alone as itself.
    pub(crate) fn read<P: DeserializeOwned>(&self, name: &str) -> Option<P> {
        P::deserialize(Parameters(self.parameters(name)?)).ok()
    }
}

struct Parameters<'a>(Vec<(&'a str, &'a str)>);

impl Parameters<'_> {
    fn only(&self) -> Result<Text<'_>, Error> {
        match self.0[..] {
            [(_, value)] => Ok(Text(value)),
            _ => Err(serde::de::Error::custom("as many values as the pattern has parameters")),
        }
    }
}

macro_rules! only {
    ($($method:ident)+) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            self.only()?.$method(visitor)
        }
    )+};
}

impl<'de> Deserializer<'de> for Parameters<'_> {
    type Error = Error;

    only! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_i128 deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
        deserialize_u128 deserialize_f32 deserialize_f64 deserialize_char deserialize_str
        deserialize_string deserialize_bytes deserialize_byte_buf deserialize_identifier
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_map(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let members = self.0.iter().map(|(name, value)| (*name, Text(value)));
        visitor.visit_map(MapDeserializer::new(members))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_map(visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let mut values = SeqDeserializer::new(self.0.iter().map(|(_, value)| Text(value)));
        let result = visitor.visit_seq(&mut values)?;
        values.end().map(|()| result)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.only()?.deserialize_enum(name, variants, visitor)
    }
}

/// One parameter, read as what it is asked for.
#[derive(Clone, Copy)]
struct Text<'a>(&'a str);

macro_rules! numbers {
    ($($method:ident $visit:ident)+) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            visitor.$visit(self.0.parse().map_err(serde::de::Error::custom)?)
        }
    )+};
}

impl<'de> Deserializer<'de> for Text<'_> {
    type Error = Error;

    numbers! {
        deserialize_bool visit_bool
        deserialize_i8 visit_i8 deserialize_i16 visit_i16 deserialize_i32 visit_i32
        deserialize_i64 visit_i64 deserialize_i128 visit_i128
        deserialize_u8 visit_u8 deserialize_u16 visit_u16 deserialize_u32 visit_u32
        deserialize_u64 visit_u64 deserialize_u128 visit_u128
        deserialize_f32 visit_f32 deserialize_f64 visit_f64 deserialize_char visit_char
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_str(self.0)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_enum(IntoDeserializer::<Error>::into_deserializer(self.0))
    }

    forward_to_deserialize_any! {
        str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier
        ignored_any
    }
}

impl IntoDeserializer<'_> for Text<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;
    use serde::Deserialize;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Kind {
        Team,
        Game,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Place {
        number: u32,
        kind: Kind,
    }

    fn read<P: serde::de::DeserializeOwned>(pattern: &str, name: &str) -> Option<P> {
        Pattern::parse(pattern).expect("a pattern").read(name)
    }

    #[test]
    fn parameters_have_types() {
        assert_eq!(read("/user-{id}", "/user-42"), Some(42_u32));
        assert_eq!(read::<u32>("/user-{id}", "/user-x"), None);
        assert_eq!(read::<u8>("/user-{id}", "/user-256"), None);
        assert_eq!(read("/{a}/{b}", "/x/-1.5"), Some(("x".to_owned(), -1.5)));
        assert_eq!(read::<(String,)>("/{a}/{b}", "/x/y"), None);
        let place = Place { number: 7, kind: Kind::Game };
        assert_eq!(read("/{kind}/{number}/live", "/game/7/live"), Some(place));
        assert_eq!(read::<Place>("/{kind}/{number}", "/gone/7"), None);
        assert_eq!(read("/{kind}", "/team"), Some(Kind::Team));
        assert_eq!(read("/{a}-{b}", "/x-y-z"), Some(["x".to_owned(), "y-z".to_owned()]));
        assert_eq!(read("/{a}-end", "/x-end-end"), Some("x-end".to_owned()));
        assert_eq!(read("/plain", "/plain"), Some(()));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for name in ["/user-", "/user", "/user-1/2", "/User-1", "user-1", ""] {
            assert_eq!(read::<String>("/user-{id}", name), None, "{name}");
        }
        assert_eq!(read::<()>("/plain", "/plainer"), None);
        for pattern in ["/{a", "/{}", "/{a}}", "/{a}{b}"] {
            assert!(Pattern::parse(pattern).is_err(), "{pattern}");
        }
    }
}
