//! A run folder on a disk.

use super::disk::{Contents, Disk, Opened, in_memory};
use super::folder_lock::FolderLock;
use super::manifest::{Checksum, Manifest, checksum, is_plain};
use crate::TrainError;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The commit point.
const CONFIG: &str = "config.json";
/// How long a reader tries to get ahead of a writer that saves again and again.
const PATIENCE: Duration = Duration::from_secs(2);

/// A folder with a run in it, or one to be. See [the protocol](super).
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    disk: Box<dyn Disk>,
    /// What was committed when the folder was opened or last saved; none before the first save.
    committed: Option<Committed>,
    /// Held from the first write on.
    lock: Option<FolderLock>,
}

/// One version of a run: what `config.json` says, and its files, opened. They stay those of this version when another
/// process saves the next, since files are replaced and never written over.
#[derive(Debug)]
struct Committed {
    manifest: Manifest,
    /// The files that may be those of the run, by its name for them: `NAME.next` and `NAME`.
    candidates: BTreeMap<String, Vec<Box<dyn Opened>>>,
}

impl Folder {
    /// A folder for a new run. Nothing is written before the first [`save`](Self::save).
    ///
    /// # Errors
    /// If it holds a run, or if a file is in the way of the path.
    pub fn create(path: impl AsRef<Path>) -> Result<Self, TrainError> {
        let path = path.as_ref();
        check_can_be_folder(path)?;
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
        Self { path: path.to_owned(), disk, committed: None, lock: None }
    }

    pub(super) fn open_on(path: &Path, disk: Box<dyn Disk>) -> Result<Self, TrainError> {
        let folder = Self::on(path, disk);
        let committed = folder.open_committed()?.ok_or_else(|| no_run(path, "there is no config.json"))?;
        Ok(Self { committed: Some(committed), ..folder })
    }

    /// Locks the folder for this process, and reads anew what was committed: until it is [unlocked](Self::unlock) or
    /// dropped nobody else writes there. A [`save`](Self::save) locks a folder that is not locked yet.
    ///
    /// # Errors
    /// If another process writes there, with its id, or the folder cannot be written.
    pub fn lock(&mut self) -> Result<(), TrainError> {
        if self.lock.is_none() {
            self.lock = self.disk.lock()?;
            self.committed = self.open_committed()?;
        }
        Ok(())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The settings in `config.json`; null before the first save.
    pub fn settings(&self) -> &Value {
        self.manifest().map_or(&Value::Null, |manifest| &manifest.settings)
    }

    /// The names of the files that make up the run, `config.json` left out.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.manifest().into_iter().flat_map(|manifest| manifest.files.keys().map(String::as_str))
    }

    /// The checksum of a file of the run.
    pub fn checksum(&self, name: &str) -> Option<&str> {
        self.manifest()?.files.get(name).map(String::as_str)
    }

    /// Gives the folder free for others to write.
    pub fn unlock(&mut self) {
        self.lock = None;
    }

    fn manifest(&self) -> Option<&Manifest> {
        self.committed.as_ref().map(|committed| &committed.manifest)
    }

    /// The contents of a file of the run, checked. They are those of the version that was opened or last saved here,
    /// even if another process has saved the run again.
    ///
    /// # Errors
    /// If the file is not part of the run, or is missing or damaged.
    pub fn read(&self, name: &str) -> Result<Vec<u8>, TrainError> {
        let file = self
            .committed
            .as_ref()
            .and_then(|Committed { manifest, candidates }| Some((manifest.files.get(name)?, candidates.get(name)?)));
        let Some((expected, candidates)) = file else { return Err(self.error(name, "not part of this run")) };
        for candidate in candidates {
            let contents = candidate.contents().map_err(self.unreadable(name))?;
            if checksum(&contents) == *expected {
                return Ok(contents);
            }
        }
        let damaged = "its checksum is not the one in config.json: the file is damaged";
        Err(self.error(name, if candidates.is_empty() { "missing, though config.json names it" } else { damaged }))
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
        self.disk.make().map_err(self.unsaved(""))?;
        let before = self.manifest().cloned();
        self.lock()?;
        if self.manifest() != before.as_ref() {
            return Err(self.error("", "another process has saved a run here in the meantime"));
        }
        let result = self.save_or_leave(settings, files, before.as_ref());
        // After an error only the disk knows whether it came before the commit or after it.
        match self.open_committed() {
            Ok(committed) => self.committed = committed,
            Err(error) if result.is_ok() => return Err(error),
            Err(_) => {}
        }
        result
    }

