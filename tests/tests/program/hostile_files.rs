//! Files and arguments made to hang the program, to fill memory, or to reach the terminal: refused at once, in a line.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::text_runs::{TINY, folder, trained};
use crate::binary::{Ran, binary, command, rungs, snapshot};

/// Puts a named pipe, or a link to a device that never ends, in place of a file.
#[cfg(unix)]
fn replace(file: &Path, by_pipe: bool) {
    _ = fs::remove_file(file);
    match by_pipe {
        true => assert!(Command::new("mkfifo").arg(file).status().unwrap().success()),
        false => std::os::unix::fs::symlink("/dev/zero", file).unwrap(),
    }
}

/// The exit code, and what was printed, of a program that must end soon.
fn ended(at: &Path, arguments: &str) -> Ran {
    let mut child = command(at, arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let start = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if start.elapsed() > Duration::from_secs(60) {
            child.kill().unwrap();
            panic!("{arguments} hangs");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ran::of(&child.wait_with_output().unwrap())
}

#[cfg(unix)]
#[test]
fn pipes_and_devices_are_not_opened() {
    let folder = trained("gpt");
    let at = folder.path();
    rungs(at, "export run --out hf").done();
    for by_pipe in [true, false] {
        replace(&at.join("given"), by_pipe);
        for arguments in [
            "train lstm --text given --out new",
            "train lstm --text text.txt --validation given --out new",
            "train lstm --text text.txt --config given --out new",
            "train seq2seq --pairs given --out new",
            "train gpt --dialogue given --out new",
            "evaluate run --text given",
            "generate run --prompts given",
        ] {
            ended(at, arguments).refused(2, &["given: ", if by_pipe { "not a regular file" } else { "byte 0 is NUL" }]);
        }
        ended(at, "train lstm --text given --stream --out new").refused(2, &["given: not a regular file"]);
        for (made, file, arguments) in [
            ("run", "config.json", &["info COPY", "generate COPY", "train gpt --resume --out COPY"][..]),
            ("run", "model.safetensors", &["info COPY", "generate COPY", "train gpt --resume --out COPY"]),
            ("run", "training.safetensors", &["generate COPY", "train gpt --resume --out COPY"]),
            ("run", "metrics.csv", &["info COPY", "train gpt --resume --out COPY"]),
            ("run", "tokenizer.json", &["info COPY", "train lstm --text text.txt --tokenizer COPY --out new"]),
            ("hf", "config.json", &["import gpt2 COPY --out new"]),
            ("hf", "generation_config.json", &["import gpt2 COPY --out new"]),
            ("hf", "model.safetensors", &["import gpt2 COPY --out new"]),
        ] {
            let copy = at.join("copy");
            fs::create_dir(&copy).unwrap();
            for entry in fs::read_dir(at.join(made)).unwrap().map(|entry| entry.unwrap().path()) {
                fs::copy(&entry, copy.join(entry.file_name().unwrap())).unwrap();
            }
            replace(&copy.join(file), by_pipe);
            for arguments in arguments {
                let name = format!("copy/{file}: not a regular file");
                ended(at, &arguments.replace("COPY", "copy")).refused(2, &[&name]);
            }
            fs::remove_dir_all(copy).unwrap();
        }
        fs::remove_file(at.join("given")).unwrap();
    }
    assert!(!at.join("new").exists());
    // A pipe that the shell has opened is read, as stdin is.
    let shell = format!("{} train lstm --text <(cat text.txt) --out piped {TINY}", binary().display());
    let ran = Ran::of(&Command::new("bash").current_dir(at).args(["-c", &shell]).output().unwrap());
    ran.done();
}

#[test]
fn what_has_no_end_or_no_size_is_refused() {
    let folder = trained("gpt");
    let at = folder.path();
    fs::write(at.join("line.txt"), "a".repeat(20_000_000)).unwrap();
    fs::File::create(at.join("huge.json")).unwrap().set_len(1 << 40).unwrap();
    fs::create_dir(at.join("huge")).unwrap();
    fs::rename(at.join("huge.json"), at.join("huge/tokenizer.json")).unwrap();
    for (arguments, words) in [
        ("generate run --prompts line.txt", &["line.txt, line 1: longer than 65536 bytes"][..]),
        (
            "train lstm --text text.txt --tokenizer huge --out new",
            &["huge/tokenizer.json: a file of 1099511627776 bytes"],
        ),
        ("generate run --n 1000000000000000000", &["n 1", "is too large; the most is 10000"]),
        ("generate run --n 18446744073709551615", &["n 1", "is too large; the most is 10000"]),
        ("generate run --n 1000000", &["n 1", "is too large; the most is 10000"]),
        (r"generate run --regex \d{1000000}", &["too large"]),
        ("generate run --contrastive 0.5 --max-tokens 16 --prompt a", &["do not fit the model's context of 16"]),
    ] {
        ended(at, arguments).refused(2, words);
    }
    // As many as there is room for, unless told.
    rungs(at, "generate run --contrastive 0.5 --prompt a").done();

    let mut endless = command(at, "train lstm --text - --out new");
    let mut child = endless.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let piece = "y\n".repeat(1 << 15);
    while stdin.write_all(piece.as_bytes()).is_ok() {}
    Ran::of(&child.wait_with_output().unwrap()).refused(2, &["stdin: more than 134217728 bytes"]);
    assert!(!at.join("new").exists());
}

#[test]
fn utf_16_is_named_with_its_conversion() {
    let folder = trained("gpt");
    let at = folder.path();
    let text = fs::read_to_string(at.join("text.txt")).unwrap();
    for (i, (mark, little, named)) in
        [(true, true, "UTF-16"), (true, false, "UTF-16"), (false, true, "UTF-16LE"), (false, false, "UTF-16BE")]
            .into_iter()
            .enumerate()
    {
        let units = mark.then_some(0xfeff).into_iter().chain(text.encode_utf16());
        let bytes = units.flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() });
        let name = format!("{i}.txt");
        fs::write(at.join(&name), bytes.collect::<Vec<u8>>()).unwrap();
        let said = format!("{name}: {named}, not UTF-8 text; to convert it: iconv -f {named} -t UTF-8 OLD > NEW");
        for arguments in [
            format!("train lstm --text {name} --out new"),
            format!("train lstm --text {name} --out new --stream"),
            format!("train seq2seq --pairs {name} --out new"),
            format!("evaluate run --text {name}"),
            format!("generate run --prompts {name}"),
        ] {
            rungs(at, &arguments).refused(2, &[&said]);
        }
    }
}

