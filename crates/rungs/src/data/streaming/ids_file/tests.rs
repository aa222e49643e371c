use super::*;
use crate::tensor::Rng;
use crate::trainer::data::{ContiguousBatches, RandomWindows, SlidingWindows, TokenIds};
use std::fs;
use std::path::PathBuf;

fn folder(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("rungs-ids-{}-{name}", std::process::id()));
    _ = fs::remove_dir_all(&path);
    path
}

/// Where [`AtomicFile`](crate::trainer::checkpoint::AtomicFile) writes it.
fn unfinished(path: &Path) -> PathBuf {
    PathBuf::from(format!("{}.{}.next", path.display(), std::process::id()))
}

fn write(path: &Path, key: &Key, vocabulary: usize, ids: &[u32]) -> IdsFile {
    let mut writer = IdsWriter::create(path, key, vocabulary).unwrap();
    ids.chunks(7).for_each(|ids| writer.write(ids, 2 * ids.len()).unwrap());
    assert!(IdsFile::open(path, key).unwrap().is_none(), "it is not there before it is finished");
    writer.finish().unwrap()
}

#[test]
fn what_is_written_is_read_in_both_widths_from_anywhere() {
    let folder = folder("widths");
    for vocabulary in [SHORT, SHORT + 1] {
        let path = folder.join(format!("deep/{vocabulary}.ids"));
        let ids: Vec<u32> = (0..100).map(|i| (i * 977 + 65_000) % vocabulary as u32).collect();
        let file = write(&path, &[3; 32], vocabulary, &ids);
        let width = if vocabulary == SHORT { 2 } else { 4 };
        assert_eq!(fs::metadata(&path).unwrap().len(), (HEADER + 100 * width + 8) as u64);
        assert_eq!((file.len(), file.header.characters), (100, 200));
        for start in 0..100 {
            let mut read = vec![7];
            file.read(start, 100 - start, &mut read).unwrap();
            assert_eq!(read[1..], ids[start..]);
        }
        assert!(!unfinished(&path).exists());
    }
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn files_of_another_text_damaged_headers_and_cut_files_are_no_cache() {
    let folder = folder("damage");
    let path = folder.join("x.ids");
    let ids: Vec<u32> = (0..50).collect();
    write(&path, &[1; 32], 60, &ids);
    let there = |key: &Key| IdsFile::open(&path, key).unwrap().is_some();
    assert!(there(&[1; 32]) && !there(&[2; 32]));
    let good = fs::read(&path).unwrap();
    for bit in 0..8 * HEADER {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, bad).unwrap();
        assert!(!there(&[1; 32]), "bit {bit}");
    }
    let mut bad = good.clone();
    *bad.last_mut().unwrap() ^= 1; // of the sums
    fs::write(&path, bad).unwrap();
    assert!(!there(&[1; 32]));
    for length in [0, 50, HEADER, good.len() - 1] {
        fs::write(&path, &good[..length]).unwrap();
        assert!(!there(&[1; 32]), "cut at {length}");
    }
    fs::write(&path, [&good[..], &[0]].concat()).unwrap();
    assert!(!there(&[1; 32]));
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn damaged_ids_and_a_file_cut_while_it_is_read_are_errors() {
    let folder = folder("ids");
    let path = folder.join("x.ids");
    // Three blocks, of which the last is not full.
    let file = write(&path, &[1; 32], 60, &[5; 5000]);
    let good = fs::read(&path).unwrap();
    for (block, place) in [0, 1, BLOCK, 9000, 9999].into_iter().map(|place| (place / BLOCK, place)) {
        let mut bytes = good.clone();
        bytes[HEADER + place] ^= 4; // another id of the vocabulary, or none
        fs::write(&path, bytes).unwrap();
        for start in (0..4990).step_by(5) {
            let touched = (2 * start / BLOCK..=(2 * (start + 10) - 1) / BLOCK).contains(&block);
            match file.read(start, 10, &mut Vec::new()) {
                Ok(()) => assert!(!touched, "{place} from {start}"),
                Err(error) => {
                    let error = error.to_string();
                    assert!(
                        touched && error.ends_with("damaged: its checksum is another; remove it to have it made again")
                    );
                }
            }
        }
    }
    // Who makes the sums fit may have other ids than the vocabulary.
    let other = write(&folder.join("y.ids"), &[1; 32], 61, &[60; 5000]);
    let other = IdsFile { header: Header { vocabulary: 60, ..other.header }, ..other };
    let error = other.read(15, 10, &mut Vec::new()).unwrap_err().to_string();
    assert!(error.ends_with("damaged: id 60 of a vocabulary of 60; remove it to have it made again"), "{error}");
    fs::write(&path, good).unwrap();
    File::options().write(true).open(&path).unwrap().set_len(HEADER as u64 + 40).unwrap();
    assert!(matches!(file.read(15, 10, &mut Vec::new()), Err(TrainError::Io { .. })));
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_writer_that_gives_up_leaves_nothing() {
    let folder = folder("given-up");
    let path = folder.join("a/b/x.ids");
    let mut writer = IdsWriter::create(&path, &[1; 32], 9).unwrap();
    writer.write(&[1; 4000], 4000).unwrap();
    assert!(unfinished(&path).exists());
    drop(writer);
    assert!(!folder.exists());
}

#[test]
fn what_a_killed_writer_left_is_removed() {
    let folder = folder("killed");
    let path = folder.join("x.ids");
    let mut killed = IdsWriter::create(&path, &[1; 32], 9).unwrap();
    killed.write(&[1; 4000], 4000).unwrap();
    // As if by another process, which is no more.
    fs::rename(unfinished(&path), folder.join("x.ids.99999999.next")).unwrap();
    drop(killed);
    assert!(!path.exists() && folder.join("x.ids.99999999.next").exists());
    let file = write(&path, &[1; 32], 9, &[2; 3]);
    assert_eq!(file.len(), 3);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    fs::remove_dir_all(folder).unwrap();
}

/// A text of the tokens 0, 1, 2, …
fn text(length: usize) -> Vec<u32> {
    (0..length as u32).collect()
}

/// The same ids in a file.
fn in_a_file(name: &str, ids: &[u32], vocabulary: usize) -> (std::path::PathBuf, TokenIds) {
    let path = std::env::temp_dir().join(format!("rungs-batches-{}-{name}.ids", std::process::id()));
    let mut writer = IdsWriter::create(&path, &[7; 32], vocabulary).unwrap();
    writer.write(ids, ids.len()).unwrap();
    (path, writer.finish().unwrap().into())
}

#[test]
fn batches_from_a_file_are_those_from_memory() {
    for (name, vocabulary) in [("narrow", 1000), ("wide", 1 << 20)] {
        let (path, file) = in_a_file(name, &text(700), vocabulary);
        let memory = || TokenIds::from(text(700));
        let (mut a, mut b) = (Rng::new(1), Rng::new(1));
        let windows = |tokens: TokenIds| RandomWindows::new(tokens, 5, 13).unwrap();
        let (from_memory, from_file) = (windows(memory()), windows(file.clone()));
        assert_eq!(from_memory.batches_per_pass(), from_file.batches_per_pass());
        let streams = |tokens: TokenIds| ContiguousBatches::new(tokens, 3, 11).unwrap();
        let (mut streamed, mut read) = (streams(memory()), streams(file.clone()));
        for _ in 0..50 {
            assert_eq!(from_memory.next_batch(&mut a).unwrap(), from_file.next_batch(&mut b).unwrap());
            assert_eq!(streamed.next_batch().unwrap(), read.next_batch().unwrap());
        }
        for batch in [1, 4] {
            let whole = |tokens: TokenIds| {
                let windows = SlidingWindows::new(tokens, batch, 17, 17).unwrap();
                windows.batches(usize::MAX).collect::<Result<Vec<_>, _>>().unwrap()
            };
            assert_eq!(whole(memory()), whole(file.clone()));
        }

        // A file that becomes shorter is an error, and nothing moves on.
        let place = read.cursor();
        std::fs::File::options().write(true).open(&path).unwrap().set_len(120).unwrap();
        assert!(matches!(read.next_batch(), Err(TrainError::Io { .. })));
        assert_eq!(read.cursor(), place);
        std::fs::remove_file(path).unwrap();
    }
}
