//! Byte-order marks, CR LF and empty lines: a text is the same however an editor has saved it.

use std::fs;

use tempfile::tempdir;

use super::text_runs::TINY;
use crate::binary::{rungs, text};

const SAMPLE: &str = "a\tb\nthe cat\tle chat\nnobody\tpersonne\n";

#[test]
fn a_text_is_the_same_with_a_byte_order_mark_and_with_carriage_returns() {
    let folder = tempdir().unwrap();
    let at = folder.path();
    let plain = text(4000);
    let marked = format!("\u{feff}{plain}");
    let returns = plain.replace('\n', "\r\n");
    for (name, contents) in [("plain", &plain), ("marked", &marked), ("returns", &returns)] {
        fs::write(at.join(format!("{name}.txt")), contents).unwrap();
    }
    let notice = "rungs: returns.txt: its lines end in CR LF, which is read as LF\n";
    for way in ["", "--stream"] {
        let model = |name: &str| {
            let out = format!("{name}{way}");
            let ran = rungs(at, &format!("train lstm --text {name}.txt --out {out} {TINY} {way}")).done();
            let path = std::path::absolute(at.join("returns.txt")).unwrap();
            let notice = notice.replace("returns.txt", &path.display().to_string());
            assert_eq!(ran.stderr, if name == "returns" { notice } else { String::new() });
            fs::read(at.join(out).join("model.safetensors")).unwrap()
        };
        let expected = model("plain");
        assert!(model("marked") == expected && model("returns") == expected, "{way}");
    }
    let loss = |name: &str| {
        let ran = rungs(at, &format!("evaluate plain --text {name}.txt --json"));
        assert_eq!(ran.stderr, if name == "returns" { notice } else { "" });
        ran.json()["loss"].clone()
    };
    assert_eq!([loss("marked"), loss("returns")], [loss("plain"), loss("plain")]);

    // A run goes on with the text that it has learnt, whichever of the three is at its place.
    fs::write(at.join("plain.txt"), &returns).unwrap();
    rungs(at, "train lstm --out plain --resume --steps 25").done();

    let prompts = |name: &str, contents: String| {
        fs::write(at.join(name), contents).unwrap();
        rungs(at, &format!("generate plain --prompts {name} --greedy --max-tokens 4")).done().stdout
    };
    let expected = prompts("prompts.txt", "the cat\n\na dog\n".to_owned());
    assert_eq!(prompts("marked.txt", "\u{feff}the cat\n\na dog\n".to_owned()), expected);
    assert_eq!(prompts("returns.txt", "the cat\r\n\r\na dog\r\n".to_owned()), expected);
    let texts: Vec<&str> = expected.split("---\n").collect();
    assert!(texts.len() == 3 && texts[1] == "\n" && texts[2].starts_with("a dog"), "{texts:?}");
}

#[test]
fn an_empty_line_among_sources_is_an_empty_line_among_texts() {
    let folder = tempdir().unwrap();
    let at = folder.path();
    fs::write(at.join("pairs.tsv"), SAMPLE.repeat(10) + "\n").unwrap();
    rungs(at, "train seq2seq --pairs pairs.tsv --hidden 16 --embedding 8 --batch-size 4 --steps 4 --out run").done();
    fs::write(at.join("sources.txt"), "the cat\n\nnobody\n").unwrap();
    let all = rungs(at, "generate run --sources sources.txt").done().stdout;
    let lines: Vec<&str> = all.lines().collect();
    assert!(lines.len() == 3 && lines[1].is_empty(), "{lines:?}");
    fs::write(at.join("sources.txt"), "the cat\nnobody\n").unwrap();
    let others = rungs(at, "generate run --sources sources.txt").done().stdout;
    assert!(others.lines().eq([lines[0], lines[2]]));
    // An empty line in the middle of pairs is a mistake, and named.
    fs::write(at.join("pairs.tsv"), SAMPLE.to_owned() + "\n" + SAMPLE).unwrap();
    let wrong = rungs(at, "train seq2seq --pairs pairs.tsv --steps 2 --out other");
    wrong.refused(2, &["pairs.tsv, line 4", "TAB"]);
}
