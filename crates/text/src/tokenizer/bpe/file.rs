//! `tokenizer.json` as Hugging Face's `tokenizers` writes it: what is read of it, and what is written.
//!
//! The parts that describe steps (normalizer, pre-tokenizer, post-processor, decoder) are kept as they are, so that a
//! file that was read is written with all that it said.

use super::added::AddedToken;
use super::merges::Pair;
use super::steps::Steps;
use crate::error::TokenizerError;
use crate::tokenizer::token_list::check_size;
use serde::de::{Error as _, IgnoredAny};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

/// The content of a `tokenizer.json`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::tokenizer) struct File {
    version: String,
    #[serde(default)]
    pub(super) truncation: Value,
    #[serde(default)]
    pub(super) padding: Value,
    #[serde(default)]
    pub(super) added_tokens: Vec<AddedToken>,
    #[serde(default)]
    pub(super) normalizer: Value,
    #[serde(default)]
    pub(super) pre_tokenizer: Value,
    #[serde(default)]
    pub(super) post_processor: Value,
    #[serde(default)]
    pub(super) decoder: Value,
    pub(super) model: Model,
}

/// The vocabulary and the merges.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Model {
    #[serde(rename = "type", default = "bpe")]
    kind: String,
    dropout: Option<f64>,
    pub(super) unk_token: Option<String>,
    continuing_subword_prefix: Option<String>,
    end_of_word_suffix: Option<String>,
    #[serde(default)]
    pub(super) fuse_unk: bool,
    #[serde(default)]
    pub(super) byte_fallback: bool,
    #[serde(default)]
    pub(super) ignore_merges: bool,
    pub(super) vocab: Vocabulary,
    pub(super) merges: Merges,
}

