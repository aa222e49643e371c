//! Run folders: every file whole or not at all, and the **set** of files consistent.
//!
//! # The problem
//! A run is several files that belong together: weights, moments, settings, a table. A file can be replaced as a whole
//! (write another, rename it over the first), but a process that dies between two renames leaves new weights beside
//! old moments, and a resumed run that is neither.
//!
//! # The protocol
//! `config.json` holds a checksum of each other file. It is the commit point: the files it describes are the run.
//!
//! ```text
//! to save    0  finish what an earlier save left: rename each NAME.next that config.json describes to NAME, remove
//!               the others; sync the folder
//!            1  write each changed file as NAME.next and sync it; sync the folder
//!            2  write config.json.next and sync it; rename it to config.json; sync the folder       (commit)
//!            3  rename each NAME.next to NAME; sync the folder
//! to read    open each NAME.next and NAME; if config.json has changed meanwhile, again. A file of the run is the one
//!               of the two whose checksum is in config.json, or it is damaged
//! ```
//!
//! Before the commit every file that the old `config.json` describes is still there under its own name. After it, every
//! file that the new one describes is there under one of two names. So whatever moment a kill, a power cut or a full
//! disk chooses, the folder opens, as the run before the save or as the run after it. The tests try every moment, with
//! every order in which an unsynced disk may keep names.
//!
//! One process at a time writes: before the first change it takes the [lock](FolderLock) of the folder, and keeps it
//! until training is over. Reading needs no lock. Files are replaced and never written over, so a reader that has them
//! open has one version, whatever is saved after it.
//!
//! # The files
//! [`Folder`] is the protocol and knows nothing of training. [`TrainingState`] is what a resumed run needs to go on bit
//! for bit. [`Destination`] is a folder with what somebody else wants in it: settings for `config.json`, files of their
//! own. [`AtomicFile`] is for files outside of run folders, [`open_regular`] for those of any folder.

mod atomic_file;
mod destination;
mod disk;
mod folder;
mod folder_lock;
mod manifest;
mod regular_file;
mod state;

#[cfg(test)]
mod tests;

pub use atomic_file::AtomicFile;
pub use destination::{Destination, Maker};
pub use disk::{Contents, in_memory};
pub use folder::{Folder, check_can_be_folder};
pub use folder_lock::FolderLock;
pub use manifest::{Checksum, FORMAT_VERSION, checksum, sha256};
pub use regular_file::{LARGEST_FILE, open_regular, read_regular};
pub use state::{Best, Interval, Progress, TrainingState};

/// The best weights by validation loss.
pub const MODEL_FILE: &str = "model.safetensors";
/// Those of them that are trained, where only a small part is, and the rest is another run's.
pub const ADAPTER_FILE: &str = "adapter.safetensors";
/// All that resuming needs.
pub const TRAINING_FILE: &str = "training.safetensors";
/// The course of the run.
pub const METRICS_FILE: &str = "metrics.csv";
