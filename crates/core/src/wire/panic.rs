//! Panics as values: catches a panic with its message, location and backtrace.
//!
//! Used by [`crate::worker`] around each task, and by the executors that run tasks in this process.

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::{Once, OnceLock};

/// Most panics of one call that are remembered.
const MOST_SEEN: usize = 4;

/// What is known about a panic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PanicReport {
    /// The message.
    pub message: String,
    /// `file:line:column`. Missing only if another panic hook has replaced ours, or if the panic was
    /// raised without calling the hook (`resume_unwind`).
    pub location: Option<String>,
    /// The backtrace, if `RUST_BACKTRACE` asks for it.
    pub backtrace: Option<String>,
}

thread_local! {
    static CATCHING: Cell<bool> = const { Cell::new(false) };
    /// The panics of the call that is being made, in their order. All but the last are dealt with, or
    /// unwind while the last one happens.
    static SEEN: RefCell<Vec<PanicReport>> = const { RefCell::new(Vec::new()) };
}

/// Calls `function`; returns a panic instead of printing it.
///
/// The first call installs a panic hook that forwards every panic outside of such a call to the
/// previous hook.
///
/// # Errors
/// The panic.
pub fn catch<T>(function: impl FnOnce() -> T) -> Result<T, PanicReport> {
    install_hook();
    let outer = CATCHING.replace(true);
    // The thread-local is gone while the thread's locals are being destroyed; then the report lacks
    // the location.
    let outer_seen = SEEN.try_with(RefCell::take).unwrap_or_default();
    let result = catch_unwind(AssertUnwindSafe(function));
    CATCHING.set(outer);
    let seen = SEEN.try_with(|seen| seen.replace(outer_seen)).ok().and_then(|mut seen| seen.pop());
    result.map_err(|payload| {
        let report = seen.unwrap_or_else(|| PanicReport {
            message: message(&*payload),
            location: None,
            backtrace: None,
        });
        // The drop of a payload may panic in turn; that must not escape.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(payload)));
        report
    })
}

/// Installs the panic hook, once. A panicking thread cannot do that; then locations and backtraces
/// are missing until the next attempt.
fn install_hook() {
    static HOOK: Once = Once::new();
    if std::thread::panicking() {
        return;
    }
    HOOK.call_once(|| {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let catching = CATCHING.try_with(Cell::get).unwrap_or(false);
            if catching && can_unwind(panic) {
                note(panic);
            } else {
                if catching {
                    last_words(panic);
                }
                previous(panic);
            }
        }));
    });
}

/// Called with what is known of a panic that ends the process.
type OnFatal = Box<dyn Fn(&str) + Send + Sync>;

static ON_FATAL: OnceLock<OnFatal> = OnceLock::new();

/// Makes the call with every panic that ends this process although it is in a [`catch`]. Only the first
/// function that is given here counts.
pub(crate) fn on_fatal(call: impl Fn(&str) + Send + Sync + 'static) {
    let _ = ON_FATAL.set(Box::new(call));
}

/// False if the process ends after the hook: in a program that aborts on panic, and where the compiler lets no
/// panic through. The standard library does not say so to a stable program; these are the ways in which
/// `core` begins such messages (`core/src/panicking.rs`).
fn can_unwind(panic: &PanicHookInfo<'_>) -> bool {
    const FINAL: [&str; 6] = [
        "panic in a function that cannot unwind",
        "panic in a destructor during cleanup",
        "unsafe precondition(s) violated",
        "misaligned pointer dereference",
        "null pointer dereference occurred",
        "trying to construct an enum from an invalid value",
    ];
    let message = message(panic.payload());
    !cfg!(panic = "abort") && !FINAL.iter().any(|start| message.starts_with(start))
}

/// Tells of a panic that ends the process. Those before it, which were to be caught, are usually the reason,
/// and have not been printed.
fn last_words(panic: &PanicHookInfo<'_>) {
    use std::io::Write as _;
    let before = SEEN.try_with(RefCell::take).unwrap_or_default();
    let mut stderr = std::io::stderr();
    for report in &before {
        // There is nobody else to tell.
        let _ = writeln!(stderr, "{report}");
        if let Some(backtrace) = &report.backtrace {
            let _ = writeln!(stderr, "{backtrace}");
        }
    }
    let Some(call) = ON_FATAL.get() else { return };
    let mut words: Vec<String> = before.iter().map(ToString::to_string).collect();
    if words.is_empty() {
        let location = panic.location().map(ToString::to_string);
        let report = PanicReport { message: message(panic.payload()), location, backtrace: None };
        words.push(report.to_string());
    }
    call(&words.join("; then "));
}

