//! The command line: every flag, its help, and the examples under `--help`.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use rungs::layers::{Activation, NormPosition, Score};
use rungs::models::Style;
use rungs::models::huggingface::Family;
use rungs::settings::{
    ACTIVATIONS, Architecture, NORM_POSITIONS, NormName, PositionKind, SCORES, STYLES, Targets, Tied,
};
use rungs::{CellKind, Columns, Rung, TokenizerKind};

/// The history of text generation as working code: train, sample and measure every generation of model.
#[derive(Debug, Parser)]
#[command(name = "rungs", version, arg_required_else_help = true, subcommand_required = true, max_term_width = 100)]
#[command(after_help = "\
Examples:
  rungs climb                                          every rung on the built-in text, in a few minutes
  rungs train lstm --text book.txt --out runs/book     one rung on a text of yours
  rungs generate runs/book --prompt 'It was ' --temperature 0.8
  rungs train attention --pairs english-french.tsv --tokenizer word --out runs/translate
  rungs train gpt --from runs/book --dialogue talk.jsonl --out runs/talk
  rungs chat runs/talk

Results go to stdout, progress to stderr. Exit codes: 0 done, 1 failed while running, 2 bad input,
130 interrupted after saving.")]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct Common {
    /// Decides every random number; the same seed gives the same result [default: 0]
    #[arg(long, global = true, value_name = "N", display_order = 900)]
    pub(crate) seed: Option<u64>,
    /// How many threads to work on; the result does not depend on it [default: all cores]
    #[arg(long, global = true, value_name = "N", value_parser = count, display_order = 901)]
    pub(crate) threads: Option<usize>,
    /// Print one JSON object instead of prose
    #[arg(long, global = true, display_order = 902)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Climb(Climb),
    Train(Box<Train>),
    Generate(Box<Generate>),
    Chat(Chat),
    Evaluate(Evaluate),
    Info(Info),
    Import(Import),
    Export(Export),
    Merge(Merge),
    Check(Check),
}

/// Train every rung on the built-in text and print the ladder with a sample of each
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rungs climb                                the ladder in a few minutes, the same bits every time
  rungs climb --seconds-per-rung 20          as far as twenty seconds of training go
  rungs climb --out runs/ladder              keep the run folders: runs/ladder/lstm and so on
  rungs climb --out runs/ladder --resume     go on after Ctrl-C")]
pub(crate) struct Climb {
    /// Steps to train each rung, instead of as many as suit it
    #[arg(long, value_name = "N", value_parser = count, conflicts_with = "seconds_per_rung")]
    pub(crate) steps_per_rung: Option<usize>,
    /// Seconds to train each rung; how many steps that is depends on the machine
    #[arg(long, value_name = "N", value_parser = positive)]
    pub(crate) seconds_per_rung: Option<f64>,
    /// Keep a run folder for each rung in this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Go on with the runs in --out
    #[arg(long, requires = "out")]
    pub(crate) resume: bool,
}

/// Train a rung on a text, or on pairs of texts, and keep it in a run folder
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rungs train lstm --text book.txt --out runs/book
  rungs train gpt --text book.txt --out runs/gpt --layers 6 --hidden 192 --heads 6 --dropout 0.2
  rungs train gpt --text book.txt --tokenizer bpe:2000 --out runs/bpe
  rungs train gpt --text book.txt --architecture llama --key-heads 2 --out runs/llama
  rungs train gpt --from runs/gpt2 --text book.txt --batch-size 1 --lr 0.00003 --out runs/tuned
  rungs train gpt --from runs/gpt2 --text book.txt --batch-size 1 --lora 8 --out runs/adapter
  rungs train rnn --text book.txt --epochs 3 --optimizer rmsprop --lr 0.002 --out runs/rnn
  cat *.txt | rungs train lstm --text - --out runs/all
  rungs train attention --pairs english-french.tsv --tokenizer word --epochs 5 --out runs/translate
  rungs train transformer --pairs english-french.tsv --tokenizer bpe:8000 --tied all --dropout 0.1 --out runs/bpe
  rungs train gpt --from runs/gpt --pairs summaries.tsv --epochs 3 --lr 0.0003 --out runs/summarise
  rungs train gpt --pairs english-french.tsv --template '{source} = {target}\n' --context 200 --out runs/prompted
  rungs train gpt --from runs/gpt --dialogue talk.jsonl --epochs 3 --out runs/talk
  rungs train lstm --out runs/book --resume                 go on after Ctrl-C
  rungs train lstm --out runs/book --resume --steps 5000    train a finished run further")]
