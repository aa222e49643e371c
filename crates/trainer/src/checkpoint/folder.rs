//! A run folder on a disk.

use super::disk::{Contents, Disk, in_memory};
use super::manifest::{Checksum, Manifest, checksum, is_plain};
use crate::TrainError;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// The commit point.
const CONFIG: &str = "config.json";

/// A folder with a run in it, or one to be. See [the protocol](super).
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    disk: Box<dyn Disk>,
    /// What `config.json` said when it was last read or written; none before the first save.
    manifest: Option<Manifest>,
}

impl Folder {
    /// A folder for a new run. Nothing is written before the first [`save`](Self::save).
    ///
    /// # Errors
    /// If it holds a run, or if a file is in the way of the path.
    pub fn create(path: impl AsRef<Path>) -> Result<Self, TrainError> {
        let path = path.as_ref();
        // The nearest part of the path that exists must be a folder: everything below it can then be made.
        let existing = path.ancestors().find(|part| part.symlink_metadata().is_ok());
        if let Some(part) = existing.filter(|part| !part.is_dir()) {
            return Err(TrainError::file(path, format!("{} is a file, not a folder", part.display())));
        }
        let folder = Self::on(path, Box::new(path.to_owned()));
        match folder.disk.length(CONFIG).map_err(folder.unreadable(CONFIG))? {
            Some(_) => Err(TrainError::file(path, "there is a run in this folder")),
            None => Ok(folder),
        }
    }

    /// A folder that holds a run. Nothing is written: what an interrupted save left to do is done by the next one.
    ///
    /// # Errors
    /// If there is no run, or `config.json` is damaged or of a format that is not known. Files are checked when they
    /// are [read](Self::read).
    pub fn open(path: impl AsRef<Path>) -> Result<Self, TrainError> {
        let path = path.as_ref();
        match path.metadata() {
            Ok(metadata) if metadata.is_dir() => Self::open_on(path, Box::new(path.to_owned())),
            Ok(_) => Err(no_run(path, "it is a file, not a folder")),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(no_run(path, "there is no such folder")),
            Err(error) => Err(TrainError::reading(path)(error)),
        }
    }

    pub(super) fn on(path: &Path, disk: Box<dyn Disk>) -> Self {
        Self { path: path.to_owned(), disk, manifest: None }
    }

    pub(super) fn open_on(path: &Path, disk: Box<dyn Disk>) -> Result<Self, TrainError> {
        let folder = Self::on(path, disk);
        let manifest = folder.committed()?.ok_or_else(|| no_run(path, "there is no config.json"))?;
        Ok(Self { manifest: Some(manifest), ..folder })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The settings in `config.json`; null before the first save.
    pub fn settings(&self) -> &Value {
        self.manifest.as_ref().map_or(&Value::Null, |manifest| &manifest.settings)
    }

    /// The names of the files that make up the run, `config.json` left out.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.manifest.iter().flat_map(|manifest| manifest.files.keys().map(String::as_str))
    }

    /// The checksum of a file of the run.
    pub fn checksum(&self, name: &str) -> Option<&str> {
        self.manifest.as_ref()?.files.get(name).map(String::as_str)
    }

    /// The contents of a file of the run, checked.
    ///
    /// # Errors
    /// If the file is not part of the run, is missing or damaged, or if the run was saved again since it was opened.
    pub fn read(&self, name: &str) -> Result<Vec<u8>, TrainError> {
        let Some(expected) = self.manifest.as_ref().and_then(|manifest| manifest.files.get(name)) else {
            return Err(self.error(name, "not part of this run"));
        };
        let mut found = false;
        for candidate in [name, &next(name)] {
            if let Some(contents) = self.contents(candidate)? {
                if checksum(&contents) == *expected {
                    return Ok(contents);
                }
                found = true;
            }
        }
        if self.committed()? != self.manifest {
            return Err(self.error(CONFIG, "the run was saved again while it was being read; try again"));
        }
        let damaged = "its checksum is not the one in config.json: the file is damaged";
        Err(self.error(name, if found { damaged } else { "missing, though config.json names it" }))
    }

    /// Reads and parses a file of the run.
    ///
    /// # Errors
    /// As [`read`](Self::read), or if `parse` has one.
    pub fn parse<T, P: Display>(&self, name: &str, parse: impl FnOnce(&[u8]) -> Result<T, P>) -> Result<T, TrainError> {
        parse(&self.read(name)?).map_err(|problem| self.error(name, problem))
    }

