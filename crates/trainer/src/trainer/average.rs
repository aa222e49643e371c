//! The exponential moving average of the weights.

use crate::TrainError;
use crate::optim::{fitting, smallest_normal, without_denormals};
use rayon::prelude::*;
use rungs_layers::Module;
use rungs_layers::tensor::Element;
use rungs_layers::tensor::safetensors::Named;

/// Elements that one task averages at a time. Every element is on its own, so no bit depends on it.
const CHUNK: usize = 16 * 1024;

/// What the weights of a run are on average, the last steps counting most (Polyak & Juditsky 1992; as an exponential
/// average, Morales-Brotons, Vogels & Hendrikx 2024):
///
/// ```text
/// a ← d a + (1 − d) θ,      d = min(decay, (1 + t) / (10 + t))        after step t, counted from 1
/// ```
///
/// Each step goes too far in some direction, and the next one back: the average is where they go around, as if the
/// learning rate had been lower for the last 1 / (1 − decay) steps. It takes no part in training. The smaller d of the
/// first steps lets it forget the random weights that training began with.
#[derive(Clone, Debug)]
pub(super) struct Average<E: Element> {
    decay: f64,
    pub(super) weights: Named<E>,
}

impl<E: Element> Average<E> {
    /// The average of no steps: the weights as they are. Nothing is copied.
    pub(super) fn new<M: Module<E> + ?Sized>(decay: f64, model: &M) -> Self {
        Self { decay, weights: model.weights() }
    }

    /// Takes in the weights after step `count`.
    pub(super) fn update<M: Module<E> + ?Sized>(&mut self, model: &M, count: u64) {
        let count = count as f64;
        let decay = self.decay.min((1.0 + count) / (10.0 + count));
        let (share, tiny) = (E::from_f64(1.0 - decay), smallest_normal::<E>());
        model.for_each(&mut |name, parameter| {
            let average = self.weights.get_mut(name).expect("a model keeps its parameters").make_mut();
            let now = parameter.array().contiguous();
            let now = now.as_slice().expect("it is contiguous");
            let blend = |(average, now): (&mut [E], &[E])| {
                for (a, &x) in average.iter_mut().zip(now) {
                    *a = without_denormals(*a + share * (x - *a), tiny);
                }
            };
            match average.len() <= CHUNK {
                true => blend((average, now)),
                false => average.par_chunks_mut(CHUNK).zip(now.par_chunks(CHUNK)).for_each(blend),
            }
        });
    }

    /// The average that was saved of a model with these parameters.
    ///
    /// # Errors
    /// If one is missing or has another shape.
    pub(super) fn restored<M: Module<E> + ?Sized>(decay: f64, model: &M, saved: &Named<E>) -> Result<Self, TrainError> {
        let mut weights = model.weights();
        for (name, array) in &mut weights {
            *array = fitting("average", name, array.shape(), saved.get(name))?.clone();
        }
        Ok(Self { decay, weights })
    }
}
