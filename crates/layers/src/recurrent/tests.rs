//! The laws of recurrent layers: padding, directions, rows of a batch and threads, each bit for bit, forward and back.

use crate::{
    Cell, Direction, Dropout, GruCell, LstmCell, LstmEquations, Mode, Module, Nonlinearity, Order, Recurrent,
    RecurrentState, Reset, RnnCell,
};
use rungs_tensor::{Array, Element, Graph, Rng, Tensor, grad};

const D: usize = 3;
const H: usize = 5;
const LENGTHS: [usize; 4] = [4, 1, 6, 3];
const T: usize = 6;

fn normal<E: Element>(shape: impl Into<rungs_tensor::Shape>, rng: &mut Rng) -> Tensor<E> {
    Array::normal(shape, 0.0, 1.0, rng).into()
}

/// What a law has to compare: every h, the last states, and the gradients by inputs, states and parameters of a loss
/// that looks at what is not padding.
fn run<E: Element, C: Cell<E>>(
    layers: &Recurrent<C>,
    x: &Tensor<E>,
    lengths: Option<&[usize]>,
    state: &[RecurrentState<E>],
) -> (Tensor<E>, Vec<RecurrentState<E>>, Vec<Tensor<E>>) {
    let x = x.as_variable();
    let state: Vec<_> = state
        .iter()
        .map(|s| RecurrentState { h: s.h.as_variable(), c: s.c.as_ref().map(Tensor::as_variable) })
        .collect();
    let (y, last) = layers.forward(&x, lengths, &state, &mut Mode::Eval);
    let [b, t, _] = y.dims();
    let within = |i: usize| lengths.is_none_or(|lengths| i % t < lengths[i / t]);
    let mask = Tensor::constant(Array::from_fn([b, t, 1], |i| if within(i) { E::ONE } else { E::ZERO }));
    let vectors = last.iter().flat_map(|s| std::iter::once(&s.h).chain(&s.c));
    let loss = vectors.fold((&y * &mask).square().sum(), |loss, vector| loss + vector.tanh().sum());
    let mut targets = vec![x.clone()];
    targets.extend(state.iter().flat_map(|s| std::iter::once(s.h.clone()).chain(s.c.clone())));
    targets.extend(layers.named().into_iter().map(|(_, parameter)| parameter));
    let gradients = targets.iter().map(|target| grad(&loss, [target], Graph::Drop)[0].clone()).collect();
    (y, last, gradients)
}

fn states<E: Element, C: Cell<E>>(layers: &Recurrent<C>, batch: usize, rng: &mut Rng) -> Vec<RecurrentState<E>> {
    let zero: Vec<RecurrentState<E>> = layers.zero_state(batch);
    let random = |s: &RecurrentState<E>, rng: &mut Rng| RecurrentState {
        h: normal([batch, H], rng),
        c: s.c.as_ref().map(|_| normal([batch, H], rng)),
    };
    zero.iter().map(|s| random(s, rng)).collect()
}

fn rows<E: Element>(state: &[RecurrentState<E>], row: usize) -> Vec<RecurrentState<E>> {
    let one = |x: &Tensor<E>| x.slice(0, row..row + 1);
    state.iter().map(|s| RecurrentState { h: one(&s.h), c: s.c.as_ref().map(one) }).collect()
}

#[track_caller]
fn same<E: Element>(a: &Tensor<E>, b: &Tensor<E>, what: &str) {
    assert_eq!(a.to_vec(), b.to_vec(), "{what}");
}

/// Calls a law with every cell, in one direction and in both, in single and double precision.
macro_rules! for_every_cell {
    ($law:ident) => {
        for direction in [Direction::Forward, Direction::Both] {
            $law::<f32, RnnCell<f32>>(Nonlinearity::Tanh, direction);
            $law::<f64, RnnCell<f64>>(Nonlinearity::Relu, direction);
            $law::<f32, LstmCell<f32>>(LstmEquations, direction);
            $law::<f64, LstmCell<f64>>(LstmEquations, direction);
            $law::<f32, GruCell<f32>>(Reset::AfterProduct, direction);
            $law::<f64, GruCell<f64>>(Reset::AfterProduct, direction);
            $law::<f32, GruCell<f32>>(Reset::BeforeProduct, direction);
            $law::<f64, GruCell<f64>>(Reset::BeforeProduct, direction);
        }
    };
}

fn stack<E: Element, C: Cell<E>>(kind: C::Kind, direction: Direction) -> (Recurrent<C>, Rng) {
    let mut rng = Rng::new(3);
    let mut layers = Recurrent::of_kind(kind, direction, D, H, 2, Dropout::new(0.0), &mut rng);
    layers.for_each_mut(&mut |_, p| *p = Tensor::variable(Array::normal(p.shape(), 0.0, 0.5, &mut rng)));
    (layers, rng)
}

