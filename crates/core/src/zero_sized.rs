//! The check that a function has no size.

/// Refuses, at compile time, a function that carries data. (A closure may capture values without
/// size, such as tokens; they are assumed to mean the same in a worker.)
pub const fn assert_zero_sized<F>() {
    assert!(
        size_of::<F>() == 0,
        "a task must be a plain function, named directly, or a closure that captures nothing: it \
         has to mean the same in another process. Pass what it needs as its argument (several \
         values as a tuple); write the function's name, or a closure that calls it, instead of a \
         function pointer; and for a capturing closure that may stay in this process use `spawn` \
         of ThreadPoolExecutor or InlineExecutor."
    );
}
