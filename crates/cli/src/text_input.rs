//! Text from a file or from stdin, checked once, here: what comes out is valid UTF-8, free of NUL and not empty.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use rungs::text::foreign_encoding::not_text;
use rungs::text::plain_text;

use crate::terminal::{Failure, Outcome, complain, reason};

/// What `--text -` means.
pub(crate) const STDIN: &str = "-";

const EMPTY: &str = "the text is empty";

/// How much is read before a look at it: a device that never ends, or a film, is refused at once.
const CHUNK: u64 = 1 << 16;

/// The most bytes that are read of what has no size. A file has one, and if it is large it can be streamed.
const MOST_OF_A_PIPE: u64 = 1 << 27;

/// Where the files are that a process was given open.
const OPEN: [&str; 3] = ["/dev/fd", "/dev/stdin", "/proc/self/fd"];

/// Reads a whole text, without the byte-order mark before it; the path `-` is stdin.
pub(crate) fn read(path: &Path) -> Outcome<String> {
    let mut text = read_as_it_is(path)?;
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    if text.is_empty() { Err(Failure::input(format!("{}: {EMPTY}", name(path)))) } else { Ok(text) }
}

/// [Plain text](plain_text) of a text, with a notice where its lines ended in CR LF.
pub(crate) fn plain(text: String, name: &str) -> String {
    if text.contains("\r\n") {
        complain_of_carriage_returns(name);
    }
    match plain_text(&text) {
        plain if plain.len() < text.len() => plain.into_owned(),
        _ => text,
    }
}

/// Says that lines end in CR LF.
pub(crate) fn complain_of_carriage_returns(name: &str) {
    complain(&format!("{name}: its lines end in CR LF, which is read as LF"));
}

/// Reads a whole text, every character of it; the path `-` is stdin.
pub(crate) fn read_as_it_is(path: &Path) -> Outcome<String> {
    let name = name(path);
    let bytes = match path == Path::new(STDIN) {
        true => read_all(io::stdin(), MOST_OF_A_PIPE),
        false => open(path).and_then(|(file, most)| read_all(file, most)),
    };
    let bytes = bytes.map_err(|error| match (error.kind(), format!("{name}: {}", reason(&error))) {
        (io::ErrorKind::OutOfMemory, problem) => Failure::running(problem),
        (_, problem) => Failure::input(problem),
    })?;
    check(bytes).map_err(|problem| Failure::input(format!("{name}: {problem}")))
}

/// A file, and how much of it is read. A pipe is opened only if this process was given it open, as by a shell's
/// `<(command)`: to open another waits for somebody to write into it.
fn open(path: &Path) -> io::Result<(File, u64)> {
    match path.metadata()? {
        metadata if metadata.is_file() => Ok((File::open(path)?, u64::MAX)),
        metadata if metadata.is_dir() => Err(ErrorKind::IsADirectory.into()),
        metadata if is_pipe(&metadata) && !OPEN.iter().any(|open| path.starts_with(open)) => {
            Err(io::Error::new(ErrorKind::InvalidInput, "not a regular file; a pipe can be read as stdin, -"))
        }
        _ => Ok((File::open(path)?, MOST_OF_A_PIPE)),
    }
}

fn is_pipe(_metadata: &Metadata) -> bool {
    #[cfg(unix)]
    return std::os::unix::fs::FileTypeExt::is_fifo(&_metadata.file_type());
    #[cfg(not(unix))]
    false
}

/// Everything there is, or everything up to a part with a NUL in it, which no text has. More than `most` bytes are an
/// error.
fn read_all(mut source: impl Read, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        let before = bytes.len();
        bytes.try_reserve(CHUNK as usize).map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
        source.by_ref().take(CHUNK).read_to_end(&mut bytes)?;
        if bytes.len() == before || bytes[before..].contains(&0) {
            return Ok(bytes);
        }
        if bytes.len() as u64 > most {
            let problem = format!("more than {most} bytes; so large a text is to be read from a file");
            return Err(io::Error::new(ErrorKind::FileTooLarge, problem));
        }
    }
}

/// What to call a text in a message.
pub(crate) fn name(path: &Path) -> String {
    if path == Path::new(STDIN) { "stdin".to_owned() } else { path.display().to_string() }
}

/// What a text given to `flag` means: `\n` is a line break, `\t` a tab, `\\` a backslash.
pub(crate) fn unescaped(flag: &str, given: &str) -> Outcome<String> {
    let mut text = String::new();
    let mut characters = given.chars();
    while let Some(character) = characters.next() {
        text.push(match (character == '\\').then(|| characters.next()) {
            None => character,
            Some(Some('n')) => '\n',
            Some(Some('t')) => '\t',
            Some(Some('\\')) => '\\',
            Some(_) => {
                return Err(Failure::input(format!("{flag} {given}: after a backslash comes n, t or a backslash")));
            }
        });
    }
    if text.is_empty() { Err(Failure::input(format!("{flag}: the text is empty"))) } else { Ok(text) }
}

fn check(bytes: Vec<u8>) -> Result<String, String> {
    if bytes.is_empty() {
        return Err(EMPTY.to_owned());
    }
    if let Some(at) = bytes.iter().position(|&byte| byte == 0) {
        return Err(not_text(&bytes, at, 0));
    }
    String::from_utf8(bytes).map_err(|error| not_text(error.as_bytes(), error.utf8_error().valid_up_to(), 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_text_passes() {
        assert_eq!(check("l'été".into()).as_deref(), Ok("l'été"));
        assert_eq!(check(vec![]).unwrap_err(), "the text is empty");
        assert_eq!(check(b"ab\0c".to_vec()).unwrap_err(), "binary, not text: byte 2 is NUL");
        assert_eq!(check(b"ab\xffc".to_vec()).unwrap_err(), "not UTF-8 text: byte 2 is 0xff");
        assert_eq!(check("abé".as_bytes()[..3].to_vec()).unwrap_err(), "not UTF-8 text: byte 2 is 0xc3");
    }
}
