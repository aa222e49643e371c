//! The alignment of an attention model as a picture: how much of each source token went into each target token. The
//! picture grows with the tokens; nothing is ever scaled down to fit.

use std::path::Path;

use super::font::Font;
use super::label::visible;
use super::picture::{Anchor, Ink, Picture, Shape, Text};
use crate::terminal::failure::Outcome;

const MARGIN: f32 = 16.0;
/// Between a label and the cells.
const GAP: f32 = 6.0;
/// A cell's side below labels that stand upright, as characters do, and below slanted ones, which need more air.
const NARROW: f32 = 20.0;
const WIDE: f32 = 24.0;
const SLANT: f32 = 45.0;
const UPWARDS: f32 = 90.0;

const LEGEND_GAP: f32 = 24.0;
const LEGEND_WIDTH: f32 = 10.0;
/// The legend is as high as the cells, within these bounds.
const LEGEND_HEIGHT: (f32, f32) = (48.0, 144.0);
const LEGEND_STEP: f32 = 2.0;

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
        picture(self).write(path)
    }
}

/// The heat map with its labels and legend.
fn picture(alignment: &Alignment) -> Picture {
    let Alignment { source, target, weights } = alignment;
    assert!(
        weights.len() == target.len() && weights.iter().all(|row| row.len() == source.len()),
        "a weight for every pair of tokens"
    );
    let font = Font::new();
    let source = Labels::new(source, &font);
    let target = Labels::new(target, &font);
    let columns = Columns::of(&source);
    let map = Map {
        left: (MARGIN + target.widest() + GAP).ceil(),
        top: (MARGIN + columns.height(&source) + GAP).ceil(),
        cell: columns.cell,
        rows: target.texts.len(),
        columns: source.texts.len(),
    };
    let mut shapes = map.cells(weights);
    shapes.extend(map.grid());
    let mut right = map.right();
    for (column, (text, &width)) in source.texts.iter().zip(&source.widths).enumerate() {
        let turn = columns.turn(width);
        let (x, y) = (map.x(column) + map.cell / 2.0, map.top - GAP);
        right = right.max(x + width * turn.to_radians().cos());
        shapes.push(Shape::Text(Text {
            text: text.clone(),
            x: x + Text::HALF_LETTER * Text::LABEL * turn.to_radians().sin(),
            y,
            size: Text::LABEL,
            anchor: if turn == 0.0 { Anchor::Middle } else { Anchor::Start },
            turn,
        }));
    }
    for (row, text) in target.texts.iter().enumerate() {
        let (x, y) = (map.left - GAP, map.y(row) + map.cell / 2.0);
        shapes.push(Shape::Text(Text::level(text, x, y, Text::LABEL, Anchor::End)));
    }
    let legend = Legend::beside(&map);
    shapes.extend(legend.shapes());
    Picture {
        width: (right.max(legend.right(&font)) + MARGIN).ceil(),
        height: (map.bottom().max(legend.bottom()) + MARGIN).ceil(),
        shapes,
    }
}

/// Tokens as they are shown, and the room they take.
struct Labels {
    texts: Vec<String>,
    widths: Vec<f32>,
}

impl Labels {
    fn new(tokens: &[String], font: &Font) -> Self {
        let texts: Vec<String> = tokens.iter().map(|token| visible(token)).collect();
        let widths = texts.iter().map(|text| font.width(text, Text::LABEL)).collect();
        Self { texts, widths }
    }

    fn widest(&self) -> f32 {
        self.widths.iter().copied().fold(0.0, f32::max)
    }
}

/// How the labels of the columns are set. Where more than a quarter of them do not fit a column they are words, and all
/// are slanted, which is read with less effort than upwards; else they are characters and stand upright, and only the
/// few that do not fit, such as a mark of the end, read upwards.
struct Columns {
    cell: f32,
    slanted: bool,
}

impl Columns {
    fn of(source: &Labels) -> Self {
        let words = source.widths.iter().filter(|&&width| !fits(width)).count();
        let slanted = 4 * words > source.widths.len();
        Self { cell: if slanted { WIDE } else { NARROW }, slanted }
    }

    fn turn(&self, width: f32) -> f32 {
        match self.slanted {
            true => SLANT,
            false if fits(width) => 0.0,
            false => UPWARDS,
        }
    }

    fn height(&self, source: &Labels) -> f32 {
        let heights = source.widths.iter().map(|&width| {
            let (sin, cos) = self.turn(width).to_radians().sin_cos();
            width * sin + Text::LABEL * cos
        });
        heights.fold(0.0, f32::max)
    }
}

fn fits(width: f32) -> bool {
    width <= NARROW - 2.0
}

/// The cells: where they are and how large.
struct Map {
    left: f32,
    top: f32,
    cell: f32,
    rows: usize,
    columns: usize,
}

impl Map {
    fn x(&self, column: usize) -> f32 {
        self.left + column as f32 * self.cell
    }

    fn y(&self, row: usize) -> f32 {
        self.top + row as f32 * self.cell
    }

    fn right(&self) -> f32 {
        self.x(self.columns)
    }

    fn bottom(&self) -> f32 {
        self.y(self.rows)
    }

    fn cells(&self, weights: &[Vec<f64>]) -> Vec<Shape> {
        let mut shapes = Vec::with_capacity(self.rows * self.columns);
        for (row, weights) in weights.iter().enumerate() {
            for (column, &weight) in weights.iter().enumerate() {
                let (x, y) = (self.x(column), self.y(row));
                shapes.push(Shape::Cell { x, y, width: self.cell, height: self.cell, ink: Ink::share(weight) });
            }
        }
        shapes
    }

