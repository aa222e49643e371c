//! Training at length, as the users of the program meet it: schedules, smoothed labels, averaged weights, early
//! stopping.

use std::fs;

use crate::binary::{bad_input, rungs, snapshot, text};
use rungs::trainer::optim::decays;
use rungs::{ModelConfig, Rung};
use rungs_layers::Module;
use rungs_tensor::Rng;
use tempfile::TempDir;

/// Flags of a run that takes a moment.
const TINY: &str = "--layers 1 --hidden 16 --context 16 --batch-size 4";

fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("text.txt"), text(4000)).unwrap();
    folder
}

#[test]
fn a_run_that_stops_early_says_so_and_goes_on_when_asked_for_more() {
    let folder = folder();
    let at = folder.path();
    // A rate at which the loss soon jumps up and down.
    let train = format!("train lstm --text text.txt {TINY} --lr 0.5 --schedule constant --evaluate-every 2");
    let ran = rungs(at, &format!("{train} --steps 300 --patience 3 --out run --json"));
    assert!(ran.stderr.contains("stopped early after step"), "{ran:?}");
    assert!(ran.stderr.contains("the last 3 evaluations were no better than that of step"), "{ran:?}");
    let report = ran.json();
    assert_eq!(report["stopped_early"], true);
    let steps = report["steps"].as_u64().unwrap();
    assert!(steps < 300, "{steps}");
    let info = rungs(at, "info run --json").json();
    assert_eq!((&info["finished"], &info["stopped_early"]), (&true.into(), &true.into()));
    assert!(rungs(at, "info run").done().stdout.contains("stopped early"));

    // Going on says so and changes nothing: without more, with a longer run, with the text, with less patience.
    let before = snapshot(&at.join("run"));
    for more in ["", "--steps 400", "--text text.txt", "--patience 2"] {
        let ran = rungs(at, &format!("train lstm --out run --resume --json {more}"));
        assert!(ran.stderr.contains("run: this run stopped early, after"), "{ran:?}");
        assert!(ran.stderr.contains("nothing was changed (--patience with a larger number, or 0, goes on)"), "{ran:?}");
        let again = ran.json();
        assert_eq!((&again["stopped_early"], &again["steps"]), (&true.into(), &report["steps"]));
        assert_eq!(snapshot(&at.join("run")), before);
    }
    // Asked for more, it is the run that it would have been.
    let more = steps + 20;
    let gone_on = rungs(at, &format!("train lstm --out run --resume --patience 0 --steps {more} --json")).json();
    let whole = rungs(at, &format!("{train} --out whole --steps {more} --json")).json();
    for key in ["steps", "train_loss", "validation_loss", "best_validation_loss", "stopped_early"] {
        assert_eq!(gone_on[key], whole[key], "{key}");
    }
    let model = |run: &str| fs::read(at.join(run).join("model.safetensors")).unwrap();
    assert_eq!(model("run"), model("whole"));
}

#[test]
fn what_cannot_be_is_one_line_and_nothing_is_written() {
    let folder = folder();
    let at = folder.path();
    for (flags, words) in [
        ("--label-smoothing 1", &["label-smoothing: must lie between 0 and 1, not 1"][..]),
        ("--label-smoothing=-0.1", &["label-smoothing: must lie between 0 and 1, not -0.1"]),
        ("--ema 1.5", &["ema: must lie between 0 and 1, not 1.5"]),
        ("--schedule noam --lr 0.1", &["--lr: the noam schedule has none of its own; --lr-factor scales it"]),
        ("--schedule noam --warmup 0", &["warm-up of the noam schedule: must be 1 or more"]),
        ("--schedule noam --min-lr 0", &["--min-lr: only the cosine schedule has it"]),
        ("--schedule constant --warmup 5", &["--warmup: only the cosine and noam schedules have it"]),
    ] {
        bad_input(at, &format!("train gpt --text text.txt --heads 2 {TINY} --steps 5 --out run {flags}"), words);
    }
}

