//! The arguments of `rungs evaluate`.

use std::path::PathBuf;

use clap::Args;
use rungs::Columns;
use rungs::measures::{BleuTokenizer, Stemming, WordRules};

use super::run_folder::RunFolder;
use super::value_parsers::{count, variant};

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
  rungs evaluate runs/chinese --pairs test.tsv --bleu-tokenizer zh

Beside the runs stands what needs no model: lead-1 is the first sentence of the source, random one of
its sentences (--seed), copy all of it. If no source has a second sentence, all three are copies.

Scores: BLEU and chrF as sacrebleu has them, from 0 to 100. ROUGE is rouge-score's F, the mean over
the pairs, from 0 to 1 with --json and a hundredfold in the table; its words are of a to z and digits.
distinct-n is the share of different n-grams of words among all that a run wrote, repetition-4 the
share of 4-grams that stood in the same text before. Words are BLEU's: those of mteval-v13a (13a), which
need spaces between them; or, with --bleu-tokenizer, Chinese characters (zh), or all characters (char),
as suits Japanese or Thai. Only scores by the same tokenizer can be compared.

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
    /// Tokenizer whose tokens are the words of BLEU, distinct-n and repetition-4
    #[arg(long, value_name = "NAME", value_parser = variant::<BleuTokenizer>(), default_value = "13a",
        conflicts_with = "text")]
    pub(crate) bleu_tokenizer: BleuTokenizer,
    /// Let ROUGE compare the stems of words, English ones, by Porter's rules
    #[arg(long, conflicts_with = "text")]
    pub(crate) stem: bool,
    /// Show BLEU by the number of words of the source, too
    #[arg(long, conflicts_with = "text")]
    pub(crate) by_length: bool,
    /// Draw BLEU by the number of words of the source; implies --by-length
    #[arg(long, value_name = "FILE.svg", conflicts_with = "text")]
    pub(crate) plot: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) saved: RunFolder,
}

impl Evaluate {
    /// Tokenization of BLEU and stemming of ROUGE.
    pub(crate) fn word_rules(&self) -> WordRules {
        WordRules { bleu: self.bleu_tokenizer, stemming: if self.stem { Stemming::Porter } else { Stemming::No } }
    }
}
