//! Scores as a picture: groups of bars side by side, in each group a bar for everyone who is compared.

mod layout;

use std::path::Path;

use crate::failure::Outcome;

/// Scores from 0 to 100, of everyone in every group.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bars {
    /// What the groups are, below their axis.
    pub(crate) across: &'static str,
    /// What the height of a bar is, beside its axis.
    pub(crate) upwards: &'static str,
    /// The names of the groups, from left to right.
    pub(crate) groups: Vec<String>,
    /// Who is compared; in every group the bars stand in this order.
    pub(crate) series: Vec<Series>,
}

/// The scores of one of those who are compared.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Series {
    /// What the legend calls it.
    pub(crate) name: String,
    /// A score for each group.
    pub(crate) scores: Vec<f64>,
}

impl Bars {
    /// Writes the picture, as SVG or PNG by the path's extension; whole, or not at all.
    ///
    /// # Panics
    ///
    /// If there is not exactly one score for each group in each series.
    pub(crate) fn draw(&self, path: &Path) -> Outcome {
        layout::picture(self).write(path)
    }
}
