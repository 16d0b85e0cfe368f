//! Rust types from a tree, with the position of whatever asks for it.

use std::fmt;
use std::ops::Range;

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer,
    VariantAccess, Visitor,
};

use super::at::AT;
use super::{Entry, Kind, Node, Problem, Spot};

/// Reads a `T` from the tree. Nothing is coerced: `42` is not a string.
pub fn from_node<T: DeserializeOwned>(node: &Node) -> Result<T, Problem> {
    T::deserialize(node).map_err(|failure| {
        let span = failure.span.unwrap_or_else(|| node.caret());
        Problem::new("shape", failure.message, span)
    })
}

/// What a type's own reading says, with the innermost position known.
#[derive(Debug)]
pub struct Failure {
    message: String,
    span: Option<Range<usize>>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

impl de::Error for Failure {
    fn custom<M: fmt::Display>(message: M) -> Self {
        Self { message: message.to_string(), span: None }
    }
}

impl Failure {
    fn at(mut self, node: &Node) -> Self {
        self.span.get_or_insert_with(|| node.caret());
        self
    }
}

impl<'de> IntoDeserializer<'de, Failure> for &'de Node {
    type Deserializer = Self;
    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for &'de Node {
    type Error = Failure;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match &self.kind {
            Kind::Null => visitor.visit_unit(),
            Kind::Bool(value) => visitor.visit_bool(*value),
            Kind::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(value), _, _) => visitor.visit_u64(value),
                (None, Some(value), _) => visitor.visit_i64(value),
                (None, None, Some(value)) => visitor.visit_f64(value),
                (None, None, None) => Err(de::Error::custom("this number is too large")),
            },
            Kind::Text(text) => visitor.visit_borrowed_str(text),
            Kind::List(items) => {
                let mut seq = SeqDeserializer::new(items.iter());
                visitor.visit_seq(&mut seq).and_then(|value| seq.end().map(|()| value))
            }
            Kind::Map(entries) => {
                let pairs = entries.iter().map(|entry| (Key(entry), &entry.value));
                let mut map = MapDeserializer::new(pairs);
                visitor.visit_map(&mut map).and_then(|value| map.end().map(|()| value))
            }
        }
        .map_err(|failure: Failure| failure.at(self))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match self.kind {
            Kind::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        if name == AT {
            let read = visitor.visit_seq(Placed { node: self, given: 0 });
            return read.map_err(|failure| failure.at(self));
        }
        visitor.visit_newtype_struct(self)
    }

    /// A bare word is a variant; `{variant: content}` is one with content.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        let read = match &self.kind {
            Kind::Text(text) => visitor.visit_enum(text.as_str().into_deserializer()),
            // A profile may say `true` where the enum has that name.
            Kind::Bool(value) => {
                visitor.visit_enum(if *value { "true" } else { "false" }.into_deserializer())
            }
            Kind::Map(entries) => match entries.as_slice() {
                [entry] => visitor.visit_enum(Variant(entry)),
                _ => Err(de::Error::custom("expected a map of exactly one key")),
            },
            Kind::Null | Kind::Number(_) | Kind::List(_) => Err(de::Error::custom(format!(
                "expected a word or a map of one key, found {}",
                self.describe()
            ))),
        };
        read.map_err(|failure: Failure| failure.at(self))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// Line, column, value: what [`super::At`] reads.
struct Placed<'de> {
    node: &'de Node,
    given: u8,
}

impl<'de> de::SeqAccess<'de> for Placed<'de> {
    type Error = Failure;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Failure> {
        let Spot { line, column } = self.node.spot;
        self.given += 1;
        match self.given {
            1 => seed.deserialize(line.into_deserializer()).map(Some),
            2 => seed.deserialize(column.into_deserializer()).map(Some),
            3 => seed.deserialize(self.node).map(Some),
            _ => Ok(None),
        }
    }
}

/// A map's key, which fails where it stands.
struct Key<'de>(&'de Entry);

impl<'de> IntoDeserializer<'de, Failure> for Key<'de> {
    type Deserializer = Self;
    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Key<'de> {
    type Error = Failure;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_borrowed_str(&self.0.key).map_err(|mut failure: Failure| {
            failure.span.get_or_insert_with(|| self.0.key_span.clone());
            failure
        })
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        visitor.visit_newtype_struct(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier ignored_any option enum
    }
}

struct Variant<'de>(&'de Entry);

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = Failure;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Failure> {
        seed.deserialize(Key(self.0)).map(|name| (name, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'de> {
    type Error = Failure;

    fn unit_variant(self) -> Result<(), Failure> {
        Err(de::Error::custom(format!("`{}` takes no value here", self.0.key)))
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Failure> {
        seed.deserialize(&self.0.value)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Failure> {
        self.0.value.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.0.value.deserialize_any(visitor)
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::document::{At, parse_yaml};

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Bread {
        name: At<String>,
        #[serde(default)]
        slices: Vec<At<u32>>,
        topping: Option<Topping>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Topping {
        Plain,
        Jam(String),
        Both { left: String, right: String },
    }

    fn read(text: &str) -> Result<Bread, Problem> {
        let (tree, problems) = parse_yaml(text);
        assert_eq!(problems, []);
        from_node(&tree.unwrap())
    }

    #[test]
    fn a_value_knows_where_it_stands_and_behind_an_alias_where_it_is_defined() {
        let bread = read("slices: [1, &two 22]\nname: &n rye\n").unwrap();
        assert_eq!(bread.name.spot, Spot { line: 2, column: 10 });
        assert_eq!(bread.slices[1].spot, Spot { line: 1, column: 18 });
        assert_eq!(bread.slices[1].value, 22);
        let (tree, _) = parse_yaml("a: &a ünder\nb: {c: *a}\n");
        let tree = tree.unwrap();
        assert_eq!(tree.get("b").unwrap().get("c").unwrap().spot, Spot { line: 1, column: 7 });
    }

    #[test]
    fn any_other_deserializer_leaves_the_place_unknown() {
        let bread: Bread = serde_json::from_str(r#"{"name": "rye"}"#).unwrap();
        assert_eq!((bread.name.as_str(), bread.name.spot), ("rye", Spot::default()));
    }

    #[test]
    fn enums_are_words_or_maps_of_one_key() {
        let topping =
            |text: &str| read(&format!("name: rye\ntopping: {text}\n")).map(|b| b.topping);
        assert_eq!(topping("plain").unwrap(), Some(Topping::Plain));
        assert_eq!(topping("{jam: plum}").unwrap(), Some(Topping::Jam("plum".into())));
        assert_eq!(
            topping("{both: {left: a, right: b}}").unwrap(),
            Some(Topping::Both { left: "a".into(), right: "b".into() })
        );
        assert_eq!(topping("null").unwrap(), None);
        assert_eq!(topping("{jam: plum, plain: }").unwrap_err().span, 20..23);
        assert_eq!(topping("{jam: 3}").unwrap_err().span, 25..26);
    }

    #[test]
    fn nothing_is_coerced_and_the_innermost_place_is_told() {
        let error = read("name: 42\n").unwrap_err();
        assert_eq!(error.span, 6..8);
        assert!(error.message.contains("expected a string"), "{}", error.message);
        assert_eq!(read("name: rye\nslices: [1, -2]\n").unwrap_err().span, 22..24);
        assert_eq!(read("name: rye\nbutter: yes\n").unwrap_err().span, 10..16);
    }
}
