//! What choosing words costs beside the model, and what it brings to write many texts at a time.
//!
//! Prints `peer workload metric median min max` as `workloads.rs` does, on GPT-2's 124 M parameters. They are random,
//! but for the gain of the last norm, which is such that the next token has an entropy of about 6 nats, as it may have
//! under a trained model.
//!
//! | name | what is measured |
//! |---|---|
//! | decoding-greedy, -top-p, -everything, -beam | the share of a token's time that is not the model's, in per cent |
//! | decoding-batch-N | tokens a second of N texts that are written at a time |
//!
//! The model's own time is that of its steps, measured from within while texts are written; what a beam copies of its
//! caches is none of it. `--plot=FILE.svg` draws tokens a second against the number of texts.

use plotters::prelude::*;
use rungs::decoding::{
    Beam, GenerateOptions, Length, NoRepeatNgram, Processors, RepetitionPenalty, Search, Temperature, TopK, TopP,
    generate,
};
use rungs::layers::{Mode, Module, Path};
use rungs::models::{Gpt, GptConfig, LanguageModel, State};
use rungs::tensor::{Ids, Rng, Tensor};
use rungs_benches::{report, with_threads};
use std::any::Any;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

const PROMPT: usize = 32;
const TOKENS: usize = 48;
const TURNS: usize = 5;
const BATCHES: [usize; 6] = [1, 2, 4, 8, 16, 32];

fn main() {
    let plot = std::env::args().find_map(|argument| argument.strip_prefix("--plot=").map(str::to_owned));
    with_threads(|chosen| {
        let rng = &mut Rng::new(0);
        let config = GptConfig { vocabulary: 50257, ..GptConfig::gpt2() };
        let mut model = Gpt::<f32>::new(&config, rng).expect("sizes");
        // Logits are normal then, with this for a standard deviation σ, and the entropy is ln V − σ²/2 or nearly.
        let (wanted, there) = ((2.0 * (50257_f64.ln() - 4.0)).sqrt(), 0.02 * 768_f64.sqrt());
        model.for_each_mut(&mut |name, parameter| {
            if name == "final_norm.gain" {
                *parameter = Tensor::constant(parameter.array().clone()) * (wanted / there);
            }
        });
        let model = model.frozen();
        for (name, search, processors) in ways() {
            if chosen(name) {
                let options = GenerateOptions { search, processors, ..options(1) };
                report(name, "%-not-model", (0..TURNS).map(|_| outside(model.as_ref(), &options)).collect());
            }
        }
        let batches = BATCHES.into_iter().filter(|batch| chosen(&format!("decoding-batch-{batch}")));
        let points: Vec<(f64, f64)> = batches.map(|batch| (batch as f64, speed(model.as_ref(), batch))).collect();
        if let Some(path) = &plot {
            draw(path, &points).expect("a picture");
        }
    });
}

fn options(batch: usize) -> GenerateOptions {
    let length = Length::new(TOKENS, TOKENS).expect("in order");
    GenerateOptions { search: Search::Greedy, length, batch, ..GenerateOptions::default() }
}

fn ways() -> Vec<(&'static str, Search, Processors)> {
    let top_p = TopP::new(0.9).expect("a share");
    let everything: Processors = vec![
        Arc::new(RepetitionPenalty::new(1.2).expect("a number")),
        Arc::new(NoRepeatNgram::new(3).expect("a number")),
        Arc::new(Temperature::new(0.8).expect("a number")),
        Arc::new(TopK::new(100).expect("a number")),
        Arc::new(top_p),
    ];
    vec![
        ("decoding-greedy", Search::Greedy, vec![]),
        ("decoding-top-p", Search::Sample, vec![Arc::new(top_p)]),
        ("decoding-everything", Search::Sample, everything),
        ("decoding-beam", Search::Beam(Beam::new(4)), vec![]),
    ]
}

fn prompts(count: usize) -> Vec<Vec<u32>> {
    let mut rng = Rng::new(1);
    (0..count).map(|_| (0..PROMPT).map(|_| rng.below(50257) as u32).collect()).collect()
}

