//! Saves in processes of their own: neither a kill nor a full disk in the middle of one loses what was saved before,
//! and one process writes at a time.

use super::real_disk::one_line;
use crate::TrainError;
use crate::checkpoint::disk::{Contents, Disk, Opened};
use crate::checkpoint::{Folder, FolderLock};
use crate::testing::contents;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{fs, io};
use tempfile::tempdir;

/// Where the child processes below save.
const FOLDER: &str = "RUNGS_TEST_CHECKPOINT_FOLDER";

/// A test in a process of its own.
fn child(test: &str, folder: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let test = format!("checkpoint::tests::processes::{test}");
    command.args(["--ignored", "--exact", &test, "--quiet"]).env(FOLDER, folder);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn folder_of_child() -> Option<PathBuf> {
    std::env::var_os(FOLDER).map(PathBuf::from)
}

/// The files of a save: all of them say which.
fn files(version: usize, size: usize) -> Vec<(String, Vec<u8>)> {
    ["a", "b", "c"].map(|name| (name.to_owned(), format!("{version} of {name}").repeat(size).into_bytes())).into()
}

/// The number of the save that a folder holds, whole.
fn version(path: &Path, size: usize) -> usize {
    let folder = Folder::open(path).unwrap();
    let version = folder.settings().as_u64().unwrap() as usize;
    for (name, contents) in files(version, size) {
        assert!(folder.read(&name).unwrap() == contents, "{name} is not of save {version}");
    }
    version
}

/// The change at which the child below dies.
const DIES_AT: &str = "RUNGS_TEST_DIES_AT";

/// A directory of the file system whose process ends, without any cleaning up, in the middle of a change.
#[derive(Debug)]
struct Dying {
    path: PathBuf,
    changes_left: usize,
}

impl Dying {
    fn change(&mut self) {
        self.changes_left = self.changes_left.checked_sub(1).unwrap_or_else(|| std::process::abort());
    }
}

impl Disk for Dying {
    fn make(&mut self) -> io::Result<()> {
        self.path.make()
    }
    fn lock(&self) -> Result<Option<FolderLock>, TrainError> {
        self.path.lock()
    }
    fn open(&self, name: &str) -> io::Result<Box<dyn Opened>> {
        self.path.open(name)
    }
    fn length(&self, name: &str) -> io::Result<Option<u64>> {
        self.path.length(name)
    }
    fn write(&mut self, name: &str, contents: &Contents<'_>) -> io::Result<()> {
        if self.changes_left == 0 {
            let mut whole = Vec::new();
            contents(&mut whole)?;
            fs::write(self.path.join(name), &whole[..whole.len() / 2])?;
        }
        self.change();
        self.path.write(name, contents)
    }
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.change();
        self.path.rename(from, to)
    }
    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.change();
        self.path.remove(name)
    }
    fn sync(&mut self) -> io::Result<()> {
        self.change();
        self.path.sync()
    }
}

#[test]
#[ignore = "a child process of another test"]
fn child_dies_in_a_save() {
    let Some(path) = folder_of_child() else { return };
    let changes_left = std::env::var(DIES_AT).unwrap().parse().unwrap();
    let next = version(&path, 10) + 1;
    let mut folder = Folder::open_on(&path, Box::new(Dying { path: path.clone(), changes_left })).unwrap();
    folder.save(json!(next), &contents(&files(next, 10))).unwrap();
}

#[test]
fn killed_in_the_middle_of_a_save_the_folder_opens_and_can_be_saved_to() {
    let scratch = tempdir().unwrap();
    let path = scratch.path().join("run");
    Folder::create(&path).unwrap().save(json!(0), &contents(&files(0, 10))).unwrap();
    let (mut reached, mut deaths, mut committed) = (0, 0, 0);
    loop {
        let mut command = child("child_dies_in_a_save", &path);
        if command.env(DIES_AT, deaths.to_string()).status().unwrap().success() {
            break;
        }
        deaths += 1;
        let left = version(&path, 10);
        assert!([reached, reached + 1].contains(&left), "from {reached} to {left}");
        committed += usize::from(left > reached);
        reached = left;
    }
    assert!(deaths > 10 && (1..deaths).contains(&committed), "{committed} of {deaths} died after the commit");
    assert_eq!(version(&path, 10), reached + 1);
    assert_eq!(fs::read_dir(&path).unwrap().count(), 4, "three files, config.json, and nothing left over");
}

