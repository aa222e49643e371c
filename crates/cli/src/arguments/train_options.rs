//! The arguments of `rungs train`: a command for each rung, with the options that it has.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use rungs::{Columns, Rung, TokenizerKind};

use super::model_options::{
    AttentionFields, GptOptions, ModelOptions, OfModel, RecurrentFields, Seq2SeqFields, TransformerFields,
};
use super::training_options::TrainingOptions;
use super::value_parsers::{count, number};

/// Train a rung on a text, or on pairs of texts, and keep it in a run folder
#[derive(Debug, Subcommand)]
#[command(subcommand_value_name = "RUNG", subcommand_help_heading = "Rungs", disable_help_subcommand = true)]
#[command(after_help = "\
Examples:
  rungs train lstm --text book.txt --out runs/book
  rungs train gpt --text book.txt --out runs/gpt --layers 6 --width 192 --heads 6 --dropout 0.2
  rungs train gpt --text book.txt --preset llama --key-heads 2 --out runs/llama
  rungs train attention --pairs english-french.tsv --tokenizer word --epochs 5 --out runs/translate
  rungs train lstm --out runs/book --resume                 continue after Ctrl-C
  rungs train lstm --out runs/book --resume --steps 5000    train a finished run further

rungs train RUNG --help lists the options of a rung.")]
pub(crate) enum TrainCommand {
    /// A recurrent neural network (Elman 1990), on text or answers
    #[command(after_help = TEXT_EXAMPLES)]
    Rnn(Box<OfRung<DataOptions, OfModel<RecurrentFields>>>),
    /// Long short-term memory (Hochreiter & Schmidhuber 1997), on text or answers
    #[command(after_help = TEXT_EXAMPLES)]
    Lstm(Box<OfRung<DataOptions, OfModel<RecurrentFields>>>),
    /// Gated recurrent units (Cho et al. 2014), on text or answers
    #[command(after_help = TEXT_EXAMPLES)]
    Gru(Box<OfRung<DataOptions, OfModel<RecurrentFields>>>),
    /// A decoder-only Transformer (Radford et al. 2018), on text or answers
    #[command(after_help = "\
Examples:
  rungs train gpt --text book.txt --out runs/gpt --layers 6 --width 192 --heads 6 --dropout 0.2
  rungs train gpt --text book.txt --tokenizer bpe:2000 --out runs/bpe
  rungs train gpt --text book.txt --preset llama --key-heads 2 --out runs/llama
  rungs train gpt --from runs/gpt2 --text book.txt --batch-size 1 --lr 0.00003 --out runs/tuned
  rungs train gpt --from runs/gpt2 --text book.txt --batch-size 1 --lora 8 --out runs/adapter
  rungs train gpt --from runs/gpt --pairs summaries.tsv --epochs 3 --lr 0.0003 --out runs/summarise
  rungs train gpt --pairs english-french.tsv --template '{source} = {target}\\n' --context 200 --out runs/prompted
  rungs train gpt --from runs/gpt --dialogue talk.jsonl --epochs 3 --out runs/talk")]
    Gpt(Box<OfRung<DataOptions, GptOptions>>),
    /// Sequence to sequence (Sutskever et al. 2014), on pairs of texts
    #[command(after_help = PAIR_EXAMPLES)]
    Seq2seq(Box<OfRung<PairOptions, OfModel<Seq2SeqFields>>>),
    /// Sequence to sequence with attention (Bahdanau et al. 2014; Luong et al. 2015), on pairs of texts
    #[command(after_help = PAIR_EXAMPLES)]
    Attention(Box<OfRung<PairOptions, OfModel<AttentionFields>>>),
    /// An encoder-decoder Transformer (Vaswani et al. 2017), on pairs of texts
    #[command(after_help = "\
Examples:
  rungs train transformer --pairs english-french.tsv --tokenizer word --epochs 5 --out runs/translate
  rungs train transformer --pairs english-french.tsv --tokenizer bpe:8000 --tied all --dropout 0.1 --out runs/bpe")]
    Transformer(Box<OfRung<PairOptions, OfModel<TransformerFields>>>),
}

