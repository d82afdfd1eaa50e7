//! From an event to a serde enum: the name chooses the variant, the arguments fill it.

use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error as _, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::deserialize::{ArgsDeserializer, Source};
use crate::socketio::error::Kind;
use crate::socketio::json::replace_lone_surrogates;
use crate::socketio::{Attachments, Error};

type Result<T> = std::result::Result<T, serde_json::Error>;

/// Reads an event into an enum: the event's name is the variant's, its arguments are the fields (a
/// variant with named fields takes one object). `data` is the event's payload as it came, with the
/// name in it. The counterpart of [`encode_enum`](crate::socketio::encode_enum).
///
/// # Errors
/// As [`decode`](super::decode), and [`Error::is_unknown_event`] if the enum has no such variant.
///
/// ```
/// use rialto_protocol::socketio::{event_name, read};
/// use serde::Deserialize;
///
/// #[derive(Deserialize, Debug, PartialEq)]
/// #[serde(rename_all = "snake_case")]
/// enum FromClient { Say(String), Typing, Sum(i64, i64) }
///
/// let data = r#"["sum",1,2]"#;
/// let (name, _) = event_name(data).unwrap();
/// assert_eq!(read::<FromClient>(&name, data, &[]).unwrap(), FromClient::Sum(1, 2));
/// assert!(read::<FromClient>("shout", data, &[]).unwrap_err().is_unknown_event());
/// ```
pub fn read<'a, E: DeserializeOwned>(
    name: &str,
    data: &str,
    attachments: impl Into<Attachments<'a>>,
) -> std::result::Result<E, Error> {
    let attachments = attachments.into();
    read_once(name, data, attachments).or_else(|error| match replace_lone_surrogates(data) {
        Some(cleaned) => read_once(name, &cleaned, attachments),
        None => Err(error),
    })
}

fn read_once<E: DeserializeOwned>(
    name: &str,
    data: &str,
    attachments: Attachments<'_>,
) -> std::result::Result<E, Error> {
    let source = Source::new(data, true, attachments);
    let mut unknown = false;
    let event = EventDeserializer { name, source: &source, unknown: &mut unknown };
    E::deserialize(event).map_err(|error| {
        let kind = if unknown { Kind::UnknownEvent } else { Kind::Decode };
        source.error(kind, error)
    })
}

struct EventDeserializer<'c, 'de> {
    name: &'c str,
    source: &'c Source<'de>,
    unknown: &'c mut bool,
}

impl<'de> Deserializer<'de> for EventDeserializer<'_, 'de> {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value> {
        Err(serde_json::Error::custom("an event is read into an enum"))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        visitor.visit_enum(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

impl<'c, 'de> EnumAccess<'de> for EventDeserializer<'c, 'de> {
    type Error = serde_json::Error;
    type Variant = EventArgs<'c, 'de>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self::Variant)> {
        let variant = seed
            .deserialize(StrDeserializer::new(self.name))
            .inspect_err(|_: &serde_json::Error| *self.unknown = true)?;
        Ok((variant, EventArgs(ArgsDeserializer { source: self.source })))
    }
}

struct EventArgs<'c, 'de>(ArgsDeserializer<'c, 'de>);

impl<'de> VariantAccess<'de> for EventArgs<'_, 'de> {
    type Error = serde_json::Error;

    fn unit_variant(self) -> Result<()> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value> {
        seed.deserialize(self.0)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value> {
        self.0.deserialize_tuple(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        self.0.deserialize_struct("", fields, visitor)
    }
}
