//! A model of any rung, as a run has it: one that goes on with a text, or one that translates.

use crate::Error;
use crate::language::LanguageTask;
use crate::layers::{Module, Path};
use crate::models::{EncoderDecoder, LanguageModel};
use crate::prompts::PromptTask;
use crate::tensor::{Rng, Tensor};
use crate::trainer::{Evaluation, Loss, Position, Task, TrainError};
use crate::translation::TranslationTask;
use std::any::Any;

/// What a run says that is asked for what the other kind does.
pub(crate) const TRANSLATES: &str = "this run translates: it needs a source, not a prompt or a text";
pub(crate) const GOES_ON: &str = "this run is a language model's: it has no source, it goes on with a text";

/// A model of any rung.
#[allow(missing_debug_implementations)] // models are trait objects, and thousands of numbers help nobody
pub enum Model {
    /// It goes on with a text.
    Language(Box<dyn LanguageModel<f32>>),
    /// It writes a target, given a source.
    Translation(Box<dyn EncoderDecoder<f32>>),
}

impl Model {
    /// The model that goes on with a text.
    ///
    /// # Errors
    /// If this one translates.
    pub fn language(self) -> Result<Box<dyn LanguageModel<f32>>, Error> {
        match self {
            Self::Language(model) => Ok(model),
            Self::Translation(_) => Err(Error::Text(TRANSLATES.to_owned())),
        }
    }

    /// The model that translates.
    ///
    /// # Errors
    /// If this one goes on with a text.
    pub fn translation(self) -> Result<Box<dyn EncoderDecoder<f32>>, Error> {
        match self {
            Self::Translation(model) => Ok(model),
            Self::Language(_) => Err(Error::Text(GOES_ON.to_owned())),
        }
    }

    /// The same model with constants for parameters.
    pub fn frozen(&self) -> Self {
        match self {
            Self::Language(model) => Self::Language(model.frozen()),
            Self::Translation(model) => Self::Translation(model.frozen()),
        }
    }
}

impl Module<f32> for Model {
    fn visit<'a>(&'a self, path: &mut Path, f: &mut dyn FnMut(&str, &'a Tensor)) {
        match self {
            Self::Language(model) => model.visit(path, f),
            Self::Translation(model) => model.visit(path, f),
        }
    }

    fn visit_mut(&mut self, path: &mut Path, f: &mut dyn FnMut(&str, &mut Tensor)) {
        match self {
            Self::Language(model) => model.visit_mut(path, f),
            Self::Translation(model) => model.visit_mut(path, f),
        }
    }

    fn visit_modules(&mut self, path: &mut Path, f: &mut dyn FnMut(&str, &mut dyn Any)) {
        match self {
            Self::Language(model) => model.visit_modules(path, f),
            Self::Translation(model) => model.visit_modules(path, f),
        }
    }
}

/// What a run learns: a task for each kind of model, behind one type, so that the trainer is compiled once.
#[derive(Debug)]
pub(crate) enum AnyTask {
    Language(LanguageTask),
    Prompts(PromptTask),
    Translation(TranslationTask),
}

/// The task and the model of one kind, which are always made together.
macro_rules! of_one_kind {
    ($self:expr, $model:expr, $task:ident, $of:ident => $result:expr) => {
        match ($self, $model) {
            (AnyTask::Language($task), Model::Language($of)) => $result,
            (AnyTask::Prompts($task), Model::Language($of)) => $result,
            (AnyTask::Translation($task), Model::Translation($of)) => $result,
            _ => unreachable!("a run's task and model are made for each other"),
        }
    };
}

impl Task<f32> for AnyTask {
    type Model = Model;

    fn next_loss(&mut self, model: &Model, rng: &mut Rng) -> Result<Loss<f32>, TrainError> {
        of_one_kind!(self, model, task, model => task.next_loss(model, rng))
    }

    fn validate(&self, model: &Model) -> Result<Evaluation, TrainError> {
        of_one_kind!(self, model, task, model => Task::<f32>::validate(task, model))
    }

    fn position(&self) -> Position<f32> {
        match self {
            Self::Language(task) => task.position(),
            Self::Prompts(task) => task.position(),
            Self::Translation(task) => task.position(),
        }
    }

    fn resume(&mut self, position: Position<f32>) -> Result<(), TrainError> {
        match self {
            Self::Language(task) => task.resume(position),
            Self::Prompts(task) => task.resume(position),
            Self::Translation(task) => task.resume(position),
        }
    }

    fn batches_per_epoch(&self) -> Option<usize> {
        match self {
            Self::Language(task) => task.batches_per_epoch(),
            Self::Prompts(task) => Task::<f32>::batches_per_epoch(task),
            Self::Translation(task) => Task::<f32>::batches_per_epoch(task),
        }
    }
}
