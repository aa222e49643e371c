//! The gradients of a model, by parameter name: collected, added up, measured, clipped.
//!
//! ```text
//! g = factor · Σ_i ∂L_i/∂θ
//! ```
//!
//! Micro-batches add their sums; dividing by all their tokens and clipping only change the factor, which the optimizer
//! multiplies in while it reads the gradient anyway. So k micro-batches cost k additions and no other pass, and the
//! result is the gradient of the one large batch they make up, however unequal their numbers of tokens.

use crate::TrainError;
use rayon::prelude::*;
use rungs_layers::Module;
use rungs_layers::tensor::{Element, Gradients, Tensor};
use std::collections::BTreeMap;

/// Elements that one task reads at a time. Fixed, so that sums do not depend on the number of threads.
const CHUNK: usize = 32 * 1024;

/// A gradient for every parameter of a model, or of the part of it that is trained.
#[derive(Clone, Debug)]
pub struct ParameterGradients<E: Element> {
    /// In the order of names, each row-major.
    sums: BTreeMap<String, Tensor<E>>,
    factor: f64,
}

impl<E: Element> ParameterGradients<E> {
    /// Takes the gradient of every parameter.
    ///
    /// # Errors
    /// If a parameter has none: it is a constant, or the loss does not depend on it. Either would keep its first value
    /// for ever without a word. Of a model that is to be trained in part, [`Trained`](crate::Trained) shows that part.
    pub fn collect<M: Module<E> + ?Sized>(model: &M, mut gradients: Gradients<E>) -> Result<Self, TrainError> {
        let sum = |(name, parameter)| match gradients.take(&parameter) {
            Ok(gradient) => Ok((name, Tensor::constant(gradient.array().contiguous()))),
            Err(reason) => Err(TrainError::NoGradient { parameter: name, reason }),
        };
        Ok(Self { sums: model.named().into_iter().map(sum).collect::<Result<_, _>>()?, factor: 1.0 })
    }

    /// The gradient of the sum of two losses.
    ///
    /// # Panics
    /// If the two are not gradients of the same parameters.
    pub fn add(&mut self, other: Self) {
        assert!(self.sums.keys().eq(other.sums.keys()), "gradients of different models are added");
        let ratio = other.factor / self.factor;
        for (sum, gradient) in self.sums.values_mut().zip(other.sums.into_values()) {
            *sum = if ratio == 1.0 { &*sum + &gradient } else { &*sum + gradient * ratio };
        }
    }

    /// Multiplies by a number.
    pub fn scale(&mut self, factor: f64) {
        self.factor *= factor;
    }

    /// What [`sum`](Self::sum) is to be multiplied by.
    pub fn factor(&self) -> f64 {
        self.factor
    }

    /// The gradient of one parameter, before multiplication by the [`factor`](Self::factor).
    pub fn sum(&self, parameter: &str) -> Option<&Tensor<E>> {
        self.sums.get(parameter)
    }

    /// The global norm ‖g‖₂ over all parameters together, summed in f64 in the order of names.
    ///
    /// # Errors
    /// If it is not finite: then it names the parameter to blame.
    pub fn norm(&self) -> Result<f64, TrainError> {
        let squares: f64 = self.sums.values().map(|gradient| sum_of_squares(elements(gradient))).sum();
        let norm = self.factor.abs() * squares.sqrt();
        if norm.is_finite() {
            return Ok(norm);
        }
        let culprit = self.sums.iter().find(|(_, gradient)| !sum_of_squares(elements(gradient)).is_finite());
        // Finite squares may still overflow when they are added up; the largest is then as good a name as any.
        let parameter = culprit.or(self.sums.first_key_value()).map_or("", |(name, _)| name);
        Err(TrainError::NonFinite(format!("the gradient of parameter {parameter} is not finite")))
    }

    /// Clips to a global norm of at most `max_norm` (Pascanu, Mikolov & Bengio 2013) and returns the norm before:
    ///
    /// ```text
    /// g ← g · min(1, max_norm / (‖g‖ + 10⁻⁶))
    /// ```
    ///
    /// The direction stays. The 10⁻⁶ is PyTorch's.
    ///
    /// # Errors
    /// If the norm is not finite.
    pub fn clip(&mut self, max_norm: f64) -> Result<f64, TrainError> {
        let norm = self.norm()?;
        self.scale((max_norm / (norm + 1e-6)).min(1.0));
        Ok(norm)
    }
}

/// The elements of a gradient, which [`ParameterGradients`] keeps row-major.
pub(crate) fn elements<E: Element>(gradient: &Tensor<E>) -> &[E] {
    gradient.array().as_slice().expect("gradients are collected, added and scaled row-major")
}

