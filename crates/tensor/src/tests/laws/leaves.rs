//! What a leaf promises: values that never change under a handle, updates in place where nobody is looking, and fresh
//! ids.

use super::variable;
use crate::{Array, NoGradient, Rng, Tensor};

fn address(x: &Tensor<f64>) -> *const f64 {
    x.array().as_slice().expect("row-major").as_ptr()
}

#[test]
fn an_update_in_place_where_nothing_else_looks() {
    let mut w = variable([2, 3], &mut Rng::new(0));
    let (before, id) = (address(&w), w.id());
    w.update(|w| w.iter_mut().for_each(|w| *w = 7.0));
    assert_eq!((w.to_vec(), address(&w)), (vec![7.0; 6], before), "no copy");
    assert_ne!(w.id(), id, "a fresh id: graphs built before do not know the new values");
    assert!(w.is_variable());
}

#[test]
fn a_clone_is_a_snapshot() {
    let mut w = Tensor::variable(Array::from_vec(vec![1.0, 2.0], 2));
    let (clone, detached, leaf, view) = (w.clone(), w.detached(), w.as_variable(), w.slice(0, 1..2));
    let array = w.array().clone();
    w.update(|w| w[1] = 9.0);
    assert_eq!(w.to_vec(), [1.0, 9.0]);
    assert_eq!((clone.to_vec(), detached.to_vec(), leaf.to_vec()), (vec![1.0, 2.0], vec![1.0, 2.0], vec![1.0, 2.0]));
    assert_eq!((view.to_vec(), array.to_vec()), (vec![2.0], vec![1.0, 2.0]));
    drop((clone, detached, leaf, view, array));
    let before = address(&w);
    w.update(|w| w[0] = 8.0);
    assert_eq!((w.to_vec(), address(&w)), (vec![8.0, 9.0], before), "alone again, so in place again");
}

#[test]
fn a_graph_keeps_the_values_it_was_built_from() {
    let mut w = Tensor::variable(Array::from_vec(vec![3.0], 1));
    let old = w.clone();
    let loss = w.square().sum();
    w.update(|w| w[0] = 100.0);
    let gradients = loss.backward();
    assert_eq!(gradients.wrt(&old).unwrap().to_vec(), [6.0], "2·3, not 2·100");
    assert_eq!(gradients.wrt(&w).unwrap_err(), NoGradient::Unreached, "the new values took no part");
}

#[test]
fn gradients_do_not_stand_in_the_way_of_an_update_in_place() {
    let mut w = variable(4, &mut Rng::new(1));
    let gradients = w.square().sum().backward();
    let before = address(&w);
    let step = gradients.wrt(&w).unwrap().to_vec();
    w.update(|w| w.iter_mut().zip(&step).for_each(|(w, g)| *w -= 0.1 * g));
    assert_eq!(address(&w), before, "gradients hold ids, not tensors");
}

#[test]
fn a_view_as_a_leaf_is_updated_in_row_major_order() {
    let table = Tensor::constant(Array::from_fn([2, 3], |i| i as f64));
    let mut w = table.t().as_variable();
    w.update(|w| {
        assert_eq!(w, [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
        w[1] = -1.0;
    });
    assert_eq!(w.to_vec(), [0.0, -1.0, 1.0, 4.0, 2.0, 5.0]);
    assert_eq!(table.to_vec(), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    let mut row = Tensor::constant(Array::scalar(2.0)).expand(3).as_variable();
    row.update(|row| row[0] = 1.0);
    assert_eq!(row.to_vec(), [1.0, 2.0, 2.0], "a repeated element becomes several");
}

#[test]
fn a_constant_stays_a_constant() {
    let mut x = Tensor::constant(Array::from_vec(vec![1.0f64], 1));
    let shared = x.clone();
    x.update(|x| x[0] = 2.0);
    assert!(!x.is_tracked() && !shared.is_tracked());
    assert_eq!((x.item(), shared.item()), (2.0, 1.0));
}

#[test]
fn the_same_loss_can_be_differentiated_again_while_a_handle_is_kept() {
    let w: Tensor<f64> = variable([3, 3], &mut Rng::new(2));
    let loss = w.matmul(&w).tanh().sum();
    let (first, second) = (loss.clone().backward(), loss.backward());
    assert_eq!(first.wrt(&w).unwrap(), second.wrt(&w).unwrap());
}

#[test]
fn a_variable_is_its_own_loss() {
    let x = Tensor::variable(Array::scalar(3.0f64));
    assert_eq!(x.clone().backward().wrt(&x).unwrap().item(), 1.0);
}

#[test]
fn tensors_cross_threads_and_unwinding() {
    fn shared<T: Send + Sync + std::panic::UnwindSafe + std::panic::RefUnwindSafe>() {}
    shared::<Tensor<f32>>();
    shared::<Tensor<f64>>();
}
