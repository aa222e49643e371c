//! Optimizers: how a gradient becomes a step.
//!
//! | file | rule | paper |
//! |---|---|---|
//! | [`sgd`](Sgd) | momentum, Nesterov's on request | Polyak 1964; Nesterov 1983; Sutskever et al. 2013 |
//! | [`rmsprop`](RmsProp) | each number's step divided by its gradient's usual size | Hinton 2012, lecture 6e |
//! | [`adam`](Adam) | RMSprop with momentum, both freed of their start at zero | Kingma & Ba 2015 |
//! | [`adamw`](AdamW) | Adam with weight decay apart from the gradient | Loshchilov & Hutter 2019 |
//!
//! A [`Rule`] says what happens to each number, and what it wants to remember beside it (its *moments*). The
//! [`Optimizer`] keeps the moments, by parameter **name**: an in-place update gives a tensor a new id, and names are
//! what a checkpoint can hold. One step is one pass over memory: the gradient's factor, the moments and the parameter
//! are read and written together, in fixed pieces spread over threads.
//!
//! A rule written outside of this crate works the same way:
//!
//! ```
//! use rungs_layers::tensor::Element;
//! use rungs_trainer::{Optimizer, Rule, StepSize};
//!
//! /// θ ← θ − η sign(g) (Riedmiller & Braun 1993, without its adaptive rates).
//! #[derive(Debug)]
//! struct SignDescent;
//!
//! impl<E: Element> Rule<E> for SignDescent {
//!     fn moments(&self) -> &'static [&'static str] {
//!         &[]
//!     }
//!     fn update(&self, step: &StepSize, parameter: &mut [E], gradient: &[E], _: &mut [&mut [E]]) {
//!         let rate = E::from_f64(step.learning_rate);
//!         for (x, &g) in parameter.iter_mut().zip(gradient) {
//!             *x = if g > E::ZERO { *x - rate } else if g < E::ZERO { *x + rate } else { *x };
//!         }
//!     }
//! }
//!
//! let optimizer: Optimizer<f32, SignDescent> = Optimizer::new(SignDescent);
//! # assert_eq!(optimizer.count(), 0);
//! ```

mod adam;
mod method;
mod rmsprop;
mod rule;
mod sgd;

pub use adam::{Adam, AdamW};
pub use method::Method;
pub use rmsprop::RmsProp;
pub use rule::{Rule, StepSize, decays};
pub(crate) use rule::{smallest_normal, without_denormals};
pub use sgd::Sgd;

use crate::TrainError;
use crate::error::setting;
use crate::gradients::{ParameterGradients, elements};
use rungs_layers::Module;
use rungs_layers::tensor::safetensors::Named;
use rungs_layers::tensor::{Array, Element, Shape, Tensor};
use std::collections::BTreeMap;

/// Elements that one task updates at a time. Every rule works element by element, so no bit depends on it.
const CHUNK: usize = 16 * 1024;

/// A rule with what it remembers of a model.
#[derive(Clone, Debug)]
pub struct Optimizer<E: Element, R = Method> {
    rule: R,
    /// By parameter; in each, one array for each name of [`Rule::moments`]. Whoever saves them shares them.
    moments: BTreeMap<String, Vec<Array<E>>>,
    count: u64,
}

impl<E: Element, R: Rule<E>> Optimizer<E, R> {
    /// An optimizer that has seen nothing yet.
    pub fn new(rule: R) -> Self {
        Self { rule, moments: BTreeMap::new(), count: 0 }
    }

