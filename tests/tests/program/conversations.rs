//! Conversations with a model that has learnt dialogues.

use std::fs;

use super::dialogue_files::{TINY, dialogue, dialogues, fed, folder};
use crate::binary::{Ran, bad_input, command, rungs};

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
    assert_eq!(fed(at, "chat run --temperature 0", "one two\n\nfive  one\n").done().stdout, said.stdout);
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
