//! How losses fell. `loss.svg` has one run, the training loss step by step and the validation loss where it was taken;
//! a comparison has the validation losses of several runs over the time that their training took.

use std::ops::Range;

use plotters::prelude::*;

use super::chart::Chart;
use super::svg::series_color;

/// At most this many points of the training loss are drawn: about two to a pixel; each is the mean of its share of the
/// steps.
const POINTS: usize = 400;
/// The training loss is noisy, so it stays behind the validation loss.
const FAINT: f64 = 0.6;

/// A point of a curve: after this step, this loss.
pub(crate) type Point = (f64, f64);

/// A curve and how it is drawn.
struct Curve<'a> {
    name: &'a str,
    points: &'a [Point],
    color: RGBAColor,
    /// Whether each point is a measurement of its own.
    dots: bool,
}

/// Draws both losses of a run; `None` where there is nothing to draw yet.
pub(crate) fn loss_svg(title: &str, training: &[Point], validation: &[Point]) -> Option<String> {
    let training = thinned(training);
    let curves = [
        Curve { name: "training", points: &training, color: series_color(1).mix(FAINT), dots: false },
        Curve { name: "validation", points: validation, color: series_color(0).into(), dots: true },
    ];
    svg(title, "step", &curves)
}

/// Draws the validation losses of runs by the minutes of training; `None` where there is nothing to draw yet.
pub(crate) fn comparison_svg(title: &str, runs: &[(String, Vec<Point>)]) -> Option<String> {
    let curves = runs.iter().enumerate().map(|(i, (name, points))| {
        let color = series_color(i).into();
        Curve { name, points, color, dots: true }
    });
    svg(title, "minutes of training", &curves.collect::<Vec<_>>())
}

fn svg(title: &str, x_name: &str, curves: &[Curve<'_>]) -> Option<String> {
    let curves = || curves.iter().filter(|curve| !curve.points.is_empty());
    let all = || curves().flat_map(|curve| curve.points);
    let last = span(all().map(|point| point.0))?.end;
    let losses = span(all().map(|point| point.1))?;
    // A little air on both sides; a flat curve gets a range of its own.
    let margin = ((losses.end - losses.start) * 0.05).max(0.01);
    let chart = Chart {
        title: Some(title),
        x_name,
        y_name: "loss (nats per token)",
        x: 0.0..last,
        y: (losses.start - margin).max(0.0)..losses.end + margin,
        x_numbers: true,
        size: (730, 400),
        legend: curves().map(|curve| (curve.name, curve.color)).collect(),
    };
    Some(chart.svg(|field| {
        for &Curve { points, color, dots, .. } in curves() {
            if dots {
                field.draw_series(points.iter().map(|&point| Circle::new(point, 3, color.filled())))?;
            }
            field.draw_series(LineSeries::new(points.iter().copied(), color.stroke_width(2)))?;
        }
        Ok(())
    }))
}

/// The mean of every group of neighbours, so that at most [`POINTS`] are left: a long run stays a small file.
fn thinned(points: &[Point]) -> Vec<Point> {
    let group = points.len().div_ceil(POINTS).max(1);
    let mean = |group: &[Point]| group.iter().map(|point| point.1).sum::<f64>() / group.len() as f64;
    points.chunks(group).map(|group| (group[group.len() - 1].0, mean(group))).collect()
}

/// From the least to the greatest; `None` where there is no value or one is not finite.
fn span(values: impl Iterator<Item = f64>) -> Option<Range<f64>> {
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
    (low.is_finite() && high.is_finite()).then_some(low..high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plot_names_its_axes_and_curves() {
        let training: Vec<Point> = (1..=5000).map(|step| (f64::from(step), 4.0 / f64::from(step).sqrt())).collect();
        let validation = [(1000.0, 0.3), (5000.0, 0.1)];
        let svg = loss_svg("lstm", &training, &validation).expect("there is something to draw");
        for text in ["<svg", "lstm", "step", "loss (nats per token)", "training", "validation", "5000"] {
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
        assert!(loss_svg("gpt", &[(0.0, 2.0)], &[]).is_some());
        assert!(loss_svg("gpt", &[(1.0, 2.0), (2.0, 2.0)], &[(2.0, 2.0)]).is_some());
        assert_eq!(loss_svg("gpt", &[(1.0, f64::NAN)], &[(1.0, f64::INFINITY)]), None);
    }
}
