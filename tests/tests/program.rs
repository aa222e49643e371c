//! The program as its users meet it: what it prints, what it writes, and what it says when something is wrong.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::binary::{self, Ran, bad_input, command, rungs, snapshot, text};
use serde_json::Value;
use tempfile::TempDir;

/// Flags of a run that takes a moment.
const TINY: &str = "--layers 1 --hidden 16 --context 16 --batch-size 4 --steps 20 --evaluate-every 10";

/// A folder with texts good and bad.
fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, contents: &[u8]| fs::write(folder.path().join(name), contents).unwrap();
    write("text.txt", text(4000).as_bytes());
    write("other.txt", text(5000).as_bytes());
    write("empty.txt", b"");
    write("short.txt", b"the cat sees");
    write("nul.txt", b"some text\0and more");
    write("latin1.txt", b"caf\xe9 au lait");
    write("greek.txt", "the cat sees αβγ".as_bytes());
    write("prompts.txt", b"the cat\na dog\n");
    folder
}

/// A folder with a trained run in it.
fn trained(rung: &str) -> TempDir {
    let folder = folder();
    rungs(folder.path(), &format!("train {rung} --text text.txt --out run {TINY}")).done();
    folder
}

fn keys(object: &Value) -> Vec<&str> {
    object.as_object().expect("an object").keys().map(String::as_str).collect()
}

#[test]
fn from_a_text_to_a_model_to_a_text() {
    let v = text(4000).chars().collect::<std::collections::BTreeSet<_>>().len();
    for (rung, flags, parameters) in [
        ("rnn", "--embedding 8", v * 8 + 8 * 16 + 16 * 16 + 16 + 16 * v + v),
        ("lstm", "--embedding 8", v * 8 + 4 * (8 * 16 + 16 * 16 + 16) + 16 * v + v),
        ("gpt", "--heads 2", v * 16 + 16 * 16 + 12 * 16 * 16 + 2 * 16 + 16),
    ] {
        let folder = folder();
        let at = folder.path();
        let report = rungs(at, &format!("train {rung} --text text.txt --out run {TINY} {flags} --json")).json();
        let expected = [
            "best_validation_loss",
            "parameters",
            "peak_rss_bytes",
            "run",
            "rung",
            "seconds",
            "steps",
            "stopped_early",
            "tokens_per_second",
            "train_loss",
            "validation_loss",
        ];
        assert_eq!(keys(&report), expected);
        assert_eq!((&report["run"], &report["rung"], &report["steps"]), (&"run".into(), &rung.into(), &20.into()));
        assert_eq!(report["parameters"], parameters);

        let run = at.join("run");
        let mut names: Vec<_> = fs::read_dir(&run).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        let files =
            ["config.json", "loss.svg", "metrics.csv", "model.safetensors", "tokenizer.json", "training.safetensors"];
        assert_eq!(names, files);
        let config: Value = serde_json::from_slice(&fs::read(run.join("config.json")).unwrap()).unwrap();
        assert_eq!(keys(&config["files"]), files[1..], "every file has a checksum");
        assert!(fs::read_to_string(run.join("loss.svg")).unwrap().contains("loss (nats per token)"));

        // The whole held-out tenth, measured from outside, is what training measured.
        let held_out: String = text(4000).chars().skip(3600).collect();
        fs::write(at.join("held-out.txt"), held_out).unwrap();
        let evaluation = rungs(at, "evaluate run --text held-out.txt --json").json();
        let names = [
            "bits_per_byte",
            "bits_per_char",
            "compared",
            "differences",
            "loss",
            "perplexity",
            "run",
            "rung",
            "tokens",
        ];
        assert_eq!(keys(&evaluation), names);
        let number = |value: &Value| value.as_f64().unwrap();
        assert_eq!(evaluation["tokens"], 399);
        assert!((number(&evaluation["loss"]) - number(&report["best_validation_loss"])).abs() < 1e-6);
        assert!((number(&evaluation["perplexity"]).ln() - number(&evaluation["loss"])).abs() < 1e-9);
        let bits = number(&evaluation["loss"]) / std::f64::consts::LN_2;
        assert!((number(&evaluation["bits_per_char"]) - bits).abs() < 1e-9);

        let info = rungs(at, "info run --json").json();
        for key in ["rung", "steps", "parameters", "train_loss", "validation_loss", "best_validation_loss"] {
            assert_eq!(info[key], report[key], "{key}");
        }
        assert_eq!(info["settings"]["hidden"], 16);
        let prose = rungs(at, "info run").done().stdout;
        assert!(prose.contains(rung) && prose.contains("hidden"), "{prose}");
    }
}

