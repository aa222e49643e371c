//! The protocol on a disk that may fail, or lose power, at any moment.

mod real_disk;

use super::disk::{Contents, Disk};
use super::folder::Folder;
use crate::testing::contents;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

/// What a directory holds.
type Image = BTreeMap<String, Vec<u8>>;

/// A change to a directory. Contents are on the disk when `Write` returns, names when `Sync` does.
#[derive(Clone, Debug)]
enum Change {
    Write(String, Vec<u8>),
    Rename(String, String),
    Remove(String),
    Sync,
}

impl Change {
    fn apply(&self, image: &mut Image) {
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
struct State {
    image: Image,
    journal: Vec<Change>,
    /// The change that is refused, counted from 0, and whether all later ones are too.
    refuse: Option<(usize, Refusal)>,
}

#[derive(Copy, Clone, Debug, PartialEq)]
enum Refusal {
    Once,
    FromThenOn,
}

/// A disk in memory that keeps a journal, and refuses a change if it is told to. A write that is refused leaves half a
/// file, as a full disk does.
#[derive(Clone, Debug, Default)]
struct Memory(Arc<Mutex<State>>);

impl Memory {
    fn with(image: Image) -> Self {
        Self(Arc::new(Mutex::new(State { image, ..State::default() })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
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
    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        self.state().image.get(name).cloned().ok_or_else(|| ErrorKind::NotFound.into())
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

/// The files of a run after `version` saves. One of them never changes, one appears only later.
fn files(version: u32) -> Vec<(String, Vec<u8>)> {
    let mut files = vec![
        ("model.safetensors".to_owned(), format!("best weights of {version}").into_bytes()),
        ("training.safetensors".to_owned(), format!("all of {version}").into_bytes()),
        ("tokenizer.json".to_owned(), b"always the same".to_vec()),
    ];
    if version >= 2 {
        files.push(("loss.svg".to_owned(), format!("plot of {version}").into_bytes()));
    }
    files
}

fn open(disk: &Memory) -> Folder {
    Folder::open_on(Path::new("run"), Box::new(disk.clone())).unwrap()
}

fn save(disk: &Memory, version: u32) -> bool {
    let mut folder = Folder::on(Path::new("run"), Box::new(disk.clone()));
    folder.save(json!({ "version": version }), &contents(&files(version))).is_ok()
}

/// The version that a folder holds, all of it.
fn version(disk: &Memory) -> u32 {
    let folder = open(disk);
    let version = folder.settings()["version"].as_u64().unwrap() as u32;
    assert_eq!(folder.files().count(), files(version).len());
    for (name, contents) in files(version) {
        assert_eq!(folder.read(&name).unwrap(), contents, "{name}");
    }
    version
}

/// A disk with one version saved and nothing left over.
fn saved(version: u32) -> Memory {
    let disk = Memory::default();
    assert!(save(&disk, version));
    Memory::with(disk.state().image.clone())
}

/// Everything a directory can hold after the power went off somewhere within `journal`: names that were not yet synced
/// may have reached the disk or not, in any combination, and the file being written may have any length.
fn after_power_loss(before: &Image, journal: &[Change]) -> BTreeSet<Image> {
    let mut images = BTreeSet::new();
    for done in 0..=journal.len() {
        let synced = journal[..done].iter().rposition(|change| matches!(change, Change::Sync)).map_or(0, |at| at + 1);
        let mut durable = before.clone();
        journal[..synced].iter().for_each(|change| change.apply(&mut durable));
        let unsynced = &journal[synced..done];
        for kept in 0_u32..1 << unsynced.len() {
            let mut image = durable.clone();
            let survivors = unsynced.iter().enumerate().filter(|(i, _)| kept >> i & 1 == 1);
            survivors.for_each(|(_, change)| change.apply(&mut image));
            if let Some(Change::Write(name, contents)) = journal.get(done) {
                for part in [0, contents.len() / 2, contents.len()] {
                    let mut torn = image.clone();
                    torn.insert(name.clone(), contents[..part].to_vec());
                    images.insert(torn);
                }
            }
            images.insert(image);
        }
    }
    images
}

#[test]
fn a_saved_run_opens_and_unchanged_files_are_not_written_again() {
    let disk = saved(1);
    assert!(save(&disk, 2));
    assert_eq!(version(&disk), 2);
    let state = disk.state();
    let written: Vec<&str> = state
        .journal
        .iter()
        .filter_map(|change| if let Change::Write(name, _) = change { Some(name.as_str()) } else { None })
        .collect();
    assert_eq!(written, ["model.safetensors.next", "training.safetensors.next", "loss.svg.next", "config.json.next"]);
    assert!(state.image.keys().all(|name| !name.ends_with(".next")), "nothing is left over");
}

#[test]
fn a_power_cut_at_any_moment_of_a_save_leaves_the_old_run_or_the_new_one() {
    let disk = saved(1);
    let before = disk.state().image.clone();
    assert!(save(&disk, 2));
    let journal = disk.state().journal.clone();
    let images = after_power_loss(&before, &journal);
    let mut found = BTreeMap::new();
    for image in &images {
        *found.entry(version(&Memory::with(image.clone()))).or_insert(0) += 1;
    }
    assert!(found.keys().eq(&[1, 2]), "{found:?}");
    assert!(images.len() > 30, "the search is not empty: {}", images.len());

    // Whatever is left, the next save goes through, and is as safe.
    let mut twice = BTreeSet::new();
    for image in &images {
        let disk = Memory::with(image.clone());
        let old = version(&disk);
        assert!(save(&disk, 3));
        assert_eq!(version(&disk), 3);
        assert!(disk.state().image.keys().all(|name| !name.ends_with(".next")));
        let journal = disk.state().journal.clone();
        for image in after_power_loss(image, &journal) {
            if twice.insert(image.clone()) {
                let new = version(&Memory::with(image));
                assert!(new == old || new == 3, "from {old} to {new}");
            }
        }
    }
    assert!(twice.len() > images.len());
}

#[test]
fn once_a_save_has_returned_no_power_cut_undoes_it() {
    let disk = saved(1);
    let before = disk.state().image.clone();
    assert!(save(&disk, 2));
    let journal = disk.state().journal.clone();
    assert!(matches!(journal.last(), Some(Change::Sync)));
    let mut after = before;
    journal.iter().for_each(|change| change.apply(&mut after));
    assert_eq!(version(&Memory::with(after)), 2);
}

#[test]
fn a_first_save_that_is_cut_off_leaves_no_run_or_a_whole_one() {
    let disk = Memory::default();
    assert!(save(&disk, 1));
    let journal = disk.state().journal.clone();
    for image in after_power_loss(&Image::new(), &journal) {
        let disk = Memory::with(image);
        let opened = Folder::open_on(Path::new("run"), Box::new(disk.clone()));
        match opened {
            Ok(_) => assert_eq!(version(&disk), 1),
            Err(error) => assert_eq!(error.to_string(), "run: holds no run (there is no config.json)"),
        }
        assert!(save(&disk, 2), "and another run can begin there");
        assert_eq!(version(&disk), 2);
    }
}

#[test]
fn a_disk_that_refuses_any_one_change_loses_nothing() {
    let changes = {
        let disk = saved(1);
        assert!(save(&disk, 2));
        disk.state().journal.len()
    };
    for refusal in [Refusal::Once, Refusal::FromThenOn] {
        for at in 0..changes {
            let disk = saved(1);
            let mut folder = open(&disk);
            disk.state().refuse = Some((at, refusal));
            let error = folder.save(json!({ "version": 2 }), &contents(&files(2))).unwrap_err().to_string();
            assert!(error.starts_with("saving failed at run"), "{error}");
            assert!(error.ends_with("nothing saved before is lost"), "{error}");
            let left = version(&disk);
            assert!(left == 1 || left == 2, "{refusal:?} at {at}");
            let in_memory = folder.settings()["version"].as_u64().unwrap() as u32;
            assert_eq!(in_memory, left, "the open folder knows which of the two it is");
            files(left).iter().for_each(|(name, contents)| assert_eq!(&folder.read(name).unwrap(), contents));

            disk.state().refuse = None;
            folder.save(json!({ "version": 3 }), &contents(&files(3))).unwrap();
            assert_eq!(version(&disk), 3);
            assert!(disk.state().image.keys().all(|name| !name.ends_with(".next")));
        }
    }
}

#[test]
fn a_full_disk_is_cleaned_up_after() {
    let disk = saved(1);
    let mut folder = open(&disk);
    disk.state().refuse = Some((2, Refusal::Once)); // the sync, one file, half of the second file
    folder.save(json!({ "version": 2 }), &contents(&files(2))).unwrap_err();
    assert!(disk.state().image.keys().all(|name| !name.ends_with(".next")), "{:?}", disk.state().image.keys());
}

#[test]
fn a_damaged_or_missing_file_is_named() {
    let says = |change: &dyn Fn(&mut Image)| {
        let disk = saved(1);
        change(&mut disk.state().image);
        open(&disk).read("model.safetensors").unwrap_err().to_string()
    };
    let damaged = "run/model.safetensors: its checksum is not the one in config.json: the file is damaged";
    assert_eq!(says(&|image| image.get_mut("model.safetensors").unwrap()[3] ^= 1), damaged);
    assert_eq!(says(&|image| image.get_mut("model.safetensors").unwrap().truncate(5)), damaged);
    assert_eq!(
        says(&|image| _ = image.remove("model.safetensors")),
        "run/model.safetensors: missing, though config.json names it"
    );
    let disk = saved(1);
    assert_eq!(open(&disk).read("x").unwrap_err().to_string(), "run/x: not part of this run");
}

#[test]
fn a_reader_whose_folder_is_saved_again_is_told_so() {
    let disk = saved(1);
    let reader = open(&disk);
    assert!(save(&disk, 2));
    assert_eq!(reader.read("tokenizer.json").unwrap(), b"always the same");
    let error = reader.read("model.safetensors").unwrap_err().to_string();
    assert_eq!(error, "run/config.json: the run was saved again while it was being read; try again");
}

#[test]
fn files_of_somebody_else_are_not_overwritten() {
    let disk = Memory::with([("model.safetensors".to_owned(), b"mine".to_vec())].into());
    let mut folder = Folder::on(Path::new("run"), Box::new(disk.clone()));
    let error = folder.save(json!({}), &contents(&files(1))).unwrap_err().to_string();
    assert_eq!(error, "run/model.safetensors: in the way: it does not belong to a run");
    assert_eq!(disk.state().image, [("model.safetensors".to_owned(), b"mine".to_vec())].into());
}

#[test]
#[should_panic(expected = "cannot be the name of a file of a run")]
fn names_that_the_protocol_needs_are_its_own() {
    _ = Folder::on(Path::new("run"), Box::new(Memory::default()))
        .save(json!({}), &contents(&[("model.next".to_owned(), Vec::new())]));
}
