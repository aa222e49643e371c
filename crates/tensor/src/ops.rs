//! The operations, one file for each family, and the methods of [`Tensor`](crate::Tensor) that apply them.

pub(crate) mod arithmetic;
pub(crate) mod checkpoint;
pub(crate) mod index;
pub(crate) mod matmul;
pub(crate) mod reduce;
pub(crate) mod unary;
pub(crate) mod view;
