//! The program where a part of a model is trained: adapters with the model they belong to, and the last blocks.

use std::fs;
use std::path::Path;

use crate::binary::{bad_input, rungs, snapshot, text};
use rungs::tensor::safetensors::{self, Named};
use rungs::trainer::Folder;
use rungs::trainer::checkpoint::in_memory;
use rungs::{Provenance, RunConfig, SavedRun};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A model that has learnt a little, and texts: what it learnt, and what it is to be fine-tuned to, the same backwards.
fn folder(tokenizer: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    let plain = text(6000);
    fs::write(at.join("text.txt"), &plain).unwrap();
    fs::write(at.join("other.txt"), plain.chars().rev().collect::<String>()).unwrap();
    let train = "train gpt --text text.txt --out base --layers 2 --hidden 16 --heads 2 --context 16 --batch-size 4 \
                 --steps 200 --lr 0.01 --bias true --dropout 0.1";
    rungs(at, &format!("{train} --tokenizer {tokenizer}")).done();
    folder
}

const TUNE: &str =
    "train gpt --from base --text other.txt --batch-size 4 --evaluate-every 10 --save-every 7 --lr 0.01 --json";

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

fn arrays(path: &Path) -> Named<f32> {
    safetensors::read(&fs::read(path).unwrap()).unwrap()
}

fn loss(at: &Path, run: &str) -> f64 {
    number(&rungs(at, &format!("evaluate {run} --text other.txt --json")).json()["loss"])
}

#[test]
fn an_adapter_is_trained_kept_by_itself_and_read_with_its_model() {
    let folder = folder("char");
    let at = folder.path();
    let base = snapshot(&at.join("base"));
    let report = rungs(at, &format!("{TUNE} --out tuned --steps 40 --lora 2 --lora-dropout 0.1")).json();
    // Rank 2 beside (16, 48), (16, 16), (16, 64) and (64, 16), in two blocks.
    let trained = 2 * 2 * (16 + 48 + 16 + 16 + 16 + 64 + 64 + 16);
    let info = rungs(at, "info base --json").json();
    assert_eq!(report["trained_parameters"], trained);
    assert_eq!(report["parameters"], info["parameters"].as_u64().unwrap() + trained);
    assert!(info["trained_parameters"].is_null() && info["adapts"].is_null());
    assert!(snapshot(&at.join("base")) == base, "nothing of the model was changed");

    // The folder holds the adapter alone, which says what it belongs to.
    let files: Vec<String> = Folder::open(at.join("tuned")).unwrap().files().map(str::to_owned).collect();
    let expected = ["adapter.safetensors", "loss.svg", "metrics.csv", "tokenizer.json", "training.safetensors"];
    assert_eq!(files, expected);
    let kept = arrays(&at.join("tuned/adapter.safetensors"));
    assert_eq!(kept.len(), 2 * 2 * 4);
    assert!(kept.keys().all(|name| name.ends_with(".adapter.a") || name.ends_with(".adapter.b")), "{:?}", kept.keys());
    let state = arrays(&at.join("tuned/training.safetensors"));
    assert!(state.keys().all(|name| name.contains(".adapter.")), "{:?}", state.keys());
    assert_eq!(state.len(), 3 * kept.len(), "each with two moments");
    let belonging = SavedRun::open(at.join("tuned")).unwrap().belonging().unwrap().clone();
    let sum = Folder::open(at.join("base")).unwrap().checksum("model.safetensors").unwrap().to_owned();
    let path = fs::canonicalize(at).unwrap().join("base");
    assert_eq!(fs::canonicalize(&belonging.base.name).unwrap(), path);
    assert_eq!(belonging.base, Provenance { name: belonging.base.name.clone(), sha256: sum.clone() });
    assert_eq!((belonging.lora.rank, belonging.lora.alpha, belonging.lora.dropout), (2, 4.0, 0.1));

    // It is read by all that reads a run. What is evaluated is what was, bit for bit.
    assert!(loss(at, "tuned") < loss(at, "base") - 0.3);
    let info = rungs(at, "info tuned --json").json();
    assert_eq!((&info["adapts"]["sha256"], &info["trained_parameters"]), (&sum.into(), &trained.into()));
    assert_eq!(info["settings"]["fine_tuning"]["lora"]["targets"], "attention,feed_forward");
    let prose = rungs(at, "info tuned").done().stdout;
    assert!(["adapts", "trained", "lora-alpha"].iter().all(|word| prose.contains(word)), "{prose}");
    let written = rungs(at, "generate tuned --greedy --max-tokens 50").done().stdout;
    assert_ne!(written, rungs(at, "generate base --greedy --max-tokens 50").done().stdout);

    // Merged, it is a model like any other.
    let merged = rungs(at, "merge tuned --out merged --json").json();
    assert_eq!(merged["parameters"], rungs(at, "info base --json").json()["parameters"]);
    assert!((loss(at, "merged") - loss(at, "tuned")).abs() < 1e-6);
    assert_eq!(rungs(at, "generate merged --greedy --max-tokens 50").done().stdout, written);
    let files: Vec<String> = Folder::open(at.join("merged")).unwrap().files().map(str::to_owned).collect();
    assert_eq!(files, ["model.safetensors", "tokenizer.json"]);
    let info = rungs(at, "info merged --json").json();
    assert!(info["settings"]["fine_tuning"].is_null() && info["imported_from"].as_str().unwrap().ends_with("tuned"));
    rungs(at, "export tuned --out there").done();
    rungs(at, "export merged --out there_too").done();
    let [one, other] = ["there", "there_too"].map(|name| fs::read(at.join(name).join("model.safetensors")).unwrap());
    assert!(one == other);
    // Both are whole enough to begin with.
    for from in ["tuned", "merged"] {
        let train =
            format!("train gpt --from {from} --text other.txt --batch-size 4 --steps 1 --lr 1e-12 --out on-{from}");
        rungs(at, &train).done();
        assert!((loss(at, &format!("on-{from}")) - loss(at, "tuned")).abs() < 1e-5, "{from}");
        assert!(at.join(format!("on-{from}/model.safetensors")).exists());
    }
}

