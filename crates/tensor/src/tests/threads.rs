//! Same bits: whatever the number of threads, and whichever threads build the graph.
//!
//! Sizes lie above the thresholds at which work is shared, and are no multiples of anything.

use crate::{Array, CrossEntropy, Element, Graph, Ids, Rng, Shape, Tensor, grad};
use rayon::ThreadPoolBuilder;

fn normal<E: Element>(shape: impl Into<Shape>, rng: &mut Rng) -> Tensor<E> {
    Tensor::variable(Array::normal(shape, 0.0, 1.0, rng))
}

/// The results of `task` as bits, on a pool of so many threads. f32 to f64 is exact, so one kind of bits serves both.
fn bits<E: Element>(threads: usize, task: &(dyn Fn() -> Vec<Tensor<E>> + Sync)) -> Vec<Vec<u64>> {
    let pool = ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
    let tensors = pool.install(task);
    tensors.iter().map(|x| x.to_vec().into_iter().map(|x| x.to_f64().to_bits()).collect()).collect()
}

fn assert_same_bits<E: Element>(name: &str, task: &(dyn Fn() -> Vec<Tensor<E>> + Sync)) {
    let one = bits(1, task);
    for threads in [2, 8] {
        assert!(bits(threads, task) == one, "{name} in {}: {threads} threads give other bits than one", E::NAME);
    }
    assert!(one.iter().flatten().any(|&bits| bits != 0), "{name}: nothing but zeros");
}

/// A function's value and its gradients by its operands, along a fixed direction.
fn assert_same_bits_of<E: Element>(name: &str, operands: &[Tensor<E>], f: &(dyn Fn(&[Tensor<E>]) -> Tensor<E> + Sync)) {
    assert_same_bits(name, &|| {
        let y = f(operands);
        let v = Tensor::constant(Array::normal(y.shape(), 0.0, 1.0, &mut Rng::new(99)));
        let mut results = crate::vjp(&y, &v, &operands.iter().collect::<Vec<_>>(), Graph::Drop);
        results.push(y);
        results
    });
}

/// A function of several operands.
type Function<E> = fn(&[Tensor<E>]) -> Tensor<E>;