pub(crate) struct Train {
    /// The kind of model
    #[arg(value_name = "RUNG", value_parser = rung())]
    pub(crate) rung: Rung,
    /// The text to learn, UTF-8; - is stdin [default: the built-in text]
    #[arg(long, value_name = "FILE")]
    pub(crate) text: Option<PathBuf>,
    /// The pairs to learn, a source, a TAB and its target on each line. To rnn, lstm, gru and gpt a source is the beginning of a
    /// text, and they learn how it goes on (--template) [seq2seq, attention, transformer: dates written in many ways, and in
    /// one]
    #[arg(long, value_name = "FILE", conflicts_with = "text")]
    pub(crate) pairs: Option<PathBuf>,
    /// Which columns of --pairs are source and target, counted from 1 [default: 1,2]
    #[arg(long, value_name = "S,T", requires = "pairs", conflicts_with_all = ["text", "dialogue"])]
    pub(crate) columns: Option<Columns>,
    /// Dialogues to learn the assistant's part of, one a line: {"turns": [{"role": "user", "text": "…"}, {"role": "assistant",
    /// "text": "…"}]}; rnn, lstm, gru and gpt only
    #[arg(long, value_name = "FILE.jsonl", conflicts_with_all = ["text", "pairs"])]
    pub(crate) dialogue: Option<PathBuf>,
    /// What stands around source and target of --pairs, or around each turn of --dialogue; \n and \t are understood. What is
    /// behind the second place ends an answer, unless the vocabulary has a token for that; rnn, lstm, gru and gpt only
    /// [default: '{source}\n=> {target}\n', '{role}: {text}\n']
    #[arg(long, value_name = "TEXT")]
    pub(crate) template: Option<String>,
    /// What stands between the documents of the text, as '<|endoftext|>', or '\n\n' for empty lines: one token, wherever it
    /// stands; with bpe:N it is made one
    #[arg(long, value_name = "TEXT")]
    pub(crate) documents: Option<String>,
    /// Read the text from the disk in pieces and train from a file of its tokens, however small the text; without it, files
    /// of 64 MiB and more are. The result is the same
    #[arg(long)]
    pub(crate) stream: bool,
    /// Where the file of tokens is, to be used by other runs too; implies --stream [default: the folder ids in the run folder]
    #[arg(long, value_name = "DIR")]
    pub(crate) cache: Option<PathBuf>,
    /// The run folder [default: runs/RUNG]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Go on with the run in --out
    #[arg(long)]
    pub(crate) resume: bool,
    /// Begin with the weights and the tokens of another run, trained here or imported, instead of random weights
    #[arg(long, value_name = "DIR", conflicts_with = "tokenizer")]
    pub(crate) from: Option<PathBuf>,
    /// A text, pairs or dialogues to validate on, instead of a part of what is learnt
    #[arg(long, value_name = "FILE", conflicts_with = "validation_split")]
    pub(crate) validation: Option<PathBuf>,
    /// The share to validate on: the end of a text, the pairs of some sources, or dialogues that begin with some turns [default:
    /// 0.1]
    #[arg(long, value_name = "F", value_parser = number)]
    pub(crate) validation_split: Option<f64>,
    /// How long to train, in steps [default: 2000]
    #[arg(long, value_name = "N", value_parser = count, conflicts_with_all = ["epochs", "seconds"])]
    pub(crate) steps: Option<usize>,
    /// How long to train, in passes over the text
    #[arg(long, value_name = "N", value_parser = count, conflicts_with = "seconds")]
    pub(crate) epochs: Option<usize>,
    /// How long to train, in seconds; how many steps that is depends on the machine
    #[arg(long, value_name = "N", value_parser = positive)]
    pub(crate) seconds: Option<f64>,
    #[command(flatten, next_help_heading = "Model")]
    pub(crate) model: ModelFlags,
    #[command(flatten, next_help_heading = "Arrangement (gpt and transformer)")]
    pub(crate) gpt: GptFlags,
    #[command(flatten, next_help_heading = "Fine-tuning (gpt, with --from)")]
    pub(crate) fine_tuning: FineTuningFlags,
    #[command(flatten, next_help_heading = "Pairs (seq2seq, attention and transformer)")]
    pub(crate) pair_flags: PairFlags,
    #[command(flatten, next_help_heading = "Training")]
    pub(crate) training: TrainingFlags,
}

/// What is trained of a model that there is; without any of them, all of it.
#[derive(Debug, Args)]
pub(crate) struct FineTuningFlags {
    /// Leave the model as it is and train adapters, two small matrices of this rank beside each of its matrices; the run folder
    /// holds them alone
    #[arg(long, value_name = "RANK", value_parser = count)]
    pub(crate) lora: Option<usize>,
    /// How strongly adapters count, before division by the rank [twice --lora]
    #[arg(long, value_name = "X", value_parser = positive)]
    pub(crate) lora_alpha: Option<f64>,
    /// Which matrices have one, by parts of their names, as qkv or blocks.3.attention [attention,feed-forward]
    #[arg(long, value_name = "NAME,NAME,…")]
    pub(crate) lora_targets: Option<Targets>,
    /// Probability of dropping what goes into an adapter, in training [0]
    #[arg(long, value_name = "P", value_parser = number)]
    pub(crate) lora_dropout: Option<f64>,
    /// Train only so many blocks, the last ones, the last norm, and the head if it is not the embedding too
    #[arg(long, value_name = "N", value_parser = count, conflicts_with = "lora")]
    pub(crate) train_last_layers: Option<usize>,
}

