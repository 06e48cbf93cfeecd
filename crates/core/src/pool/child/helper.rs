//! Whether a thread helps with the lane of one worker ([`help`](crate::pool::help)).
//!
//! Owned by [`WorkerHandle`](super::handle::WorkerHandle).
//!
//! | from      | to        | when                                                             |
//! |-----------|-----------|------------------------------------------------------------------|
//! | `None`    | `Waits`   | a thread that waits for a task in the lane begins to help        |
//! | `Waits`   | `HasNews` | somebody takes a task out of the lane                            |
//! | `HasNews` | `Waits`   | it is woken                                                      |
//! | any       | `None`    | it has woken up and taken the lock                               |

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Helper {
    None,
    /// One does. It spins or sleeps on the lane's bell.
    Waits,
    /// One does, and somebody else has taken a task out of the lane since: it is to be woken.
    HasNews,
}

impl Helper {
    /// Somebody has taken a task out of the lane.
    pub(crate) fn note_news(&mut self) {
        if *self == Helper::Waits {
            *self = Helper::HasNews;
        }
    }

    /// True if the helper is to be woken, which the caller does.
    #[must_use]
    pub(crate) fn take_news(&mut self) -> bool {
        let news = *self == Helper::HasNews;
        if news {
            *self = Helper::Waits;
        }
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_helper_is_woken_once_for_all_news_and_nobody_if_there_is_none() {
        let mut helper = Helper::None;
        helper.note_news();
        assert!(!helper.take_news());
        helper = Helper::Waits;
        assert!(!helper.take_news());
        helper.note_news();
        helper.note_news();
        assert!(helper.take_news() && !helper.take_news());
        assert_eq!(helper, Helper::Waits);
    }
}
