//! Where everything stands. The picture grows with groups and bars; nothing is ever scaled down to fit.

use super::Bars;
use crate::picture::{Anchor, Font, Ink, Picture, Shape, Text, legible};

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

/// The bars with their axes and legend.
pub(super) fn picture(bars: &Bars) -> Picture {
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
mod tests {
    use super::*;
    use crate::bars::Series;

    /// So many runs in so many groups, the scores falling from 38.4 to 0.
    fn bars(runs: usize, groups: usize) -> Bars {
        let names =
            ["attention", "seq2seq", "both ways", "wide", "a run with a name that is longer than any name should be"];
        let score = |place: usize| 38.4 - 38.4 * place as f64 / (runs * groups).max(2) as f64;
        Bars {
            across: "words of the source",
            upwards: "BLEU",
            groups: (0..groups)
                .map(|group| if group == 0 { "1".to_owned() } else { format!("{group}0-{group}99") })
                .collect(),
            series: (0..runs)
                .map(|run| Series {
                    name: names[run].to_owned(),
                    scores: (0..groups).map(|group| score(run * groups + group)).collect(),
                })
                .collect(),
        }
    }

    /// What a shape covers.
    struct Area {
        left: f32,
        right: f32,
        top: f32,
        bottom: f32,
    }

    impl Area {
        /// None of a line: it lies beneath everything.
        fn of(shape: &Shape, font: &Font) -> Option<Self> {
            match shape {
                Shape::Line { .. } => None,
                &Shape::Cell { x, y, width, height, .. } => {
                    Some(Self { left: x, right: x + width, top: y, bottom: y + height })
                }
                &Shape::Text(Text { ref text, x, y, size, anchor, turn }) => {
                    let (width, height) = (font.width(text, size), 2.0 * Text::HALF_LETTER * size);
                    let before = match anchor {
                        Anchor::Start => 0.0,
                        Anchor::Middle => width / 2.0,
                        Anchor::End => width,
                    };
                    Some(match turn == 0.0 {
                        true => Self { left: x - before, right: x - before + width, top: y - height, bottom: y },
                        false => Self { left: x - height, right: x, top: y + before - width, bottom: y + before },
                    })
                }
            }
        }

        fn is_within(&self, picture: &Picture) -> bool {
            // Half of the number at the uppermost line is above the plot.
            let (air, above) = (MARGIN - 0.01, MARGIN / 2.0);
            self.left >= air
                && self.right <= picture.width - air
                && self.top >= above
                && self.bottom <= picture.height - air
        }

        fn meets(&self, other: &Self) -> bool {
            self.left < other.right && other.left < self.right && self.top < other.bottom && other.top < self.bottom
        }
    }

    #[test]
    fn nothing_overlaps_and_nothing_is_cut_off() {
        let font = Font::new();
        for (runs, groups) in [1, 2, 5].into_iter().flat_map(|runs| [1, 6, 12].map(|groups| (runs, groups))) {
            let picture = picture(&bars(runs, groups));
            let covered = picture.shapes.iter().filter_map(|shape| Some((shape, Area::of(shape, &font)?)));
            let covered: Vec<(&Shape, Area)> = covered.collect();
            for (i, (shape, area)) in covered.iter().enumerate() {
                assert!(area.is_within(&picture), "{runs} runs, {groups} groups: {shape:?} is cut off");
                let met = covered[..i].iter().find(|(_, other)| area.meets(other)).map(|(other, _)| other);
                assert!(met.is_none(), "{runs} runs, {groups} groups: {shape:?} overlaps {met:?}");
            }
        }
    }

    #[test]
    fn bars_are_as_high_as_their_scores() {
        let picture = picture(&bars(2, 3));
        let cells = picture.shapes.iter().filter_map(|shape| match *shape {
            Shape::Cell { x, y, height, ink, .. } => Some((x, y + height, height, ink)),
            _ => None,
        });
        // What comes after the bars is the legend.
        let bars: Vec<(f32, f32, f32, Ink)> = cells.take(6).collect();
        for (i, &(x, foot, height, ink)) in bars.iter().enumerate() {
            let score = 38.4 - 38.4 * i as f32 / 6.0;
            assert!((height - HEIGHT * score / 40.0).abs() < 1e-3, "{height} for a score of {score}");
            assert_eq!((foot, ink), (MARGIN + HEIGHT, super::ink(i / 3, 2)));
            assert!(i % 3 == 0 || x > bars[i - 1].0);
            assert!(i < 3 || x > bars[i - 3].0, "in the order of the legend");
        }
    }

    #[test]
    fn lines_are_at_round_scores() {
        let scale = |most| Scale::reaching(most);
        for (most, step, lines) in [
            (0.0, 1, 1),
            (0.3, 1, 1),
            (5.0, 1, 5),
            (5.1, 2, 3),
            (10.0, 2, 5),
            (38.4, 10, 4),
            (50.1, 20, 3),
            (100.0, 20, 5),
        ] {
            assert_eq!(scale(most), Scale { step, lines }, "{most}");
            assert_eq!(HEIGHT % lines as f32, 0.0, "a line of {most} is not sharp");
        }
    }

    #[test]
    fn every_run_has_an_ink_of_its_own() {
        for runs in 1..=8 {
            let inks: Vec<Ink> = (0..runs).map(|run| ink(run, runs)).collect();
            assert!((1..runs).all(|run| !inks[..run].contains(&inks[run])) && !inks.contains(&Ink::NONE), "{inks:?}");
        }
    }
}
