//! Rungs that learn pairs of texts: from a file of pairs to a translation, and what is said when something is wrong.

use std::fs;

use serde_json::Value;

use super::pair_files::{TINY, folder, pairs, tiny};
use crate::binary::{bad_input, rungs};

#[test]
fn from_pairs_to_a_model_to_a_translation() {
    for rung in [
        "seq2seq",
        "attention --cell gru",
        "attention --attention bahdanau --score additive --tokenizer word",
        "transformer",
        "transformer --norm-position post --positions learned --tied false --activation gelu --tokenizer word",
    ] {
        let folder = folder();
        let at = folder.path();
        let report = rungs(at, &format!("train {rung} --pairs pairs.tsv --out run {} --json", tiny(rung))).json();
        assert_eq!(report["steps"], 20);
        let evaluation = rungs(at, "evaluate run --pairs pairs.tsv --json").json();
        for key in ["pairs", "loss", "token_accuracy", "exact_match", "bleu", "chrf"] {
            assert!(evaluation[key].is_number(), "{key}: {evaluation}");
        }
        assert_eq!(evaluation["pairs"], 60);
        let prose = rungs(at, "evaluate run --pairs pairs.tsv --beam 2").done().stdout;
        assert!(prose.contains("BLEU") && prose.contains("tok:13a"), "{prose}");

        // The best of a beam first, and every score the model's own.
        let found = rungs(at, "generate run --source one --beam 3 --n 3 --json").json();
        let texts = found["texts"].as_array().unwrap();
        assert_eq!(texts.len(), 3);
        let number = |text: &Value, key: &str| text[key].as_f64().unwrap();
        for pair in texts.windows(2) {
            assert!(number(&pair[0], "score") >= number(&pair[1], "score"));
        }
        for text in texts {
            let mean = number(text, "log_probability") / number(text, "tokens");
            assert!((mean - number(text, "score")).abs() < 1e-12, "{text}");
        }
        // Greedy is a beam of one, whoever asks.
        let greedy = rungs(at, "generate run --source one --greedy").done().stdout;
        assert_eq!(greedy, rungs(at, "generate run --source one").done().stdout);
        assert_eq!(rungs(at, "generate run --sources sources.txt").done().stdout.lines().count(), 2);

        if !rung.starts_with("seq2seq") {
            rungs(at, "generate run --source one --plot look.svg").done();
            let svg = fs::read_to_string(at.join("look.svg")).unwrap();
            assert!(svg.len() > 1000 && svg.starts_with("<svg") && svg.contains("plot-weight"), "{svg}");
        } else {
            bad_input(at, "generate run --source one --plot look.svg", &["--plot", "does not look back"]);
        }
        bad_input(at, "generate run --source one --plot look.gif", &["look.gif", "svg"]);
        bad_input(at, "generate run --source one --plot look.png", &["look.png", "plots are SVG", "as in look.svg"]);
        bad_input(at, "generate run --source one --plot no/look.svg", &["no/look.svg", "there is no such folder"]);
        bad_input(at, "generate run --sources pairs.tsv --plot look.svg", &["--plot", "--sources"]);
    }
}

#[test]
fn pairs_that_are_too_long_are_not_left_out_in_silence() {
    let folder = folder();
    let at = folder.path();
    let more = format!("{}{}", pairs(60), "seven eight nine ten\tdix neuf huit sept\n".repeat(12));
    fs::write(at.join("more.tsv"), more).unwrap();
    let notice = "rungs: 12 of 132 pairs are longer than 15 tokens (--context) and left out";
    let train = |flags: &str| {
        let sizes = "--hidden 16 --embedding 8 --batch-size 8";
        rungs(at, &format!("train attention --pairs more.tsv --validation pairs.tsv {sizes} {flags} --json"))
    };
    let said = |ran: &crate::binary::Ran| {
        ran.stderr.lines().filter(|line| line.contains("left out")).map(str::to_owned).collect::<Vec<_>>()
    };

    let short = train("--out short --context 15 --steps 10").done();
    assert_eq!(said(&short), [notice]);
    assert_eq!(short.json()["left_out"], 12);
    let long = train("--out long --context 50 --steps 10").done();
    assert_eq!(said(&long), [""; 0]);
    assert_eq!(long.json()["left_out"], 0);
    // A run that goes on leaves them out again.
    let on = train("--out short --context 15 --steps 15 --resume").done();
    assert_eq!(said(&on), [notice]);
    assert_eq!(on.json()["left_out"], 12);
    // A text has a place for every token.
    let text = rungs(
        at,
        "train gru --text text.txt --out text --layers 1 --hidden 8 --context 8 --batch-size 4 --steps 5 --json",
    );
    assert!(text.json().get("left_out").is_none());
}

