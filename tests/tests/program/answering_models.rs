//! Language models that learn to answer, from pairs and from dialogues.

use std::fs;

use serde_json::Value;

use super::dialogue_files::{TINY, dialogue, folder};
use crate::binary::{Ran, bad_input, command, rungs};

#[test]
fn every_rung_that_writes_a_text_learns_to_answer() {
    for rung in ["gpt --heads 2", "gpt --heads 2 --tokenizer bpe:270", "lstm", "gru --tokenizer word", "rnn"] {
        let folder = folder();
        let at = folder.path();
        let report = rungs(at, &format!("train {rung} --pairs pairs.tsv --out run {TINY} --steps 20 --json")).json();
        assert_eq!((&report["steps"], &report["left_out"]), (&20.into(), &0.into()));
        assert!(report.get("shortened").is_none());
        let info = rungs(at, "info run --json").json();
        let prompts = &info["settings"]["data"]["examples"];
        assert_eq!((&prompts["task"], &prompts["template"]), (&"pairs".into(), &"{source}\n=> {target}\n".into()));
        assert!(rungs(at, "info run").done().stdout.contains(r"{source}\n=> {target}\n"));

        let evaluation = rungs(at, "evaluate run --pairs pairs.tsv --json").json();
        for key in ["pairs", "loss", "token_accuracy", "exact_match", "bleu", "chrf"] {
            assert!(evaluation[key].is_number(), "{key}: {evaluation}");
        }
        assert_eq!((&evaluation["pairs"], &evaluation["left_out"]), (&60.into(), &0.into()));
        assert!(rungs(at, "evaluate run --pairs pairs.tsv --beam 2").done().stdout.contains("BLEU"));

        // Greedy, unless told; what is streamed is what is printed.
        let greedy = rungs(at, "generate run --source one --max-tokens 12").done().stdout;
        assert_eq!(rungs(at, "generate run --source one --max-tokens 12 --greedy --stream").done().stdout, greedy);
        let json = rungs(at, "generate run --source one --max-tokens 12 --json").json();
        let written = &json["texts"][0];
        assert_eq!(
            (&written["source"], written["text"].as_str().unwrap()),
            (&"one".into(), greedy.trim_end_matches('\n'))
        );
        assert_eq!(written["ids"].as_array().unwrap().len() as u64, written["tokens"].as_u64().unwrap());
        let drawn =
            |seed| rungs(at, &format!("generate run --source one --temperature 2 --n 3 --seed {seed} --json")).json();
        assert_eq!(drawn(1)["texts"].as_array().unwrap().len(), 3);
        assert_eq!(drawn(1), drawn(1));
        assert_ne!(drawn(1), drawn(2));
        let draw = "generate run --sources sources.txt --temperature 2 --n 2 --max-tokens 12";
        let texts = rungs(at, &format!("{draw} --json")).json();
        let texts = texts["texts"].as_array().unwrap().iter().map(|text| text["text"].as_str().unwrap());
        let streamed = rungs(at, &format!("{draw} --stream")).done().stdout;
        assert_eq!(texts.map(|text| format!("{text}\n")).collect::<String>(), streamed);
        let beam = rungs(at, "generate run --source one --beam 3 --n 3 --max-tokens 9 --json").json();
        let score = |text: &Value| text["score"].as_f64().unwrap();
        assert!(beam["texts"].as_array().unwrap().windows(2).all(|two| score(&two[0]) >= score(&two[1])));
        let lines = rungs(at, "generate run --sources sources.txt --max-tokens 9 --json").json();
        assert_eq!(lines["texts"][1]["source"], "three four");
        // It is a language model still.
        rungs(at, "generate run --prompt one --max-tokens 5").done();
        assert!(rungs(at, "evaluate run --text sources.txt --json").json()["loss"].is_number());
    }
}

#[test]
fn it_learns_what_it_is_taught() {
    let folder = folder();
    let at = folder.path();
    let flags = "--layers 1 --hidden 32 --heads 2 --context 40 --batch-size 12 --lr 0.01 --steps 400";
    rungs(at, &format!("train gpt --pairs pairs.tsv --validation pairs.tsv --tokenizer word --out run {flags}")).done();
    let report = rungs(at, "evaluate run --pairs pairs.tsv --json").json();
    assert!(report["exact_match"].as_f64().unwrap() > 0.9, "{report}");
    assert!(report["loss"].as_f64().unwrap() < 0.1, "{report}");
    let four = rungs(at, "generate run --sources sources.txt").done().stdout;
    assert_eq!(four, "deux un\nquatre trois\n");
    // Side by side with a translator, on the same pairs.
    rungs(at, "train seq2seq --pairs pairs.tsv --hidden 16 --embedding 8 --batch-size 8 --steps 5 --out other").done();
    let both = rungs(at, "evaluate run --pairs pairs.tsv --compare other --json").json();
    assert_eq!((&both["rung"], &both["compared"][0]["rung"]), (&"gpt".into(), &"seq2seq".into()));
    assert_eq!(both["bleu"], report["bleu"]);
}

