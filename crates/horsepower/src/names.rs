//! Default names of threads and processes: `Thread-N`, or `Thread-N (function)`.

use std::any::type_name;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Numbered names of one kind.
pub(crate) struct Names {
    kind: &'static str,
    given: AtomicUsize,
}

impl Names {
    pub(crate) const fn new(kind: &'static str) -> Names {
        Names { kind, given: AtomicUsize::new(0) }
    }

    /// The next name for something that runs a function of this type.
    pub(crate) fn next<F>(&self) -> String {
        // Relaxed: a counter that orders nothing else.
        let number = self.given.fetch_add(1, Ordering::Relaxed) + 1;
        match function_name::<F>() {
            Some(function) => format!("{}-{number} ({function})", self.kind),
            None => format!("{}-{number}", self.kind),
        }
    }
}

/// The name of a function item; closures, pointers and boxes have none.
fn function_name<F>() -> Option<&'static str> {
    if size_of::<F>() == 0 { last_segment(type_name::<F>()) } else { None }
}

/// Returns `go` for `crate::module::go` and for `<crate::Type as crate::Trait>::go::<f64>`.
fn last_segment(path: &str) -> Option<&str> {
    let mut depth = 0_usize;
    let mut segment = 0..0;
    for (place, character) in path.char_indices() {
        match character {
            '<' => depth += 1,
            '>' => depth = depth.saturating_sub(1),
            ':' if depth == 0 => segment = place + 1..place + 1,
            _ if depth == 0 => segment.end = place + character.len_utf8(),
            _ => {}
        }
    }
    let name = &path[segment];
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    (!name.is_empty() && name.chars().all(is_name)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work<T>(_: T) {}

    fn name_of<F>(_: F) -> Option<&'static str> {
        function_name::<F>()
    }

    #[test]
    fn named_functions_have_a_name_and_others_none() {
        assert_eq!(name_of(work::<Vec<String>>), Some("work"));
        assert_eq!(name_of(<String as Clone>::clone), Some("clone"));
        assert_eq!(name_of(Vec::<u8>::len), Some("len"));
        assert_eq!(name_of(|| ()), None);
        assert_eq!(name_of(work::<u8> as fn(u8)), None);
        assert_eq!(name_of(Box::new(work::<u8>)), None);
    }

    #[test]
    fn the_last_segment_has_no_types() {
        for (path, name) in [
            ("work", Some("work")),
            ("a::b::work", Some("work")),
            ("a::work<b::C<d::E>>", Some("work")),
            ("<a::B<c::D> as e::F>::work", Some("work")),
            ("a::main::{{closure}}", None),
            ("a::main::{{closure}}::work", Some("work")),
            ("fn(u8) -> u8", None),
            ("", None),
        ] {
            assert_eq!(last_segment(path), name, "{path}");
        }
    }

    #[test]
    fn numbers_rise() {
        let names = Names::new("Thread");
        assert_eq!([(); 2].map(|()| names.next::<fn()>()), ["Thread-1", "Thread-2"]);
    }
}