#[test]
fn smoothing_and_averaging_belong_to_a_run_and_show_in_it() {
    let folder = folder();
    let at = folder.path();
    let train = format!("train gpt --text text.txt --heads 2 {TINY} --evaluate-every 10");
    let loss = |out: &str, more: &str| {
        let report = rungs(at, &format!("{train} --steps 40 --json --out {out} {more}")).json();
        [&report["train_loss"], &report["validation_loss"]].map(|loss| loss.as_f64().unwrap())
    };
    let [plain, validation] = loss("plain", "");
    let [smooth, _] = loss("smooth", "--label-smoothing 0.3");
    assert!(smooth > plain, "what is spread over the vocabulary cannot be predicted: {smooth} {plain}");
    let [same, averaged] = loss("averaged", "--ema 0.9");
    assert!(same == plain && averaged != validation, "the average takes no part in training, but is what is evaluated");
    for (out, name, value) in [("smooth", "label-smoothing", "0.3"), ("averaged", "ema", "0.9")] {
        let info = rungs(at, &format!("info {out}")).done().stdout;
        let shown = info.lines().any(|line| line.split_whitespace().eq([name, value]));
        assert!(shown, "{info}");
        bad_input(at, &format!("train gpt --out {out} --resume --{name} 0.5"), &[name, value, "0.5"]);
    }
    // What generates is the average: evaluating the folder gives the loss that was reported.
    let text = text(4000);
    fs::write(at.join("end.txt"), &text[text.len() - text.len() / 10..]).unwrap();
    let evaluated = rungs(at, "evaluate averaged --text end.txt --json").json();
    let reported = rungs(at, "info averaged --json").json()["best_validation_loss"].as_f64().unwrap();
    let evaluated = evaluated["loss"].as_f64().unwrap();
    assert!((evaluated - reported).abs() < 1e-6, "{evaluated} is not {reported}");
}

/// Every parameter of every rung is in the group that its name says.
#[test]
fn weights_decay_and_biases_and_norms_do_not() {
    let mut kept = std::collections::BTreeSet::new();
    for rung in Rung::ALL {
        let mut look = |name: &str, axes: usize| {
            let last = name.rsplit('.').next().unwrap().to_owned();
            let vector = matches!(last.as_str(), "bias" | "gain");
            assert_eq!(decays(axes), !vector, "{rung}: {name} has {axes} axes");
            kept.extend(vector.then_some(last));
        };
        let model = ModelConfig::of(rung).with_vocabulary(5, Some(6)).build(&mut Rng::new(1)).unwrap();
        model.for_each(&mut |name, x| look(name, x.shape().rank()));
    }
    assert_eq!(kept.into_iter().collect::<Vec<_>>(), ["bias", "gain"]);
}

#[test]
fn the_losses_of_several_runs_are_drawn_over_the_time_they_took() {
    let folder = folder();
    let at = folder.path();
    for rung in ["rnn", "gpt"] {
        rungs(at, &format!("train {rung} --text text.txt {TINY} --steps 20 --evaluate-every 5 --out {rung}")).done();
    }
    rungs(at, &format!("train rnn --text text.txt {TINY} --tokenizer word --steps 2 --out words")).done();
    rungs(at, "info gpt --compare rnn --plot both.svg").done();
    let svg = fs::read_to_string(at.join("both.svg")).unwrap();
    for part in ["minutes of training", "nats per token", "rnn", "gpt"] {
        assert!(svg.contains(part), "{part}");
    }
    assert_eq!(svg.matches("<circle").count(), 8, "four evaluations of each");
    bad_input(at, "info gpt --compare words --plot other.svg", &["words has other tokens than gpt"]);
    bad_input(at, "info gpt --compare nobody --plot other.svg", &["nobody"]);
    bad_input(
        at,
        "info gpt --plot other.png",
        &["other.png: plots are SVG: the name has to end in .svg, as in other.svg"],
    );
    bad_input(at, "info gpt --compare rnn", &["--plot"]);
}
