//! Entry points: how a function of this program is named to another process of the same program.
//!
//! A task is a function whose type has no size: a plain `fn` item or a closure without captures.
//! Its type alone says which code to run, so the compiler can make, for each such type, a small
//! function that needs no value: the entry point. Its address differs between processes only by
//! where the program was loaded, so its distance from [`anchor`], a function of the same program,
//! names it in both. One of the few files with unsafe code.
#![allow(unsafe_code)]

use crate::lane::record::Status;
use crate::wire::identity;
use crate::zero_sized::assert_zero_sized;
use std::ptr::NonNull;

/// Where a task leaves its result.
#[derive(Default)]
pub struct Output {
    bytes: Vec<u8>,
    bulk: Option<Box<dyn AsRef<[u8]>>>,
}

impl Output {
    /// Where to encode the result, or the text of a failure. Empty at the start of each item.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Leaves memory as it is for the result, instead of encoding it into the buffer.
    pub fn set_bulk(&mut self, bytes: Box<dyn AsRef<[u8]>>) {
        self.bulk = Some(bytes);
    }

    pub(crate) fn result(&self) -> &[u8] {
        self.bulk.as_ref().map_or(&self.bytes, |bulk| (**bulk).as_ref())
    }

    /// Empties it for the next item, and gives back memory that an unusual result made it take.
    pub(crate) fn clear(&mut self) {
        const KEEP: usize = 1 << 20;
        self.bulk = None;
        self.bytes.clear();
        self.bytes.shrink_to(KEEP);
    }
}

/// How to call a function of type `F` with an encoded argument; the typed layer implements it.
pub trait Invoke<F> {
    /// Decodes `argument`, calls `function`, and encodes the result into `output`.
    fn invoke(function: &F, argument: &[u8], output: &mut Output) -> Status;
}

type Entry = fn(&[u8], &mut Output) -> Status;

/// A task's code, named so that it can be found in every process of this program.
#[derive(Clone, Copy, Debug)]
pub struct EntryPoint {
    offset: u64,
    name: &'static str,
}

impl EntryPoint {
    /// The entry point of `function`, to be called by way of `I`. A function that captures is
    /// refused while compiling. The value is kept for ever (it has no size), never dropped.
    ///
    /// # Errors
    /// If the function's code is not part of the program's own file but of another shared object,
    /// whose address in a worker nobody can tell.
    pub fn new<F, I>(function: F) -> Result<EntryPoint, String>
    where
        F: Send + Sync + 'static,
        I: Invoke<F>,
    {
        const { assert_zero_sized::<F>() }
        std::mem::forget(function);
        let name = std::any::type_name::<F>();
        let entry: Entry = trampoline::<F, I>;
        let address = entry as usize;
        if !identity::program_contains(address) {
            identity::identity()?; // why nothing is known of this program's file, if so
            return Err(format!("the code of {name} is not in the file of this program"));
        }
        Ok(EntryPoint { offset: address.wrapping_sub(anchor as *const () as usize) as u64, name })
    }

    /// The path of the task's function, for messages.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }
}

/// The one copy of this function in the program: where distances are counted from.
#[inline(never)]
pub(crate) fn anchor() {}

fn trampoline<F, I: Invoke<F>>(argument: &[u8], output: &mut Output) -> Status {
    const { assert_zero_sized::<F>() }
    // SAFETY: `F` has no size, so any aligned address holds one. That one exists is what the value
    // given to `EntryPoint::new` shows: it was forgotten, so it exists for ever, and `F: 'static`,
    // so it may; `F: Sync`, so it may be borrowed on any thread. A worker is the same program, so
    // it has the same type; that a value made in the parent stands for one in the worker is what
    // sending a task to another process means.
    let function = unsafe { NonNull::<F>::dangling().as_ref() };
    I::invoke(function, argument, output)
}

/// Calls the entry point that the parent named.
///
/// # Safety
/// `offset` is that of an [`EntryPoint`] made by a process of this very program, which the parent
/// and the worker have established before the first task ([`identity`]).
pub(crate) unsafe fn call(offset: u64, argument: &[u8], output: &mut Output) -> Status {
    let address = (anchor as *const () as usize).wrapping_add(offset as usize);
    // SAFETY: by the caller's promise this is the address of a `trampoline` of this program.
    let entry = unsafe { std::mem::transmute::<usize, Entry>(address) };
    entry(argument, output)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct AddOne;
    impl<F: Fn(u8) -> u8> Invoke<F> for AddOne {
        fn invoke(function: &F, argument: &[u8], output: &mut Output) -> Status {
            output.buffer().push(function(argument[0]));
            Status::Returned
        }
    }

    #[test]
    fn an_entry_point_is_found_again_by_its_offset() {
        let entry = EntryPoint::new::<_, AddOne>(|n: u8| n + 1).unwrap();
        let mut output = Output::default();
        // SAFETY: the offset was made by this process.
        let status = unsafe { call(entry.offset(), &[41], &mut output) };
        assert_eq!((status, output.result()), (Status::Returned, &[42][..]));
        assert!(entry.name().contains("an_entry_point_is_found_again"));
    }
}
