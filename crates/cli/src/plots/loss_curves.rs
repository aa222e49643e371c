//! How losses fell. `loss.svg` has one run, the training loss step by step and the validation loss where it was taken;
//! a comparison has the validation losses of several runs over the time that their training took.

use std::ops::Range;

use plotters::prelude::*;

/// At most this many points of the training loss are drawn: about two to a pixel; each is the mean of its share of the
/// steps.
const POINTS: usize = 400;
const SIZE: (u32, u32) = (840, 500);
const TRAINING: RGBColor = RGBColor(0x9e, 0xbc, 0xda);
const VALIDATION: RGBColor = RGBColor(0xb2, 0x18, 0x2b);
/// Of curves that are compared: told apart by lightness too.
const COMPARED: [RGBColor; 5] = [
    VALIDATION,
    RGBColor(0x21, 0x66, 0xac),
    RGBColor(0xe0, 0x8a, 0x1e),
    RGBColor(0x4d, 0x4d, 0x4d),
    RGBColor(0x5a, 0xae, 0x61),
];
const AXES: RGBColor = RGBColor(0x33, 0x33, 0x33);

/// A point of a curve: after this step, this loss.
pub(crate) type Point = (f64, f64);

/// A curve and how it is drawn.
struct Curve<'a> {
    name: &'a str,
    points: &'a [Point],
    colour: RGBColor,
    /// Whether each point is a measurement of its own.
    dots: bool,
}

/// Draws both losses of a run; `None` where there is nothing to draw yet.
pub(crate) fn loss_svg(title: &str, training: &[Point], validation: &[Point]) -> Option<String> {
    let training = thinned(training);
    let curves = [
        Curve { name: "training", points: &training, colour: TRAINING, dots: false },
        Curve { name: "validation", points: validation, colour: VALIDATION, dots: true },
    ];
    svg(title, "step", &curves)
}

/// Draws the validation losses of runs by the minutes of training; `None` where there is nothing to draw yet.
pub(crate) fn comparison_svg(title: &str, runs: &[(String, Vec<Point>)]) -> Option<String> {
    let colours = COMPARED.iter().copied().cycle();
    let curves: Vec<_> =
        runs.iter().zip(colours).map(|((name, points), colour)| Curve { name, points, colour, dots: true }).collect();
    svg(title, "minutes of training", &curves)
}

fn svg(title: &str, across: &str, curves: &[Curve<'_>]) -> Option<String> {
    let all = || curves.iter().flat_map(|curve| curve.points);
    let places = span(all().map(|point| point.0))?;
    let losses = span(all().map(|point| point.1))?;
    let mut svg = String::new();
    // Writing to a string fails only where the drawing itself is impossible, which the finite, non-empty spans rule
    // out.
    draw(&mut svg, [title, across], curves, 0.0..places.end, with_margin(losses)).ok()?;
    Some(svg)
}

type DrawError<'a> = DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>;

fn draw<'a>(
    svg: &'a mut String,
    [title, across]: [&str; 2],
    curves: &[Curve<'_>],
    places: Range<f64>,
    losses: Range<f64>,
) -> Result<(), DrawError<'a>> {
    let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let digits = if places.end < 10.0 { 1 } else { 0 };
    let mut chart = ChartBuilder::on(&area)
        .caption(title, ("sans-serif", 23, &AXES))
        .margin(14)
        .margin_right(30)
        .x_label_area_size(46)
        .y_label_area_size(64)
        .build_cartesian_2d(places, losses)?;
    chart
        .configure_mesh()
        .x_desc(across)
        .y_desc("loss (nats per token)")
        .axis_desc_style(("sans-serif", 18, &AXES))
        .label_style(("sans-serif", 17, &AXES))
        .x_label_formatter(&|place| format!("{place:.digits$}"))
        .y_label_formatter(&|loss| format!("{loss:.2}"))
        .light_line_style(TRANSPARENT)
        .draw()?;
    for &Curve { name, points, colour, dots } in curves.iter().filter(|curve| !curve.points.is_empty()) {
        if dots {
            chart.draw_series(points.iter().map(|&point| Circle::new(point, 3, colour.filled())))?;
        }
        chart
            .draw_series(LineSeries::new(points.iter().copied(), colour.stroke_width(2)))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 22, y)], colour.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .label_font(("sans-serif", 17, &AXES))
        .background_style(WHITE)
        .border_style(AXES.mix(0.3))
        .draw()?;
    area.present()
}

/// The mean of every group of neighbours, so that at most [`POINTS`] are left: a long run stays a small file.
fn thinned(points: &[Point]) -> Vec<Point> {
    let group = points.len().div_ceil(POINTS).max(1);
    points
        .chunks(group)
        .map(|group| {
            let loss = group.iter().map(|point| point.1).sum::<f64>() / group.len() as f64;
            (group[group.len() - 1].0, loss)
        })
        .collect()
}

/// From the least to the greatest; `None` where there is no value or one is not finite.
fn span(values: impl Iterator<Item = f64>) -> Option<Range<f64>> {
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
    (low.is_finite() && high.is_finite()).then_some(low..high)
}

/// A little air on both sides; a flat curve gets a range of its own.
fn with_margin(range: Range<f64>) -> Range<f64> {
    let margin = ((range.end - range.start) * 0.05).max(0.01);
    (range.start - margin).max(0.0)..range.end + margin
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_names_its_axes_and_curves() {
        let training: Vec<Point> = (1..=5000).map(|step| (f64::from(step), 4.0 / f64::from(step).sqrt())).collect();
        let validation = [(1000.0, 0.3), (5000.0, 0.1)];
        let svg = loss_svg("lstm", &training, &validation).expect("there is something to draw");
        for text in ["<svg", "step", "loss (nats per token)", "training", "validation", "5000"] {
            assert!(svg.contains(text), "{text} is missing");
        }
        assert!(svg.len() < 60_000, "{} bytes", svg.len());
        assert_eq!(loss_svg("lstm", &training, &validation), Some(svg), "the same run draws the same bytes");
    }

    #[test]
    fn a_comparison_names_every_run() {
        let run =
            |name: &str, slope: f64| (name.to_owned(), vec![(0.5, 3.0), (1.0, 3.0 - slope), (2.0, 3.0 - 2.0 * slope)]);
        let svg = comparison_svg("validation loss", &[run("gpt", 0.4), run("lstm", 0.5)]).expect("something to draw");
        for text in ["minutes of training", "gpt", "lstm", "2.0"] {
            assert!(svg.contains(text), "{text} is missing");
        }
        assert_eq!(comparison_svg("validation loss", &[("gpt".to_owned(), Vec::new())]), None);
    }

    #[test]
    fn short_flat_and_empty_histories() {
        assert_eq!(loss_svg("gpt", &[], &[]), None);
        assert!(loss_svg("gpt", &[(1.0, 2.0)], &[]).is_some());
        assert!(loss_svg("gpt", &[(1.0, 2.0), (2.0, 2.0)], &[(2.0, 2.0)]).is_some());
        assert_eq!(loss_svg("gpt", &[(1.0, f64::NAN)], &[(1.0, f64::INFINITY)]), None);
    }
}
