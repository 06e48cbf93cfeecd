//! The workers of a pool, each at an index that it keeps for life.
//!
//! Owned by the [`Schedule`](super::schedule::Schedule). An index is used again when its worker is gone, so
//! whoever has let go of the lock in between asks with the worker's serial number too.

use crate::pool::child::handle::WorkerHandle;

/// What has a number of its own.
pub(crate) trait Numbered {
    fn serial(&self) -> u64;
}

impl Numbered for WorkerHandle {
    fn serial(&self) -> u64 {
        self.serial
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Roster<W = WorkerHandle> {
    /// Most workers at a time, as the user has asked for.
    pub(crate) most: usize,
    slots: Vec<Option<W>>,
    /// The last number that was given out.
    serial: u64,
}

impl<W: Numbered> Roster<W> {
    pub(crate) fn new(most: usize) -> Roster<W> {
        Roster { most, slots: Vec::new(), serial: 0 }
    }

    /// The workers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &W> {
        self.slots.iter().flatten()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut W> {
        self.slots.iter_mut().flatten()
    }

    /// The workers with their indices.
    pub(crate) fn enumerate(&self) -> impl Iterator<Item = (usize, &W)> {
        self.slots.iter().enumerate().filter_map(|(index, worker)| Some((index, worker.as_ref()?)))
    }

    /// All indices, also those without a worker.
    pub(crate) fn indices(&self) -> std::ops::Range<usize> {
        0..self.slots.len()
    }

    pub(crate) fn get(&self, index: usize) -> Option<&W> {
        self.slots.get(index)?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, index: usize) -> Option<&mut W> {
        self.slots.get_mut(index)?.as_mut()
    }

    /// The worker at `index`, if it is still the one with this serial number.
    pub(crate) fn get_same(&mut self, index: usize, serial: u64) -> Option<&mut W> {
        self.get_mut(index).filter(|worker| worker.serial() == serial)
    }

    /// The index of the worker with this serial number.
    pub(crate) fn index_of(&self, serial: u64) -> Option<usize> {
        self.enumerate().find(|(_, worker)| worker.serial() == serial).map(|(index, _)| index)
    }

    /// A serial number for a new worker; never 0.
    pub(crate) fn next_serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    /// The index that the next worker gets.
    pub(crate) fn next_index(&self) -> usize {
        self.slots.iter().position(Option::is_none).unwrap_or(self.slots.len())
    }

    /// Adds a worker, and returns its index.
    pub(crate) fn add(&mut self, worker: W) -> usize {
        let index = self.next_index();
        if index == self.slots.len() {
            self.slots.push(None);
        }
        self.slots[index] = Some(worker);
        index
    }

    /// Takes the worker at `index` out.
    pub(crate) fn remove(&mut self, index: usize) -> Option<W> {
        self.slots.get_mut(index)?.take()
    }

    /// Takes all workers out.
    pub(crate) fn take_all(&mut self) -> Vec<W> {
        self.slots.drain(..).flatten().collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Numbered for u64 {
        fn serial(&self) -> u64 {
            *self
        }
    }

    #[test]
    fn an_index_is_used_again_and_the_serial_number_tells() {
        let mut roster = Roster::<u64>::new(3);
        assert!(roster.is_empty());
        for index in 0..3 {
            let serial = roster.next_serial();
            assert_eq!(roster.next_index(), index);
            assert_eq!(roster.add(serial), index);
        }
        assert_eq!(roster.remove(1), Some(2));
        assert_eq!((roster.remove(1), roster.remove(9)), (None, None));
        assert_eq!((roster.get(1), roster.index_of(2), roster.index_of(3)), (None, None, Some(2)));
        assert_eq!(roster.indices(), 0..3);
        assert!(roster.enumerate().eq([(0, &1), (2, &3)]));

        let serial = roster.next_serial();
        assert_eq!((serial, roster.add(serial)), (4, 1), "the first free index");
        assert_eq!(roster.get_same(1, 2), None, "another worker than that");
        assert_eq!(roster.get_same(1, 4), Some(&mut 4));
        assert!(roster.iter().eq(&[1, 4, 3]));
        assert_eq!(roster.take_all(), [1, 4, 3]);
        assert!(roster.is_empty() && roster.next_serial() == 5);
    }
}
