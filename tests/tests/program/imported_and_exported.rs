//! Folders of Hugging Face opened and written, and runs that begin with one.

use std::fs;

use serde_json::{Value, json};

use super::huggingface_folders::{fixtures, folder};
use crate::binary::{bad_input, rungs, text};

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

#[test]
fn an_export_that_was_killed_does_not_block_the_next_and_one_that_was_not_does() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    rungs(at, "train gpt --layers 1 --width 8 --heads 2 --context 8 --batch-size 2 --steps 2 --out run").done();
    // Killed between its renames: the configuration waits, and there are a file of this export and one of another.
    fs::create_dir(at.join("out")).unwrap();
    for name in ["config.json.next", "model.safetensors", "tokenizer.json"] {
        fs::write(at.join("out").join(name), "half").unwrap();
    }
    rungs(at, "export run --out out").done();
    let mut names: Vec<_> = fs::read_dir(at.join("out")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["config.json", "model.safetensors"], "characters have no tokenizer there");
    rungs(at, "export run --out out").refused(2, &["in the way"]);
    fs::write(at.join("file"), "mine").unwrap();
    rungs(at, "export run --out file").refused(2, &["file", "not a folder"]);
    rungs(at, "climb --resume --out nothing").refused(2, &["nothing", "holds no ladder"]);
    assert!(!at.join("nothing").exists());
}
