//! The alignment of an attention model as a picture: how much of each source token went into each target token.

mod layout;

use std::path::Path;

use crate::failure::Outcome;

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
        layout::picture(self).write(path)
    }
}
