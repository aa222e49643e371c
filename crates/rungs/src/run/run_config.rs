//! What a run folder says of its run.

use crate::settings::{Difference, Settings};
use crate::trainer::Folder;
use crate::{Error, Provenance};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What may change when a run goes on: how long it is at the most, when it is given up, and how often it is saved. None
/// of it changes what was learnt.
const FREE: [&str; 6] = ["steps", "epochs", "seconds", "patience", "save-every", "gradient-checkpointing"];

/// The content of a run's `config.json`, checksums aside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunConfig {
    /// Everything that decides the run but the texts. Files of earlier versions are read, too.
    #[serde(deserialize_with = "crate::settings::json::of_any_version")]
    pub settings: Settings,
    /// The text it learns; of a model that was imported, where it came from.
    pub text: Provenance,
    /// The text it is validated on, where that is not the end of the first.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub validation: Option<Provenance>,
    /// The run whose weights it began with, and their checksum, where they were not random.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub from: Option<Provenance>,
}

impl RunConfig {
    /// The configuration of the run in a folder.
    ///
    /// # Errors
    /// If there is no run, or its `config.json` is damaged.
    pub fn open(path: &Path) -> Result<Self, Error> {
        Self::of(&Folder::open(path)?)
    }

    pub(super) fn of(folder: &Folder) -> Result<Self, Error> {
        let config = serde_json::from_value(folder.settings().clone());
        config.map_err(|error| folder.error("config.json", format!("not the settings of a run: {error}")).into())
    }

    /// That a run with this configuration can go on as `wanted`.
    pub(super) fn check(&self, wanted: &Self, path: &Path) -> Result<(), Error> {
        if let Some(Difference { name, was, wanted }) = self.settings.difference(&wanted.settings, &FREE) {
            return Err(Error::file(path, format!("{name} is {was} in this run, not {wanted}")));
        }
        let other_text = |what: &str, Provenance { name, .. }: &Provenance| {
            Err(Error::file(path, format!("{what} ({name}) is not the one this run was trained on")))
        };
        match (&self.validation, &wanted.validation) {
            _ if self.text.sha256 != wanted.text.sha256 => other_text("the text", &wanted.text),
            (None, None) => Ok(()),
            (Some(was), Some(is)) if was.sha256 == is.sha256 => Ok(()),
            (_, Some(is)) => other_text("the validation text", is),
            (Some(was), None) => Err(Error::file(path, format!("validation is {} in this run, not absent", was.name))),
        }
    }
}
