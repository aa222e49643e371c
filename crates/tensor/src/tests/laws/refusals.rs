//! A wrong shape is a bug, and the message that reports it is one line with the sizes that do not fit.

use crate::{
    Array, CrossEntropy, Element, Grads, Graph, Ids, Kernel, Mask, Needs, Op, Operands, Reduction, Shape, ShapeError,
    Tensor, Vjp, grad, hvp, jvp, vjp,
};
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    /// Where the last panic of this thread was raised, while one is expected.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Notes where expected panics are raised instead of printing them.
fn install_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let print = take_hook();
        set_hook(Box::new(move |panic| {
            let place = panic.location().map_or_else(String::new, |place| place.file().to_string());
            let expected = PLACE.with_borrow_mut(|last| last.as_mut().map(|last| *last = place).is_some());
            if !expected {
                print(panic);
            }
        }));
    });
}

/// What a task panics with; the panic must point here, at the caller's line, not into the engine.
#[track_caller]
fn refusal<R>(task: impl FnOnce() -> R) -> String {
    install_hook();
    PLACE.set(Some(String::new()));
    let result = catch_unwind(AssertUnwindSafe(|| drop(task())));
    let place = PLACE.take().expect("set above");
    let Err(payload) = result else { panic!("this was not refused") };
    let text = payload.downcast_ref::<String>().cloned();
    let text = text.or_else(|| payload.downcast_ref::<&str>().map(ToString::to_string)).expect("a text");
    assert!(place.ends_with(file!().rsplit('/').next().unwrap_or_default()), "{text}: points to {place}");
    text
}

fn zeros<const N: usize>(shape: [usize; N]) -> Tensor<f64> {
    Tensor::variable(Array::zeros(shape))
}

fn ids(numbers: &[u32]) -> Ids {
    Ids::new(numbers, numbers.len())
}

/// Checks the message that each of some tasks is refused with.
macro_rules! refused {
    ($($task:expr => $message:expr;)*) => {$(
        let found = refusal(|| $task);
        assert_eq!(found, $message);
        assert!(!found.contains('\n'));
    )*};
}