fn padding_changes_nothing<E: Element, C: Cell<E>>(kind: C::Kind, direction: Direction) {
    let (layers, mut rng) = stack::<E, C>(kind, direction);
    let x: Tensor<E> = normal([LENGTHS.len(), T, D], &mut rng);
    let start = states(&layers, LENGTHS.len(), &mut rng);
    let (y, last, gradients) = run(&layers, &x, Some(&LENGTHS), &start);

    // Other padding: the same bits everywhere but in the gradient's own (zero) padding.
    let within = |i: usize| i / D % T < LENGTHS[i / (T * D)];
    let (a, noise) = (x.to_vec(), normal::<E>([LENGTHS.len(), T, D], &mut rng).to_vec());
    let other = Array::from_fn(x.shape(), |i| if within(i) { a[i] } else { noise[i] }).into();
    let (other_y, other_last, other_gradients) = run(&layers, &other, Some(&LENGTHS), &start);
    same(&y, &other_y, "every h");
    for (a, b) in last.iter().zip(&other_last) {
        same(&a.h, &b.h, "the last h");
    }
    for (number, (a, b)) in gradients.iter().zip(&other_gradients).enumerate() {
        same(a, b, &format!("gradient {number}"));
    }
    let dx = gradients[0].to_vec();
    assert!((0..dx.len()).all(|i| within(i) || dx[i] == E::ZERO), "padding has no gradient");

    // Each sequence alone, without any padding.
    for (row, &length) in LENGTHS.iter().enumerate() {
        let alone = x.slice(0, row..row + 1).slice(1, 0..length);
        let (alone_y, alone_last, alone_gradients) = run(&layers, &alone, None, &rows(&start, row));
        same(&alone_y, &y.slice(0, row..row + 1).slice(1, 0..length), "alone, every h");
        for (a, b) in alone_last.iter().zip(rows(&last, row)) {
            same(&a.h, &b.h, "alone, the last h");
            a.c.iter().zip(&b.c).for_each(|(a, b)| same(a, b, "alone, the last c"));
        }
        let dx = gradients[0].slice(0, row..row + 1).slice(1, 0..length);
        same(&alone_gradients[0], &dx, "alone, the gradient by x");
    }
}

#[test]
fn a_padded_batch_is_each_sequence_alone_and_padding_never_matters() {
    for_every_cell!(padding_changes_nothing);
}

fn threads_change_nothing<E: Element, C: Cell<E>>(kind: C::Kind, direction: Direction) {
    let (layers, mut rng) = stack::<E, C>(kind, direction);
    let x: Tensor<E> = normal([LENGTHS.len(), T, D], &mut rng);
    let start = states(&layers, LENGTHS.len(), &mut rng);
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let (y, _, gradients) = pool.install(|| run(&layers, &x, Some(&LENGTHS), &start));
        (y.to_vec(), gradients.iter().map(Tensor::to_vec).collect::<Vec<_>>())
    };
    let one = with(1);
    assert!([2, 8].into_iter().all(|threads| with(threads) == one));
}

#[test]
fn the_number_of_threads_does_not_matter() {
    for_every_cell!(threads_change_nothing);
}

/// Large enough that threads share the rows, tiles are whole and weights are packed.
fn nothing_changes_at_a_size_that_is_used<C: Cell<f32>>(kind: C::Kind) {
    let rng = &mut Rng::new(8);
    let layers: Recurrent<C> = Recurrent::of_kind(kind, Direction::Forward, 40, 128, 1, Dropout::new(0.0), rng);
    let x: Tensor<f32> = normal([13, 20, 40], rng);
    let lengths: Vec<usize> = (0..13).map(|row| 20 - row % 4).collect();
    let run = |x: &Tensor<f32>, lengths: &[usize], threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| run(&layers, x, Some(lengths), &layers.zero_state(lengths.len())))
    };
    let (y, last, gradients) = run(&x, &lengths, 1);
    for threads in [2, 8] {
        let (other_y, other_last, other_gradients) = run(&x, &lengths, threads);
        same(&y, &other_y, "every h");
        last[0].c.iter().zip(&other_last[0].c).for_each(|(a, b)| same(a, b, "the last c"));
        gradients.iter().zip(&other_gradients).for_each(|(a, b)| same(a, b, "gradients"));
    }
    for row in [0, 6, 12] {
        let (alone, _, alone_gradients) = run(&x.slice(0, row..row + 1), &lengths[row..row + 1], 2);
        same(&alone, &y.slice(0, row..row + 1), "a row alone");
        same(&alone_gradients[0], &gradients[0].slice(0, row..row + 1), "its gradient");
    }
}

#[test]
fn at_a_size_that_is_used_rows_and_threads_do_not_matter_either() {
    nothing_changes_at_a_size_that_is_used::<RnnCell>(Nonlinearity::Tanh);
    nothing_changes_at_a_size_that_is_used::<LstmCell>(LstmEquations);
    nothing_changes_at_a_size_that_is_used::<GruCell>(Reset::AfterProduct);
    nothing_changes_at_a_size_that_is_used::<GruCell>(Reset::BeforeProduct);
}

