//! What a step of fine-tuning costs: all of GPT-2's 124 million parameters, adapters of rank 8, or the last two blocks.
//!
//! ```text
//! cargo bench --bench fine_tuning                      batches of 1 × 512 tokens
//! cargo bench --bench fine_tuning -- --tokens=1024     another length
//! ```
//! Each way is a process of its own, because the most memory that a process ever had is what is measured, and they take
//! turns. Prints `peer workload metric median min max` as `workloads.rs` does; `of-full` is a median by that of
//! training all.

use rungs::layers::lora::{adapt, is_adapter};
use rungs::layers::{Dropout, LowRankConfig, Mode, Module};
use rungs::models::{Gpt, GptConfig, LanguageModel};
use rungs::settings::{FineTuning, Lora};
use rungs::tensor::{CrossEntropy, Ids, Rng};
use rungs::trainer::{AdamW, Method, Optimizer, ParameterGradients, Trained};
use rungs_benches::{peak_megabytes, report, with_threads};
use std::process::Command;
use std::time::Instant;

const WAYS: [&str; 4] = ["full", "lora-8", "lora-8-qkv", "last-2"];
const TURNS: usize = 2;
const STEPS: usize = 4;
const LAYERS: usize = 12;

fn main() {
    let argument = |name: &str| std::env::args().find_map(|argument| argument.strip_prefix(name).map(str::to_owned));
    let tokens = argument("--tokens=").map_or(512, |tokens| tokens.parse().expect("a number of tokens"));
    match argument("--way=") {
        Some(way) => with_threads(|_| measure(&way, tokens)),
        None => compare(tokens),
    }
}

/// Figures of one way, by metric.
type Figures = Vec<(String, Vec<f64>)>;

fn compare(tokens: usize) {
    let mut all: Vec<Figures> = vec![Vec::new(); WAYS.len()];
    for _ in 0..TURNS {
        for (way, figures) in WAYS.iter().zip(&mut all) {
            let this = std::env::current_exe().expect("a program knows where it is");
            let child = Command::new(this).args([format!("--way={way}"), format!("--tokens={tokens}")]).output();
            let child = child.expect("it starts a second time");
            assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stderr));
            for line in String::from_utf8_lossy(&child.stdout).lines() {
                let mut words = line.split(' ');
                let metric = words.next().expect("a metric").to_owned();
                let new = words.map(|figure| figure.parse::<f64>().expect("a figure"));
                match figures.iter_mut().find(|(known, _)| *known == metric) {
                    Some((_, figures)) => figures.extend(new),
                    None => figures.push((metric, new.collect())),
                }
            }
        }
    }
    let median = |figures: &[f64]| {
        let mut sorted = figures.to_vec();
        sorted.sort_by(f64::total_cmp);
        sorted[sorted.len() / 2]
    };
    for (way, figures) in WAYS.iter().zip(&all) {
        for (metric, values) in figures {
            let (_, full) = all[0].iter().find(|(known, _)| known == metric).expect("every way measures the same");
            report(way, metric, values.clone());
            report(way, &format!("{metric}-of-full"), vec![median(values) / median(full)]);
        }
    }
}

/// Some steps on one random batch; one line for each metric with all its figures.
#[allow(clippy::print_stdout)]
fn measure(way: &str, tokens: usize) {
    let rng = &mut Rng::new(0);
    let config = GptConfig { vocabulary: 50257, layers: LAYERS, ..GptConfig::gpt2() };
    let mut model = Gpt::<f32>::new(&config, rng).expect("sizes");
    let mut ids = || Ids::new((0..tokens).map(|_| rng.below(50257) as u32).collect::<Vec<_>>(), [1, tokens]);
    let (ids, targets) = (ids(), ids());
    let last = FineTuning::TrainLastLayers(2);
    let is_frozen: Box<dyn Fn(&str) -> bool> = match way {
        "full" => Box::new(|_| false),
        "last-2" => Box::new(move |name| last.freezes(name, LAYERS)),
        _ => {
            let adapters = LowRankConfig { rank: 8, alpha: 16.0, dropout: Dropout::new(0.0) };
            let targets = if way == "lora-8" { Lora::of_rank(8).targets } else { "qkv".parse().expect("a part") };
            adapt(&mut model, &adapters, &mut |name| targets.take(name), &mut Rng::new(1));
            Box::new(|name| !is_adapter(name))
        }
    };
    let mut model = Trained::all(model);
    model.freeze(&is_frozen);
    let mut optimizer = Optimizer::new(Method::AdamW(AdamW::default()));
    let mut phases: [Vec<f64>; 4] = Default::default();
    for step in 0..=STEPS {
        let begin = Instant::now();
        let whole = model.whole();
        let logits = whole.logits(&ids, &mut whole.start(1), &mut Mode::Train(&mut Rng::new(2)));
        let loss = logits.cross_entropy(&targets, CrossEntropy::default());
        drop(logits);
        let forward = begin.elapsed();
        let gradients = loss.backward();
        let backward = begin.elapsed();
        let mut gradients = ParameterGradients::collect(&model, gradients).expect("every parameter has a gradient");
        gradients.clip(1.0).expect("finite");
        optimizer.step(&mut model, &gradients, 1e-4).expect("a step");
        drop(gradients);
        let all = begin.elapsed();
        if step > 0 {
            for (phase, time) in phases.iter_mut().zip([all, forward, backward - forward, all - backward]) {
                phase.push(1e3 * time.as_secs_f64());
            }
        }
    }
    for (metric, figures) in ["ms/step", "ms-fwd", "ms-bwd", "ms-opt"].iter().zip(phases) {
        let figures: Vec<String> = figures.iter().map(f64::to_string).collect();
        println!("{metric} {}", figures.join(" "));
    }
    println!("peak-MB {}", peak_megabytes());
    println!("trained {}", model.parameter_count());
}
