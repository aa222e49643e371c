//! Keras's way of working: a model is compiled with an optimizer, a loss and metrics, and then fitted to arrays.
//!
//! | in Keras | here |
//! |---|---|
//! | `class Net(keras.Model)` with `call` | a [`Module`] with [`Model::forward`] |
//! | `model.compile(optimizer, loss, metrics)` | [`Compiled::new`] with a [`Compile`] |
//! | `"rmsprop"` | [`RmsProp::keras`](crate::trainer::RmsProp::keras), the default of [`Compile::new`] |
//! | `"categorical_crossentropy"`, `"sparse_…"` | [`CategoricalCrossEntropy`] over one-hot rows, over ids |
//! | `"accuracy"` | [`Accuracy`] |
//! | `model.fit(x, y, batch_size, epochs, validation_split)` | [`Compiled::fit`] with a [`Fit`] |
//! | `callbacks`, `verbose=2` | a closure that is told each [`EpochEnd`], whose `Display` is the line |
//! | `model.train_on_batch`, `model.evaluate` | [`Compiled::train_on_batch`], [`Compiled::evaluate`] |
//! | `History.history` | [`History`] |
//!
//! # What the numbers mean
//!
//! They are Keras's, which a test holds against Keras itself (`keras/tests/golden.rs`):
//!
//! ```text
//! loss of a batch     L = Σ ℓ(b, t) / P          over its P positions (b, t): B·T, less those masked
//! loss of an epoch    Σ B L / Σ B                over its batches of B samples, each L before its own step
//! metric of an epoch  Σ right / Σ counted        over its positions
//! val_…               the same over the held-out samples, after the epoch's last step
//! ```
//!
//! Padding is not masked unless one says so (`ignore_class`): it then counts like any other position, and a model that
//! has learnt to write padding looks better than it is. As an epoch's loss is a mean of means, batches weigh by their
//! samples, not by their unmasked positions.
//!
//! - The **validation split** is the last share of the samples as they were given; it is never shuffled in.
//! - **Shuffling** is anew in every epoch, of the samples that are left.
//! - The **optimizer's memory** lives in [`Compiled`], so that a second `fit` goes on where the first ended.
//!
//! One thing differs on purpose: a loss or a gradient that is not finite is an error, and changes nothing.
//!
//! ```
//! use rungs::keras::{Accuracy, CategoricalCrossEntropy, Compile, Compiled, Fit, Model};
//! use rungs::prelude::*;
//!
//! #[derive(Clone)]
//! struct Classifier<E: Element> {
//!     dense: Linear<E>,
//! }
//! parameters!(Classifier { dense });
//!
//! impl Model for Classifier<f32> {
//!     type Input = Tensor;
//!     fn forward(&self, x: &Tensor, mode: &mut Mode<'_>) -> Tensor {
//!         self.dense.forward(x, mode)
//!     }
//! }
//!
//! // Which of two numbers is the larger?
//! let mut rng = Rng::new(0);
//! let numbers: Array<f32> = Array::normal([200, 2], 0.0, 1.0, &mut rng);
//! let larger: Vec<u32> = numbers.to_vec().chunks(2).map(|pair| u32::from(pair[1] > pair[0])).collect();
//! let (x, y) = (Tensor::constant(numbers), Ids::new(larger, 200));
//!
//! let model = Classifier { dense: Linear::new(2, 2, Bias::Yes, Init::XavierUniform, &mut rng) };
//! let compile = Compile {
//!     learning_rate: 0.02,
//!     metrics: vec![Box::new(Accuracy::default())],
//!     ..Compile::new(CategoricalCrossEntropy::default())
//! };
//! let mut compiled = Compiled::new(model, compile)?;
//! let options = Fit { batch_size: 20, epochs: 10, validation_split: 0.2, ..Fit::default() };
//! let history = compiled.fit(&x, &y, options, &mut rng, &mut |end| {
//!     println!("{end}"); // Epoch 1/10 - 0s - loss: 0.6931 - accuracy: 0.5 …
//!     Control::Continue
//! })?;
//! assert_eq!(history.names().collect::<Vec<_>>(), ["loss", "accuracy", "val_loss", "val_accuracy"]);
//! assert!(*history.get("val_accuracy").unwrap().last().unwrap() > 0.9);
//! # Ok::<(), rungs::trainer::TrainError>(())
//! ```

mod fit;
mod history;
mod loss;
mod metric;
mod samples;

pub use fit::Fit;
pub use history::{EpochEnd, History};
pub use loss::{CategoricalCrossEntropy, Loss, Outputs};
pub use metric::{Accuracy, Mean, Metric};
pub use samples::{Samples, one_hot};

use crate::layers::{Mode, Module};
use crate::tensor::{Element, Rng, Tensor};
use crate::trainer::{Method, Optimizer, ParameterGradients, RmsProp, TrainError};
use std::fmt::Debug;

/// A module with a forward from inputs to one distribution over classes for each position.
pub trait Model<E: Element = f32>: Module<E> + Clone {
    /// What it reads: a tensor, ids, or several of them as a tuple.
    type Input: Samples;