/// The same layers and input in single and in double precision, at sizes that are no multiples of a vector: what is
/// checked against the textbook in double precision holds for the numbers one trains with.
fn single_precision_is_double_but_for_rounding<S: Cell<f32>, D: Cell<f64, Kind = S::Kind>>(kind: S::Kind) {
    const TOLERANCE: f64 = 1e-5;
    let sizes = [D::parameters(3, 37) as usize, 13 * 9 * 3];
    let numbers = sizes.map(|size| Array::<f32>::normal([size], 0.0, 0.3, &mut Rng::new(size as u64)).to_vec());
    fn results<E: Element, C: Cell<E>>(kind: C::Kind, numbers: &[Vec<f32>; 2]) -> Vec<Tensor<E>> {
        let mut left = numbers[0].iter().copied();
        let mut take = |shape| Array::from_fn(shape, |_| E::from_f64(left.next().unwrap().into()));
        let mut layers =
            Recurrent::<C>::of_kind(kind, Direction::Forward, 3, 37, 1, Dropout::new(0.0), &mut Rng::new(0));
        layers.for_each_mut(&mut |_, p| *p = Tensor::variable(take(p.shape())));
        let x = Array::from_fn([13, 9, 3], |i| E::from_f64(numbers[1][i].into())).into();
        let lengths: Vec<usize> = (0..13).map(|row| 9 - row % 5).collect();
        let (y, _, gradients) = run(&layers, &x, Some(&lengths), &layers.zero_state(13));
        std::iter::once(y).chain(gradients).collect()
    }
    let (single, double) = (results::<f32, S>(kind, &numbers), results::<f64, D>(kind, &numbers));
    for (number, (single, double)) in single.iter().zip(&double).enumerate() {
        let size = double.to_vec().into_iter().fold(0.0, |size: f64, x| size.max(x.abs()));
        for (single, double) in single.to_vec().into_iter().zip(double.to_vec()) {
            assert!((f64::from(single) - double).abs() <= TOLERANCE * size, "result {number}: {single} for {double}");
        }
    }
}

#[test]
fn single_precision_computes_what_double_does() {
    single_precision_is_double_but_for_rounding::<RnnCell<f32>, RnnCell<f64>>(Nonlinearity::Tanh);
    single_precision_is_double_but_for_rounding::<LstmCell<f32>, LstmCell<f64>>(LstmEquations);
    single_precision_is_double_but_for_rounding::<GruCell<f32>, GruCell<f64>>(Reset::AfterProduct);
    single_precision_is_double_but_for_rounding::<GruCell<f32>, GruCell<f64>>(Reset::BeforeProduct);
}

fn reversed_is_read_backwards<E: Element, C: Cell<E>>(kind: C::Kind, _: Direction) {
    let (layers, mut rng) = stack::<E, C>(kind, Direction::Forward);
    let cell = &layers.layers[0];
    let x: Tensor<E> = normal([2, 4, D], &mut rng);
    let flip = |x: &Tensor<E>| Tensor::concat(&(0..4).rev().map(|t| x.slice(1, t..t + 1)).collect::<Vec<_>>(), 1);
    let start = &states(&layers, 2, &mut rng)[0];
    let (forward, last) = cell.sequence(&flip(&x), start, Order::Forward, None);
    let (reverse, first) = cell.sequence(&x, start, Order::Reverse, None);
    same(&flip(&forward), &reverse, "every h");
    same(&last.h, &first.h, "the h computed last");
    same(&first.h, &reverse.slice(1, 0..1).squeeze(1), "which is the first one's");
}

#[test]
fn the_reverse_order_reads_the_sequence_backwards() {
    for_every_cell!(reversed_is_read_backwards);
}

fn both_ways_are_side_by_side<E: Element, C: Cell<E>>(kind: C::Kind, _: Direction) {
    let (mut layers, mut rng) = stack::<E, C>(kind, Direction::Both);
    layers.layers.truncate(1);
    layers.backward.truncate(1);
    let x: Tensor<E> = normal([2, 4, D], &mut rng);
    let start = states(&layers, 2, &mut rng);
    let (y, last) = layers.forward(&x, None, &start, &mut Mode::Eval);
    assert_eq!(y.dims(), [2, 4, 2 * H]);
    for (which, (cell, order)) in
        [(&layers.layers[0], Order::Forward), (&layers.backward[0], Order::Reverse)].into_iter().enumerate()
    {
        let (h, after) = cell.sequence(&x, &start[which], order, None);
        same(&y.slice(2, which * H..(which + 1) * H), &h, "one way");
        same(&last[which].h, &after.h, "its last state");
    }
}

#[test]
fn both_directions_stand_side_by_side() {
    for_every_cell!(both_ways_are_side_by_side);
}
