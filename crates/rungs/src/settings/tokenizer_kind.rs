//! What becomes a token, as the program's option says it.

use crate::Error;
use crate::text::TokenizerError;
use crate::text::tokenizer::BpeTokenizer;
use crate::text::tokenizer::sentence::SPECIAL;
use crate::trainer::TrainError;
use crate::trainer::error::setting;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// What becomes a token. Written `char`, `word`, `bpe:8000`, or as the path of a folder.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TokenizerKind {
    /// Every character.
    Char,
    /// Every word and every mark.
    Word,
    /// What byte-pair encoding learns from the text, in a vocabulary of this size.
    Bpe(usize),
    /// What another run or a pre-trained model has for tokens; its folder.
    Folder(PathBuf),
}

impl TokenizerKind {
    /// Whether sources and targets of pairs get a vocabulary each.
    pub(super) fn is_learnt_apart(&self) -> bool {
        matches!(self, Self::Char | Self::Word)
    }

    /// Checks that there can be such a vocabulary, for a translator or for a language model.
    pub(super) fn validate(&self, translates: bool) -> Result<(), TrainError> {
        let Self::Bpe(size) = *self else { return Ok(()) };
        let least = BpeTokenizer::SMALLEST + if translates { SPECIAL.len() } else { 0 };
        setting("tokenizer", size >= least, || TokenizerError::TooSmall { size, least }.to_string())
    }
}

impl fmt::Display for TokenizerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Char => f.pad("char"),
            Self::Word => f.pad("word"),
            Self::Bpe(size) => f.pad(&format!("bpe:{size}")),
            Self::Folder(path) => path.display().fmt(f),
        }
    }
}

impl FromStr for TokenizerKind {
    type Err = Error;

    /// A path is made absolute: from wherever a run goes on, the folder is where it was.
    fn from_str(text: &str) -> Result<Self, Error> {
        let size = text.strip_prefix("bpe").filter(|rest| rest.is_empty() || rest.starts_with(':'));
        match (text, size) {
            ("char", _) => Ok(Self::Char),
            ("word", _) => Ok(Self::Word),
            (_, Some(size)) => match size.trim_start_matches(':').parse() {
                Ok(size) => Ok(Self::Bpe(size)),
                Err(_) => Err(Error::setting("tokenizer", format!("bpe needs a size, as in bpe:8000, not {text:?}"))),
            },
            ("", _) => Err(Error::setting("tokenizer", "must be char, word, bpe:N or a folder, not nothing")),
            _ => Ok(Self::Folder(std::path::absolute(text).unwrap_or_else(|_| text.into()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for text in ["char", "word", "bpe:8000", "/models/gpt2", "/bpe:8000"] {
            assert_eq!(text.parse::<TokenizerKind>().unwrap().to_string(), text);
        }
        assert_eq!("bpe:300".parse::<TokenizerKind>().unwrap(), TokenizerKind::Bpe(300));
        let TokenizerKind::Folder(path) = "models/bpe".parse().unwrap() else { panic!("a folder") };
        assert!(path.is_absolute() && path.ends_with("models/bpe"));
        for text in ["bpe", "bpe:", "bpe:many", "bpe:-1"] {
            let error = text.parse::<TokenizerKind>().unwrap_err().to_string();
            assert_eq!(error, format!("tokenizer: bpe needs a size, as in bpe:8000, not {text:?}"));
        }
    }

    #[test]
    fn a_vocabulary_holds_at_least_the_bytes_and_a_pair() {
        let least = |translates| (0..).find(|&size| TokenizerKind::Bpe(size).validate(translates).is_ok());
        assert_eq!((least(false), least(true)), (Some(257), Some(261)));
    }
}
