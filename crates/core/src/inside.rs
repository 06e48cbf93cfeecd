//! Whether this thread runs a task or a callback of a certain pool.
//!
//! Code of the user that runs on behalf of a pool must not wait for that pool: it would wait for itself.
//! A pool wraps every call of such code in [`within`], and whatever may wait asks [`is_inside`] first.
//! Pools are told apart by their addresses, so the thread pool and the process pool share one stack.
//! Used by [`crate::pool`] and by the thread pool of the `horsepower` crate.
//!
//! ```
//! use horsepower_core::inside::{is_inside, within};
//!
//! struct Pool;
//! let (outer, inner) = (Box::new((Pool, 1)), Box::new((Pool, 2)));
//! within(&*outer, || {
//!     within(&*inner, || assert!(is_inside(&*outer) && is_inside(&*inner)));
//!     assert!(!is_inside(&*inner));
//! });
//! assert!(!is_inside(&*outer));
//! ```

use std::cell::RefCell;

thread_local! {
    /// The pools whose code of the user this thread runs, each within the one before.
    static POOLS: RefCell<Vec<*const ()>> = const { RefCell::new(Vec::new()) };
}

/// Calls `call`, in which code of the user may run on behalf of `pool`. A panic passes through.
pub fn within<P, T>(pool: &P, call: impl FnOnce() -> T) -> T {
    struct Leave;
    impl Drop for Leave {
        fn drop(&mut self) {
            let _ = POOLS.try_with(|pools| pools.borrow_mut().pop());
        }
    }
    // A thread that is ending may have lost its thread-local values already; it runs nothing more.
    let _ = POOLS.try_with(|pools| pools.borrow_mut().push(address(pool)));
    let _leave = Leave;
    call()
}

/// True if this thread is in a call that was made [`within`] `pool`, at any depth.
#[must_use]
pub fn is_inside<P>(pool: &P) -> bool {
    POOLS.try_with(|pools| pools.borrow().contains(&address(pool))).unwrap_or(false)
}

fn address<P>(pool: &P) -> *const () {
    std::ptr::from_ref(pool).cast()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_is_left_however_the_call_ends_and_other_threads_are_not_inside() {
        let (one, other) = (1_u64, 2_u64);
        let caught = crate::wire::panic::catch(|| {
            within(&one, || {
                assert!(is_inside(&one) && !is_inside(&other));
                std::thread::scope(|scope| {
                    scope.spawn(|| assert!(!is_inside(&one)));
                });
                within(&one, || ());
                assert!(is_inside(&one), "it was entered twice and left once");
                panic!("it is left all the same");
            })
        });
        assert!(caught.is_err());
        assert!(!is_inside(&one));
        assert_eq!(within(&other, || 7), 7);
    }
}