    /// How many steps were taken.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Moves every parameter of the model by one step.
    ///
    /// # Errors
    /// If there is a parameter without a gradient, or with one of another shape. Then nothing is changed.
    pub fn step<M: Module<E> + ?Sized>(
        &mut self,
        model: &mut M,
        gradients: &ParameterGradients<E>,
        learning_rate: f64,
    ) -> Result<(), TrainError> {
        for (name, parameter) in model.named() {
            fitting("gradient", &name, parameter.shape(), gradients.sum(&name).map(Tensor::array))?;
        }
        self.count += 1;
        let (rule, moments) = (&self.rule, &mut self.moments);
        let (count, gradient_factor) = (self.count, gradients.factor());
        model.for_each_mut(&mut |name, parameter| {
            let gradient = elements(gradients.sum(name).expect("checked above"));
            let axes = parameter.shape().rank();
            let step = StepSize { count, learning_rate, gradient_factor, axes };
            let zeros = |_| Array::from_vec(vec![E::ZERO; gradient.len()], parameter.shape());
            let kept = moments.entry(name.to_owned()).or_insert_with(|| rule.moments().iter().map(zeros).collect());
            let mut kept: Vec<&mut [E]> = kept.iter_mut().map(Array::make_mut).collect();
            parameter.update(|x| in_pieces(rule, &step, x, gradient, &mut kept));
        });
        Ok(())
    }

    /// The moments, named `second.blocks.0.norm_1.gain`, to be saved. Parameters that were never updated have none.
    pub fn state(&self) -> Named<E> {
        let mut state = Named::new();
        for (name, kept) in &self.moments {
            let named = self.rule.moments().iter().zip(kept);
            state.extend(named.map(|(moment, values)| (format!("{moment}.{name}"), values.clone())));
        }
        state
    }

    /// Goes on from a saved [`state`](Self::state), after `count` steps on a model with these parameters.
    ///
    /// # Errors
    /// If a moment is missing, has another shape than its parameter, or belongs to none (it was saved by another rule
    /// or for another model), or there are moments and `count` is 0. Then nothing is changed.
    pub fn restore<M: Module<E> + ?Sized>(&mut self, model: &M, from: &Named<E>, count: u64) -> Result<(), TrainError> {
        let mut moments = BTreeMap::new();
        // Before its first step an optimizer has no moments.
        for (name, parameter) in if count == 0 { Vec::new() } else { model.named() } {
            let kept = self.rule.moments().iter().map(|moment| {
                let saved = from.get(&format!("{moment}.{name}"));
                fitting(&format!("moment {moment}"), &name, parameter.shape(), saved).cloned()
            });
            let kept = kept.collect::<Result<Vec<_>, _>>()?;
            moments.insert(name, kept);
        }
        let (saved, taken) = (from.len(), moments.values().map(Vec::len).sum());
        setting("optimizer", saved <= taken, || match count {
            0 => format!("there are {saved} saved moments, though no step was taken (count is 0)"),
            _ => format!("{} of {saved} saved moments are not this optimizer's", saved - taken),
        })?;
        (self.moments, self.count) = (moments, count);
        Ok(())
    }
}

/// The array by the name of a parameter, if there is one and it has the parameter's shape.
pub(crate) fn fitting<'a, E: Element>(
    what: &str,
    parameter: &str,
    expected: Shape,
    found: Option<&'a Array<E>>,
) -> Result<&'a Array<E>, TrainError> {
    let problem = match found {
        Some(found) if found.shape() == expected => return Ok(found),
        Some(found) => format!("has shape {}, the parameter {expected}", found.shape()),
        None => "missing".to_owned(),
    };
    Err(TrainError::Mismatch(format!("{what} of parameter {parameter}: {problem}")))
}

/// Applies a rule in pieces of at most [`CHUNK`] elements, on all threads.
fn in_pieces<E: Element, R: Rule<E>>(rule: &R, step: &StepSize, x: &mut [E], gradient: &[E], moments: &mut [&mut [E]]) {
    if x.len() <= CHUNK {
        return rule.update(step, x, gradient, moments);
    }
    let middle = (x.len() / 2).next_multiple_of(CHUNK);
    let (x, x_rest) = x.split_at_mut(middle);
    let (gradient, gradient_rest) = gradient.split_at(middle);
    let (mut moments, mut moments_rest): (Vec<_>, Vec<_>) =
        moments.iter_mut().map(|moment| moment.split_at_mut(middle)).unzip();
    rayon::join(
        || in_pieces(rule, step, x, gradient, &mut moments),
        || in_pieces(rule, step, x_rest, gradient_rest, &mut moments_rest),
    );
}

#[cfg(test)]
mod tests;
