//! [`SocketExecutor`]: an executor that somebody else could have written.
//!
//! It uses the public interface of `horsepower` alone. Tasks travel as bytes through a Unix socket to another
//! process of the same program, which runs them there. So it is what a cluster is, with the network left
//! out; and it shows that [`horsepower::backend`] is enough to pass the suite.
//!
//! `executor` is the type, `shared` the caller's queue and the threads of its agents, `agent` the other
//! process, `frame` what they say to each other.

mod agent;
mod executor;
mod frame;
mod shared;

pub use executor::SocketExecutor;
