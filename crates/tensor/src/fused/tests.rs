//! Kernels against their definitions from outside the engine, and the laws of the kernels that it has.

use crate::{
    Array, CrossEntropy, Element, Grads, Graph, Ids, Kernel, Needs, Operands, Rng, Shape, ShapeError, Tensor,
    check_gradients, check_kernel, vjp,
};
use std::sync::atomic::{AtomicUsize, Ordering};

fn normal<E: Element>(shape: impl Into<Shape>, rng: &mut Rng) -> Tensor<E> {
    Tensor::constant(Array::normal(shape, 0.0, 1.0, rng))
}

/// y = Σ aᵢ·bᵢ·tanh cᵢ, with room for a mistake in each part.
#[derive(Clone, Debug, Default)]
struct Weighted {
    mistake: Mistake,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Mistake {
    #[default]
    None,
    Value,
    Gradient,
    /// A term of the gradient with respect to c that vanishes where c = 0 only.
    SmallTerm,
    Definition,
    /// The definition has the right value, but one of its operands is cut off.
    DetachedDefinition,
}

impl Kernel<f64> for Weighted {
    type Saved = Vec<f64>;

    fn name(&self) -> &'static str {
        "weighted"
    }

    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        let fits = x.iter().all(|shape| *shape == x[0]);
        if fits { Ok(Shape::SCALAR) } else { Err(ShapeError::new("weighted: shapes differ")) }
    }

    fn forward(&self, x: Operands<'_, f64>) -> (Array<f64>, Vec<f64>) {
        let [a, b, c] = x.arrays().map(Array::to_vec);
        let tanh: Vec<f64> = c.iter().map(|c| c.tanh()).collect();
        let sum: f64 = (0..a.len()).map(|i| a[i] * b[i] * tanh[i]).sum();
        let factor = if self.mistake == Mistake::Value { 1.0 + 1e-5 } else { 1.0 };
        (Array::scalar(sum * factor), tanh)
    }

    fn backward(
        &self,
        x: Operands<'_, f64>,
        _: &Array<f64>,
        tanh: &Vec<f64>,
        dy: &Array<f64>,
        needs: Needs<'_>,
    ) -> Grads<f64> {
        let (shape, dy) = (x.array(0).shape(), dy.item());
        let [a, b, _] = x.arrays().map(Array::to_vec);
        let factor = if self.mistake == Mistake::Gradient { 1.0 + 1e-5 } else { 1.0 };
        let small = if self.mistake == Mistake::SmallTerm { 1e-4 } else { 0.0 };
        let gradient = |f: &dyn Fn(usize) -> f64| Some(Array::from_fn(shape, |i| dy * f(i)));
        [
            needs.operand(0).then(|| gradient(&|i| b[i] * tanh[i] * factor)).flatten(),
            needs.operand(1).then(|| gradient(&|i| a[i] * tanh[i])).flatten(),
            needs
                .operand(2)
                .then(|| gradient(&|i| a[i] * b[i] * (1.0 - tanh[i] * tanh[i]) + small * tanh[i]))
                .flatten(),
        ]
        .into()
    }

    fn definition(&self, x: &[Tensor<f64>]) -> Tensor<f64> {
        let tanh = match self.mistake {
            Mistake::Definition => x[2].affine(1.0 + 1e-5, 0.0).tanh(),
            Mistake::DetachedDefinition => x[2].detached().tanh(),
            _ => x[2].tanh(),
        };
        (&x[0] * &x[1] * tanh).sum()
    }
}

