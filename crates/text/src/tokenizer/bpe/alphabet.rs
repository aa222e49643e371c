//! Bytes as visible characters, which is how GPT-2's files spell tokens.
//!
//! A token is a run of bytes, and may be half a character, a line break or a space: nothing that a text file with one
//! merge on each line could hold. So Radford et al. (2019) write every byte as one character that can be seen. The 188
//! bytes that are visible in Latin-1 stand for themselves, the other 68, in their order, for the characters from U+0100
//! on: a space is `Ġ`, a line break `Ċ`, and `é`, two bytes in UTF-8, is `Ã©`.
//!
//! A byte's id in a vocabulary of that family is its place when these characters are sorted by code point.

use std::sync::LazyLock;

/// The character that stands for each byte.
static SPELLINGS: LazyLock<[char; 256]> = LazyLock::new(|| {
    let mut invisible = '\u{100}'..;
    std::array::from_fn(|byte| match byte as u8 {
        visible @ (b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff) => char::from(visible),
        _ => invisible.next().expect("characters from U+0100 on are many"),
    })
});

/// The bytes in the order of their ids.
pub(super) static ORDER: LazyLock<[u8; 256]> = LazyLock::new(|| {
    let mut bytes: [u8; 256] = std::array::from_fn(|byte| byte as u8);
    bytes.sort_by_key(|&byte| spelling(byte));
    bytes
});

/// The character that stands for a byte.
pub(super) fn spelling(byte: u8) -> char {
    SPELLINGS[usize::from(byte)]
}

/// How bytes are spelled.
pub(super) fn spell(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| spelling(byte)).collect()
}

/// The bytes that are spelled like this; none if a character stands for no byte.
pub(super) fn bytes_of(spelled: &str) -> Option<Vec<u8>> {
    spelled.chars().map(byte_of).collect()
}

fn byte_of(character: char) -> Option<u8> {
    let byte = *ORDER.get(ORDER.partition_point(|&byte| spelling(byte) < character))?;
    (spelling(byte) == character).then_some(byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_one_visible_character() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(bytes_of(&spell(&all)), Some(all.clone()));
        assert!(spell(&all).chars().all(|c| !c.is_whitespace() && !c.is_control()));
        assert_eq!(spell(" é\n".as_bytes()), "ĠÃ©Ċ");
        assert_eq!(bytes_of("Ġ "), None);
        assert_eq!(bytes_of("Ń"), Some(vec![0xad]), "the last of the 68");
        assert_eq!(bytes_of("ń"), None);
    }

    #[test]
    fn ids_are_gpt_2s() {
        let order = *ORDER;
        assert_eq!((order[0], order[93], order[94], order[187]), (b'!', b'~', 0xa1, 0xff));
        assert_eq!((order[188], order[198], order[220], order[255]), (0, b'\n', b' ', 0xad));
    }
}
