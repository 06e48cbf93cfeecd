//! What one process of a program tells another: which function to call (`entry_point`), that both
//! are the same build (`identity`), the messages on the control socket (`handshake`), captured
//! output (`capture`), and a panic as a value (`panic`).

#[cfg(all(target_os = "linux", not(loom)))]
pub(crate) mod capture;
#[cfg(all(target_os = "linux", not(loom)))]
pub mod entry_point;
#[cfg(all(target_os = "linux", not(loom)))]
pub(crate) mod handshake;
#[cfg(all(target_os = "linux", not(loom)))]
pub(crate) mod identity;
pub mod panic;
