//! [`Reader`], serde's view of the format ([`tag`](super::tag)) when bytes are decoded.
//!
//! The bytes may come from a worker that has gone mad. Nothing here trusts them: every length is checked
//! against what is left, nesting is bounded, and large texts are allocated in a way that can fail.

use super::depth::Depth;
use super::failure::CodecError;
use super::parts::{Entry, Parts, Variant};
use super::tag::{
    BYTES, CHAR, END, F32, F64, FALSE, I8, I16, I32, I64, I128, MAP, NONE, SEQUENCE, SHORT, SOME,
    TEXT, TRUE, U8, U16, U32, U64, U128, UNIT, UNIT_VARIANT, VARIANT,
};
use serde::de::value::{BorrowedStrDeserializer, SeqDeserializer};
use serde::de::{Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

/// A text from this length on is allocated in a way that can fail. The allocation of a shorter one fails
/// together with everything else in the program.
const LARGE: usize = 64 << 10;

/// Reads values off the front of bytes.
pub(super) struct Reader<'de, 'a> {
    pub(super) bytes: &'de [u8],
    /// The tag of the next value, if it is not in the bytes, because the value belongs to a run; else
    /// `END`.
    pub(super) given: u8,
    pub(super) depth: &'a mut Depth,
}

#[cold]
fn too_short() -> CodecError {
    damaged("they end too early")
}

#[cold]
pub(super) fn damaged(what: &str) -> CodecError {
    CodecError::new(format!("the bytes are not an encoded value: {what}"))
}

impl<'de, 'a> Reader<'de, 'a> {
    pub(super) fn new(bytes: &'de [u8], depth: &'a mut Depth) -> Self {
        Reader { bytes, given: END, depth }
    }

    #[inline]
    pub(super) fn take(&mut self, len: usize) -> Result<&'de [u8], CodecError> {
        let (taken, rest) = self.bytes.split_at_checked(len).ok_or_else(too_short)?;
        self.bytes = rest;
        Ok(taken)
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], CodecError> {
        let (taken, rest) = self.bytes.split_first_chunk().ok_or_else(too_short)?;
        self.bytes = rest;
        Ok(*taken)
    }

    /// The tag of the next value, without taking it.
    #[inline]
    pub(super) fn peek(&self) -> Result<u8, CodecError> {
        match (self.given, self.bytes.first()) {
            (END, Some(&tag)) => Ok(tag),
            (END, None) => Err(too_short()),
            (given, _) => Ok(given),
        }
    }

    #[inline]
    pub(super) fn tag(&mut self) -> Result<u8, CodecError> {
        match std::mem::replace(&mut self.given, END) {
            END => self.array::<1>().map(|[tag]| tag),
            given => Ok(given),
        }
    }

    #[inline]
    pub(super) fn len(&mut self) -> Result<usize, CodecError> {
        usize::try_from(u64::from_le_bytes(self.array()?))
            .map_err(|_| damaged("a length is too large"))
    }

    /// The text with this tag.
    #[inline]
    fn text(&mut self, tag: u8) -> Result<&'de str, CodecError> {
        let len = match tag {
            SHORT => usize::from(self.array::<1>()?[0]),
            TEXT => self.len()?,
            _ => return Err(damaged("a name is not a text")),
        };
        std::str::from_utf8(self.take(len)?).map_err(|_| damaged("a text is not UTF-8"))
    }

    #[inline]
    pub(super) fn name(&mut self) -> Result<&'de str, CodecError> {
        let tag = self.tag()?;
        self.text(tag)
    }

    /// Reads what `END` ends, one level down.
    #[inline]
    fn parts<T>(
        &mut self,
        read: impl FnOnce(&mut Parts<'_, 'de, '_>) -> Result<T, CodecError>,
    ) -> Result<T, CodecError> {
        self.depth.enter()?;
        let mut parts = Parts::new(self);
        let value = read(&mut parts)?;
        parts.finish()?;
        self.depth.leave();
        Ok(value)
    }

    /// Reads one value, one level down.
    #[inline]
    pub(super) fn inner<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, CodecError>,
    ) -> Result<T, CodecError> {
        self.depth.enter()?;
        let value = read(self)?;
        self.depth.leave();
        Ok(value)
    }

    #[inline]
    pub(super) fn end(&mut self) -> Result<(), CodecError> {
        match self.tag()? {
            END => Ok(()),
            _ => Err(left_over()),
        }
    }
}