    /// Inputs of B samples → (B, …, V), logits unless the loss is told otherwise ([`Outputs`]).
    fn forward(&self, inputs: &Self::Input, mode: &mut Mode<'_>) -> Tensor<E>;
}

/// How a model is to be trained on targets of type Y.
#[derive(Debug)]
pub struct Compile<Y, E: Element = f32> {
    /// The rule by which gradients become steps.
    pub optimizer: Method,
    /// η.
    pub learning_rate: f64,
    /// What is made small.
    pub loss: Box<dyn Loss<Y, E>>,
    /// What is measured besides, in the order in which it is reported.
    pub metrics: Vec<Box<dyn Metric<Y, E>>>,
    /// The largest norm of all gradients together; `None` does not clip.
    pub global_clipnorm: Option<f64>,
}

impl<Y, E: Element> Compile<Y, E> {
    /// Keras's defaults for a loss: RMSprop, a learning rate of 10⁻³, no metrics, no clipping.
    pub fn new(loss: impl Loss<Y, E> + 'static) -> Self {
        Self {
            optimizer: Method::RmsProp(RmsProp::keras()),
            learning_rate: 1e-3,
            loss: Box::new(loss),
            metrics: Vec::new(),
            global_clipnorm: None,
        }
    }
}

/// A model with all that its training takes: what `compile` makes of it.
#[derive(Debug)]
pub struct Compiled<M, Y, E: Element = f32> {
    model: M,
    optimizer: Optimizer<E>,
    learning_rate: f64,
    loss: Box<dyn Loss<Y, E>>,
    metrics: Vec<Box<dyn Metric<Y, E>>>,
    global_clipnorm: Option<f64>,
}

impl<M: Model<E>, Y: Samples, E: Element> Compiled<M, Y, E> {
    /// Compiles a model.
    ///
    /// # Errors
    /// If a setting is out of its range, or two metrics have one name.
    pub fn new(model: M, compile: Compile<Y, E>) -> Result<Self, TrainError> {
        let Compile { optimizer, learning_rate, loss, metrics, global_clipnorm } = compile;
        optimizer.validate()?;
        positive("learning rate", learning_rate)?;
        global_clipnorm.map_or(Ok(()), |limit| positive("global clipnorm", limit))?;
        let names: Vec<&str> = std::iter::once("loss").chain(metrics.iter().map(|metric| metric.name())).collect();
        if let Some((_, name)) = names.iter().enumerate().find(|(i, name)| names[..*i].contains(name)) {
            return Err(TrainError::Setting { name: "metrics", problem: format!("two are called {name}") });
        }
        Ok(Self { model, optimizer: Optimizer::new(optimizer), learning_rate, loss, metrics, global_clipnorm })
    }

    /// The model as it is now.
    pub fn model(&self) -> &M {
        &self.model
    }

    /// The model as it is now, to own.
    pub fn into_model(self) -> M {
        self.model
    }

    /// Takes one step on one batch, and returns its loss and metrics from before the step.
    ///
    /// # Errors
    /// If loss or gradients are not finite, or a parameter has no gradient. Then nothing is changed.
    ///
    /// # Panics
    /// If shapes do not fit.
    pub fn train_on_batch(&mut self, x: &M::Input, y: &Y, rng: &mut Rng) -> Result<Scores, TrainError> {
        let outputs = self.model.forward(x, &mut Mode::Train(rng)); // (B, …, V)
        let loss = self.loss.loss(y, &outputs);
        let scores = self.scores(loss.nats()?, loss.tokens, y, &outputs)?;
        drop(outputs); // the graph is the loss's alone, and is released as the gradient walks it
        let mut gradients = ParameterGradients::collect(&self.model, loss.total.backward())?;
        gradients.scale(1.0 / loss.tokens as f64);
        match self.global_clipnorm {
            Some(limit) => gradients.clip(limit)?,
            None => gradients.norm()?, // which checks that they are finite
        };
        self.optimizer.step(&mut self.model, &gradients, self.learning_rate)?;
        Ok(scores)
    }

    /// The mean loss of a batch, which weighs by its samples, and its metrics.
    fn scores(&self, total: f64, positions: usize, y: &Y, outputs: &Tensor<E>) -> Result<Scores, TrainError> {
        if positions == 0 {
            return Err(TrainError::Loss("every position of a batch is masked"));
        }
        let samples = y.count() as f64;
        let loss = Mean { total: samples * total / positions as f64, weight: samples };
        Ok(Scores { loss, metrics: self.metrics.iter().map(|metric| metric.measure(y, outputs)).collect() })
    }
}

/// What some batches have come to.
#[derive(Clone, Debug, PartialEq)]
pub struct Scores {
    /// The loss.
    pub loss: Mean,
    /// The metrics, in the order of [`Compile::metrics`].
    pub metrics: Vec<Mean>,
}

impl Scores {
    /// Of no batches yet.
    fn of_nothing(metrics: usize) -> Self {
        Self { loss: Mean::default(), metrics: vec![Mean::default(); metrics] }
    }

    /// Takes in one more batch.
    fn add(&mut self, batch: Self) {
        self.loss.add(batch.loss);
        self.metrics.iter_mut().zip(batch.metrics).for_each(|(mean, of_batch)| mean.add(of_batch));
    }
}

/// An error that names the setting, unless it is a positive, finite number.
fn positive(name: &'static str, value: f64) -> Result<(), TrainError> {
    let problem = || format!("must be a positive number, not {value}");
    if value > 0.0 && value.is_finite() { Ok(()) } else { Err(TrainError::Setting { name, problem: problem() }) }
}

#[cfg(test)]
mod tests;
