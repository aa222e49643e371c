//! Scores as a picture: groups of bars side by side, in each group a bar for everyone who is compared. The picture
//! grows with groups and bars; nothing is ever scaled down to fit.

use std::path::Path;

use super::font::Font;
use super::label::legible;
use super::picture::{Anchor, Ink, Picture, Shape, Text};
use crate::terminal::failure::Outcome;

const MARGIN: f32 = 16.0;
/// Between a label and what it belongs to.
const GAP: f32 = 6.0;
/// From the middle of a line of text to the middle of the next.
const LINE: f32 = 22.0;
const UPWARDS: f32 = 90.0;

/// The height of the axis. Its parts are whole units for any number of lines there may be.
const HEIGHT: f32 = 240.0;
/// The least width of the axis, so that one lonely group has room for what is written below it.
const LEAST_WIDTH: f32 = 180.0;
/// The bars of a group together are about so wide, within the bounds of a bar.
const GROUP: f32 = 48.0;
const BAR: (f32, f32) = (10.0, 28.0);
/// The paper between two bars.
const SLIT: f32 = 1.0;
/// Between two groups, or between their names where those are wider.
const BETWEEN: f32 = 18.0;

const LEGEND_GAP: f32 = 24.0;
const LEGEND_BOX: f32 = 12.0;

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
        picture(self).write(path)
    }
}

/// The bars with their axes and legend.
fn picture(bars: &Bars) -> Picture {
    let Bars { groups, series, .. } = bars;
    assert!(series.iter().all(|series| series.scores.len() == groups.len()), "a score for every group");
    let font = Font::new();
    let plot = Plot::of(bars, &font);
    let legend = Legend::beside(&plot, bars);
    let mut shapes = plot.lines();
    for (place, series) in series.iter().enumerate() {
        for (group, &score) in series.scores.iter().enumerate() {
            shapes.push(plot.bar(group, place, score));
        }
    }
    shapes.push(Shape::right(plot.left, plot.bottom(), plot.width, Ink::FRAME));
    let names = plot.bottom() + GAP + LINE / 2.0;
    for (group, name) in groups.iter().enumerate() {
        shapes.push(Shape::Text(Text::level(name, plot.middle(group), names, Text::LABEL, Anchor::Middle)));
    }
    let (x, across) = (plot.left + plot.width / 2.0, names + LINE);
    shapes.push(Shape::Text(Text::level(bars.across, x, across, Text::LABEL, Anchor::Middle)));
    shapes.push(Shape::Text(Text {
        text: bars.upwards.to_owned(),
        // Text that reads upwards has its letters to the left of its baseline.
        x: MARGIN + 2.0 * Text::HALF_LETTER * Text::LABEL,
        y: plot.top + HEIGHT / 2.0,
        size: Text::LABEL,
        anchor: Anchor::Middle,
        turn: UPWARDS,
    }));
    shapes.extend(legend.shapes());
    Picture {
        width: (legend.right(&font) + MARGIN).ceil(),
        height: (across + Text::LABEL / 2.0).max(legend.bottom()).ceil() + MARGIN,
        shapes,
    }
}

/// The lines at round scores: how far apart they are and how many, the one at 0 not counted.
#[derive(Debug, PartialEq)]
struct Scale {
    step: u32,
    lines: u32,
}

impl Scale {
    /// At most five lines, and no more than it takes to be as high as the greatest score.
    fn reaching(most: f64) -> Self {
        let step = [1, 2, 5, 10].into_iter().find(|&step| f64::from(5 * step) >= most).unwrap_or(20);
        Self { step, lines: ((most / f64::from(step)).ceil() as u32).max(1) }
    }

    fn top(&self) -> u32 {
        self.step * self.lines
    }
}

/// The field of the bars: where it is and how it is parted.
struct Plot {
    left: f32,
    top: f32,
    width: f32,
    /// From the middle of a group to the middle of the next.
    pitch: f32,
    /// From the left side of a bar to the left side of the next.
    bar: f32,
    series: usize,
    scale: Scale,
}

