//! A disk in memory, on which every change can be looked at, refused or lost.

use crate::TrainError;
use crate::checkpoint::FolderLock;
use crate::checkpoint::disk::{Contents, Disk, Opened};
use std::collections::{BTreeMap, VecDeque};
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, MutexGuard};

/// What a directory holds.
pub(super) type Image = BTreeMap<String, Vec<u8>>;

/// A change to a directory. Contents are on the disk when `Write` returns, names when `Sync` does.
#[derive(Clone, Debug)]
pub(super) enum Change {
    Write(String, Vec<u8>),
    Rename(String, String),
    Remove(String),
    Sync,
}

impl Change {
    pub(super) fn apply(&self, image: &mut Image) {
        match self {
            Self::Write(name, contents) => _ = image.insert(name.clone(), contents.clone()),
            Self::Rename(from, to) => {
                // What was never named cannot be renamed: the change before was lost with the power.
                if let Some(contents) = image.remove(from) {
                    image.insert(to.clone(), contents);
                }
            }
            Self::Remove(name) => _ = image.remove(name),
            Self::Sync => {}
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) image: Image,
    pub(super) journal: Vec<Change>,
    /// The change that is refused, counted from 0, and whether all later ones are too.
    pub(super) refuse: Option<(usize, Refusal)>,
    /// What another process does before each file that is opened.
    pub(super) others: VecDeque<Vec<Change>>,
}

impl Opened for Vec<u8> {
    fn contents(&self) -> io::Result<Vec<u8>> {
        Ok(self.clone())
    }
}

#[derive(Copy, Clone, Debug, PartialEq)]
pub(super) enum Refusal {
    Once,
    FromThenOn,
}

/// A disk in memory that keeps a journal, and refuses a change if it is told to. A write that is refused leaves half a
/// file, as a full disk does.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory(Arc<Mutex<State>>);

impl Memory {
    pub(super) fn with(image: Image) -> Self {
        Self(Arc::new(Mutex::new(State { image, ..State::default() })))
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn change(&self, change: Change) -> io::Result<()> {
        let mut state = self.state();
        let number = state.journal.len();
        state.journal.push(change.clone());
        let refused = state.refuse.is_some_and(|(at, refusal)| match refusal {
            Refusal::Once => number == at,
            Refusal::FromThenOn => number >= at,
        });
        if !refused {
            change.apply(&mut state.image);
            return Ok(());
        }
        if let Change::Write(name, contents) = change {
            let half = contents[..contents.len() / 2].to_vec();
            state.image.insert(name, half);
        }
        Err(ErrorKind::StorageFull.into())
    }
}

impl Disk for Memory {
    fn make(&mut self) -> io::Result<()> {
        Ok(())
    }
    fn lock(&self) -> Result<Option<FolderLock>, TrainError> {
        Ok(None)
    }
    fn open(&self, name: &str) -> io::Result<Box<dyn Opened>> {
        let mut state = self.state();
        let others = state.others.pop_front().unwrap_or_default();
        others.iter().for_each(|change| change.apply(&mut state.image));
        let contents = state.image.get(name).cloned();
        contents.map(|contents| Box::new(contents) as _).ok_or_else(|| ErrorKind::NotFound.into())
    }
    fn length(&self, name: &str) -> io::Result<Option<u64>> {
        Ok(self.state().image.get(name).map(|contents| contents.len() as u64))
    }
    fn write(&mut self, name: &str, contents: &Contents<'_>) -> io::Result<()> {
        let mut bytes = Vec::new();
        contents(&mut bytes)?;
        self.change(Change::Write(name.to_owned(), bytes))
    }
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.change(Change::Rename(from.to_owned(), to.to_owned()))
    }
    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.change(Change::Remove(name.to_owned()))
    }
    fn sync(&mut self) -> io::Result<()> {
        self.change(Change::Sync)
    }
}
