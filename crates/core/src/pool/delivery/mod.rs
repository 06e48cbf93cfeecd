//! Telling receivers what has ended: always without the pool's lock.
//!
//! | file | what it owns |
//! |---|---|
//! | `outbox` | ends that were found under the lock |
//! | `tell` | telling the receivers of them |
//! | `deliver` | what a pool does around that: segments back, callbacks to their threads |

pub(crate) mod deliver;
pub(crate) mod outbox;
pub(crate) mod tell;
