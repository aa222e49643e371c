//! What can go wrong here, each in one line that names the thing and the place.

use crate::decoding::SampleError;
use crate::models::ConfigError;
use crate::text::{TextError, TokenizerError};
use crate::trainer::TrainError;
use std::fmt::Display;
use std::path::PathBuf;

/// An error of a run: of its settings, its text, its folder or its training.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
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
    /// It was told to stop before anything was trained.
    #[error("stopped while the text was being read; nothing was trained")]
    Stopped,
    /// A file could not be written.
    #[error("writing failed at {}: {source}", path.display())]
    Save {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A setting is out of its range or the rung does not have it, a file is not what it must be, or training failed.
    #[error(transparent)]
    Train(#[from] TrainError),
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

    /// A problem of a setting, which is named as the program's option is.
    pub(crate) fn setting(name: &'static str, problem: impl Into<String>) -> Self {
        TrainError::setting(name, problem).into()
    }

    /// A problem of a file or folder.
    pub(crate) fn file(path: impl Into<PathBuf>, problem: impl Display) -> Self {
        TrainError::file(path, problem).into()
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
