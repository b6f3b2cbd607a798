//! Visitors of JSON values that are not kept in memory.

use std::fmt;

use exporter_kit::Number;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{
    Deserialize as _, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor,
};
use serde_json::Value;

use super::rows::nested_cell;
use crate::decode::Cell;

/// A visitor for a JSON value of any type.
pub(super) trait Take: Sized {
    type Taken;

    fn scalar<E: Error>(self, cell: Cell) -> Result<Self::Taken, E>;

    fn object<'de, A: MapAccess<'de>>(self, members: A) -> Result<Self::Taken, A::Error>;

    fn array<'de, A: SeqAccess<'de>>(self, items: A) -> Result<Self::Taken, A::Error>;
}

/// Makes a cell of a value.
pub(super) struct ToCell;

impl Take for ToCell {
    type Taken = Cell;

    fn scalar<E: Error>(self, cell: Cell) -> Result<Cell, E> {
        Ok(cell)
    }

    fn object<'de, A: MapAccess<'de>>(self, members: A) -> Result<Cell, A::Error> {
        Value::deserialize(MapAccessDeserializer::new(members)).map(|value| nested_cell(&value))
    }

    fn array<'de, A: SeqAccess<'de>>(self, items: A) -> Result<Cell, A::Error> {
        Value::deserialize(SeqAccessDeserializer::new(items)).map(|value| nested_cell(&value))
    }
}

/// Passes the next value to its visitor.
pub(super) struct Each<T>(pub(super) T);

impl<'de, T: Take> DeserializeSeed<'de> for Each<T> {
    type Value = T::Taken;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<T::Taken, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de, T: Take> Visitor<'de> for Each<T> {
    type Value = T::Taken;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E: Error>(self) -> Result<T::Taken, E> {
        self.0.scalar(Cell::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<T::Taken, E> {
        self.0.scalar(Cell::Bool(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<T::Taken, E> {
        self.0.scalar(Cell::Number(Number::U64(value)))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<T::Taken, E> {
        self.0.scalar(Cell::Number(Number::I64(value)))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<T::Taken, E> {
        self.0.scalar(Cell::Number(Number::F64(value)))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<T::Taken, E> {
        self.0.scalar(Cell::text(value))
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<T::Taken, A::Error> {
        self.0.object(members)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<T::Taken, A::Error> {
        self.0.array(items)
    }
}

/// Compares the name of a member.
pub(super) struct Name<F>(pub(super) F);

impl<'de, T, F: FnMut(&str) -> T> DeserializeSeed<'de> for Name<F> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<T, D::Error> {
        json.deserialize_str(self)
    }
}

impl<T, F: FnMut(&str) -> T> Visitor<'_> for Name<F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(mut self, name: &str) -> Result<T, E> {
        Ok(self.0(name))
    }
}