fn goes_on_bit_for_bit(rung: &str, change: &str, words: &[&str]) {
    let folder = folder();
    let at = folder.path();
    let flags = tiny(rung).replace("--steps 20", "");
    let train = |out: &str, more: &str| {
        rungs(at, &format!("train {rung} --pairs pairs.tsv --out {out} {flags} --dropout 0.1 {more}"))
    };
    train("whole", "--steps 30").done();
    // A shorter run with the same schedule: constant, so that its length decides nothing else.
    train("whole2", "--steps 30 --schedule constant").done();
    train("parts", "--steps 13 --schedule constant").done();
    train("parts", "--steps 30 --schedule constant --resume").done();
    let model = |run: &str| fs::read(at.join(run).join("model.safetensors")).unwrap();
    assert_eq!(model("parts"), model("whole2"));
    assert_ne!(model("parts"), model("whole"));
    // One thread gives the same as all of them.
    train("one", "--steps 30 --schedule constant --threads 1").done();
    assert_eq!(model("one"), model("whole2"));
    let resume =
        format!("train {rung} --pairs pairs.tsv --out whole {flags} --dropout 0.1 --steps 40 {change} --resume");
    bad_input(at, &resume, words);
}

#[test]
fn a_run_on_pairs_goes_on_bit_for_bit() {
    goes_on_bit_for_bit("attention", "--cell gru", &["whole", "cell", "lstm", "gru"]);
    goes_on_bit_for_bit("transformer", "--norm-position post", &["whole", "norm-position", "pre", "post"]);
}

#[test]
fn a_transformer_may_compute_its_blocks_again_from_any_step_on() {
    let folder = folder();
    let at = folder.path();
    let flags = tiny("transformer").replace("--steps 20", "--schedule constant --dropout 0.1");
    let train = |out: &str, more: &str| {
        rungs(at, &format!("train transformer --pairs pairs.tsv --out {out} {flags} {more}")).done();
    };
    train("kept", "--steps 20");
    train("again", "--steps 9");
    train("again", "--steps 20 --checkpointing true --resume");
    let model = |run: &str| fs::read(at.join(run).join("model.safetensors")).unwrap();
    assert!(model("kept") == model("again"));
    let settings = rungs(at, "info again --json").json()["settings"]["model"].clone();
    assert_eq!(settings["gradient_checkpointing"], true);
    bad_input(
        at,
        "train transformer --pairs pairs.tsv --out new --checkpointing true --scheduled-sampling 0.3",
        &["checkpointing", "scheduled-sampling"],
    );
    bad_input(
        at,
        "train seq2seq --pairs pairs.tsv --out new --checkpointing true",
        &["--checkpointing", "seq2seq has no such setting"],
    );
}

#[test]
fn a_transformer_has_no_recurrence_and_learnt_positions_end() {
    let folder = folder();
    let at = folder.path();
    let train = |flags: &str| format!("train transformer --pairs pairs.tsv --out new --steps 5 {flags}");
    for (flags, words) in [
        ("--cell gru", &["cell", "transformer"][..]),
        ("--embedding 8", &["embedding", "transformer"]),
        ("--reverse true", &["reverse", "transformer"]),
        ("--both-ways true", &["both-ways", "transformer"]),
        ("--norm rms", &["--norm", "transformer"]),
        ("--positions rotary", &["positions", "sinusoidal, learned"]),
        ("--heads 3", &["width 128", "heads 3"]),
        ("--tied all", &["tied", "one vocabulary", "char"]),
    ] {
        bad_input(at, &train(flags), words);
    }
    bad_input(at, "train gpt --text text.txt --norm-position pre --out new", &["--norm-position", "gpt"]);
    bad_input(at, "train gpt --text text.txt --tied all --out new", &["--tied", "'all'"]);
    bad_input(at, "train attention --pairs pairs.tsv --heads 2 --out new", &["heads", "attention"]);

    // Positions for fifteen characters of a source, and a start and fourteen of a target.
    let tiny = tiny("transformer").replace("--steps", "--context 14 --steps");
    rungs(at, &format!("train transformer --pairs pairs.tsv --positions learned --out learned {tiny}")).done();
    let short = rungs(at, "generate learned --source 123456789012345 --max-tokens 40 --json").json();
    assert!(short["texts"][0]["tokens"].as_u64().unwrap() <= 15, "{short}");
    let words = ["--source", "16 tokens", "longer than the 15"];
    bad_input(at, "generate learned --source 1234567890123456", &words);
    fs::write(at.join("long.tsv"), "one\tun\none\t123456789012345\n").unwrap();
    let words = ["long.tsv, line 2", "learned", "a target of 15 tokens", "longer than the 14"];
    bad_input(at, "evaluate learned --pairs long.tsv", &words);
    // Waves have no end.
    rungs(at, &format!("train transformer --pairs pairs.tsv --out waves {tiny}")).done();
    rungs(at, "evaluate waves --pairs long.tsv").done();
    rungs(at, "generate waves --source 1234567890123456").done();
}

