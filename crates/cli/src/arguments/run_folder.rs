//! The run folder that a command opens, and where the model of its adapter is.

use std::path::PathBuf;

use clap::Args;
use rungs::SavedRun;

use crate::terminal::Outcome;

/// A run folder that is opened.
#[derive(Debug, Clone, Args)]
pub(crate) struct RunFolder {
    /// The run folder
    #[arg(value_name = "DIR")]
    pub(crate) run: PathBuf,
    /// Where the model is that the run's adapter belongs to, if it was moved; it must be that very model
    #[arg(long, value_name = "DIR", display_order = 800)]
    base: Option<PathBuf>,
}

impl RunFolder {
    /// The run in it.
    pub(crate) fn open(&self) -> Outcome<SavedRun> {
        let run = SavedRun::open(&self.run)?;
        Ok(match &self.base {
            Some(base) => run.with_base(base)?,
            None => run,
        })
    }
}