pub(super) fn left_over() -> CodecError {
    CodecError::new("parts of the value are left over")
}

/// Owned bytes, if there is memory for them.
fn owned(bytes: &[u8]) -> Result<Vec<u8>, CodecError> {
    let mut copy = Vec::new();
    copy.try_reserve_exact(bytes.len())
        .map_err(|_| CodecError::new(format!("there is no memory for {} bytes", bytes.len())))?;
    copy.extend_from_slice(bytes);
    Ok(copy)
}

macro_rules! number {
    ($reader:ident, $number:ty) => {
        <$number>::from_le_bytes($reader.array()?)
    };
}

/// For the number that is most likely there.
macro_rules! short_ways {
    ($($method:ident: $tag:ident, $visit:ident($number:ty);)*) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CodecError> {
            if self.peek()? != $tag {
                return self.deserialize_any(visitor);
            }
            self.tag()?;
            visitor.$visit(number!(self, $number))
        }
    )*};
}

impl<'de> Deserializer<'de> for &mut Reader<'de, '_> {
    type Error = CodecError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CodecError> {
        match self.tag()? {
            UNIT => visitor.visit_unit(),
            NONE => visitor.visit_none(),
            SOME => match self.peek()? {
                // Here the `Some` means something to whoever keeps the value for later.
                UNIT | NONE | SOME => self.inner(|reader| visitor.visit_some(reader)),
                _ => self.inner(|reader| reader.deserialize_any(visitor)),
            },
            FALSE => visitor.visit_bool(false),
            TRUE => visitor.visit_bool(true),
            U8 => visitor.visit_u8(number!(self, u8)),
            U16 => visitor.visit_u16(number!(self, u16)),
            U32 => visitor.visit_u32(number!(self, u32)),
            U64 => visitor.visit_u64(number!(self, u64)),
            // Whoever keeps a value for later knows no number of 128 bits, but may need none.
            U128 => {
                let number = number!(self, u128);
                match u64::try_from(number) {
                    Ok(small) => visitor.visit_u64(small),
                    Err(_) => visitor.visit_u128(number),
                }
            }
            I8 => visitor.visit_i8(number!(self, i8)),
            I16 => visitor.visit_i16(number!(self, i16)),
            I32 => visitor.visit_i32(number!(self, i32)),
            I64 => visitor.visit_i64(number!(self, i64)),
            I128 => {
                let number = number!(self, i128);
                match i64::try_from(number) {
                    Ok(small) => visitor.visit_i64(small),
                    Err(_) => visitor.visit_i128(number),
                }
            }
            F32 => visitor.visit_f32(number!(self, f32)),
            F64 => visitor.visit_f64(number!(self, f64)),
            CHAR => {
                let code = number!(self, u32);
                let character =
                    char::from_u32(code).ok_or_else(|| damaged("a character has no code"))?;
                visitor.visit_char(character)
            }
            tag @ (SHORT | TEXT) => visitor.visit_borrowed_str(self.text(tag)?),
            BYTES => {
                let len = self.len()?;
                visitor.visit_borrowed_bytes(self.take(len)?)
            }
            SEQUENCE => self.parts(|parts| visitor.visit_seq(parts)),
            MAP => self.parts(|parts| visitor.visit_map(parts)),
            UNIT_VARIANT => visitor.visit_borrowed_str(self.name()?),
            VARIANT => {
                // As JSON has it: a map with one entry.
                let name = BorrowedStrDeserializer::new(self.name()?);
                self.inner(|reader| {
                    let mut entry = Entry { name: Some(name), reader, taken: false };
                    let value = visitor.visit_map(&mut entry)?;
                    if entry.taken { Ok(value) } else { Err(left_over()) }
                })
            }
            _ => Err(damaged("an unknown tag")),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CodecError> {
        match self.peek()? {
            NONE | UNIT => {
                self.tag()?;
                visitor.visit_none()
            }
            SOME => {
                self.tag()?;
                self.inner(|reader| visitor.visit_some(reader))
            }
            // A field that was written as its content alone.
            _ => self.inner(|reader| visitor.visit_some(reader)),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CodecError> {
        match self.peek()? {
            NONE => {
                self.tag()?;
                visitor.visit_unit()
            }
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, CodecError> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, CodecError> {
        self.inner(|reader| visitor.visit_newtype_struct(reader))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CodecError> {
        match self.peek()? {
            SHORT | TEXT => {
                let text = self.name()?;
                if text.len() < LARGE {
                    return visitor.visit_borrowed_str(text);
                }
                let owned = String::from_utf8(owned(text.as_bytes())?);
                visitor.visit_string(owned.map_err(|_| damaged("a text is not UTF-8"))?)
            }
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CodecError> {
        match self.peek()? {
            BYTES => {
                self.tag()?;
                let len = self.len()?;
                visitor.visit_byte_buf(owned(self.take(len)?)?)
            }
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CodecError> {
        match self.peek()? {
            SEQUENCE => {
                self.tag()?;
                self.parts(|parts| visitor.visit_seq(parts))
            }
            // Written as bytes, wanted as numbers.
            BYTES => {
                self.tag()?;
                let len = self.len()?;
                visitor.visit_seq(SeqDeserializer::new(self.take(len)?.iter().copied()))
            }
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, CodecError> {
        match self.tag()? {
            UNIT_VARIANT => visitor.visit_enum(self.name()?.into_deserializer()),
            tag @ (SHORT | TEXT) => visitor.visit_enum(self.text(tag)?.into_deserializer()),
            VARIANT => {
                let name = self.name()?;
                self.inner(|reader| visitor.visit_enum(Variant { name, reader }))
            }
            // Written by hand as a map with one entry.
            MAP => self.inner(|reader| {
                let name = reader.name()?;
                let value = visitor.visit_enum(Variant { name, reader: &mut *reader })?;
                reader.end()?;
                Ok(value)
            }),
            SOME => self.inner(|reader| reader.deserialize_enum("", &[], visitor)),
            _ => Err(CodecError::new("the value is not of an enum")),
        }
    }

    fn is_human_readable(&self) -> bool {
        true
    }

    short_ways! {
        deserialize_u8: U8, visit_u8(u8); deserialize_u16: U16, visit_u16(u16);
        deserialize_u32: U32, visit_u32(u32); deserialize_u64: U64, visit_u64(u64);
        deserialize_i8: I8, visit_i8(i8); deserialize_i16: I16, visit_i16(i16);
        deserialize_i32: I32, visit_i32(i32); deserialize_i64: I64, visit_i64(i64);
        deserialize_f32: F32, visit_f32(f32); deserialize_f64: F64, visit_f64(f64);
    }

    #[inline]
    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CodecError> {
        match self.peek()? {
            SHORT => visitor.visit_borrowed_str(self.name()?),
            _ => self.deserialize_any(visitor),
        }
    }

    #[inline]
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CodecError> {
        match self.peek()? {
            MAP => {
                self.tag()?;
                self.parts(|parts| visitor.visit_map(parts))
            }
            _ => self.deserialize_any(visitor),
        }
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, CodecError> {
        self.deserialize_map(visitor)
    }

    #[inline]
    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, CodecError> {
        self.deserialize_seq(visitor)
    }

    #[inline]
    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, CodecError> {
        self.deserialize_seq(visitor)
    }

    forward_to_deserialize_any! {
        bool i128 u128 char str bytes ignored_any
    }
}