#[test]
fn a_model_that_was_moved_is_found_where_it_is_said_to_be_and_another_is_refused() {
    let folder = folder("char");
    let at = folder.path();
    rungs(at, &format!("{TUNE} --out tuned --steps 10 --lora 2")).done();
    let before = loss(at, "tuned");
    rungs(at, "train gpt --from base --text text.txt --batch-size 4 --steps 3 --out other").done();
    fs::rename(at.join("base"), at.join("moved")).unwrap();
    let gone = ["tuned: the model that it adapts is gone", "base: holds no run", "--base DIR says where it is"];
    for command in [
        "evaluate tuned --text other.txt",
        "generate tuned",
        "info tuned",
        "export tuned --out x",
        "merge tuned --out x",
    ] {
        bad_input(at, command, &gone);
        let sum = Folder::open(at.join("moved")).unwrap().checksum("model.safetensors").unwrap().to_owned();
        let other = ["other: not the model that tuned adapts, which was", "base", "has checksum", sum.as_str()];
        bad_input(at, &format!("{command} --base other"), &other);
        bad_input(at, &format!("{command} --base nothing"), &["nothing: holds no run"]);
        bad_input(
            at,
            &format!("{command} --base tuned"),
            &["tuned: not the model that tuned adapts", "no model.safetensors"],
        );
    }
    let moved = rungs(at, "evaluate tuned --text other.txt --base moved --json").json();
    assert_eq!(number(&moved["loss"]), before);
    rungs(at, "merge tuned --base moved --out merged").done();
    bad_input(at, "evaluate merged --text other.txt --base moved", &["merged: there is no adapter in this run"]);
    bad_input(at, "merge merged --out again", &["merged: there is no adapter in this run, its model is whole"]);
    bad_input(at, "merge tuned --base moved --out other", &["other", "holds a run already"]);
    // Training goes on with it as well, and remembers where it is.
    let on = "train gpt --text other.txt --out tuned --resume --steps 14";
    bad_input(at, on, &gone);
    bad_input(at, &format!("{on} --from other"), &["other: not the model that tuned adapts"]);
    rungs(at, &format!("{on} --from moved")).done();
    assert!(rungs(at, "info tuned --json").json()["adapts"]["name"].as_str().unwrap().ends_with("moved"));
    loss(at, "tuned");

    // The same model with other tokens is another, too.
    let path = at.join("moved/config.json");
    let weights = fs::read(at.join("moved/model.safetensors")).unwrap();
    let settings = serde_json::from_slice::<Value>(&fs::read(&path).unwrap()).unwrap()["settings"].clone();
    let tokens = fs::read_to_string(at.join("moved/tokenizer.json")).unwrap();
    let swapped = tokens.replacen('a', "\u{1}", 1).replacen('b', "a", 1).replacen('\u{1}', "b", 1);
    assert_ne!(swapped, tokens);
    fs::remove_dir_all(at.join("moved")).unwrap();
    let files = [("model.safetensors".to_owned(), weights), ("tokenizer.json".to_owned(), swapped.into_bytes())];
    let files = files.map(|(name, bytes)| (name, in_memory(bytes)));
    Folder::create(at.join("moved")).unwrap().save(settings, &files).unwrap();
    let ran = rungs(at, "generate tuned");
    ran.refused(2, &["moved"]);
}

