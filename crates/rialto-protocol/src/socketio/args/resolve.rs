//! A deserializer around another that puts the attachments in the places of their placeholders.
//!
//! Where a type asks for bytes, or for anything, an object that is a placeholder is answered with
//! its attachment. Where it asks for a map or a struct, it gets the object as it stands.

use std::borrow::Cow;
use std::fmt;

use serde::de::value::{BorrowedStrDeserializer, StrDeserializer};
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, IgnoredAny, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};

use super::deserialize::{Source, is_private};
use super::lend;
use crate::socketio::placeholder;

/// Wraps a deserializer, a visitor, an access or a seed: whatever stands between the text and the
/// type.
pub(super) struct Resolver<'c, 'de, T> {
    pub(super) inner: T,
    pub(super) source: &'c Source<'de>,
}

/// A visitor that may be answered with an attachment.
struct Anything<'c, 'de, V> {
    visitor: V,
    source: &'c Source<'de>,
}

impl<'de> Source<'de> {
    /// The attachment of the object whose first member's name is `key`, if it is a placeholder.
    /// The name's place in memory tells the object's place in the text.
    fn placeholder(&self, key: &Key<'de>) -> Option<usize> {
        let Key(Cow::Borrowed(key @ ("_placeholder" | "num"))) = key else { return None };
        let at = key.as_ptr().addr().checked_sub(self.text.as_ptr().addr())?;
        (at < self.text.len()).then(|| placeholder::number_at(self.text, at))?
    }

    fn visit_attachment<V, E>(&self, number: usize, visitor: V) -> Result<V::Value, E>
    where
        V: Visitor<'de>,
        E: Error,
    {
        let Some(slice) = self.attachments.get(number) else {
            return Err(E::custom("a placeholder names no attachment"));
        };
        let Some(allowance) = self.allowance.get().checked_sub(slice.len()) else {
            return Err(E::custom("an attachment is named twice"));
        };
        self.allowance.set(allowance);
        match self.attachments.kept(number) {
            Some(bytes) => lend(bytes, || visitor.visit_borrowed_bytes(slice)),
            None => visitor.visit_borrowed_bytes(slice),
        }
    }
}

/// A member's name, borrowed from the text unless it has escapes.
struct Key<'de>(Cow<'de, str>);

impl<'de> serde::Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a member's name")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(KeyVisitor)
    }
}

/// An object of which the first name has been read already.
struct Replay<'c, 'de, A> {
    first: Option<Key<'de>>,
    rest: Resolver<'c, 'de, A>,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Replay<'_, 'de, A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        match self.first.take() {
            Some(Key(Cow::Borrowed(key))) => seed.deserialize(BorrowedStrDeserializer::new(key)),
            Some(Key(Cow::Owned(key))) => seed.deserialize(StrDeserializer::new(&key)),
            None => return self.rest.next_key_seed(seed),
        }
        .map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.rest.next_value_seed(seed)
    }
}

/// Hands the scalars through.
macro_rules! visit_through {
    ($field:ident) => {
        visit_through! { $field:
            visit_bool(bool) visit_i64(i64) visit_i128(i128) visit_u64(u64) visit_u128(u128)
            visit_f64(f64) visit_char(char) visit_str(&str) visit_borrowed_str(&'de str)
            visit_string(String) visit_bytes(&[u8]) visit_borrowed_bytes(&'de [u8])
            visit_byte_buf(Vec<u8>)
        }
    };
    ($field:ident: $($method:ident($type:ty))*) => {
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.$field.expecting(f)
        }

        $(fn $method<E: Error>(self, value: $type) -> Result<V::Value, E> {
            self.$field.$method(value)
        })*

        fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
            self.$field.visit_unit()
        }

        fn visit_none<E: Error>(self) -> Result<V::Value, E> {
            self.$field.visit_none()
        }

        fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
            self.$field.visit_some(Resolver { inner, source: self.source })
        }

        fn visit_newtype_struct<D: Deserializer<'de>>(
            self,
            inner: D,
        ) -> Result<V::Value, D::Error> {
            self.$field.visit_newtype_struct(Resolver { inner, source: self.source })
        }

        fn visit_seq<A: SeqAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
            self.$field.visit_seq(Resolver { inner, source: self.source })
        }

        fn visit_enum<A: EnumAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
            self.$field.visit_enum(Resolver { inner, source: self.source })
        }
    };
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Resolver<'_, 'de, V> {
    type Value = V::Value;

    visit_through!(inner);

    fn visit_map<A: MapAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        self.inner.visit_map(Resolver { inner, source: self.source })
    }
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Anything<'_, 'de, V> {
    type Value = V::Value;

    visit_through!(visitor);

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<V::Value, A::Error> {
        let first = map.next_key::<Key<'de>>()?;
        let Some(number) = first.as_ref().and_then(|key| self.source.placeholder(key)) else {
            let rest = Resolver { inner: map, source: self.source };
            return match first {
                Some(_) => self.visitor.visit_map(Replay { first, rest }),
                None => self.visitor.visit_map(rest),
            };
        };
        map.next_value::<IgnoredAny>()?;
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        self.source.visit_attachment(number, self.visitor)
    }
}

