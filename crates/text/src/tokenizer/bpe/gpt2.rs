//! GPT-2's own two files: `encoder.json`, every token and its id, and `vocab.bpe`, the merges, one on each line.
//! Hugging Face calls them `vocab.json` and `merges.txt`.
//!
//! A token that is neither a byte nor made by a merge is one that no text is cut into: GPT-2 has one, `<|endoftext|>`,
//! which stands between the texts it was trained on. It becomes an [added token](super::added).

use super::added::AddedToken;
use super::alphabet;
use super::file::{File, Vocabulary, two_tokens};
use crate::error::TokenizerError;
use std::collections::HashSet;

/// The tokenizer of the two files.
pub(super) fn read(encoder: &str, merges: &str) -> Result<File, TokenizerError> {
    let ids = serde_json::from_str(encoder).map_err(TokenizerError::json)?;
    let Vocabulary(tokens) = Vocabulary::of(ids);
    let known: HashSet<&str> = tokens.iter().map(|(token, _)| token.as_str()).collect();
    let merges = read_merges(merges, &known)?;
    let mut made: HashSet<String> = merges.iter().map(|pair| pair.concat()).collect();
    made.extend(alphabet::ORDER.map(|byte| alphabet::spelling(byte).to_string()));
    let added = tokens.iter().filter(|(token, _)| !made.contains(token));
    let added = added.map(|(token, id)| AddedToken::special(*id, token)).collect();
    Ok(File::byte_level(tokens, merges, added))
}

/// The merges of a file: one on each line, a space between the two tokens; the first line may name a version.
fn read_merges(merges: &str, known: &HashSet<&str>) -> Result<Vec<[String; 2]>, TokenizerError> {
    let mut pairs = Vec::new();
    for (number, line) in (1..).zip(merges.lines()) {
        if line.is_empty() || (number == 1 && line.starts_with("#version")) {
            continue;
        }
        let wrong = |problem| Err(TokenizerError::Merge { line: number, problem });
        let Some(pair) = two_tokens(line) else {
            return wrong(format!("{line:?} is not two tokens with a space between them"));
        };
        let merged = pair.concat();
        if let Some(token) = pair.iter().chain([&merged]).find(|token| !known.contains(token.as_str())) {
            return wrong(format!("the token {token:?} is not in the vocabulary"));
        }
        pairs.push(pair);
    }
    Ok(pairs)
}