/// Runs a generic test for both kinds of numbers.
macro_rules! for_both {
    ($($(#[$attribute:meta])* fn $name:ident<$e:ident>() $body:block)*) => {$(
        $(#[$attribute])*
        fn $name() {
            fn both<$e: Element>() $body
            both::<f32>();
            both::<f64>();
        }
    )*};
}

for_both! {
    #[test]
    fn matrix_products<E>() {
        let mut rng = Rng::new(0);
        let shapes =
            [[1, 1, 1], [1, 900, 1500], [1500, 900, 1], [7, 2000, 130], [129, 65, 257], [300, 40, 300], [64, 1025, 96]];
        for [m, k, n] in shapes {
            let operands = [normal::<E>([m, k], &mut rng), normal([k, n], &mut rng)];
            assert_same_bits_of(&format!("{m}×{k}×{n}"), &operands, &|x| x[0].matmul(&x[1]));
        }
    }

    #[test]
    fn batches_of_matrix_products<E>() {
        let mut rng = Rng::new(1);
        let pairs: [(&[usize], &[usize]); 4] = [
            (&[12, 33, 65], &[12, 65, 33]),
            (&[3, 1, 65, 70], &[5, 70, 66]),
            (&[200, 5, 6], &[200, 6, 7]),
            (&[9, 61, 33], &[33, 129]),
        ];
        for (a, b) in pairs {
            let operands = [normal::<E>(a, &mut rng), normal(b, &mut rng)];
            assert_same_bits_of(&format!("{a:?} by {b:?}"), &operands, &|x| x[0].matmul(&x[1]));
            assert_same_bits_of(&format!("{b:?} by {a:?}"), &operands, &|x| {
                x[1].swap_axes(-1, -2).matmul(&x[0].swap_axes(-1, -2))
            });
        }
    }

    #[test]
    fn elementwise<E>() {
        let mut rng = Rng::new(2);
        let operands = [normal::<E>([300, 333], &mut rng), normal([333], &mut rng), normal([300, 1], &mut rng)];
        let functions: [Function<E>; 6] = [
            |x| (&x[0] + &x[1]) * &x[2],
            |x| x[0].tanh() / x[1].exp().affine(1.0, 1.0) + &x[2],
            |x| x[0].sigmoid().maximum(&x[1]).minimum(&x[2]),
            |x| x[0].gelu() - x[0].gelu_tanh() * &x[1] * x[2].erf(),
            |x| x[0].t().abs().sqrt().t() + x[1].square() + x[2].powi(3),
            |x| Tensor::choose(&x[0].gt(&x[1]), &x[0], &x[2]),
        ];
        for (i, f) in functions.iter().enumerate() {
            assert_same_bits_of(&format!("function {i}"), &operands, f);
        }
    }

    #[test]
    fn reductions<E>() {
        let mut rng = Rng::new(3);
        let shapes: [&[usize]; 5] = [&[250_001], &[3, 70_001], &[70_001, 3], &[701, 301], &[41, 53, 61]];
        for shape in shapes {
            let x = [normal::<E>(shape, &mut rng)];
            let all = |f: fn(&Tensor<E>, &[isize]) -> Tensor<E>, axes: &'static [isize]| {
                assert_same_bits_of(&format!("{shape:?} over {axes:?}"), &x, &move |x| f(&x[0], axes));
            };
            for axes in [&[0][..], &[-1]] {
                all(|x, axes| x.sum_over(axes), axes);
                all(|x, axes| x.mean_over(axes), axes);
                all(|x, axes| x.max_over(axes), axes);
                all(|x, axes| x.logsumexp_over(axes), axes);
            }
            assert_same_bits_of(&format!("sum of {shape:?}"), &x, &|x| x[0].sum());
            assert_same_bits_of(&format!("sum of {shape:?} permuted"), &x, &|x| {
                x[0].permute((0..x[0].shape().rank()).rev().collect::<Vec<_>>()).sum_over([0])
            });
        }
    }

    #[test]
    fn fused_kernels<E>() {
        let mut rng = Rng::new(4);
        for [rows, width] in [[3, 40_001], [1201, 65], [513, 301]] {
            let x = [normal::<E>([rows, width], &mut rng), normal([width], &mut rng), normal([width], &mut rng)];
            let targets = Ids::new((0..rows).map(|_| rng.below(width) as u32).collect::<Vec<_>>(), rows);
            let name = |kernel: &str| format!("{kernel} of {rows}×{width}");
            assert_same_bits_of(&name("softmax"), &x[..1], &|x| x[0].softmax());
            assert_same_bits_of(&name("log_softmax"), &x[..1], &|x| x[0].log_softmax());
            assert_same_bits_of(&name("layer_norm"), &x, &|x| x[0].layer_norm(&x[1], Some(&x[2]), 1e-5));
            let settings = CrossEntropy { ignore: Some(1), smoothing: 0.1, ..CrossEntropy::default() };
            assert_same_bits_of(&name("cross_entropy"), &x[..1], &|x| x[0].cross_entropy(&targets, settings));
        }
    }

    #[test]
    fn reading_and_moving<E>() {
        let mut rng = Rng::new(5);
        let table = [normal::<E>([50, 129], &mut rng)];
        let ids = Ids::new((0..3000).map(|_| rng.below(50) as u32).collect::<Vec<_>>(), [60, 50]);
        assert_same_bits_of("embedding", &table, &|x| x[0].embedding(&ids));
        let wide = [normal::<E>([400, 300], &mut rng)];
        let columns = Ids::new((0..400 * 200).map(|_| rng.below(300) as u32).collect::<Vec<_>>(), [400, 200]);
        assert_same_bits_of("gather", &wide, &|x| x[0].gather(1, &columns));
        assert_same_bits_of("scatter_add", &wide, &|x| x[0].scatter_add(1, &columns, &x[0].slice(1, 50..250)));
        assert_same_bits_of("parts", &wide, &|x| {
            let parts = x[0].split(1, &[100, 200]);
            Tensor::concat(&[parts[1].t().pad(0, 3, 4, 0.5), parts[0].t()], 0)
        });
    }

    #[test]
    fn the_gradients_of_a_network<E>() {
        let mut rng = Rng::new(6);
        let weights = network::<E>(&mut rng);
        assert_same_bits("network", &|| {
            let loss = loss(&weights, &ids());
            let mut gradients = loss.clone().backward();
            let mut results: Vec<Tensor<E>> =
                weights.iter().map(|w| gradients.take(w).expect("every weight is used")).collect();
            results.push(loss);
            results
        });
    }
}

const TIME: usize = 120;
const VOCABULARY: usize = 90;
const WIDTH: usize = 96;

fn ids() -> Ids {
    Ids::new((0..4 * TIME).map(|i| (i * i % VOCABULARY) as u32).collect::<Vec<_>>(), [4, TIME])
}

/// The weights of a small network with one attention layer: embedding, queries, keys, values, gain, head.
fn network<E: Element>(rng: &mut Rng) -> Vec<Tensor<E>> {
    let shapes: [&[usize]; 6] =
        [&[VOCABULARY, WIDTH], &[WIDTH, WIDTH], &[WIDTH, WIDTH], &[WIDTH, WIDTH], &[WIDTH], &[WIDTH, VOCABULARY]];
    shapes.map(|shape| Tensor::variable(Array::normal(shape, 0.0, 0.1, rng))).to_vec()
}

fn loss<E: Element>(weights: &[Tensor<E>], ids: &Ids) -> Tensor<E> {
    let [embedding, queries, keys, values, gain, head] = weights else { panic!("six weights") };
    let x = embedding.embedding(ids);
    let scores = x.matmul(queries).matmul(&x.matmul(keys).t()) / (WIDTH as f64).sqrt();
    let mask = crate::Mask::causal(TIME, TIME).not();
    let mixed = scores.masked_fill(&mask, f64::NEG_INFINITY).softmax().matmul(&x.matmul(values));
    let hidden = (x + mixed).layer_norm(gain, None, 1e-5).gelu();
    hidden.matmul(head).cross_entropy(ids, CrossEntropy::default())
}

/// Two halves of one graph, each a sum over several uses of shared weights.
fn half(w: &[Tensor<f32>], scale: f64) -> Tensor<f32> {
    (1..6)
        .map(|i| (w[0].matmul(&w[1]) * (scale * f64::from(i))).tanh().matmul(&w[0]).sum())
        .reduce(|a, b| a + b)
        .expect("five")
}

#[test]
fn a_graph_built_by_two_threads_has_the_gradients_of_one_built_by_one() {
    let mut rng = Rng::new(7);
    let w = [normal::<f32>([20, 20], &mut rng), normal([20, 20], &mut rng)];
    let gradients = |left: Tensor<f32>, right: Tensor<f32>| {
        grad(&(left * right), [&w[0], &w[1]], Graph::Drop)
            .map(|g| g.to_vec().into_iter().map(f32::to_bits).collect::<Vec<_>>())
    };
    let one = gradients(half(&w, 0.1), half(&w, 0.3));
    for round in 0..50 {
        // Ids are handed out in whatever order the two threads happen to run.
        let (left, right) = std::thread::scope(|scope| {
            let left = scope.spawn(|| half(&w, 0.1));
            let right = half(&w, 0.3);
            (left.join().expect("no panic"), right)
        });
        assert!(gradients(left, right) == one, "round {round}");
        let right = half(&w, 0.3);
        assert!(gradients(half(&w, 0.1), right) == one, "the right half first");
    }
}

#[test]
fn several_threads_may_differentiate_one_graph() {
    let mut rng = Rng::new(8);
    let w = [normal::<f32>([20, 20], &mut rng), normal([20, 20], &mut rng)];
    let y = half(&w, 0.2);
    let [alone] = grad(&y, [&w[0]], Graph::Drop);
    std::thread::scope(|scope| {
        let threads = [0; 4].map(|_| scope.spawn(|| grad(&y, [&w[0]], Graph::Drop)));
        for thread in threads {
            let [gradient] = thread.join().expect("no panic");
            assert_eq!(gradient, alone);
        }
    });
}
