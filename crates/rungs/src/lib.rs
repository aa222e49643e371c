//! The history of text generation as working code: RNN, LSTM, GRU, Seq2Seq, attention, Transformer and GPT, on
//! one small autograd engine.
//!
//! This crate is the facade. It re-exports the crates below it, and binds models to the trainer, to texts and to
//! folders:
//!
//! | module | what |
//! |---|---|
//! | [`settings`] | what decides a run: its model, its data and its training, with defaults for each rung |
//! | [`data`] | what a run learns from, made into token ids: texts, pairs, answers; [`streaming`] of large texts |
//! | [`builtin`], [`dates`] | a text and pairs that are part of the library |
//! | [`tasks`] | what a model learns: data into batches, logits into a loss, held-out data into a number |
//! | [`model`] | the model that settings describe |
//! | [`run`] | training, and the folder that a run is kept in, with a whole model or an [adapter](run::adapter) |
//! | [`generator`] | text in, text out: going on, answering, translating |
//! | [`huggingface`] | run folders from and to folders of Hugging Face |
//! | [`bigram`] | the floor of the ladder |
//!
//! What it does not contain: tensors and gradients ([`tensor`]), layers ([`layers`]), the models and sampling
//! ([`models`]), searches ([`decoding`]), optimizers and the training loop ([`trainer`]), tokenizers ([`text`]), BLEU
//! and its kin ([`measures`]), other libraries' weights ([`interop`]); each is a crate of its own, under these names.
//! Nor does it print: that is the program's.
//!
//! # In ten lines
//!
//! Train a model on a string, keep it in a folder, load it from there, let it write, at once or as it comes, and teach
//! it to answer.
//!
//! ```
//! use rungs::prelude::*;
//! use rungs::{Examples, PromptKind, PromptSettings, Provenance, RunConfig, split_pairs};
//!
//! # let folder = std::env::temp_dir().join(format!("rungs-ten-lines-{}", std::process::id()));
//! # let text = "a cat is an animal. a rose is a plant. the cat sat on the rose. ".repeat(40);
//! # let nouns = |n: usize| [("cat", "animal"), ("rose", "plant")][n % 2];
//! # let pair = |n: usize| {
//! #     let (noun, kind) = nouns(n);
//! #     TextPair { source: format!("the {noun} of {n}"), target: format!("a {kind}") }
//! # };
//! # let pairs = (0..100).map(pair).collect();
//! # let mut settings = Settings::of(Rung::Gpt);
//! # settings.model = ModelConfig::Gpt(GptConfig { layers: 1, width: 32, heads: 2, ..GptConfig::nanogpt() });
//! # settings.data.tokenizer = TokenizerKind::Bpe(280);
//! # settings.training.budget = Budget::Steps(120);
//! # settings.training.schedule = Schedule::Constant { rate: 5e-3 };
//! // Train on a string. The settings are Settings::of(Rung::Gpt), or yours.
//! let provenance = Provenance::of("animals and plants", &text);
//! let config = RunConfig { settings, text: provenance, validation: None, from: None };
//! let corpus = Corpus::new(&text, None, &config.settings)?;
//! Run::create(&folder, &config, corpus)?.train(&mut |_| Control::Continue)?;
//!
//! // Load a folder, and let it write.
//! let saved = SavedRun::open(&folder)?;
//! let generator = saved.generator()?;
//! let options = GenerateOptions { length: Length::at_most(30), ..Default::default() };
//! let whole = generator.complete("the cat ", &options, &Rng::new(0))?;
//! let streamed = generator.generate(&[generator.prompt("the cat ")?], &options, &Rng::new(0), &mut |_, part| {
//!     print!("{part}");
//!     std::ops::ControlFlow::Continue(())
//! })?;
//! assert_eq!(whole, streamed[0][0].text);
//!
//! // Fine-tune it on pairs.
//! let mut settings = saved.config.settings.clone();
//! settings.data.examples = Examples::Prompts(PromptSettings::of(PromptKind::Pairs));
//! let (train, validation) = split_pairs(pairs, 0.1)?;
//! let corpus = Corpus::of_turns(&train, &validation, Some(generator.tokenizers().text()?.clone()), &settings)?;
//! let mut run = Run::new(&settings, corpus)?;
//! run.begin_with(&saved)?;
//! run.train(&mut |_| Control::Continue)?;
//! let answer = run.generator()?.answer("the rose of 200", &options, &Rng::new(0))?;
//! assert_eq!(answer, "a plant");
//! # std::fs::remove_dir_all(&folder)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The tour
//!
//! Ten minutes, from a number to a text. Everything runs as it stands here.
//!
//! ## 1. A tensor knows where it came from
//!
//! Tensors are immutable values, cheap to clone. What is computed from a *variable* is recorded; what is computed from
//! constants is not, so there is no mode to switch.
//!
//! ```
//! use rungs::prelude::*;
//!
//! let w = Tensor::variable(Array::from_vec(vec![0.5, -0.25], [2, 1]));
//! let x = Tensor::constant(Array::from_vec(vec![1.0, 2.0], [1, 2]));
//! let y = x.matmul(&w).tanh(); // (1, 1)
//! assert!(y.is_tracked());
//!
//! let loss = (y - 1.0).square().sum();
//! let gradients = loss.backward(); // returned, not stored in the tensors
//! let dw = gradients.wrt(&w)?;
//! assert_eq!(dw.shape(), w.shape());
//! # let error = (dw.to_vec()[1] - -4.0).abs();
//! # assert!(error < 1e-6_f32, "{error}");
//! # Ok::<(), rungs::tensor::NoGradient>(())
//! ```
//!
//! A gradient that was made with the graph kept can be differentiated again:
//!
//! ```
//! use rungs::prelude::*;
//!
//! let x = Tensor::variable(Array::<f64>::scalar(3.0));
//! let [dx] = grad(&x.powi(3), [&x], Graph::Keep); // 3x²
//! let [d2x] = grad(&dx, [&x], Graph::Drop); // 6x
//! assert_eq!((dx.item(), d2x.item()), (27.0, 18.0));
//! ```
//!
//! ## 2. A model is a struct
//!
//! A layer is a struct of tensors and of other layers. One line says which of its fields have parameters, and with it
//! come names, counting, saving and loading. There is no hidden state: randomness is an argument.
//!
//! ```
//! use rungs::prelude::*;
//!
//! /// y = tanh(x W₁ + b₁) W₂ + b₂
//! struct Perceptron<E: Element> {
//!     hidden: Linear<E>,
//!     output: Linear<E>,
//! }
//! parameters!(Perceptron { hidden, output });
//!
//! impl<E: Element> Perceptron<E> {
//!     fn forward(&self, x: &Tensor<E>, mode: &mut Mode<'_>) -> Tensor<E> {
//!         self.output.forward(&self.hidden.forward(x, mode).tanh(), mode)
//!     }
//! }
//!
//! let mut rng = Rng::new(0);
//! let mut model: Perceptron<f32> = Perceptron {
//!     hidden: Linear::new(2, 16, Bias::Yes, Init::XavierUniform, &mut rng),
//!     output: Linear::new(16, 1, Bias::Yes, Init::XavierUniform, &mut rng),
//! };
//! assert_eq!(model.parameter_count(), 2 * 16 + 16 + 16 + 1);
//!
//! // It learns the exclusive or, in a loop that hides nothing.
//! let x = Tensor::constant(Array::from_vec(vec![0., 0., 0., 1., 1., 0., 1., 1.], [4, 2]));
//! let target = Tensor::constant(Array::from_vec(vec![0., 1., 1., 0.], [4, 1]));
//! let mut optimizer = Optimizer::new(Adam::default());
//! let mut loss = f32::INFINITY;
//! for _ in 0..300 {
//!     let error = (model.forward(&x, &mut Mode::Train(&mut rng)) - &target).square().mean();
//!     loss = error.item();
//!     let gradients = ParameterGradients::collect(&model, error.backward())?;
//!     optimizer.step(&mut model, &gradients, 0.02)?;
//! }
//! assert!(loss < 0.01, "{loss}");
//! # Ok::<(), rungs::trainer::TrainError>(())
//! ```
//!
//! ## 3. A rung learns a text
//!
//! [`Settings::of`] has a recipe for every [`Rung`]; a [`Corpus`] is a text made into token ids, with its end held out;
//! a [`Run`] trains. The callback is told what happens and says whether to go on.
//!
//! ```
//! use rungs::prelude::*;
//!
//! let text = "the cat sat on the mat, and the dog sat on the cat. ".repeat(40);
//! let mut settings = Settings::of(Rung::Lstm);
//! settings.model = ModelConfig::Lstm(RecurrentConfig { layers: 1, hidden: 32, embedding: 16, ..Default::default() });
//! settings.data.context = Some(20);
//! settings.training = TrainerConfig {
//!     batch_size: 8,
//!     budget: Budget::Steps(120),
//!     schedule: Schedule::Cosine { rate: 1e-2, minimum: 1e-3, warmup: 10 },
//!     evaluate_every: 40,
//!     ..settings.training
//! };
//! let corpus = Corpus::new(&text, None, &settings)?;
//! let floor = corpus.bigram_bits()?.expect("a text");
//!
//! let mut run = Run::new(&settings, corpus)?;
//! let summary = run.train(&mut |event| {
//!     if let Event::Evaluated { step, loss, .. } = event {
//!         println!("after {step} steps: {loss:.3} nats per character");
//!     }
//!     Control::Continue
//! })?;
//! let bits = summary.best_validation_loss.expect("evaluated") / std::f64::consts::LN_2;
//! assert!(bits < floor, "{bits} bits, and a bigram model has {floor}");
//!
//! // And it writes.
//! let options = GenerateOptions { search: Search::Greedy, length: Length::at_most(30), ..Default::default() };
//! let text = run.generator()?.complete("the dog ", &options, &Rng::new(0))?;
//! assert!(text.starts_with("sat on"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! ## 4. A run has a folder
//!
//! Everything that going on needs is in it, and no moment is a bad one to be stopped: a run that was killed and goes on
//! gives the same model, byte for byte.
//!
//! ```
//! use rungs::prelude::*;
//! use rungs::{Provenance, RunConfig};
//!
//! let text = "a b c d e f g. ".repeat(50);
//! let mut settings = Settings::of(Rung::Gpt);
//! let sizes = GptConfig { layers: 1, width: 8, heads: 2, context: 8, ..GptConfig::nanogpt() };
//! settings.model = ModelConfig::Gpt(sizes);
//! settings.training.budget = Budget::Steps(10);
//! let config = RunConfig { settings, text: Provenance::of("letters", &text), validation: None, from: None };
//! let corpus = || Corpus::new(&text, None, &config.settings);
//! let folder = std::env::temp_dir().join(format!("rungs-tour-{}", std::process::id()));
//!
//! let mut run = Run::create(&folder, &config, corpus()?)?;
//! let mut steps = 0;
//! run.train(&mut |event| {
//!     steps += usize::from(matches!(event, Event::Step { .. }));
//!     if steps < 4 { Control::Continue } else { Control::Stop }
//! })?;
//!
//! let mut run = Run::resume(&folder, &config, corpus()?)?;
//! assert_eq!(run.train(&mut |_| Control::Continue)?.steps, 10);
//!
//! let saved = SavedRun::open(&folder)?;
//! let evaluation = saved.evaluate(&saved.tokenizers.text()?.encode("a b c d ")?)?;
//! assert_eq!(evaluation.tokens, 7);
//! # std::fs::remove_dir_all(&folder)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! ## 5. Anything can be trained
//!
//! The [`Trainer`](trainer::Trainer) does not know language models. A [`Task`](trainer::Task) says what the next loss
//! is; [`LanguageTask`] is one, and yours is another. Operations and kernels of your own are first-class citizens as
//! well: see [`tensor::Op`] and [`tensor::Kernel`], and check them with [`tensor::check_gradients`] and
//! [`tensor::check_kernel`].

pub use rungs_decoding as decoding;
pub use rungs_interop as interop;
pub use rungs_layers as layers;
pub use rungs_measures as measures;
pub use rungs_measures::bigram::{self, Bigram};
pub use rungs_models as models;
pub use rungs_tensor as tensor;
pub use rungs_text as text;
pub use rungs_trainer as trainer;

pub mod data;
mod error;
pub mod generator;
pub mod huggingface;
pub mod model;
pub mod prelude;
mod provenance;
pub mod run;
pub mod settings;
pub mod tasks;

pub use data::streaming::{self, Reading, TextFile};
pub use data::{Corpus, Parts, Prompts, Tokenizers, builtin, dates};
pub use error::Error;
pub use generator::Generator;
pub use model::Model;
pub use provenance::Provenance;
pub use run::{Run, RunConfig, SavedRun};
pub use rungs_models::{ModelConfig, Rung};
pub use rungs_text::{
    Columns, Dialogue, Normalization, Role, TextPair, Turn, read_dialogues, read_pairs, split_dialogues, split_pairs,
};
pub use settings::{DataSettings, Examples, PromptKind, PromptSettings, Settings, TokenizerKind};
pub use tasks::{LanguageTask, evaluate, measure_forced, token_losses};
