//! The program with language models that learn to answer: from pairs, and from dialogues; and a conversation with one.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use crate::binary::{Ran, bad_input, command, rungs, text};
use serde_json::Value;
use tempfile::TempDir;

/// Flags of a run that takes a moment.
const TINY: &str = "--layers 1 --hidden 16 --context 60 --batch-size 8 --evaluate-every 10";

/// "one two" and "deux un": numbers in the other order and the other language.
fn pairs(count: usize) -> String {
    const WORDS: [[&str; 2]; 6] =
        [["one", "un"], ["two", "deux"], ["three", "trois"], ["four", "quatre"], ["five", "cinq"], ["six", "six"]];
    let pair = |i: usize| {
        let [a, b] = [WORDS[i % 6], WORDS[i / 6 % 6]];
        format!("{} {}\t{} {}\n", a[0], b[0], b[1], a[1])
    };
    (0..count).map(pair).collect()
}

fn dialogue(turns: &[&str]) -> String {
    let turn = |(i, text): (usize, &&str)| {
        let role = ["user", "assistant"][i % 2];
        serde_json::json!({ "role": role, "text": text })
    };
    let turns: Vec<Value> = turns.iter().enumerate().map(turn).collect();
    format!("{}\n", serde_json::json!({ "turns": turns }))
}

fn dialogues() -> String {
    pairs(60).lines().map(|line| dialogue(&line.split('\t').collect::<Vec<_>>())).collect()
}

/// Dialogues of one to four questions.
fn talks() -> String {
    let pairs = pairs(36);
    let pairs: Vec<Vec<&str>> = pairs.lines().map(|line| line.split('\t').collect()).collect();
    let questions = |i: usize| (0..1 + i % 4).map(move |n| (i * 5 + n * 7) % 36);
    (0..240).map(|i| dialogue(&questions(i).flat_map(|pair| pairs[pair].clone()).collect::<Vec<_>>())).collect()
}

fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, contents: &str| fs::write(folder.path().join(name), contents).unwrap();
    write("pairs.tsv", &pairs(60));
    write("columns.tsv", &pairs(36).lines().map(|line| format!("id\t{line}\n")).collect::<String>());
    write("text.txt", &text(3000));
    write("talk.jsonl", &dialogues());
    write("talks.jsonl", &talks());
    write("sources.txt", "one two\nthree four\n");
    folder
}

/// Runs a command that reads `stdin`.
fn fed(at: &Path, arguments: &str, stdin: &str) -> Ran {
    let mut child = command(at, arguments);
    let mut child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
    Ran::of(&child.wait_with_output().unwrap())
}