/// Methods that ask for something in particular: never a placeholder at this level.
macro_rules! deserialize_through {
    ($($method:ident($($name:ident: $type:ty),*))*) => {
        $(fn $method<V: Visitor<'de>>(
            self,
            $($name: $type,)*
            visitor: V,
        ) -> Result<V::Value, D::Error> {
            self.inner.$method($($name,)* Resolver { inner: visitor, source: self.source })
        })*
    };
}

/// Methods that an attachment may answer.
macro_rules! deserialize_anything {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            self.inner.deserialize_any(Anything { visitor, source: self.source })
        })*
    };
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Resolver<'_, 'de, D> {
    type Error = D::Error;

    deserialize_anything! { deserialize_any deserialize_bytes deserialize_byte_buf }

    deserialize_through! {
        deserialize_bool() deserialize_i8() deserialize_i16() deserialize_i32() deserialize_i64()
        deserialize_i128() deserialize_u8() deserialize_u16() deserialize_u32() deserialize_u64()
        deserialize_u128() deserialize_f32() deserialize_f64() deserialize_char()
        deserialize_str() deserialize_string() deserialize_option() deserialize_unit()
        deserialize_seq() deserialize_map() deserialize_identifier() deserialize_ignored_any()
        deserialize_unit_struct(name: &'static str)
        deserialize_tuple(len: usize)
        deserialize_tuple_struct(name: &'static str, len: usize)
        deserialize_struct(name: &'static str, fields: &'static [&'static str])
        deserialize_enum(name: &'static str, variants: &'static [&'static str])
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        if is_private(name) {
            return self.inner.deserialize_newtype_struct(name, visitor);
        }
        let visitor = Resolver { inner: visitor, source: self.source };
        self.inner.deserialize_newtype_struct(name, visitor)
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Resolver<'_, 'de, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<S::Value, D::Error> {
        self.inner.deserialize(Resolver { inner, source: self.source })
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Resolver<'_, 'de, A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        self.inner.next_element_seed(Resolver { inner: seed, source: self.source })
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Resolver<'_, 'de, A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        self.inner.next_key_seed(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.inner.next_value_seed(Resolver { inner: seed, source: self.source })
    }
}

impl<'c, 'de, A: EnumAccess<'de>> EnumAccess<'de> for Resolver<'c, 'de, A> {
    type Error = A::Error;
    type Variant = Resolver<'c, 'de, A::Variant>;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Self::Variant), A::Error> {
        let (value, inner) = self.inner.variant_seed(seed)?;
        Ok((value, Resolver { inner, source: self.source }))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Resolver<'_, 'de, A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.inner.unit_variant()
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        self.inner.newtype_variant_seed(Resolver { inner: seed, source: self.source })
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, A::Error> {
        self.inner.tuple_variant(len, Resolver { inner: visitor, source: self.source })
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        self.inner.struct_variant(fields, Resolver { inner: visitor, source: self.source })
    }
}