/// What only rungs that learn pairs have.
#[derive(Debug, Args)]
pub(crate) struct PairFlags {
    /// What encoder and decoder are made of; seq2seq and attention only [lstm]
    #[arg(long, value_name = "CELL", value_parser = cell())]
    pub(crate) cell: Option<CellKind>,
    /// Whether the source is read from its end; seq2seq only [true]
    #[arg(long, value_name = "BOOL")]
    pub(crate) reverse: Option<bool>,
    /// How often the decoder reads its own word in training [0]
    #[arg(long, value_name = "P", value_parser = number)]
    pub(crate) scheduled_sampling: Option<f64>,
    /// How often a token must occur to be known [1]
    #[arg(long, value_name = "N", value_parser = count)]
    pub(crate) min_count: Option<usize>,
    /// Whether texts are made lower-case [false]
    #[arg(long, value_name = "BOOL")]
    pub(crate) lower_case: Option<bool>,
    /// When the decoder looks back: before its step, or after it; attention only [luong]
    #[arg(long, value_name = "STYLE", value_parser = named(&STYLES))]
    pub(crate) attention: Option<Style>,
    /// How it compares; attention only [general]
    #[arg(long, value_name = "SCORE", value_parser = named(&SCORES))]
    pub(crate) score: Option<Score>,
    /// Whether the encoder reads both ways; attention only [true]
    #[arg(long, value_name = "BOOL")]
    pub(crate) both_ways: Option<bool>,
}

/// How a GPT is arranged, and a Transformer that translates; the defaults are the architecture's.
#[derive(Debug, Args)]
pub(crate) struct GptFlags {
    /// GPT-2's arrangement or Llama's, as far as nothing below says otherwise; gpt only [gpt]
    #[arg(long, value_name = "NAME", value_parser = architecture())]
    pub(crate) architecture: Option<Architecture>,
    /// Heads of keys and values, which several heads of queries may share; gpt only [as many as --heads]
    #[arg(long, value_name = "N", value_parser = count)]
    pub(crate) key_heads: Option<usize>,
    /// Width inside the feed-forward layers [gpt, transformer: 4 times --hidden; llama: 8/3 times, up to a multiple of 8]
    #[arg(long, value_name = "N", value_parser = count)]
    pub(crate) feed_forward: Option<usize>,
    /// The function inside of them [gpt: gelu; llama: silu; transformer: relu]
    #[arg(long, value_name = "NAME", value_parser = named(&ACTIVATIONS))]
    pub(crate) activation: Option<Activation>,
    /// Whether they have a gate; gpt only [gpt: false; llama: true]
    #[arg(long, value_name = "BOOL")]
    pub(crate) gated: Option<bool>,
    /// What stands before each part: layer norm, or root mean square; gpt only [gpt: layer; llama: rms]
    #[arg(long, value_name = "NORM", value_parser = norm())]
    pub(crate) norm: Option<NormName>,
    /// What is added to the mean square in it; gpt only [0.00001]
    #[arg(long, value_name = "X", value_parser = positive)]
    pub(crate) norm_epsilon: Option<f64>,
    /// Whether norms stand before each part or after it, as in the paper; transformer only [pre]
    #[arg(long, value_name = "WHERE", value_parser = named(&NORM_POSITIONS))]
    pub(crate) norm_position: Option<NormPosition>,
    /// A learnt vector for each position, waves, or queries and keys that are turned [gpt: learned; llama: rotary;
    /// transformer: sinusoidal]
    #[arg(long, value_name = "KIND", value_parser = positions())]
    pub(crate) positions: Option<PositionKind>,
    /// How slowly the slowest of them turns; rotary only [10000]
    #[arg(long, value_name = "X", value_parser = positive)]
    pub(crate) rotary_base: Option<f64>,
    /// Whether linear layers and layer norms have biases; gpt only [false]
    #[arg(long, value_name = "BOOL")]
    pub(crate) bias: Option<bool>,
    /// Whether training computes each block again on the way back: less memory, a third more time, the same result [false]
    #[arg(long, value_name = "BOOL")]
    pub(crate) checkpointing: Option<bool>,
}

