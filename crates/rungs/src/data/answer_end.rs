//! What ends an answer: a token, or a text.

use crate::Error;
use crate::settings::Settings;
use crate::text::Tokenizer;
use crate::text::tokenizer::Passage;

/// The token that ends what is written, as vocabularies call it. The first is that of byte pairs which are learnt here.
pub(super) const ENDS: [&str; 3] = ["<|endoftext|>", "</s>", "<|end_of_text|>"];

/// End of an answer, or of another text.
#[derive(Clone, Debug, Default)]
pub(crate) struct End {
    /// Token ids that are learnt as the end.
    pub(crate) ids: Vec<u32>,
    /// The tokens each of which ends an answer; none if it takes several.
    pub(crate) tokens: Vec<u32>,
    /// Text of the tokens, where the vocabulary has no special token for an end.
    pub(crate) text: Option<String>,
}

impl End {
    /// The end of a vocabulary, or what stands behind the second place of a template.
    pub(super) fn new(settings: &Settings, tokenizer: &Tokenizer, after: String) -> Result<Self, Error> {
        if let [first, ..] = settings.data.end[..] {
            return Ok(Self { ids: vec![first], tokens: settings.data.end.clone(), text: None });
        }
        if let Tokenizer::Bpe(tokenizer) = tokenizer {
            let said = |name: &str, added| tokenizer.encode_passage(name, Passage { begins: false, added });
            let token = |name: &&str| match said(name, true).ok()?[..] {
                [id] if said(name, false).ok()? != [id] => Some(id),
                _ => None,
            };
            if let Some(id) = ENDS.iter().find_map(token) {
                return Ok(Self { ids: vec![id], tokens: vec![id], text: None });
            }
        }
        if after.is_empty() {
            let problem = "something must end an answer, and neither stands anything behind its place nor has this \
                           tokenizer a token for it";
            return Err(Error::setting("template", problem));
        }
        let ids = sayable(tokenizer, &after)?;
        Ok(Self { tokens: if ids.len() == 1 { ids.clone() } else { Vec::new() }, ids, text: Some(after) })
    }

    /// That an answer does not say what is to end it.
    pub(super) fn check(&self, answer: &str) -> Result<(), Error> {
        let Some(end) = &self.text else { return Ok(()) };
        if [answer, end].concat().find(end.as_str()) == Some(answer.len()) {
            return Ok(());
        }
        let begins: String = answer.chars().take(40).collect();
        let more = if begins.len() < answer.len() { "…" } else { "" };
        let problem = format!("an answer ends with {end:?}, and this one says it: {:?}", format!("{begins}{more}"));
        Err(Error::setting("template", problem))
    }
}

/// The tokens of a part of the template, if a tokenizer can say it.
pub(super) fn sayable(tokenizer: &Tokenizer, text: &str) -> Result<Vec<u32>, Error> {
    let ids = tokenizer.encode_passage(text, Passage { begins: false, added: true });
    let ids = ids.map_err(|error| Error::setting("template", error.to_string()))?;
    match tokenizer {
        Tokenizer::Word(words) if words.decode(&ids) != text => {
            let problem = format!("this vocabulary of words cannot say {text:?}: it becomes {:?}", words.decode(&ids));
            Err(Error::setting("template", problem))
        }
        _ => Ok(ids),
    }
}