#[test]
#[ignore = "a child process of another test"]
fn child_holds_the_lock() {
    let Some(path) = folder_of_child() else { return };
    let mut folder = Folder::open(&path).unwrap();
    folder.lock().unwrap();
    fs::write(path.with_extension("locked"), "").unwrap();
    std::thread::sleep(Duration::from_secs(60));
}

#[test]
fn one_process_writes_at_a_time_and_the_lock_ends_with_it() {
    let scratch = tempdir().unwrap();
    let path = scratch.path().join("run");
    Folder::create(&path).unwrap().save(json!(0), &contents(&files(0, 1))).unwrap();
    assert_eq!(fs::read_dir(&path).unwrap().count(), 4, "no lock is left over");
    let mut other = child("child_holds_the_lock", &path).spawn().unwrap();
    while !path.with_extension("locked").exists() {
        assert!(other.try_wait().unwrap().is_none(), "the child has ended");
        std::thread::sleep(Duration::from_millis(1));
    }
    let mut folder = Folder::open(&path).unwrap();
    assert_eq!(version(&path, 1), 0, "reading is free");
    let held = format!("RUN: process {} is writing to this folder; wait until it has ended, or stop it", other.id());
    assert_eq!(one_line(&path, &folder.save(json!(1), &contents(&files(1, 1))).unwrap_err()), held);
    assert_eq!(one_line(&path, &folder.lock().unwrap_err()), held);
    other.kill().unwrap();
    other.wait().unwrap();
    assert!(path.join("lock").exists(), "killed, it leaves the file");
    folder.save(json!(1), &contents(&files(1, 1))).unwrap();
    assert_eq!(version(&path, 1), 1);
    drop(folder);
    assert_eq!(fs::read_dir(&path).unwrap().count(), 4, "and whoever comes after removes it");
}

#[test]
#[ignore = "a child process of another test"]
fn child_runs_out_of_space() {
    let Some(path) = folder_of_child() else { return };
    let mut folder = Folder::create(&path).unwrap();
    folder.save(json!(1), &contents(&files(1, 10))).unwrap();
    let mut too_large = files(2, 10);
    too_large[1].1 = vec![0; 1 << 20];
    for _ in 0..2 {
        let error = folder.save(json!(2), &contents(&too_large)).unwrap_err();
        assert!(!error.is_bad_input());
        let line = error.to_string();
        assert_eq!(
            line.replace(&path.display().to_string(), "RUN"),
            "saving failed at RUN/b: File too large (os error 27); nothing saved before is lost"
        );
        assert_eq!(version(&path, 10), 1);
        assert_eq!(fs::read_dir(&path).unwrap().count(), 5, "what was half written is gone, and the lock is held");
    }
    folder.save(json!(3), &contents(&files(3, 10))).unwrap();
    assert_eq!(version(&path, 10), 3);
}

#[test]
#[cfg(target_os = "linux")]
fn a_disk_that_fills_up_in_the_middle_of_a_save_loses_nothing() {
    let scratch = tempdir().unwrap();
    let path = scratch.path().join("run");
    // No file may grow beyond 64 KiB (128 blocks of 512 bytes, or of 1,024 in some shells), and the signal that would
    // end the process is ignored, so that the write reports an error.
    let script = r#"trap '' XFSZ; ulimit -f 128; exec "$0" --ignored --exact "$1" --quiet"#;
    let mut command = Command::new("sh");
    command.arg("-c").arg(script).arg(std::env::current_exe().unwrap());
    command.arg("checkpoint::tests::processes::child_runs_out_of_space").env(FOLDER, &path);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!(version(&path, 10), 3, "the child did run");
}
