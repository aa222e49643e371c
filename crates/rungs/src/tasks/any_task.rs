//! The task of a run, whatever it learns.

use super::{LanguageTask, PromptTask, TranslationTask, language::Window};
use crate::Error;
use crate::data::{Corpus, Data, PairCorpus, PromptCorpus, StreamedCorpus};
use crate::model::Model;
use crate::settings::Settings;
use crate::tensor::Rng;
use crate::trainer::data::Tokens as Ids;
use crate::trainer::{Evaluation, Loss, Position, Task, TrainError};

/// What a run learns: a task for each kind of model, behind one type, so that the trainer is compiled once.
#[derive(Debug)]
pub(crate) enum AnyTask {
    Language(LanguageTask),
    Prompts(PromptTask),
    Translation(TranslationTask),
}

impl AnyTask {
    /// What a run with these settings learns from its data.
    pub(crate) fn new(settings: &Settings, data: Data) -> Result<Self, Error> {
        let &Settings { batch_size: batch, context, seed, .. } = settings;
        let smoothing = settings.regularization.label_smoothing.unwrap_or(0.0);
        let language = |[train, validation]: [Ids; 2]| -> Result<Self, Error> {
            let window = Window { batch, context };
            let task = match settings.rung.is_recurrent() {
                true => LanguageTask::in_streams(train, validation, window)?,
                false => LanguageTask::in_windows(train, validation, window)?,
            };
            Ok(Self::Language(task.with_label_smoothing(smoothing)))
        };
        match data {
            Data::Text(Corpus { train, validation, .. }) => language([train.into(), validation.into()]),
            Data::Streamed(StreamedCorpus { train, validation, .. }) => language([train.into(), validation.into()]),
            Data::Prompts(PromptCorpus { train, validation, .. }) => {
                let task = PromptTask::new(train, validation, batch, seed)?;
                Ok(Self::Prompts(task.with_label_smoothing(smoothing)))
            }
            Data::Pairs(PairCorpus { train, validation, .. }) => {
                let own = settings.pair_settings()?.scheduled_sampling;
                let task = TranslationTask::new(train, validation, batch, own, seed)?;
                Ok(Self::Translation(task.with_label_smoothing(smoothing)))
            }
        }
    }
}

impl Task<f32> for AnyTask {
    type Model = Model;

    fn next_loss(&mut self, model: &Model, rng: &mut Rng) -> Result<Loss<f32>, TrainError> {
        match self {
            Self::Language(task) => task.next_loss(model, rng),
            Self::Prompts(task) => task.next_loss(model, rng),
            Self::Translation(task) => task.next_loss(model, rng),
        }
    }

    fn validate(&self, model: &Model) -> Result<Evaluation, TrainError> {
        match self {
            Self::Language(task) => Task::<f32>::validate(task, model),
            Self::Prompts(task) => Task::<f32>::validate(task, model),
            Self::Translation(task) => Task::<f32>::validate(task, model),
        }
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