/// The sizes of the model; the defaults are the rung's.
#[derive(Debug, Args)]
pub(crate) struct ModelFlags {
    /// Layers, one upon the other [rnn, lstm, gru, transformer: 2; gpt: 4; seq2seq,
    /// attention: 1]
    #[arg(long, value_name = "N", value_parser = count)]
    pub(crate) layers: Option<usize>,
    /// Width of the state, or of a gpt or transformer [128; seq2seq, attention: 256]
    #[arg(long, value_name = "N", value_parser = count)]
    pub(crate) hidden: Option<usize>,
    /// Width of a token's vector; not for gpt and transformer [128]
    #[arg(long, value_name = "N", value_parser = count)]
    pub(crate) embedding: Option<usize>,
    /// Attention heads; gpt and transformer only [4]
    #[arg(long, value_name = "N", value_parser = count)]
    pub(crate) heads: Option<usize>,
    /// Tokens of a training window: how far a gpt looks back, and gradients in the others [50; gpt: 64]. The most tokens
    /// of a source or target, or of both with their template; longer pairs are left out, and of longer dialogues the first turns
    #[arg(long, value_name = "N", value_parser = count)]
    pub(crate) context: Option<usize>,
    /// Whether the embedding (of the decoder) is the head too; in seq2seq and attention --embedding and --hidden are equal
    /// then. With all it is the encoder's as well; transformer with byte pairs only [false; gpt, transformer: true; llama:
    /// false]
    #[arg(long, value_name = "false|true|all", value_parser = tied())]
    pub(crate) tied: Option<Tied>,
    /// Probability of dropping, in training [0]
    #[arg(long, value_name = "P", value_parser = number)]
    pub(crate) dropout: Option<f64>,
    /// What becomes a token: char, word, bpe:N for a vocabulary of N byte pairs learnt from the text, or a folder, of a run
    /// or of Hugging Face, whose tokenizer is taken (byte pairs; any, if built with the feature tokenizers) [char]
    #[arg(long, value_name = "char|word|bpe:N|DIR", value_parser = tokenizer)]
    pub(crate) tokenizer: Option<TokenizerKind>,
}

/// How to train; the defaults are the rung's.
#[derive(Debug, Args)]
pub(crate) struct TrainingFlags {
    /// Sequences of a micro-batch [rnn, lstm, gru: 50; gpt: 12; seq2seq, attention, transformer: 64]
    #[arg(long, value_name = "N", value_parser = count)]
    pub(crate) batch_size: Option<usize>,
    /// Micro-batches of a step, whose gradients are added up [1]
    #[arg(long, value_name = "N", value_parser = count)]
    pub(crate) accumulate: Option<usize>,
    /// Largest learning rate [rnn, seq2seq, attention, transformer: 0.002; lstm, gru: 0.004; gpt: 0.001]
    #[arg(long, value_name = "X", value_parser = positive)]
    pub(crate) lr: Option<f64>,
    /// Learning rate at the end; cosine only [a tenth of --lr]
    #[arg(long, value_name = "X", value_parser = number)]
    pub(crate) min_lr: Option<f64>,
    /// How a gradient becomes a step [adam; gpt: adamw]
    #[arg(long, value_name = "NAME", value_parser = ["sgd", "rmsprop", "adam", "adamw"])]
    pub(crate) optimizer: Option<String>,
    /// How slowly the mean square of the gradient forgets; not for sgd [adam: 0.999, transformer's
    /// 0.98; rmsprop: 0.99; gpt's adamw: 0.99]
    #[arg(long, value_name = "X", value_parser = number)]
    pub(crate) beta2: Option<f64>,
    /// Decay of the weights of two or more axes; adamw only [0.1]
    #[arg(long, value_name = "X", value_parser = number)]
    pub(crate) weight_decay: Option<f64>,
    /// How the learning rate goes [cosine]
    #[arg(long, value_name = "NAME", value_parser = ["constant", "cosine", "step", "noam"])]
    pub(crate) schedule: Option<String>,
    /// Steps in which the learning rate climbs; cosine and noam only [cosine: 0, gpt: 100, transformer: 200; noam: 4000;
    /// or a tenth of a short run]
    #[arg(long, value_name = "N")]
    pub(crate) warmup: Option<usize>,
    /// What the learning rate is multiplied by; step and noam only [step: 0.5; noam: 1]
    #[arg(long, value_name = "X", value_parser = positive)]
    pub(crate) lr_factor: Option<f64>,
    /// Steps after which it is; step only [a quarter of the run]
    #[arg(long, value_name = "N", value_parser = count)]
    pub(crate) lr_every: Option<usize>,
    /// Largest global norm of the gradient; 0 for no clipping [rnn, lstm, gru: 5; others: 1]
    #[arg(long, value_name = "X", value_parser = number)]
    pub(crate) clip: Option<f64>,
    /// Share of a target's probability that is spread over the vocabulary, in training; 0 for none [0]
    #[arg(long, value_name = "X", value_parser = number)]
    pub(crate) label_smoothing: Option<f64>,
    /// Keep a moving average of the weights that forgets at this rate, as 0.999: it is evaluated and kept; 0 for none [0]
    #[arg(long, value_name = "X", value_parser = number)]
    pub(crate) ema: Option<f64>,
    /// Stop early after so many evaluations in a row that are no better than the best; 0 for never [0]
    #[arg(long, value_name = "N")]
    pub(crate) patience: Option<usize>,
    /// Evaluate after so many steps; the best model is kept [250]
    #[arg(long, value_name = "N", value_parser = count)]
    pub(crate) evaluate_every: Option<usize>,
    /// Save after so many steps [250]
    #[arg(long, value_name = "N", value_parser = count)]
    pub(crate) save_every: Option<usize>,
}

