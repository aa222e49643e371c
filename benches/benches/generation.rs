//! Writing greedily, one text at a time: a prompt is read, and every further token looks at all before it through its
//! cache.
//!
//! Prints `peer workload metric median min max` as `workloads.rs` does; `benches/peers/compare.py` has the peers' side.
//!
//! | name | model | prompt, tokens |
//! |---|---|---|
//! | W6 | GPT-2's 124 M parameters, random | 32, 128 |
//! | W6-babygpt | GPT, 6 layers, 6 heads, 384 wide, vocabulary 65 | 32, 200 |
//! | W6-lstm | LSTM, 2 × 512, embedding 128, vocabulary 65; sampled, not greedy | 1, 500 |

use rungs::decoding::{GenerateOptions, Length, Search, generate};
use rungs::models::{Gpt, GptConfig, LanguageModel, LstmLanguageModel, RecurrentConfig};
use rungs::tensor::Rng;
use rungs_benches::{peak_megabytes, report, with_threads};
use std::ops::ControlFlow;
use std::time::Instant;

const TURNS: usize = 5;

fn main() {
    with_threads(|chosen| {
        let rng = &mut Rng::new(0);
        let gpt = |config: GptConfig, rng: &mut Rng| Gpt::<f32>::new(&config, rng).expect("sizes");
        if chosen("W6") {
            let gpt2 = GptConfig { vocabulary: 50257, ..GptConfig::gpt2() };
            write("W6", "tokens/s", &gpt(gpt2, rng), 32, 128, Search::Greedy);
        }
        if chosen("W6-babygpt") {
            let baby =
                GptConfig { vocabulary: 65, context: 256, width: 384, heads: 6, layers: 6, ..GptConfig::nanogpt() };
            write("W6-babygpt", "chars/s", &gpt(baby, rng), 32, 200, Search::Greedy);
        }
        if chosen("W6-lstm") {
            let config = RecurrentConfig { vocabulary: 65, embedding: 128, hidden: 512, layers: 2, dropout: 0.0 };
            let model: LstmLanguageModel = LstmLanguageModel::new(&config, rng).expect("sizes");
            write("W6-lstm", "chars/s", &model, 1, 500, Search::Sample);
        }
    });
}

/// Writes `tokens` tokens after a prompt, some times over, and prints how fast.
fn write(name: &str, unit: &str, model: &dyn LanguageModel<f32>, prompt: usize, tokens: usize, search: Search) {
    let mut rng = Rng::new(1);
    let prompt: Vec<u32> = (0..prompt).map(|_| rng.below(model.vocabulary()) as u32).collect();
    let length = Length::new(tokens, tokens).expect("in order");
    let options = GenerateOptions { search, length, ..GenerateOptions::default() };
    let mut speeds = Vec::new();
    for turn in 0..=TURNS {
        let begin = Instant::now();
        let texts = generate(model, &[&prompt], &options, &rng, &mut |_, _| ControlFlow::Continue(())).expect("a text");
        assert_eq!(texts[0][0].ids.len(), tokens);
        if turn > 0 {
            speeds.push(tokens as f64 / begin.elapsed().as_secs_f64());
        }
    }
    report(name, unit, speeds);
    report(name, "peak-MB", vec![peak_megabytes()]);
}
