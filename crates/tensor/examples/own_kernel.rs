//! A kernel of one's own: a fused pass with a gradient written by hand, and the definition that it must agree with.
//!
//! The gated linear unit with the swish gate (Shazeer, 2020), y = a·σ(a)·b. In operations it is three nodes and as many
//! arrays; the kernel is one pass forwards and one backwards. With the graph kept, the engine differentiates the
//! definition instead, so second derivatives come for free.
//!
//! `cargo run -p rungs-tensor --example own_kernel`

#![allow(clippy::print_stdout)] // a program, not a library

use rungs_tensor::{
    Array, Element, Grads, Kernel, Needs, Operands, Rng, Shape, ShapeError, Tensor, check_kernel, shape,
};

/// y = a·σ(a)·b, elementwise.
#[derive(Debug)]
struct SwiGlu;

impl<E: Element> Kernel<E> for SwiGlu {
    /// σ(a): computed once, used in both passes.
    type Saved = Vec<E>;

    fn name(&self) -> &'static str {
        "swiglu"
    }

    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        shape::same("swiglu", &x[0], &x[1])
    }

    fn forward(&self, x: Operands<'_, E>) -> (Array<E>, Vec<E>) {
        let [a, b] = x.arrays().map(Array::to_vec);
        let gate: Vec<E> = a.iter().map(|a| a.sigmoid()).collect();
        let y = (0..a.len()).map(|i| a[i] * gate[i] * b[i]).collect();
        (Array::from_vec(y, x.array(0).shape()), gate)
    }

    fn backward(&self, x: Operands<'_, E>, y: &Array<E>, gate: &Vec<E>, dy: &Array<E>, needs: Needs<'_>) -> Grads<E> {
        let [a, b] = x.arrays().map(Array::to_vec);
        let (dy, shape) = (dy.to_vec(), y.shape());
        // ∂y/∂a = σ(a)·(1 + a·(1 − σ(a)))·b and ∂y/∂b = a·σ(a); only what is asked for is computed.
        let da = || Array::from_fn(shape, |i| dy[i] * gate[i] * (E::ONE + a[i] * (E::ONE - gate[i])) * b[i]);
        let db = || Array::from_fn(shape, |i| dy[i] * a[i] * gate[i]);
        [needs.operand(0).then(da), needs.operand(1).then(db)].into()
    }

    fn definition(&self, x: &[Tensor<E>]) -> Tensor<E> {
        &x[0] * x[0].sigmoid() * &x[1]
    }
}

fn main() {
    let mut rng = Rng::new(0);
    let inputs = [0; 2].map(|_| Array::normal([4, 6], 0.0, 1.0, &mut rng));
    let accuracy = check_kernel(|| SwiGlu, &inputs, &mut rng).expect("the kernel is its definition");
    println!("largest relative error: first order {:.1e}, second order {:.1e}", accuracy.first, accuracy.second);

    let [a, b] = inputs.map(Tensor::variable);
    let gradients = Tensor::apply_kernel(SwiGlu, &[&a, &b]).sum().backward();
    println!("gradient by a: {:?}", gradients.wrt(&a).expect("a took part"));
}