/// Write text with a trained model
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rungs generate runs/book --prompt 'It was ' --max-tokens 500 --temperature 0.8 --top-k 20
  rungs generate runs/book --prompt 'It was ' --greedy
  rungs generate runs/book --n 3 --seed 7 --stop '\\n\\n'
  rungs generate runs/book --prompts questions.txt --json     one prompt a line
  rungs generate runs/book --max-tokens 100000 --stream
  rungs generate runs/gpt2 --prompt-ids 464,1468,582 --beam 4 --max-tokens 40 --json
  rungs generate runs/gpt2 --prompt 'In the year ' --regex '(19|20)\\d\\d[,.] .*' --top-p 0.9
  rungs generate runs/gpt2 --prompt 'It was ' --contrastive 0.6 --max-tokens 100
  rungs generate runs/large --prompt 'It was ' --draft runs/small --stream
  rungs generate runs/translate --source 'I am cold.' --beam 5 --n 3
  rungs generate runs/translate --source 'I am cold.' --plot cold.png
  rungs generate runs/translate --sources english.txt > french.txt
  rungs generate runs/summarise --source 'A long description.' --temperature 0.7")]
pub(crate) struct Generate {
    /// The run folder
    #[arg(value_name = "DIR")]
    pub(crate) run: PathBuf,
    /// What to go on from [default: a line break, or the first token there is]
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["prompts", "prompt_ids"])]
    pub(crate) prompt: Option<String>,
    /// A file with a prompt on each line; - is stdin
    #[arg(long, value_name = "FILE", conflicts_with = "prompt_ids")]
    pub(crate) prompts: Option<PathBuf>,
    /// Token ids to go on from
    #[arg(long, value_name = "N,N,…", value_delimiter = ',')]
    pub(crate) prompt_ids: Option<Vec<u32>>,
    /// What to translate, or to answer, with a run that learnt pairs or dialogues
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["prompt", "prompts", "prompt_ids", "sources"])]
    pub(crate) source: Option<String>,
    /// A file with a text to translate or to answer on each line; - is stdin
    #[arg(long, value_name = "FILE", conflicts_with_all = ["prompt", "prompts", "prompt_ids"])]
    pub(crate) sources: Option<PathBuf>,
    /// How many beginnings a search for the best text keeps; a translation or an answer with 1 is greedy [default: 1]
    #[arg(long, value_name = "N", value_parser = count, help_heading = "Searching")]
    pub(crate) beam: Option<usize>,
    /// A of the score that texts of a search are ranked by, log-probability / tokens^A [default: 1]
    #[arg(long, value_name = "A", value_parser = number, help_heading = "Searching")]
    pub(crate) length_penalty: Option<f64>,
    /// Rank by log-probability / ((5 + tokens) / 6)^A instead, as Wu et al. (2016) do
    #[arg(long, help_heading = "Searching")]
    pub(crate) gnmt: bool,
    /// Part the beam into so many groups, which are to differ
    #[arg(long, value_name = "N", value_parser = count, requires = "beam", help_heading = "Searching")]
    pub(crate) beam_groups: Option<usize>,
    /// What a token loses for each earlier group that chose it at the same place [default: 0.5]
    #[arg(long, value_name = "X", value_parser = number, requires = "beam_groups", help_heading = "Searching")]
    pub(crate) diversity: Option<f64>,
    /// Contrastive search: how much likeness to the text so far counts against a token, from 0 to 1; of the --top-k likeliest
    /// [default of these: 4]
    #[arg(long, value_name = "ALPHA", value_parser = number, help_heading = "Searching")]
    pub(crate) contrastive: Option<f64>,
    /// Draw where the decoder looked as it wrote the best translation, .svg or .png; attention and
    /// transformer only
    #[arg(long, value_name = "FILE", requires = "source", conflicts_with_all = ["prompt", "prompts", "prompt_ids", "sources"])]
    pub(crate) plot: Option<PathBuf>,
    /// The most tokens to write [default: 300; of a translation 100]
    #[arg(long, value_name = "N")]
    pub(crate) max_tokens: Option<usize>,
    /// The least tokens to write before --stop counts, or a token that ends a text
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) min_tokens: usize,
    /// Always the likeliest token
    #[arg(long, conflicts_with_all = ["temperature", "top_k", "top_p", "min_p", "typical"], help_heading = "Choosing")]
    pub(crate) greedy: bool,
    /// Below 1 safer, above 1 wilder [default: 1]
    #[arg(long, value_name = "X", value_parser = number, help_heading = "Choosing")]
    pub(crate) temperature: Option<f64>,
    /// Draw from the so many likeliest tokens only
    #[arg(long, value_name = "N", help_heading = "Choosing")]
    pub(crate) top_k: Option<usize>,
    /// Draw from the likeliest tokens that together have this probability only
    #[arg(long, value_name = "X", value_parser = number, help_heading = "Choosing")]
    pub(crate) top_p: Option<f64>,
    /// Draw from tokens only that are at least so likely beside the likeliest
    #[arg(long, value_name = "X", value_parser = number, help_heading = "Choosing")]
    pub(crate) min_p: Option<f64>,
    /// Draw from the tokens only whose surprise is closest to the expected one and that together have this probability
    #[arg(long, value_name = "X", value_parser = number, help_heading = "Choosing")]
    pub(crate) typical: Option<f64>,
    /// Divide the logits of tokens that were there by this, or multiply them, if they are negative
    #[arg(long, value_name = "X", value_parser = number, help_heading = "Choosing")]
    pub(crate) repetition_penalty: Option<f64>,
    /// Take this off the logits of tokens that were written
    #[arg(long, value_name = "X", value_parser = number, allow_negative_numbers = true, help_heading = "Choosing")]
    pub(crate) presence_penalty: Option<f64>,
    /// Take this off for every time that a token was written
    #[arg(long, value_name = "X", value_parser = number, allow_negative_numbers = true, help_heading = "Choosing")]
    pub(crate) frequency_penalty: Option<f64>,
    /// Never write the same N tokens in a row twice
    #[arg(long, value_name = "N", value_parser = count, help_heading = "Choosing")]
    pub(crate) no_repeat_ngram: Option<usize>,
    /// Write only what matches this regular expression, from its first character to its last
    #[arg(long, value_name = "EXPR", help_heading = "Choosing")]
    pub(crate) regex: Option<String>,
    /// Add X to the logit of the token that says just this text, or of this id; -inf: never write it; may be given several times
    #[arg(long, value_name = "TEXT=X|#ID=X", help_heading = "Choosing")]
    pub(crate) bias: Vec<String>,
    /// A smaller run of the same tokens that writes ahead; texts are as likely as without it, and come sooner if it is often right
    #[arg(long, value_name = "DIR", help_heading = "Speed")]
    pub(crate) draft: Option<PathBuf>,
    /// How many tokens it writes ahead
    #[arg(long, value_name = "N", value_parser = count, default_value_t = 4, requires = "draft", help_heading = "Speed")]
    pub(crate) draft_tokens: usize,
    /// How many texts to write at a time, where there are several
    #[arg(long, value_name = "N", value_parser = count, default_value_t = 8, help_heading = "Speed")]
    pub(crate) batch_size: usize,
    /// End with this text, once it is written; \n and \t are understood; may be given several times
    #[arg(long, value_name = "TEXT")]
    pub(crate) stop: Vec<String>,
    /// How many texts to write for each prompt
    #[arg(long, value_name = "N", value_parser = count, default_value_t = 1)]
    pub(crate) n: usize,
    /// Print every token as soon as it is chosen
    #[arg(long, conflicts_with = "json")]
    pub(crate) stream: bool,
    #[command(flatten)]
    pub(crate) base: Base,
}

