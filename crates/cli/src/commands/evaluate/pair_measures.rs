//! Measures of a run on pairs, in numbers.

use rungs::Rung;
use rungs::measures::Quality;
use serde::Serialize;

use super::length_buckets::Bucket;

/// A run in numbers.
#[derive(Serialize)]
pub(super) struct PairMeasures {
    pub(super) run: String,
    pub(super) rung: Rung,
    pub(super) parameters: u64,
    pub(super) pairs: usize,
    pub(super) loss: f64,
    pub(super) token_accuracy: f64,
    #[serde(flatten)]
    pub(super) quality: Quality,
    pub(super) bleu_signature: &'static str,
    pub(super) chrf_signature: &'static str,
    pub(super) rouge_signature: &'static str,
    /// Where it was asked for, from short sources to long ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) by_length: Option<Vec<OfLength>>,
}

/// The part of the pairs whose sources have so many words.
#[derive(Serialize)]
pub(super) struct OfLength {
    from: usize,
    to: usize,
    pairs: usize,
    pub(super) bleu: f64,
}

impl OfLength {
    pub(super) fn new(bucket: &Bucket, bleu: f64) -> Self {
        Self { from: bucket.from, to: bucket.to, pairs: bucket.members.len(), bleu }
    }
}
