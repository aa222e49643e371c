//! A run goes on as itself or not at all, and whatever fails, a damaged file, a full disk, a loss that is no number, is
//! said in one line and loses nothing.

use std::fs;
use std::process::{Command, Stdio};

use super::text_runs::{TINY, folder, trained};
use crate::binary::{self, Ran, bad_input, command, rungs, snapshot};

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