    fn save_or_leave(
        &mut self,
        settings: Value,
        files: &[(String, Contents<'_>)],
        committed: Option<&Manifest>,
    ) -> Result<(), TrainError> {
        self.finish_earlier_save(committed, files)?;

        let (mut sums, mut changed) = (BTreeMap::new(), Vec::new());
        for (name, contents) in files {
            let mut sum = Checksum::default();
            contents(&mut sum).map_err(self.unsaved(name))?;
            let (length, sum) = (sum.length(), sum.finish());
            if !self.is_saved(committed, name, length, &sum)? {
                changed.push((name, contents));
            }
            sums.insert(name.clone(), sum);
        }
        let config = Manifest::new(settings, sums).to_text();
        if let Err(error) = self.prepare(&changed, &config) {
            // Best effort: what stays behind is removed by the next save.
            changed.iter().for_each(|(name, _)| drop(self.disk.remove(&next(name))));
            _ = self.disk.remove(&next(CONFIG));
            return Err(error);
        }
        // From here on nothing is removed: a rename that reports an error may have happened all the same.
        self.disk.rename(&next(CONFIG), CONFIG).map_err(self.unsaved(CONFIG))?;
        self.disk.sync().map_err(self.unsaved(""))?;
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

    /// Opens what is committed now.
    ///
    /// The files of a version are under `NAME.next` or `NAME` from its commit to the next one. So if they are opened in
    /// this order, and `config.json` is afterwards what it was before, they are among those that were opened.
    fn open_committed(&self) -> Result<Option<Committed>, TrainError> {
        let start = Instant::now();
        let mut config = self.contents(CONFIG)?;
        loop {
            let Some(bytes) = config else { return Ok(None) };
            let manifest = Manifest::from_bytes(&bytes).map_err(|problem| self.error(CONFIG, problem))?;
            let mut candidates = BTreeMap::new();
            for name in manifest.files.keys() {
                let opened = [next(name), name.clone()].map(|candidate| self.opened(&candidate));
                let opened = opened.into_iter().filter_map(Result::transpose).collect::<Result<_, _>>()?;
                candidates.insert(name.clone(), opened);
            }
            let now = self.contents(CONFIG)?;
            if now.as_ref() == Some(&bytes) {
                return Ok(Some(Committed { manifest, candidates }));
            }
            if start.elapsed() > PATIENCE {
                return Err(self.error(CONFIG, "the run is saved faster than it can be read; try again"));
            }
            config = now;
        }
    }

    /// The contents of a file, checked by nothing; none if it is not there.
    fn contents(&self, name: &str) -> Result<Option<Vec<u8>>, TrainError> {
        let opened = self.opened(name)?;
        opened.map(|file| file.contents()).transpose().map_err(self.unreadable(name))
    }

    /// A file, if it is there.
    fn opened(&self, name: &str) -> Result<Option<Box<dyn Opened>>, TrainError> {
        match self.disk.open(name) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.unreadable(name)(error)),
        }
    }

    /// An error of one of its files.
    pub fn error(&self, name: &str, problem: impl Display) -> TrainError {
        TrainError::file(self.file(name), problem)
    }

    fn unreadable(&self, name: &str) -> impl Fn(io::Error) -> TrainError + use<> {
        let path = self.file(name);
        move |source| TrainError::reading(&path)(source)
    }

    fn unsaved(&self, name: &str) -> impl Fn(io::Error) -> TrainError + use<> {
        let path = self.file(name);
        move |source| TrainError::saving(&path)(source)
    }

    /// The path of one of its files; its own, if the name is empty.
    fn file(&self, name: &str) -> PathBuf {
        if name.is_empty() { self.path.clone() } else { self.path.join(name) }
    }
}

/// Checks that there is a folder at a path or that one can be made: the nearest part of the path that exists must be
/// one.
///
/// # Errors
/// If something else is in the way.
pub fn check_can_be_folder(path: &Path) -> Result<(), TrainError> {
    let existing = path.ancestors().find(|part| part.symlink_metadata().is_ok());
    match existing.filter(|part| !part.is_dir()) {
        Some(part) => Err(TrainError::file(path, format!("{} is a file, not a folder", part.display()))),
        None => Ok(()),
    }
}

fn no_run(path: &Path, problem: &str) -> TrainError {
    TrainError::file(path, format!("holds no run ({problem})"))
}

/// The name of a file that is not committed yet.
fn next(name: &str) -> String {
    format!("{name}.next")
}