#[test]
fn generation_says_what_it_wrote() {
    let folder = trained("gpt");
    let at = folder.path();
    let report = rungs(at, "generate run --prompts prompts.txt --n 2 --max-tokens 40 --seed 3 --json").json();
    assert_eq!(keys(&report), ["texts"]);
    let texts = report["texts"].as_array().unwrap();
    assert_eq!(
        texts.iter().map(|text| text["prompt"].as_str().unwrap()).collect::<Vec<_>>(),
        ["the cat", "the cat", "a dog", "a dog"]
    );
    let tokenizer: Value = serde_json::from_slice(&fs::read(at.join("run/tokenizer.json")).unwrap()).unwrap();
    for written in texts {
        let names = ["finish", "ids", "log_probabilities", "log_probability", "prompt", "score", "text", "tokens"];
        assert_eq!(keys(written), names);
        let ids: Vec<usize> = serde_json::from_value(written["ids"].clone()).unwrap();
        let decoded: String = ids.iter().map(|&id| tokenizer["tokens"][id].as_str().unwrap()).collect();
        assert_eq!(written["text"], decoded.as_str());
        assert_eq!((&written["tokens"], &written["finish"]), (&40.into(), &"length".into()));
        let (sum, mean) = (written["log_probability"].as_f64().unwrap(), written["score"].as_f64().unwrap());
        assert!(sum < 0.0 && (sum / 40.0 - mean).abs() < 1e-12);
    }
    assert_ne!(texts[0]["text"], texts[1]["text"], "two draws");

    // The same text by its ids, in prose, as a stream, from a seed, and greedily.
    let prose = rungs(at, "generate run --prompt-ids 0,1 --max-tokens 30").done().stdout;
    assert_eq!(rungs(at, "generate run --prompt-ids 0,1 --max-tokens 30 --stream").done().stdout, prose);
    assert_eq!(rungs(at, "generate run --prompt-ids 0,1 --max-tokens 30 --seed 0").done().stdout, prose);
    assert_ne!(rungs(at, "generate run --prompt-ids 0,1 --max-tokens 30 --seed 1").done().stdout, prose);
    let greedy = rungs(at, "generate run --greedy --max-tokens 30").done().stdout;
    for flags in ["--temperature 1e-9", "--top-k 1", "--top-p 1e-9"] {
        assert_eq!(rungs(at, &format!("generate run --max-tokens 30 {flags}")).done().stdout, greedy, "{flags}");
    }

    let stopped = rungs(at, "generate run --stop e --max-tokens 5000 --json").json();
    let written = &stopped["texts"][0];
    assert_eq!(written["finish"], "stop");
    assert_eq!(written["text"].as_str().unwrap().find('e'), Some(written["tokens"].as_u64().unwrap() as usize - 1));
    let late = rungs(at, "generate run --stop e --min-tokens 500 --max-tokens 5000 --json").json();
    assert!(late["texts"][0]["tokens"].as_u64().unwrap() >= 500);
    let none = rungs(at, "generate run --max-tokens 0 --json").json();
    assert_eq!(none["texts"][0]["text"], "");
}

#[test]
fn a_text_comes_from_stdin_or_is_built_in() {
    let folder = folder();
    let at = folder.path();
    let piped = |arguments: &str, input: &str| {
        let mut command = command(at, arguments);
        let file = fs::File::open(at.join(input)).unwrap();
        Ran::of(&command.stdin(Stdio::from(file)).output().unwrap())
    };
    piped(&format!("train rnn --text - --out piped {TINY}"), "text.txt").done();
    rungs(at, &format!("train rnn --text text.txt --out file {TINY}")).done();
    let model = |run: &str| fs::read(at.join(run).join("model.safetensors")).unwrap();
    assert_eq!(model("piped"), model("file"), "the same text is the same run");
    bad_input(at, "train rnn --out piped --resume --steps 30", &["--text", "stdin"]);
    piped("train rnn --text - --out piped --resume --steps 30", "text.txt").done();
    piped("train rnn --text - --out piped --resume --steps 40", "other.txt").refused(2, &["the text", "stdin"]);
    piped("evaluate file --text -", "nul.txt").refused(2, &["stdin", "binary", "byte 9"]);

    rungs(at, &format!("train rnn --out built-in {TINY}")).done();
    let info = rungs(at, "info built-in --json").json();
    assert_eq!(info["text"], "the built-in text");
    rungs(at, "train rnn --out built-in --resume --steps 25").done();
}

