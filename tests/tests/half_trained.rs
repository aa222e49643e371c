//! Half-trained runs of every rung, as one build of the program left them: each goes on to the bits it went on to then.
//!
//! Other tests compare a program with itself, so they pass when both sides change alike: when a setting, a tensor or a
//! stream of random numbers gets another name, or a file another layout. Users' folders would not go on.
//! `fixtures/half_trained/README.md` says what the folders are, and when they may be made again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::binary::rungs;
use rungs::RunConfig;
use serde_json::Value;
use tempfile::TempDir;

/// A line of `runs.tsv`.
#[derive(Debug)]
struct HalfTrained {
    name: String,
    /// Whether it was killed after four steps of eight. Otherwise it was over after four, and gets four more.
    killed: bool,
    rung: String,
    /// What it was trained with, and on what.
    settings: String,
    data: String,
    generate: String,
    evaluate: String,
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn runs() -> Vec<HalfTrained> {
    let run = |line: &str| {
        let [name, how, settings, data, generate, evaluate] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("six columns: {line}")
        };
        HalfTrained {
            name: name.to_owned(),
            killed: how == "killed",
            rung: settings.split(' ').next().expect("a rung").to_owned(),
            settings: settings.to_owned(),
            data: data.to_owned(),
            generate: generate.to_owned(),
            evaluate: evaluate.to_owned(),
        }
    };
    read(&fixtures().join("half_trained/runs.tsv")).lines().map(run).collect()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap_or_else(|error| panic!("{}: {error}", from.display())) {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// A folder with all that the runs learn from, and the runs themselves, since one is the base of another's adapter.
fn folder(runs: &[HalfTrained]) -> TempDir {
    let (folder, kept) = (TempDir::new().unwrap(), fixtures().join("half_trained"));
    copy(&kept.join("data"), folder.path());
    for name in runs.iter().map(|run| run.name.as_str()).chain(["imported"]) {
        copy(&kept.join(name), &folder.path().join(name));
    }
    folder
}

/// Whether sums of products are rounded as where the results were recorded.
///
/// Every x86-64 processor with AVX2 and FMA computes the same bits, with AVX-512 or without: each term of a sum is
/// added by one fused multiply-add, in one order. An older one rounds product and sum separately, and elsewhere the C
/// library has other mathematical functions. Only what does not depend on rounding is compared there.
fn rounds_alike() -> bool {
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    return is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    #[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
    return false;
}

/// Whether a part of a folder depends on how sums are rounded. Settings, tokens, names and shapes do not.
fn depends_on_rounding(part: &str) -> bool {
    [".tensors", "/training.json", "/metrics.csv"].iter().any(|end| part.ends_with(end))
}

/// The text without the JSON members of these names, which are inside of a JSON string.
fn without_members(text: &str, names: &[&str]) -> String {
    let mut text = text.to_owned();
    for name in names {
        let member = format!("\\\"{name}\\\":");
        while let Some(start) = text.find(&member) {
            let end = text[start..].find([',', '}']).expect("something follows a member");
            text.replace_range(start..start + end, "");
        }
    }
    text
}

/// What of a folder depends neither on time nor on place, by the names of `SHA256SUMS`.
fn without_times_and_places(run: &str, folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut parts = BTreeMap::new();
    let mut part = |name: &str, bytes: Vec<u8>| drop(parts.insert(format!("{run}/{name}"), bytes));
    part("tokenizer.json", fs::read(folder.join("tokenizer.json")).unwrap());
    // The last column is a speed.
    let course = read(&folder.join("metrics.csv"));
    let without_speed = |line: &str| format!("{}\n", line.rsplit_once(',').expect("several columns").0);
    part("metrics.csv", course.lines().map(without_speed).collect::<String>().into_bytes());
    // Behind the settings come the checksums of all files.
    let settings = read(&folder.join("config.json"));
    let settings = settings.lines().take_while(|line| !line.starts_with("  \"files\""));
    let settings = settings.filter(|line| !line.trim_start().starts_with("\"name\": \"/"));
    part("config.json", settings.map(|line| format!("{line}\n")).collect::<String>().into_bytes());
    for file in ["model", "adapter", "training"] {
        let Ok(bytes) = fs::read(folder.join(format!("{file}.safetensors"))) else { continue };
        let (length, rest) = bytes.split_first_chunk().expect("the length of the header");
        let (header, tensors) = rest.split_at(usize::try_from(u64::from_le_bytes(*length)).unwrap());
        let header = std::str::from_utf8(header).expect("a header is UTF-8").trim_end();
        let header = without_members(header, &["elapsed", "training", "seconds", "name"]);
        part(&format!("{file}.json"), header.into_bytes());
        part(&format!("{file}.tensors"), tensors.to_vec());
    }
    for entry in fs::read_dir(folder.join("ids")).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end == "ids") {
            part(path.file_name().unwrap().to_str().unwrap(), fs::read(&path).unwrap());
        }
    }
    parts
}

