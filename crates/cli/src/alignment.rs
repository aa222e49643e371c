//! The alignment of an attention model as a picture: how much of each source token went into each target token.
//!
//! | file | what |
//! |---|---|
//! | `layout.rs` | where everything stands, in the same units for both formats |
//! | `picture.rs` | the shapes a picture consists of, and the colours of its one ink |
//! | `svg.rs`, `png.rs` | the two formats; `canvas.rs` and `font.rs` turn shapes and text into pixels |

mod canvas;
mod font;
mod layout;
mod picture;
mod png;
mod svg;

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Outcome};
use crate::text::reason;

/// The weights with which a decoder looked at the source while it wrote the target.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Alignment {
    /// The tokens that were read, along the top of the picture.
    pub(crate) source: Vec<String>,
    /// The tokens that were written, down its left side.
    pub(crate) target: Vec<String>,
    /// A row for each target token, a column for each source token, every weight between 0 and 1.
    pub(crate) weights: Vec<Vec<f64>>,
}

impl Alignment {
    /// Writes the picture, as SVG or PNG by the path's extension; whole, or not at all.
    ///
    /// # Panics
    ///
    /// If there is not exactly one weight for each pair of tokens.
    pub(crate) fn draw(&self, path: &Path) -> Outcome {
        let format = Format::of(path)?;
        let picture = layout::picture(self);
        let bytes = match format {
            Format::Svg => svg::text(&picture).into_bytes(),
            Format::Png => png::file(&canvas::Canvas::of(&picture)),
        };
        write_whole(path, &bytes)
    }
}

/// The formats there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Svg,
    Png,
}

impl Format {
    /// The format that a path's extension names. A command asks before its work begins, not after.
    pub(crate) fn of(path: &Path) -> Outcome<Self> {
        match path.extension().and_then(|extension| extension.to_str()).map(str::to_lowercase).as_deref() {
            Some("svg") => Ok(Self::Svg),
            Some("png") => Ok(Self::Png),
            _ => Err(Failure::input(format!("{}: a picture's name ends in .svg or .png", path.display()))),
        }
    }
}

/// Writes beside the path and renames at the end, so that a full disk leaves what was there before.
fn write_whole(path: &Path, bytes: &[u8]) -> Outcome {
    let failed = |error: &io::Error| format!("{}: {}", path.display(), reason(error));
    let draft = draft(path);
    let mut file = File::create(&draft).map_err(|error| Failure::input(failed(&error)))?;
    let result = match file.write_all(bytes).and_then(|()| file.sync_all()) {
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
    use super::*;

    fn example() -> Alignment {
        let tokens = |text: &str| text.split(' ').map(str::to_owned).collect();
        Alignment {
            source: tokens("the heart &"),
            target: tokens("le cœur"),
            weights: vec![vec![0.9, 0.1, 0.0], vec![0.0, 0.7, 0.3]],
        }
    }

    /// An empty folder of its own, for a test of this name.
    fn folder(test: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("rungs-alignment-{test}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).expect("a new folder");
        folder
    }

    #[test]
    fn the_extension_chooses_the_format() {
        let folder = folder("formats");
        for (name, start) in [("a.svg", b"<svg"), ("b.PNG", b"\x89PNG")] {
            let path = folder.join(name);
            fs::write(&path, "what was there before").expect("a file");
            example().draw(&path).expect("a picture");
            assert!(fs::read(&path).expect("the picture").starts_with(start), "{name}");
        }
        assert_eq!(fs::read_dir(&folder).expect("the folder").count(), 2, "nothing but the pictures is left");
        fs::remove_dir_all(&folder).expect("the folder is ours");
    }

    #[test]
    fn what_cannot_be_drawn_leaves_no_trace() {
        let folder = folder("refused");
        let taken = folder.join("folder.svg");
        fs::create_dir(&taken).expect("a folder in the way");
        for name in ["a.jpg", "a", ".svg", "folder.svg", "missing/a.svg"] {
            let failure = example().draw(&folder.join(name)).expect_err(name);
            assert!(format!("{failure:?}").contains("code: 2"), "{name}: {failure:?}");
        }
        assert_eq!(fs::read_dir(&folder).expect("the folder").count(), 1, "only what was there before");
        fs::remove_dir_all(&folder).expect("the folder is ours");
    }
}
