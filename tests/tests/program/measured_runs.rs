//! What the program measures: outputs beside baselines, windows that overlap, and how sure differences are.

use std::fs;

use crate::binary::{bad_input, rungs, text};
use serde_json::Value;
use tempfile::TempDir;

const TINY_PAIRS: &str = "--hidden 16 --embedding 8 --batch-size 8 --steps 20 --evaluate-every 10 --context 80";
const TINY: &str = "--layers 1 --hidden 16 --context 16 --batch-size 4 --steps 20 --evaluate-every 10";

/// Sources of two sentences, of which the first says what the target does.
fn summaries() -> String {
    let thing = |i: usize| ["mail", "music", "maps"][i % 3];
    let line = |i: usize| format!("It reads {0}. Version {1}.0 is fast.\tIt reads {0}\n", thing(i), i % 7);
    (0..42).map(line).collect()
}

fn number(report: &Value, key: &str) -> f64 {
    report[key].as_f64().unwrap_or_else(|| panic!("{key}: {report}"))
}

#[test]
fn summaries_stand_beside_what_needs_no_model() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    fs::write(at.join("pairs.tsv"), summaries()).unwrap();
    rungs(at, &format!("train attention --pairs pairs.tsv --out run {TINY_PAIRS}")).done();
    let report = rungs(at, "evaluate run --pairs pairs.tsv --json").json();
    for key in ["rouge1", "rouge2", "rougeL", "distinct_1", "distinct_2", "repetition_4", "exact_match"] {
        assert!((0.0..=1.0).contains(&number(&report, key)), "{key}: {report}");
    }
    assert!(report["rouge_signature"].as_str().unwrap().contains("stem:no"));

    // The first sentence is the target but for its period, which is no word to ROUGE.
    let [lead, random, copy] = ["lead_1", "random", "copy"].map(|baseline| &report["baselines"][baseline]);
    assert_eq!((number(lead, "rouge1"), number(lead, "rougeL"), number(lead, "exact_match")), (1.0, 1.0, 0.0));
    // Of 3 words, all found in 8: P = 3/8, R = 1.
    assert!((number(copy, "rouge1") - 6.0 / 11.0).abs() < 1e-12, "{copy}");
    let one_or_the_other = number(random, "rouge1");
    assert!((0.2..0.8).contains(&one_or_the_other), "half of the sentences have no word of the target: {random}");
    // It, reads, a period and three things, of four words in each of 42 sentences.
    assert_eq!(number(lead, "distinct_1"), 6.0 / (42.0 * 4.0));

    // Which sentence is random, the seed says.
    let random_with = |seed: &str| {
        rungs(at, &format!("evaluate run --pairs pairs.tsv --json --seed {seed}")).json()["baselines"]["random"].clone()
    };
    assert_eq!(&random_with("0"), random);
    assert_ne!(&random_with("1"), random);

    let prose = rungs(at, "evaluate run --pairs pairs.tsv --stem").done().stdout;
    let header = prose.lines().next().unwrap().split_whitespace();
    assert!(header.eq(["42", "pairs", "attention", "lead-1", "random", "copy"]), "{prose}");
    let words = |name: &str| {
        let line = prose.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name}: {prose}"));
        line.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!((words("ROUGE-1").len(), words("ROUGE-1")[2].as_str()), (5, "100.00"), "{prose}");
    assert_eq!(words("parameters").len(), 2, "a baseline has none: {prose}");
    assert!(prose.contains("stem:porter"), "{prose}");
}

#[test]
fn a_run_beside_itself_does_not_differ() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    fs::write(at.join("pairs.tsv"), summaries()).unwrap();
    rungs(at, &format!("train attention --pairs pairs.tsv --out run {TINY_PAIRS}")).done();
    rungs(
        at,
        &format!("train attention --pairs pairs.tsv --out more {TINY_PAIRS} --steps 60").replace("--steps 20", ""),
    )
    .done();
    let report = rungs(at, "evaluate run --pairs pairs.tsv --compare run --compare more --json").json();
    let [same, more] = [0, 1].map(|i| &report["differences"][i]);
    assert_eq!((same["run"].as_str(), more["run"].as_str()), (Some("run"), Some("more")));
    assert_eq!(same["resamples"], 1000);
    for key in ["exact_match", "bleu", "chrf", "rougeL"] {
        let found = ["difference", "low", "high", "p"].map(|part| number(&same[key], part));
        assert_eq!(found, [0.0, 0.0, 0.0, 1.0], "{key}: {same}");
        let [difference, low, high, p] = ["difference", "low", "high", "p"].map(|part| number(&more[key], part));
        let apart = number(&report["compared"][1], key) - number(&report, key);
        assert!((difference - apart).abs() < 1e-12, "{key}: {difference} is not {apart}");
        assert!(low <= high && 0.0 < p && p <= 1.0, "{key}: {more}");
    }
    // The same draws with the same seed, others with another.
    let with = |seed: &str| {
        let arguments = format!("evaluate run --pairs pairs.tsv --compare more --json --seed {seed}");
        rungs(at, &arguments).json()["differences"][0]["chrf"].clone()
    };
    assert_eq!(with("0"), more["chrf"]);
    assert_ne!(with("1"), more["chrf"]);
}