const TEXT_EXAMPLES: &str = "\
Examples:
  rungs train lstm --text book.txt --out runs/book
  rungs train rnn --text book.txt --epochs 3 --optimizer rmsprop --lr 0.002 --out runs/rnn
  cat *.txt | rungs train lstm --text - --out runs/all
  rungs train lstm --out runs/book --resume                 continue after Ctrl-C
  rungs train lstm --out runs/book --resume --steps 5000    train a finished run further";

const PAIR_EXAMPLES: &str = "\
Examples:
  rungs train attention --pairs english-french.tsv --tokenizer word --epochs 5 --out runs/translate
  rungs train attention --out runs/translate --resume       continue after Ctrl-C";

/// The options of a rung, with those of its data and of its model.
#[derive(Debug, Args)]
pub(crate) struct OfRung<D: Args, M: Args> {
    #[command(flatten)]
    data: D,
    #[command(flatten)]
    run: RunOptions,
    #[command(flatten, next_help_heading = "Model")]
    model: M,
    #[command(flatten, next_help_heading = "Training")]
    training: TrainingOptions,
}

impl<D: Args + Into<DataOptions>, M: Args + ModelOptions + 'static> OfRung<D, M> {
    fn of(self, rung: Rung) -> Train {
        let Self { data, run, model, training } = self;
        Train { rung, data: data.into(), run, model: Box::new(model), training }
    }
}

/// The options of `rungs train`, whatever the rung.
#[derive(Debug)]
pub(crate) struct Train {
    pub(crate) rung: Rung,
    pub(crate) data: DataOptions,
    pub(crate) run: RunOptions,
    pub(crate) model: Box<dyn ModelOptions>,
    pub(crate) training: TrainingOptions,
}

impl From<TrainCommand> for Train {
    fn from(command: TrainCommand) -> Self {
        match command {
            TrainCommand::Rnn(options) => options.of(Rung::Rnn),
            TrainCommand::Lstm(options) => options.of(Rung::Lstm),
            TrainCommand::Gru(options) => options.of(Rung::Gru),
            TrainCommand::Gpt(options) => options.of(Rung::Gpt),
            TrainCommand::Seq2seq(options) => options.of(Rung::Seq2seq),
            TrainCommand::Attention(options) => options.of(Rung::Attention),
            TrainCommand::Transformer(options) => options.of(Rung::Transformer),
        }
    }
}

/// The options of the data of a language model, which those of [pairs](PairOptions) become as well.
#[derive(Debug, Default, Args)]
pub(crate) struct DataOptions {
    /// Text to learn, UTF-8; - is stdin [default: the built-in text]
    #[arg(long, value_name = "FILE")]
    pub(crate) text: Option<PathBuf>,
    /// Pairs to learn, a source, a TAB and its target on each line, which --template makes texts
    #[arg(long, value_name = "FILE", conflicts_with = "text")]
    pub(crate) pairs: Option<PathBuf>,
    /// Columns of --pairs that are source and target, counted from 1 [default: 1,2]
    #[arg(long, value_name = "S,T", requires = "pairs", conflicts_with_all = ["text", "dialogue"])]
    pub(crate) columns: Option<Columns>,
    /// Dialogues to learn the assistant's part of, one a line: {"turns": [{"role": "user", "text": "…"}, {"role":
    /// "assistant", "text": "…"}]}
    #[arg(long, value_name = "FILE.jsonl", conflicts_with_all = ["text", "pairs"])]
    pub(crate) dialogue: Option<PathBuf>,
    /// Text around source and target of --pairs, or around each turn of --dialogue; \n and \t are understood. What
    /// follows the second place ends an answer, unless the vocabulary has a token for that [default: '{source}\n=>
    /// {target}\n', '{role}: {text}\n']
    #[arg(long, value_name = "TEXT")]
    pub(crate) template: Option<String>,
    /// Separator of the documents of the text, as '<|endoftext|>', or '\n\n' for empty lines: one token, wherever it
    /// stands; with bpe:N it is made one
    #[arg(long, value_name = "TEXT")]
    pub(crate) documents: Option<String>,
    /// Read the text from disk in pieces and train from a file of its tokens, as texts of 64 MiB and more are anyway.
    /// The result is the same
    #[arg(long)]
    pub(crate) stream: bool,
    /// Folder for the file of tokens, which other runs can share; implies --stream [default: ids in the run folder]
    #[arg(long, value_name = "DIR")]
    pub(crate) cache: Option<PathBuf>,
    /// Options of translators alone, copied from [`PairOptions`].
    #[arg(skip)]
    pub(crate) min_count: Option<usize>,
    #[arg(skip)]
    pub(crate) lower_case: Option<bool>,
}

