//! The parts of serde, in which strings are replaced.

use std::fmt;

use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use super::rules::{Expanding, Expected, Rules, Scalar};
use super::string::{AS_WRITTEN, WITH_TARGET};

/// The name under which the YAML parser yields a value with its place: as the second value of a map.
const PLACED: &str = "__yaml_spanned";

/// The entries of a map. Keys are not replaced.
struct Entries<'v, A> {
    inner: A,
    rules: Rules<'v>,
    /// The number of values so far.
    values: usize,
}

macro_rules! pass_on {
    ($($method:ident($($name:ident: $of:ty),*);)+) => {
        $(fn $method<V: Visitor<'de>>(self, $($name: $of,)* visitor: V) -> Result<V::Value, T::Error> {
            self.inner.$method($($name,)* self.rules.wrap(visitor))
        })+
    };
}

macro_rules! read_number {
    ($expected:expr; $($method:ident)+) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, T::Error> {
            let Self { inner, rules } = self;
            inner.deserialize_any(rules.wrap(visitor).expecting($expected))
        })+
    };
}

impl<'de, T: Deserializer<'de>> Deserializer<'de> for Expanding<'_, T> {
    type Error = T::Error;

    pass_on! {
        deserialize_any();
        deserialize_char();
        deserialize_str();
        deserialize_string();
        deserialize_bytes();
        deserialize_byte_buf();
        deserialize_option();
        deserialize_unit();
        deserialize_unit_struct(name: &'static str);
        deserialize_seq();
        deserialize_tuple(length: usize);
        deserialize_tuple_struct(name: &'static str, length: usize);
        deserialize_map();
        deserialize_struct(name: &'static str, fields: &'static [&'static str]);
        deserialize_enum(name: &'static str, variants: &'static [&'static str]);
    }

    read_number! { Expected::Boolean; deserialize_bool }
    read_number! { Expected::Number; deserialize_f32 deserialize_f64 }
    read_number! {
        Expected::Integer;
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, T::Error> {
        let mut rules = self.rules;
        match name {
            AS_WRITTEN => return self.inner.deserialize_newtype_struct(name, visitor),
            WITH_TARGET => rules.allows_target = true,
            PLACED => rules.is_placed = true,
            _ => (),
        }
        self.inner
            .deserialize_newtype_struct(name, rules.wrap(visitor))
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, T::Error> {
        self.inner.deserialize_identifier(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, T::Error> {
        self.inner.deserialize_ignored_any(visitor)
    }
}

macro_rules! visit {
    ($($method:ident($of:ty);)+) => {
        $(fn $method<E: de::Error>(self, value: $of) -> Result<T::Value, E> {
            self.inner.$method(value)
        })+
    };
}

impl<'de, T: Visitor<'de>> Visitor<'de> for Expanding<'_, T> {
    type Value = T::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    visit! {
        visit_bool(bool);
        visit_i64(i64);
        visit_i128(i128);
        visit_u64(u64);
        visit_u128(u128);
        visit_f64(f64);
        visit_bytes(&[u8]);
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T::Value, E> {
        let Self { inner, rules } = self;
        if rules.expected == Expected::Any && !text.contains('$') {
            return inner.visit_str(text);
        }
        match rules.expand(text).map_err(E::custom)? {
            Scalar::String(text) => inner.visit_string(text),
            Scalar::Boolean(boolean) => inner.visit_bool(boolean),
            Scalar::Unsigned(number) => inner.visit_u64(number),
            Scalar::Signed(number) => inner.visit_i64(number),
            Scalar::Float(number) => inner.visit_f64(number),
        }
    }

    fn visit_none<E: de::Error>(self) -> Result<T::Value, E> {
        self.inner.visit_none()
    }

    fn visit_unit<E: de::Error>(self) -> Result<T::Value, E> {
        self.inner.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<T::Value, D::Error> {
        self.inner.visit_some(self.rules.wrap(inner))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<T::Value, D::Error> {
        self.inner.visit_newtype_struct(self.rules.wrap(inner))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<T::Value, A::Error> {
        self.inner.visit_seq(self.rules.wrap(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<T::Value, A::Error> {
        self.inner.visit_map(Entries {
            inner: entries,
            rules: self.rules,
            values: 0,
        })
    }

    fn visit_enum<A: EnumAccess<'de>>(self, variant: A) -> Result<T::Value, A::Error> {
        self.inner.visit_enum(self.rules.wrap(variant))
    }
}

impl<'de, T: DeserializeSeed<'de>> DeserializeSeed<'de> for Expanding<'_, T> {
    type Value = T::Value;

    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<T::Value, D::Error> {
        self.inner.deserialize(self.rules.wrap(inner))
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Expanding<'_, A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        self.inner.next_element_seed(self.rules.wrap(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Entries<'_, A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        self.inner.next_key_seed(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        /// Of a value with its place.
        const VALUE: usize = 1;
        let at = self.values;
        self.values += 1;
        if self.rules.is_placed && at != VALUE {
            return self.inner.next_value_seed(seed);
        }
        let rules = Rules {
            is_placed: false,
            ..self.rules
        };
        self.inner.next_value_seed(rules.wrap(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

impl<'de, 'v, A: EnumAccess<'de>> EnumAccess<'de> for Expanding<'v, A> {
    type Error = A::Error;
    type Variant = Expanding<'v, A::Variant>;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Self::Variant), A::Error> {
        let (value, variant) = self.inner.variant_seed(seed)?;
        Ok((value, self.rules.wrap(variant)))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Expanding<'_, A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.inner.unit_variant()
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        self.inner.newtype_variant_seed(self.rules.wrap(seed))
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        self.inner.tuple_variant(length, self.rules.wrap(visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        self.inner.struct_variant(fields, self.rules.wrap(visitor))
    }
}
