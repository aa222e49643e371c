//! Whole training steps: forward, backward, clipping, optimizer, on the shapes of the peers' scripts.
//!
//! Prints one line for each figure, `peer workload metric median min max`, the form the scripts in `peers/` print, so that
//! `benches/peers/compare.py` puts both side by side in one run. `cargo bench --bench workloads -- W1b W2` runs some.
//!
//! | name | model | batch | step |
//! |---|---|---|---|
//! | W1 | LSTM, 2 × 512, embedding 128, vocabulary 65 | 50 × 50 | clip 5, Adam |
//! | W1b | tanh RNN, 1 × 256, embedding 128, vocabulary 65 | 32 × 64 | clip 5, Adam |
//! | W2 | GPT, 4 layers, 4 heads, 128 wide, no biases, tied head | 12 × 64 | clip 1, AdamW |
//! | W2b | GPT, 6 layers, 6 heads, 384 wide, no biases, tied head | 8 × 256 | clip 1, AdamW |
#![allow(clippy::print_stdout)] // a report is what a bench is for

use rungs::layers::Mode;
use rungs::models::{Gpt, GptConfig, LanguageModel, LstmLanguageModel, RecurrentConfig, RnnLanguageModel};
use rungs::tensor::{CrossEntropy, Ids, Rng};
use rungs::trainer::{Adam, AdamW, Method, Optimizer, ParameterGradients};
use std::time::{Duration, Instant};

const VOCABULARY: usize = 65;
const WARM_UP: usize = 3;
const STEPS: usize = 15;
const BUDGET: Duration = Duration::from_secs(30);

fn main() {
    // `cargo bench` passes --bench; names select workloads.
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let threads = std::env::var("RAYON_NUM_THREADS").ok().and_then(|n| n.parse().ok()).unwrap_or(0);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
    let chosen = |name: &str| wanted.is_empty() || wanted.iter().any(|w| w == name);
    pool.install(|| {
        let adam = || Method::Adam(Adam::default());
        let adamw = || Method::AdamW(AdamW { beta2: 0.99, weight_decay: 0.1, ..AdamW::default() });
        let rng = &mut Rng::new(0);
        if chosen("W1") {
            let config =
                RecurrentConfig { vocabulary: VOCABULARY, embedding: 128, hidden: 512, layers: 2, dropout: 0.0 };
            train("W1", LstmLanguageModel::new(&config, rng).expect("sizes"), [50, 50], 5.0, adam());
        }
        if chosen("W1b") {
            let config =
                RecurrentConfig { vocabulary: VOCABULARY, embedding: 128, hidden: 256, layers: 1, dropout: 0.0 };
            train("W1b", RnnLanguageModel::new(&config, rng).expect("sizes"), [32, 64], 5.0, adam());
        }
        for (name, layers, heads, width, batch) in [("W2", 4, 4, 128, [12, 64]), ("W2b", 6, 6, 384, [8, 256])] {
            if chosen(name) {
                let vocabulary = VOCABULARY;
                let config =
                    GptConfig { vocabulary, context: batch[1], width, heads, layers, dropout: 0.0, bias: false };
                train(name, Gpt::new(&config, rng).expect("sizes"), batch, 1.0, adamw());
            }
        }
    });
}

/// Times training steps on one random batch and prints what they took.
fn train<M: LanguageModel<f32>>(name: &str, mut model: M, [b, t]: [usize; 2], clip: f64, method: Method) {
    let mut rng = Rng::new(1);
    let mut draw = || Ids::new((0..b * t).map(|_| rng.below(VOCABULARY) as u32).collect::<Vec<_>>(), [b, t]);
    let (ids, targets) = (draw(), draw());
    let mut optimizer = Optimizer::new(method);
    let mut phases: [Vec<f64>; 3] = Default::default();
    let (mut losses, mut faults) = (Vec::new(), Vec::new());
    let started = Instant::now();
    for step in 0..WARM_UP + STEPS {
        let before = page_faults();
        let begin = Instant::now();
        let logits = model.logits(&ids, &mut model.start(b), &mut Mode::Train(&mut Rng::new(2)));
        let loss = logits.cross_entropy(&targets, CrossEntropy::default());
        drop(logits);
        losses.push(f64::from(loss.item()));
        let forward = begin.elapsed();
        let gradients = loss.backward();
        let backward = begin.elapsed();
        let mut gradients = ParameterGradients::collect(&model, gradients).expect("every parameter has a gradient");
        gradients.clip(clip).expect("finite gradients");
        optimizer.step(&mut model, &gradients, 1e-3).expect("a step");
        drop(gradients);
        let all = begin.elapsed();
        if step >= WARM_UP {
            faults.push((page_faults() - before) as f64);
            for (phase, time) in phases.iter_mut().zip([forward, backward - forward, all - backward]) {
                phase.push(1e3 * time.as_secs_f64());
            }
            if started.elapsed() > BUDGET && phases[0].len() >= 5 {
                break;
            }
        }
    }
    let whole: Vec<f64> = (0..phases[0].len()).map(|i| phases.iter().map(|phase| phase[i]).sum()).collect();
    report(name, "tokens/s", whole.iter().map(|ms| 1e3 * (b * t) as f64 / ms).collect());
    report(name, "ms/step", whole);
    for (phase, times) in ["ms-fwd", "ms-bwd", "ms-opt"].into_iter().zip(phases) {
        report(name, phase, times);
    }
    report(name, "loss-first", losses[..1].to_vec());
    report(name, "loss-last", losses[losses.len() - 1..].to_vec());
    report(name, "page-faults/step", faults);
    println!("rungs {name} parameters {0} {0} {0}", model.parameter_count());
}

/// One line: median, least, most.
fn report(workload: &str, metric: &str, mut figures: Vec<f64>) {
    figures.sort_by(f64::total_cmp);
    let [least, most] = [figures[0], figures[figures.len() - 1]];
    println!("rungs {workload} {metric} {:.4} {least:.4} {most:.4}", figures[figures.len() / 2]);
}

/// Page faults of this process so far that needed no disk: memory that the system handed out. 0 where it does not say.
fn page_faults() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Fields are counted after the command name, which stands in parentheses and may hold spaces.
    let fields = stat.rsplit(')').next().unwrap_or_default();
    fields.split_whitespace().nth(7).and_then(|field| field.parse().ok()).unwrap_or(0)
}