impl Plot {
    fn of(bars: &Bars, font: &Font) -> Self {
        let scale = Scale::reaching(bars.series.iter().flat_map(|series| &series.scores).copied().fold(0.0, f64::max));
        let numbers = font.width(&scale.top().to_string(), Text::SMALL);
        let (groups, series) = (bars.groups.len().max(1) as f32, bars.series.len().max(1));
        let bar = (GROUP / series as f32).clamp(BAR.0, BAR.1).floor();
        let name = bars.groups.iter().map(|name| font.width(name, Text::LABEL)).fold(0.0, f32::max);
        let pitch = (name.max(series as f32 * bar) + BETWEEN).max(LEAST_WIDTH / groups).ceil();
        Self {
            left: (MARGIN + Text::LABEL + GAP + numbers + GAP).ceil(),
            top: MARGIN,
            width: groups * pitch,
            pitch,
            bar,
            series,
            scale,
        }
    }

    fn right(&self) -> f32 {
        self.left + self.width
    }

    fn bottom(&self) -> f32 {
        self.top + HEIGHT
    }

    fn middle(&self, group: usize) -> f32 {
        self.left + (group as f32 + 0.5) * self.pitch
    }

    /// How far above the axis a score is.
    fn height(&self, score: f64) -> f32 {
        (score / f64::from(self.scale.top())) as f32 * HEIGHT
    }

    /// The lines at round scores with their numbers, beneath the bars.
    fn lines(&self) -> Vec<Shape> {
        let mut shapes = Vec::new();
        for line in 0..=self.scale.lines {
            let score = line * self.scale.step;
            let y = self.bottom() - self.height(f64::from(score));
            if line > 0 {
                shapes.push(Shape::right(self.left, y, self.width, Ink::GRID));
            }
            let number = score.to_string();
            shapes.push(Shape::Text(Text::level(number, self.left - GAP, y, Text::SMALL, Anchor::End)));
        }
        shapes
    }

    fn bar(&self, group: usize, place: usize, score: f64) -> Shape {
        let left = (self.middle(group) - self.series as f32 * self.bar / 2.0).round();
        let height = self.height(score);
        Shape::Cell {
            x: left + place as f32 * self.bar,
            y: self.bottom() - height,
            width: self.bar - SLIT,
            height,
            ink: ink(place, self.series),
        }
    }
}

/// The inks of those who are compared, the first the darkest, as far apart as they can be: the lightest still stands
/// out from the paper.
fn ink(place: usize, of: usize) -> Ink {
    const DARKEST: f64 = 0.95;
    const LIGHTEST: f64 = 0.25;
    if of == 1 {
        return Ink::share((DARKEST + LIGHTEST) / 2.0);
    }
    Ink::share(DARKEST - (DARKEST - LIGHTEST) * place as f64 / (of - 1) as f64)
}

/// Who has which ink, at the right of the plot.
struct Legend {
    x: f32,
    y: f32,
    names: Vec<String>,
}

impl Legend {
    fn beside(plot: &Plot, bars: &Bars) -> Self {
        let names = bars.series.iter().map(|series| legible(&series.name)).collect();
        Self { x: plot.right() + LEGEND_GAP, y: plot.top, names }
    }

    fn text_x(&self) -> f32 {
        self.x + LEGEND_BOX + GAP
    }

    fn right(&self, font: &Font) -> f32 {
        self.text_x() + self.names.iter().map(|name| font.width(name, Text::LABEL)).fold(0.0, f32::max)
    }

    fn bottom(&self) -> f32 {
        self.y + self.names.len() as f32 * LINE
    }

    fn shapes(&self) -> Vec<Shape> {
        let entry = |(place, name): (usize, &String)| {
            let (y, ink) = (self.y + place as f32 * LINE, ink(place, self.names.len()));
            let middle = y + LEGEND_BOX / 2.0;
            [
                Shape::Cell { x: self.x, y, width: LEGEND_BOX, height: LEGEND_BOX, ink },
                Shape::Text(Text::level(name, self.text_x(), middle, Text::LABEL, Anchor::Start)),
            ]
        };
        self.names.iter().enumerate().flat_map(entry).collect()
    }
}

#[cfg(test)]
mod tests;
