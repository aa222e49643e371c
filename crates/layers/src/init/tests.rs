//! First values and how they are drawn.

use crate::tests::assert_close;
use crate::{Block, BlockConfig, Init, Linear, LstmCell, LstmEquations};
use rungs_tensor::{Array, Rng, Tensor};

#[test]
fn orthogonal_matrices_are_orthogonal() {
    let rng = &mut Rng::new(6);
    for [rows, columns] in [[1, 1], [1, 5], [5, 1], [7, 7], [33, 64], [64, 33], [128, 128]] {
        let q: Tensor<f64> = Init::Orthogonal.tensor([rows, columns], rng);
        assert!(q.is_variable());
        let gram = if rows <= columns { q.matmul(&q.t()) } else { q.t().matmul(&q) };
        let n = rows.min(columns);
        let identity = Array::from_fn([n, n], |i| if i % (n + 1) == 0 { 1.0 } else { 0.0 });
        assert_close(&gram, &identity.into(), 1e-10);
    }
    // Uniform over all of them: both signs, and no entry larger than another on average.
    let corner = |rng: &mut Rng| Init::Orthogonal.tensor::<f64>([2, 2], rng).to_vec()[0];
    let corners: Vec<f64> = (0..2000).map(|_| corner(rng)).collect();
    let mean = corners.iter().sum::<f64>() / 2000.0;
    let square = corners.iter().map(|c| c * c).sum::<f64>() / 2000.0;
    assert!(mean.abs() < 0.07 && (square - 0.5).abs() < 0.04, "{mean} {square}"); // four standard errors
}

#[test]
fn the_gates_of_a_cell_are_drawn_one_by_one() {
    let rng = &mut Rng::new(7);
    let (d, h) = (5, 16);
    let cell: LstmCell<f64> = LstmCell::new(LstmEquations, d, h, [Init::XavierUniform, Init::Orthogonal], rng);
    let identity: Tensor<f64> = Array::from_fn([h, h], |i| if i % (h + 1) == 0 { 1.0 } else { 0.0 }).into();
    for gate in 0..4 {
        let w_h = cell.w_h.slice(1, gate * h..(gate + 1) * h);
        assert_close(&w_h.matmul(&w_h.t()), &identity, 1e-10);
    }
    let bound = (6.0 / (d + h) as f64).sqrt();
    let largest = cell.w_x.abs().max().item();
    assert!(largest <= bound && largest > 0.9 * bound);
    let bias = cell.bias.to_vec();
    assert!(bias.iter().enumerate().all(|(unit, &b)| b == if (h..2 * h).contains(&unit) { 1.0 } else { 0.0 }));
    assert!([&cell.w_x, &cell.w_h, &cell.bias].iter().all(|p| p.is_variable()));
}

#[test]
fn distributions_have_their_moments() {
    let rng = &mut Rng::new(8);
    let (rows, columns) = (200, 300);
    let n = (rows * columns) as f64;
    let moments = |init: Init, rng: &mut Rng| {
        let x: Tensor<f64> = init.tensor([rows, columns], rng);
        (x.mean().item(), x.square().mean().item())
    };
    let bound = 0.3;
    for (init, variance) in [
        (Init::Normal(0.02), 0.02 * 0.02),
        (Init::Uniform(bound), bound * bound / 3.0),
        (Init::XavierUniform, 2.0 / (rows + columns) as f64),
    ] {
        let (mean, square) = moments(init, rng);
        assert!(mean.abs() < 5.0 * (variance / n).sqrt(), "{init:?}: mean {mean}");
        assert!((square / variance - 1.0).abs() < 5.0 * (2.0 / n).sqrt(), "{init:?}: variance {square}");
    }
    assert_eq!(moments(Init::Zeros, rng), (0.0, 0.0));
    assert_eq!(moments(Init::Ones, rng), (1.0, 1.0));
}

#[test]
fn gpt_blocks_scale_what_they_add_to_the_residual_stream() {
    let layers = 8;
    let block: Block<f64> = Block::new(&BlockConfig::gpt(64, 4, layers), &mut Rng::new(9));
    let deviation = |linear: &Linear<f64>| linear.weight.square().mean().item().sqrt();
    let residual = 0.02 / ((2 * layers) as f64).sqrt();
    for (found, expected) in [
        (deviation(&block.attention.qkv), 0.02),
        (deviation(&block.feed_forward.up), 0.02),
        (deviation(&block.attention.projection), residual),
        (deviation(&block.feed_forward.down), residual),
    ] {
        assert!((found / expected - 1.0).abs() < 0.05, "{found} for {expected}");
    }
}
