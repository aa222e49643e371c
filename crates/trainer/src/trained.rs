//! A part of a model that is trained, while the rest stays as it is.
//!
//! Which parameters are frozen is said beforehand, by name. So a parameter that has no gradient is one of two things:
//! it was to have none, or it lost it on the way, which is an error. That it is a constant would not tell.

use rungs_layers::tensor::safetensors::Named;
use rungs_layers::tensor::{Element, Tensor};
use rungs_layers::{Module, Path};
use std::any::Any;
use std::collections::BTreeSet;

/// A model of which some parameters are frozen: as a [`Module`] it shows the others alone.
///
/// Whatever visits parameters ([`ParameterGradients::collect`](crate::ParameterGradients::collect), the
/// [`Optimizer`](crate::Optimizer)) thus does with those that are trained what it does with a whole model: each must
/// have a gradient, and has moments. Frozen parameters are constants: no gradient of theirs is computed, and nothing is
/// kept for them.
///
/// ```
/// use rungs_layers::tensor::{Array, Rng, Tensor};
/// use rungs_layers::{Bias, Init, Linear, Mode};
/// use rungs_trainer::{Adam, Optimizer, ParameterGradients, Trained};
///
/// let linear: Linear = Linear::new(2, 1, Bias::Yes, Init::XavierUniform, &mut Rng::new(0));
/// let mut model = Trained::freezing(linear, &|name| name == "weight");
/// let x = Tensor::constant(Array::from_vec(vec![1.0, 2.0], [1, 2]));
/// let loss = model.whole().forward(&x, &mut Mode::Eval).square().sum();
/// let gradients = ParameterGradients::collect(&model, loss.backward())?;
/// assert!(gradients.sum("bias").is_some() && gradients.sum("weight").is_none());
/// Optimizer::new(Adam::default()).step(&mut model, &gradients, 0.1)?;
/// # Ok::<(), rungs_trainer::TrainError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Trained<M> {
    model: M,
    frozen: BTreeSet<String>,
}

impl<M> Trained<M> {
    /// All of a model.
    pub fn all(model: M) -> Self {
        Self { model, frozen: BTreeSet::new() }
    }

    /// All but the parameters whose names `is_frozen` takes, which are made constants.
    pub fn freezing<E: Element>(model: M, is_frozen: &dyn Fn(&str) -> bool) -> Self
    where
        M: Module<E>,
    {
        let mut trained = Self::all(model);
        trained.freeze(is_frozen);
        trained
    }

    /// Freezes more of them.
    pub(crate) fn freeze<E: Element>(&mut self, is_frozen: &dyn Fn(&str) -> bool)
    where
        M: Module<E>,
    {
        self.model.for_each_mut(&mut |name, parameter| {
            if is_frozen(name) {
                *parameter = parameter.detached();
                self.frozen.insert(name.to_owned());
            }
        });
    }

    /// The model, to compute with.
    pub fn whole(&self) -> &M {
        &self.model
    }

    /// The model, to be changed.
    pub(crate) fn whole_mut(&mut self) -> &mut M {
        &mut self.model
    }

    /// The model, to own.
    pub fn into_whole(self) -> M {
        self.model
    }

    /// The names of the frozen parameters.
    pub fn frozen(&self) -> &BTreeSet<String> {
        &self.frozen
    }

    /// The values of the frozen parameters, sharing their storage.
    pub(crate) fn frozen_weights<E: Element>(&self) -> Named<E>
    where
        M: Module<E>,
    {
        let mut weights = Named::new();
        self.model.for_each(&mut |name, parameter| {
            if self.frozen.contains(name) {
                weights.insert(name.to_owned(), parameter.array().clone());
            }
        });
        weights
    }
}

impl<E: Element, M: Module<E>> Module<E> for Trained<M> {
    fn visit<'a>(&'a self, path: &mut Path, f: &mut dyn FnMut(&str, &'a Tensor<E>)) {
        let root = Root::of(path);
        self.model.visit(path, &mut |name, parameter| {
            if !self.frozen.contains(root.below(name)) {
                f(name, parameter);
            }
        });
    }

    fn visit_mut(&mut self, path: &mut Path, f: &mut dyn FnMut(&str, &mut dyn Any)) {
        let (root, frozen) = (Root::of(path), &self.frozen);
        self.model.visit_mut(path, &mut |name, part| {
            if !frozen.contains(root.below(name)) {
                f(name, part);
            }
        });
    }
}

/// Where a visit entered the model, which may be part of another.
struct Root(usize);

impl Root {
    fn of(path: &Path) -> Self {
        let length = path.as_str().len();
        Self(length + usize::from(length > 0))
    }

    /// The name within the model; empty for the model itself.
    fn below<'n>(&self, name: &'n str) -> &'n str {
        name.get(self.0..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Pair;
    use crate::{Adam, Optimizer, ParameterGradients, TrainError};
    use rungs_layers::tensor::NoGradient;

    fn only_a() -> Trained<Pair<f64>> {
        Trained::freezing(Pair::new(&[1.0, 2.0], &[3.0]), &|name| name == "b")
    }

    fn names<E: Element>(module: &impl Module<E>) -> Vec<String> {
        module.named().into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn what_is_frozen_is_not_shown_wherever_the_model_stands() {
        assert_eq!(names(&only_a()), ["a"]);
        let mut several = vec![only_a(), Trained::all(Pair::new(&[1.0], &[2.0]))];
        assert_eq!(names(&several), ["0.a", "1.a", "1.b"]);
        let mut changed = Vec::new();
        several.for_each_mut(&mut |name, _| changed.push(name.to_owned()));
        assert_eq!(changed, ["0.a", "1.a", "1.b"]);
        assert_eq!((only_a().parameter_count(), only_a().whole().parameter_count()), (2, 3));
    }

    #[test]
    fn what_is_frozen_has_no_gradient_and_no_moments_and_what_is_not_needs_both() {
        let mut model = only_a();
        let gradients = ParameterGradients::collect(&model, model.whole().loss().backward()).unwrap();
        assert!(gradients.sum("b").is_none());
        let mut optimizer = Optimizer::new(Adam::default());
        optimizer.step(&mut model, &gradients, 0.1).unwrap();
        assert_eq!(model.whole().b.to_vec(), [3.0]);
        assert_ne!(model.whole().a.to_vec(), [1.0, 2.0]);
        let state = optimizer.state(&model);
        assert!(!state.is_empty() && state.keys().all(|name| name.ends_with(".a")), "{:?}", state.keys());
        Optimizer::new(Adam::default()).restore(&model, &state, 1).unwrap();
        // The whole model wants a gradient for b.
        let error = ParameterGradients::collect(model.whole(), model.whole().loss().backward()).unwrap_err();
        assert!(matches!(error, TrainError::NoGradient { reason: NoGradient::Constant, .. }), "{error}");
        assert!(optimizer.step(&mut model.into_whole(), &gradients, 0.1).is_err());
    }

    #[test]
    fn what_is_trained_and_lost_its_gradient_is_an_error_by_name() {
        let mut model = only_a();
        model.whole_mut().a = model.whole().a.detached(); // nobody said that it should be
        model.whole_mut().b = model.whole().b.as_variable();
        let error = ParameterGradients::collect(&model, model.whole().loss().backward()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "no gradient for parameter a: the tensor is a constant, so no gradient flows into it"
        );
        let model = only_a();
        let gradients = model.whole().b.as_variable().square().sum().backward();
        let error = ParameterGradients::collect(&model, gradients).unwrap_err();
        assert_eq!(error.to_string(), "no gradient for parameter a: the loss does not depend on the tensor");
    }
}
