//! [`Replay`]: a call in this process that can be repeated although it consumes its argument.

use crate::codec::decode;
use crate::codec::encode_into;
use crate::error::Kind;
use crate::value::Value;
use horsepower_core::payload::Encoded;
use std::any::type_name;
use std::marker::PhantomData;

/// The argument is kept encoded and decoded anew for each call.
pub(crate) struct Replay<F, A> {
    function: F,
    argument: Vec<u8>,
    of: PhantomData<fn(A)>,
}

impl<F, A: Value> Replay<F, A> {
    pub(crate) fn new(function: F, argument: A) -> Result<Replay<F, A>, Kind> {
        let mut bytes = Vec::new();
        let encoded = horsepower_core::panic::catch(|| encode_into(argument, &mut bytes));
        let source: Box<dyn std::error::Error + Send + Sync> = match encoded {
            Ok(Ok(())) => return Ok(Replay { function, argument: bytes, of: PhantomData }),
            Ok(Err(error)) => error.into(),
            Err(panic) => panic.message.into(),
        };
        Err(Kind::ArgumentNotEncoded { type_name: type_name::<A>(), source })
    }

    /// # Panics
    /// If the function panics, or if the encoded argument cannot be decoded.
    pub(crate) fn call<R>(&self) -> R
    where
        F: Fn(A) -> R,
    {
        match decode(Encoded::own(&self.argument)) {
            Ok(argument) => (self.function)(argument),
            Err(why) => panic!("the argument, a {}, cannot be decoded: {why}", type_name::<A>()),
        }
    }
}
