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

/// Scores from 0 to 100, in groups that have names, of series that have names: the bars with their axes and legend.
/// `across` says what the groups are, `upwards` what the height of a bar is; in every group the bars stand in the order
/// of the series.
///
/// # Panics
///
/// If there is not exactly one score for each group in each series.
pub(crate) fn bars_svg(across: &str, upwards: &str, groups: &[String], series: &[(String, Vec<f64>)]) -> String {
    assert!(series.iter().all(|(_, scores)| scores.len() == groups.len()), "a score for every group");
    let (count, bars) = (groups.len() as i32, series.len() as i32);
    let bar = (GROUP / bars.max(1)).clamp(BAR.0, BAR.1);
    // From the middle of a group to the middle of the next.
    let pitch = (widest(groups).max(bars * bar) + BETWEEN).max(LEAST_WIDTH / count.max(1));
    let middle = |group: usize| pitch / 2 + group as i32 * pitch;
    let most = series.iter().flat_map(|(_, scores)| scores).copied().fold(1.0, f64::max);
    let chart = Chart {
        title: None,
        x_name: across,
        y_name: upwards,
        // One unit is one pixel, so that all bars have the same width.
        x: 0.0..f64::from(count * pitch),
        y: 0.0..1.02 * most,
        x_numbers: false,
        size: (count * pitch, HEIGHT),
        legend: (0..).zip(series).map(|(i, (name, _))| (name.as_str(), series_color(i).into())).collect(),
    };
    chart.svg(|field| {
        for (place, (_, scores)) in series.iter().enumerate() {
            field.draw_series(scores.iter().enumerate().map(|(group, &score)| {
                let left = middle(group) - bars * bar / 2 + place as i32 * bar;
                let corners = [(f64::from(left), 0.0), (f64::from(left + bar - SLIT), score)];
                Rectangle::new(corners, series_color(place).filled())
            }))?;
        }
        let style = TextStyle::from(("", LABEL)).pos(Pos::new(HPos::Center, VPos::Top));
        field.draw_series(groups.iter().enumerate().map(|(group, name)| {
            let below = Text::new(name.clone(), (0, LABEL / 2), style.clone());
            EmptyElement::at((f64::from(middle(group)), 0.0)) + below
        }))?;
        Ok(())
    })
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
        let scores = |run| (0..groups).map(|group| score(run * groups + group)).collect();
        let series: Vec<_> = (0..runs).map(|run| (names[run % names.len()].to_owned(), scores(run))).collect();
        let group = |group| if group == 0 { "1".to_owned() } else { format!("{group}0-{group}99") };
        bars_svg("words of the source", "BLEU", &(0..groups).map(group).collect::<Vec<_>>(), &series)
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
