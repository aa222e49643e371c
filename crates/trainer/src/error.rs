//! Errors of training, each in one line that names the thing and the place; and the checks of settings.

use rungs_layers::LoadError;
use rungs_layers::tensor::NoGradient;
use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};

/// An error of training, of its data or of a run folder.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// A setting is out of its range.
    #[error("{name}: {problem}")]
    Setting {
        /// What is set.
        name: &'static str,
        /// The problem, in words.
        problem: String,
    },
    /// A text has too few tokens for what is asked of it.
    #[error("{0}")]
    TooShort(String),
    /// A parameter has no gradient.
    #[error("no gradient for parameter {parameter}: {reason}")]
    NoGradient {
        /// The parameter's name.
        parameter: String,
        /// Whether it is a constant or was not reached.
        reason: NoGradient,
    },
    /// The loss of a batch cannot be differentiated.
    #[error("the loss cannot be differentiated: {0}")]
    Loss(&'static str),
    /// A loss, a gradient or a parameter is infinite or not a number. Nothing was changed, and nothing saved.
    #[error("{0}")]
    NonFinite(String),
    /// Any of the above, at a step of a run.
    #[error("step {step}: {source}")]
    Step {
        /// The step, counted from 1.
        step: usize,
        /// What happened there.
        source: Box<TrainError>,
    },
    /// Gradients or moments belong to another model: which, of which parameter, and how that shows.
    #[error("{0}")]
    Mismatch(String),
    /// Saved weights do not fit the model.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A saved position does not fit the task.
    #[error("the saved position does not fit the data: {0}")]
    Position(String),
    /// A file could not be read, or a folder not be used.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A save failed. What was saved before still opens.
    #[error("saving failed at {}: {source}; nothing saved before is lost", path.display())]
    Save {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file or folder is damaged, missing, in the way, or of a format that is not known.
    #[error("{}: {problem}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// The problem, in words.
        problem: String,
    },
}

impl TrainError {
    /// A [`Setting`](Self::Setting) error: a problem of a setting.
    pub fn setting(name: &'static str, problem: impl Into<String>) -> Self {
        Self::Setting { name, problem: problem.into() }
    }

    /// A [`File`](Self::File) error: a problem of a file.
    pub fn file(path: impl Into<PathBuf>, problem: impl Display) -> Self {
        Self::File { path: path.into(), problem: problem.to_string() }
    }

    /// Makes an [`Io`](Self::Io) error of a file from what the system said. The path is copied only then.
    pub fn reading(path: &Path) -> impl Fn(io::Error) -> Self {
        move |source| Self::Io { path: path.to_owned(), source }
    }

    /// Makes a [`Save`](Self::Save) error of a file from what the system said. The path is copied only then.
    pub fn saving(path: &Path) -> impl Fn(io::Error) -> Self {
        move |source| Self::Save { path: path.to_owned(), source }
    }

    /// [`Step`](Self::Step): this error, at that step.
    pub(crate) fn at_step(self, step: usize) -> Self {
        Self::Step { step, source: Box::new(self) }
    }

    /// Whether the cause is in what was given (settings, texts, files) rather than in what happened while running.
    pub fn is_bad_input(&self) -> bool {
        let out_of_memory = matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::OutOfMemory);
        !out_of_memory
            && !matches!(
                self,
                Self::NoGradient { .. } | Self::Loss(_) | Self::NonFinite(_) | Self::Step { .. } | Self::Save { .. }
            )
    }
}

/// An error that names the setting, unless it is as it must be.
pub fn setting(name: &'static str, fits: bool, problem: impl FnOnce() -> String) -> Result<(), TrainError> {
    if fits { Ok(()) } else { Err(TrainError::setting(name, problem())) }
}

/// An error that names the setting, unless it is a positive, finite number.
pub fn positive(name: &'static str, value: f64) -> Result<(), TrainError> {
    setting(name, value > 0.0 && value.is_finite(), || format!("must be a positive number, not {value}"))
}

/// An error that names the setting, unless it is a share that leaves something over: in [0, 1).
pub fn share(name: &'static str, value: f64) -> Result<(), TrainError> {
    setting(name, (0.0..1.0).contains(&value), || format!("must be at least 0 and less than 1, not {value}"))
}

/// An error that names the setting, unless it is a share of something and not all of it: in (0, 1).
pub fn proper_share(name: &'static str, value: f64) -> Result<(), TrainError> {
    setting(name, value > 0.0 && value < 1.0, || format!("must lie between 0 and 1, not {value}"))
}

/// An error that names the setting, unless it is a number other than 0.
pub fn counted(name: &'static str, count: usize) -> Result<(), TrainError> {
    setting(name, count > 0, || "must be 1 or more, not 0".to_owned())
}
