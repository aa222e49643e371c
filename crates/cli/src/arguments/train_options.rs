//! The arguments of `rungs train`.

use std::path::PathBuf;

use clap::Args;
use rungs::layers::{Activation, NormPosition, Score};
use rungs::models::Style;
use rungs::settings::{
    ACTIVATIONS, Architecture, NORM_POSITIONS, NormName, PositionKind, SCORES, STYLES, Targets, Tied,
};
use rungs::{CellKind, Columns, Rung, TokenizerKind};

use super::value_parsers::{
    architecture, cell, count, named, norm, number, positions, positive, rung, tied, tokenizer,
};

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
    /// The pairs to learn, a source, a TAB and its target on each line. To rnn, lstm, gru and gpt a source is the
    /// beginning of a text, and they learn how it goes on (--template) [seq2seq, attention, transformer: dates written
    /// in many ways, and in one]
    #[arg(long, value_name = "FILE", conflicts_with = "text")]
    pub(crate) pairs: Option<PathBuf>,
    /// Which columns of --pairs are source and target, counted from 1 [default: 1,2]
    #[arg(long, value_name = "S,T", requires = "pairs", conflicts_with_all = ["text", "dialogue"])]
    pub(crate) columns: Option<Columns>,
    /// Dialogues to learn the assistant's part of, one a line: {"turns": [{"role": "user", "text": "…"}, {"role":
    /// "assistant", "text": "…"}]}; rnn, lstm, gru and gpt only
    #[arg(long, value_name = "FILE.jsonl", conflicts_with_all = ["text", "pairs"])]
    pub(crate) dialogue: Option<PathBuf>,
    /// What stands around source and target of --pairs, or around each turn of --dialogue; \n and \t are understood.
    /// What is behind the second place ends an answer, unless the vocabulary has a token for that; rnn, lstm, gru and
    /// gpt only [default: '{source}\n=> {target}\n', '{role}: {text}\n']
    #[arg(long, value_name = "TEXT")]
    pub(crate) template: Option<String>,
    /// What stands between the documents of the text, as '<|endoftext|>', or '\n\n' for empty lines: one token,
    /// wherever it stands; with bpe:N it is made one
    #[arg(long, value_name = "TEXT")]
    pub(crate) documents: Option<String>,
    /// Read the text from the disk in pieces and train from a file of its tokens, however small the text; without it,
    /// files of 64 MiB and more are. The result is the same
    #[arg(long)]
    pub(crate) stream: bool,
    /// Where the file of tokens is, to be used by other runs too; implies --stream [default: the folder ids in the run
    /// folder]
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
    /// The share to validate on: the end of a text, the pairs of some sources, or dialogues that begin with some turns
    /// [default: 0.1]
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
    /// Leave the model as it is and train adapters, two small matrices of this rank beside each of its matrices; the
    /// run folder holds them alone
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
    /// Width inside the feed-forward layers [gpt, transformer: 4 times --hidden; llama: 8/3 times, up to a multiple of
    /// 8]
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
    /// Whether training computes each block again on the way back: less memory, a third more time, the same result
    /// [false]
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
    /// Tokens of a training window: how far a gpt looks back, and gradients in the others [50; gpt: 64]. The most
    /// tokens of a source or target, or of both with their template; longer pairs are left out, and of longer dialogues
    /// the first turns
    #[arg(long, value_name = "N", value_parser = count)]
    pub(crate) context: Option<usize>,
    /// Whether the embedding (of the decoder) is the head too; in seq2seq and attention --embedding and --hidden are
    /// equal then. With all it is the encoder's as well; transformer with byte pairs only [false; gpt, transformer:
    /// true; llama: false]
    #[arg(long, value_name = "false|true|all", value_parser = tied())]
    pub(crate) tied: Option<Tied>,
    /// Probability of dropping, in training [0]
    #[arg(long, value_name = "P", value_parser = number)]
    pub(crate) dropout: Option<f64>,
    /// What becomes a token: char, word, bpe:N for a vocabulary of N byte pairs learnt from the text, or a folder, of a
    /// run or of Hugging Face, whose tokenizer is taken (byte pairs; any, if built with the feature tokenizers) [char]
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
    /// Steps in which the learning rate climbs; cosine and noam only [cosine: 0, gpt: 100, transformer: 200; noam:
    /// 4000; or a tenth of a short run]
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
    /// Keep a moving average of the weights that forgets at this rate, as 0.999: it is evaluated and kept; 0 for none
    /// [0]
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