/// Talk with a model that learnt dialogues, line by line
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rungs train gpt --dialogue talk.jsonl --tokenizer bpe:2000 --context 128 --out runs/talk
  rungs chat runs/talk
  rungs chat runs/talk --temperature 0.5 --max-tokens 60
  rungs chat runs/talk --greedy < questions.txt > answers.txt

A line is what the user says; the answer goes to stdout while it is written. /reset begins a new conversation, /quit or
Ctrl-D ends it. What was said is remembered as far as it fits the context; then the oldest turns are forgotten, with a
notice. With --json nothing is shown until the end, which is the conversation as a line of a file of dialogues.")]
pub(crate) struct Chat {
    /// The run folder
    #[arg(value_name = "DIR")]
    pub(crate) run: PathBuf,
    #[command(flatten)]
    pub(crate) base: Base,
    /// The most tokens of an answer
    #[arg(long, value_name = "N", value_parser = count, default_value_t = 200)]
    pub(crate) max_tokens: usize,
    /// Always the likeliest token
    #[arg(long, conflicts_with_all = ["temperature", "top_k", "top_p"])]
    pub(crate) greedy: bool,
    /// Below 1 safer, above 1 wilder [default: 0.8]
    #[arg(long, value_name = "X", value_parser = number)]
    pub(crate) temperature: Option<f64>,
    /// Draw from the so many likeliest tokens only
    #[arg(long, value_name = "N")]
    pub(crate) top_k: Option<usize>,
    /// Draw from the likeliest tokens that together have this probability only [default: 0.95]
    #[arg(long, value_name = "X", value_parser = number)]
    pub(crate) top_p: Option<f64>,
}

