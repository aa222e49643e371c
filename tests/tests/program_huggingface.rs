//! The program with folders of Hugging Face: opened, written, and refused.

use std::fs;
use std::path::{Path, PathBuf};

use crate::binary::{bad_input, rungs, snapshot, text};
use serde_json::{Value, json};
use tempfile::TempDir;

fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/huggingface")
}

fn folder() -> TempDir {
    TempDir::new().unwrap()
}

/// A copy of a fixture, to be changed.
fn copy(name: &str, at: &Path) {
    fs::create_dir_all(at.join("hf")).unwrap();
    for (path, contents) in snapshot(&fixtures().join(name)) {
        fs::write(at.join("hf").join(path.file_name().unwrap()), contents).unwrap();
    }
}

fn edit(path: &Path, change: impl FnOnce(&mut Value)) {
    let mut value: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    change(&mut value);
    fs::write(path, value.to_string()).unwrap();
}

fn ids(report: &Value) -> Vec<u64> {
    report["texts"][0]["ids"].as_array().unwrap().iter().map(|id| id.as_u64().unwrap()).collect()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

#[test]
fn a_folder_becomes_a_run_that_writes_and_is_measured() {
    let folder = folder();
    let at = folder.path();
    for (family, name) in [("gpt2", "gpt2_ends"), ("llama", "llama_sharded_bf16")] {
        let written: Value =
            serde_json::from_slice(&fs::read(fixtures().join(format!("{name}.json"))).unwrap()).unwrap();
        let expected =
            |kind: &str| written[kind].as_array().unwrap().iter().map(|id| id.as_u64().unwrap()).collect::<Vec<_>>();
        let report =
            rungs(at, &format!("import {family} {} --out {name} --json", fixtures().join(name).display())).json();
        assert_eq!((&report["model_type"], &report["vocabulary"]), (&family.into(), &32.into()));
        assert_eq!((&report["tokens_are"], &report["context"]), (&"ids".into(), &16.into()));
        let generate = |flags: &str| rungs(at, &format!("generate {name} --max-tokens 12 {flags} --json")).json();
        assert_eq!(ids(&generate("--prompt-ids 5,9,12 --greedy")), expected("greedy"));
        assert_eq!(ids(&generate("--prompt-ids 5,9,12 --beam 4")), expected("beam"));
        // What is said in ids is read in ids.
        let spoken = rungs(at, &format!("generate {name} --greedy --max-tokens 3 --json --prompt-ids 5,9")).json();
        assert_eq!(spoken["texts"][0]["prompt"], "5 9 ");
        // What ends a text, 30 in one of the folders, is no part of it.
        let words: Vec<String> = ids(&spoken).iter().filter(|id| **id != 30).map(|id| format!("{id} ")).collect();
        assert_eq!(spoken["texts"][0]["text"], words.concat());
        fs::write(at.join("ids.txt"), "5 9 12\n7 1 0 31 30 2").unwrap();
        let evaluation = rungs(at, &format!("evaluate {name} --text ids.txt --json")).json();
        assert_eq!(evaluation["tokens"], 8);
        assert!((number(&evaluation["perplexity"]).ln() - number(&evaluation["loss"])).abs() < 1e-9);
        let info = rungs(at, &format!("info {name} --json")).json();
        assert_eq!((&info["parameters"], &info["steps"]), (&report["parameters"], &Value::Null));
        assert!(info["imported_from"].as_str().unwrap().ends_with(name));
        let prose = rungs(at, &format!("info {name}")).done().stdout;
        assert!(prose.contains("imported from") && prose.contains("norm-epsilon") && !prose.contains("lr "), "{prose}");
    }
    let resume = "train gpt --text ids.txt --out gpt2_ends --resume --steps 10";
    bad_input(at, resume, &["gpt2_ends: this run was imported: it holds no state of a training"]);
    bad_input(at, "train gpt --text ids.txt --out gpt2_ends", &["gpt2_ends", "holds a run already"]);
    bad_input(
        at,
        &format!("import gpt2 {} --out gpt2_ends", fixtures().join("gpt2").display()),
        &["holds a run already"],
    );
    fs::write(at.join("words.txt"), "5 nine").unwrap();
    bad_input(at, "evaluate gpt2_ends --text words.txt", &["words.txt", "\"nine\" is not a token id below 32"]);
    bad_input(at, "generate gpt2_ends --prompt-ids 5,32", &["32", "vocabulary of 32"]);
    bad_input(at, "generate gpt2_ends --prompt-ids 5 --beam 4 --max-tokens 17", &["context of 16"]);
    bad_input(at, "generate gpt2_ends --prompt-ids 5 --beam 4 --top-k 3", &["--top-k", "not drawn"]);
}

#[test]
fn export_and_import_are_inverse() {
    let folder = folder();
    let at = folder.path();
    for (family, name) in [("gpt2", "gpt2_untied_f16"), ("llama", "llama"), ("llama", "llama_old_spelling")] {
        rungs(at, &format!("import {family} {} --out {name}", fixtures().join(name).display())).done();
        let report = rungs(at, &format!("export {name} --out {name}_hf --json")).json();
        assert_eq!(
            (&report["model_type"], &report["files"]),
            (&family.into(), &json!(["config.json", "model.safetensors"]))
        );
        rungs(at, &format!("import {family} {name}_hf --out {name}_again")).done();
        for file in ["model.safetensors", "tokenizer.json"] {
            let [first, again] =
                ["", "_again"].map(|end| fs::read(at.join(format!("{name}{end}")).join(file)).unwrap());
            assert!(first == again, "{name}: {file}");
        }
        let [first, again] = ["", "_again"].map(|end| rungs(at, &format!("info {name}{end} --json")).json());
        assert_eq!(first["settings"]["gpt"], again["settings"]["gpt"]);
        bad_input(at, &format!("export {name} --out {name}_hf"), &["in the way"]);
    }
}

#[test]
fn what_is_trained_here_goes_there_with_its_byte_pairs() {
    let folder = folder();
    let at = folder.path();
    fs::write(at.join("text.txt"), text(4000)).unwrap();
    let tiny = "--text text.txt --layers 1 --hidden 16 --context 16 --batch-size 4 --steps 20 --tokenizer bpe:280";
    rungs(at, &format!("train gpt --out run {tiny} --heads 2 --bias true")).done();
    let report = rungs(at, "export run --out hf --json").json();
    let files = json!(["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]);
    assert_eq!(report["files"], files);
    rungs(at, "import gpt2 hf --out again").done();
    let text = |run: &str| rungs(at, &format!("generate {run} --prompt nobody --seed 3")).done().stdout;
    assert_eq!(text("run"), text("again"));
    let info = rungs(at, "info again --json").json();
    assert_eq!((&info["vocabulary"], &info["tokens_are"]), (&280.into(), &"byte pairs".into()));

    rungs(at, "train lstm --text text.txt --hidden 8 --embedding 8 --steps 2 --out lstm").done();
    bad_input(at, "export lstm --out hf2", &["the rung lstm has no counterpart in transformers"]);
    rungs(at, &format!("train gpt --out mixed {tiny} --heads 2 --norm rms")).done();
    bad_input(at, "export mixed --out hf2", &["mixed: neither gpt2 nor llama can be this model", "norm rms"]);
    bad_input(at, "export nothing --out hf2", &["nothing: holds no run"]);
}

#[test]
fn a_run_begins_with_another() {
    let folder = folder();
    let at = folder.path();
    let hf = fixtures().join("llama");
    rungs(at, &format!("import llama {} --out hf", hf.display())).done();
    let numbers: Vec<String> = (0..400).map(|i| (i * i % 31).to_string()).collect();
    fs::write(at.join("ids.txt"), numbers.join(" ")).unwrap();
    let flags = "--text ids.txt --batch-size 2 --steps 30 --evaluate-every 10 --lr 0.01";
    let before = rungs(at, "evaluate hf --text ids.txt --json").json();
    let report = rungs(at, &format!("train gpt --from hf --out tuned {flags} --json")).json();
    assert_eq!(report["parameters"], 1512);
    let after = rungs(at, "evaluate tuned --text ids.txt --json").json();
    assert!(number(&after["loss"]) < number(&before["loss"]) - 0.1, "{before} {after}");
    // It begins with those weights: after steps too small to count it is that model.
    rungs(at, "train gpt --from hf --out still --text ids.txt --batch-size 2 --steps 1 --lr 1e-12").done();
    let still = rungs(at, "evaluate still --text ids.txt --json").json();
    assert!((number(&still["loss"]) - number(&before["loss"])).abs() < 1e-5, "{still} {before}");
    // It goes on with the command that began it, and is a run like any other.
    let more = flags.replace("--steps 30", "--steps 40");
    let resumed = rungs(at, &format!("train gpt --from hf --out tuned {more} --resume --json")).json();
    assert_eq!(resumed["steps"], 40);
    rungs(at, "export tuned --out back").done();
    rungs(at, "import llama back --out again").done();

    for (arguments, words) in [
        ("gpt --from hf --layers 3", "--from: layers is 2 in hf, not 3"),
        ("gpt --from hf --norm layer", "--from: norm is rms in hf, not layer"),
        ("gpt --from hf --tokenizer char", "--tokenizer"),
        ("lstm --from hf", "--from: hf is of the rung gpt, not lstm"),
        ("gpt --from nothing", "nothing: holds no run"),
        ("gpt --from tuned --out tuned --resume", "this run began with"),
    ] {
        bad_input(
            at,
            &format!("train {arguments} --text ids.txt{}", if arguments.contains("--out") { "" } else { " --out new" }),
            &[words],
        );
    }
}

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
    gpt2("n_head", json!(3), &["hidden 8 is not a multiple of heads 3"]);
    gpt2("activation_function", json!("swiglu"), &["activation_function", "swiglu"]);
    gpt2("layer_norm_epsilon", json!("small"), &["layer_norm_epsilon: must be a number"]);
    gpt2("layer_norm_epsilon", json!(-1e-5), &["norm-epsilon"]);
    gpt2("scale_attn_by_inverse_layer_idx", json!(true), &["scale_attn_by_inverse_layer_idx"]);
    gpt2("scale_attn_weights", json!(false), &["scale_attn_weights"]);
    gpt2("add_cross_attention", json!(true), &["add_cross_attention"]);
    gpt2("eos_token_id", json!("end"), &["eos_token_id"]);
    gpt2("quantization_config", json!({ "bits": 4 }), &["quantization_config"]);
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
            vec!["tensor transformer.wpe.weight: its numbers overlap with those of transformer.wte.weight"],
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
