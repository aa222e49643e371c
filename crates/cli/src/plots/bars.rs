//! Scores as bars: groups side by side, in each group a bar for everyone who is compared. The plot grows with groups
//! and bars; nothing is ever scaled down to fit.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::chart::Chart;
use super::svg::{LABEL, series_color, widest};

const HEIGHT: i32 = 240;
/// The least width of the axis, so that one lonely group has room for what is written below it.
const LEAST_WIDTH: i32 = 180;
/// The bars of a group together are about so wide, within the bounds of a bar.
const GROUP: i32 = 48;
const BAR: (i32, i32) = (10, 28);
/// Between two bars.
const SLIT: i32 = 1;
/// Between two groups, or between their names where those are wider.
const BETWEEN: i32 = 18;

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
    /// The bars with their axes and legend.
    ///
    /// # Panics
    ///
    /// If there is not exactly one score for each group in each series.
    pub(crate) fn svg(&self) -> String {
        let (groups, series) = (self.groups.len() as i32, self.series.len() as i32);
        assert!(self.series.iter().all(|series| series.scores.len() == self.groups.len()), "a score for every group");
        let bar = (GROUP / series.max(1)).clamp(BAR.0, BAR.1);
        // From the middle of a group to the middle of the next.
        let pitch = (widest(&self.groups).max(series * bar) + BETWEEN).max(LEAST_WIDTH / groups.max(1));
        let middle = |group: usize| pitch / 2 + group as i32 * pitch;
        let most = self.series.iter().flat_map(|series| &series.scores).copied().fold(1.0, f64::max);
        let chart = Chart {
            title: None,
            x_name: self.across,
            y_name: self.upwards,
            // One unit is one pixel, so that all bars have the same width.
            x: 0.0..f64::from(groups * pitch),
            y: 0.0..1.02 * most,
            x_numbers: false,
            size: (groups * pitch, HEIGHT),
            legend: self.series.iter().enumerate().map(|(i, s)| (s.name.as_str(), series_color(i).into())).collect(),
        };
        chart.svg(|field| {
            for (place, Series { scores, .. }) in self.series.iter().enumerate() {
                let bars = scores.iter().enumerate().map(|(group, &score)| {
                    let left = middle(group) - series * bar / 2 + place as i32 * bar;
                    let corners = [(f64::from(left), 0.0), (f64::from(left + bar - SLIT), score)];
                    Rectangle::new(corners, series_color(place).filled())
                });
                field.draw_series(bars)?;
            }
            let style = TextStyle::from(("", LABEL)).pos(Pos::new(HPos::Center, VPos::Top));
            let names = self.groups.iter().enumerate().map(|(group, name)| {
                let below = Text::new(name.clone(), (0, LABEL / 2), style.clone());
                EmptyElement::at((f64::from(middle(group)), 0.0)) + below
            });
            field.draw_series(names)?;
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::svg::elements::{attribute, elements, numbers, texts};
    use super::super::svg::text_width;
    use super::*;

    /// So many runs in so many groups, the scores falling from 38.4 to 0.
    fn bars(runs: usize, groups: usize) -> String {
        let names =
            ["attention", "seq2seq", "both ways", "wide", "a run with a name that is longer than any name should be"];
        let score = |place: usize| 38.4 - 38.4 * place as f64 / (runs * groups).max(2) as f64;
        let series = (0..runs).map(|run| Series {
            name: names[run % names.len()].to_owned(),
            scores: (0..groups).map(|group| score(run * groups + group)).collect(),
        });
        let group = |group| if group == 0 { "1".to_owned() } else { format!("{group}0-{group}99") };
        Bars {
            across: "words of the source",
            upwards: "BLEU",
            groups: (0..groups).map(group).collect(),
            series: series.collect(),
        }
        .svg()
    }

    /// The bars, series by series: left, top, width, height.
    fn areas(svg: &str, bars: usize) -> Vec<[f64; 4]> {
        // The paper comes first; what comes after the bars is the legend.
        let rects = &elements(svg, "rect")[1..=bars];
        rects.iter().map(|bar| numbers(bar, ["x", "y", "width", "height"])).collect()
    }

    /// Left, top, right and bottom of a text that lies level or reads upwards, as wide as it is estimated to be.
    fn text_area(element: &str, text: &str) -> [f64; 4] {
        let [x, y, size] = numbers(element, ["x", "y", "font-size"]);
        let (width, height) = (f64::from(text_width(text, size as i32)), 0.7 * size);
        let before = match attribute(element, "text-anchor") {
            Some("middle") => width / 2.0,
            Some("end") => width,
            _ => 0.0,
        };
        let dy: f64 = attribute(element, "dy").and_then(|dy| dy.strip_suffix("em")?.parse().ok()).expect("a number");
        let bottom = dy * size;
        match attribute(element, "transform") {
            None => [x - before, y + bottom - height, x - before + width, y + bottom],
            Some(_) => [x + bottom - height, y + before - width, x + bottom, y + before],
        }
    }

    #[test]
    fn nothing_overlaps_and_nothing_is_cut_off() {
        for (runs, groups) in [1, 2, 5].into_iter().flat_map(|runs| [1, 6, 12].map(|groups| (runs, groups))) {
            let svg = bars(runs, groups);
            let [width, height] = numbers(svg.lines().next().expect("a line"), ["width", "height"]);
            let rects = elements(&svg, "rect").into_iter().skip(1).map(|rect| {
                let [x, y, width, height] = numbers(rect, ["x", "y", "width", "height"]);
                (rect, [x, y, x + width, y + height])
            });
            let texts = elements(&svg, "text").into_iter().zip(texts(&svg));
            let covered: Vec<_> = rects.chain(texts.map(|(e, text)| (e, text_area(e, &text)))).collect();
            for (i, &(element, [left, top, right, bottom])) in covered.iter().enumerate() {
                let case = format!("{runs} runs, {groups} groups: {element}");
                let within = left >= 15.0 && right <= width - 15.0 && top >= 8.0 && bottom <= height - 15.0;
                assert!(within, "{case} is cut off");
                let meets = |[l, t, r, b]: [f64; 4]| left < r && l < right && top < b && t < bottom;
                let met = covered[..i].iter().find(|(_, other)| meets(*other));
                assert!(met.is_none(), "{case} overlaps {met:?}");
            }
        }
    }

    #[test]
    fn bars_are_as_high_as_their_scores() {
        let svg = bars(2, 3);
        let bars = areas(&svg, 6);
        for (i, [x, top, width, height]) in bars.iter().copied().enumerate() {
            let score = 38.4 - 38.4 * i as f64 / 6.0;
            let expected = f64::from(HEIGHT) * score / (1.02 * 38.4);
            assert!((height - expected).abs() <= 1.0, "{height} for a score of {score}");
            assert_eq!((top + height, width), (bars[0][1] + bars[0][3], 23.0), "bars stand on the axis");
            assert!(i % 3 == 0 || x > bars[i - 1][0]);
            assert!(i < 3 || x > bars[i - 3][0], "in the order of the legend");
        }
        let scores = ["0", "5", "10", "15", "20", "25", "30", "35"];
        assert!(scores.iter().all(|score| texts(&svg).contains(&(*score).to_owned())), "numbers at round scores");
    }

    #[test]
    fn every_run_has_a_colour_of_its_own() {
        let svg = bars(8, 1);
        let colors: Vec<_> = elements(&svg, "rect").into_iter().map(|rect| attribute(rect, "class")).collect();
        let (bars, legend) = colors[1..].split_at(8);
        assert_eq!(bars, legend);
        assert!((1..8).all(|run| !bars[..run].contains(&bars[run])), "{bars:?}");
    }
}