/// Σ x², in f64 and in an order that the number of threads does not change.
fn sum_of_squares<E: Element>(x: &[E]) -> f64 {
    if x.len() <= CHUNK {
        return sum_of_squares_chunk(x);
    }
    let partial: Vec<f64> = x.par_chunks(CHUNK).map(sum_of_squares_chunk).collect();
    partial.into_iter().sum()
}

/// Eight sums side by side: one would wait for each addition before the next.
fn sum_of_squares_chunk<E: Element>(x: &[E]) -> f64 {
    let (blocks, rest) = x.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for block in blocks {
        for (sum, x) in sums.iter_mut().zip(block) {
            let x = x.to_f64();
            *sum += x * x;
        }
    }
    sums.iter().sum::<f64>() + rest.iter().map(|x| x.to_f64() * x.to_f64()).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Pair;
    use rungs_layers::tensor::{Array, NoGradient, Rng};

    fn gradients(a: Vec<f64>, b: Vec<f64>) -> ParameterGradients<f64> {
        let constant = |x: Vec<f64>| Tensor::constant(Array::from_vec(x.clone(), x.len()));
        let sums = [("a".to_owned(), constant(a)), ("b".to_owned(), constant(b))].into();
        ParameterGradients { sums, factor: 1.0 }
    }

    #[test]
    fn every_parameter_needs_a_gradient_and_the_error_says_why_there_is_none() {
        let mut model: Pair<f64> = Pair::new(&[1.0, 2.0], &[3.0]);
        let all = ParameterGradients::collect(&model, model.loss().backward()).unwrap();
        assert_eq!(all.sum("a").unwrap().to_vec(), [2.0, 4.0]);
        let lost = ParameterGradients::collect(&model, model.a.square().sum().backward()).unwrap_err();
        assert!(
            matches!(&lost, TrainError::NoGradient { parameter, reason: NoGradient::Unreached } if parameter == "b")
        );
        assert_eq!(lost.to_string(), "no gradient for parameter b: the loss does not depend on the tensor");
        model.b = model.b.detached();
        let frozen = ParameterGradients::collect(&model, model.loss().backward()).unwrap_err();
        assert!(
            matches!(&frozen, TrainError::NoGradient { parameter, reason: NoGradient::Constant } if parameter == "b")
        );
    }

    #[test]
    fn clipping_keeps_the_direction_and_reports_the_norm_before() {
        let mut clipped = gradients(vec![3.0, 0.0], vec![4.0]);
        assert_eq!(clipped.clip(1.0).unwrap(), 5.0);
        assert!((clipped.factor() - 1.0 / 5.000001).abs() < 1e-15);
        assert!((clipped.norm().unwrap() - 1.0).abs() < 1e-6);
        let mut short = gradients(vec![3.0, 0.0], vec![4.0]);
        assert_eq!(short.clip(5.1).unwrap(), 5.0);
        assert_eq!(short.factor(), 1.0, "a gradient shorter than the limit stays as it is");
    }

    #[test]
    fn a_gradient_that_is_not_finite_is_named() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let error = gradients(vec![1.0], vec![2.0, bad]).clip(1.0).unwrap_err();
            assert_eq!(error.to_string(), "the gradient of parameter b is not finite");
        }
        assert!(gradients(vec![1e200], vec![1.0]).norm().is_err(), "a norm that overflows is not finite either");
    }

    #[test]
    fn the_norm_of_f32_gradients_is_taken_in_f64() {
        let large = Tensor::constant(Array::full(3, 1e30_f32)); // 10⁶⁰ is no f32
        let gradients = ParameterGradients { sums: [("x".to_owned(), large)].into(), factor: 1.0 };
        assert!((gradients.norm().unwrap() / (1e30 * 3.0_f64.sqrt()) - 1.0).abs() < 1e-7);
    }

    #[test]
    fn sums_have_the_same_bits_on_any_number_of_threads() {
        let x = Array::<f32>::normal(3 * CHUNK + 77, 0.0, 1.0, &mut Rng::new(1)).to_vec();
        let bits = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| sum_of_squares(&x)).to_bits()
        };
        assert!(bits(1) == bits(2) && bits(2) == bits(8));
        let plain: f64 = x.iter().map(|&x| f64::from(x).powi(2)).sum();
        assert!((sum_of_squares(&x) / plain - 1.0).abs() < 1e-12);
    }

    #[test]
    fn addition_respects_the_factors() {
        let mut sum = gradients(vec![1.0], vec![2.0]);
        sum.scale(0.5);
        let mut other = gradients(vec![10.0], vec![20.0]);
        other.scale(0.25);
        sum.add(other);
        let value = |name| sum.sum(name).unwrap().item() * sum.factor();
        assert_eq!((value("a"), value("b")), (3.0, 6.0));
    }
}
