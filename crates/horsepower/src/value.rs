//! [`Value`]: what can travel to another process and back.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// An argument or a result of a task: serde can encode it, and another thread can own it.
///
/// Every type that fits implements it automatically. Whatever round-trips through `serde_json` or
/// through `postcard` arrives to the letter: fields that are skipped, `flatten`, tagged and untagged
/// enums, `serde_json::Value`, maps with any keys, `Some(None)`, the bits of a NaN. What cannot be sent
/// is the error of its task, before the function starts. Vectors of numbers (`Vec<u8>`, `Vec<f64>` and
/// the like) travel at the speed of a copy.
///
/// Three limits:
///
/// - A value may be nested 2048 levels deep, so a linked list of more elements fails; send a vector.
/// - A type with two forms, such as `IpAddr`, is sent in the one that `serde_json` uses: serde's
///   `is_human_readable` is true.
/// - A result for which there is no memory is an error, as far as that can be known before: from 1 MiB
///   on, memory of twice its encoded length is asked for.
///
/// ```
/// use horsepower::prelude::*;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct Order {
///     #[serde(default, skip_serializing_if = "Option::is_none")]
///     discount: Option<u64>,
///     prices: Vec<u64>,
/// }
///
/// fn total(order: Order) -> u64 {
///     order.prices.iter().sum::<u64>() - order.discount.unwrap_or(0)
/// }
///
/// horsepower::init();
/// let pool = ProcessPoolExecutor::with_workers(1)?;
/// let order = Order { discount: None, prices: vec![2, 150, 99] };
/// assert_eq!(pool.submit(total, order).result()?, 251);
/// # Ok::<(), horsepower::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot travel to another process as the argument or result of a task",
    label = "not a value that can be sent",
    note = "derive `serde::Serialize` and `serde::Deserialize` for it, and own what it refers to \
            (`String` instead of `&str`, `Vec<T>` instead of `&[T]`)",
    note = "a function of a `&str` becomes a task as `|s: String| f(&s)`; one of several arguments as \
            `|(a, b)| f(a, b)`; one of none as `|()| f()`",
    note = "a task that never returns (`-> !`) needs another result: `-> u8`; an `async` function runs in a \
            runtime inside the task"
)]
pub trait Value: Serialize + DeserializeOwned + Send + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + Send + 'static> Value for T {}
