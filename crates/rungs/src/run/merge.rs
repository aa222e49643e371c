//! Making a whole model of an adapter and the model it belongs to.

use crate::layers::lora;
use crate::model::weights;
use crate::{Error, Run, RunConfig, SavedRun};
use std::path::Path;

/// Makes a run folder `out` with a whole model, that of the run with its adapter merged. It is a run like one that was
/// imported.
///
/// # Errors
/// If the run has no adapter, or the model that it adapts is not there, or something is in the way of `out`. Then
/// nothing is written.
pub fn merge(run: &SavedRun, out: &Path) -> Result<SavedRun, Error> {
    Run::check_free(out)?;
    if run.adapter()?.is_none() {
        return Err(run.no_adapter());
    }
    let mut model = run.model()?;
    lora::merge(&mut model);
    let weights = weights(&model);
    drop(model);
    let mut settings = run.config.settings.clone();
    settings.fine_tuning = None;
    let config = RunConfig { settings, text: run.provenance(), validation: None, from: run.config.from.clone() };
    SavedRun::write(out, config, &run.tokenizers, &weights)
}
