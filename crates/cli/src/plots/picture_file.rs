//! A picture as a file, SVG or PNG by its extension: whether it can be written, and the writing.

use std::path::Path;

use super::canvas::Canvas;
use super::picture::Picture;
use super::{png, svg};
use crate::terminal::failure::{Failure, Outcome, reason};
use rungs::trainer::checkpoint::AtomicFile;

impl Picture {
    /// Writes the picture, as SVG or PNG by the path's extension; whole, or not at all.
    pub(crate) fn write(&self, path: &Path) -> Outcome {
        let bytes = match Format::of(path)? {
            Format::Svg => svg::text(self).into_bytes(),
            Format::Png => png::file(&Canvas::of(self)),
        };
        write_whole(path, &bytes)
    }
}

/// The formats there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Svg,
    Png,
}

impl Format {
    /// The format that a path's extension names.
    fn of(path: &Path) -> Outcome<Self> {
        match path.extension().and_then(|extension| extension.to_str()).map(str::to_lowercase).as_deref() {
            Some("svg") => Ok(Self::Svg),
            Some("png") => Ok(Self::Png),
            _ => Err(Failure::input(format!("{}: a picture's name ends in .svg or .png", path.display()))),
        }
    }
}

/// Checks that a picture can be written there. A command asks before its work begins, not after.
pub(crate) fn check_picture(path: &Path) -> Outcome {
    Format::of(path)?;
    check_place(path)
}

/// Checks that a drawing which is made as SVG alone can be written there.
pub(crate) fn check_drawing(path: &Path) -> Outcome {
    match Format::of(path) {
        Ok(Format::Svg) => check_place(path),
        _ => Err(Failure::input(format!("{}: this picture's name ends in .svg", path.display()))),
    }
}

fn check_place(path: &Path) -> Outcome {
    let refused = |problem: &str| Failure::input(format!("{}: {problem}", path.display()));
    if path.is_dir() {
        return Err(refused("in the way: there is a folder of this name"));
    }
    if path.parent().is_some_and(|folder| !folder.as_os_str().is_empty() && !folder.is_dir()) {
        return Err(refused("there is no such folder to put it in"));
    }
    // Whether a folder takes a file is best found out by making one.
    AtomicFile::create(path).map(drop).map_err(|error| refused(&reason(&error)))
}

/// Writes a file whole or not at all, so that a full disk leaves what was there before.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Outcome {
    check_place(path)?;
    let written = AtomicFile::write(path, |to| to.write_all(bytes));
    written.map_err(|error| Failure::running(format!("{}: {}", path.display(), reason(&error))))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;
    use crate::plots::picture::{Anchor, Ink, Shape, Text};

    fn example() -> Picture {
        let cell = Shape::Cell { x: 8.0, y: 8.0, width: 24.0, height: 24.0, ink: Ink::FULL };
        let text = Shape::Text(Text::level("cœur", 40.0, 20.0, Text::LABEL, Anchor::Start));
        Picture { width: 80.0, height: 40.0, shapes: vec![cell, text] }
    }

    #[test]
    fn the_extension_chooses_the_format() {
        let folder = TempDir::new().expect("a new folder");
        let folder = folder.path();
        for (name, start) in [("a.svg", b"<svg"), ("b.PNG", b"\x89PNG")] {
            let path = folder.join(name);
            fs::write(&path, "what was there before").expect("a file");
            example().write(&path).expect("a picture");
            assert!(fs::read(&path).expect("the picture").starts_with(start), "{name}");
        }
        assert_eq!(fs::read_dir(folder).expect("the folder").count(), 2, "nothing but the pictures is left");
    }

    #[test]
    fn what_cannot_be_drawn_leaves_no_trace() {
        let folder = TempDir::new().expect("a new folder");
        let folder = folder.path();
        let taken = folder.join("folder.svg");
        fs::create_dir(&taken).expect("a folder in the way");
        for name in ["a.jpg", "a", ".svg", "folder.svg", "missing/a.svg"] {
            let path = folder.join(name);
            for failure in [example().write(&path), check_picture(&path), check_drawing(&path)] {
                let failure = failure.expect_err(name);
                assert!(format!("{failure:?}").contains("code: 2"), "{name}: {failure:?}");
            }
        }
        let path = folder.join("a.png");
        check_picture(&path).expect("it can be written");
        check_drawing(&path).expect_err("it is no SVG");
        assert_eq!(fs::read_dir(folder).expect("the folder").count(), 1, "only what was there before");
    }
}
