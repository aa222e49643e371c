//! What can go wrong, each in one line that names the thing and the place.

use rungs_layers::LoadError;
use rungs_layers::tensor::NoGradient;
use std::io;
use std::path::PathBuf;

/// An error of training, of its data or of a run folder.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// A setting is out of its range.
    #[error("{name}: {problem}")]
    Setting {
        /// What is set.
        name: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// A text has too few tokens for what is asked of it.
    #[error("{text} has {tokens} tokens, but {needed} are needed ({reason})")]
    TooShort {
        /// Which text: "the training part".
        text: &'static str,
        /// How many tokens it has.
        tokens: usize,
        /// How many it must have.
        needed: usize,
        /// Where that number comes from: "a context of 64".
        reason: String,
    },
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
    /// A loss is infinite or not a number. Nothing was changed.
    #[error("the {which} loss is {value}")]
    NonFiniteLoss {
        /// "training" or "validation".
        which: &'static str,
        /// The value.
        value: f64,
    },
    /// A gradient is infinite or not a number. Nothing was changed.
    #[error("the gradient of parameter {parameter} is not finite")]
    NonFiniteGradient {
        /// The first such parameter, by name.
        parameter: String,
    },
    /// A parameter is infinite or not a number, so that it is not worth saving. Nothing was saved.
    #[error("parameter {parameter} is not finite; nothing was saved")]
    NonFiniteParameter {
        /// The first such parameter, by declaration.
        parameter: String,
    },
    /// Any of the above, at a step of a run.
    #[error("step {step}: {source}")]
    Step {
        /// The step, counted from 1.
        step: usize,
        /// What happened there.
        source: Box<TrainError>,
    },
    /// Gradients or moments belong to another model.
    #[error("{what} of parameter {parameter}: {problem}")]
    Mismatch {
        /// "gradient", "moment second".
        what: String,
        /// The parameter's name.
        parameter: String,
        /// "missing", "has shape (2), the parameter (3)".
        problem: String,
    },
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
    /// A run is to be written where something else is in the way.
    #[error("{}: {problem}", path.display())]
    Occupied {
        /// Where.
        path: PathBuf,
        /// What is in the way.
        problem: String,
    },
    /// A folder holds no run.
    #[error("{}: holds no run ({problem})", path.display())]
    NoRun {
        /// The folder.
        path: PathBuf,
        /// How that shows.
        problem: &'static str,
    },
    /// A file of a run is damaged, missing, or of a format that is not known.
    #[error("{}: {problem}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
}

impl TrainError {
    /// Whether the cause is in what was given (settings, texts, files) rather than in what happened while running.
    pub fn is_bad_input(&self) -> bool {
        match self {
            Self::Setting { .. }
            | Self::TooShort { .. }
            | Self::Mismatch { .. }
            | Self::Load(_)
            | Self::Position(_)
            | Self::Io { .. }
            | Self::Occupied { .. }
            | Self::NoRun { .. }
            | Self::File { .. } => true,
            Self::NoGradient { .. }
            | Self::Loss(_)
            | Self::NonFiniteLoss { .. }
            | Self::NonFiniteGradient { .. }
            | Self::NonFiniteParameter { .. }
            | Self::Step { .. }
            | Self::Save { .. } => false,
        }
    }
}

/// An error that names the setting, unless it is as it must be.
pub(crate) fn setting(name: &'static str, fits: bool, problem: impl FnOnce() -> String) -> Result<(), TrainError> {
    if fits { Ok(()) } else { Err(TrainError::Setting { name, problem: problem() }) }
}

/// An error that names the setting, unless it is a positive, finite number.
pub(crate) fn positive(name: &'static str, value: f64) -> Result<(), TrainError> {
    setting(name, value > 0.0 && value.is_finite(), || format!("must be a positive number, not {value}"))
}

/// An error that names the setting, unless it is a share that leaves something over: in [0, 1).
pub(crate) fn share(name: &'static str, value: f64) -> Result<(), TrainError> {
    setting(name, (0.0..1.0).contains(&value), || format!("must be at least 0 and less than 1, not {value}"))
}