/// Measure a trained model on a text, or on pairs of texts
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rungs evaluate runs/book --text other.txt
  rungs evaluate runs/book --text - --json < other.txt
  rungs evaluate runs/gpt --text other.txt --stride 16       every token behind a long past
  rungs evaluate runs/gpt --text other.txt --compare runs/lstm
  rungs evaluate runs/translate --pairs test.tsv --beam 5
  rungs evaluate runs/attention --pairs test.tsv --compare runs/seq2seq --compare runs/wide
  rungs evaluate runs/attention --pairs test.tsv --compare runs/seq2seq --plot lengths.svg
  rungs evaluate runs/summaries --pairs test.tsv --stem

Beside the runs stands what needs no model: lead-1 is the first sentence of the source, random one of
its sentences (--seed), copy all of it. If no source has a second sentence, all three are copies.

Scores: BLEU and chrF as sacrebleu has them, from 0 to 100. ROUGE is rouge-score's F, the mean over
the pairs, from 0 to 1 with --json and a hundredfold in the table; its words are of a to z and digits.
distinct-n is the share of different n-grams of words among all that a run wrote, repetition-4 the
share of 4-grams that stood in the same text before. Words are BLEU's.

--compare says how sure the differences are: the pairs (of --text, stretches of 500 bytes or more) are
drawn with replacement 1,000 times (--seed), the same for both runs. The interval holds 95 % of the
differences; p is how likely one so large, in either direction, is by the choice of pairs alone. What
another training run would give is another matter.

--text predicts every token but the first. A recurrent rung has all of the text before it. gpt begins
anew in every window of its context; with --stride N windows begin N tokens after one another, and each
token is predicted once, behind at least context - N + 1 tokens or all there are. Such losses are of
another kind than those of consecutive windows, and are not to be compared with them; they take about
context / N times as long.")]
pub(crate) struct Evaluate {
    /// The run folder
    #[arg(value_name = "DIR")]
    pub(crate) run: PathBuf,
    /// The text, UTF-8; - is stdin
    #[arg(long, value_name = "FILE", required_unless_present = "pairs", conflicts_with = "pairs")]
    pub(crate) text: Option<PathBuf>,
    /// The pairs, a source, a TAB and its target on each line, for a run that learnt pairs or dialogues
    #[arg(long, value_name = "FILE")]
    pub(crate) pairs: Option<PathBuf>,
    /// Which columns of --pairs are source and target, counted from 1 [default: 1,2]
    #[arg(long, value_name = "S,T", requires = "pairs", conflicts_with = "text")]
    pub(crate) columns: Option<Columns>,
    /// How many beginnings a search for the best translation keeps; 1 is greedy
    #[arg(long, value_name = "N", value_parser = count, default_value_t = 1, conflicts_with = "text")]
    pub(crate) beam: usize,
    /// Another run to measure on the same text or pairs, in a column beside this one's, with the differences from this
    /// one; may be given several times
    #[arg(long, value_name = "DIR")]
    pub(crate) compare: Vec<PathBuf>,
    /// Begin the windows of a gpt so many tokens after one another, up to its context [default: its context]
    #[arg(long, value_name = "N", value_parser = count, conflicts_with = "pairs")]
    pub(crate) stride: Option<usize>,
    /// Let ROUGE compare the stems of words, English ones, by Porter's rules
    #[arg(long, conflicts_with = "text")]
    pub(crate) stem: bool,
    /// Show BLEU by the number of words of the source, too
    #[arg(long, conflicts_with = "text")]
    pub(crate) by_length: bool,
    /// Draw BLEU by the number of words of the source, .svg or .png; implies --by-length
    #[arg(long, value_name = "FILE", conflicts_with = "text")]
    pub(crate) plot: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) base: Base,
}

/// Show what a run folder holds: rung, sizes, settings, losses
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rungs info runs/book
  rungs info runs/book --json
  rungs info runs/gpt --compare runs/lstm --plot losses.svg")]
pub(crate) struct Info {
    /// The run folder
    #[arg(value_name = "DIR")]
    pub(crate) run: PathBuf,
    /// Draw how the validation loss fell, over the time of training; an .svg file
    #[arg(long, value_name = "FILE")]
    pub(crate) plot: Option<PathBuf>,
    /// Another run of the same tokens, to be drawn with it; may be given several times
    #[arg(long, value_name = "DIR", requires = "plot")]
    pub(crate) compare: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) base: Base,
}