/// A model that adds up how long its steps take, in nanoseconds.
struct Timed {
    model: Box<dyn LanguageModel<f32>>,
    inside: Arc<AtomicU64>,
}

impl Module<f32> for Timed {
    fn visit<'a>(&'a self, path: &mut Path, f: &mut dyn FnMut(&str, &'a Tensor)) {
        self.model.visit(path, f);
    }

    fn visit_mut(&mut self, path: &mut Path, f: &mut dyn FnMut(&str, &mut dyn Any)) {
        self.model.visit_mut(path, f);
    }
}

impl LanguageModel<f32> for Timed {
    fn vocabulary(&self) -> usize {
        self.model.vocabulary()
    }

    fn features(&self, ids: &Ids, state: &mut State, mode: &mut Mode<'_>) -> Tensor {
        self.model.features(ids, state, mode)
    }

    fn scores(&self, features: &Tensor) -> Tensor {
        self.model.scores(features)
    }

    fn step(&self, ids: &Ids, state: &mut State) -> Tensor {
        let begin = Instant::now();
        let logits = self.model.step(ids, state);
        self.inside.fetch_add(begin.elapsed().as_nanos() as u64, Ordering::Relaxed);
        logits
    }

    fn context(&self) -> Option<usize> {
        self.model.context()
    }

    fn start(&self, batch: usize) -> State {
        self.model.start(batch)
    }

    fn frozen(&self) -> Box<dyn LanguageModel<f32>> {
        Box::new(Self { model: self.model.frozen(), inside: self.inside.clone() })
    }
}

/// Which share of a text's time is not that of the model's steps, in per cent.
fn outside(model: &dyn LanguageModel<f32>, options: &GenerateOptions) -> f64 {
    let timed = Timed { model: model.frozen(), inside: Arc::default() };
    let begin = Instant::now();
    let texts = generate(&timed, &prompts(1), options, &Rng::new(2), &mut |_, _| ControlFlow::Continue(()));
    let whole = begin.elapsed().as_nanos() as f64;
    drop(texts.expect("a text"));
    100.0 * (1.0 - timed.inside.load(Ordering::Relaxed) as f64 / whole)
}

/// Tokens a second of so many texts at a time.
fn speed(model: &dyn LanguageModel<f32>, batch: usize) -> f64 {
    let prompts = prompts(batch);
    let mut speeds: Vec<f64> = (0..TURNS)
        .map(|_| {
            let begin = Instant::now();
            let go_on = &mut |_: usize, _: &u32| ControlFlow::Continue(());
            drop(generate(model, &prompts, &options(batch), &Rng::new(2), go_on).expect("texts"));
            (batch * TOKENS) as f64 / begin.elapsed().as_secs_f64()
        })
        .collect();
    speeds.sort_by(f64::total_cmp);
    let median = speeds[TURNS / 2];
    report(&format!("decoding-batch-{batch}"), "tokens/s", speeds);
    median
}

fn draw<'a>(path: &'a str, points: &[(f64, f64)]) -> Result<(), Box<dyn std::error::Error + 'a>> {
    let area = SVGBackend::new(path, (640, 400)).into_drawing_area();
    area.fill(&WHITE)?;
    let most = points.iter().map(|point| point.1).fold(1.0, f64::max);
    let (first, last) = (BATCHES[0] as f64, BATCHES[BATCHES.len() - 1] as f64);
    let mut chart = ChartBuilder::on(&area)
        .margin(16)
        .x_label_area_size(44)
        .y_label_area_size(64)
        .build_cartesian_2d((first..last).log_scale().base(2.0), 0.0..most * 1.1)?;
    let label = |value: &f64| format!("{value:.0}");
    chart
        .configure_mesh()
        .x_desc("texts that are written at a time")
        .y_desc("tokens a second")
        .x_label_formatter(&label)
        .y_label_formatter(&label)
        .light_line_style(TRANSPARENT)
        .draw()?;
    chart.draw_series(points.iter().map(|&point| Circle::new(point, 3, RED.filled())))?;
    chart.draw_series(LineSeries::new(points.iter().copied(), RED.stroke_width(2)))?;
    Ok(area.present()?)
}
