//! [`Value`]: what can travel to another process and back.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// An argument or a result of a task: serde can encode it, and another thread can own it.
///
/// Every type that fits implements it automatically. Vectors of numbers (`Vec<u8>`, `Vec<f64>` and
/// the like) travel at the speed of a copy. The encoding is compact and not self-describing, so
/// types that inspect their input, such as `serde_json::Value` or anything with
/// `#[serde(untagged)]` or `#[serde(flatten)]`, fail with an error of that task.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot travel to another process as the argument or result of a task",
    label = "not a value that can be sent",
    note = "derive `serde::Serialize` and `serde::Deserialize` for it, and own what it refers to \
            (`String` instead of `&str`, `Vec<T>` instead of `&[T]`)"
)]
pub trait Value: Serialize + DeserializeOwned + Send + 'static {}

impl<T: Serialize + DeserializeOwned + Send + 'static> Value for T {}
