//! Folders of Hugging Face that are refused: one line that says where they are wrong, and nothing written.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::huggingface_folders::{copy, edit, folder};
use crate::binary::{bad_input, rungs, text};

/// A header with these arrays, each with its kind, its shape and where its numbers are.
fn file(header: &Value, data: usize) -> Vec<u8> {
    let json = header.to_string();
    [&(json.len() as u64).to_le_bytes(), json.as_bytes(), &vec![0; data]].concat()
}

#[test]
fn wrong_configurations_get_one_line_that_names_the_field() {
    let change = |name: &str, family: &str, field: &str, value: Value, words: &[&str]| {
        let folder = folder();
        let at = folder.path();
        copy(name, at);
        edit(&at.join("hf/config.json"), |config| match value.as_str() {
            Some("absent") => drop(config.as_object_mut().unwrap().remove(field)),
            _ => config[field] = value,
        });
        let words: Vec<&str> = words.iter().copied().chain(["hf/config.json"]).collect();
        bad_input(at, &format!("import {family} hf --out run"), &words);
    };
    let gpt2 = |field: &str, value: Value, words: &[&str]| change("gpt2", "gpt2", field, value, words);
    let llama = |field: &str, value: Value, words: &[&str]| change("llama", "llama", field, value, words);
    gpt2("model_type", json!("bert"), &["model_type", "\"bert\" is not known here"]);
    gpt2("model_type", json!("llama"), &["this is a llama, not a gpt2 (rungs import llama)"]);
    gpt2("n_embd", json!("absent"), &["n_embd: missing"]);
    gpt2("n_layer", json!(-3), &["n_layer: must be a whole number of 1 or more, not -3"]);
    gpt2("n_layer", json!(1_000_000_000_000_u64), &["layers 1000000000000 is too large"]);
    gpt2("vocab_size", json!(0), &["vocab_size"]);
    gpt2("n_head", json!(3), &["width 8 is not a multiple of heads 3"]);
    gpt2("activation_function", json!("swiglu"), &["activation_function", "swiglu"]);
    gpt2("layer_norm_epsilon", json!("small"), &["layer_norm_epsilon: must be a number"]);
    gpt2("layer_norm_epsilon", json!(-1e-5), &["norm-epsilon"]);
    gpt2("scale_attn_by_inverse_layer_idx", json!(true), &["scale_attn_by_inverse_layer_idx"]);
    gpt2("scale_attn_weights", json!(false), &["scale_attn_weights"]);
    gpt2("add_cross_attention", json!(true), &["add_cross_attention"]);
    gpt2("eos_token_id", json!("end"), &["eos_token_id"]);
    gpt2("quantization_config", json!({ "bits": 4 }), &["quantization_config"]);
    llama("is_causal", json!(false), &["is_causal: attention to later tokens"]);
    llama("sliding_window", json!(15), &["sliding_window: attention to the last 15 tokens"]);
    llama("layer_types", json!(["full_attention", "sliding_attention"]), &["layer_types", "sliding_attention"]);
    llama("num_key_value_heads", json!(3), &["heads 4 is not a multiple of key-heads 3"]);
    llama("head_dim", json!(16), &["head_dim: 16 of 4 heads is not hidden_size 8"]);
    llama("mlp_bias", json!(true), &["mlp_bias"]);
    llama("rope_scaling", json!({ "type": "linear", "factor": 2.0 }), &["rope_scaling", "\"linear\""]);
    llama("rope_parameters", json!({ "rope_type": "llama3", "rope_theta": 5e5 }), &["rope_parameters", "\"llama3\""]);
    llama("rope_parameters", json!(7), &["rope_parameters: must be an object"]);
    llama("rope_theta", json!(1e4), &["rope_parameters.rope_theta: is 500, and rope_theta is 10000"]);
    llama("rope_theta", json!(0), &["rope"]);
}

