//! Memory that is used again.
//!
//! Fresh memory is slow: the operating system hands it out page by page, and the first touch of each page costs more
//! than reading it a hundred times. A training step makes and drops arrays of the same sizes over and over, so a
//! dropped buffer waits in a [`Pool`] for the next array of its size class, and after the first steps the system is
//! asked for nothing. No value depends on the pool: a buffer taken from it is written before it is read.
//!
//! What waits is not all of use at the same time: a step needs its activations first and its gradients later, in other
//! sizes. So that a program needs little more memory than its arrays do at the moment when they are most, no more may
//! wait than the pool's [`allowance`]; where that is too little, the largest buffers go back to the system.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How the message of the panic begins that says that there is no memory for an array.
pub const OUT_OF_MEMORY: &str = "out of memory";

/// Below this many elements the allocator's own free lists are just as quick.
const SMALLEST_POOLED: usize = 256;
/// Four size classes for each doubling: at most a quarter of a buffer is unused.
const CLASSES: usize = 4 * usize::BITS as usize;

/// How many classes, from its own on, a buffer may come from: none has twice the elements.
const NEAR: usize = 4;

/// Elements from which memory is asked for with care.
const LARGE: usize = 1 << 18;

/// Elements that may always wait.
const SPARE: usize = 16 << 20;

/// A size class: (4 + quarter)/4 · 2^exponent elements.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Class(usize);

impl Class {
    /// The smallest class that holds `length` elements; none if the length is not worth pooling.
    pub(crate) fn of(length: usize) -> Option<Self> {
        if length < SMALLEST_POOLED {
            return None;
        }
        let exponent = length.ilog2() as usize;
        let quarter = (length - (1 << exponent)).div_ceil(1 << (exponent - 2));
        Some(Self(4 * exponent + quarter))
    }

    /// How many elements a buffer of this class has.
    pub(crate) fn capacity(self) -> usize {
        let (exponent, quarter) = (self.0 / 4, self.0 % 4);
        (4 + quarter) << (exponent - 2)
    }
}

/// Buffers that wait to be used again, the most recent (and warmest in the cache) first.
#[derive(Debug)]
pub struct Pool<E> {
    classes: [Mutex<Vec<Vec<E>>>; CLASSES],
    /// How many elements are in use, how many were at most, and how many wait.
    lent: AtomicUsize,
    most: AtomicUsize,
    idle: AtomicUsize,
}

/// How many elements may wait, if at most so many were in use at the same time: a quarter as many and [`SPARE`].
fn allowance(most: usize) -> usize {
    most / 4 + SPARE
}

/// Memory from the system. Where there is none, the standard library ends the process; a panic can be caught.
fn fresh<E: Copy + Default>(elements: usize) -> Vec<E> {
    // Asked for and given back: of so much, the system gives addresses and no memory yet.
    if elements >= LARGE && Vec::<E>::new().try_reserve_exact(elements).is_err() {
        panic!("{OUT_OF_MEMORY} for an array of {} bytes", size_of::<E>() * elements);
    }
    vec![E::default(); elements]
}

impl<E: Copy + Default> Pool<E> {
    pub(crate) const fn new() -> Self {
        let [lent, most, idle] = [const { AtomicUsize::new(0) }; 3];
        Self { classes: [const { Mutex::new(Vec::new()) }; CLASSES], lent, most, idle }
    }

    pub(crate) fn take(&self, class: Class) -> Vec<E> {
        // Shapes change where texts have different lengths: a buffer that is a little too large serves as well.
        if let Some(data) = (class.0..CLASSES.min(class.0 + NEAR)).find_map(|class| self.lock(class).pop()) {
            self.lend(data.len());
            self.idle.fetch_sub(data.len(), Relaxed);
            return data;
        }
        self.lend(class.capacity());
        let (lent, most) = (self.lent.load(Relaxed), self.most.load(Relaxed));
        self.shrink((most + allowance(most)).saturating_sub(lent));
        fresh(class.capacity())
    }

    pub(crate) fn give(&self, class: Class, data: Vec<E>) {
        self.lent.fetch_sub(data.len(), Relaxed);
        self.idle.fetch_add(data.len(), Relaxed);
        self.lock(class.0).push(data);
    }

    pub(crate) fn lend(&self, elements: usize) {
        let lent = self.lent.fetch_add(elements, Relaxed) + elements;
        self.most.fetch_max(lent, Relaxed);
    }

    /// Gives buffers back to the system, the largest first, until no more than so many elements wait.
    fn shrink(&self, elements: usize) {
        for class in (0..CLASSES).rev() {
            while self.idle.load(Relaxed) > elements {
                let Some(data) = self.lock(class).pop() else { break };
                self.idle.fetch_sub(data.len(), Relaxed);
            }
        }
    }

    /// The list of one class. A panic elsewhere cannot leave a list half changed, so a poisoned lock is still good.
    fn lock(&self, class: usize) -> MutexGuard<'_, Vec<Vec<E>>> {
        self.classes[class].lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn bytes_in_use(&self) -> usize {
        size_of::<E>() * self.lent.load(Relaxed)
    }

    pub(crate) fn release(&self) -> usize {
        let before = self.idle.load(Relaxed);
        self.shrink(0);
        size_of::<E>() * (before - self.idle.load(Relaxed).min(before))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_holds_its_length_and_wastes_at_most_a_quarter() {
        for length in (SMALLEST_POOLED..10_000).chain([1 << 20, (1 << 20) + 1, (1 << 31) - 1]) {
            let class = Class::of(length).unwrap();
            assert!(class.capacity() >= length, "{length}");
            assert!(class.capacity() <= length + length / 4 + 1, "{length}: {}", class.capacity());
            assert_eq!(Class::of(class.capacity()), Some(class), "a buffer returns to the class it came from");
        }
    }

    #[test]
    fn no_more_waits_than_is_allowed() {
        let pool = Pool::<f64>::new();
        let class = |length| Class::of(length).unwrap();
        let (small, large) = (class(SPARE / 4), class(2 * SPARE));
        let first = pool.take(large);
        let most = first.len();
        pool.give(large, first);
        let several: Vec<_> = (0..7).map(|_| pool.take(small)).collect();
        // The large one waits while there is room for it beside what is in use, and no longer.
        let waits = |pool: &Pool<f64>| pool.idle.load(Relaxed);
        assert!(waits(&pool) == 0 && several.len() * small.capacity() + most > most + allowance(most));
        several.into_iter().for_each(|data| pool.give(small, data));
        let again = pool.take(small);
        assert_eq!((waits(&pool), pool.lent.load(Relaxed)), (6 * small.capacity(), again.len()));
        pool.give(small, again);
        assert_eq!(pool.release(), 7 * small.capacity() * size_of::<f64>());
        assert_eq!(waits(&pool), 0);
    }
}
