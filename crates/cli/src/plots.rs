//! Plots: how losses fell, where a decoder looked, and scores side by side. All are SVG. Here is
//! the file of a plot: whether it can be written, and the writing.
//!
//! | file | what |
//! |---|---|
//! | `loss_curves.rs`, `bars.rs` | losses over steps or minutes, and scores by group |
//! | `alignment.rs` | attention weights as a heat map |
//! | `chart.rs` | what curves and bars share: axes, drawn by plotters, and a legend |
//! | `svg.rs` | the backend of plotters that writes text and shapes with CSS classes |
//! | `label.rs` | tokens and names of runs, made safe and short enough to show |

pub(crate) mod alignment;
pub(crate) mod bars;
mod chart;
mod label;
pub(crate) mod loss_curves;
mod svg;

use std::path::Path;

use rungs::trainer::checkpoint::AtomicFile;

use crate::terminal::{Failure, Outcome, reason};

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
    AtomicFile::create(path).map(drop).map_err(|error| refused(&reason(&error)))
}

/// Writes the file whole or not at all, so that a full disk leaves what was there before.
pub(crate) fn write_plot(path: &Path, svg: &str) -> Outcome {
    check_plot(path)?;
    let written = AtomicFile::write(path, |to| to.write_all(svg.as_bytes()));
    written.map_err(|error| Failure::running(format!("{}: {}", path.display(), reason(&error))))
}

#[cfg(test)]
mod tests {
    use std::fs;

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
        for name in ["a.jpg", "a.png", "a", ".svg", "folder.svg", "missing/a.svg"] {
            let path = folder.join(name);
            for failure in [check_plot(&path), write_plot(&path, "<svg/>")] {
                let failure = failure.expect_err(name);
                assert!(format!("{failure:?}").contains("code: 2"), "{name}: {failure:?}");
            }
        }
        assert_eq!(fs::read_dir(folder).expect("the folder").count(), 1, "only what was there before");
    }
}