#[test]
fn a_model_that_knows_a_text_goes_on_with_pairs() {
    let folder = folder();
    let at = folder.path();
    let pairs = "the cat sees a dog.\ta dog\nnobody hears the old man.\tthe old man\na dog likes the cat.\tthe cat\n";
    fs::write(at.join("more.tsv"), format!("{}the cat sees a Ünicorn.\ta dog\n", pairs.repeat(10))).unwrap();
    rungs(at, &format!("train gpt --text text.txt --out text --heads 2 {TINY} --steps 30")).done();
    let template = ["--template", r"{source} the {target}\n"];
    let train = |more: &str| {
        let flags = "--from text --pairs more.tsv --steps 20 --batch-size 8 --out tuned --json";
        let mut train = command(at, &format!("train gpt {flags} {more}"));
        Ran::of(&train.args(template).output().unwrap())
    };
    let said = train("");
    assert!(
        said.stderr.contains("1 of 31 pairs is not of known characters alone ('Ü' is the first other)"),
        "{said:?}"
    );
    let report = said.json();
    assert_eq!(report["left_out"], 1);
    let from_scratch = "train gpt --pairs more.tsv --out scratch --heads 2 --steps 20";
    rungs(at, &format!("{from_scratch} {TINY} --json")).done();
    let vocabulary = |run: &str| rungs(at, &format!("info {run} --json")).json()["vocabulary"].as_u64().unwrap();
    assert_eq!(vocabulary("tuned"), vocabulary("text"), "the tokenizer follows the model");
    assert!(vocabulary("scratch") > vocabulary("text"));
    // What begins is what was there: no step changes much.
    let measured = rungs(at, "evaluate tuned --pairs more.tsv --json").done();
    assert!(measured.stderr.contains("1 of 31 pairs are left out"), "{measured:?}");
    assert_eq!(measured.json()["pairs"], 30);
    // The template of the book has characters that this text has not.
    let words = ["template", "'='", "vocabulary"];
    bad_input(at, "train gpt --from text --pairs more.tsv --steps 20 --out new", &words);
    // A text is not what it has learnt last, but can be again; its template is handed on.
    let again = rungs(at, "train gpt --from tuned --pairs more.tsv --steps 5 --out again --json").json();
    assert_eq!(again["left_out"], 1);
    let info = rungs(at, "info again --json").json();
    assert_eq!(info["settings"]["data"]["examples"]["template"], "{source} the {target}\n");
    rungs(at, "train gpt --from tuned --text text.txt --steps 5 --out back").done();
    assert_eq!(rungs(at, "info back --json").json()["settings"]["data"]["examples"]["kind"], "text");
}

#[test]
fn a_run_that_answers_goes_on_bit_for_bit() {
    for (rung, given) in [("gpt --heads 2", "--pairs pairs.tsv"), ("lstm", "--dialogue talk.jsonl")] {
        let folder = folder();
        let at = folder.path();
        let train = |out: &str, more: &str| {
            let flags = format!("{TINY} --dropout 0.1 --schedule constant");
            rungs(at, &format!("train {rung} {given} --out {out} {flags} {more}"))
        };
        train("whole", "--steps 30").done();
        train("parts", "--steps 13").done();
        train("parts", "--steps 30 --resume").done();
        train("one", "--steps 30 --threads 1").done();
        train("two", "--steps 30 --threads 2").done();
        let model = |run: &str| fs::read(at.join(run).join("model.safetensors")).unwrap();
        for other in ["parts", "one", "two"] {
            assert!(model(other) == model("whole"), "{rung}: {other}");
        }
        // It finds its data again, and refuses other.
        let name = rung.split(' ').next().unwrap();
        rungs(at, &format!("train {name} --out parts --resume --steps 33")).done();
        let resume = |more: &str| format!("train {name} --out whole --resume --steps 40 {more}");
        bad_input(at, &resume("--text text.txt"), &["--text", "answer"]);
        let other = if given.starts_with("--pairs") { "--dialogue talk.jsonl" } else { "--pairs pairs.tsv" };
        bad_input(at, &resume(other), &["whole", "task is", "in this run, not"]);
        bad_input(at, &resume("--template {source}:{target}\\n"), &["template"]);
        bad_input(at, &resume(&given.replace("pairs.tsv", "columns.tsv").replace("talk", "missing")), &[]);
    }
}