    /// The lines between the cells, and a frame around them all.
    fn grid(&self) -> Vec<Shape> {
        let (width, height) = (self.right() - self.left, self.bottom() - self.top);
        let inner = (1..self.columns)
            .map(|column| Shape::down(self.x(column), self.top, height, Ink::GRID))
            .chain((1..self.rows).map(|row| Shape::right(self.left, self.y(row), width, Ink::GRID)));
        inner.chain(frame(self.left, self.top, width, height)).collect()
    }
}

/// What the inks mean: a bar from 0 at its foot to 1 at its head, at the right of the first rows.
struct Legend {
    x: f32,
    y: f32,
    height: f32,
}

impl Legend {
    fn beside(map: &Map) -> Self {
        let (least, most) = LEGEND_HEIGHT;
        let height = (map.bottom() - map.top).clamp(least, most);
        Self { x: map.right() + LEGEND_GAP, y: map.top, height: (height / LEGEND_STEP).floor() * LEGEND_STEP }
    }

    fn label_x(&self) -> f32 {
        self.x + LEGEND_WIDTH + GAP
    }

    fn right(&self, font: &Font) -> f32 {
        self.label_x() + font.width("0.5", Text::SMALL)
    }

    fn bottom(&self) -> f32 {
        self.y + self.height
    }

    fn shapes(&self) -> Vec<Shape> {
        let steps = (self.height / LEGEND_STEP) as usize;
        let mut shapes: Vec<Shape> = (0..steps)
            .map(|step| Shape::Cell {
                x: self.x,
                y: self.y + step as f32 * LEGEND_STEP,
                width: LEGEND_WIDTH,
                height: LEGEND_STEP,
                ink: Ink::share(1.0 - step as f64 / (steps - 1) as f64),
            })
            .collect();
        shapes.extend(frame(self.x, self.y, LEGEND_WIDTH, self.height));
        for (label, part) in [("1", 0.0), ("0.5", 0.5), ("0", 1.0)] {
            let (x, y) = (self.label_x(), self.y + part * self.height);
            shapes.push(Shape::Text(Text::level(label, x, y, Text::SMALL, Anchor::Start)));
        }
        shapes
    }
}

fn frame(x: f32, y: f32, width: f32, height: f32) -> [Shape; 4] {
    [
        Shape::right(x, y, width, Ink::FRAME),
        Shape::right(x, y + height, width, Ink::FRAME),
        Shape::down(x, y, height, Ink::FRAME),
        Shape::down(x + width, y, height, Ink::FRAME),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(tokens: &[&str]) -> Vec<String> {
        tokens.iter().map(|&token| token.to_owned()).collect()
    }

    /// The picture of an alignment that looks everywhere alike.
    fn even(source: &[&str], target: &[&str]) -> Picture {
        let weights = vec![vec![0.5; source.len()]; target.len()];
        picture(&Alignment { source: tokens(source), target: tokens(target), weights })
    }

    fn texts(picture: &Picture) -> Vec<&str> {
        let texts = picture.shapes.iter().filter_map(|shape| match shape {
            Shape::Text(text) => Some(text.text.as_str()),
            _ => None,
        });
        texts.collect()
    }

    #[test]
    fn every_token_is_there_and_every_weight_is_an_ink() {
        let weights = vec![vec![0.9, 0.1, 0.0], vec![0.0, 0.7, 0.3]];
        let picture = picture(&Alignment {
            source: tokens(&["the", "heart", "’s"]),
            target: tokens(&["cœur", " "]),
            weights: weights.clone(),
        });
        assert_eq!(texts(&picture), ["the", "heart", "’s", "cœur", "␣", "1", "0.5", "0"]);
        // The cells come first, row by row.
        let cells: Vec<_> = picture.shapes[..6]
            .iter()
            .map(|shape| match *shape {
                Shape::Cell { x, y, width, height, ink } => (x, y, width, height, ink),
                ref other => panic!("{other:?} among the cells"),
            })
            .collect();
        let (left, top) = (cells[0].0, cells[0].1);
        for (i, (cell, weight)) in cells.into_iter().zip(weights.concat()).enumerate() {
            let (row, column) = ((i / 3) as f32, (i % 3) as f32);
            assert_eq!(cell, (left + column * WIDE, top + row * WIDE, WIDE, WIDE, Ink::share(weight)));
        }
    }

    #[test]
    fn the_picture_grows_with_the_tokens() {
        let (small, large) = (even(&["é"; 3], &["œ"; 3]), even(&["é"; 60], &["œ"; 80]));
        assert_eq!((large.width - small.width, large.height - small.height), (57.0 * NARROW, 77.0 * NARROW));
    }

    #[test]
    fn no_tokens_are_a_picture_too() {
        assert_eq!(texts(&even(&[], &[])), ["1", "0.5", "0"]);
        assert_eq!(texts(&even(&["a"], &[])), ["a", "1", "0.5", "0"]);
    }

    #[test]
    fn labels_are_turned_only_where_they_do_not_fit() {
        let turns = |tokens: &[&str]| {
            let labels = Labels::new(&self::tokens(tokens), &Font::new());
            let columns = Columns::of(&labels);
            labels.widths.iter().map(|&width| columns.turn(width)).collect::<Vec<_>>()
        };
        assert_eq!(turns(&["W", "œ", " ", "</s>"]), [0.0, 0.0, 0.0, UPWARDS]);
        assert_eq!(turns(&["I", "am", "fine", "."]), [SLANT; 4]);
    }
}
