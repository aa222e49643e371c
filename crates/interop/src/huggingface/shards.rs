//! Files of a folder: text files, and the safetensors files, one or several that an index puts together.

use super::pretrained::HuggingFaceError;
use rungs_tensor::safetensors::Header;
use rungs_tensor::{Array, Element};
use rungs_trainer::checkpoint::{open_regular, read_regular};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// All tensors in one file.
pub const WEIGHTS_FILE: &str = "model.safetensors";
/// Which file has which tensor, where there are several.
const INDEX: &str = "model.safetensors.index.json";
/// What cannot be opened without running it.
const PICKLES: [&str; 4] = [".bin", ".pt", ".pth", ".ckpt"];

/// A file that is not what it must be, or is not there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {problem}", path.display())]
pub struct FileError {
    /// The file, or the folder that it is missing from.
    pub path: PathBuf,
    /// The problem, in words.
    pub problem: String,
}

impl FileError {
    /// There is no such file in the folder.
    pub fn missing(folder: &Path, name: &str) -> Self {
        Self { path: folder.to_owned(), problem: format!("there is no {name} in it") }
    }
}

/// A text file of a folder; none if there is none.
///
/// # Errors
/// If it cannot be read, is not a regular file, is too large, or is not UTF-8.
pub fn read_text(folder: &Path, name: &str) -> Result<Option<String>, FileError> {
    let path = folder.join(name);
    match read_regular(&path).map(String::from_utf8) {
        Ok(Ok(text)) => Ok(Some(text)),
        Ok(Err(_)) => Err(FileError { path, problem: "not UTF-8 text".to_owned() }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FileError { path, problem: error.to_string() }),
    }
}

/// The tensors of a folder. Their numbers are still in the files.
#[derive(Debug)]
pub struct Shards {
    /// What errors about all of them name.
    path: PathBuf,
    shards: Vec<Shard>,
    /// The file of every tensor.
    places: BTreeMap<String, usize>,
}

#[derive(Debug)]
struct Shard {
    path: PathBuf,
    file: File,
    header: Header,
}

impl Shards {
    /// Opens the files of a folder and reads their headers.
    ///
    /// # Errors
    /// If a file is missing or damaged, two have one tensor, or the index says what is not so.
    pub fn open(folder: &Path) -> Result<Self, FileError> {
        let whole = folder.join(WEIGHTS_FILE);
        if whole.exists() {
            return Self::new(whole.clone(), vec![Shard::open(whole)?], None);
        }
        let index = folder.join(INDEX);
        let Some(json) = read_text(folder, INDEX)? else { return Err(no_weights(folder)) };
        let wrong = |problem: String| FileError { path: index.clone(), problem };
        let files = weight_map(&json).map_err(wrong)?;
        let names: BTreeSet<&String> = files.values().collect();
        if let Some(name) =
            names.iter().find(|name| name.contains(['/', '\\', ':', '\0']) || !name.ends_with(".safetensors"))
        {
            return Err(wrong(format!("weight_map: {name:?} is not the name of a safetensors file in this folder")));
        }
        let shards = names.iter().map(|name| Shard::open(folder.join(name))).collect::<Result<_, _>>()?;
        Self::new(index, shards, Some(&files))
    }

    fn new(path: PathBuf, shards: Vec<Shard>, files: Option<&BTreeMap<String, String>>) -> Result<Self, FileError> {
        let mut places = BTreeMap::new();
        for (number, shard) in shards.iter().enumerate() {
            for name in shard.header.entries.keys() {
                if let Some(first) = places.insert(name.clone(), number) {
                    let other = shards[first].path.display();
                    let problem = format!("tensor {name}: {other} has it too");
                    return Err(FileError { path: shard.path.clone(), problem });
                }
            }
        }
        for (name, file) in files.into_iter().flatten() {
            let found = places.get(name).and_then(|&number| shards[number].path.file_name());
            if found.is_none_or(|found| found != file.as_str()) {
                return Err(FileError { path, problem: format!("weight_map: tensor {name} is not in {file}") });
            }
        }
        Ok(Self { path, shards, places })
    }

    /// The file that all are in, or the one that puts them together.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Every tensor with its shape.
    pub fn shapes(&self) -> BTreeMap<String, Vec<usize>> {
        let shape =
            |(name, &number): (&String, &usize)| (name.clone(), self.shards[number].header.entries[name].shape.clone());
        self.places.iter().map(shape).collect()
    }

    /// The numbers of a tensor.
    ///
    /// # Errors
    /// If they cannot be read, or are of a kind that is not known.
    ///
    /// # Panics
    /// If there is no such tensor.
    pub fn fetch<E: Element>(&mut self, name: &str) -> Result<Array<E>, HuggingFaceError> {
        let shard = &mut self.shards[self.places[name]];
        let entry = &shard.header.entries[name];
        let mut bytes = vec![0; (entry.bytes.end - entry.bytes.start) as usize];
        let read = shard.file.seek(SeekFrom::Start(entry.bytes.start)).and_then(|_| shard.file.read_exact(&mut bytes));
        read.map_err(|error| HuggingFaceError::tensor(name, error))?;
        Ok(entry.array(name, &bytes)?)
    }
}

impl Shard {
    /// Reads the header of a file, and no more of it than its length allows.
    fn open(path: PathBuf) -> Result<Self, FileError> {
        let wrong = |problem: String| FileError { path: path.clone(), problem };
        let io = |error: std::io::Error| wrong(error.to_string());
        let mut file = open_regular(&path).map_err(io)?;
        let size = file.metadata().map_err(io)?.len();
        let mut first = Vec::new();
        (&mut file).take(8).read_to_end(&mut first).map_err(io)?;
        let length = Header::length(&first, size).map_err(|error| wrong(error.to_string()))?;
        let mut json = vec![0; length as usize];
        file.read_exact(&mut json).map_err(io)?;
        let header = Header::parse(&json, size).map_err(|error| wrong(error.to_string()))?;
        Ok(Self { file, header, path })
    }
}

/// The file of every tensor, as an index says it.
fn weight_map(json: &str) -> Result<BTreeMap<String, String>, String> {
    #[derive(serde::Deserialize)]
    struct Index {
        weight_map: BTreeMap<String, String>,
    }
    serde_json::from_str::<Index>(json).map(|index| index.weight_map).map_err(|error| format!("not an index: {error}"))
}

/// What to say of a folder without safetensors files.
fn no_weights(folder: &Path) -> FileError {
    let names = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names: BTreeSet<String> = names.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    match names.iter().find(|name| PICKLES.iter().any(|end| name.ends_with(end))) {
        Some(pickle) => FileError {
            path: folder.join(pickle),
            problem: format!("pickled files run as programs when they are opened; save the model as {WEIGHTS_FILE}"),
        },
        None => FileError::missing(folder, &format!("{WEIGHTS_FILE}, and no {INDEX}")),
    }
}