#[test]
fn bad_questions() {
    let folder = folder();
    let at = folder.path();
    let write = |name: &str, contents: &str| fs::write(at.join(name), contents).unwrap();
    write("bot.jsonl", r#"{"turns": [{"role": "bot", "text": "a"}]}"#);
    write("none.jsonl", &format!("{}{}\n", dialogue(&["a", "b"]), r#"{"turns": []}"#));
    write("alone.jsonl", &dialogue(&["a"]));
    write("array.jsonl", "[]\n");
    write("same.jsonl", &dialogue(&["a", "b"]).repeat(3));
    let train = |flags: &str| {
        let sizes = if flags.contains("--context") { TINY.replace("--context 60 ", "") } else { TINY.to_owned() };
        format!("train gpt {flags} --out new --heads 2 {sizes} --steps 5")
    };
    for (flags, words) in [
        ("--dialogue bot.jsonl", &["bot.jsonl, line 1", "no role \"bot\"", "user and assistant"][..]),
        ("--dialogue none.jsonl", &["none.jsonl, line 2", "no turns"]),
        ("--dialogue alone.jsonl", &["alone.jsonl, line 1", "no turn is the assistant's"]),
        ("--dialogue array.jsonl", &["array.jsonl, line 1", "not a dialogue at column"]),
        ("--dialogue same.jsonl", &["same.jsonl", "begin alike"]),
        ("--dialogue missing.jsonl", &["missing.jsonl", "no such file"]),
        ("--dialogue talk.jsonl --validation pairs.tsv", &["pairs.tsv, line 1", "not a dialogue"]),
        ("--dialogue talk.jsonl --template {role}:", &["template", "no {text}"]),
        ("--dialogue talk.jsonl --template {source}:{target}", &["template", "no {role}"]),
        ("--dialogue talk.jsonl --pairs pairs.tsv", &["--pairs", "--dialogue"]),
        ("--dialogue talk.jsonl --columns 1,2", &["--columns"]),
        ("--dialogue talk.jsonl --context 5", &["no dialogue of the training part has at most 5 tokens"]),
        ("--pairs pairs.tsv --context 5", &["no pair of the training part has at most 5 tokens"]),
        ("--pairs pairs.tsv --template {source}={target}{target}", &["template", "more than one {target}"]),
        ("--pairs pairs.tsv --template {target}={source}", &["template", "{target} stands before {source}"]),
        ("--pairs pairs.tsv --template {source}{target}.", &["template", "nothing stands between"]),
        ("--pairs pairs.tsv --template {source}={target}", &["template", "something must end an answer"]),
        ("--pairs pairs.tsv --template {source}={target}e", &["template", "an answer ends with \"e\""]),
        ("--pairs pairs.tsv --template {source}={target}\\x", &["--template", "backslash"]),
        ("--pairs pairs.tsv --documents \\n", &["documents", "stands for itself"]),
        ("--pairs pairs.tsv --stream", &["--stream", "read whole"]),
        ("--pairs pairs.tsv --lower-case true", &["--lower-case", "gpt"]),
        ("--template {source}={target}. --text text.txt", &["--template", "a text has none"]),
    ] {
        bad_input(at, &train(flags), words);
    }
    bad_input(at, "train attention --dialogue talk.jsonl --out new", &["--dialogue", "attention"]);
    bad_input(
        at,
        "train attention --pairs pairs.tsv --template {source}={target}. --out new",
        &["--template", "attention"],
    );

    rungs(at, &format!("train gpt --pairs columns.tsv --columns 2,3 --out pairs --heads 2 {TINY} --steps 5")).done();
    rungs(at, &format!("train lstm --text text.txt --out text {TINY} --steps 5")).done();
    for (arguments, words) in [
        ("chat text", &["text", "has not learnt dialogues", "generate"][..]),
        ("chat pairs", &["pairs", "has not learnt dialogues", "--source"]),
        ("chat pairs --top-p 2", &["pairs"]),
        ("generate text --source one", &["language model", "no source"]),
        ("generate pairs --source=", &["--source", "nothing to answer"]),
        ("generate pairs --source É", &["--source", "unknown character 'É'"]),
        ("generate pairs --source one --n 2", &["--n 2"]),
        ("generate pairs --source one --beam 2 --temperature 1", &["--temperature"]),
        ("generate pairs --source one --plot picture.svg", &["--plot"]),
        ("generate pairs --source one --beam 100", &["beam", "100"]),
        ("evaluate text --pairs pairs.tsv", &["text", "language model"]),
    ] {
        bad_input(at, arguments, words);
    }
    let long = format!("generate pairs --source {}", "one".repeat(30));
    bad_input(at, &long, &["--source", "longer than the 60"]);
    // An end of two characters is no token that a search could end with.
    let two = ["--template", r"{source}={target}\n\n"];
    let mut train = command(at, &format!("train gpt --pairs pairs.tsv --out two --heads 2 {TINY} --steps 5"));
    Ran::of(&train.args(two).output().unwrap()).done();
    bad_input(at, "generate two --source one --beam 2", &["beam", "2 tokens"]);
    rungs(at, "generate two --source one --max-tokens 5").done();
}