#[test]
fn a_kernel_of_ones_own_is_a_first_class_citizen() {
    let mut rng = Rng::new(0);
    for shape in [&[][..], &[5], &[2, 0, 3], &[3, 4]] {
        let inputs = [0; 3].map(|_| Array::normal(shape, 0.0, 1.0, &mut rng));
        check_kernel(Weighted::default, &inputs, &mut rng).unwrap();
        // As a part of something larger, and with one tensor as several operands.
        let composed = |x: &[Tensor<f64>]| {
            Tensor::apply_kernel(Weighted::default(), &[&x[0].exp(), &x[1], &x[1]]) * x[2].square().sum()
        };
        check_gradients("weighted, composed", composed, &inputs, &mut rng).unwrap();
    }
}

#[test]
fn each_mistake_in_a_kernel_is_found_where_it_is() {
    let expected = [
        (Mistake::Value, "the value, against the definition,"),
        (Mistake::Gradient, "the gradient, against the definition's,"),
        (Mistake::SmallTerm, "the gradient, against the definition's,"),
        (Mistake::Definition, "the value, against the definition,"),
        (Mistake::DetachedDefinition, "the gradient, against the definition's,"),
    ];
    for (mistake, what) in expected {
        let mut rng = Rng::new(1);
        let inputs = [0; 3].map(|_| Array::normal([3, 4], 0.0, 1.0, &mut rng));
        let mismatch = check_kernel(|| Weighted { mistake }, &inputs, &mut rng).expect_err("a mistake");
        assert_eq!(mismatch.what, what, "{mistake:?}: {mismatch}");
        assert!(!mismatch.to_string().contains('\n'));
    }
}

/// Counts how often its own backward pass runs and what it was asked for.
#[derive(Debug)]
struct Counting(&'static AtomicUsize);

impl Kernel<f64> for Counting {
    type Saved = ();
    fn name(&self) -> &'static str {
        "counting"
    }
    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        Ok(x[0])
    }
    fn forward(&self, x: Operands<'_, f64>) -> (Array<f64>, ()) {
        (
            Array::from_vec(
                x.array(0).to_vec().into_iter().zip(x.array(1).to_vec()).map(|(a, b)| a * b).collect(),
                x.array(0).shape(),
            ),
            (),
        )
    }
    fn backward(&self, x: Operands<'_, f64>, _: &Array<f64>, (): &(), dy: &Array<f64>, needs: Needs<'_>) -> Grads<f64> {
        self.0.fetch_add(1, Ordering::Relaxed);
        let times = |other: usize| {
            let numbers = dy.to_vec().into_iter().zip(x.array(other).to_vec()).map(|(a, b)| a * b);
            Array::from_vec(numbers.collect(), dy.shape())
        };
        assert!(needs.operand(0) && !needs.operand(1), "only what is tracked is asked for");
        [Some(times(1)), None].into()
    }
    fn definition(&self, x: &[Tensor<f64>]) -> Tensor<f64> {
        &x[0] * &x[1]
    }
}

#[test]
fn the_fused_pass_runs_when_the_graph_is_dropped_and_the_definition_when_it_is_kept() {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    let mut rng = Rng::new(2);
    let (x, w) = (normal::<f64>(4, &mut rng).as_variable(), normal(4, &mut rng));
    let y = Tensor::apply_kernel(Counting(&RUNS), &[&x, &w]);
    let v = normal(4, &mut rng);
    let dropped = vjp(&y, &v, &[&x], Graph::Drop);
    assert_eq!(RUNS.load(Ordering::Relaxed), 1);
    let kept = vjp(&y, &v, &[&x], Graph::Keep);
    assert_eq!(RUNS.load(Ordering::Relaxed), 1);
    assert_eq!(dropped, kept);
    assert!(!Tensor::apply_kernel(Counting(&RUNS), &[&w, &w]).is_tracked());
}

/// Rows in single precision whose kernels take vector code: 37 wide is two blocks of lanes and a rest.
fn rows<E: Element>(count: usize, rng: &mut Rng) -> Tensor<E> {
    normal::<E>([count, 37], rng) * 3.0
}

