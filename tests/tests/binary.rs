//! The program from outside: built once, with all that it can be built with, run as a user would, and what it said.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

/// The built program.
pub(crate) fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        // This test lies in TARGET/PROFILE/deps; the program belongs beside that folder, built with the same profile.
        let test = std::env::current_exe().expect("a test knows where it is");
        let profile_folder = test.parent().and_then(Path::parent).expect("TARGET/PROFILE/deps");
        let target = profile_folder.parent().expect("TARGET/PROFILE");
        let profile = match profile_folder.file_name().and_then(|name| name.to_str()) {
            Some("debug") | None => "dev",
            Some(name) => name,
        };
        let status = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--package", "rungs-cli", "--bin", "rungs", "--features", "tokenizers"])
            .args(["--profile", profile])
            .arg("--target-dir")
            .arg(target)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status()
            .expect("cargo runs");
        assert!(status.success(), "the program does not build");
        profile_folder.join(format!("rungs{}", std::env::consts::EXE_SUFFIX))
    })
}

/// The program with these arguments, which are separated by spaces, in the folder `at`.
pub(crate) fn command(at: &Path, arguments: &str) -> Command {
    let mut command = Command::new(binary());
    command.current_dir(at).args(arguments.split_whitespace()).stdin(Stdio::null());
    command
}

/// Runs the program to its end.
pub(crate) fn rungs(at: &Path, arguments: &str) -> Ran {
    Ran::of(&command(at, arguments).output().expect("the program starts"))
}

/// What the program did.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("all that is printed is UTF-8");
        Self { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }

    /// That it succeeded.
    #[track_caller]
    pub(crate) fn done(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }

    /// That it succeeded, and the one JSON object it printed.
    #[track_caller]
    pub(crate) fn json(self) -> Value {
        let ran = self.done();
        assert_eq!(ran.stdout.lines().count(), 1, "{ran:?}");
        serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"))
    }

    /// That it failed with this code, nothing on stdout, and one line on stderr that has all of `words`.
    #[track_caller]
    pub(crate) fn refused(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert_eq!(self.stdout, "", "{self:?}");
        assert_eq!(self.stderr.lines().count(), 1, "one line: {self:?}");
        assert!(self.stderr.starts_with("rungs: ") && self.stderr.ends_with('\n'), "{self:?}");
        let missing: Vec<_> = words.iter().filter(|word| !self.stderr.contains(**word)).collect();
        assert!(missing.is_empty(), "{missing:?} is not in {:?}", self.stderr);
    }
}

/// A text to learn: sentences of a tiny grammar, the same every time.
pub(crate) fn text(characters: usize) -> String {
    let (subjects, verbs) = (["the cat", "a dog", "the old man", "nobody"], ["sees", "likes", "follows", "hears"]);
    let mut state = 1_u64;
    let mut choose = |n: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % n
    };
    let mut text = String::new();
    while text.len() < characters {
        text += &format!("{} {} {}.\n", subjects[choose(4)], verbs[choose(4)], subjects[choose(4)]);
    }
    text.truncate(characters);
    text
}

/// Every file below a folder with its contents.
pub(crate) fn snapshot(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.push((path.clone(), Vec::new()));
            files.extend(snapshot(&path));
        } else {
            files.push((path.clone(), std::fs::read(&path).expect("a readable file")));
        }
    }
    files.sort();
    files
}

/// Runs a command that must be refused as bad input: exit code 2, one line that has all of `words`, nothing on stdout
/// and nothing written.
#[track_caller]
pub(crate) fn bad_input(at: &Path, arguments: &str, words: &[&str]) {
    let before = snapshot(at);
    rungs(at, arguments).refused(2, words);
    assert!(snapshot(at) == before, "{arguments}: something was written");
}

/// The keys of a JSON object.
pub(crate) fn keys(object: &Value) -> Vec<&str> {
    object.as_object().expect("an object").keys().map(String::as_str).collect()
}
