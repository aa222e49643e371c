//! A picture before it has a format: boxes, lines and text in one ink on white paper; and how it becomes a file.
//!
//! | file | what |
//! |---|---|
//! | `picture.rs` | the shapes a picture consists of, the colours of its one ink, and the file it is written to |
//! | `svg.rs`, `png.rs` | the two formats; `canvas.rs` and `font.rs` turn shapes and text into pixels |
//! | `label.rs` | texts from outside as a picture shows them |

mod canvas;
mod font;
mod label;
mod png;
mod svg;

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Outcome};
use crate::text::reason;
use canvas::Canvas;

pub(crate) use font::Font;
pub(crate) use label::{legible, visible};

/// Lengths are CSS pixels, 96 to the inch; x grows to the right and y downwards.
#[derive(Clone, Debug)]
pub(crate) struct Picture {
    pub(crate) width: f32,
    pub(crate) height: f32,
    /// In the order in which they are drawn: the last one is on top.
    pub(crate) shapes: Vec<Shape>,
}

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

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Shape {
    /// A filled rectangle.
    Cell {
        x: f32,
        y: f32,
        width: f32,
        height: f32,
        ink: Ink,
    },
    /// A line one unit wide, to the right or downwards.
    Line {
        x: f32,
        y: f32,
        length: f32,
        direction: Direction,
        ink: Ink,
    },
    Text(Text),
}

impl Shape {
    /// A line from a point to the right.
    pub(crate) fn right(x: f32, y: f32, length: f32, ink: Ink) -> Self {
        Self::Line { x, y, length, direction: Direction::Right, ink }
    }

    /// A line from a point downwards.
    pub(crate) fn down(x: f32, y: f32, length: f32, ink: Ink) -> Self {
        Self::Line { x, y, length, direction: Direction::Down, ink }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Right,
    Down,
}

/// One line of text. It starts, ends or has its middle at a point on its baseline, around which it is turned.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Text {
    pub(crate) text: String,
    pub(crate) x: f32,
    pub(crate) y: f32,
    pub(crate) size: f32,
    pub(crate) anchor: Anchor,
    /// Degrees, against the clock: at 90 it reads upwards.
    pub(crate) turn: f32,
}

impl Text {
    /// The size of labels.
    pub(crate) const LABEL: f32 = 14.0;
    /// The size of what explains: a scale's numbers, a legend.
    pub(crate) const SMALL: f32 = 11.0;
    /// The part of its size by which a line has to be moved for the middle of its letters to stand where its baseline
    /// was.
    pub(crate) const HALF_LETTER: f32 = 0.35;

    /// Text that lies level, the middle of its letters at the height of `y`.
    pub(crate) fn level(text: impl Into<String>, x: f32, y: f32, size: f32, anchor: Anchor) -> Self {
        Self { text: text.into(), x, y: y + Self::HALF_LETTER * size, size, anchor, turn: 0.0 }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// How much ink, from 0, the white of the paper, to 255.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ink(u8);

impl Ink {
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const FULL: Self = Self(255);
    /// Of lines around things.
    pub(crate) const FRAME: Self = Self(110);
    /// Of lines that lead the eye through things.
    pub(crate) const GRID: Self = Self(26);

    /// A share of the ink; what is no number leaves the paper white.
    pub(crate) fn share(share: f64) -> Self {
        // A conversion to an integer saturates, and makes 0 of what is not a number.
        Self((share * 255.0).round() as u8)
    }

    /// The colour on paper. The three stops are equally far apart in lightness, and so are the weights they stand for.
    fn colour(self) -> [u8; 3] {
        const STOPS: [[u8; 3]; 3] = [[255, 255, 255], [98, 146, 192], [10, 30, 66]];
        let place = u32::from(self.0) * 2;
        let (from, to) = if place <= 255 { (STOPS[0], STOPS[1]) } else { (STOPS[1], STOPS[2]) };
        let part = if place <= 255 { place } else { place - 255 };
        std::array::from_fn(|i| ((u32::from(from[i]) * (255 - part) + u32::from(to[i]) * part + 127) / 255) as u8)
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

/// That a picture can be written there. A command asks before its work begins, not after.
pub(crate) fn check_picture(path: &Path) -> Outcome {
    Format::of(path)?;
    check_place(path)
}

/// The same of a drawing that is made as SVG alone.
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
    let draft = draft(path);
    let made = File::create(&draft).and_then(|_| fs::remove_file(&draft));
    made.map_err(|error| refused(&reason(&error)))
}

/// Writes beside the path and renames at the end, so that a full disk leaves what was there before.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Outcome {
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

    fn example() -> Picture {
        let cell = Shape::Cell { x: 8.0, y: 8.0, width: 24.0, height: 24.0, ink: Ink::FULL };
        let text = Shape::Text(Text::level("cœur", 40.0, 20.0, Text::LABEL, Anchor::Start));
        Picture { width: 80.0, height: 40.0, shapes: vec![cell, text] }
    }

    /// An empty folder of its own, for a test of this name.
    fn folder(test: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("rungs-picture-{test}-{}", std::process::id()));
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
            example().write(&path).expect("a picture");
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
            let path = folder.join(name);
            for failure in [example().write(&path), check_picture(&path), check_drawing(&path)] {
                let failure = failure.expect_err(name);
                assert!(format!("{failure:?}").contains("code: 2"), "{name}: {failure:?}");
            }
        }
        let path = folder.join("a.png");
        check_picture(&path).expect("it can be written");
        check_drawing(&path).expect_err("it is no SVG");
        assert_eq!(fs::read_dir(&folder).expect("the folder").count(), 1, "only what was there before");
        fs::remove_dir_all(&folder).expect("the folder is ours");
    }

    #[test]
    fn more_ink_is_darker() {
        let light = |ink| Ink(ink).colour().iter().map(|&part| u32::from(part)).sum::<u32>();
        assert_eq!(Ink::NONE.colour(), [255, 255, 255]);
        assert!((1..=255).all(|ink| light(ink) < light(ink - 1)));
    }

    #[test]
    fn every_share_has_an_ink() {
        let shares = [-0.1, 0.0, 0.2, 1.0, 1.1, f64::NAN];
        assert_eq!(shares.map(|share| Ink::share(share).0), [0, 0, 51, 255, 255, 0]);
    }
}
