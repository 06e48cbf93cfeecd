//! Finding out that a generic type is a certain type, also if it is not known to live for ever.
//! One of the few files with unsafe code.
#![allow(unsafe_code)]

use std::any::TypeId;
use std::mem::ManuallyDrop;

/// The value as a `T`, if it is one.
///
/// # Errors
/// The value, if it is something else.
pub fn cast<S, T: 'static>(value: S) -> Result<T, S> {
    if typeid::of::<S>() != TypeId::of::<T>() {
        return Err(value);
    }
    let value = ManuallyDrop::new(value);
    // SAFETY: both are the same type, up to lifetimes, and `T`, which lives for ever, has none that could
    // differ. So this moves the value, whose original is not dropped.
    Ok(unsafe { std::mem::transmute_copy::<ManuallyDrop<S>, T>(&value) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_type_is_cast() {
        let text = String::from("text");
        assert_eq!(cast::<_, String>(text.clone()), Ok("text".to_owned()));
        assert_eq!(cast::<_, Vec<u8>>(text.clone()), Err("text".to_owned()));
        // A type with a lifetime of its own.
        assert!(cast::<_, String>(text.as_str()).is_err());
        assert_eq!(cast::<_, Vec<String>>(vec![text.clone()]), Ok(vec![text]));
    }
}