#[test]
fn columns_can_be_chosen() {
    let folder = folder();
    let at = folder.path();
    rungs(at, &format!("train seq2seq --pairs columns.tsv --columns 2,1 --out run {TINY}")).done();
    let shown = rungs(at, "generate run --source deux --json").json();
    let text = shown["texts"][0]["text"].as_str().unwrap();
    assert!(!text.contains("CC"), "{text}");
    bad_input(
        at,
        &format!("train seq2seq --pairs columns.tsv --columns 2,5 --out r {TINY}"),
        &["columns.tsv", "line 1"],
    );
    for columns in ["0,1", "1,1", "1", "a,b"] {
        bad_input(at, &format!("train seq2seq --pairs columns.tsv --columns {columns} --out r {TINY}"), &["--columns"]);
    }
}

#[test]
fn bad_pairs() {
    let folder = folder();
    let at = folder.path();
    for (file, words) in [
        ("no-tab.tsv", &["no-tab.tsv", "line 2", "TAB"][..]),
        ("no-source.tsv", &["no-source.tsv", "line 2", "empty"]),
        ("no-target.tsv", &["no-target.tsv", "line 2", "empty"]),
        ("latin1.tsv", &["latin1.tsv", "UTF-8"]),
        ("long.tsv", &["long.tsv", "line 2"]),
        ("empty.tsv", &["empty.tsv", "empty"]),
        ("missing.tsv", &["missing.tsv", "no such file"]),
    ] {
        bad_input(at, &format!("train attention --pairs {file} --out run {TINY}"), words);
    }
    rungs(at, &format!("train attention --pairs pairs.tsv --out run {TINY}")).done();
    bad_input(at, "evaluate run --pairs no-tab.tsv", &["no-tab.tsv", "line 2", "TAB"]);
}

#[test]
fn questions_to_the_wrong_kind_of_model() {
    let folder = folder();
    let at = folder.path();
    rungs(at, &format!("train attention --pairs pairs.tsv --out pairs {TINY}")).done();
    let text = "--layers 1 --hidden 16 --context 8 --batch-size 4 --steps 5";
    rungs(at, &format!("train gru --text text.txt --out text {text}")).done();
    for (arguments, words) in [
        ("generate text --source one", &["language model", "no source"][..]),
        ("generate pairs --prompt one", &["translates", "source"]),
        ("generate pairs", &["translates", "source"]),
        ("evaluate text --pairs pairs.tsv", &["language model"]),
        ("evaluate pairs --text text.txt", &["translates"]),
        ("evaluate pairs", &["--text"]),
        ("generate pairs --source one --beam 100", &["beam", "100", "the most is"]),
        ("generate pairs --source one --n 2", &["--n 2", "beam of 1"]),
        ("generate pairs --source one --stream", &["--stream"]),
        ("generate pairs --source one --greedy --beam 2", &["--greedy"]),
        ("generate pairs --source=", &["--source", "nothing to translate"]),
        ("generate text --prompt one --beam 2 --temperature 2", &["--temperature"]),
        ("train attention --text text.txt --out new", &["--text", "pairs"]),
        ("train lstm --text text.txt --cell gru --out new", &["--cell", "lstm"]),
        ("train seq2seq --pairs pairs.tsv --attention luong --out new", &["attention", "seq2seq"]),
        ("train attention --pairs pairs.tsv --reverse true --out new", &["reverse"]),
        ("train attention --pairs pairs.tsv --score dot --out new", &["dot attention", "512", "256"]),
        ("train seq2seq --pairs pairs.tsv --tied true --out new", &["tied", "128", "256"]),
        ("train seq2seq --pairs pairs.tsv --scheduled-sampling 2 --out new", &["scheduled-sampling"]),
        ("train seq2seq --pairs pairs.tsv --context 3 --out new", &["pairs.tsv", "at most 3 tokens"]),
    ] {
        bad_input(at, arguments, words);
    }
}