#[test]
fn words_are_tokens_too() {
    let folder = folder();
    let at = folder.path();
    rungs(at, &format!("train lstm --text text.txt --tokenizer word --out run {TINY}")).done();
    let evaluation = rungs(at, "evaluate run --text text.txt --json").json();
    let characters_per_token =
        evaluation["loss"].as_f64().unwrap() / std::f64::consts::LN_2 / evaluation["bits_per_char"].as_f64().unwrap();
    assert!((3.0..6.0).contains(&characters_per_token), "{characters_per_token}");
    rungs(at, "evaluate run --text greek.txt").done(); // unknown words are a token
}

#[test]
fn a_validation_text_of_its_own() {
    let folder = folder();
    let at = folder.path();
    let report = rungs(at, &format!("train rnn --text text.txt --validation other.txt --out run {TINY} --json")).json();
    let evaluation = rungs(at, "evaluate run --text other.txt --json").json();
    assert_eq!(evaluation["tokens"], 4999);
    assert!((evaluation["loss"].as_f64().unwrap() - report["best_validation_loss"].as_f64().unwrap()).abs() < 1e-6);
    rungs(at, "train rnn --out run --resume --steps 30").done();
    bad_input(
        at,
        "train rnn --out run --resume --steps 40 --validation text.txt",
        &["the validation text", "text.txt"],
    );
}

#[test]
fn bad_arguments() {
    let folder = folder();
    let at = folder.path();
    for (arguments, words) in [
        ("", &["a command is missing", "--help"][..]),
        ("--json", &["a command is missing"]),
        ("trian lstm", &["trian", "train"]),
        ("train", &["RUNG"]),
        ("train bert --text text.txt", &["bert", "rnn, lstm, gru, gpt"]),
        ("train lstm --text text.txt --setps 3", &["--setps", "--steps"]),
        ("train lstm --text", &["--text"]),
        ("train lstm --text text.txt --steps 0", &["--steps", "1 or more"]),
        ("train lstm --text text.txt --steps many", &["--steps", "many"]),
        ("train lstm --text text.txt --steps 5 --epochs 2", &["--steps", "--epochs"]),
        ("train lstm --text text.txt --seconds -1", &["-1"]),
        ("train lstm --text text.txt --lr nan", &["--lr", "finite"]),
        ("train lstm --text text.txt --lr 0", &["--lr"]),
        ("train lstm --text text.txt --lr 0.1 --min-lr 0.2", &["learning rate", "0.2"]),
        ("train lstm --text text.txt --clip=-1", &["clip", "-1"]),
        ("train lstm --text text.txt --dropout 1", &["dropout", "1"]),
        ("train lstm --text text.txt --optimizer adan", &["adan", "adam"]),
        ("train lstm --text text.txt --optimizer sgd --beta2 0.9", &["--beta2", "sgd"]),
        ("train lstm --text text.txt --optimizer adamw --beta2 1", &["beta2", "1"]),
        ("train lstm --text text.txt --schedule constant --warmup 5", &["--warmup", "cosine"]),
        ("train lstm --text text.txt --tokenizer bpe", &["--tokenizer", "bpe:8000"]),
        ("train lstm --text text.txt --validation-split 1", &["validation-split", "1"]),
        ("train lstm --text text.txt --validation-split 0", &["validation-split", "0"]),
        ("train lstm --text text.txt --seed -1", &["-1"]),
        ("train lstm --text text.txt --threads 0", &["--threads", "1 or more"]),
        ("train gpt --text text.txt --hidden 130 --heads 4", &["hidden 130", "heads 4"]),
        ("train gpt --text text.txt --embedding 64", &["embedding", "gpt"]),
        ("train lstm --text text.txt --heads 2", &["heads", "lstm"]),
        ("train lstm --text text.txt --hidden 0", &["--hidden", "1 or more"]),
        ("train lstm --text text.txt --hidden 10000000", &["parameters"]),
        ("train lstm --text text.txt --hidden 30000", &["parameters", "memory"]),
        ("train lstm --text text.txt --hidden 99999999999999999999", &["--hidden", "too large"]),
        ("train gpt --text text.txt --layers 100000", &["layers", "100000"]),
        ("train gpt --text text.txt --context 99999999", &["context"]),
        ("train gpt --text text.txt --batch-size 99999999", &["batch-size"]),
        ("climb --steps-per-rung 5 --seconds-per-rung 5", &["--steps-per-rung", "--seconds-per-rung"]),
        ("climb --resume", &["--out"]),
        ("generate", &["DIR"]),
        ("generate nowhere", &["nowhere", "no run"]),
        ("evaluate nowhere --text text.txt", &["nowhere", "no run"]),
        ("info nowhere", &["nowhere", "no run"]),
        ("info text.txt", &["text.txt", "not a folder"]),
        ("info .", &["no run"]),
    ] {
        bad_input(at, arguments, words);
    }
}