#[test]
fn a_wrong_shape_is_reported_in_one_line() {
    let plain = CrossEntropy::default();
    let x = zeros([2, 3]);
    refused! {
        zeros([32, 128]).matmul(&zeros([64, 10])) =>
            "matmul: (32, 128) by (64, 10): inner dimensions 128 and 64 differ";
        zeros([2, 32, 128]).matmul(&zeros([64, 10])) =>
            "matmul: (2, 32, 128) by (64, 10): inner dimensions 128 and 64 differ";
        zeros([2, 3, 4]).matmul(&zeros([3, 4, 5])) =>
            "matmul: leading axes: (2) and (3) do not broadcast: sizes 2 and 3 differ";
        zeros([3]).matmul(&zeros([3, 1])) => "matmul: (3) by (3, 1): both need two axes or more";
        zeros([2, 3]) + zeros([2]) => "add: (2, 3) and (2) do not broadcast: sizes 3 and 2 differ";
        zeros([4, 1]) / zeros([3, 2]) => "divide: (4, 1) and (3, 2) do not broadcast: sizes 4 and 3 differ";
        zeros([2]).maximum(&zeros([3])) => "maximum: (2) and (3) do not broadcast: sizes 2 and 3 differ";
        zeros([2]).gt(&zeros([3])) => "gt: (2) and (3) do not broadcast: sizes 2 and 3 differ";
        zeros([2, 3]).reshape([4]) => "reshape: (2, 3) has 6 elements, (4) has 4";
        zeros([2, 3]).permute([0, 0]) => "permute: [0, 0] is no order of the axes of shape (2, 3)";
        zeros([2, 3]).slice(1, 2..5) => "slice: 2..5 of axis 1 of shape (2, 3)";
        zeros([2, 3]).slice(2, 0..1) => "slice: axis 2 of shape (2, 3), which has 2 axes";
        zeros([2, 3]).expand([3, 3]) => "expand: (2, 3) cannot be repeated to (3, 3)";
        zeros([2, 3]).squeeze(0) => "squeeze: axis 0 of shape (2, 3) does not have size 1";
        zeros([2]).unsqueeze(2) => "unsqueeze: axis 2 of a result with 2 axes";
        zeros([2]).t() => "swap_axes: axis -2 of shape (2), which has 1 axes";
        zeros([5]).split(0, &[2, 2]) => "split: [2, 2] does not add up to axis 0 of (5)";
        zeros([5]).chunks::<2>(0) => "chunks: axis 0 of (5) does not divide into 2";
        Tensor::concat(&[zeros([2, 3]), zeros([3, 2])], 0) =>
            "concat: (2, 3) and (3, 2) differ elsewhere than in axis 0";
        Tensor::<f64>::concat(&[], 0) => "concat: no tensors";
        zeros([2, 3]).sum_over([0, -2]) => "sum_over: axis -2 of shape (2, 3) is named twice";
        zeros([2, 3]).mean_over([2]) => "mean_over: axis 2 of shape (2, 3), which has 2 axes";
        zeros([2, 0]).max_over([1]) => "max: over no elements of shape (2, 0)";
        zeros([0]).max() => "max: over no elements of shape (0)";
        zeros([]).softmax() => "softmax: no elements along the last axis of shape ()";
        zeros([2, 0]).log_softmax() => "log_softmax: no elements along the last axis of shape (2, 0)";
        zeros([2, 3]).layer_norm(&zeros([2]), None, 1e-5) => "layer_norm: gain or bias of shape (2) for x (2, 3)";
        zeros([2, 3]).cross_entropy(&ids(&[0, 1, 2]), plain) => "cross_entropy: logits (2, 3) for targets (3)";
        zeros([2, 3]).cross_entropy(&ids(&[0, 3]), plain) => "cross_entropy: target 3, but only 3 logits";
        zeros([2, 3]).soft_cross_entropy(&zeros([3]), 0.0, Reduction::Sum) =>
            "soft_cross_entropy: shapes (2, 3) and (3) differ";
        ids(&[0, 3]).one_hot::<f64>(3) => "one_hot: id 3, but only 3 classes";
        zeros([2, 3]).embedding(&ids(&[0, 2])) => "select: id 2 is past axis 0 of shape (2, 3)";
        zeros([2]).embedding(&ids(&[0])) => "expected 2 axes, found shape (2)";
        zeros([2, 3]).gather(1, &ids(&[0])) => "gather: ids of shape (1) along axis 1 of (2, 3)";
        zeros([2]).scatter_add(0, &ids(&[0]), &zeros([2])) => "scatter_add: ids and source: shapes (1) and (2) differ";
        zeros([2]).masked_fill(&Mask::from_fn(3, |_| true), 0.0) =>
            "choose: mask: (3) and (2) do not broadcast: sizes 3 and 2 differ";
        Mask::causal(3, 2) => "causal: 3 queries, but only 2 keys";
        Array::from_vec(vec![1.0], [2, 2]) => "1 elements do not fill shape (2, 2)";
        Shape::new(&[1; 7]) => "shape [1, 1, 1, 1, 1, 1, 1] has 7 axes; at most 6 are supported";
        zeros([2, 3]).dims::<3>() => "expected 3 axes, found shape (2, 3)";
        zeros([2, 3]).item() => "item: an array of shape (2, 3) does not hold a single number";
        zeros([2, 3]).backward() => "backward: the loss has shape (2, 3), not a single number";
        Tensor::<f64>::scalar(1.0).backward() => "backward: no variable went into this loss";
        zeros([2]).sum().detached().backward() => "backward: no variable went into this loss";
        grad(&x, [&x], Graph::Drop) => "grad: y has shape (2, 3), not a single number";
        vjp(&zeros([2]), &zeros([1]), &[], Graph::Drop) => "vjp: y has shape (2), its gradient (1)";
        jvp(&zeros([2]), &[&zeros([2])], &[&zeros([1])]) => "jvp: target 0 has shape (2), its direction (1)";
        hvp(&zeros([1]), &[&zeros([2])], &[&zeros([])]) => "hvp: target 0 has shape (2), its direction ()";
        jvp(&zeros([2]), &[&zeros([2])], &[]) => "jvp: 1 targets, 0 directions";
        zeros([2]).sum().update(|_| ()) => "update: this tensor was computed; only a leaf can be changed";
    }
}

#[test]
fn every_operation_can_be_tried() {
    let (a, b) = (zeros([32, 128]), zeros([64, 10]));
    let error = Tensor::try_apply(Product, &[&a, &b]).expect_err("the shapes do not fit");
    assert_eq!(error.to_string(), "product: (32, 128) and (64, 10) differ");
    assert!(Tensor::try_apply(Product, &[&a, &a]).is_ok());
}

/// a · b, which insists on equal shapes.
#[derive(Debug)]
struct Product;
impl<E: Element> Op<E> for Product {
    fn name(&self) -> &'static str {
        "product"
    }
    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        if x[0] == x[1] { Ok(x[0]) } else { Err(ShapeError::new(format!("product: {} and {} differ", x[0], x[1]))) }
    }
    fn forward(&self, x: Operands<'_, E>) -> Array<E> {
        let [a, b] = x.arrays();
        Array::from_vec(a.to_vec().into_iter().zip(b.to_vec()).map(|(a, b)| a * b).collect(), a.shape())
    }
    fn backward(&self, at: &mut Vjp<'_, E>) {
        let [a, b] = at.operands();
        at.wrt(0, |dy| dy * &b);
        at.wrt(1, |dy| dy * &a);
    }
}

