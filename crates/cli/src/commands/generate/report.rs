//! Texts that were generated, as they are reported.

use rungs::decoding::Finish;
use rungs::generator::{Kind, Request, Written};
use serde::Serialize;

/// All texts.
#[derive(Default, Serialize)]
pub(super) struct Report {
    pub(super) texts: Vec<Text>,
    /// How many tokens a draft wrote, and how many of them stayed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) drafted: Option<[usize; 2]>,
}

/// A text that was generated.
#[derive(Serialize)]
pub(super) struct Text {
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    text: String,
    ids: Vec<u32>,
    log_probability: f64,
    /// Of every token, given all before it.
    log_probabilities: Vec<f64>,
    /// Of a beam what it was ranked by, else the log-probability of a token, on average.
    score: f64,
    /// Its tokens, the end of a translation among them where there is one.
    tokens: usize,
    finish: &'static str,
}

impl Report {
    /// Takes a text that was generated for a request.
    pub(super) fn take(&mut self, kind: Kind, request: &Request, Written { text, generated, drafted }: Written) {
        if let Some(drafted) = drafted {
            let [proposed, accepted] = self.drafted.get_or_insert_default();
            *proposed += drafted.proposed;
            *accepted += drafted.accepted;
        }
        let (asked, continues) = (request.text().to_owned(), kind == Kind::Continuation);
        self.texts.push(Text {
            prompt: continues.then(|| asked.clone()),
            source: (!continues).then_some(asked),
            text,
            log_probability: generated.log_probability(),
            score: generated.score,
            tokens: generated.log_probabilities.len(),
            finish: match generated.finish {
                Finish::Length => "length",
                Finish::Stop => "stop",
                Finish::Complete => "complete",
            },
            ids: generated.ids,
            log_probabilities: generated.log_probabilities,
        });
    }
}
