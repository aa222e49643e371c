//! What a longer context costs: the time and the memory of a training step against T, on one text and a small GPT.
//!
//! Prints `peer workload metric median min max` as `workloads.rs` does, T from 256 to 8,192. `--plot=FILE.svg` draws
//! both on logarithmic axes, where a straight line's slope is the power: memory beside what it would be if each block
//! kept its scores, N·T² numbers, for the way back.

use plotters::prelude::*;
use rungs::layers::Mode;
use rungs::models::{Gpt, GptConfig, LanguageModel};
use rungs::tensor::{CrossEntropy, Ids, Rng};
use rungs::trainer::{AdamW, Method, Optimizer, ParameterGradients};
use rungs_benches::{peak_megabytes, report, with_threads};
use std::time::Instant;

const CONTEXTS: [usize; 6] = [256, 512, 1024, 2048, 4096, 8192];
const LAYERS: usize = 2;
const HEADS: usize = 2;
const WIDTH: usize = 64;
const VOCABULARY: usize = 65;
const STEPS: usize = 5;

/// What was measured at one length.
struct Point {
    context: f64,
    milliseconds: f64,
    megabytes: f64,
}

fn main() {
    let plot = std::env::args().find_map(|argument| argument.strip_prefix("--plot=").map(str::to_owned));
    with_threads(|chosen| {
        let chosen = CONTEXTS.iter().filter(|context| chosen(&format!("context-{context}")));
        let points: Vec<Point> = chosen.map(|&context| measure(context)).collect();
        if let Some(path) = &plot {
            draw(path, &points).expect("a picture");
        }
    });
}

/// Some steps on one text. Memory is the most that the process ever had, so lengths go upwards.
fn measure(context: usize) -> Point {
    let mut rng = Rng::new(0);
    let config = GptConfig {
        bias: false,
        vocabulary: VOCABULARY,
        context,
        width: WIDTH,
        heads: HEADS,
        layers: LAYERS,
        ..GptConfig::nanogpt()
    };
    let mut model = Gpt::<f32>::new(&config, &mut rng).expect("sizes");
    let mut ids = || Ids::new((0..context).map(|_| rng.below(VOCABULARY) as u32).collect::<Vec<_>>(), [1, context]);
    let (ids, targets) = (ids(), ids());
    let mut optimizer = Optimizer::new(Method::AdamW(AdamW::default()));
    let mut times = Vec::new();
    for step in 0..=STEPS {
        let begin = Instant::now();
        let logits = model.logits(&ids, &mut model.start(1), &mut Mode::Train(&mut Rng::new(2)));
        let gradients = logits.cross_entropy(&targets, CrossEntropy::default()).backward();
        drop(logits);
        let gradients = ParameterGradients::collect(&model, gradients).expect("every parameter has a gradient");
        optimizer.step(&mut model, &gradients, 1e-3).expect("a step");
        if step > 0 {
            times.push(1e3 * begin.elapsed().as_secs_f64());
        }
    }
    times.sort_by(f64::total_cmp);
    let point = Point { context: context as f64, milliseconds: times[STEPS / 2], megabytes: peak_megabytes() };
    let workload = format!("context-{context}");
    report(&workload, "ms/step", times);
    report(&workload, "peak-MB", vec![point.megabytes]);
    point
}

/// Megabytes of all scores of a step, in single precision.
fn scores(context: f64) -> f64 {
    4e-6 * (LAYERS * HEADS) as f64 * context * context
}

fn draw<'a>(path: &'a str, points: &[Point]) -> Result<(), Box<dyn std::error::Error + 'a>> {
    let area = SVGBackend::new(path, (1000, 440)).into_drawing_area();
    area.fill(&WHITE)?;
    let (left, right) = area.split_horizontally(500);
    let curve = |value: &dyn Fn(&Point) -> f64| points.iter().map(|p| (p.context, value(p))).collect::<Vec<_>>();
    let (time, memory) = (curve(&|p| p.milliseconds), curve(&|p| p.megabytes));
    panel(&left, "time of a step (ms)", &[("measured", time, RED)])?;
    let kept = curve(&|p| scores(p.context));
    panel(&right, "memory (MB)", &[("measured, all of it", memory, RED), ("scores alone, if kept", kept, BLUE)])?;
    Ok(area.present()?)
}

type Line<'a> = (&'a str, Vec<(f64, f64)>, RGBColor);

fn panel<'a>(
    area: &DrawingArea<SVGBackend<'a>, plotters::coord::Shift>,
    title: &str,
    lines: &[Line<'_>],
) -> Result<(), Box<dyn std::error::Error + 'a>> {
    let values = || lines.iter().flat_map(|(_, points, _)| points.iter().map(|point| point.1));
    let (least, most) = values().fold((f64::INFINITY, 1.0), |(least, most): (f64, f64), y| (least.min(y), most.max(y)));
    let contexts = CONTEXTS[0] as f64..CONTEXTS[CONTEXTS.len() - 1] as f64;
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 21))
        .margin(16)
        .x_label_area_size(44)
        .y_label_area_size(64)
        .build_cartesian_2d(contexts.log_scale().base(2.0), (least / 1.3..most * 1.3).log_scale())?;
    let label = |value: &f64| format!("{value:.0}");
    chart
        .configure_mesh()
        .x_desc("T, tokens of a text")
        .x_label_formatter(&label)
        .y_label_formatter(&label)
        .light_line_style(TRANSPARENT)
        .draw()?;
    for (name, points, colour) in lines {
        let (style, colour) = (colour.stroke_width(2), *colour);
        chart.draw_series(points.iter().map(|&point| Circle::new(point, 3, colour.filled())))?;
        chart
            .draw_series(LineSeries::new(points.iter().copied(), style))?
            .label(*name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], style));
    }
    chart.configure_series_labels().position(SeriesLabelPosition::UpperLeft).background_style(WHITE).draw()?;
    Ok(())
}
