//! [`Writer`], serde's view of the format ([`tag`](super::tag)) when a value is encoded.

use super::depth::Depth;
use super::failure::CodecError;
use super::tag::{
    BYTES, CHAR, END, F32, F64, FALSE, I8, I16, I32, I64, I128, MAP, NONE, RUN, SEQUENCE, SHORT,
    SOME, TEXT, TRUE, U8, U16, U32, U64, U128, UNIT, UNIT_VARIANT, VARIANT, number_len,
};
use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

/// A tuple with at least this many elements, such as an array, may have runs.
const LONG_TUPLE: usize = 8;

/// Appends values to a vector.
pub(super) struct Writer<'a> {
    bytes: &'a mut Vec<u8>,
    depth: &'a mut Depth,
    /// The tag of the open run, if the next value is an element of that sequence; else `END`.
    run: u8,
    /// The value that was written last belongs to the run.
    in_run: bool,
}

impl<'a> Writer<'a> {
    pub(super) fn new(bytes: &'a mut Vec<u8>, depth: &'a mut Depth) -> Writer<'a> {
        Writer { bytes, depth, run: END, in_run: false }
    }

    /// The tag of a value, unless it belongs to the run, which has the tag.
    #[inline]
    fn tag(&mut self, tag: u8) {
        self.in_run = std::mem::replace(&mut self.run, END) == tag;
        if !self.in_run {
            self.bytes.push(tag);
        }
    }

    #[inline]
    fn text(&mut self, text: &str) {
        match u8::try_from(text.len()) {
            Ok(len) => {
                self.tag(SHORT);
                self.bytes.push(len);
            }
            Err(_) => self.long(TEXT, text.len()),
        }
        self.bytes.extend_from_slice(text.as_bytes());
    }

    #[inline]
    fn long(&mut self, tag: u8, len: usize) {
        self.tag(tag);
        self.bytes.extend_from_slice(&(len as u64).to_le_bytes());
    }

    #[inline]
    fn number<const N: usize>(&mut self, tag: u8, bytes: [u8; N]) -> Result<(), CodecError> {
        self.bytes.reserve(1 + N);
        self.tag(tag);
        self.bytes.extend_from_slice(&bytes);
        Ok(())
    }

    /// One value that is a level of its own.
    #[inline]
    fn inner(&mut self, value: &(impl Serialize + ?Sized)) -> Result<(), CodecError> {
        self.depth.enter()?;
        value.serialize(&mut *self)?;
        self.depth.leave();
        Ok(())
    }

    #[inline]
    fn begin<'b>(&'b mut self, tag: u8, run: Run) -> Result<Compound<'b, 'a>, CodecError> {
        self.depth.enter()?;
        self.tag(tag);
        Ok(Compound { writer: self, run })
    }
}

/// The numbers of one type at the end of a sequence, which share one tag.
#[derive(Clone, Copy)]
enum Run {
    /// The sequence has no runs.
    Never,
    /// The last element was not a number.
    Closed,
    /// The last element was a number with this tag. The run's header ends at `start`.
    Open { tag: u8, start: usize, count: u64 },
}

/// Bytes of the header of a run: two tags and the count.
const RUN_HEADER: usize = 10;

impl Run {
    /// The bytes from `element` on are a new element of the sequence, and may begin a run.
    #[inline]
    fn begin(&mut self, bytes: &mut Vec<u8>, element: usize) {
        let tag = bytes[element];
        if number_len(tag).is_some() {
            let (start, end) = (element + RUN_HEADER, bytes.len());
            bytes.extend_from_slice(&[0; RUN_HEADER - 1]);
            bytes.copy_within(element + 1..end, start);
            bytes[element..element + 2].copy_from_slice(&[RUN, tag]);
            *self = Run::Open { tag, start, count: 1 };
        }
    }

    #[inline]
    fn close(&mut self, bytes: &mut [u8]) {
        if let Run::Open { start, count, .. } = *self {
            bytes[start - 8..start].copy_from_slice(&count.to_le_bytes());
            *self = Run::Closed;
        }
    }
}

/// A value of several parts, which is being written.
pub(super) struct Compound<'b, 'a> {
    writer: &'b mut Writer<'a>,
    run: Run,
}

impl Compound<'_, '_> {
    #[inline]
    fn element(&mut self, value: &(impl Serialize + ?Sized)) -> Result<(), CodecError> {
        match &mut self.run {
            Run::Never => return value.serialize(&mut *self.writer),
            Run::Closed => {}
            Run::Open { tag, count, .. } => {
                let element = self.writer.bytes.len();
                self.writer.run = *tag;
                value.serialize(&mut *self.writer)?;
                if self.writer.in_run {
                    *count += 1;
                    return Ok(());
                }
                self.run.close(self.writer.bytes);
                self.run.begin(self.writer.bytes, element);
                return Ok(());
            }
        }
        let element = self.writer.bytes.len();
        value.serialize(&mut *self.writer)?;
        self.run.begin(self.writer.bytes, element);
        Ok(())
    }