/// Make a run folder of a model as Hugging Face ships it: GPT-2 or Llama
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rungs import gpt2 models/gpt2 --out runs/gpt2
  rungs import llama models/tiny-llama --out runs/llama
  rungs generate runs/gpt2 --prompt 'The history of text generation ' --top-p 0.95

A folder holds config.json, model.safetensors (or several files with model.safetensors.index.json), and
tokenizer.json or vocab.json with merges.txt. Without a tokenizer the run works in ids. A tokenizer.json of other
than byte pairs needs a program that was built with the feature tokenizers.")]
pub(crate) struct Import {
    /// The architecture
    #[arg(value_name = "gpt2|llama", value_parser = family())]
    pub(crate) family: Family,
    /// The folder of Hugging Face
    #[arg(value_name = "HF_DIR")]
    pub(crate) folder: PathBuf,
    /// The run folder
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
}

/// Write the model of a run folder so that Hugging Face's transformers loads it; gpt only
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rungs export runs/book --out models/book
  rungs export runs/llama --out models/llama --json

In Python: transformers.AutoModelForCausalLM.from_pretrained('models/book')")]
pub(crate) struct Export {
    /// The run folder
    #[arg(value_name = "DIR")]
    pub(crate) run: PathBuf,
    /// The folder to write
    #[arg(long, value_name = "HF_DIR")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) base: Base,
}

/// Make a run folder with a whole model of an adapter, which train --lora left, and the model that it adapts
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rungs merge runs/adapter --out runs/merged
  rungs merge runs/adapter --base models/moved --out runs/merged")]
pub(crate) struct Merge {
    /// The run folder with the adapter
    #[arg(value_name = "DIR")]
    pub(crate) run: PathBuf,
    /// The run folder to write
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) base: Base,
}

/// Where the model of an adapter is.
#[derive(Debug, Args)]
pub(crate) struct Base {
    /// Where the model is that the run's adapter belongs to, if it was moved; it must be that very model
    #[arg(long, value_name = "DIR", display_order = 800)]
    pub(crate) base: Option<PathBuf>,
}

/// Check the gradient of every operation, kernel, layer and model, and print the worst errors as a table
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rungs check
  rungs check --seed 1 --json")]
pub(crate) struct Check {}

fn rung() -> impl TypedValueParser<Value = Rung> {
    PossibleValuesParser::new(Rung::ALL.map(Rung::name)).try_map(|name| name.parse())
}

fn tokenizer(text: &str) -> Result<TokenizerKind, rungs::Error> {
    text.parse()
}

fn tied() -> impl TypedValueParser<Value = Tied> {
    PossibleValuesParser::new(Tied::ALL.map(Tied::name)).try_map(|name| name.parse())
}

fn cell() -> impl TypedValueParser<Value = CellKind> {
    PossibleValuesParser::new(CellKind::ALL.map(CellKind::name)).try_map(|name| name.parse())
}

fn family() -> impl TypedValueParser<Value = Family> {
    let of = |name: String| Family::ALL.into_iter().find(|family| family.name() == name).expect("it is possible");
    PossibleValuesParser::new(Family::ALL.map(Family::name)).map(of)
}

fn architecture() -> impl TypedValueParser<Value = Architecture> {
    PossibleValuesParser::new(Architecture::ALL.map(Architecture::name)).try_map(|name| name.parse())
}

fn norm() -> impl TypedValueParser<Value = NormName> {
    PossibleValuesParser::new(NormName::ALL.map(NormName::name)).try_map(|name| name.parse())
}

fn positions() -> impl TypedValueParser<Value = PositionKind> {
    PossibleValuesParser::new(PositionKind::ALL.map(PositionKind::name)).try_map(|name| name.parse())
}

/// One of some things with names.
fn named<T: Copy + Send + Sync + 'static>(known: &'static [(&'static str, T)]) -> impl TypedValueParser<Value = T> {
    let value = |name: String| known.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
    PossibleValuesParser::new(known.iter().map(|(name, _)| *name)).map(move |name| value(name).expect("it is possible"))
}

/// A whole number of at least 1.
fn count(text: &str) -> Result<usize, String> {
    match text.parse::<usize>() {
        Ok(0) => Err("must be 1 or more".to_owned()),
        Ok(count) => Ok(count),
        Err(error) => Err(error.to_string()),
    }
}

/// A finite number.
fn number(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if number.is_finite() { Ok(number) } else { Err("must be finite".to_owned()) }
}

/// A finite number above 0.
fn positive(text: &str) -> Result<f64, String> {
    match number(text)? {
        number if number > 0.0 => Ok(number),
        _ => Err("must be above 0".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
