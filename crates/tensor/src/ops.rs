//! The operations, one file for each family, and the methods of [`Tensor`](crate::Tensor) that apply them.

pub(crate) mod arithmetic;
pub(crate) mod checkpoint;
pub(crate) mod concat;
pub(crate) mod functions;
pub(crate) mod gather;
pub(crate) mod masking;
pub(crate) mod matmul;
pub(crate) mod pointwise;
pub(crate) mod reductions;
pub(crate) mod through;
pub(crate) mod view;
