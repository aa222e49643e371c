//! The text that is part of the library. Its pairs are generated: see [`dates`](super::dates).
//!
//! It is a file of this crate, `corpus/history-v1.txt`, and frozen: from equal settings come equal models, so a text
//! that changed would make every figure that was measured on it incomparable. Another text would be another file.

/// The built-in text: prose about the history of text generation, in the characters of a typewriter.
pub const TEXT: &str = include_str!("../../corpus/history-v1.txt");

/// The name of the built-in text in messages and in run folders.
pub const TEXT_NAME: &str = "the built-in text";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trainer::checkpoint::checksum;

    #[test]
    fn the_text_has_the_checksum_that_is_written_beside_it() {
        let beside = include_str!("../../corpus/README.md");
        assert!(beside.contains(&checksum(TEXT.as_bytes())), "a changed text gets a new file and a new version");
    }
}
