//! The alignment of an attention model: how much of each source token went into each target token. The plot grows with
//! the tokens; nothing is ever scaled down to fit.

use plotters::style::Color;
use plotters::style::text_anchor::{HPos, VPos};

use super::label::{is_a_character, visible};
use super::svg::{INK, LABEL, Svg, WEIGHT, text_width, widest};

const MARGIN: i32 = 16;
/// Between a label and the cells.
const GAP: i32 = 6;
/// A cell's side below labels that stand upright, as characters do, and below slanted ones, which need more air.
const NARROW: i32 = 20;
const WIDE: i32 = 24;
const SLANT: i32 = 45;
const UPWARDS: i32 = 90;
const GRID: f64 = 0.12;
const FRAME: f64 = 0.5;

const LEGEND_GAP: i32 = 24;
const LEGEND_WIDTH: i32 = 10;
/// The legend is as high as the cells, within these bounds.
const LEAST: i32 = 48;
const MOST: i32 = 144;
const LEGEND_STEP: i32 = 2;
const LEGEND_LABEL: i32 = 11;

/// The weights with which a decoder looked at the source while it wrote the target, as a heat map with its labels and
/// legend: the tokens that were read along the top, those that were written down the left side. There is a row of
/// weights for each of these, in it a weight between 0 and 1 for each source token.
///
/// # Panics
///
/// If there is not exactly one weight for each pair of tokens.
pub(crate) fn alignment_svg(source: &[String], target: &[String], weights: &[Vec<f64>]) -> String {
    let whole = weights.len() == target.len() && weights.iter().all(|row| row.len() == source.len());
    assert!(whole, "a weight for every pair of tokens");
    let [source, target] = [source, target].map(|tokens| tokens.iter().map(|token| visible(token)).collect::<Vec<_>>());
    let turns = turns(&source);
    let cell = if turns.contains(&SLANT) { WIDE } else { NARROW };
    let reaches: Vec<_> = source.iter().zip(&turns).map(|(text, &turn)| reach(text, turn)).collect();
    let highest = reaches.iter().map(|&(_, above)| above).max().unwrap_or(0);
    let (left, top) = (MARGIN + widest(&target) + GAP, MARGIN + highest + GAP);
    let (width, height) = (source.len() as i32 * cell, target.len() as i32 * cell);
    let middle = |place: usize| place as i32 * cell + cell / 2;
    let ends = reaches.iter().enumerate().map(|(i, &(right, _))| left + middle(i) + right);
    let legend_left = left + width + LEGEND_GAP;
    let legend_height = height.clamp(LEAST, MOST);
    let right = ends.fold(legend_left + LEGEND_WIDTH + GAP + text_width("0.5", LEGEND_LABEL), i32::max);

    let mut svg = Svg::new(right + MARGIN, top + height.max(legend_height) + MARGIN);
    for (y, weights) in (top..).step_by(cell as usize).zip(weights) {
        for (x, &weight) in (left..).step_by(cell as usize).zip(weights) {
            svg.rect([x, y, cell, cell], &WEIGHT.mix(weight), true);
        }
    }
    for x in (left..left + width).step_by(cell as usize).skip(1) {
        svg.path([(x, top), (x, top + height)], &INK.mix(GRID));
    }
    for y in (top..top + height).step_by(cell as usize).skip(1) {
        svg.path([(left, y), (left + width, y)], &INK.mix(GRID));
    }
    svg.rect([left, top, width, height], &INK.mix(FRAME), false);
    for (column, (text, &turn)) in source.iter().zip(&turns).enumerate() {
        let anchor = if turn == 0 { (HPos::Center, VPos::Bottom) } else { (HPos::Left, VPos::Center) };
        svg.text(text, (left + middle(column), top - GAP), LABEL, anchor, turn);
    }
    for (row, text) in target.iter().enumerate() {
        svg.text(text, (left - GAP, top + middle(row)), LABEL, (HPos::Right, VPos::Center), 0);
    }
    draw_legend(&mut svg, legend_left, top, legend_height);
    svg.finish()
}

/// The scale of the shades: a bar from 0 at its foot to 1 at its head, at the right of the first rows.
fn draw_legend(svg: &mut Svg, x: i32, y: i32, height: i32) {
    for step in (0..height).step_by(LEGEND_STEP as usize) {
        let weight = 1.0 - f64::from(step) / f64::from(height - LEGEND_STEP);
        svg.rect([x, y + step, LEGEND_WIDTH, LEGEND_STEP], &WEIGHT.mix(weight), true);
    }
    svg.rect([x, y, LEGEND_WIDTH, height], &INK.mix(FRAME), false);
    for (label, below) in [("1", 0), ("0.5", height / 2), ("0", height)] {
        let at = (x + LEGEND_WIDTH + GAP, y + below);
        svg.text(label, at, LEGEND_LABEL, (HPos::Left, VPos::Center), 0);
    }
}

