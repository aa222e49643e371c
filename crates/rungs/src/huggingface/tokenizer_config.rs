//! `tokenizer_config.json`: what `transformers` changes of the tokenizer that lies beside it.
//!
//! | field | what it says |
//! |---|---|
//! | `add_bos_token` | whether `bos_token` stands before every text, whatever `tokenizer.json` has there |
//! | `tokenizer_class`, `legacy` | `LlamaTokenizer`, unless `legacy`, puts ▁ before a text, and none behind a token |
//! | `add_prefix_space` | that it puts none anywhere; or that a `GPT2Tokenizer` puts a space before a text |
//! | `bos_token` and the other special ones | that they are added tokens, where they are in the vocabulary alone |
//!
//! All of it becomes part of the run's `tokenizer.json`.

use super::{Error, Tokenizers, read_text};
use serde::Deserialize;
use serde_json::{Value, json};
use std::path::Path;

/// The name of the file.
pub(super) const TOKENIZER_CONFIG: &str = "tokenizer_config.json";
/// Where older folders have the names of special tokens.
const SPECIAL_TOKENS: &str = "special_tokens_map.json";

/// The classes that make steps of their own, whatever `tokenizer.json` says.
const LLAMA: &str = "LlamaTokenizer";
const GPT2: &str = "GPT2Tokenizer";

/// What is read of it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TokenizerConfig {
    add_bos_token: Option<bool>,
    add_eos_token: Option<bool>,
    add_prefix_space: Option<bool>,
    bos_token: Option<Special>,
    eos_token: Option<Special>,
    unk_token: Option<Special>,
    pad_token: Option<Special>,
    split_special_tokens: bool,
    legacy: Option<bool>,
    tokenizer_class: Option<String>,
}

/// A special token.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Special {
    Text(String),
    Added { content: String },
}

impl Special {
    fn text(&self) -> &str {
        let (Self::Text(text) | Self::Added { content: text }) = self;
        text
    }
}

/// The added tokens of a `tokenizer.json` with their ids.
pub(super) fn added(file: &Value) -> impl Iterator<Item = (&str, u64)> {
    let tokens = file["added_tokens"].as_array().into_iter().flatten();
    tokens.filter_map(|token| Some((token["content"].as_str()?, token["id"].as_u64()?)))
}

impl TokenizerConfig {
    /// Reads the file of a folder, whose `config.json` is this.
    ///
    /// # Errors
    /// If it is malformed.
    pub(super) fn read(folder: &Path, config: &str) -> Result<Self, Error> {
        let of_file = |name: &str| -> Result<Self, Error> {
            let Some(json) = read_text(folder, name)? else { return Ok(Self::default()) };
            serde_json::from_str(&json).map_err(|problem| Error::file(folder.join(name), problem))
        };
        let mut read = of_file(TOKENIZER_CONFIG)?;
        if read.bos_token.is_none() && read.add_bos_token == Some(true) {
            read.bos_token = of_file(SPECIAL_TOKENS)?.bos_token;
        }
        if read.tokenizer_class.is_none() {
            let config: Value = serde_json::from_str(config).unwrap_or_default();
            let usual = (config["model_type"] == "gpt2").then_some(GPT2);
            read.tokenizer_class = config["tokenizer_class"].as_str().or(usual).map(str::to_owned);
        }
        Ok(read)
    }

    /// The tokenizer as it says. `begin` is the token that begins a text by `config.json`, and becomes that which is
    /// named here. Appends what whoever imports should know.
    ///
    /// # Errors
    /// If a text is to begin with a token that is not there, or what comes of it is not known here.
    pub(super) fn applied(
        &self,
        tokenizers: Tokenizers,
        begin: &mut Option<u32>,
        notices: &mut Vec<String>,
    ) -> Result<Tokenizers, String> {
        if self.split_special_tokens {
            return Err(
                "split_special_tokens: what a text says of special tokens is always one of them here".to_owned()
            );
        }
        let mut file: Value = serde_json::from_str(&tokenizers.to_json()).map_err(|error| error.to_string())?;
        if self.add_eos_token.unwrap_or_else(|| puts_behind(&file["post_processor"])) {
            let why =
                "transformers puts a token behind every text (add_eos_token); a prompt is gone on with, and has none";
            notices.push(why.to_owned());
        }
        let begins = tokenizers.target.beginning();
        let token = self.begin(&file, *begin);
        *begin = token.as_ref().map(|(_, id)| *id).or(*begin);
        let mut changed = self.add_special(&mut file);
        match (self.add_bos_token, token) {
            (Some(true), None) => {
                let named = self.bos_token.as_ref().map_or("none".to_owned(), |token| format!("{:?}", token.text()));
                return Err(format!("add_bos_token is true, and bos_token, {named}, is no token of tokenizer.json"));
            }
            (Some(true), Some((token, id))) if begins != [id] => {
                (changed, file["post_processor"]) = (true, template(&token, id));
            }
            (Some(false), _) if !begins.is_empty() => {
                let why = "is false: nothing stands before a text, though tokenizer.json puts a token there";
                notices.push(format!("{TOKENIZER_CONFIG}: add_bos_token {why}"));
                (changed, file["post_processor"]) = (true, Value::Null);
            }
            _ => {}
        }
        let class = self.tokenizer_class.as_deref().unwrap_or_default().trim_end_matches("Fast");
        let step = &mut file["pre_tokenizer"];
        if let (GPT2, Some(space), true) = (class, self.add_prefix_space, step["type"] == "ByteLevel") {
            changed |= step["add_prefix_space"] != space;
            step["add_prefix_space"] = space.into();
        }
        let cuts_bytes = file["pre_tokenizer"].to_string().contains("\"ByteLevel\"");
        if class == LLAMA && self.legacy != Some(true) && !cuts_bytes && file["model"]["merges"].is_array() {
            self.rebuild(&mut file);
            changed = true;
        }
        match changed {
            true => Tokenizers::from_json(&file.to_string(), false).map_err(|error| error.to_string()),
            false => Ok(tokenizers),
        }
    }