#[test]
fn hostile_folders_get_one_line_and_nothing_is_written() {
    let tensor = "transformer.h.1.mlp.c_fc.weight";
    // What is done to a copy of a folder, and what is said of it.
    type Change = Box<dyn Fn(&Path)>;
    let weights = |change: fn(&mut Vec<u8>)| -> Change {
        Box::new(move |hf| {
            let mut bytes = fs::read(hf.join("model.safetensors")).unwrap();
            change(&mut bytes);
            fs::write(hf.join("model.safetensors"), bytes).unwrap();
        })
    };
    let renamed = |from: &'static str, to: &'static str| -> Change {
        Box::new(move |hf| {
            let bytes = fs::read(hf.join("model.safetensors")).unwrap();
            let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
            let json = String::from_utf8(bytes[8..8 + length].to_vec()).unwrap();
            assert!(json.contains(from), "{json}");
            let json = json.replace(from, to);
            let bytes = [&(json.len() as u64).to_le_bytes(), json.as_bytes(), &bytes[8 + length..]].concat();
            fs::write(hf.join("model.safetensors"), bytes).unwrap();
        })
    };
    let other = |name: &'static str, contents: &'static str| -> Change {
        Box::new(move |hf| fs::write(hf.join(name), contents).unwrap())
    };
    let cases: Vec<(Change, Vec<&str>)> = vec![
        (
            weights(|bytes| bytes[..8].copy_from_slice(&10_000_000_000_u64.to_le_bytes())),
            vec!["model.safetensors", "a header of 10000000000 bytes"],
        ),
        (
            weights(|bytes| bytes.truncate(bytes.len() / 2)),
            vec!["model.safetensors", "tensor transformer.", "cut short"],
        ),
        (weights(|bytes| bytes.truncate(5)), vec!["model.safetensors", "it has 5 bytes"]),
        (
            weights(|bytes| bytes.extend([0; 3])),
            vec!["model.safetensors", "3 bytes after the numbers of", "belong to no tensor"],
        ),
        (weights(|bytes| bytes[8] = b'['), vec!["model.safetensors", "its header"]),
        (
            weights(|bytes| {
                let end = bytes.len();
                bytes[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
            }),
            vec!["tensor transformer.wte.weight", "not finite"],
        ),
        (
            renamed(tensor, "transformer.h.1.mlp.other"),
            vec!["missing: transformer.h.1.mlp.c_fc.weight", "unexpected: transformer.h.1.mlp.other"],
        ),
        (
            renamed("\"shape\":[8,24]", "\"shape\":[24,8]"),
            vec!["transformer.h.0.attn.c_attn.weight is (24, 8) where (8, 24) is needed"],
        ),
        (
            renamed("\"shape\":[8,24]", "\"shape\":[8,25]"),
            vec!["tensor transformer.h.0.attn.c_attn.weight: 768 bytes for the shape [8, 25]"],
        ),
        (renamed("\"F32\"", "\"I32\""), vec!["numbers of type I32 are not supported"]),
        (
            Box::new(|hf| {
                let entry = |from: usize| json!({ "dtype": "F32", "shape": [2], "data_offsets": [from, from + 8] });
                let header = json!({ "transformer.wte.weight": entry(0), "transformer.wpe.weight": entry(4) });
                fs::write(hf.join("model.safetensors"), file(&header, 12)).unwrap();
            }),
            vec!["tensor transformer.wpe.weight: its numbers are at 4 to 12, and those before it end at 8"],
        ),
        (
            Box::new(|hf| fs::rename(hf.join("model.safetensors"), hf.join("pytorch_model.bin")).unwrap()),
            vec!["pytorch_model.bin", "pickled files run as programs"],
        ),
        (
            Box::new(|hf| fs::remove_file(hf.join("model.safetensors")).unwrap()),
            vec!["hf: there is no model.safetensors"],
        ),
        (Box::new(|hf| fs::remove_file(hf.join("config.json")).unwrap()), vec!["hf: there is no config.json"]),
        (
            Box::new(|hf| {
                fs::remove_file(hf.join("model.safetensors")).unwrap();
                fs::create_dir(hf.join("model.safetensors")).unwrap();
            }),
            vec!["model.safetensors: it is not a file"],
        ),
        (other("config.json", "[1, 2"), vec!["config.json: not a configuration"]),
        (other("config.json", "[]"), vec!["config.json: not a configuration: it is not an object"]),
        (other("generation_config.json", "{"), vec!["not a configuration"]),
        (
            other("tokenizer.json", "{\"model\": {\"type\": \"Other\", \"vocab\": []}}"),
            vec!["tokenizer.json", "its model is Other"],
        ),
        (
            other(
                "tokenizer.json",
                r#"{"version": "1.0", "added_tokens": [],
                    "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "use_regex": true},
                    "decoder": {"type": "ByteLevel"},
                    "model": {"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": []}}"#,
            ),
            vec!["hf"],
        ),
    ];
    for (change, words) in cases {
        let folder = folder();
        let at = folder.path();
        copy("gpt2", at);
        change(&at.join("hf"));
        bad_input(at, "import gpt2 hf --out run", &words);
    }
}

#[test]
fn an_index_stays_in_its_folder() {
    let name = "model.norm.weight";
    let index = |file: &str, words: &[&str]| {
        let folder = folder();
        let at = folder.path();
        copy("llama_sharded_bf16", at);
        fs::copy(at.join("hf/model-00001-of-00002.safetensors"), at.join("x.safetensors")).unwrap();
        edit(&at.join("hf/model.safetensors.index.json"), |index| index["weight_map"][name] = file.into());
        bad_input(at, "import llama hf --out run", words);
    };
    index(
        "../x.safetensors",
        &["weight_map", "\"../x.safetensors\" is not the name of a safetensors file in this folder"],
    );
    index("/etc/passwd", &["weight_map", "/etc/passwd"]);
    index("model-00003-of-00002.safetensors", &["model-00003-of-00002.safetensors"]);
    index("config.json", &["weight_map"]);
    index(
        "model-00001-of-00002.safetensors",
        &["weight_map: tensor model.norm.weight is not in model-00001-of-00002.safetensors"],
    );
}

#[test]
fn a_vocabulary_that_disagrees_with_the_model_is_refused() {
    let folder = folder();
    let at = folder.path();
    fs::write(at.join("text.txt"), text(4000)).unwrap();
    let tiny = "--text text.txt --layers 1 --hidden 16 --heads 2 --context 16 --batch-size 4 --steps 2";
    rungs(at, &format!("train gpt --out run {tiny} --tokenizer bpe:280")).done();
    rungs(at, &format!("train gpt --out other {tiny} --tokenizer bpe:281")).done();
    rungs(at, "export run --out hf").done();
    fs::copy(at.join("other/tokenizer.json"), at.join("hf/tokenizer.json")).unwrap();
    bad_input(at, "import gpt2 hf --out again", &["config.json: vocab_size: the model has 280 tokens", "281"]);
}