#[test]
fn stopped_and_resumed_an_adapter_is_the_same() {
    let folder = folder("bpe:270");
    let at = folder.path();
    for (name, flags, file) in [
        (
            "lora",
            "--lora 3 --lora-alpha 9 --lora-targets qkv,feed-forward.down --lora-dropout 0.2",
            "adapter.safetensors",
        ),
        ("averaged", "--lora 2 --ema 0.8 --accumulate 2 --checkpointing true", "adapter.safetensors"),
        ("last", "--train-last-layers 1 --ema 0.8", "model.safetensors"),
    ] {
        // The same run in one life and in three; a rate that does not ask how long it will be.
        let constant = "--schedule constant";
        let straight = rungs(at, &format!("{TUNE} {constant} --out straight-{name} --steps 30 {flags}")).json();
        rungs(at, &format!("{TUNE} {constant} --out {name} --steps 8 {flags}")).done();
        rungs(at, &format!("{TUNE} {constant} --out {name} --steps 19 --resume")).done();
        let resumed = rungs(at, &format!("{TUNE} {constant} --out {name} --steps 30 {flags} --resume")).json();
        assert_eq!(resumed["trained_parameters"], straight["trained_parameters"]);
        for key in ["validation_loss", "train_loss"] {
            assert_eq!(resumed[key], straight[key], "{name}: {key}");
        }
        let state = |run: &str| {
            let mut state = arrays(&at.join(run).join("training.safetensors"));
            state.retain(|name, _| !name.starts_with("task"));
            state.into_iter().map(|(name, x)| (name, x.to_vec())).collect::<Vec<_>>()
        };
        assert_eq!(state(name), state(&format!("straight-{name}")));
        // At step 30 both were evaluated last; lives that ended were evaluated at their ends, too, and may have kept
        // the best of those.
        let [one, other] = [name.to_owned(), format!("straight-{name}")].map(|run| arrays(&at.join(run).join(file)));
        assert!(one.keys().eq(other.keys()));
        let best = |report: &Value| number(&report["best_validation_loss"]);
        assert!(best(&resumed) <= best(&straight));
        if best(&resumed) == best(&straight) {
            assert!(one.iter().all(|(name, x)| x.to_vec() == other[name].to_vec()));
        }
        // A run that is finished says the same of itself without its model.
        let again = rungs(at, &format!("{TUNE} {constant} --out {name} --steps 30 --resume")).json();
        assert_eq!(again["trained_parameters"], straight["trained_parameters"]);
        bad_input(
            at,
            &format!("{TUNE} {constant} --out {name} --steps 40 --resume --lora 7"),
            &["lora is", "in this run, not 7"],
        );
    }
    bad_input(
        at,
        &format!("{TUNE} --schedule constant --out lora --steps 40 --resume --lora-alpha 8"),
        &["lora-alpha is 9.0"],
    );
}

