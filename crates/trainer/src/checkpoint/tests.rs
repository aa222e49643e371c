//! The protocol on a disk that may fail, or lose power, at any moment.

mod memory_disk;
mod processes;
mod real_disk;

use super::folder::Folder;
use crate::testing::contents;
use memory_disk::{Change, Image, Memory, Refusal};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

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
    let holds_a_run = disk.state().image.contains_key("config.json");
    let mut folder = if holds_a_run { open(disk) } else { Folder::on(Path::new("run"), Box::new(disk.clone())) };
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
fn a_reader_keeps_its_version_when_the_run_is_saved_again() {
    let disk = saved(1);
    let reader = open(&disk);
    assert!(save(&disk, 2));
    for (name, contents) in files(1) {
        assert_eq!(reader.read(&name).unwrap(), contents, "{name}");
    }
    assert_eq!(version(&disk), 2);
}

#[test]
fn a_reader_beside_a_writer_gets_one_version_whole() {
    // Two saves, after one that was cut off between its commit and its renames.
    let disk = saved(1);
    assert!(save(&disk, 2));
    let cut =
        disk.state().journal.iter().position(|change| matches!(change, Change::Rename(_, to) if to == "config.json"));
    let mut begun = saved(1).state().image.clone();
    disk.state().journal[..=cut.unwrap()].iter().for_each(|change| change.apply(&mut begun));
    let disk = Memory::with(begun.clone());
    assert!(save(&disk, 3) && save(&disk, 4));
    let journal = disk.state().journal.clone();

    // The writer is at `from` when the reader begins, and at `to` before the reader opens its file number `at`.
    let opens = 2 + 2 * files(2).len();
    for from in 0..=journal.len() {
        let mut image = begun.clone();
        journal[..from].iter().for_each(|change| change.apply(&mut image));
        for to in from..=journal.len() {
            for at in 0..opens {
                let disk = Memory::with(image.clone());
                disk.state().others =
                    (0..=at).map(|open| if open == at { journal[from..to].to_vec() } else { vec![] }).collect();
                assert!((2..=4).contains(&version(&disk)), "from {from} to {to} before file {at}");
            }
        }
    }
}

#[test]
fn a_writer_that_was_overtaken_saves_nothing() {
    let disk = saved(1);
    let mut late = open(&disk);
    assert!(save(&disk, 2));
    let error = late.save(json!({ "version": 3 }), &contents(&files(3))).unwrap_err();
    assert_eq!(error.to_string(), "run: another process has saved a run here in the meantime");
    assert!(error.is_bad_input());
    assert_eq!(version(&disk), 2);
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
