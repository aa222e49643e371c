//! A run goes on where it was: stopped by Ctrl-C, killed at any moment, on any number of threads, the model that comes
//! out is the same, byte for byte.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::binary::{self, Ran, command, rungs, snapshot, text};
use serde_json::Value;
use tempfile::TempDir;

/// Small enough that a step takes about a millisecond, so that most of the time is spent in saves: kills land there.
const LSTM: &str = "train lstm --text text.txt --json --layers 2 --hidden 12 --embedding 8 --context 8 --batch-size 4 \
                    --dropout 0.1 --steps 60 --evaluate-every 7 --validation-split 0.05 --save-every 2";
const GPT: &str = "train gpt --text text.txt --json --layers 2 --hidden 12 --heads 2 --context 8 --batch-size 4 \
                   --dropout 0.1 --steps 60 --evaluate-every 7 --validation-split 0.05 --save-every 2";

const TRANSFORMER: &str = "train transformer --pairs pairs.tsv --json --layers 1 --hidden 12 --heads 2 --batch-size 4 \
                           --dropout 0.1 --steps 60 --evaluate-every 7 --validation-split 0.05 --save-every 2";

/// All that a run at length adds to its state.
const AT_LENGTH: &str = "--ema 0.8 --label-smoothing 0.1 --accumulate 2 --schedule noam --warmup 10";

fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("text.txt"), text(6000)).unwrap();
    let backwards = |line: &str| format!("{line}\t{}\n", line.chars().rev().collect::<String>());
    fs::write(folder.path().join("pairs.tsv"), text(3000).lines().map(backwards).collect::<String>()).unwrap();
    folder
}

/// What must not depend on how often a run was stopped: the model, the losses, and their course.
#[derive(Debug, PartialEq)]
struct Outcome {
    model: Vec<u8>,
    losses: [Value; 4],
    course: Vec<String>,
}

fn outcome(at: &Path, run: &str, report: &Value) -> Outcome {
    let run = at.join(run);
    // Everything but the last column, which is a speed.
    let without_speed = |line: &str| line.rsplit_once(',').expect("several columns").0.to_owned();
    Outcome {
        model: fs::read(run.join("model.safetensors")).unwrap(),
        losses: ["steps", "train_loss", "validation_loss", "best_validation_loss"].map(|key| report[key].clone()),
        course: fs::read_to_string(run.join("metrics.csv")).unwrap().lines().map(without_speed).collect(),
    }
}

/// A run that nobody disturbs, and how long it took.
fn undisturbed(at: &Path, train: &str) -> (Outcome, Duration) {
    binary::binary(); // built before the clock starts
    let start = Instant::now();
    let report = rungs(at, &format!("{train} --out whole")).json();
    (outcome(at, "whole", &report), start.elapsed())
}

fn start(at: &Path, train: &str, out: &str) -> Child {
    let resume = if at.join(out).join("config.json").exists() { "--resume" } else { "" };
    let mut command = command(at, &format!("{train} --out {out} {resume}"));
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn finish(at: &Path, train: &str, out: &str) -> Outcome {
    let ran = Ran::of(&start(at, train, out).wait_with_output().unwrap());
    outcome(at, out, &ran.json())
}

/// A run that gets Ctrl-C while it trains.
fn interrupted(at: &Path, train: &str, out: &str) -> Ran {
    let metrics = at.join(out).join("metrics.csv");
    for _ in 0..20 {
        let mut child = start(at, train, out);
        // The first row of the table is saved after ten steps of sixty.
        let saved = || fs::read_to_string(&metrics).map_or(0, |table| table.lines().count()) >= 2;
        while !saved() && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        if child.try_wait().unwrap().is_none() {
            let signal = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
            assert!(signal.success());
        }
        let ran = Ran::of(&child.wait_with_output().unwrap());
        if ran.code != Some(0) {
            return ran;
        }
        // It was over before the signal came: the machine has other things to do. Once more.
        fs::remove_dir_all(at.join(out)).unwrap();
    }
    panic!("{out}: it is always over before the signal comes");
}

/// Moments between 0 and 1, the same in every run of the test.
fn moments() -> impl Iterator<Item = f64> {
    let golden = 0.618_033_988_749_895;
    (1..).map(move |i| (f64::from(i) * golden).fract())
}

fn killed_ten_times(train: &str) {
    let folder = folder();
    let at = folder.path();
    let (expected, mut duration) = undisturbed(at, train);
    let mut killed = 0;
    for moment in moments() {
        let mut child = start(at, train, "killed");
        // Each life is long enough for some steps, and ten of them are too short for the whole run.
        std::thread::sleep(duration.mul_f64(0.02 + 0.12 * moment));
        child.kill().unwrap();
        killed += 1;
        if child.wait().unwrap().code().is_some() {
            // It was over before: the machine is faster than it was. Once more, with less time.
            fs::remove_dir_all(at.join("killed")).unwrap();
            (killed, duration) = (0, duration / 2);
        }
        if killed == 10 {
            break;
        }
    }
    assert_eq!(finish(at, train, "killed"), expected);
    // Nothing of an interrupted save is left.
    assert!(snapshot(&at.join("killed")).iter().all(|(path, _)| path.extension().is_none_or(|end| end != "next")));
}

#[test]
fn an_lstm_killed_at_ten_moments_and_resumed_is_the_same() {
    killed_ten_times(LSTM);
}

#[test]
fn a_gpt_killed_at_ten_moments_and_resumed_is_the_same() {
    killed_ten_times(GPT);
}

#[test]
fn averaged_weights_killed_at_ten_moments_and_resumed_are_the_same() {
    killed_ten_times(&format!("{GPT} {AT_LENGTH}"));
}

#[test]
fn a_transformer_killed_at_ten_moments_and_resumed_is_the_same() {
    killed_ten_times(TRANSFORMER);
}

#[test]
fn an_interrupted_run_says_how_to_go_on_and_is_the_same_then() {
    let folder = folder();
    let at = folder.path();
    for (i, train) in [LSTM, GPT, TRANSFORMER].into_iter().enumerate() {
        let (expected, _) = undisturbed(at, train);
        let out = format!("stopped-{i}");
        let ran = interrupted(at, train, &out);
        let rung = train.split_whitespace().nth(1).unwrap();
        ran.refused(130, &["stopped and saved after step", &format!("rungs train {rung} --out {out} --resume")]);
        // The command that the program gave, word for word.
        let report = rungs(at, &format!("train {rung} --out {out} --resume --json")).json();
        assert_eq!(outcome(at, &out, &report), expected);
        fs::remove_dir_all(at.join("whole")).unwrap();
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let folder = folder();
    let at = folder.path();
    // Large enough for work to be split.
    let common = "--text text.txt --json --layers 2 --hidden 128 --context 32 --batch-size 16 --dropout 0.1 --steps 6";
    for (rung, flags) in [
        ("rnn", "--embedding 64"),
        ("lstm", "--embedding 64"),
        ("gpt", "--heads 4 --accumulate 2"),
        ("gpt", "--heads 4 --ema 0.5 --label-smoothing 0.1"),
    ] {
        let run = |name: &str, more: &str| {
            let out = format!("{name}-{rung}-{}", flags.len());
            outcome(at, &out, &rungs(at, &format!("train {rung} {common} {flags} --out {out} {more}")).json())
        };
        let one = run("one", "--threads 1");
        assert_eq!(run("two", "--threads 2"), one);
        assert_eq!(run("eight", "--threads 8"), one);
        assert_ne!(run("other", "--seed 1").model, one.model, "the seed does decide");
    }
}
