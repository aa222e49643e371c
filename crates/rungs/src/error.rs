//! What can go wrong here, each in one line that names the thing and the place.

use crate::decoding::SampleError;
use crate::models::ConfigError;
use crate::text::{TextError, TokenizerError};
use crate::trainer::TrainError;
use std::path::PathBuf;

/// An error of a run: of its settings, its text, its folder or its training.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting is out of its range, or the rung does not have it.
    #[error("{name}: {problem}")]
    Setting {
        /// The setting, as the program's option is called.
        name: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// A model of these sizes cannot be.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A text is of no use.
    #[error("{0}")]
    Text(String),
    /// A file of pairs or dialogues is of no use.
    #[error(transparent)]
    Texts(#[from] TextError),
    /// A text cannot be made into tokens.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// A text cannot be written.
    #[error(transparent)]
    Generate(#[from] SampleError),
    /// A run is to go on as another.
    #[error("{}: {} is {} in this run, not {}", path.display(), .difference.name, .difference.was, .difference.wanted)]
    Different {
        /// The run folder.
        path: PathBuf,
        /// What is not the same.
        difference: Difference,
    },
    /// A run is to go on with another text.
    #[error("{}: {what} ({name}) is not the one this run was trained on", path.display())]
    OtherText {
        /// The run folder.
        path: PathBuf,
        /// Which text.
        what: &'static str,
        /// What it is called.
        name: String,
    },
    /// A new run is to be made where there is one.
    #[error("{}: this folder holds a run already; it can go on (--resume), or choose another folder", .0.display())]
    Exists(PathBuf),
    /// A file of a run is not what it must be.
    #[error("{}: {problem}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// It was told to stop before anything was trained.
    #[error("stopped while the text was being read; nothing was trained")]
    Stopped,
    /// A run is to go on that was never trained here.
    #[error("{}: this run was imported: it holds no state of a training that could go on", .0.display())]
    Imported(PathBuf),
    /// A file could not be written.
    #[error("writing failed at {}: {source}", path.display())]
    Save {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The trainer, or the run folder.
    #[error(transparent)]
    Train(#[from] TrainError),
}

/// A setting that is not what it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Its name, as the program's option is called.
    pub name: String,
    /// What the run has.
    pub was: String,
    /// What it was to have.
    pub wanted: String,
}

impl Error {
    /// A translator is asked for what a language model does.
    pub(crate) fn translates() -> Self {
        Self::Text("this run translates: it needs a source, not a prompt or a text".to_owned())
    }

    /// A language model is asked for what a translator does.
    pub(crate) fn goes_on() -> Self {
        Self::Text("this run is a language model's: it has no source, it goes on with a text".to_owned())
    }

    pub(crate) fn setting(name: &'static str, problem: impl Into<String>) -> Self {
        Self::Setting { name, problem: problem.into() }
    }

    /// Whether the cause is in what was given (settings, texts, files) rather than in what happened while running.
    pub fn is_bad_input(&self) -> bool {
        match self {
            Self::Train(error) => error.is_bad_input(),
            Self::Save { .. } | Self::Stopped | Self::Generate(SampleError::NotFinite { .. }) => false,
            _ => true,
        }
    }
}
