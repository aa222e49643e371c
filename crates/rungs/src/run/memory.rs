//! How much memory training needs, found out before it begins.
//!
//! Parameters, gradients, moments and the best weights are counted. What a step holds beside them, the activations that
//! its backward pass reads, is measured: losses of one sequence and of two are computed, and what their graphs hold
//! tells what that of a batch will. No formula has to follow the models, and a model of one's own is measured as well.

use super::Run;
use crate::data::{Corpus, Parts};
use crate::tasks::language_task::LanguageTask;
use crate::tasks::measuring::{LOGITS, TOGETHER, WINDOWS};
use crate::tensor::{Rng, bytes_in_use};
use crate::trainer::Task;
use crate::trainer::data::Example;
use crate::trainer::optim::Rule;
use crate::{Error, Settings};
use std::cmp::Reverse;

/// The longest sequences that are measured. What longer ones hold follows from three shorter lengths.
const MEASURED: usize = 256;

/// Bytes that training needs beside the model's parameters.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct TrainingMemory {
    /// Gradients, the optimizer's moments, and copies of the parameters: the best, and the average where one is kept.
    pub of_parameters: f64,
    /// What the graph of one sequence holds, and what is computed again of it.
    pub of_sequence: f64,
    /// What a graph holds however many sequences there are.
    pub of_graph: f64,
    /// What an evaluation holds: the activations of one block, and the logits.
    pub of_evaluation: f64,
    /// B, the sequences of a micro-batch.
    pub batch_size: usize,
}

impl TrainingMemory {
    /// All of it, for batches of so many sequences.
    pub fn with_batches_of(&self, sequences: usize) -> f64 {
        let graph = self.of_graph + sequences as f64 * self.of_sequence;
        self.of_parameters + graph.max(self.of_evaluation)
    }

    /// All of it.
    pub fn total(&self) -> f64 {
        self.with_batches_of(self.batch_size)
    }

    /// The largest batch that fits so many bytes; none if not even one sequence does.
    pub fn largest_batch(&self, bytes: f64) -> Option<usize> {
        let fits = |sequences: usize| self.with_batches_of(sequences) <= bytes;
        let sequences = (bytes - self.of_parameters - self.of_graph) / self.of_sequence;
        fits(1).then_some((sequences as usize).max(1))
    }
}

impl Run {
    /// Memory that training will need beside the model's parameters, measured on the first sequences of its corpus.
    ///
    /// # Errors
    /// If no loss can be computed of them.
    pub fn training_memory(&self, corpus: &Corpus) -> Result<TrainingMemory, Error> {
        let Settings { training, .. } = &self.settings;
        let (trained, moments) = (self.trainer.trained_count(), Rule::<f32>::moments(&training.optimizer).len());
        let copies = 2 + moments + usize::from(training.ema.is_some());
        let context = self.settings.context();
        let (one, two) = match &corpus.parts {
            Parts::Text(_) if context > MEASURED => {
                let lengths = [MEASURED / 4, MEASURED / 2, MEASURED];
                let at = |batch| -> Result<f64, Error> {
                    let graphs = lengths.map(|length| self.graph(corpus, batch, length));
                    let [a, b, c] = graphs;
                    Ok(extrapolated(lengths, [a?, b?, c?], context))
                };
                (at(1)?, at(2)?)
            }
            _ => (self.graph(corpus, 1, context)?, self.graph(corpus, 2, context)?),
        };
        let together = match &corpus.parts {
            Parts::Text(_) if self.settings.rung().is_recurrent() => 1,
            Parts::Text(_) => WINDOWS,
            Parts::Examples(_) => TOGETHER,
        };
        let logits = (together * context * self.tokenizers.target.vocabulary()).min(LOGITS);
        let of_layer = |of_sequence: f64| of_sequence / self.settings.model.layers() as f64;
        let (block, again) = match self.settings.model.without_gradient_checkpointing() {
            None => (of_layer(two - one), 0.0),
            Some(model) => {
                let settings = Settings { model, ..self.settings.clone() };
                let block = of_layer(Self::new(&settings, corpus.clone())?.training_memory(corpus)?.of_sequence);
                // One block at a time is computed again; its gradients are half as much again.
                (block, 1.5 * block)
            }
        };
        Ok(TrainingMemory {
            of_parameters: (size_of::<f32>() * copies * trained) as f64,
            of_sequence: two - one + again,
            of_graph: (2.0 * one - two).max(0.0),
            // Without a graph there are the activations of one block at a time, of which about half are needed at once.
            of_evaluation: together as f64 * block / 2.0 + (2 * size_of::<f32>() * logits) as f64,
            batch_size: training.batch_size,
        })
    }

    /// The bytes that the graph of a loss holds, of a batch of sequences of a length; of examples, of one that stands
    /// for the batch of the longest.
    fn graph(&self, corpus: &Corpus, batch_size: usize, context: usize) -> Result<f64, Error> {
        let (mut corpus, mut settings) = (corpus.clone(), self.settings.clone());
        settings.training.batch_size = batch_size;
        settings.set_context(context);
        if let Parts::Examples(parts) = &mut corpus.parts {
            let tokens = |example: &Example| example.ids().len() + example.source().map_or(0, <[u32]>::len);
            let mut examples: Vec<&Example> = parts[0].iter().collect();
            examples.sort_by_key(|example| Reverse(tokens(example)));
            examples.truncate(self.settings.training.batch_size);
            parts[0] = vec![examples[examples.len() / 2].clone(); batch_size].into();
        }
        let mut task = LanguageTask::of(corpus, &settings)?;
        let before = bytes_in_use();
        let loss = task.next_loss(self.trainer.model(), &mut Rng::new(0))?;
        let held = bytes_in_use().saturating_sub(before);
        drop(loss);
        Ok(held as f64)
    }
}

/// The value at `x` of the polynomial of the second degree through three points: activations grow with the length,
/// attention weights with its square.
fn extrapolated(xs: [usize; 3], ys: [f64; 3], x: usize) -> f64 {
    let (xs, x) = (xs.map(|x| x as f64), x as f64);
    let basis = |i: usize| -> f64 { (0..3).filter(|&j| j != i).map(|j| (x - xs[j]) / (xs[i] - xs[j])).product() };
    (0..3).map(|i| ys[i] * basis(i)).sum()
}
