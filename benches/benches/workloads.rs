//! Whole training steps: forward, backward, clipping, optimizer, on the shapes of the peers' scripts.
//!
//! Prints one line for each figure, `peer workload metric median min max`, the form the scripts in `peers/` print, so
//! that `benches/peers/compare.py` puts both side by side in one run. `cargo bench --bench workloads -- W1b W2` runs
//! some.
//!
//! | name | model | batch | step |
//! |---|---|---|---|
//! | W1 | LSTM, 2 × 512, embedding 128, vocabulary 65 | 50 × 50 | clip 5, Adam |
//! | W1b | tanh RNN, 1 × 256, embedding 128, vocabulary 65 | 32 × 64 | clip 5, Adam |
//! | W2 | GPT, 4 layers, 4 heads, 128 wide, no biases, tied head | 12 × 64 | clip 1, AdamW |
//! | W2b | GPT, 6 layers, 6 heads, 384 wide, no biases, tied head | 8 × 256 | clip 1, AdamW |
//! | W3 | GPT-2's 124 M parameters | 4 × 64 | AdamW |
//! | W4 | the article's: LSTM encoder and decoder, 256, one-hot characters (71 and 93) | 64 × (16, 59) | RMSprop |
//! | W5 | GRU encoder and decoder, 256, additive attention, vocabularies of 4000 | 64 × (10, 10) | Adam |

use rungs::layers::{Bias, Dropout, GruCell, Init, Linear, Lstm, Mode, Module, Score, parameters};
use rungs::models::{
    AttentionConfig, AttentionSeq2Seq, Gpt, GptConfig, LanguageModel, LstmLanguageModel, RecurrentConfig,
    RnnLanguageModel, Source, Style,
};
use rungs::tensor::{Array, CrossEntropy, Element, Ids, Rng, Tensor};
use rungs::trainer::{Adam, AdamW, Method, Optimizer, ParameterGradients, RmsProp};
use rungs_benches::{peak_megabytes, report, with_threads};
use std::time::{Duration, Instant};

type AnyLanguageModel = Box<dyn LanguageModel<f32>>;

const VOCABULARY: usize = 65;
const WARM_UP: usize = 3;
const STEPS: usize = 15;
const BUDGET: Duration = Duration::from_secs(30);

fn main() {
    with_threads(|chosen| {
        let adam = || Method::Adam(Adam::default());
        let adamw = || Method::AdamW(AdamW { beta2: 0.99, weight_decay: 0.1, ..AdamW::default() });
        let random = |shape: [usize; 2], vocabulary: usize, seed: u64| {
            let mut rng = Rng::new(seed);
            let ids: Vec<u32> = (0..shape[0] * shape[1]).map(|_| rng.below(vocabulary) as u32).collect();
            Ids::new(ids, shape)
        };
        let language = |name: &str,
                        model: &dyn Fn(&mut Rng) -> AnyLanguageModel,
                        shape: [usize; 2],
                        clip: Option<f64>,
                        method: Method| {
            if chosen(name) {
                let model = model(&mut Rng::new(0));
                let (ids, targets) = (random(shape, model.vocabulary(), 1), random(shape, model.vocabulary(), 2));
                let loss = |model: &AnyLanguageModel, mode: &mut Mode<'_>| {
                    model
                        .logits(&ids, &mut model.start(shape[0]), mode)
                        .cross_entropy(&targets, CrossEntropy::default())
                };
                train(name, model, &loss, (shape[0] * shape[1], "tokens/s"), clip, method);
            }
        };
        let recurrent =
            |hidden, layers| RecurrentConfig { vocabulary: VOCABULARY, embedding: 128, hidden, layers, dropout: 0.0 };
        let lstm = |rng: &mut Rng| Box::new(LstmLanguageModel::new(&recurrent(512, 2), rng).expect("sizes")) as _;
        language("W1", &lstm, [50, 50], Some(5.0), adam());
        let rnn = |rng: &mut Rng| Box::new(RnnLanguageModel::new(&recurrent(256, 1), rng).expect("sizes")) as _;
        language("W1b", &rnn, [32, 64], Some(5.0), adam());
        for (name, layers, heads, width, batch) in [("W2", 4, 4, 128, [12, 64]), ("W2b", 6, 6, 384, [8, 256])] {
            let (vocabulary, context) = (VOCABULARY, batch[1]);
            let config = GptConfig { vocabulary, context, width, heads, layers, ..GptConfig::nanogpt() };
            language(name, &|rng| Box::new(Gpt::new(&config, rng).expect("sizes")), batch, Some(1.0), adamw());
        }
        let gpt2 = GptConfig { vocabulary: 50257, ..GptConfig::gpt2() };
        let plain = Method::AdamW(AdamW { beta2: 0.999, weight_decay: 0.0, ..AdamW::default() });
        language("W3", &|rng| Box::new(Gpt::new(&gpt2, rng).expect("sizes")), [4, 64], None, plain);
        if chosen("W4") {
            // The article's example: one-hot characters, an LSTM of 256 on each side, a dense softmax.
            let one_hot = |ids: &Ids, width: usize| -> Tensor {
                let [b, t] = ids.dims();
                let ids = ids.as_slice();
                let at = |i: usize| if ids[i / width] as usize == i % width { 1.0 } else { 0.0 };
                Array::from_fn([b, t, width], at).into()
            };
            let (source, target) = (random([64, 16], 71, 1), random([64, 59], 93, 2));
            let (source, inputs, targets) = (one_hot(&source, 71), one_hot(&target, 93), random([64, 59], 93, 3));
            let model = OneHotSeq2Seq::new(71, 93, 256, &mut Rng::new(0));
            let loss = |model: &OneHotSeq2Seq, mode: &mut Mode<'_>| {
                model.logits(&source, &inputs, mode).cross_entropy(&targets, CrossEntropy::default())
            };
            train(
                "W4",
                model,
                &loss,
                (64, "samples/s"),
                None,
                Method::RmsProp(RmsProp { alpha: 0.9, ..RmsProp::default() }),
            );
        }
        if chosen("W5") {
            // A GRU of 256 on each side with additive attention, words.
            let config = AttentionConfig {
                source_vocabulary: 4000,
                vocabulary: 4000,
                embedding: 256,
                hidden: 256,
                layers: 1,
                style: Style::Bahdanau,
                score: Score::Additive,
                bidirectional: false,
                tied: false,
                ..AttentionConfig::default()
            };
            let model: AttentionSeq2Seq<f32, GruCell> =
                AttentionSeq2Seq::new(&config, &mut Rng::new(0)).expect("sizes");
            let source = Source::new(random([64, 10], 4000, 1), vec![10; 64]);
            let (inputs, targets) = (random([64, 10], 4000, 2), random([64, 10], 4000, 3));
            let loss = |model: &AttentionSeq2Seq<f32, GruCell>, mode: &mut Mode<'_>| {
                model
                    .logits(&inputs, &mut model.encode(&source, mode), mode)
                    .cross_entropy(&targets, CrossEntropy::default())
            };
            train("W5", model, &loss, (64, "samples/s"), None, adam());
        }
    });
}