fn sha256(bytes: &[u8]) -> String {
    hmac_sha256::Hash::hash(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The sums that are recorded, by the names of parts.
fn recorded() -> BTreeMap<String, String> {
    let sum = |line: &str| line.split_once("  ").map(|(sum, part)| (part.to_owned(), sum.to_owned()));
    let sums = read(&fixtures().join("half_trained/SHA256SUMS"));
    sums.lines().map(|line| sum(line).expect("a sum and a name")).collect()
}

/// What is another than expected, a line for each part.
fn differences(expected: &BTreeMap<String, String>, found: &BTreeMap<String, Vec<u8>>) -> Vec<String> {
    let alike = rounds_alike();
    let names: BTreeSet<&String> = expected.keys().chain(found.keys()).collect();
    let compare = |name: &String| match (expected.get(name), found.get(name)) {
        (Some(_), Some(_)) if depends_on_rounding(name) && !alike => None,
        (Some(expected), Some(bytes)) if *expected == sha256(bytes) => None,
        (Some(_), Some(bytes)) => Some(format!("{name}: differs, now {}", sha256(bytes))),
        (Some(_), None) => Some(format!("{name}: is not there")),
        (None, _) => Some(format!("{name}: is new")),
    };
    names.into_iter().filter_map(compare).collect()
}

#[test]
fn half_trained_runs_of_every_rung_go_on_to_the_recorded_bits() {
    let runs = runs();
    let folder = folder(&runs);
    let at = folder.path();
    let mut found = BTreeMap::new();
    let mut problems = Vec::new();
    for HalfTrained { name, killed, rung, data, .. } in &runs {
        let out = at.join("resumed").join(name);
        copy(&at.join(name), &out);
        let more = if *killed { "" } else { "--steps 8" };
        let ran = rungs(at, &format!("train {rung} {data} --out resumed/{name} --resume {more}"));
        match ran.code {
            Some(0) => found.extend(without_times_and_places(name, &out)),
            _ => problems.push(format!("{name}: does not go on: {}", ran.stderr.trim_end())),
        }
    }
    problems.extend(differences(&recorded(), &found));
    assert!(problems.is_empty(), "of the runs as they were recorded:\n{}", problems.join("\n"));
}

/// A text without the lines that say this.
fn without_line(text: &[u8], line: &str) -> Vec<u8> {
    let lines = text.split_inclusive(|&byte| byte == b'\n');
    lines.filter(|found| found.trim_ascii() != line.as_bytes()).flatten().copied().collect()
}

/// Runs from the beginning arrive where the resumed ones do. Those have their weights and the state of their random
/// numbers from the folder, so they would not notice if either began as something else.
#[test]
fn runs_that_begin_anew_arrive_at_the_recorded_bits() {
    let runs = runs();
    let folder = folder(&runs);
    let at = folder.path();
    let mut problems = Vec::new();
    let recorded = recorded();
    for HalfTrained { name, killed, settings, data, .. } in &runs {
        let steps = if *killed { 8 } else { 4 };
        let flags = format!("{settings} {data} --save-every 4 --evaluate-every 3 --steps {steps}");
        let ran = rungs(at, &format!("train {flags} --out anew/{name}"));
        if ran.code != Some(0) {
            problems.push(format!("{name}: is not trained: {}", ran.stderr.trim_end()));
            continue;
        }
        let mut found = without_times_and_places(name, &at.join("anew").join(name));
        // A tokenizer of words says by which rule it cuts them. The folders were made when there was one.
        let tokenizers = found.iter_mut().filter(|(part, _)| part.ends_with("/tokenizer.json"));
        tokenizers.for_each(|(_, file)| *file = without_line(file, "\"word_rule\": 2,"));
        // What was killed and resumed is what was never disturbed; what was over after four steps is the folder itself.
        let expected: BTreeMap<String, String> = if *killed {
            let own = |part: &String| part.starts_with(&format!("{name}/"));
            recorded.clone().into_iter().filter(|(part, _)| own(part)).collect()
        } else {
            let [was, is] = [at.join(name), at.join("anew").join(name)];
            let settings = |run: &Path| RunConfig::open(run).unwrap().settings;
            if settings(&was) != settings(&is) {
                problems.push(format!("{name}: has other settings"));
            }
            let mut kept = without_times_and_places(name, &was);
            // A file of tokens is not kept, and settings have another form than when the folders were made.
            found.retain(|part, _| !part.ends_with(".ids") && !part.ends_with("/config.json"));
            kept.remove(&format!("{name}/config.json"));
            kept.into_iter().map(|(part, bytes)| (part, sha256(&bytes))).collect()
        };
        problems.extend(differences(&expected, &found));
    }
    assert!(problems.is_empty(), "of the runs as they were recorded:\n{}", problems.join("\n"));
}

#[test]
fn half_trained_runs_write_and_measure_as_recorded() {
    let runs = runs();
    let folder = folder(&runs);
    let at = folder.path();
    let mut said = String::new();
    for HalfTrained { name, generate, evaluate, .. } in &runs {
        let ran = rungs(at, &format!("generate {name} {generate}"));
        let text = if ran.code == Some(0) { &ran.stdout } else { &ran.stderr };
        said.extend(text.split_terminator('\n').map(|line| format!("{name} | {line}\n")));
        let ran = rungs(at, &format!("evaluate {name} {evaluate} --json"));
        // As it was printed: numbers have as many digits as it takes to tell them from all others.
        let loss = serde_json::from_str(&ran.stdout).map(|said: Value| said["loss"].to_string());
        said += &format!("{name} loss {}\n", loss.unwrap_or(ran.stderr));
    }
    if !rounds_alike() {
        return;
    }
    let expected = read(&fixtures().join("half_trained/outputs.txt"));
    let lines = |text: &str| text.split('\n').map(str::to_owned).collect::<Vec<_>>();
    let (expected, said) = (lines(&expected), lines(&said));
    let longest = expected.len().max(said.len());
    let differences: Vec<String> = (0..longest)
        .map(|i| (expected.get(i), said.get(i)))
        .filter(|(expected, said)| expected != said)
        .map(|(expected, said)| format!("expected {expected:?}\n     got {said:?}"))
        .collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn an_import_is_the_folder_that_was_recorded() {
    let folder = TempDir::new().unwrap();
    let hf = fixtures().join("huggingface/llama");
    rungs(folder.path(), &format!("import llama {} --out imported", hf.display())).done();
    for file in ["model.safetensors", "tokenizer.json"] {
        let [new, kept] = [folder.path(), &fixtures().join("half_trained")].map(|at| at.join("imported").join(file));
        assert!(fs::read(new).unwrap() == fs::read(kept).unwrap(), "{file} of imported differs");
    }
}