#[test]
fn bad_texts() {
    let folder = folder();
    let at = folder.path();
    for (arguments, words) in [
        ("train lstm --text missing.txt", &["missing.txt", "no such file"][..]),
        ("train lstm --text empty.txt", &["empty.txt", "empty"]),
        ("train lstm --text nul.txt", &["nul.txt", "binary", "byte 9"]),
        ("train lstm --text latin1.txt", &["latin1.txt", "not UTF-8", "byte 3"]),
        ("train lstm --text short.txt", &["short.txt", "too"]),
        ("train gpt --text short.txt", &["short.txt", "64"]),
        ("train lstm --text text.txt --batch-size 500", &["text.txt", "500"]),
        ("train lstm --text text.txt --validation empty.txt", &["empty.txt", "empty"]),
        ("train lstm --text text.txt --validation missing.txt", &["missing.txt", "no such file"]),
        ("train lstm --text .", &[".", "directory"]),
        ("train lstm --text text.txt/deeper", &["text.txt/deeper"]),
        ("train lstm --text /dev/zero", &["/dev/zero", "binary"]),
        ("train lstm --text text.txt --out text.txt", &["text.txt"]),
        ("train lstm --text text.txt --out text.txt/below/it", &["text.txt is a file, not a folder"]),
        ("climb --steps-per-rung 1 --out text.txt/below", &["text.txt is a file, not a folder"]),
    ] {
        bad_input(at, arguments, words);
    }
}

#[test]
fn bad_questions_to_a_good_model() {
    let folder = trained("lstm");
    let at = folder.path();
    let before = snapshot(at);
    for (arguments, words) in [
        ("generate run --prompt αβγ", &["--prompt", "'α'", "position 0"][..]),
        ("generate run --prompts missing.txt", &["missing.txt", "no such file"]),
        ("generate run --prompts greek.txt", &["greek.txt, line 1", "'α'", "position 13"]),
        ("generate run --prompts nul.txt", &["nul.txt", "binary"]),
        ("generate run --prompt-ids 0,999", &["--prompt-ids", "999"]),
        ("generate run --prompt-ids 0,x", &["--prompt-ids", "x"]),
        ("generate run --prompt a --prompt-ids 1", &["--prompt", "--prompt-ids"]),
        ("generate run --temperature 0", &["temperature 0"]),
        ("generate run --temperature=-1", &["temperature -1"]),
        ("generate run --top-k 0", &["top-k"]),
        ("generate run --top-p 1.5", &["top-p 1.5"]),
        ("generate run --greedy --top-k 3", &["--greedy", "--top-k"]),
        ("generate run --min-tokens 9 --max-tokens 3", &["min-tokens 9", "max-tokens 3"]),
        (r"generate run --stop \q", &["--stop", r"\q"]),
        ("generate run --n 0", &["--n", "1 or more"]),
        ("evaluate run --text greek.txt", &["greek.txt", "'α'", "position 13"]),
        ("evaluate run --text empty.txt", &["empty.txt", "empty"]),
        ("evaluate run --text missing.txt", &["missing.txt"]),
        ("evaluate run", &["--text"]),
    ] {
        rungs(at, arguments).refused(2, words);
    }
    let empty = command(at, "generate run --prompt").arg("").output().unwrap();
    Ran::of(&empty).refused(2, &["--prompt", "empty"]);
    assert!(snapshot(at) == before, "nothing was written");
}

