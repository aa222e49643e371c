//! The flag `--base`, of every command that opens a run: where the model of its adapter is.

use std::path::PathBuf;

use clap::Args;

/// Where the model of an adapter is.
#[derive(Debug, Args)]
pub(crate) struct Base {
    /// Where the model is that the run's adapter belongs to, if it was moved; it must be that very model
    #[arg(long, value_name = "DIR", display_order = 800)]
    pub(crate) base: Option<PathBuf>,
}
