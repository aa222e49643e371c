//! Between the program and its terminal, or whatever stands in its place.
//!
//! | file | what |
//! |---|---|
//! | `escapes.rs` | what a terminal would obey, escaped in all that is printed |
//! | `output.rs` | results on stdout: facts, as JSON or in prose, and tables |
//! | `progress.rs` | how far a long work is, on stderr |
//! | `failure.rs` | one line on stderr and an exit code, where a command ends without its result |
//! | `interrupt.rs` | Ctrl-C, and other signals |

mod escapes;
pub(crate) mod failure;
pub(crate) mod interrupt;
pub(crate) mod output;
mod progress;

pub(crate) use failure::{Failure, Outcome, complain, reason};
pub(crate) use interrupt::Interrupt;
pub(crate) use output::{Facts, clock, thousands};
pub(crate) use progress::{Course, Progress};
