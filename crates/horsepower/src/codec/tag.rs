//! The format of encoded values: a tag, which says what a value is, and its bytes.
//!
//! It describes itself, so serde's attributes that look at their input work (`flatten`, `untagged`,
//! `tag`, `skip_serializing_if`), and fields and variants carry their names. It writes `Some`
//! explicitly, so `Some(None)`, `Some(())` and a `Some` of a null stay what they are.
//!
//! | tag | followed by |
//! |---|---|
//! | `UNIT`, `NONE`, `TRUE`, `FALSE` | nothing |
//! | `SOME` | the value |
//! | `U8` … `I128`, `F32`, `F64`, `CHAR` | the number, little-endian |
//! | `SHORT` | length (1 byte), text |
//! | `TEXT`, `BYTES` | length (8 bytes), text or bytes |
//! | `SEQUENCE` | its elements and runs, `END` |
//! | `RUN`, only within a sequence | tag of a number, count (8 bytes), so many numbers without tags |
//! | `MAP` | key, value, key, value, …, `END` |
//! | `UNIT_VARIANT` | the name of the variant, a text |
//! | `VARIANT` | the name of the variant, a text; its content |
//!
//! A struct is a map, a tuple a sequence, a newtype what it contains. Every element takes at least one
//! byte, also one without size, so damaged bytes cannot ask for more work than they are long. Lengths
//! are checked against the bytes that are there.
//!
//! Why not a crate: those that describe themselves (MessagePack, CBOR, Pot and others) lose `Some(None)`
//! or `Some(())`, and a layer above them that adds it has to forward every method of serde's traits, so
//! it is as large as this. None bounds the depth, the memory and the work of hostile input together.

pub(super) const UNIT: u8 = 0;
pub(super) const NONE: u8 = 1;
pub(super) const SOME: u8 = 2;
pub(super) const FALSE: u8 = 3;
pub(super) const TRUE: u8 = 4;
pub(super) const U8: u8 = 5;
pub(super) const U16: u8 = 6;
pub(super) const U32: u8 = 7;
pub(super) const U64: u8 = 8;
pub(super) const U128: u8 = 9;
pub(super) const I8: u8 = 10;
pub(super) const I16: u8 = 11;
pub(super) const I32: u8 = 12;
pub(super) const I64: u8 = 13;
pub(super) const I128: u8 = 14;
pub(super) const F32: u8 = 15;
pub(super) const F64: u8 = 16;
pub(super) const CHAR: u8 = 17;
pub(super) const SHORT: u8 = 18;
pub(super) const TEXT: u8 = 19;
pub(super) const BYTES: u8 = 20;
pub(super) const SEQUENCE: u8 = 21;
pub(super) const RUN: u8 = 22;
pub(super) const MAP: u8 = 23;
pub(super) const UNIT_VARIANT: u8 = 24;
pub(super) const VARIANT: u8 = 25;
pub(super) const END: u8 = 26;

/// How many bytes follow the tag of a number; `None`: it is not the tag of a number.
pub(super) fn number_len(tag: u8) -> Option<usize> {
    match tag {
        U8 | I8 => Some(1),
        U16 | I16 => Some(2),
        U32 | I32 | F32 | CHAR => Some(4),
        U64 | I64 | F64 => Some(8),
        U128 | I128 => Some(16),
        _ => None,
    }
}
