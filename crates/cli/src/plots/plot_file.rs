//! The file of a plot: whether it can be written, and the writing.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::terminal::failure::{Failure, Outcome, reason};

/// Checks that a plot can be written there. A command asks before its work begins, not after.
pub(crate) fn check_plot(path: &Path) -> Outcome {
    let refused = |problem: &str| Failure::input(format!("{}: {problem}", path.display()));
    if !path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("svg")) {
        let svg = path.with_extension("svg");
        return Err(refused(&format!("plots are SVG: the name has to end in .svg, as in {}", svg.display())));
    }
    if path.is_dir() {
        return Err(refused("in the way: there is a folder of this name"));
    }
    if path.parent().is_some_and(|folder| !folder.as_os_str().is_empty() && !folder.is_dir()) {
        return Err(refused("there is no such folder to put it in"));
    }
    // Whether a folder takes a file is best found out by making one.
    let draft = draft(path);
    let made = File::create(&draft).and_then(|_| fs::remove_file(&draft));
    made.map_err(|error| refused(&reason(&error)))
}

/// Writes beside the path and renames at the end, so that a full disk leaves what was there before.
pub(crate) fn write_plot(path: &Path, svg: &str) -> Outcome {
    let failed = |error: &io::Error| format!("{}: {}", path.display(), reason(error));
    let draft = draft(path);
    let mut file = File::create(&draft).map_err(|error| Failure::input(failed(&error)))?;
    let result = match file.write_all(svg.as_bytes()).and_then(|()| file.sync_all()) {
        // What cannot be replaced, a folder for instance, was a mistake in the name; what cannot be written was not.
        Ok(()) => fs::rename(&draft, path).map_err(|error| Failure::input(failed(&error))),
        Err(error) => Err(Failure::running(failed(&error))),
    };
    if result.is_err() {
        // The failure to report is the first one; a draft that cannot be removed either is the lesser evil.
        let _ = fs::remove_file(&draft);
    }
    result
}

/// In the same folder, since only there a rename is a single step; hidden, and no other process's.
fn draft(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.next", std::process::id()))
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn a_plot_replaces_what_was_there() {
        let folder = TempDir::new().expect("a new folder");
        let folder = folder.path();
        for name in ["a.svg", "b.SVG"] {
            let path = folder.join(name);
            fs::write(&path, "what was there before").expect("a file");
            check_plot(&path).expect("it can be written");
            write_plot(&path, "<svg/>").expect("a plot");
            assert_eq!(fs::read_to_string(&path).expect("the plot"), "<svg/>", "{name}");
        }
        assert_eq!(fs::read_dir(folder).expect("the folder").count(), 2, "nothing but the plots is left");
    }

    #[test]
    fn what_cannot_be_drawn_leaves_no_trace() {
        let folder = TempDir::new().expect("a new folder");
        let folder = folder.path();
        let taken = folder.join("folder.svg");
        fs::create_dir(&taken).expect("a folder in the way");
        let refused = |outcome: Outcome, name: &str| {
            let failure = format!("{:?}", outcome.expect_err(name));
            assert!(failure.contains("code: 2"), "{name}: {failure}");
        };
        for name in ["a.jpg", "a.png", "a", ".svg", "folder.svg", "missing/a.svg"] {
            refused(check_plot(&folder.join(name)), name);
        }
        for name in ["folder.svg", "missing/a.svg"] {
            refused(write_plot(&folder.join(name), "<svg/>"), name);
        }
        assert_eq!(fs::read_dir(folder).expect("the folder").count(), 1, "only what was there before");
    }
}
