//! The workspace as Cargo knows it, and its source files, for the tests that read them.

use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A crate in `crates/`.
pub(crate) struct Package {
    /// The crate's folder in `crates/`.
    pub(crate) folder: String,
    /// The package's name, as `Cargo.toml` has it.
    pub(crate) name: String,
    /// The name by which other crates import it.
    pub(crate) library: String,
    /// Folders of the crates of the workspace that it depends on, for more than its tests.
    pub(crate) dependencies: Vec<String>,
}

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests are a folder of the workspace").to_owned()
}

/// All crates in `crates/`.
pub(crate) fn packages() -> Vec<Package> {
    let arguments = ["metadata", "--no-deps", "--offline", "--format-version", "1"];
    let output = Command::new(env!("CARGO")).args(arguments).current_dir(root()).output().expect("cargo runs");
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON");
    metadata["packages"].as_array().expect("a list of packages").iter().filter_map(package).collect()
}

/// A crate from Cargo's description of it; none for a package outside of `crates/`.
fn package(description: &Value) -> Option<Package> {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let manifest = PathBuf::from(text(&description["manifest_path"]));
    let folder = crate_folder(manifest.parent()?)?;
    let dependencies = description["dependencies"].as_array()?.iter();
    let dependencies = dependencies.filter(|dependency| dependency["kind"] != "dev");
    let dependencies = dependencies.filter_map(|dependency| crate_folder(Path::new(dependency["path"].as_str()?)));
    let library = description["targets"].as_array()?.iter().find(|target| target["kind"][0] == "lib");
    let name = text(&description["name"]);
    let library = library.map_or_else(|| name.clone(), |target| text(&target["name"])).replace('-', "_");
    Some(Package { folder, name, library, dependencies: dependencies.collect() })
}

fn crate_folder(place: &Path) -> Option<String> {
    let is_crate = place.parent()?.file_name()? == "crates";
    is_crate.then(|| place.file_name().map(|name| name.to_string_lossy().into_owned()))?
}

/// The text of every Rust file in a folder and the folders below it, by its path from that folder.
pub(crate) fn rust_files(folder: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(open) = folders.pop() {
        let entries = fs::read_dir(&open).unwrap_or_else(|e| panic!("{}: {e}", open.display()));
        for path in entries.map(|entry| entry.expect("readable").path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(folder).expect("it is below the folder");
                let parts: Vec<_> = name.iter().map(|part| part.to_string_lossy()).collect();
                let source = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
                files.insert(parts.join("/"), source);
            }
        }
    }
    files
}