#[test]
fn a_run_goes_on_as_itself_or_not_at_all() {
    let folder = trained("lstm");
    let at = folder.path();
    bad_input(at, &format!("train lstm --text text.txt --out run {TINY}"), &["run", "holds a run", "--resume"]);
    bad_input(at, "train lstm --text text.txt --out elsewhere --resume", &["elsewhere", "no run"]);
    for (flags, name) in [
        ("lstm --hidden 32", "hidden is 16 in this run, not 32"),
        ("lstm --layers 2", "layers is 1"),
        ("lstm --context 8", "context is 16"),
        ("lstm --batch-size 5", "batch-size is 4"),
        ("lstm --dropout 0.5", "dropout is 0.0"),
        ("lstm --lr 0.5", "lr is 0.004"),
        ("lstm --optimizer sgd", "optimizer is adam in this run, not sgd"),
        ("lstm --schedule constant", "schedule is cosine"),
        ("lstm --evaluate-every 3", "evaluate-every is 10"),
        ("lstm --tokenizer word", "tokenizer is char"),
        ("lstm --seed 7", "seed is 0 in this run, not 7"),
        ("rnn", "rung is lstm in this run, not rnn"),
        ("gpt", "rung is lstm in this run, not gpt"),
        ("lstm --text other.txt", "other.txt"),
    ] {
        bad_input(at, &format!("train {flags} --out run --resume --steps 30"), &["run", name]);
    }

    // Finished: it says so, changes nothing, and gives the same numbers.
    let before = snapshot(at);
    let report = rungs(at, "train lstm --out run --resume --json");
    assert!(report.stderr.lines().count() == 1 && report.stderr.contains("finished"), "{report:?}");
    let report = report.json();
    assert_eq!(report["steps"], 20);
    assert_eq!(report["best_validation_loss"], rungs(at, "info run --json").json()["best_validation_loss"]);
    rungs(at, &format!("train lstm --text text.txt --out run {TINY} --resume")).done();
    rungs(at, "train lstm --out run --resume --epochs 1").done(); // an epoch has more steps than that: it does go on
    fs::remove_dir_all(at.join("run")).unwrap();
    for (path, contents) in before.iter().filter(|(path, _)| path.starts_with(at.join("run"))) {
        if path == &at.join("run") { fs::create_dir(path).unwrap() } else { fs::write(path, contents).unwrap() }
    }

    // More steps: it goes on, and the table of losses with it.
    let longer = rungs(at, "train lstm --out run --resume --steps 35 --json").json();
    assert_eq!(longer["steps"], 35);
    let rows = fs::read_to_string(at.join("run/metrics.csv")).unwrap();
    let steps: Vec<&str> = rows.lines().skip(1).map(|row| row.split(',').next().unwrap()).collect();
    assert_eq!(steps, ["10", "20", "30", "35"]);
    // The text has gone: that matters to whoever has steps left to take, and to nobody else.
    fs::remove_file(at.join("text.txt")).unwrap();
    rungs(at, "train lstm --out run --resume").done();
    bad_input(at, "train lstm --out run --resume --steps 50", &["text.txt", "no such file"]);
}

#[test]
fn damage_is_found_and_named() {
    let folder = trained("gpt");
    let at = folder.path();
    let commands =
        ["generate run", "info run", "evaluate run --text text.txt", "train gpt --out run --resume --steps 30"];
    let reads = |file: &str| match file {
        "config.json" => &commands[..],
        "model.safetensors" | "tokenizer.json" => &commands[..],
        _ => &commands[3..],
    };
    for file in ["config.json", "model.safetensors", "tokenizer.json", "training.safetensors", "metrics.csv"] {
        let path = at.join("run").join(file);
        let whole = fs::read(&path).unwrap();
        let mut flipped = whole.clone();
        flipped[whole.len() / 2] ^= 4;
        for damaged in [&whole[..whole.len() / 2], &flipped[..], &[]] {
            fs::write(&path, damaged).unwrap();
            for command in reads(file) {
                bad_input(at, command, &["run", file]);
            }
        }
        fs::remove_file(&path).unwrap();
        for command in reads(file) {
            bad_input(at, command, &[if file == "config.json" { "no run" } else { file }]);
        }
        fs::write(&path, whole).unwrap();
    }
    rungs(at, "train gpt --out run --resume --steps 30").done();
}