/// How far the labels of the columns are turned. Where more than a quarter of them are longer than a character they are
/// words, and all are slanted, which is read with less effort than upwards; else only the few longer ones, such as a
/// mark of the end, read upwards.
fn turns(source: &[String]) -> Vec<i32> {
    let words = source.iter().filter(|text| !is_a_character(text)).count();
    if 4 * words > source.len() {
        return vec![SLANT; source.len()];
    }
    source.iter().map(|text| if is_a_character(text) { 0 } else { UPWARDS }).collect()
}

/// How far a label reaches to the right of its anchor, and above it.
fn reach(text: &str, turn: i32) -> (i32, i32) {
    let (sin, cos) = f64::from(turn).to_radians().sin_cos();
    let (width, height) = (f64::from(text_width(text, LABEL)), f64::from(LABEL));
    ((width * cos).ceil() as i32, (width * sin + height * cos).ceil() as i32)
}

#[cfg(test)]
mod tests {
    use super::super::svg::elements::{attribute, elements, number, numbers, texts};
    use super::*;

    fn tokens(tokens: &[&str]) -> Vec<String> {
        tokens.iter().map(|&token| token.to_owned()).collect()
    }

    /// The plot of an alignment that looks everywhere alike.
    fn even(source: &[&str], target: &[&str]) -> String {
        let weights = vec![vec![0.5; source.len()]; target.len()];
        alignment_svg(&tokens(source), &tokens(target), &weights)
    }

    #[test]
    fn every_token_is_there_and_every_weight_is_a_shade() {
        let weights = vec![vec![0.9, 0.1, 0.2], vec![0.05, 0.7, 0.3]];
        let svg = alignment_svg(&tokens(&["the", "heart", "’s"]), &tokens(&["cœur", " "]), &weights);
        assert_eq!(texts(&svg), ["the", "heart", "’s", "cœur", "␣", "1", "0.5", "0"]);
        // The paper comes first, and then the cells, row by row.
        let cells = &elements(&svg, "rect")[1..7];
        let [left, top] = numbers(cells[0], ["x", "y"]);
        let side = f64::from(WIDE);
        for (i, (cell, weight)) in cells.iter().zip(weights.concat()).enumerate() {
            let (row, column) = ((i / 3) as f64, (i % 3) as f64);
            let area = numbers(cell, ["x", "y", "width", "height"]);
            assert_eq!(area, [left + column * side, top + row * side, side, side]);
            assert_eq!((attribute(cell, "class"), number(cell, "opacity")), (Some("plot-weight"), weight));
        }
    }

    #[test]
    fn the_plot_grows_with_the_tokens() {
        let size = |svg: String| numbers(svg.lines().next().expect("a line"), ["width", "height"]);
        let ([width, height], [more_width, more_height]) =
            (size(even(&["é"; 3], &["œ"; 3])), size(even(&["é"; 60], &["œ"; 80])));
        let side = f64::from(NARROW);
        assert_eq!((more_width - width, more_height - height), (57.0 * side, 77.0 * side));
    }

    #[test]
    fn no_tokens_are_a_plot_too() {
        assert_eq!(texts(&even(&[], &[])), ["1", "0.5", "0"]);
        assert_eq!(texts(&even(&["a"], &[])), ["a", "1", "0.5", "0"]);
    }

    #[test]
    fn labels_are_turned_only_where_they_do_not_fit() {
        assert_eq!(turns(&tokens(&["W", "œ", "漢", "e\u{301}", "</s>"])), [0, 0, 0, 0, UPWARDS]);
        assert_eq!(turns(&tokens(&["I", "am", "fine", "."])), [SLANT; 4]);
    }

    #[test]
    fn tokens_cannot_harm_the_plot() {
        let svg = even(&["<script>", "\u{1b}[31m", "]]>"], &["</text>&\"'", "a\nb", "\0"]);
        assert_eq!(texts(&svg)[..6], ["<script>", "\u{fffd}[31m", "]]>", "</text>&\"'", "a⏎b", "\u{fffd}"]);
        assert!(!svg.contains("<script>") && !svg.chars().any(|c| c.is_control() && c != '\n'));
        assert_eq!(svg.matches("</text>").count(), 9);
    }
}