    /// The token that begins a text: the one that is named, or else that of this id.
    fn begin(&self, file: &Value, id: Option<u32>) -> Option<(String, u32)> {
        let name = self.bos_token.as_ref().map(Special::text);
        let model = file["model"]["vocab"].as_object().into_iter().flatten();
        let model = model.filter_map(|(token, id)| Some((token.as_str(), id.as_u64()?)));
        let is_it =
            |(token, other): &(&str, u64)| name.map_or(id.map(u64::from) == Some(*other), |name| name == *token);
        let (token, id) = added(file).chain(model).find(is_it)?;
        Some((token.to_owned(), id.try_into().ok()?))
    }

    /// Makes added tokens of the special ones that are in the vocabulary alone; whether there were any.
    fn add_special(&self, file: &mut Value) -> bool {
        let named = [&self.bos_token, &self.eos_token, &self.unk_token, &self.pad_token];
        let mut new: Vec<Value> = Vec::new();
        for token in named.into_iter().flatten().map(Special::text) {
            let id = file["model"]["vocab"].get(token).and_then(Value::as_u64);
            let is_added = added(file).chain(added(&json!({ "added_tokens": new }))).any(|(other, _)| other == token);
            if let (Some(id), false) = (id, is_added) {
                new.push(json!({
                    "id": id, "content": token, "special": true,
                    "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
                }));
            }
        }
        match &mut file["added_tokens"] {
            Value::Array(tokens) => tokens.extend_from_slice(&new),
            none => *none = json!(new),
        }
        !new.is_empty()
    }

    /// Gives a file the steps of a [`LLAMA`].
    fn rebuild(&self, file: &mut Value) {
        let begins = self.add_prefix_space != Some(false);
        let scheme = if begins { "first" } else { "never" };
        file["normalizer"] = Value::Null;
        file["pre_tokenizer"] =
            json!({ "type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": false });
        let strip = json!({ "type": "Strip", "content": " ", "start": 1, "stop": 0 });
        let spaces = json!({ "type": "Replace", "pattern": { "String": "▁" }, "content": " " });
        let steps = [spaces, json!({ "type": "ByteFallback" }), json!({ "type": "Fuse" })];
        let steps: Vec<Value> = steps.into_iter().chain(begins.then_some(strip)).collect();
        file["decoder"] = json!({ "type": "Sequence", "decoders": steps });
    }
}

/// Whether a post-processor puts a token behind a text.
fn puts_behind(step: &Value) -> bool {
    let list = |field: &str| step[field].as_array().map_or(&[][..], Vec::as_slice);
    match step["type"].as_str() {
        Some("Sequence") => list("processors").iter().any(puts_behind),
        Some("TemplateProcessing") => list("single").last().is_some_and(|piece| piece.get("SpecialToken").is_some()),
        Some("BertProcessing" | "RobertaProcessing") => true,
        _ => false,
    }
}

/// The post-processor that puts a token before every text.
fn template(token: &str, id: u32) -> Value {
    let special = |of: u8| json!({ "SpecialToken": { "id": token, "type_id": of } });
    let text = |name: &str, of: u8| json!({ "Sequence": { "id": name, "type_id": of } });
    json!({
        "type": "TemplateProcessing",
        "single": [special(0), text("A", 0)],
        "pair": [special(0), text("A", 0), special(1), text("B", 1)],
        "special_tokens": { token: { "id": token, "ids": [id], "tokens": [token] } },
    })
}
