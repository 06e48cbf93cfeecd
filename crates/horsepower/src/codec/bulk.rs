//! Vectors of plain numbers, which travel as their raw bytes.
//!
//! Serde encodes them element by element, which is far slower than a copy; `cargo bench` prints
//! both. The compiler knows which types these are, so all of this folds away for any other type.
//! [`crate::codec::encode`] and [`crate::decode`] both decide through this file, so they always
//! agree.

use std::any::Any;

/// A vector of numbers as bytes.
struct Numbers<T>(Vec<T>);

impl<T: bytemuck::NoUninit> AsRef<[u8]> for Numbers<T> {
    fn as_ref(&self) -> &[u8] {
        bytemuck::cast_slice(&self.0)
    }
}

/// Bytes that another thread can own.
pub(crate) type BulkBytes = Box<dyn AsRef<[u8]> + Send + Sync>;

macro_rules! for_each_number {
    ($do:ident) => {
        $do!(u8, i8, u16, i16, u32, i32, u64, i64, u128, i128, usize, isize, f32, f64)
    };
}

/// The value as bytes if it is a vector of numbers; otherwise the value itself.
pub(crate) fn into_bytes<T: 'static>(value: T) -> Result<BulkBytes, T> {
    let mut value = Some(value);
    macro_rules! try_each {
        ($($number:ty),*) => {$(
            if let Some(vector) = (&mut value as &mut dyn Any).downcast_mut::<Option<Vec<$number>>>() {
                return Ok(Box::new(Numbers(vector.take().unwrap_or_default())));
            }
        )*};
    }
    for_each_number!(try_each);
    match value {
        Some(value) => Err(value),
        None => unreachable!("only the returning branch takes the value"),
    }
}

/// The result of reading bytes as a vector of numbers.
pub(crate) enum FromBytes<T> {
    /// The vector.
    Value(T),
    /// `T` is a vector of numbers, but these are not its bytes.
    BadLength,
    /// There is no memory for the vector.
    NoMemory,
    /// `T` is something else.
    NotBulk,
}

/// Reads a vector of numbers from `len` bytes. `copy` fills the buffer it is given.
pub(crate) fn from_bytes<T: 'static>(len: usize, copy: impl FnOnce(&mut [u8])) -> FromBytes<T> {
    let mut value: Option<T> = None;
    macro_rules! try_each {
        ($($number:ty),*) => {$(
            if let Some(place) = (&mut value as &mut dyn Any).downcast_mut::<Option<Vec<$number>>>() {
                if !len.is_multiple_of(size_of::<$number>()) {
                    return FromBytes::BadLength;
                }
                let count = len / size_of::<$number>();
                let mut vector: Vec<$number> = Vec::new();
                if vector.try_reserve_exact(count).is_err() {
                    return FromBytes::NoMemory;
                }
                vector.resize(count, <$number>::default());
                copy(bytemuck::cast_slice_mut(&mut vector));
                *place = Some(vector);
                return value.map_or(FromBytes::BadLength, FromBytes::Value);
            }
        )*};
    }
    for_each_number!(try_each);
    FromBytes::NotBulk
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip<T: Clone + PartialEq + std::fmt::Debug + 'static>(value: &T) {
        let Ok(bytes) = into_bytes(value.clone()) else { panic!("not bulk") };
        let bytes = (*bytes).as_ref();
        match from_bytes::<T>(bytes.len(), |target| target.copy_from_slice(bytes)) {
            FromBytes::Value(back) => assert_eq!(&back, value),
            _ => panic!("not read back"),
        }
    }

    #[test]
    fn numbers_travel_as_they_are() {
        round_trip(&vec![1u8, 2, 255]);
        round_trip(&vec![1.5f64, f64::MIN, -0.0]);
        round_trip(&vec![i128::MIN, 7]);
        round_trip(&Vec::<u32>::new());
    }

    #[test]
    fn other_types_are_left_alone() {
        assert!(into_bytes(vec![true]).is_err());
        assert!(into_bytes(5u8).is_err());
        assert!(matches!(from_bytes::<String>(3, |_| {}), FromBytes::NotBulk));
        assert!(matches!(from_bytes::<Vec<u32>>(3, |_| {}), FromBytes::BadLength));
    }
}
