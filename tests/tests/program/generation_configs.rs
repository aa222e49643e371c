//! `generation_config.json`: named on import, and what transformers makes of it with `--use-generation-config`.

use std::fs;

use serde_json::{Value, json};

use super::huggingface_folders::{copy, edit, folder};
use crate::binary::{bad_input, rungs};

/// How many tokens are drawn where their frequencies are compared.
const DRAWN: usize = 2000;

#[test]
fn a_generation_config_is_what_it_is_to_transformers() {
    let json = include_str!("../../fixtures/generations.json");
    let cases: Value = serde_json::from_str(json).unwrap();
    let cases = cases["cases"].as_array().unwrap();
    assert!(cases.len() > 60, "{}", cases.len());
    for case in cases {
        let folder = folder();
        let at = folder.path();
        let (name, config) = (case["folder"].as_str().unwrap(), &case["config"]);
        copy(name, at);
        fs::write(at.join("hf/generation_config.json"), config.to_string()).unwrap();
        let family = name.split('_').next().unwrap();
        rungs(at, &format!("import {family} hf --out run")).done();
        let prompt: Vec<String> = case["prompt"].as_array().unwrap().iter().map(Value::to_string).collect();
        let generate = format!("generate run --prompt-ids {} --use-generation-config --json", prompt.join(","));
        let Some(probabilities) = case["probabilities"].as_array() else {
            let report = rungs(at, &generate).json();
            let is_end = |id: &Value| {
                let ends = &config["eos_token_id"];
                ends == id || ends.as_array().is_some_and(|ends| ends.contains(id))
            };
            let written = report["texts"].as_array().unwrap().iter().map(|text| {
                let ids = text["ids"].as_array().unwrap().iter();
                Value::Array(ids.filter(|id| !is_end(id)).cloned().collect())
            });
            assert_eq!(Value::Array(written.collect()), case["texts"], "{case}");
            continue;
        };
        let report = rungs(at, &format!("{generate} --n {DRAWN} --batch-size 500")).json();
        let mut counts = vec![0_u32; probabilities.len()];
        for text in report["texts"].as_array().unwrap() {
            counts[text["ids"][0].as_u64().unwrap() as usize] += 1;
        }
        for (id, (count, p)) in counts.into_iter().zip(probabilities).enumerate() {
            let (count, p) = (f64::from(count), p.as_f64().unwrap());
            let expected = p * DRAWN as f64;
            let five_deviations = 5.0 * (expected * (1.0 - p)).sqrt();
            assert!((count - expected).abs() <= five_deviations + 1e-3, "token {id}: {count}, not {expected}: {case}");
        }
    }
}

#[test]
fn a_generation_config_is_named_and_options_come_before_it() {
    let folder = folder();
    let at = folder.path();
    copy("gpt2", at);
    rungs(at, "import gpt2 hf --out without").done();
    bad_input(at, "generate without --prompt-ids 5 --use-generation-config", &["--use-generation-config", "has none"]);
    let config = json!({ "num_beams": 3, "max_length": 4, "eos_token_id": 3, "unheard_of": 1, "use_cache": true });
    fs::write(at.join("hf/generation_config.json"), config.to_string()).unwrap();
    let imported = rungs(at, "import gpt2 hf --out run").done();
    let lines: Vec<&str> = imported.stderr.lines().collect();
    assert!(lines[0].contains("passed over: unheard_of") && !lines[0].contains("use_cache"), "{lines:?}");
    assert!(lines[1].contains("--use-generation-config: max_length 4, num_beams 3"), "{lines:?}");
    let tokens = |flags: &str| {
        let report = rungs(at, &format!("generate run --use-generation-config --json {flags}")).json();
        report["texts"][0]["tokens"].as_u64().unwrap()
    };
    assert_eq!([tokens("--prompt-ids 5"), tokens("--prompt-ids 5,6,7")], [3, 1]);
    assert_eq!(tokens("--prompt-ids 5 --max-tokens 2"), 2);
    assert_eq!(tokens("--prompt-ids 5 --greedy --min-tokens 3"), 3);
    assert_eq!(tokens("--prompt-ids 5 --temperature 2"), 3);
    bad_input(at, "generate run --prompt-ids 1,2,3,4 --use-generation-config", &["max_length", "no room"]);
    // What was exported says it still.
    rungs(at, "export run --out again").done();
    let again: Value = serde_json::from_slice(&fs::read(at.join("again/generation_config.json")).unwrap()).unwrap();
    assert_eq!(again, json!({ "num_beams": 3, "max_length": 4, "eos_token_id": 3, "bos_token_id": null }));
    // An older folder says it in its configuration.
    fs::remove_file(at.join("hf/generation_config.json")).unwrap();
    edit(&at.join("hf/config.json"), |config| config["max_length"] = 2.into());
    rungs(at, "import gpt2 hf --out old").done();
    let report = rungs(at, "generate old --prompt-ids 5 --use-generation-config --json").json();
    assert_eq!(report["texts"][0]["tokens"], 1);
    for (field, value) in [
        ("num_beam_groups", json!(2)),
        ("suppress_tokens", json!([3])),
        ("temperature", json!("hot")),
        ("top_h", json!(1)),
    ] {
        let folder = crate::program::huggingface_folders::folder();
        let at = folder.path();
        copy("gpt2", at);
        fs::write(at.join("hf/generation_config.json"), json!({ field: value }).to_string()).unwrap();
        rungs(at, "import gpt2 hf --out run").done();
        let generate = "generate run --prompt-ids 5 --use-generation-config";
        bad_input(at, generate, &["--use-generation-config", field]);
    }
}
