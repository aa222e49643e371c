//! Single operations of the engine, forward and backward, with criterion: `cargo bench --bench engine`.
//!
//! Products are reported in FLOP/s and everything else in elements/s, so that a figure can be held against what the
//! machine can do. Work runs inside one pool, as training does.
#![allow(missing_docs)] // criterion's macros write functions without

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use rungs::tensor::{Array, CrossEntropy, Ids, Rng, Tensor};
use std::hint::black_box;

fn normal(shape: &[usize], rng: &mut Rng) -> Array<f32> {
    Array::normal(shape, 0.0, 1.0, rng)
}

fn products(c: &mut Criterion) {
    let mut group = c.benchmark_group("matmul");
    let rng = &mut Rng::new(0);
    for [m, k, n] in
        [[768, 128, 512], [768, 512, 128], [50, 512, 2048], [512, 512, 512], [2048, 768, 3072], [1, 768, 3072]]
    {
        let (a, b) = (Tensor::constant(normal(&[m, k], rng)), Tensor::constant(normal(&[k, n], rng)));
        group.throughput(Throughput::Elements((2 * m * k * n) as u64));
        group.bench_function(format!("{m}x{k}x{n}"), |bench| bench.iter(|| black_box(a.matmul(&b))));
    }
    group.finish();
}

/// The gradient of Σ f(x) ∘ w by all operands, w random so that nothing cancels.
fn forward_backward(c: &mut Criterion, name: &str, shapes: &[&[usize]], f: impl Fn(&[Tensor]) -> Tensor + Sync) {
    let rng = &mut Rng::new(0);
    let arrays: Vec<Array<f32>> = shapes.iter().map(|shape| normal(shape, rng)).collect();
    let mut group = c.benchmark_group("forward+backward");
    group.throughput(Throughput::Elements(arrays[0].size() as u64));
    group.bench_function(name, |bench| {
        bench.iter_batched(
            || arrays.iter().cloned().map(Tensor::variable).collect::<Vec<_>>(),
            |x| black_box(f(&x).sum().backward()),
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

fn functions(c: &mut Criterion) {
    forward_backward(c, "tanh 1M", &[&[1024, 1024]], |x| x[0].tanh());
    forward_backward(c, "gelu 1M", &[&[1024, 1024]], |x| x[0].gelu());
    forward_backward(c, "add bias 1M", &[&[1024, 1024], &[1024]], |x| &x[0] + &x[1]);
    forward_backward(c, "softmax 96x256x256", &[&[96, 256, 256]], |x| x[0].softmax());
    forward_backward(c, "layer norm 2048x768", &[&[2048, 768], &[768], &[768]], |x| {
        x[0].layer_norm(&x[1], Some(&x[2]), 1e-5)
    });
    let rng = &mut Rng::new(1);
    let targets = Ids::new((0..2048).map(|_| rng.below(1000) as u32).collect::<Vec<_>>(), 2048);
    forward_backward(c, "cross-entropy 2048x1000", &[&[2048, 1000]], move |x| {
        x[0].cross_entropy(&targets, CrossEntropy::default())
    });
}

/// What a node costs beyond its arithmetic: a long chain of additions of single numbers.
fn nodes(c: &mut Criterion) {
    const LENGTH: usize = 10_000;
    let mut group = c.benchmark_group("nodes");
    group.throughput(Throughput::Elements(LENGTH as u64));
    let x = Tensor::variable(Array::<f32>::scalar(1.0));
    let chain = || (0..LENGTH).fold(x.clone(), |y, _| y + &x);
    group.bench_function("forward", |bench| bench.iter_with_large_drop(chain));
    group.bench_function("backward", |bench| bench.iter_batched(chain, Tensor::backward, BatchSize::LargeInput));
    group.finish();
}

criterion_group!(benches, products, functions, nodes);
criterion_main!(benches);