type RowKernel = (&'static str, fn(&Tensor<f32>) -> Tensor<f32>);

const ROW_KERNELS: [RowKernel; 3] = [
    ("softmax", Tensor::softmax),
    ("log_softmax", Tensor::log_softmax),
    ("layer_norm", |x| x.layer_norm(&Tensor::scalar(1.5).expand(37), Some(&Tensor::scalar(-0.5).expand(37)), 1e-5)),
];

#[test]
fn a_row_does_not_know_its_neighbours() {
    let mut rng = Rng::new(3);
    let (x, v) = (rows::<f32>(700, &mut rng).as_variable(), rows::<f32>(700, &mut rng));
    for (name, kernel) in ROW_KERNELS {
        let y = kernel(&x);
        let dx = vjp(&y, &v, &[&x], Graph::Drop).remove(0);
        for i in [0, 1, 350, 699] {
            let (one, v) = (x.detached().slice(0, i..i + 1).as_variable(), v.slice(0, i..i + 1));
            let alone = kernel(&one);
            assert_eq!(alone, y.slice(0, i..i + 1), "{name}, row {i}");
            assert_eq!(vjp(&alone, &v, &[&one], Graph::Drop)[0], dx.slice(0, i..i + 1), "{name}, gradient of row {i}");
        }
    }
}

#[test]
fn how_operands_lie_in_memory_does_not_change_a_bit() {
    let mut rng = Rng::new(4);
    let x = rows::<f32>(50, &mut rng);
    let lying_down = x.t().array().contiguous();
    let same = Tensor::constant(lying_down).t();
    assert!(same.array().as_slice().is_none(), "columns, not rows");
    for (name, kernel) in ROW_KERNELS {
        assert_eq!(kernel(&same), kernel(&x), "{name}");
    }
    let targets = Ids::new((0..50).collect::<Vec<_>>().into_iter().map(|i| i % 37).collect::<Vec<_>>(), 50);
    let loss = |x: &Tensor<f32>| x.cross_entropy(&targets, CrossEntropy::default());
    assert_eq!(loss(&same), loss(&x));
}

#[test]
fn kernels_in_single_precision_agree_with_double() {
    let mut rng = Rng::new(5);
    let double = rows::<f64>(40, &mut rng);
    // The same numbers in both: what single precision can hold.
    let single =
        Tensor::<f32>::constant(Array::from_vec(double.to_vec().into_iter().map(|x| x as f32).collect(), [40, 37]));
    let double =
        Tensor::<f64>::constant(Array::from_vec(single.to_vec().into_iter().map(f64::from).collect(), [40, 37]));
    let close = |name: &str, single: &Tensor<f32>, double: &Tensor<f64>| {
        for (s, d) in single.to_vec().into_iter().zip(double.to_vec()) {
            assert!((f64::from(s) - d).abs() <= 1e-5 * (0.1 + d.abs()), "{name}: {s}, in double precision {d}");
        }
    };
    let (gain, bias) = ((1.5, 37), (-0.5, 37));
    close("softmax", &single.softmax(), &double.softmax());
    close("log_softmax", &single.log_softmax(), &double.log_softmax());
    fn parameter<E: Element>((value, size): (f64, usize)) -> Tensor<E> {
        Tensor::scalar(value).expand(size)
    }
    close(
        "layer_norm",
        &single.layer_norm(&parameter(gain), Some(&parameter(bias)), 1e-5),
        &double.layer_norm(&parameter(gain), Some(&parameter(bias)), 1e-5),
    );
    // A large common shift changes nothing but which numbers single precision can hold.
    let shifted = Tensor::<f32>::constant(Array::from_vec(vec![10_000.0, 10_001.0, 9_999.0], 3));
    let exact = [-1.4076059644443804, -0.4076059644443803, -2.4076059644443806];
    for (found, exact) in shifted.log_softmax().to_vec().into_iter().zip(exact) {
        assert!((f64::from(found) - exact).abs() < 1e-6, "{found}, exactly {exact}");
    }
}