/// Two LSTMs and a head, on one-hot vectors.
struct OneHotSeq2Seq<E: Element = f32> {
    encoder: Lstm<E>,
    decoder: Lstm<E>,
    head: Linear<E>,
}
parameters!(OneHotSeq2Seq { encoder, decoder, head });

impl OneHotSeq2Seq {
    fn new(source: usize, target: usize, hidden: usize, rng: &mut Rng) -> Self {
        Self {
            encoder: Lstm::new(source, hidden, 1, Dropout::new(0.0), rng),
            decoder: Lstm::new(target, hidden, 1, Dropout::new(0.0), rng),
            head: Linear::new(hidden, target, Bias::Yes, Init::XavierUniform, rng),
        }
    }

    fn logits(&self, source: &Tensor, target: &Tensor, mode: &mut Mode<'_>) -> Tensor {
        let [batch, _, _] = source.dims();
        let (_, thought) = self.encoder.forward(source, None, &self.encoder.zero_state(batch), mode);
        self.head.forward(&self.decoder.forward(target, None, &thought, mode).0, mode)
    }
}

/// Times training steps on one random batch and prints what they took.
fn train<M: Module<f32>>(
    name: &str,
    mut model: M,
    loss: &dyn Fn(&M, &mut Mode<'_>) -> Tensor,
    (units, unit): (usize, &str),
    clip: Option<f64>,
    method: Method,
) {
    let mut optimizer = Optimizer::new(method);
    let mut phases: [Vec<f64>; 3] = Default::default();
    let (mut losses, mut faults) = (Vec::new(), Vec::new());
    let started = Instant::now();
    for step in 0..WARM_UP + STEPS {
        let before = page_faults();
        let begin = Instant::now();
        let loss = loss(&model, &mut Mode::Train(&mut Rng::new(2)));
        losses.push(f64::from(loss.item()));
        let forward = begin.elapsed();
        let gradients = loss.backward();
        let backward = begin.elapsed();
        let mut gradients = ParameterGradients::collect(&model, gradients).expect("every parameter has a gradient");
        if let Some(clip) = clip {
            gradients.clip(clip).expect("finite gradients");
        }
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
    report(name, unit, whole.iter().map(|ms| 1e3 * units as f64 / ms).collect());
    report(name, "ms/step", whole);
    for (phase, times) in ["ms-fwd", "ms-bwd", "ms-opt"].into_iter().zip(phases) {
        report(name, phase, times);
    }
    report(name, "loss-first", losses[..1].to_vec());
    report(name, "loss-last", losses[losses.len() - 1..].to_vec());
    report(name, "page-faults/step", faults);
    report(name, "peak-MB", vec![peak_megabytes()]);
    report(name, "parameters", vec![model.parameter_count() as f64]);
}

/// Page faults of this process so far that needed no disk: memory that the system handed out. 0 where it does not say.
fn page_faults() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Fields are counted after the command name, which stands in parentheses and may hold spaces.
    let fields = stat.rsplit(')').next().unwrap_or_default();
    fields.split_whitespace().nth(7).and_then(|field| field.parse().ok()).unwrap_or(0)
}