/// y = x · w, with w in a field where no gradient reaches it.
#[derive(Debug)]
struct Hidden {
    w: Tensor<f64>,
}
impl Op<f64> for Hidden {
    fn name(&self) -> &'static str {
        "hidden"
    }
    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        Ok(x[0])
    }
    fn forward(&self, x: Operands<'_, f64>) -> Array<f64> {
        (Tensor::constant(x.array(0).clone()) * &self.w).array().clone()
    }
    fn backward(&self, at: &mut Vjp<'_, f64>) {
        at.wrt(0, |dy| dy * &self.w);
    }
}

#[test]
fn a_tensor_hidden_in_an_operation_is_found() {
    let (x, w) = (zeros([2]), zeros([2]));
    let loss = Tensor::apply(Hidden { w }, &[&x]).sum();
    let expected =
        "hidden: the gradient by operand 0 is tracked although the graph is dropped: the operation holds a tensor";
    assert_eq!(refusal(|| loss.backward()), expected);
}

/// An operation that is wrong in one way or another.
#[derive(Debug)]
enum Careless {
    AnnouncesAnotherShape,
    GradientOfAnotherShape,
}
impl<E: Element> Op<E> for Careless {
    fn name(&self) -> &'static str {
        "careless"
    }
    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        Ok(if matches!(self, Careless::AnnouncesAnotherShape) { Shape::SCALAR } else { x[0] })
    }
    fn forward(&self, x: Operands<'_, E>) -> Array<E> {
        x.array(0).clone()
    }
    fn backward(&self, at: &mut Vjp<'_, E>) {
        at.wrt(0, Tensor::sum);
    }
}

/// a + b whose rule forgets one operand or both, as an operation and as a kernel.
#[derive(Debug)]
struct Forgetful {
    told: &'static [usize],
}
impl<E: Element> Op<E> for Forgetful {
    fn name(&self) -> &'static str {
        "forgetful"
    }
    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        Ok(x[0])
    }
    fn forward(&self, x: Operands<'_, E>) -> Array<E> {
        let [a, b] = x.arrays().map(|x| Tensor::constant(x.clone()));
        (a + b).array().clone()
    }
    fn backward(&self, at: &mut Vjp<'_, E>) {
        self.told.iter().for_each(|&i| at.wrt(i, Clone::clone));
    }
}
impl<E: Element> Kernel<E> for Forgetful {
    type Saved = ();
    fn name(&self) -> &'static str {
        "forgetful kernel"
    }
    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        Ok(x[0])
    }
    fn forward(&self, x: Operands<'_, E>) -> (Array<E>, ()) {
        (Op::forward(self, x), ())
    }
    fn backward(&self, _: Operands<'_, E>, _: &Array<E>, (): &(), dy: &Array<E>, _: Needs<'_>) -> Grads<E> {
        [0, 1].map(|i| self.told.contains(&i).then(|| dy.clone())).into()
    }
    fn definition(&self, x: &[Tensor<E>]) -> Tensor<E> {
        &x[0] + &x[1]
    }
}

#[test]
fn a_gradient_that_a_rule_forgets_is_missed_by_name() {
    let x = zeros([2]);
    let apply = |told, a: &Tensor<f64>, b: &Tensor<f64>| Tensor::apply(Forgetful { told }, &[a, b]).sum();
    for graph in [Graph::Keep, Graph::Drop] {
        refused! {
            grad(&apply(&[], &x, &x.detached()), [&x], graph) => "forgetful: backward tells no gradient by operand 0";
            grad(&apply(&[0], &x.detached(), &x), [&x], graph) => "forgetful: backward tells no gradient by operand 1";
            grad(&apply(&[0], &x, &x), [&x], graph) => "forgetful: backward tells no gradient by operand 1";
        }
        // What nobody needs may be left out.
        assert_eq!(grad(&apply(&[1], &x.detached(), &x), [&x], graph)[0].to_vec(), [1.0, 1.0]);
    }
    let kernel = Tensor::apply_kernel(Forgetful { told: &[1] }, &[&x, &x]).sum();
    refused! { kernel.backward() => "forgetful kernel: backward tells no gradient by operand 0"; }
}

#[test]
fn an_operation_is_held_to_the_shapes_it_announces() {
    let x = zeros([2, 3]);
    let message = refusal(|| Tensor::apply(Careless::AnnouncesAnotherShape, &[&x]));
    assert_eq!(message, "careless: announced shape (), computed (2, 3)");
    let loss = Tensor::apply(Careless::GradientOfAnotherShape, &[&x]).sum();
    assert_eq!(refusal(|| loss.backward()), "careless: operand 0 has shape (2, 3), its gradient ()");
}