/// Runs the program on a terminal of its own.
#[cfg(target_os = "linux")]
fn on_a_terminal(at: &Path, arguments: &[&str]) -> String {
    let spawn = "import pty, sys; pty.spawn(sys.argv[1:])";
    let mut python = Command::new("python3");
    python.current_dir(at).args(["-c", spawn]).arg(binary()).args(arguments).stdin(Stdio::null());
    String::from_utf8(python.output().unwrap().stdout).unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn a_terminal_is_shown_no_escapes_and_a_pipe_the_text() {
    let folder = folder();
    let at = folder.path();
    let name = "run\u{1b}]0;title\u{7}";
    fs::write(at.join("text\u{1b}[2J.txt"), text_with_escapes()).unwrap();
    let train = ["train", "gpt", "--text", "text\u{1b}[2J.txt", "--out", name].into_iter();
    let train: Vec<&str> = train.chain(TINY.split_whitespace()).collect();
    assert!(on_a_terminal(at, &train).contains(r"run\u001b]0;title\u0007"));
    let prompt = "a\u{1b}[31m\u{9b}5m\u{202e}";
    for arguments in [
        &["info", name][..],
        &["info", name, "--json"],
        &["generate", name, "--prompt", prompt, "--max-tokens", "40"],
        &["generate", name, "--prompt", prompt, "--max-tokens", "40", "--stream"],
        &["generate", name, "--prompt", prompt, "--max-tokens", "40", "--json"],
        &["generate", "nowhere\u{1b}[31m"],
        &["evaluate", name, "--text", "no\u{1b}[31m.txt"],
    ] {
        let shown = on_a_terminal(at, arguments);
        let obeyed = |c: char| (c.is_control() && !"\t\r\n".contains(c)) || c == '\u{202e}';
        assert!(!shown.contains(obeyed) && shown.contains("\\u001b"), "{arguments:?}: {shown:?}");
    }
    let output =
        command(at, "generate").args([name, "--prompt", prompt, "--max-tokens", "40", "--greedy"]).output().unwrap();
    assert!(Ran::of(&output).done().stdout.starts_with(prompt), "to a pipe it goes as it is");
}

#[cfg(target_os = "linux")]
fn text_with_escapes() -> String {
    "the cat \u{1b}[31msees\u{1b}[0m a dog \u{9b}5m\u{202e}\n".repeat(60)
}

#[cfg(target_os = "linux")]
#[test]
fn a_terminal_that_is_closed_ends_a_run_with_a_save_unless_it_is_ignored() {
    let folder = folder();
    let at = folder.path();
    let long = "train lstm --text text.txt --out RUN --layers 1 --hidden 12 --context 8 --batch-size 4 --seconds 60 \
                --save-every 5";
    for (run, ignored) in [("heard", false), ("ignored", true)] {
        let arguments = long.replace("RUN", run);
        // `exec`: the program has the process of the shell.
        let shell = format!("{} exec {} {arguments}", if ignored { "trap '' HUP;" } else { "" }, binary().display());
        let mut bash = Command::new("bash");
        bash.current_dir(at).args(["-c", &shell]).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = bash.spawn().unwrap();
        let saves = || fs::read_to_string(at.join(run).join("metrics.csv")).map_or(0, |table| table.lines().count());
        while saves() < 2 {
            assert!(child.try_wait().unwrap().is_none());
            std::thread::sleep(Duration::from_millis(5));
        }
        let kill = |signal: &str| {
            assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
        };
        kill("-HUP");
        if ignored {
            let before = saves();
            while saves() == before {
                std::thread::sleep(Duration::from_millis(5));
            }
            kill("-TERM");
        }
        Ran::of(&child.wait_with_output().unwrap()).refused(130, &["stopped and saved after step", "--resume"]);
    }
}

#[test]
fn a_streamed_run_that_is_refused_leaves_nothing() {
    let folder = folder();
    let at = folder.path();
    let refused = |arguments: &str, words: &[&str]| {
        let before = snapshot(at);
        rungs(at, arguments).refused(2, words);
        assert!(snapshot(at) == before, "{arguments}: something was written");
    };
    rungs(at, &format!("train gpt --text text.txt --stream --out run {TINY}")).done();
    for (out, more, words) in [
        ("deep/new", "--text short.txt", "short.txt: too short"),
        ("deep/new", "--text text.txt --hidden 30000 --heads 2", "parameters"),
        ("deep/new", "--text text.txt --validation greek.txt --tokenizer run", "unknown character"),
        // Nor where there is something already.
        ("", "--text short.txt", "short.txt: too short"),
        ("run", "--resume --text greek.txt", "is not the one this run was trained on"),
    ] {
        let out = if out.is_empty() { "." } else { out };
        refused(&format!("train gpt --stream --out {out} {more}"), &[words]);
    }
    assert!(at.join("run/ids").is_dir());
}