    #[inline]
    fn field(
        &mut self,
        name: &'static str,
        value: &(impl Serialize + ?Sized),
    ) -> Result<(), CodecError> {
        self.writer.text(name);
        value.serialize(&mut *self.writer)
    }

    #[inline]
    fn finish(mut self) -> Result<(), CodecError> {
        self.run.close(self.writer.bytes);
        self.writer.bytes.push(END);
        self.writer.in_run = false;
        self.writer.depth.leave();
        Ok(())
    }
}

macro_rules! numbers {
    ($($method:ident($number:ty): $tag:ident),*) => {$(
        #[inline]
        fn $method(self, number: $number) -> Result<(), CodecError> {
            self.number($tag, number.to_le_bytes())
        }
    )*};
}

impl<'b, 'a> Serializer for &'b mut Writer<'a> {
    type Ok = ();
    type Error = CodecError;
    type SerializeSeq = Compound<'b, 'a>;
    type SerializeTuple = Compound<'b, 'a>;
    type SerializeTupleStruct = Compound<'b, 'a>;
    type SerializeTupleVariant = Compound<'b, 'a>;
    type SerializeMap = Compound<'b, 'a>;
    type SerializeStruct = Compound<'b, 'a>;
    type SerializeStructVariant = Compound<'b, 'a>;

    numbers! {
        serialize_u8(u8): U8, serialize_u16(u16): U16, serialize_u32(u32): U32,
        serialize_u64(u64): U64, serialize_u128(u128): U128,
        serialize_i8(i8): I8, serialize_i16(i16): I16, serialize_i32(i32): I32,
        serialize_i64(i64): I64, serialize_i128(i128): I128,
        serialize_f32(f32): F32, serialize_f64(f64): F64
    }

    fn serialize_char(self, character: char) -> Result<(), CodecError> {
        self.number(CHAR, u32::from(character).to_le_bytes())
    }

    fn serialize_bool(self, value: bool) -> Result<(), CodecError> {
        self.tag(if value { TRUE } else { FALSE });
        Ok(())
    }

    fn serialize_str(self, text: &str) -> Result<(), CodecError> {
        self.text(text);
        Ok(())
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), CodecError> {
        self.long(BYTES, bytes.len());
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), CodecError> {
        self.tag(NONE);
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), CodecError> {
        self.tag(SOME);
        self.inner(value)
    }

    fn serialize_unit(self) -> Result<(), CodecError> {
        self.tag(UNIT);
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), CodecError> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), CodecError> {
        self.tag(UNIT_VARIANT);
        self.text(variant);
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), CodecError> {
        self.inner(value)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), CodecError> {
        self.tag(VARIANT);
        self.text(variant);
        self.inner(value)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Compound<'b, 'a>, CodecError> {
        self.begin(SEQUENCE, Run::Closed)
    }

    fn serialize_tuple(self, len: usize) -> Result<Compound<'b, 'a>, CodecError> {
        self.begin(SEQUENCE, if len < LONG_TUPLE { Run::Never } else { Run::Closed })
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        len: usize,
    ) -> Result<Compound<'b, 'a>, CodecError> {
        self.serialize_tuple(len)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Compound<'b, 'a>, CodecError> {
        self.tag(VARIANT);
        self.text(variant);
        self.serialize_tuple(len)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Compound<'b, 'a>, CodecError> {
        self.begin(MAP, Run::Never)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Compound<'b, 'a>, CodecError> {
        self.begin(MAP, Run::Never)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Compound<'b, 'a>, CodecError> {
        self.tag(VARIANT);
        self.text(variant);
        self.begin(MAP, Run::Never)
    }

    /// As with JSON: serde reads buffered input (`flatten`, `untagged`) in this mode, so a type that has
    /// two forms has to be written in this one.
    fn is_human_readable(&self) -> bool {
        true
    }
}

macro_rules! elements {
    ($($of:ident: $method:ident),*) => {$(
        impl $of for Compound<'_, '_> {
            type Ok = ();
            type Error = CodecError;

            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), CodecError> {
                self.element(value)
            }

            fn end(self) -> Result<(), CodecError> {
                self.finish()
            }
        }
    )*};
}

elements! {
    SerializeSeq: serialize_element, SerializeTuple: serialize_element,
    SerializeTupleStruct: serialize_field, SerializeTupleVariant: serialize_field
}

macro_rules! fields {
    ($($of:ident),*) => {$(
        impl $of for Compound<'_, '_> {
            type Ok = ();
            type Error = CodecError;

            #[inline]
            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), CodecError> {
                self.field(name, value)
            }

            fn end(self) -> Result<(), CodecError> {
                self.finish()
            }
        }
    )*};
}

fields!(SerializeStruct, SerializeStructVariant);

impl SerializeMap for Compound<'_, '_> {
    type Ok = ();
    type Error = CodecError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), CodecError> {
        key.serialize(&mut *self.writer)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), CodecError> {
        value.serialize(&mut *self.writer)
    }

    fn end(self) -> Result<(), CodecError> {
        self.finish()
    }
}
