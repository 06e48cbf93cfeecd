//! How deeply a value may be nested, and the stack that this takes.
//!
//! Serde walks a value by recursion, so a long linked list needs much stack, and whoever collects a
//! reply may be a thread with little. So a value is first walked with a small bound. Only a value that
//! exceeds it is walked again, on a stack that is large enough for the real bound.

use super::failure::CodecError;

/// Levels that may be nested in a value. `serde_json` allows 128.
pub(crate) const MOST_LEVELS: u32 = 2048;

/// Levels that need no large stack.
const FEW_LEVELS: u32 = 32;

/// Enough for the few levels, also in a debug build: about 8 KiB each.
const SMALL_STACK: usize = 256 << 10;

/// Enough for all levels, 16 KiB each. Address space; memory only as far as it is used.
const LARGE_STACK: usize = 32 << 20;

/// Counts the levels of the value that is being walked.
#[derive(Debug)]
pub(super) struct Depth {
    level: u32,
    most: u32,
    exceeded: bool,
}

impl Depth {
    fn new(most: u32) -> Depth {
        Depth { level: 0, most, exceeded: false }
    }

    /// Begins a level.
    #[inline]
    pub(super) fn enter(&mut self) -> Result<(), CodecError> {
        if self.level == self.most {
            self.exceeded = true;
            return Err(too_deep());
        }
        self.level += 1;
        Ok(())
    }

    /// Ends a level.
    #[inline]
    pub(super) fn leave(&mut self) {
        self.level -= 1;
    }
}

#[cold]
fn too_deep() -> CodecError {
    CodecError::new(format!(
        "it is nested more than {MOST_LEVELS} levels deep; send it in a flat form, such as a vector"
    ))
}

/// Walks a value: calls `walk` with the bound that it has to keep, once or twice.
pub(super) fn walk<T>(
    mut walk: impl FnMut(&mut Depth) -> Result<T, CodecError>,
) -> Result<T, CodecError> {
    let mut few = Depth::new(FEW_LEVELS);
    let first = match stacker::remaining_stack() {
        Some(left) if left < SMALL_STACK => stacker::grow(SMALL_STACK, || walk(&mut few)),
        _ => walk(&mut few),
    };
    // The walk may have hidden the error: user code can turn it into a default value.
    if !few.exceeded {
        return first;
    }
    drop(first);
    stacker::grow(LARGE_STACK, || {
        let mut most = Depth::new(MOST_LEVELS);
        let result = walk(&mut most);
        if most.exceeded { Err(too_deep()) } else { result }
    })
}

/// Drops a value that may be nested deeply: its drop is a recursion, too. A panic in it is ignored.
pub(super) fn release<T>(value: T) {
    if std::mem::needs_drop::<T>() {
        stacker::grow(LARGE_STACK, || {
            let _ = horsepower_core::panic::catch(|| drop(value));
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn down(levels: u32, depth: &mut Depth) -> Result<u32, CodecError> {
        if levels == 0 {
            return Ok(0);
        }
        depth.enter()?;
        let below = down(levels - 1, depth)?;
        depth.leave();
        Ok(below + 1)
    }

    #[test]
    fn a_value_may_have_so_many_levels_and_no_more() {
        for levels in [0, 1, 31, 32, 33, 2047, 2048] {
            assert_eq!(walk(|depth| down(levels, depth)).unwrap(), levels);
        }
        let error = walk(|depth| down(2049, depth)).unwrap_err();
        assert!(error.to_string().contains("2048 levels"), "{error}");
    }

    #[test]
    fn a_hidden_error_is_an_error_all_the_same() {
        assert_eq!(walk(|depth| Ok(down(40, depth).unwrap_or(7))).unwrap(), 40);
        assert!(walk(|depth| Ok(down(9999, depth).unwrap_or(7))).is_err());
    }

    #[test]
    fn a_thread_with_a_small_stack_can_walk_a_deep_value() {
        let small = std::thread::Builder::new().stack_size(64 << 10);
        let thread = small.spawn(|| walk(|depth| down(2000, depth)).unwrap()).unwrap();
        assert_eq!(thread.join().unwrap(), 2000);
    }
}
