//! Any depth: graphs of a million nodes are built, differentiated and dropped on a stack of one mebibyte, where
//! recursion of a hundred bytes a node would overflow a hundred times.

use crate::{Array, Graph, Tensor, grad, vjp};
use std::sync::{Mutex, PoisonError};

const NODES: usize = 1_000_000;
const STACK: usize = 1 << 20;

/// Runs a task on a small stack, one task at a time: a graph of a million nodes takes some hundred megabytes.
fn on_a_small_stack(task: impl FnOnce() + Send + 'static) {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(task).expect("a thread");
    thread.join().expect("the task ends well");
}

fn variable(value: f64) -> Tensor<f64> {
    Tensor::variable(Array::scalar(value))
}

/// x, then `NODES` times y ← step(y).
fn chain(x: &Tensor<f64>, step: impl Fn(&Tensor<f64>) -> Tensor<f64>) -> Tensor<f64> {
    (0..NODES).fold(x.clone(), |y, _| step(&y))
}

#[test]
fn a_chain_is_built_and_dropped() {
    on_a_small_stack(|| {
        let x = variable(1.0);
        let y = chain(&x, |y| y + 1.0);
        assert_eq!(y.item(), 1.0 + NODES as f64);
    });
}

#[test]
fn a_chain_is_differentiated() {
    on_a_small_stack(|| {
        let x = variable(1.0);
        let gradients = chain(&x, |y| y.affine(1.0, 1.0)).backward();
        assert_eq!(gradients.wrt(&x).unwrap().item(), 1.0);
        // The loss is still held, so the graph is dropped after the walk, not during it.
        let y = chain(&x, |y| -y);
        let gradients = y.clone().backward();
        assert_eq!(gradients.wrt(&x).unwrap().item(), 1.0, "an even number of changes of sign");
    });
}

#[test]
fn a_chain_is_differentiated_with_the_graph_kept() {
    on_a_small_stack(|| {
        let x = variable(1e-6);
        // tanh so often that its slope is neither 0 nor 1: the gradient is a product of a million factors.
        let y = chain(&x, Tensor::tanh);
        let [dx] = grad(&y, [&x], Graph::Keep);
        let [dropped] = grad(&y, [&x], Graph::Drop);
        assert!((dx.item() - dropped.item()).abs() < 1e-12 && (0.9..1.0).contains(&dx.item()), "{dx:?}");
        // The gradient alone now holds the graph, its own and the one that it was made from.
        drop((x, y, dropped));
        assert!(dx.is_tracked());
        drop(dx);
    });
}

#[test]
fn a_chain_is_differentiated_twice() {
    on_a_small_stack(|| {
        let x = variable(0.5);
        let y = (0..NODES / 10).fold(x.clone(), |y, _| (&y * &y).affine(0.5, 0.25));
        let [dx] = grad(&y, [&x], Graph::Keep);
        let [d2x] = grad(&dx, [&x], Graph::Drop);
        assert!(dx.item().is_finite() && d2x.item().is_finite());
    });
}

#[test]
fn both_operands_may_be_the_node_before() {
    on_a_small_stack(|| {
        // Each node is reached along two edges, so 2^NODES paths lead to x; a walk along paths would never end.
        let x = variable(1.0);
        let y = chain(&x, |y| (y + y).affine(0.5, 0.0));
        assert_eq!(y.item(), 1.0);
        assert_eq!(y.backward().wrt(&x).unwrap().item(), 1.0);
    });
}

#[test]
fn a_ladder_of_two_chains_that_cross() {
    on_a_small_stack(|| {
        let (x, z) = (variable(1.0), variable(-1.0));
        let (mut a, mut b) = (x.clone(), z.clone());
        for _ in 0..NODES / 2 {
            (a, b) = ((&a + &b).affine(0.5, 0.0), &a - &b);
        }
        let gradients = (a * 0.0 + b * 0.0).backward();
        assert_eq!(gradients.wrt(&x).unwrap().item(), 0.0);
    });
}

#[test]
fn a_wide_graph() {
    on_a_small_stack(|| {
        let x = variable(3.0);
        // One node with many users, and one with many operands.
        let parts: Vec<Tensor<f64>> = (0..NODES / 10).map(|_| (&x * 2.0).reshape(1)).collect();
        let y = Tensor::concat(&parts, 0).sum();
        drop(parts);
        assert_eq!(y.backward().wrt(&x).unwrap().item(), 2.0 * (NODES / 10) as f64);
        let sum = (0..NODES).fold(Tensor::scalar(0.0), |sum, _| sum + &x);
        assert_eq!(sum.backward().wrt(&x).unwrap().item(), NODES as f64);
    });
}

#[test]
fn a_kernel_at_every_step() {
    on_a_small_stack(|| {
        let x = Tensor::variable(Array::from_vec(vec![0.1, 0.2, 0.3], 3));
        let y = (0..NODES / 100).fold(x.clone(), |y, _| y.softmax());
        let v = Tensor::constant(Array::from_vec(vec![1.0, 2.0, 3.0], 3));
        let [kept, dropped] = [Graph::Keep, Graph::Drop].map(|graph| vjp(&y, &v, &[&x], graph).remove(0));
        assert!(kept.allclose(&dropped, 0.0, 1e-12));
    });
}
