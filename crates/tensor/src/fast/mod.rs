//! Everything that is there for speed alone.
//!
//! Nothing in this folder changes what is computed. The rest of the engine says what a result is; here the same sums
//! are taken sooner, or memory is found sooner. Whoever wants to understand the engine may pass over the folder and
//! think of its parts as what stands in the second column:
//!
//! | file | think of it as | what it does about time |
//! |---|---|---|
//! | [`simd`] | a function that calls its argument | compiles a loop again for wider vectors |
//! | [`parallel`] | a loop over pieces of a slice | shares the pieces among threads, and keeps threads awake |
//! | [`buffer`], [`pool`] | `Vec` | keeps the memory of dropped arrays for the next of their size |
//! | [`growing`] | `Tensor::concat` | writes the next part behind the last, in place |
//! | [`many_rows`] | three nested loops | hands a product to `matrixmultiply`, in shares |
//! | [`few_rows`] | three nested loops | reads a matrix once, where it lies, for the few rows of a step of generation |
//! | [`packed`] | a matrix and its product | packs a matrix that is multiplied many times, as in recurrent layers |
//!
//! That is an order to read in. Below [`few_rows`] and
//! [`packed`] lie the innermost loops: how a packed matrix lies in memory ([`panel`]), the loops as plain ones
//! ([`portable`]) and in vector instructions (`x86`), what each kind of numbers has of them ([`routines`]), and which
//! of them this machine runs ([`dispatch`]).
//!
//! No result depends on the number of threads, on the memory that is used again, or on how many rows are computed
//! beside a row: every sum takes its terms in an order that is fixed for all loops that may compute it. Products, and
//! they alone, may depend on the processor: where it has a fused multiply-add, a term is rounded once, not twice.
//!
//! All `unsafe` code of the engine is here, in four files: `many_rows.rs`, `simd.rs`, `x86.rs` and `x86/columns.rs`.

pub(crate) mod buffer;
mod dispatch;
pub(crate) mod few_rows;
pub(crate) mod growing;
pub(crate) mod many_rows;
pub(crate) mod packed;
pub(crate) mod panel;
pub(crate) mod parallel;
pub(crate) mod pool;
mod portable;
pub(crate) mod routines;
pub mod simd;
#[cfg(target_arch = "x86_64")]
mod x86;