impl File {
    /// A byte-level tokenizer.
    pub(super) fn byte_level(tokens: Vec<(String, u32)>, merges: Vec<[String; 2]>, added: Vec<AddedToken>) -> Self {
        let step = json!({ "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true });
        let (vocab, merges) = (Vocabulary(tokens), Merges(merges));
        Self {
            version: "1.0".to_owned(),
            added_tokens: added,
            pre_tokenizer: step.clone(),
            decoder: step,
            model: Model { kind: bpe(), vocab, merges, ..Model::default() },
            ..Self::default()
        }
    }

    /// The same with one space before every text, which decoding takes off again.
    pub(super) fn with_space_before_texts(self) -> Self {
        let strip = json!({ "type": "Strip", "content": " ", "start": 1, "stop": 0 });
        Self {
            normalizer: json!({ "type": "Prepend", "prepend": " " }),
            decoder: json!({ "type": "Sequence", "decoders": [self.decoder, strip] }),
            ..self
        }
    }

    /// That nothing is asked for that is not done here.
    pub(super) fn check(&self) -> Result<(), TokenizerError> {
        let Model { dropout, continuing_subword_prefix, end_of_word_suffix, .. } = &self.model;
        let asked = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
        let given = [
            ("dropout", dropout.is_some_and(|dropout| dropout != 0.0)),
            ("continuing_subword_prefix", asked(continuing_subword_prefix)),
            ("end_of_word_suffix", asked(end_of_word_suffix)),
        ];
        match given.into_iter().find(|(_, given)| *given) {
            Some((name, _)) => Err(TokenizerError::Unsupported(format!("the model's {name} is not known here"))),
            None => Ok(()),
        }
    }

    /// What is done to a text before anything is merged.
    pub(super) fn steps(&self) -> Result<Steps, TokenizerError> {
        let added_tokens = self.added_tokens.iter().any(|token| token.normalized);
        Steps::new(&self.normalizer, &self.pre_tokenizer, added_tokens).map_err(TokenizerError::Unsupported)
    }

    /// The id of every token of the model.
    pub(super) fn ids(&self) -> HashMap<String, u32> {
        self.model.vocab.0.iter().cloned().collect()
    }

    /// The token of every id as the file spells it; none where there is none. Of an added token that is looked for in
    /// the normalized text it is what `normalize` makes of it. `ids` are those of the model's tokens.
    pub(super) fn tokens(
        &self,
        ids: &HashMap<String, u32>,
        normalize: impl Fn(&str) -> Result<String, TokenizerError>,
    ) -> Result<Vec<Option<Cow<'_, str>>>, TokenizerError> {
        let added = self.added_tokens.iter().map(|token| (&token.content, token.id));
        let tokens: Vec<_> = self.model.vocab.0.iter().map(|(token, id)| (token, *id)).chain(added).collect();
        let size = tokens.iter().map(|&(_, id)| id as usize + 1).max().unwrap_or(0);
        check_ids(tokens.len(), size)?;
        let mut all: HashMap<&str, u32> = HashMap::with_capacity(tokens.len());
        let mut spelled: Vec<Option<Cow<'_, str>>> = vec![None; size];
        for (token, id) in tokens {
            let before = spelled[id as usize].replace(token.into());
            if let Some(before) = before.filter(|before| before != token) {
                let problem = format!("the tokens {before:?} and {token:?} have one id, {id}");
                return Err(TokenizerError::Json(problem));
            }
            if let Some(first) = all.insert(token, id).filter(|&first| first != id) {
                return Err(TokenizerError::Duplicate { token: token.clone(), first, second: id });
            }
        }
        // The library passes over the ids that a file gives to added tokens: those behind the model's are counted.
        let mut others: HashMap<&str, u32> = HashMap::new();
        let added = self.added_tokens.iter().filter(|token| !token.content.is_empty());
        for AddedToken { content, id, normalized, .. } in added {
            let next = (ids.len() + others.len()) as u32;
            let given = ids.get(content).copied().unwrap_or_else(|| *others.entry(content).or_insert(next));
            if given != *id {
                let problem =
                    format!("its token {content:?} has the id {id}, where Hugging Face's library has {given}");
                return Err(TokenizerError::Unsupported(problem));
            }
            if *normalized {
                let text = normalize(content)?;
                if text.is_empty() {
                    let problem = format!("nothing is left of its token {content:?} in a normalized text");
                    return Err(TokenizerError::Unsupported(problem));
                }
                spelled[*id as usize] = Some(text.into());
            }
        }
        Ok(spelled)
    }

    /// The merges by ids: which two, and what they become.
    pub(super) fn ranked(&self, ids: &HashMap<String, u32>) -> Result<Vec<(Pair, u32)>, TokenizerError> {
        let by_ids = |(number, [left, right]): (usize, &[String; 2])| {
            let id = |token: &str| {
                let problem = || format!("merge {number}: the token {token:?} is not in the vocabulary");
                ids.get(token).copied().ok_or_else(|| TokenizerError::Json(problem()))
            };
            Ok(((id(left)?, id(right)?), id(&[left.as_str(), right].concat())?))
        };
        (1..).zip(&self.model.merges.0).map(by_ids).collect()
    }
}

/// Checks how many tokens and ids a vocabulary has.
pub(in crate::tokenizer) fn check_ids(tokens: usize, size: usize) -> Result<(), TokenizerError> {
    check_size(size)?;
    // Every id costs a row of a model's parameters, so a few may be missing, but not most.
    match size <= 2 * tokens {
        true => Ok(()),
        false => Err(TokenizerError::Json(format!("its {tokens} tokens have ids up to {}", size - 1))),
    }
}

/// The most tokens of a text, if texts are truncated.
///
/// # Errors
/// If texts are padded, otherwise than to the longest that is encoded at a time, or something is malformed.
pub(in crate::tokenizer) fn most_tokens(truncation: &Value, padding: &Value) -> Result<Option<usize>, TokenizerError> {
    let pads =
        !padding.is_null() && (padding["strategy"] != "BatchLongest" || !padding["pad_to_multiple_of"].is_null());
    if pads {
        return Err(TokenizerError::Unsupported("padding to a fixed length is not known here".to_owned()));
    }
    match (truncation, truncation["max_length"].as_u64()) {
        (Value::Null, _) => Ok(None),
        (_, Some(most)) => Ok(Some(most as usize)),
        (_, None) => Err(TokenizerError::Json("its truncation has no max_length".to_owned())),
    }
}

/// Checks that a text is not truncated to `most` tokens.
pub(in crate::tokenizer) fn check_length(tokens: usize, most: Option<usize>) -> Result<(), TokenizerError> {
    match most {
        Some(most) if tokens > most => Err(TokenizerError::Truncated { tokens, most }),
        _ => Ok(()),
    }
}

/// The tokens that a post-processor puts before a text.
pub(in crate::tokenizer) fn beginning(post_processor: &Value) -> Vec<&str> {
    fn tokens(step: &Value) -> Option<Vec<&str>> {
        match step["type"].as_str()? {
            "TemplateProcessing" => {
                let before = step["single"].as_array()?.iter().take_while(|piece| piece.get("Sequence").is_none());
                Some(before.filter_map(|piece| piece["SpecialToken"]["id"].as_str()).collect())
            }
            "RobertaProcessing" | "BertProcessing" => Some(vec![step["cls"][0].as_str()?]),
            _ => None,
        }
    }
    let steps = match post_processor["processors"].as_array() {
        Some(steps) if post_processor["type"] == "Sequence" => steps.as_slice(),
        _ => std::slice::from_ref(post_processor),
    };
    steps.iter().find_map(tokens).unwrap_or_default()
}

fn bpe() -> String {
    "BPE".to_owned()
}

/// That the model of a file is byte-pair encoding, before anything else is looked at. Older files do not say what it
/// is.
pub(super) fn check_kind(json: &str) -> Result<(), TokenizerError> {
    #[derive(Deserialize)]
    struct Outline {
        model: Kind,
    }
    #[derive(Deserialize)]
    struct Kind {
        #[serde(rename = "type")]
        kind: Option<String>,
        merges: Option<IgnoredAny>,
    }
    let Outline { model: Kind { kind, merges } } = serde_json::from_str(json).map_err(TokenizerError::json)?;
    match kind.unwrap_or_else(|| if merges.is_some() { bpe() } else { "without a type".to_owned() }) {
        kind if kind == bpe() => Ok(()),
        kind => Err(TokenizerError::Unsupported(format!("its model is {kind}, and only BPE is known here"))),
    }
}

/// Tokens and their ids, in the order of ids. In the file it is an object.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Vocabulary(pub(super) Vec<(String, u32)>);

impl Vocabulary {
    pub(super) fn of(ids: BTreeMap<String, u32>) -> Self {
        let mut tokens: Vec<_> = ids.into_iter().collect();
        tokens.sort_by_key(|&(_, id)| id); // stable: of two tokens with one id the order is that of the map
        Self(tokens)
    }
}

impl Serialize for Vocabulary {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.0.iter().map(|(token, id)| (token, id)))
    }
}

