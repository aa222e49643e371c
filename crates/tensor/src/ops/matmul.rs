//! The matrix product.

use crate::array::gemm;
use crate::{Element, Shape, Tensor, shape};

operations! {
    /// Y = A·B over the last two axes; the leading axes are equal.
    MatMul: "matmul" {} {
        fn shape(&self, x) { shape::matmul(&x[0], &x[1]) }
        fn forward(&self, x) {
            let [a, b] = x.arrays();
            let rank = a.shape().rank();
            gemm::matmul(a, b, a.shape().with(rank - 1, b.shape().dim(rank - 1)))
        }
        fn backward(&self, at) {
            let [a, b] = at.operands();
            at.wrt(0, |dy| dy.matmul(&b.t())); // ∂L/∂A = ∂L/∂Y·Bᵀ
            at.wrt(1, |dy| a.t().matmul(dy)); // ∂L/∂B = Aᵀ·∂L/∂Y
        }
    }
}

impl<E: Element> Tensor<E> {
    /// The matrix product: (…, M, K) by (…, K, N) gives (…, M, N). Leading axes broadcast. A right operand of two axes
    /// is one matrix for all: the left one's leading axes become rows of a single product, and so does the gradient.
    ///
    /// # Panics
    /// If either has fewer than two axes, the inner dimensions differ, or the leading axes do not broadcast.
    #[track_caller]
    pub fn matmul(&self, other: &Tensor<E>) -> Tensor<E> {
        let (a, b) = (self.shape(), other.shape());
        let fit = a.rank() >= 2 && b.rank() >= 2 && a.last() == b.dim(b.rank() - 2);
        if !fit || a.iter().rev().skip(2).eq(b.iter().rev().skip(2)) {
            return Tensor::apply(MatMul {}, &[self, other]); // says what is wrong where they do not fit
        }
        if b.rank() == 2 {
            let rows = a.iter().take(a.rank() - 1).product::<usize>();
            let flat = Tensor::apply(MatMul {}, &[&self.reshape([rows, a.last()]), other]);
            return flat.reshape(a.with(a.rank() - 1, b.dim(1)));
        }
        let leading = |s: &Shape| Shape::new(&s.to_vec()[..s.rank() - 2]);
        let common = shape::insist(shape::broadcast("matmul: leading axes", &leading(&a), &leading(&b)));
        let spread = |x: &Tensor<E>| {
            let s = x.shape();
            let dims: Vec<usize> = common.iter().chain(s.iter().skip(s.rank() - 2)).collect();
            x.expand(&dims)
        };
        Tensor::apply(MatMul {}, &[&spread(self), &spread(other)])
    }
}
