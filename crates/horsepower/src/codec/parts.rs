//! The parts of a value that has several: elements, entries, and the content of a variant.
//!
//! Handed to serde by [`Reader`].

use super::failure::CodecError;
use super::reader::{Reader, damaged, left_over};
use super::tag::{END, RUN, number_len};
use serde::de::value::BorrowedStrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor,
};

/// The elements of a sequence, or the entries of a map.
pub(super) struct Parts<'b, 'de, 'a> {
    reader: &'b mut Reader<'de, 'a>,
    /// The rest of a run: the tag of its numbers, and how many there are.
    run: (u8, usize),
}

impl<'b, 'de, 'a> Parts<'b, 'de, 'a> {
    #[inline]
    pub(super) fn new(reader: &'b mut Reader<'de, 'a>) -> Self {
        Parts { reader, run: (END, 0) }
    }

    /// Nothing may be left.
    #[inline]
    pub(super) fn finish(self) -> Result<(), CodecError> {
        if self.run.1 > 0 { Err(left_over()) } else { self.reader.end() }
    }

    /// Comes to the next part. False: there is none.
    #[inline]
    fn advance(&mut self) -> Result<bool, CodecError> {
        if self.run.1 == 0 {
            match self.reader.peek()? {
                END => return Ok(false),
                RUN => self.begin_run()?,
                _ => return Ok(true),
            }
        }
        self.run.1 -= 1;
        self.reader.given = self.run.0;
        Ok(true)
    }

    fn begin_run(&mut self) -> Result<(), CodecError> {
        let (_, tag) = (self.reader.tag()?, self.reader.tag()?);
        let count = self.reader.len()?;
        let bytes = number_len(tag).and_then(|len| len.checked_mul(count));
        if count == 0 || bytes.is_none_or(|bytes| bytes > self.reader.bytes.len()) {
            return Err(damaged("a run of numbers"));
        }
        self.run = (tag, count);
        Ok(())
    }
}

impl<'de> SeqAccess<'de> for &mut Parts<'_, 'de, '_> {
    type Error = CodecError;

    #[inline]
    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, CodecError> {
        if self.advance()? { seed.deserialize(&mut *self.reader).map(Some) } else { Ok(None) }
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        // A sequence of numbers is usually one run, which has been checked against what is there.
        let run = self.reader.bytes.strip_prefix(&[RUN]).filter(|_| self.run.1 == 0);
        let (tag, rest) = run?.split_first()?;
        let (count, rest) = rest.split_first_chunk()?;
        let count = usize::try_from(u64::from_le_bytes(*count)).ok()?;
        Some(count.min(rest.len() / number_len(*tag)?))
    }
}

impl<'de> MapAccess<'de> for &mut Parts<'_, 'de, '_> {
    type Error = CodecError;

    #[inline]
    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, CodecError> {
        match self.reader.peek()? {
            END => Ok(None),
            _ => seed.deserialize(&mut *self.reader).map(Some),
        }
    }

    #[inline]
    fn next_value_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<S::Value, CodecError> {
        seed.deserialize(&mut *self.reader)
    }
}

/// A variant and its content, as a map with one entry.
pub(super) struct Entry<'b, 'de, 'a> {
    pub(super) name: Option<BorrowedStrDeserializer<'de, CodecError>>,
    pub(super) reader: &'b mut Reader<'de, 'a>,
    pub(super) taken: bool,
}

impl<'de> MapAccess<'de> for &mut Entry<'_, 'de, '_> {
    type Error = CodecError;

    #[inline]
    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, CodecError> {
        self.name.take().map(|name| seed.deserialize(name)).transpose()
    }

    #[inline]
    fn next_value_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<S::Value, CodecError> {
        if std::mem::replace(&mut self.taken, true) {
            return Err(CodecError::new("a variant has one value"));
        }
        seed.deserialize(&mut *self.reader)
    }
}

/// A variant and its content, as an enum.
pub(super) struct Variant<'b, 'de, 'a> {
    pub(super) name: &'de str,
    pub(super) reader: &'b mut Reader<'de, 'a>,
}

impl<'b, 'de, 'a> EnumAccess<'de> for Variant<'b, 'de, 'a> {
    type Error = CodecError;
    type Variant = Content<'b, 'de, 'a>;

    #[inline]
    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Self::Variant), CodecError> {
        let name = seed.deserialize(BorrowedStrDeserializer::new(self.name))?;
        Ok((name, Content(self.reader)))
    }
}

/// The content of a variant.
pub(super) struct Content<'b, 'de, 'a>(&'b mut Reader<'de, 'a>);

impl<'de> VariantAccess<'de> for Content<'_, 'de, '_> {
    type Error = CodecError;

    #[inline]
    fn unit_variant(self) -> Result<(), CodecError> {
        serde::Deserialize::deserialize(self.0)
    }

    #[inline]
    fn newtype_variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<S::Value, CodecError> {
        seed.deserialize(self.0)
    }

    #[inline]
    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, CodecError> {
        self.0.deserialize_any(visitor)
    }

    #[inline]
    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, CodecError> {
        self.0.deserialize_any(visitor)
    }
}