#[test]
fn every_rung_that_writes_a_text_learns_to_answer() {
    for rung in ["gpt --heads 2", "gpt --heads 2 --tokenizer bpe:270", "lstm", "gru --tokenizer word", "rnn"] {
        let folder = folder();
        let at = folder.path();
        let report = rungs(at, &format!("train {rung} --pairs pairs.tsv --out run {TINY} --steps 20 --json")).json();
        assert_eq!((&report["steps"], &report["left_out"]), (&20.into(), &0.into()));
        assert!(report.get("shortened").is_none());
        let info = rungs(at, "info run --json").json();
        let prompts = &info["settings"]["prompts"];
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
    assert_eq!(info["settings"]["prompts"]["template"], "{source} the {target}\n");
    rungs(at, "train gpt --from tuned --text text.txt --steps 5 --out back").done();
    assert!(rungs(at, "info back --json").json()["settings"].get("prompts").is_none());
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
fn a_conversation() {
    let folder = folder();
    let at = folder.path();
    let flags = "--layers 1 --hidden 32 --heads 2 --context 64 --batch-size 12 --lr 0.01 --steps 400";
    let trained = rungs(
        at,
        &format!("train gpt --dialogue talks.jsonl --validation talks.jsonl --tokenizer word {flags} --out run --json"),
    );
    assert_eq!(trained.json()["shortened"], 0);
    let said = fed(at, "chat run --greedy", "one two\n\nfive  one\n").done();
    assert_eq!((said.stdout.as_str(), said.stderr.as_str()), ("deux un\nun cinq\n", ""));
    // What is drawn is drawn from the seed.
    let drawn = |seed: u64| {
        fed(at, &format!("chat run --temperature 5 --max-tokens 9 --seed {seed}"), "one two\n").done().stdout
    };
    assert_eq!(drawn(1), drawn(1));
    assert!((2..9).any(|seed| drawn(seed) != drawn(1)));
    // Nothing is read behind the end.
    assert_eq!(fed(at, "chat run --greedy", "one two\n/quit\nfive one\n").done().stdout, "deux un\n");
    // The conversation itself, which is a line of what it could learn.
    let json = fed(at, "chat run --greedy --json", "one two\nfive one\n").json();
    let turns: Vec<(&str, &str)> = json["turns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|turn| (turn["role"].as_str().unwrap(), turn["text"].as_str().unwrap()))
        .collect();
    assert_eq!(turns, [("user", "one two"), ("assistant", "deux un"), ("user", "five one"), ("assistant", "un cinq")]);
    // What does not fit any more is forgotten, with a word about it; a new conversation has forgotten nothing.
    let many = "one two\n".repeat(12);
    let long = fed(at, "chat run --greedy", &many).done();
    assert_eq!(long.stdout.lines().count(), 12);
    assert!(long.stderr.contains("turns do not fit the context of 64 tokens and are forgotten"), "{long:?}");
    assert_eq!(long.stderr.lines().count(), 1, "it is said once");
    let short = fed(at, "chat run --greedy", &"one two\n/reset\n".repeat(12)).done();
    assert_eq!((short.stdout, short.stderr), ("deux un\n".repeat(12), String::new()));
    // A line that is too long is not answered, and the next one is.
    let too_long = fed(at, "chat run --greedy", &format!("{}\none two\n", "one ".repeat(90))).done();
    assert_eq!(too_long.stdout, "deux un\n");
    assert!(too_long.stderr.contains("too long for a context of 64"), "{too_long:?}");
    fed(at, "chat run", "\u{fffd}\n").done();
    // A question alone is a conversation of one turn.
    assert_eq!(rungs(at, "generate run --sources sources.txt").done().stdout, "deux un\nquatre trois\n");
    assert!(rungs(at, "evaluate run --pairs pairs.tsv --json").json()["exact_match"].as_f64().unwrap() > 0.9);
}

#[test]
fn the_system_says_what_holds_for_a_conversation() {
    let folder = folder();
    let at = folder.path();
    let talk = |says: &str, answer: &str| {
        let turn = |role: &str, text: &str| format!(r#"{{"role": "{role}", "text": "{text}"}}"#);
        let turns = [turn("system", says), turn("user", "one two"), turn("assistant", answer)];
        format!("{{\"turns\": [{}]}}\n", turns.join(", "))
    };
    fs::write(at.join("systems.jsonl"), [talk("five", "un deux"), talk("three", "deux un")].concat().repeat(20))
        .unwrap();
    let flags = "--layers 1 --hidden 32 --heads 2 --context 64 --batch-size 10 --lr 0.01 --steps 150 --tokenizer word";
    let train = format!("train gpt --dialogue systems.jsonl --validation systems.jsonl {flags} --out run");
    rungs(at, &train).done();
    for (says, answer) in [("five", "un deux"), ("three", "deux un")] {
        let said = fed(at, &format!("chat run --greedy --system {says}"), "one two\n/reset\none two\n").done();
        assert_eq!(said.stdout, format!("{answer}\n").repeat(2));
        // It is not forgotten with what was said first.
        let long = fed(at, &format!("chat run --greedy --json --system {says}"), &"one two\n".repeat(12));
        assert!(long.stderr.contains("are forgotten"), "{long:?}");
        assert_eq!(long.json()["turns"][0]["text"], says);
    }
    bad_input(
        at,
        &format!("chat run --system {}", "five-".repeat(40)),
        &["--system", "more than half of the context of 64"],
    );
    let mut nothing = command(at, "chat run --system");
    let nothing = Ran::of(&nothing.arg(" ").output().unwrap());
    assert!(nothing.stderr.contains("--system: there is nothing in it"), "{nothing:?}");
}

#[test]
fn long_dialogues_are_shortened_and_counted() {
    let folder = folder();
    let at = folder.path();
    let long = dialogue(&["one", "un", "two", "deux", "three", "trois"]);
    let longer = dialogue(&["one", &"un ".repeat(40)]);
    fs::write(at.join("long.jsonl"), format!("{}{long}{longer}", dialogues())).unwrap();
    let said = rungs(
        at,
        &format!("train rnn --dialogue long.jsonl --validation talk.jsonl --out run {TINY} --steps 5 --json"),
    );
    assert!(said.stderr.contains("1 of 122 dialogues is longer than 60 tokens (--context) and left out"), "{said:?}");
    assert!(
        said.stderr
            .contains("1 of 122 dialogues is longer than 60 tokens (--context) and learnt without the first turns")
    );
    let report = said.json();
    assert_eq!((&report["left_out"], &report["shortened"]), (&1.into(), &1.into()));
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