#[cfg(unix)]
#[test]
fn a_full_disk_loses_nothing() {
    let folder = trained("lstm");
    let at = folder.path();
    // In blocks of a kilobyte: enough for the small files, not for the weights.
    let limited = |kilobytes: usize, arguments: &str| {
        let script = format!("ulimit -f {kilobytes}; exec \"$0\" {arguments}");
        let mut bash = Command::new("bash");
        Ran::of(&bash.args(["-c", &script]).arg(binary::binary()).current_dir(at).output().unwrap())
    };
    for kilobytes in [0, 1, 8] {
        let before = snapshot(at);
        limited(kilobytes, "train lstm --out run --resume --steps 30").refused(1, &["saving failed", "run/"]);
        assert!(snapshot(at) == before, "{kilobytes}: what was saved before is as it was");
        limited(kilobytes, &format!("train lstm --text text.txt --out new {TINY}"))
            .refused(1, &["saving failed", "new/"]);
        fs::remove_dir_all(at.join("new")).unwrap();
    }
    rungs(at, "generate run --max-tokens 5").done();
    let resumed = rungs(at, "train lstm --out run --resume --steps 30 --json").json();
    assert_eq!(resumed["steps"], 30);

    for arguments in ["info run", "info run --json", "generate run", "generate run --stream", "--help"] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let ran = Ran::of(&command(at, arguments).stdout(full).output().unwrap());
        ran.refused(1, &["stdout", "no space left"]);
    }
}

#[cfg(unix)]
#[test]
fn a_reader_that_leaves_is_no_error() {
    let folder = trained("rnn");
    let mut child = command(folder.path(), "generate run --max-tokens 1000000 --stream");
    let mut child = child.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = [0; 5];
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut first).unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}

#[test]
fn a_run_that_diverges_says_where_and_keeps_what_it_had() {
    let folder = folder();
    let at = folder.path();
    let ran = rungs(at, &format!("train rnn --text text.txt --out run {TINY} --optimizer sgd --lr 1e38 --clip 0"));
    ran.refused(1, &["step ", "the training loss is"]);
    rungs(at, "generate run --max-tokens 5").done();
}

#[test]
fn help_shows_examples_and_the_version_is_one_line() {
    let at = Path::new(".");
    for command in ["", "climb", "train", "generate", "evaluate", "info", "check"] {
        let ran = rungs(at, &format!("{command} --help")).done();
        assert!(ran.stdout.contains("Examples:") && ran.stderr.is_empty(), "{command}: {ran:?}");
        let flags = ["--seed", "--threads", "--json"];
        assert!(flags.iter().all(|flag| ran.stdout.contains(flag)), "{command}");
    }
    assert!(rungs(at, "--version").done().stdout.starts_with("rungs "));
}

#[test]
fn every_gradient_is_right() {
    let report = rungs(Path::new("."), "check --json").json();
    assert_eq!(report["passed"], true);
    let checks = report["checks"].as_array().unwrap();
    for kind in ["op", "function", "kernel", "layer", "model"] {
        assert!(checks.iter().any(|check| check["kind"] == kind), "{kind}");
    }
    assert!(checks.iter().all(|check| check["first_order"].as_f64().unwrap() < 1e-6), "{report}");
}

#[test]
fn the_ladder_is_climbed_and_kept() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    let report = rungs(at, "climb --steps-per-rung 3 --out ladder --json").json();
    assert_eq!(keys(&report), ["bigram_bits_per_char", "rungs"]);
    let bigram = report["bigram_bits_per_char"].as_f64().unwrap();
    assert!((3.0..4.0).contains(&bigram), "{bigram}");
    let ladder = report["rungs"].as_array().unwrap();
    let climbed: Vec<_> = ladder.iter().map(|rung| rung["rung"].as_str().unwrap()).collect();
    assert_eq!(climbed, ["rnn", "lstm", "gru", "gpt", "seq2seq", "attention", "transformer"]);
    for rung in ladder {
        let pairs = ["seq2seq", "attention", "transformer"].contains(&rung["rung"].as_str().unwrap());
        let measure = if pairs { "exact_match" } else { "bits_per_char" };
        let mut expected = ["kind", "parameters", "rung", "sample", "tokens_per_second", measure];
        expected.sort_unstable();
        assert_eq!(keys(rung), expected);
        assert_eq!(rung["kind"], if pairs { "pairs" } else { "text" });
        assert!(!rung["sample"].as_str().unwrap().is_empty());
        let figure = rung[measure].as_f64().unwrap();
        assert!(if pairs { (0.0..=1.0).contains(&figure) } else { figure > 1.0 });
    }
    bad_input(at, "climb --steps-per-rung 3 --out ladder", &["ladder/rnn", "holds a run"]);
    // What is finished is not done again, so this is quick; the table is for people.
    let again = rungs(at, "climb --steps-per-rung 3 --out ladder --resume").done().stdout;
    let rungs = ["gru", "gpt", "seq2seq", "attention", "transformer"];
    for words in ["bits per character", "bigram", "exactly right", "writes"].into_iter().chain(rungs) {
        assert!(again.contains(words), "{words}: {again}");
    }
}