#[test]
fn windows_of_a_gpt_can_overlap() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    fs::write(at.join("text.txt"), text(4_000)).unwrap();
    fs::write(at.join("other.txt"), text(700).replace('a', "é")).unwrap();
    rungs(at, &format!("train gpt --text text.txt --out gpt --heads 2 {TINY}")).done();
    rungs(at, &format!("train lstm --text text.txt --out lstm {TINY}")).done();
    let evaluate = |flags: &str| rungs(at, &format!("evaluate gpt --text text.txt {flags} --json")).json();
    let consecutive = evaluate("");
    let [whole, one] = ["--stride 16", "--stride 1"].map(evaluate);
    assert!(consecutive.get("stride").is_none());
    assert_eq!((number(&whole, "loss"), number(&whole, "stride")), (number(&consecutive, "loss"), 16.0));
    assert_eq!((number(&one, "tokens"), number(&consecutive, "tokens")), (3_999.0, 3_999.0));
    assert_ne!(number(&one, "loss"), number(&consecutive, "loss"));
    // A character of this text is a byte, so the two units are one.
    assert_eq!(number(&one, "bits_per_byte"), number(&one, "bits_per_char"));
    let bits = number(&one, "loss") / std::f64::consts::LN_2 / number(&one, "bits_per_byte");
    assert!((bits - 1.0).abs() < 1e-12, "{bits} characters a token");

    for (arguments, words) in [
        ("evaluate gpt --text text.txt --stride 0", &["--stride", "1 or more"][..]),
        ("evaluate gpt --text text.txt --stride 17", &["--stride", "17", "the context of gpt, which is 16"]),
        ("evaluate lstm --text text.txt --stride 4", &["--stride", "lstm", "carries its state"]),
        ("evaluate lstm --text text.txt --compare gpt --stride 17", &["--stride", "gpt, which is 16"]),
        ("evaluate gpt --text other.txt --compare lstm", &["other.txt", "'é'"]),
        ("evaluate gpt --text text.txt --compare nowhere", &["nowhere"]),
    ] {
        bad_input(at, arguments, words);
    }
    // Beside a gpt, a recurrent run has the whole past anyway.
    let both = rungs(at, "evaluate lstm --text text.txt --compare gpt --stride 1 --json").json();
    assert!(both.get("stride").is_none());
    assert_eq!(number(&both["compared"][0], "loss"), number(&one, "loss"));
}

#[test]
fn letters_of_two_bytes_cost_less_a_byte() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    fs::write(at.join("greek.txt"), "αβγδ ".repeat(200)).unwrap();
    rungs(at, &format!("train gru --text greek.txt --out run {TINY}")).done();
    let report = rungs(at, "evaluate run --text greek.txt --json").json();
    // Nine bytes for five characters.
    assert!(
        (number(&report, "bits_per_byte") * 9.0 / 5.0 - number(&report, "bits_per_char")).abs() < 1e-12,
        "{report}"
    );
    let prose = rungs(at, "evaluate run --text greek.txt").done().stdout;
    assert!(prose.contains("bits per byte"), "{prose}");
}