    /// Saves a run: these settings, and these files by name. Files named before and not now stay where they are, but
    /// are no longer part of the run.
    ///
    /// # Errors
    /// If the disk refuses something. Then the folder still opens, as the run saved before or, if the refusal came
    /// after the commit, as this one.
    ///
    /// # Panics
    /// If a name is not that of a plain file, or one that the protocol needs.
    pub fn save(&mut self, settings: Value, files: &[(String, Contents<'_>)]) -> Result<(), TrainError> {
        for (name, _) in files {
            let free = is_plain(name) && name != CONFIG && !name.ends_with(".next");
            assert!(free, "save: {name:?} cannot be the name of a file of a run");
        }
        let result = self.save_or_leave(settings, files);
        // After an error only the disk knows whether it came before the commit or after it.
        if result.is_err()
            && let Ok(committed) = self.committed()
        {
            self.manifest = committed;
        }
        result
    }

    fn save_or_leave(&mut self, settings: Value, files: &[(String, Contents<'_>)]) -> Result<(), TrainError> {
        self.disk.make().map_err(self.unsaved(""))?;
        let committed = self.committed()?;
        self.finish_earlier_save(committed.as_ref(), files)?;

        let (mut sums, mut changed) = (BTreeMap::new(), Vec::new());
        for (name, contents) in files {
            let mut sum = Checksum::default();
            contents(&mut sum).map_err(self.unsaved(name))?;
            let (length, sum) = (sum.length(), sum.finish());
            if !self.is_saved(committed.as_ref(), name, length, &sum)? {
                changed.push((name, contents));
            }
            sums.insert(name.clone(), sum);
        }
        let manifest = Manifest::new(settings, sums);
        let config = manifest.to_text();
        if let Err(error) = self.prepare(&changed, &config) {
            // Best effort: what stays behind is removed by the next save.
            changed.iter().for_each(|(name, _)| drop(self.disk.remove(&next(name))));
            _ = self.disk.remove(&next(CONFIG));
            return Err(error);
        }
        // From here on nothing is removed: a rename that reports an error may have happened all the same.
        self.disk.rename(&next(CONFIG), CONFIG).map_err(self.unsaved(CONFIG))?;
        self.disk.sync().map_err(self.unsaved(""))?;
        self.manifest = Some(manifest);
        for (name, _) in changed {
            self.disk.rename(&next(name), name).map_err(self.unsaved(name))?;
        }
        self.disk.sync().map_err(self.unsaved(""))
    }

    /// Step 0: afterwards every committed file bears its own name, and no other file of the protocol is left.
    fn finish_earlier_save(
        &mut self,
        committed: Option<&Manifest>,
        files: &[(String, Contents<'_>)],
    ) -> Result<(), TrainError> {
        let committed = committed.map(|manifest| manifest.files.clone()).unwrap_or_default();
        let names = committed.keys().chain(files.iter().map(|(name, _)| name)).map(String::as_str);
        for name in names.chain([CONFIG]) {
            let Some(contents) = self.contents(&next(name))? else { continue };
            if committed.get(name).is_some_and(|expected| checksum(&contents) == *expected) {
                self.disk.rename(&next(name), name).map_err(self.unsaved(name))?;
            } else {
                self.disk.remove(&next(name)).map_err(self.unsaved(&next(name)))?;
            }
        }
        // Without this a new NAME.next could reach the disk before the old one's rename does, and the committed
        // contents would be under neither name.
        self.disk.sync().map_err(self.unsaved(""))
    }

    /// Whether a file is in the folder already. A file that was never part of a run is in the way.
    fn is_saved(&self, committed: Option<&Manifest>, name: &str, contents: u64, sum: &str) -> Result<bool, TrainError> {
        let length = self.disk.length(name).map_err(self.unreadable(name))?;
        match committed.map(|manifest| manifest.files.get(name)) {
            None if length.is_some() => Err(self.error(name, "in the way: it does not belong to a run")),
            Some(Some(expected)) => Ok(expected == sum && length == Some(contents)),
            _ => Ok(false),
        }
    }

    /// Step 1 and the first half of step 2: everything that can be done without touching the run saved before.
    fn prepare(&mut self, changed: &[(&String, &Contents<'_>)], config: &str) -> Result<(), TrainError> {
        for (name, contents) in changed {
            self.disk.write(&next(name), contents).map_err(self.unsaved(name))?;
        }
        self.disk.sync().map_err(self.unsaved(""))?;
        self.disk.write(&next(CONFIG), &in_memory(config)).map_err(self.unsaved(CONFIG))
    }

    /// What `config.json` says now.
    fn committed(&self) -> Result<Option<Manifest>, TrainError> {
        match self.contents(CONFIG)? {
            None => Ok(None),
            Some(bytes) => Manifest::from_bytes(&bytes).map(Some).map_err(|problem| self.error(CONFIG, problem)),
        }
    }

    /// The contents of a file, checked by nothing; none if it is not there.
    fn contents(&self, name: &str) -> Result<Option<Vec<u8>>, TrainError> {
        match self.disk.read(name) {
            Ok(contents) => Ok(Some(contents)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.unreadable(name)(error)),
        }
    }

    /// An error of one of its files.
    pub fn error(&self, name: &str, problem: impl Display) -> TrainError {
        TrainError::file(self.path.join(name), problem)
    }

    fn unreadable(&self, name: &str) -> impl Fn(io::Error) -> TrainError + use<> {
        let path = self.path.join(name);
        move |source| TrainError::reading(&path)(source)
    }

    fn unsaved(&self, name: &str) -> impl Fn(io::Error) -> TrainError + use<> {
        let path = if name.is_empty() { self.path.clone() } else { self.path.join(name) };
        move |source| TrainError::saving(&path)(source)
    }
}

fn no_run(path: &Path, problem: &str) -> TrainError {
    TrainError::file(path, format!("holds no run ({problem})"))
}

/// The name of a file that is not committed yet.
fn next(name: &str) -> String {
    format!("{name}.next")
}
