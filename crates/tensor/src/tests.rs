//! The engine as a whole, from outside: what holds for every operation, in any number of threads and at any depth.
//!
//! What concerns one file alone is tested beside it.

mod depth;
mod laws;
mod properties;
mod threads;
