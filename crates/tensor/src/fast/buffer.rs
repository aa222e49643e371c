//! The storage of an array: a vector that waits in the [pool](super::pool) once it is dropped.

use super::pool::Class;
use super::routines::Routines;
use crate::Element;
use std::fmt;
use std::ops::{Deref, DerefMut};

/// The storage of an array.
pub(crate) struct Buffer<E: Element> {
    data: Vec<E>,
    length: usize,
}

impl<E: Element> Buffer<E> {
    /// A buffer of `length` elements with unspecified (but initialised) contents.
    pub(crate) fn scratch(length: usize) -> Self {
        let data = Class::of(length).map_or_else(|| vec![E::ZERO; length], |class| E::pool().take(class));
        Self { data, length }
    }

    /// A buffer of `length` copies of `value`.
    pub(crate) fn full(length: usize, value: E) -> Self {
        let mut buffer = Self::scratch(length);
        buffer.fill(value);
        buffer
    }

    /// A buffer that takes over a vector.
    pub(crate) fn from_vec(data: Vec<E>) -> Self {
        let length = data.len();
        let buffer = Self { data, length };
        buffer.class().inspect(|class| E::pool().lend(class.capacity()));
        buffer
    }

    /// The class in which it will wait, if it will.
    fn class(&self) -> Option<Class> {
        Class::of(self.data.len()).filter(|class| class.capacity() == self.data.len())
    }
}

impl<E: Element> Drop for Buffer<E> {
    fn drop(&mut self) {
        if let Some(class) = self.class() {
            E::pool().give(class, std::mem::take(&mut self.data));
        }
    }
}

impl<E: Element> Deref for Buffer<E> {
    type Target = [E];
    #[inline]
    fn deref(&self) -> &[E] {
        &self.data[..self.length]
    }
}

impl<E: Element> DerefMut for Buffer<E> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [E] {
        &mut self.data[..self.length]
    }
}

impl<E: Element> fmt::Debug for Buffer<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffer<{}>({})", E::NAME, self.length)
    }
}

/// The bytes of the arrays that there are, in size classes of the pool; small arrays are not counted.
pub fn bytes_in_use() -> usize {
    f32::pool().bytes_in_use() + f64::pool().bytes_in_use()
}

/// Gives the memory that waits to be used again back to the allocator; returns how many bytes that was.
///
/// The pool keeps little more than a quarter of what was once in use at the same time, so this is only worth calling
/// when a program goes on to something else after its last large array.
pub fn release_unused_memory() -> usize {
    f32::pool().release() + f64::pool().release()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_buffer_is_used_again() {
        let length = 3_333_333; // a class that no other test uses
        let first = Buffer::<f64>::scratch(length);
        let address = first.as_ptr();
        drop(first);
        assert_eq!(Buffer::<f64>::scratch(length - 1).as_ptr(), address);
    }
}