#[test]
fn the_last_blocks_are_trained_and_the_rest_keeps_its_bits() {
    let folder = folder("char");
    let at = folder.path();
    let report = rungs(at, &format!("{TUNE} --out tuned --steps 12 --train-last-layers 1")).json();
    let [before, after] = ["base", "tuned"].map(|run| arrays(&at.join(run).join("model.safetensors")));
    assert!(before.keys().eq(after.keys()));
    let mut trained = 0;
    for (name, array) in &before {
        let bits = |array: &rungs::tensor::Array<f32>| array.to_vec().into_iter().map(f32::to_bits).collect::<Vec<_>>();
        let same = bits(array) == bits(&after[name]);
        let last = name.starts_with("blocks.1.") || name.starts_with("final_norm.");
        assert_eq!(same, !last, "{name}");
        trained += if last { array.size() } else { 0 };
    }
    assert_eq!(report["trained_parameters"], trained);
    assert_eq!(rungs(at, "info tuned --json").json()["trained_parameters"], trained);
    let state = arrays(&at.join("tuned/training.safetensors"));
    assert!(state.keys().all(|name| name.contains("blocks.1.") || name.contains("final_norm.")), "{:?}", state.keys());
    assert!(loss(at, "tuned") < loss(at, "base"));
    // A head of its own is a last layer.
    let llama = "--architecture llama --layers 2 --hidden 16 --heads 2 --context 16 --batch-size 4 --steps 3";
    rungs(at, &format!("train gpt --text text.txt --out llama {llama}")).done();
    let tune = TUNE.replace("base", "llama");
    let report = rungs(
        at,
        &format!("{tune} --out tuned-llama --steps 2 --train-last-layers 2 --json").replace("--json --out", "--out"),
    )
    .json();
    let [before, after] = ["llama", "tuned-llama"].map(|run| arrays(&at.join(run).join("model.safetensors")));
    let changed: usize =
        before.iter().filter(|(name, x)| x.to_vec() != after[*name].to_vec()).map(|(_, x)| x.size()).sum();
    assert_eq!(report["trained_parameters"], changed);
    assert!(before["head.weight"].to_vec() != after["head.weight"].to_vec());
    assert_eq!(before["token_embedding.weight"].to_vec(), after["token_embedding.weight"].to_vec());
}

#[test]
fn what_cannot_be_adapted_gets_one_line() {
    let folder = folder("char");
    let at = folder.path();
    rungs(at, "train lstm --text text.txt --hidden 8 --embedding 8 --steps 2 --out lstm").done();
    rungs(at, &format!("{TUNE} --out tuned --steps 2 --lora 2")).done();
    for (arguments, words) in [
        ("gpt --lora 4", "--lora: there is no model to fine-tune; --from DIR says which one"),
        ("gpt --train-last-layers 1", "--train-last-layers: there is no model to fine-tune"),
        ("gpt --from base --train-last-layers 3", "train-last-layers: must be 1 to 2, all there are, not 3"),
        ("gpt --from base --lora 2 --train-last-layers 1", "--train-last-layers"),
        ("gpt --from base --lora-dropout 0.1", "--lora-dropout: without --lora there is no adapter"),
        ("gpt --from base --lora 0", "--lora"),
        ("gpt --from base --lora 2 --lora-alpha 0", "--lora-alpha"),
        ("gpt --from base --lora 2 --lora-dropout 1", "lora-dropout: must be at least 0 and less than 1, not 1"),
        ("gpt --from base --lora 17", "lora: a rank of 17 is more than blocks.0.attention.qkv (16 by 48) has"),
        ("gpt --from base --lora 2 --lora-targets attention,,qkv", "leaves out the name of a part"),
        (
            "gpt --from base --lora 2 --lora-targets attention,gate",
            "lora-targets: no matrix of this model is called gate; there are attention.projection, attention.qkv, \
             feed_forward.down, feed_forward.up",
        ),
        ("gpt --from tuned --lora 2", "--from: tuned holds an adapter itself; rungs merge makes a whole model of it"),
        ("lstm --from lstm --lora 2", "--lora: the rung lstm has no such setting"),
        ("lstm --from lstm --train-last-layers 1", "--train-last-layers: the rung lstm has no such setting"),
    ] {
        bad_input(at, &format!("train {arguments} --text other.txt --out new"), &[words]);
    }
    // A damaged adapter, and one that does not say what it belongs to.
    let path = at.join("tuned/adapter.safetensors");
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, [&bytes[..bytes.len() - 4], &[0, 0, 0, 1]].concat()).unwrap();
    for command in ["generate tuned", "info tuned", "merge tuned --out x", "evaluate tuned --text other.txt"] {
        bad_input(at, command, &["tuned/adapter.safetensors", "the file is damaged"]);
    }
    let forge = |metadata: Option<(&str, &str)>, weights: &Named<f32>| {
        let settings = serde_json::to_value(RunConfig::open(&at.join("tuned")).unwrap()).unwrap();
        let files = [
            ("adapter.safetensors".to_owned(), safetensors::write(weights, metadata).unwrap()),
            ("tokenizer.json".to_owned(), fs::read(at.join("tuned/tokenizer.json")).unwrap()),
        ];
        let files = files.map(|(name, bytes)| (name, in_memory(bytes)));
        Folder::open(at.join("tuned")).unwrap().save(settings, &files).unwrap();
    };
    let weights: Named<f32> = safetensors::read(&bytes).unwrap();
    forge(None, &weights);
    bad_input(at, "generate tuned", &["tuned/adapter.safetensors", "it does not say what it belongs to"]);
    forge(Some(("adapter", "{}")), &weights);
    bad_input(at, "generate tuned", &["tuned/adapter.safetensors", "what it belongs to: missing field"]);
    let base = SavedRun::open(at.join("base")).unwrap();
    let source = serde_json::to_value(base.provenance()).unwrap();
    let tokens = rungs::trainer::checkpoint::checksum(base.tokenizers.to_json().as_bytes());
    let lora = json!({ "rank": 3, "alpha": 4.0, "targets": "attention,feed_forward", "dropout": 0.0 });
    let says = json!({ "lora": lora, "base": source, "tokens_sha256": tokens }).to_string();
    forge(Some(("adapter", &says)), &weights);
    bad_input(at, "generate tuned", &["tuned/adapter.safetensors", "wrong shape: blocks.0.attention.qkv.adapter.a"]);
}

