//! The token that begins a text: read of `tokenizer_config.json`, written once, and no part of what is shown.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::huggingface_folders::{copy, edit, folder};
use crate::binary::{bad_input, rungs, text};

/// The id of `<|endoftext|>`.
const END: u64 = 279;

/// A folder `hf` with byte pairs whose vocabulary has `<|endoftext|>`, which is no added token yet.
fn byte_pairs(at: &Path) {
    fs::write(at.join("text.txt"), text(4000)).unwrap();
    let tiny = "--layers 1 --hidden 16 --heads 2 --context 32 --batch-size 4 --steps 2 --bias true";
    rungs(at, &format!("train gpt --text text.txt --out trained {tiny} --tokenizer bpe:280")).done();
    rungs(at, "export trained --out hf").done();
    edit(&at.join("hf/tokenizer.json"), |file| {
        file["model"]["merges"].as_array_mut().unwrap().pop();
        let vocabulary = file["model"]["vocab"].as_object_mut().unwrap();
        vocabulary.retain(|_, id| *id != END);
        vocabulary.insert("<|endoftext|>".to_owned(), END.into());
    });
}

/// The tokenizer configuration of the folder `hf`.
fn configured(at: &Path, config: &Value) {
    fs::write(at.join("hf/tokenizer_config.json"), config.to_string()).unwrap();
    let _ = fs::remove_dir_all(at.join("run"));
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn the_token_that_begins_a_text_is_read_and_written_once() {
    let folder = folder();
    let at = folder.path();
    byte_pairs(at);
    let b = read(&at.join("hf/tokenizer.json"))["model"]["vocab"]["b"].clone();
    let log_probability = |prompt: &[&str]| {
        let mut command = crate::binary::command(at, "generate run --greedy --max-tokens 2 --json");
        let ran = crate::binary::Ran::of(&command.args(prompt).output().unwrap());
        let notice = ran.stderr.clone();
        (ran.json()["texts"][0]["log_probability"].clone(), notice)
    };
    let bos = json!({ "add_bos_token": true, "bos_token": "<|endoftext|>" });
    let added = json!({ "add_bos_token": true, "bos_token": { "content": "<|endoftext|>", "lstrip": false } });
    for config in [bos, added] {
        configured(at, &config);
        rungs(at, "import gpt2 hf --out run").done();
        let ids = format!("{END},{b}");
        let (expected, _) = log_probability(&["--prompt-ids", &ids]);
        assert_eq!(log_probability(&["--prompt", "b"]), (expected.clone(), String::new()));
        let (said, notice) = log_probability(&["--prompt", "<|endoftext|>b"]);
        assert_eq!(said, expected);
        assert!(notice.lines().count() == 1 && notice.contains("read once"), "{notice}");
        let _ = fs::remove_dir_all(at.join("out"));
        rungs(at, "export run --out out").done();
        assert_eq!(read(&at.join("out/config.json"))["bos_token_id"], END);
        assert_eq!(read(&at.join("out/tokenizer_config.json"))["bos_token"], "<|endoftext|>");
        let file = read(&at.join("out/tokenizer.json"));
        assert_eq!(file["post_processor"]["single"][0]["SpecialToken"]["id"], "<|endoftext|>");
    }
    // What tokenizer.json says is taken back.
    fs::copy(at.join("out/tokenizer.json"), at.join("hf/tokenizer.json")).unwrap();
    // A template that says it does not have it twice.
    let asked = |out: &str, template: &str| {
        let mut command = crate::binary::command(at, "train gpt --from run --pairs pairs.tsv --steps 1 --batch-size 1");
        command.args(["--context", "32", "--validation-split", "0.5", "--out", out, "--template", template]);
        crate::binary::Ran::of(&command.output().unwrap()).done();
        let generate = format!("generate {out} --source b --greedy --max-tokens 2 --json");
        rungs(at, &generate).json()["texts"][0]["log_probability"].clone()
    };
    fs::write(at.join("pairs.tsv"), "a\tb\nb\ta\na\tb\nb\ta\n").unwrap();
    assert_eq!(asked("one", "{source}={target}.\n"), asked("two", "<|endoftext|>{source}={target}.\n"));
    configured(at, &json!({ "add_bos_token": false, "bos_token": "<|endoftext|>", "add_eos_token": true }));
    let imported = rungs(at, "import gpt2 hf --out run").done();
    assert!(imported.stderr.contains("add_bos_token is false") && imported.stderr.contains("add_eos_token"));
    assert_eq!(log_probability(&["--prompt", "b"]).0, log_probability(&["--prompt-ids", &b.to_string()]).0);

    for (config, words) in [
        (json!({ "add_bos_token": true, "bos_token": "<s>" }), ["bos_token, \"<s>\", is no token"]),
        (json!({ "add_bos_token": true }), ["bos_token, none, is no token"]),
        (json!({ "add_bos_token": "yes" }), ["tokenizer_config.json"]),
    ] {
        configured(at, &config);
        bad_input(at, "import gpt2 hf --out run", &words);
    }
}

#[test]
fn a_space_before_a_text_is_put_there_if_the_folder_says_so() {
    let folder = folder();
    let at = folder.path();
    byte_pairs(at);
    let prompt = |prompt: &str| {
        let mut command = crate::binary::command(at, "generate run --greedy --max-tokens 2 --json --prompt");
        crate::binary::Ran::of(&command.arg(prompt).output().unwrap()).json()["texts"][0]["log_probability"].clone()
    };
    let imported = |config: Value| {
        configured(at, &config);
        rungs(at, "import gpt2 hf --out run").done();
        [prompt("b"), prompt(" b")]
    };
    let [without, with] = imported(json!({ "add_prefix_space": false }));
    assert_ne!(without, with);
    assert_eq!(imported(json!({ "add_prefix_space": true })), [with.clone(), with.clone()]);
    assert_eq!(imported(json!({ "tokenizer_class": "GPT2TokenizerFast", "add_prefix_space": true }))[0], with);
    // Of other classes transformers takes the file as it is.
    let file_alone = json!({ "tokenizer_class": "PreTrainedTokenizerFast", "add_prefix_space": true });
    assert_eq!(imported(file_alone), [without, with]);
    configured(at, &json!({ "split_special_tokens": true }));
    bad_input(at, "import gpt2 hf --out run", &["tokenizer_config.json", "split_special_tokens"]);
}

#[test]
fn an_unprompted_text_of_llama_begins_without_a_space() {
    let folder = folder();
    let at = folder.path();
    copy("llama", at);
    let mut tokens: Vec<String> = ["<unk>", "<s>", "</s>", "▁", "▁a", "b", "a"].map(str::to_owned).into();
    tokens.extend((tokens.len()..32).map(|id| format!("x{id}")));
    let special = |id: usize| {
        json!({ "id": id, "content": tokens[id], "special": true, "normalized": false,
        "single_word": false, "lstrip": false, "rstrip": false })
    };
    let vocabulary: serde_json::Map<String, Value> =
        (0..).zip(&tokens).map(|(id, token)| (token.clone(), json!(id))).collect();
    let spaces = json!({ "type": "Replace", "pattern": { "String": " " }, "content": "▁" });
    let marks = json!({ "type": "Replace", "pattern": { "String": "▁" }, "content": " " });
    let strip = json!({ "type": "Strip", "content": " ", "start": 1, "stop": 0 });
    let file = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [special(0), special(1), special(2)],
        "normalizer": { "type": "Sequence", "normalizers": [{ "type": "Prepend", "prepend": "▁" }, spaces] },
        "pre_tokenizer": null, "post_processor": null,
        "decoder": { "type": "Sequence", "decoders": [marks, { "type": "Fuse" }, strip] },
        "model": { "type": "BPE", "unk_token": "<unk>", "fuse_unk": true, "vocab": vocabulary, "merges": ["▁ a"] },
    });
    fs::write(at.join("hf/tokenizer.json"), file.to_string()).unwrap();
    edit(&at.join("hf/config.json"), |config| config["bos_token_id"] = 1.into());
    for (config, legacy) in [
        (json!({ "tokenizer_class": "LlamaTokenizer", "add_bos_token": true, "bos_token": "<s>" }), false),
        (
            json!({ "tokenizer_class": "LlamaTokenizer", "legacy": true, "add_bos_token": true, "bos_token": "<s>" }),
            true,
        ),
        (json!({ "tokenizer_class": "LlamaTokenizerFast", "legacy": false }), false),
        (json!({}), true),
    ] {
        configured(at, &config);
        rungs(at, "import llama hf --out run").done();
        let generate = |flags: &str| {
            rungs(at, &format!("generate run --greedy --bias #4=1000 --max-tokens 2 --json {flags}")).json()["texts"][0]
                .clone()
        };
        assert_eq!(generate("")["text"], "a a", "{config}");
        assert_eq!(generate("--prompt a")["text"], " a a", "{config}");
        let begins = config["add_bos_token"] == true;
        let [unprompted, in_ids] = ["", "--prompt-ids 1"].map(|flags| generate(flags)["log_probability"].clone());
        assert_eq!(unprompted, in_ids, "{config}");
        // Behind a special token, ▁ stands in the older way alone.
        let ids = match (begins, legacy) {
            (true, true) => "1,4,2,4",
            (true, false) => "1,4,2,6",
            (false, true) => "4,2,4",
            (false, false) => "4,2,6",
        };
        let [said, expected] = ["--prompt a</s>a".to_owned(), format!("--prompt-ids {ids}")]
            .map(|flags| generate(&flags)["log_probability"].clone());
        assert_eq!(said, expected, "{config}");
    }
}