#[test]
fn runs_on_a_text_are_measured_beside_each_other() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    fs::write(at.join("text.txt"), text(12_000)).unwrap();
    fs::write(at.join("short.txt"), text(2_000)).unwrap();
    for (rung, out) in [
        ("gpt --heads 2", "gpt"),
        ("gru", "gru"),
        ("gru --tokenizer bpe:270 --lr 0.02", "bpe"),
        ("gru --tokenizer word", "word"),
    ] {
        rungs(at, &format!("train {rung} --text text.txt --out {out} {TINY}")).done();
    }
    let report = rungs(at, "evaluate gpt --text text.txt --compare gpt --compare gru --compare bpe --json").json();
    let alone = rungs(at, "evaluate gru --text text.txt --json").json();
    for key in ["tokens", "loss", "perplexity", "bits_per_char", "bits_per_byte"] {
        assert_eq!(report["compared"][1][key], alone[key], "{key}");
    }
    let differences = report["differences"].as_array().unwrap();
    assert_eq!(differences.len(), 3);
    for (i, of_run) in differences.iter().enumerate() {
        assert_eq!((&of_run["stretches"], &of_run["resamples"]), (&Value::from(24), &Value::from(1000)));
        let [difference, low, high, p] =
            ["difference", "low", "high", "p"].map(|part| number(&of_run["bits_per_char"], part));
        let apart = number(&report["compared"][i], "bits_per_char") - number(&report, "bits_per_char");
        assert!((difference - apart).abs() < 1e-6, "{difference} is not {apart}");
        assert!(low <= difference && difference <= high, "{of_run}");
        if i == 0 {
            assert_eq!((difference, low, high, p), (0.0, 0.0, 0.0, 1.0), "a run beside itself");
        }
    }
    let prose = rungs(at, "evaluate gpt --text text.txt --compare bpe").done().stdout;
    for words in ["bits per character", "gru minus gpt", "1,000 draws of 24 stretches", "what a token is differs"] {
        assert!(prose.contains(words), "{words}: {prose}");
    }

    // A short text has no interval, and says so.
    let short = rungs(at, "evaluate gpt --text short.txt --compare gru --json").json();
    assert_eq!(
        (&short["differences"], &short["compared"][0]["run"]),
        (&Value::from(Vec::<Value>::new()), &"gru".into())
    );
    let prose = rungs(at, "evaluate gpt --text short.txt --compare gru").done().stdout;
    assert!(prose.contains("too short for an interval"), "{prose}");
    // Words that are not known are one token: another text than that of the letters.
    fs::write(at.join("unknown.txt"), text(1_000).replace("dog", "god")).unwrap();
    rungs(at, "evaluate word --text unknown.txt --compare word").done();
    bad_input(at, "evaluate gpt --text unknown.txt --compare word", &["--compare", "word", "cannot spell"]);
}

#[test]
fn every_script_can_be_measured() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    let scripts = [
        ("chinese", ["我是北京的学生。", "他们在看书。", "今天天气很好。"], [false, true, true]),
        ("japanese", ["ねこがねている。", "いぬがはしる。", "とりがとんでいる。"], [false, false, true]),
        ("russian", ["я не студент, а учитель", "мы все идём домой", "это моя новая книга"], [true; 3]),
        ("french", ["je ne suis pas élève", "nous allons à la maison", "c'est là mon été à moi"], [true; 3]),
    ];
    // The copy is a perfect output.
    let copies = |texts: [&str; 3]| texts.map(|text| format!("{text}\t{text}\n")).concat().repeat(14);
    fs::write(at.join("all.tsv"), scripts.map(|(_, texts, _)| copies(texts)).concat()).unwrap();
    rungs(at, &format!("train seq2seq --pairs all.tsv --out run {TINY_PAIRS}")).done();
    for (language, texts, right) in scripts {
        fs::write(at.join(language), copies(texts)).unwrap();
        for (tokenizer, right) in ["13a", "zh", "char"].into_iter().zip(right) {
            let evaluate = format!("evaluate run --pairs {language} --bleu-tokenizer {tokenizer}");
            let ran = rungs(at, &format!("{evaluate} --json")).done();
            let report: Value = serde_json::from_str(&ran.stdout).unwrap();
            assert_eq!(report["bleu_tokenizer"], tokenizer);
            let named = format!("|tok:{tokenizer}|");
            assert!(report["bleu_signature"].as_str().unwrap().contains(&named), "{report}");
            let copy = &report["baselines"]["copy"];
            assert_eq!(number(copy, "bleu") > 99.9, right, "{evaluate}: {copy}");
            assert_eq!(number(copy, "rougeL") > 0.7, language == "french", "{evaluate}: {copy}");

            let warnings: Vec<_> = ran.stderr.lines().filter(|line| line.starts_with("rungs: ")).collect();
            assert_eq!(warnings.len(), usize::from(language != "french"), "{evaluate}: {}", ran.stderr);
            if let [warning] = warnings[..] {
                assert_eq!(
                    warning.contains(&format!("BLEU with the tokenizer {tokenizer} in 42 of 42")),
                    !right,
                    "{warning}"
                );
                assert!(warning.contains("ROUGE in 42 of 42 references"), "{warning}");
            }
        }
    }
    assert!(rungs(at, "evaluate run --pairs chinese --bleu-tokenizer zh").done().stdout.contains("|tok:zh|"));
    assert_eq!(rungs(at, "evaluate run --pairs french --json").json()["bleu_tokenizer"], "13a", "it is the default");
    bad_input(at, "evaluate run --pairs french --bleu-tokenizer ja-mecab", &["13a", "zh", "char"]);
}