#[test]
fn the_library_does_as_much_in_a_few_lines() {
    use rungs::prelude::*;
    use rungs::settings::{FineTuning, Lora};
    use rungs::{RunConfig, run};
    let folder = folder("char");
    let at = folder.path();
    let base = SavedRun::open(at.join("base")).unwrap();
    let text = fs::read_to_string(at.join("other.txt")).unwrap();
    let mut settings = base.config.settings.beginning();
    settings.fine_tuning = Some(FineTuning::Lora(Lora::of_rank(2)));
    settings.training.budget = Budget::Steps(5);
    let corpus = || Corpus::of_text(&text, None, Some(base.tokenizers.target.clone()), &settings).unwrap();
    let mut config =
        RunConfig { settings: settings.clone(), text: Provenance::of("text", &text), validation: None, from: None };
    // Without a model to adapt there is nothing to be trained, kept or not.
    let error = Run::create(&at.join("tuned"), &config, corpus()).unwrap_err().to_string();
    assert!(error.starts_with("lora: there is no model whose part it could train"), "{error}");
    assert_eq!(
        Run::new(&settings, corpus()).unwrap().train(&mut |_| Control::Continue).unwrap_err().to_string(),
        error
    );
    config.from = Some(base.provenance());
    let mut run = Run::create(&at.join("tuned"), &config, corpus()).unwrap();
    assert!(run.train(&mut |_| Control::Continue).is_err() && !at.join("tuned").exists());
    run.begin_with(&base).unwrap();
    run.train(&mut |_| Control::Continue).unwrap();
    assert!(run.trainer().trained_count() < run.parameter_count());
    let tuned = SavedRun::open(at.join("tuned")).unwrap();
    let [kept, best] = [tuned.model().unwrap(), run.best_model().unwrap()]
        .map(|model| model.named().into_iter().map(|(name, x)| (name, x.to_vec())).collect::<Vec<_>>());
    assert_eq!(kept, best);
    let merged = run::merge(&tuned, &at.join("merged")).unwrap();
    assert_eq!(merged.parameter_count().unwrap(), base.parameter_count().unwrap());
}
