//! Rungs' engine: arrays, tensors and reverse-mode differentiation whose gradients can be trusted.
//!
//! 1. An [`Array`] holds numbers: strided views into shared storage. It knows nothing of gradients.
//! 2. A [`Tensor`] is an array and where it came from. Tensors are immutable values; nothing is recorded unless a
//!    [variable](Tensor::variable) went in.
//! 3. An [`Op`] says how a result is computed and how the gradient flows back, in tensor operations, so that gradients
//!    can be differentiated again. A [`Kernel`] is an operation fused by hand that carries its textbook definition.
//!
//! ```
//! use rungs_tensor::{Array, Tensor};
//!
//! let w = Tensor::variable(Array::from_vec(vec![0.5, -0.25, 0.1, 0.3], [2, 2]));
//! let x = Tensor::constant(Array::from_vec(vec![1.0, 2.0], [1, 2]));
//! let loss = x.matmul(&w).tanh().square().sum();
//! let gradients = loss.backward();
//! println!("{:?}", gradients.wrt(&w).unwrap());
//! ```
//!
//! There is no hidden state: no gradient mode, no global seed, no device. Results do not depend on the number of
//! threads. Axes are given as `isize` and count from the end when negative; a wrong shape is a bug and panics in one
//! line, and [`Tensor::try_apply`] is the door for those who would rather have a `Result`.
//!
//! # What is in here, in an order to read it
//!
//! | module | what it holds |
//! |---|---|
//! | [`shape`] | shapes, strides, and every rule by which shapes combine |
//! | `element`, `math` | the two kinds of numbers; their exp, tanh, sigmoid and erf |
//! | `array` | values and loops over them: elementwise, along axes, products, by position |
//! | `tensor`, `op`, `autograd` | the graph: what a tensor remembers, what an operation is, the walk back |
//! | `ids`, `mask` | what tensors are indexed and masked with |
//! | `ops` | the operations, one file for each family |
//! | `fused` | kernels: softmax, cross-entropy, normalization, attention and rotary positions in one pass each |
//! | [`check`] | gradient checks for anyone's operations |
//! | `fast` | what is there for speed alone, to be passed over at first: memory, threads, vector instructions |
//! | `registry` | with the feature `check`: all operations and kernels with their gradient checks |
//! | `safetensors` | with the feature `safetensors`: arrays in files, as bytes |
//!
//! Layers, losses over models, optimizers and training are in the crates above. Nothing here prints, reads or writes a
//! file, or draws a random number without being given an [`Rng`].

mod array;
mod autograd;
pub mod check;
mod element;
mod fast;
mod fused;
mod ids;
mod mask;
mod math;
mod op;
mod ops;
#[cfg(feature = "check")]
pub mod registry;
#[cfg(feature = "safetensors")]
pub mod safetensors;
pub mod shape;
mod tensor;
#[cfg(test)]
mod tests;

pub use array::Array;
pub use array::rows::argmax;
pub use autograd::{Gradients, Graph, NoGradient, grad, hvp, jvp, vjp};
pub use check::{check_gradients, check_kernel};
pub use element::Element;
pub use fast::buffer::{bytes_in_use, release_unused_memory};
pub use fast::growing::Growing;
pub use fast::packed::PackedMatrix;
pub use fast::parallel::{Part, for_each_part, keep_awake};
pub use fast::pool::OUT_OF_MEMORY;
pub use fast::simd;
pub use fused::attention::{AttentionOptions, WeightDropout};
pub use fused::cross_entropy::{CrossEntropy, Reduction};
pub use fused::{Grads, Kernel, Needs};
pub use ids::Ids;
pub use mask::Mask;
pub use op::{Op, Operands, Vjp};
pub use ops::pointwise::{Function, Real};
pub use rungs_random::{Rng, RngState};
pub use shape::{MAX_RANK, Shape, ShapeError};
pub use tensor::{NodeId, Tensor};