fn note(panic: &PanicHookInfo<'_>) {
    let backtrace = Backtrace::capture();
    let captured = backtrace.status() == BacktraceStatus::Captured;
    let report = PanicReport {
        message: message(panic.payload()),
        location: panic.location().map(ToString::to_string),
        backtrace: captured.then(|| backtrace.to_string()),
    };
    let _ = SEEN.try_with(|seen| {
        let mut seen = seen.borrow_mut();
        if seen.len() == MOST_SEEN {
            seen.remove(0);
        }
        seen.push(report);
    });
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|&text| text.to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic whose payload is not text".to_owned())
}

impl fmt::Display for PanicReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.location {
            Some(location) => write!(f, "it panicked at {location}: {}", self.message),
            None => write!(f, "it panicked: {}", self.message),
        }
    }
}

/// The beginning of a text, of at most so many bytes.
pub(crate) fn shortened(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|&end| text.is_char_boundary(end));
    &text[..end.unwrap_or(0)]
}

/// Most bytes of each text of a report that are sent; of a longer one, the beginning.
const MOST_TEXT: usize = 256 << 10;

impl PanicReport {
    /// Most bytes of an encoded report, and of the text of any other failure.
    pub(crate) const MOST_LEN: usize = 3 * (MOST_TEXT + 4);

    /// Encodes the report: three texts, each with its length; a missing one has the length
    /// `u32::MAX`.
    pub(crate) fn encode(&self, bytes: &mut Vec<u8>) {
        let texts = [Some(&self.message), self.location.as_ref(), self.backtrace.as_ref()];
        for text in texts.map(|text| text.map(|text| shortened(text, MOST_TEXT))) {
            let len = text.map_or(u32::MAX, |text| u32::try_from(text.len()).unwrap_or(0));
            bytes.extend(len.to_le_bytes());
            if let Some(text) = text.filter(|_| len > 0) {
                bytes.extend(text.as_bytes());
            }
        }
    }

    /// Decodes the output of [`encode`](Self::encode). `None`: the bytes are something else.
    pub(crate) fn decode(mut bytes: &[u8]) -> Option<PanicReport> {
        let mut text = || -> Option<Option<String>> {
            let (len, rest) = bytes.split_first_chunk()?;
            let len = u32::from_le_bytes(*len);
            if len == u32::MAX {
                bytes = rest;
                return Some(None);
            }
            let (text, rest) = rest.split_at_checked(len as usize)?;
            bytes = rest;
            Some(Some(String::from_utf8_lossy(text).into_owned()))
        };
        let report = PanicReport { message: text()??, location: text()?, backtrace: text()? };
        bytes.is_empty().then_some(report)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_panic_is_caught_with_its_message_and_place() {
        let report = catch(|| panic!("number {}", 7)).unwrap_err();
        assert_eq!(report.message, "number 7");
        assert!(report.location.unwrap().contains("panic.rs:"));
        assert_eq!(catch(|| 5), Ok(5));
    }

    #[test]
    fn odd_payloads_are_survived() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                if !std::thread::panicking() {
                    panic!("again");
                }
            }
        }
        let report = catch(|| std::panic::panic_any(Bomb)).unwrap_err();
        assert!(report.message.contains("not text"));
        let nested = catch(|| catch(|| panic!("inner")).unwrap_err().message).unwrap();
        assert_eq!(nested, "inner");
    }

    #[test]
    fn a_panic_that_was_dealt_with_is_not_reported_for_another() {
        catch(|| drop(std::panic::catch_unwind(|| panic!("dealt with")))).unwrap();
        let report = catch(|| std::panic::resume_unwind(Box::new("raised again"))).unwrap_err();
        assert_eq!(report.message, "raised again");
    }

    proptest! {
        #[test]
        fn reports_travel(message in ".*", location in proptest::option::of(".*"), backtrace in proptest::option::of(".*")) {
            let report = PanicReport { message, location, backtrace };
            let mut bytes = vec![];
            report.encode(&mut bytes);
            prop_assert_eq!(PanicReport::decode(&bytes), Some(report));
        }

        #[test]
        fn foreign_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = PanicReport::decode(&bytes);
        }
    }
}
