//! What ends an answer: a token, or a text.

use crate::Error;
use crate::settings::Settings;
use crate::text::tokenizer::Passage;
use crate::text::{Tokenizer, TokenizerError};

/// The token that ends what is written, as vocabularies call it. The first is that of byte pairs which are learnt here.
pub(super) const ENDS: [&str; 3] = ["<|endoftext|>", "</s>", "<|end_of_text|>"];

/// What ends an answer.
#[derive(Clone, Debug)]
pub(crate) enum End {
    /// One of these tokens, of which the first is learnt.
    Tokens(Vec<u32>),
    /// A text and its tokens.
    Text(String, Vec<u32>),
}

impl End {
    /// The end of a vocabulary, or what stands behind the second place of a template.
    pub(super) fn new(settings: &Settings, tokenizer: &Tokenizer, after: String) -> Result<Self, Error> {
        let of_model = &settings.data.end[..];
        if !of_model.is_empty() {
            return Ok(Self::Tokens(of_model.to_vec()));
        }
        if let Tokenizer::Bpe(tokenizer) = tokenizer {
            let said = |name: &str, added| tokenizer.encode_passage(name, Passage { begins: false, added });
            let token = |name: &&str| match said(name, true).ok()?[..] {
                [id] if said(name, false).ok()? != [id] => Some(id),
                _ => None,
            };
            if let Some(id) = ENDS.iter().find_map(token) {
                return Ok(Self::Tokens(vec![id]));
            }
        }
        if after.is_empty() {
            let problem = "something must end an answer, and neither stands anything behind its place nor has this \
                           tokenizer a token for it";
            return Err(Error::setting("template", problem));
        }
        check(tokenizer, &after)?;
        let ids = tokenizer.encode_passage(&after, Passage { begins: false, added: true });
        Ok(Self::Text(after, ids.map_err(unsayable)?))
    }

    /// What is learnt.
    pub(super) fn ids(&self) -> &[u32] {
        match self {
            Self::Tokens(ids) => &ids[..1],
            Self::Text(_, ids) => ids,
        }
    }

    /// The tokens each of which ends an answer; none if it takes several.
    pub(super) fn tokens(&self) -> &[u32] {
        match self {
            Self::Tokens(ids) => ids,
            Self::Text(_, ids) if ids.len() == 1 => ids,
            Self::Text(..) => &[],
        }
    }

    /// That an answer does not say what is to end it.
    pub(super) fn check(&self, answer: &str) -> Result<(), Error> {
        let Self::Text(end, _) = self else { return Ok(()) };
        if [answer, end].concat().find(end.as_str()) == Some(answer.len()) {
            return Ok(());
        }
        let begins: String = answer.chars().take(40).collect();
        let more = if begins.len() < answer.len() { "…" } else { "" };
        let problem = format!("an answer ends with {end:?}, and this one says it: {:?}", format!("{begins}{more}"));
        Err(Error::setting("template", problem))
    }
}

/// That a tokenizer can say a part of the template.
pub(super) fn check(tokenizer: &Tokenizer, text: &str) -> Result<(), Error> {
    let ids = tokenizer.encode_passage(text, Passage { begins: false, added: true }).map_err(unsayable)?;
    match tokenizer {
        Tokenizer::Word(words) if words.decode(&ids) != text => {
            let problem = format!("this vocabulary of words cannot say {text:?}: it becomes {:?}", words.decode(&ids));
            Err(Error::setting("template", problem))
        }
        _ => Ok(()),
    }
}

fn unsayable(error: TokenizerError) -> Error {
    Error::setting("template", error.to_string())
}