impl<'de> Deserialize<'de> for Vocabulary {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        BTreeMap::deserialize(from).map(Self::of)
    }
}

/// Merges in the order of their ranks. In the file each is `"a b"` or, since a token may hold a space, `["a", "b"]`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Merges(pub(super) Vec<[String; 2]>);

impl Serialize for Merges {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0.iter().flatten().any(|token| token.contains(' ')) {
            true => to.collect_seq(&self.0),
            false => to.collect_seq(self.0.iter().map(|pair| pair.join(" "))),
        }
    }
}

impl<'de> Deserialize<'de> for Merges {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Merge {
            Pair([String; 2]),
            Line(String),
        }
        let pair = |merge| match merge {
            Merge::Pair(pair) => Ok(pair),
            Merge::Line(line) => {
                two_tokens(&line).ok_or_else(|| D::Error::custom(format!("the merge {line:?} is not two tokens")))
            }
        };
        Vec::<Merge>::deserialize(from)?.into_iter().map(pair).collect::<Result<_, _>>().map(Self)
    }
}

/// The two tokens of a line with one space between them.
pub(super) fn two_tokens(line: &str) -> Option<[String; 2]> {
    let (left, right) = line.split_once(' ')?;
    let two = !left.is_empty() && !right.is_empty() && !right.contains(' ');
    two.then(|| [left.to_owned(), right.to_owned()])
}