/// The data of a translator.
#[derive(Debug, Args)]
pub(crate) struct PairOptions {
    /// Pairs to learn, a source, a TAB and its target on each line [default: dates written in many ways, and in one]
    #[arg(long, value_name = "FILE")]
    pairs: Option<PathBuf>,
    /// Columns of --pairs that are source and target, counted from 1 [default: 1,2]
    #[arg(long, value_name = "S,T", requires = "pairs")]
    columns: Option<Columns>,
    /// Occurrences that a word or character needs to be in the vocabulary
    #[arg(long, value_name = "N", value_parser = count)]
    min_count: Option<usize>,
    /// Make texts lower-case
    #[arg(long, value_name = "BOOL")]
    lower_case: Option<bool>,
}

impl From<PairOptions> for DataOptions {
    fn from(PairOptions { pairs, columns, min_count, lower_case }: PairOptions) -> Self {
        Self { pairs, columns, min_count, lower_case, ..Self::default() }
    }
}

/// The options of every rung but for its data, its model and its training.
#[derive(Debug, Args)]
pub(crate) struct RunOptions {
    /// The run folder [default: runs/RUNG]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Continue the run in --out
    #[arg(long, conflicts_with_all = ["config", "preset"])]
    pub(crate) resume: bool,
    /// Start from the weights and the tokenizer of another run, trained here or imported
    #[arg(long, value_name = "DIR", conflicts_with_all = ["tokenizer", "preset"])]
    pub(crate) from: Option<PathBuf>,
    /// Take the settings of a config.json, of a run or written by hand; other options change them. A run keeps epochs
    /// as steps
    #[arg(long, value_name = "FILE", conflicts_with = "preset")]
    pub(crate) config: Option<PathBuf>,
    /// Validation data, instead of a part of the training data
    #[arg(long, value_name = "FILE", conflicts_with = "validation_split")]
    pub(crate) validation: Option<PathBuf>,
    /// Fraction to hold out for validation: the end of a text, the pairs of some sources, or dialogues that begin with
    /// some turns
    #[arg(long, value_name = "F", value_parser = number)]
    pub(crate) validation_split: Option<f64>,
    /// Tokens of a training window (gpt: block size; rnn, lstm, gru: truncated backpropagation). Of pairs the most
    /// tokens of a source or target, with a template of both; longer ones are left out, and of longer dialogues the
    /// first turns
    #[arg(long, value_name = "N", value_parser = count)]
    pub(crate) context: Option<usize>,
    /// Tokenizer: characters, words, N byte pairs learnt from the data, or the tokenizer in a folder, of a run or of
    /// Hugging Face (byte pairs; any, if built with the feature tokenizers)
    #[arg(long, value_name = "char|word|bpe:N|DIR")]
    pub(crate) tokenizer: Option<TokenizerKind>,
}
