//! How parameters begin.
//!
//! A network learns if signals and gradients keep their size on the way through it. [Xavier](Init::XavierUniform)
//! (Glorot & Bengio 2010) chooses the variance 2 / (inputs + outputs) that keeps both about constant through a layer.
//! [Orthogonal](Init::Orthogonal) matrices (Saxe, McClelland & Ganguli 2013) keep lengths exactly, through any number
//! of recurrent steps. GPT-2 (2019) draws everything from [N(0, 0.02²)](Init::Normal).

use rungs_tensor::{Array, Element, Rng, Shape, Tensor};

/// A distribution for the first values of a parameter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Init {
    /// All 0.
    Zeros,
    /// All 1.
    Ones,
    /// Normal with mean 0 and this standard deviation.
    Normal(f64),
    /// Uniform from −bound to bound.
    Uniform(f64),
    /// Uniform with bound √(6 / (inputs + outputs)), for a matrix (inputs, outputs).
    XavierUniform,
    /// A matrix drawn uniformly from those with orthonormal rows, or columns if it is tall.
    Orthogonal,
}

impl Init {
    /// A variable with values drawn from `rng`.
    ///
    /// # Panics
    /// If [`XavierUniform`](Init::XavierUniform) or [`Orthogonal`](Init::Orthogonal) is asked for anything but a
    /// matrix.
    #[track_caller]
    pub fn tensor<E: Element>(self, shape: impl Into<Shape>, rng: &mut Rng) -> Tensor<E> {
        let shape = shape.into();
        Tensor::variable(match self {
            Init::Zeros => Array::zeros(shape),
            Init::Ones => Array::full(shape, E::ONE),
            Init::Normal(std) => Array::normal(shape, 0.0, std, rng),
            Init::Uniform(bound) => Array::uniform(shape, -bound, bound, rng),
            Init::XavierUniform => {
                let [inputs, outputs] = shape.dims();
                let bound = (6.0 / (inputs + outputs) as f64).sqrt();
                Array::uniform(shape, -bound, bound, rng)
            }
            Init::Orthogonal => {
                let [rows, columns] = shape.dims();
                let wide = [rows.min(columns), rows.max(columns)];
                let q = orthonormal_rows(&Array::normal(wide, 0.0, 1.0, rng).into());
                let q = if rows <= columns { q } else { q.t() };
                Array::from_vec(q.to_vec().into_iter().map(E::from_f64).collect(), shape)
            }
        })
    }

    /// Matrices from `inputs` to so many outputs each, drawn one by one and laid side by side.
    ///
    /// So are the weights of gates, or of queries, keys and values, kept, that one product computes them all. Each is
    /// drawn as if it stood alone: the fan-out of a gate is H, not 4H, and each recurrent gate is orthogonal.
    #[track_caller]
    pub fn side_by_side<E: Element>(self, inputs: usize, outputs: &[usize], rng: &mut Rng) -> Tensor<E> {
        let block = |&outputs: &usize| self.tensor([inputs, outputs], rng).detached();
        let blocks: Vec<Tensor<E>> = outputs.iter().map(block).collect();
        Tensor::concat(&blocks, -1).as_variable()
    }
}

/// The rows of `a`, made orthonormal: the Q of aᵀ = QᵀR with a positive diagonal of R, which for a Gaussian `a` is
/// uniform over all such matrices (Mezzadri 2007).
///
/// Gram–Schmidt, half by half, so that nearly all of the work is matrix products: orthonormalise the first half,
/// project it out of the second, orthonormalise what remains of it.
fn orthonormal_rows(a: &Tensor<f64>) -> Tensor<f64> {
    let [rows, _] = a.dims();
    if rows <= 1 {
        return a / a.square().sum().sqrt();
    }
    let q = orthonormal_rows(&a.slice(0, 0..rows / 2));
    let project_out = |x: &Tensor<f64>| x - x.matmul(&q.t()).matmul(&q);
    // Twice: what rounding left of q the first time is removed the second (Kahan's "twice is enough").
    let rest = project_out(&project_out(&a.slice(0, rows / 2..rows)));
    Tensor::concat(&[q.clone(), orthonormal_rows(&rest)], 0)
}

#[cfg(test)]
mod tests;
