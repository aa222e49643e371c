//! The arguments of `rungs generate`.

use std::path::PathBuf;

use clap::Args;

use super::run_folder::RunFolder;
use super::value_parsers::{count, number};

/// Write text with a trained model
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  rungs generate runs/book --prompt 'It was ' --max-tokens 500 --temperature 0.8 --top-k 20
  rungs generate runs/book --prompt 'It was ' --greedy
  rungs generate runs/book --n 3 --seed 7 --stop '\\n\\n'
  rungs generate runs/book --prompts questions.txt --json     one prompt a line
  rungs generate runs/book --max-tokens 100000 --stream
  rungs generate runs/gpt2 --prompt-ids 464,1468,582 --beam 4 --max-tokens 40 --json
  rungs generate runs/gpt2 --prompt 'In the year ' --regex '(19|20)\\d\\d[,.] .*' --top-p 0.9
  rungs generate runs/llama --prompt 'It was' --use-generation-config
  rungs generate runs/gpt2 --prompt 'It was ' --contrastive 0.6 --max-tokens 100
  rungs generate runs/large --prompt 'It was ' --draft runs/small --stream
  rungs generate runs/translate --source 'I am cold.' --beam 5 --n 3
  rungs generate runs/translate --source 'I am cold.' --plot cold.svg
  rungs generate runs/translate --sources english.txt > french.txt
  rungs generate runs/summarise --source 'A long description.' --temperature 0.7")]
pub(crate) struct Generate {
    /// Prompt to continue [default: the token that begins a text, a line break, or the first token there is]
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
    /// When the search is over: if no beginning, as it stands, is better than the worst of N texts (false), as soon as
    /// there are N (true), or if none can become better (never); not of translations [default: false]
    #[arg(long, value_name = "WHEN", value_parser = ["false", "true", "never"], requires = "beam",
        help_heading = "Searching")]
    pub(crate) early_stopping: Option<String>,
    /// Part the beam into so many groups, which are to differ
    #[arg(long, value_name = "N", value_parser = count, requires = "beam", help_heading = "Searching")]
    pub(crate) beam_groups: Option<usize>,
    /// What a token loses for each earlier group that chose it at the same place [default: 0.5]
    #[arg(long, value_name = "X", value_parser = number, requires = "beam_groups", help_heading = "Searching")]
    pub(crate) diversity: Option<f64>,
    /// Contrastive search: how much likeness to the text so far counts against a token, from 0 to 1; of the --top-k
    /// likeliest [default of these: 4]
    #[arg(long, value_name = "ALPHA", value_parser = number, help_heading = "Searching")]
    pub(crate) contrastive: Option<f64>,
    /// Draw where the decoder looked as it wrote the best translation; attention and transformer only
    #[arg(long, value_name = "FILE.svg", requires = "source",
        conflicts_with_all = ["prompt", "prompts", "prompt_ids", "sources"])]
    pub(crate) plot: Option<PathBuf>,
    /// The most tokens to write [default: 300; of a translation 100]
    #[arg(long, value_name = "N")]
    pub(crate) max_tokens: Option<usize>,
    /// The least tokens to write before --stop counts, or a token that ends a text [default: 0]
    #[arg(long, value_name = "N")]
    pub(crate) min_tokens: Option<usize>,
    /// Generate as the model's generation_config.json says, which import has read, where no option says otherwise
    #[arg(long)]
    pub(crate) use_generation_config: bool,
    /// Always the likeliest token
    #[arg(long, conflicts_with_all = ["temperature", "top_k", "top_p", "min_p", "typical"], help_heading = "Choosing")]
    pub(crate) greedy: bool,
    /// Below 1 safer, above 1 wilder; 0 is --greedy [default: 1]
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
    /// Add X to the logit of the token that says just this text, or of this id; -inf: never write it; may be given
    /// several times
    #[arg(long, value_name = "TEXT=X|#ID=X", help_heading = "Choosing")]
    pub(crate) bias: Vec<String>,
    /// A smaller run of the same tokens that writes ahead; texts are as likely as without it, and come sooner if it is
    /// often right
    #[arg(long, value_name = "DIR", help_heading = "Speed")]
    pub(crate) draft: Option<PathBuf>,
    /// How many tokens it writes ahead
    #[arg(long, value_name = "N", value_parser = count, default_value_t = 4, requires = "draft",
        help_heading = "Speed")]
    pub(crate) draft_tokens: usize,
    /// How many texts to write at a time, where there are several
    #[arg(long, value_name = "N", value_parser = count, default_value_t = 8, help_heading = "Speed")]
    pub(crate) batch_size: usize,
    /// End with this text, once it is written; \n and \t are understood; may be given several times
    #[arg(long, value_name = "TEXT")]
    pub(crate) stop: Vec<String>,
    /// How many texts to write for each prompt, up to 10,000 [default: 1]
    #[arg(long, value_name = "N", value_parser = count)]
    pub(crate) n: Option<usize>,
    /// Print every token as soon as it is chosen
    #[arg(long, conflicts_with = "json")]
    pub(crate) stream: bool,
    #[command(flatten)]
    pub(crate) saved: RunFolder,
}
