//! What bytes are that are no UTF-8 text.

/// How many bytes at the beginning of a text are looked at.
const LOOKED_AT: usize = 4096;

/// The problem with a byte that no UTF-8 text has at its place, in words. `bytes` follow `before` others, and the one
/// at `at` is the first that does not fit.
pub fn not_text(bytes: &[u8], at: usize, before: u64) -> String {
    if let Some(encoding) = utf16(bytes).filter(|_| before == 0) {
        return format!("{encoding}, not UTF-8 text; to convert it: iconv -f {encoding} -t UTF-8 OLD > NEW");
    }
    match (before + at as u64, bytes[at]) {
        (at, 0) => format!("binary, not text: byte {at} is NUL"),
        (at, byte) => format!("not UTF-8 text: byte {at} is 0x{byte:02x}"),
    }
}

/// The name of the UTF-16 that a text is in, as iconv has it; none if it is in another encoding, or no text.
///
/// Without a byte-order mark it is the byte order that gives characters of texts only, ASCII's among them, and if both
/// do, the one that gives more of ASCII's, white space before all: an ideograph read the wrong way may be a letter.
fn utf16(text: &[u8]) -> Option<&'static str> {
    let beginning = &text[..text.len().min(LOOKED_AT)];
    if beginning.starts_with(&[0xff, 0xfe]) || beginning.starts_with(&[0xfe, 0xff]) {
        return Some("UTF-16");
    }
    let ascii = |unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = beginning.as_chunks().0.iter().map(|&bytes| unit(bytes)).collect();
        let characters: Vec<_> = char::decode_utf16(units).collect();
        // The last one may be cut.
        let whole = characters.len().saturating_sub(usize::from(beginning.len() == LOOKED_AT));
        let is_text = |c: &char| matches!(c, '\t' | '\n' | '\r') || !(c.is_control() || is_private(*c));
        let text = characters[..whole].iter().map(|c| c.as_ref().ok().filter(|c| is_text(c)));
        text.map(|c| c.map(|c| usize::from(c.is_ascii()) + LOOKED_AT * usize::from(c.is_ascii_whitespace())))
            .sum::<Option<usize>>()
            .unwrap_or(0)
    };
    let [little, big] = [ascii(u16::from_le_bytes), ascii(u16::from_be_bytes)];
    // A single NUL in a text of ASCII reads well, too. Of few bytes nothing can be said.
    let foreign = beginning.iter().filter(|&&byte| !matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~')).count();
    match beginning.len() >= 16 && 5 * foreign > beginning.len() && little != big {
        true => Some(if little > big { "UTF-16LE" } else { "UTF-16BE" }),
        false => None,
    }
}

/// Whether a code point is left to private use, or no character.
fn is_private(c: char) -> bool {
    matches!(c as u32, 0xe000..=0xf8ff | 0xfdd0..=0xfdef | 0xf0000..) || c as u32 & 0xfffe == 0xfffe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf_16_is_known_by_its_mark_or_its_characters() {
        let long = "Ein Text, länger als was angesehen wird. ".repeat(200) + "😀";
        for text in ["The quick brown fox", "一一一一一\n一二三四五\n", "Быстрая лиса прыгает\n", &long]
        {
            let units: Vec<u16> = text.encode_utf16().collect();
            let [little, big]: [Vec<u8>; 2] =
                [u16::to_le_bytes, u16::to_be_bytes].map(|bytes| units.iter().flat_map(|&unit| bytes(unit)).collect());
            assert_eq!(utf16(&little), Some("UTF-16LE"), "{text}");
            assert_eq!(utf16(&big), Some("UTF-16BE"), "{text}");
            assert_eq!(utf16(&[&[0xff, 0xfe], &little[..]].concat()), Some("UTF-16"));
            assert_eq!(utf16(&[&[0xfe, 0xff], &big[..]].concat()), Some("UTF-16"));
            // Where a piece of it ends within a character.
            assert_eq!(utf16(&little[..little.len() - 1]), Some("UTF-16LE"), "{text}");
        }
        let elf = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0";
        for other in [&b"ab\0c"[..], b"some text\0and more", elf, &[0; 64], b"caf\xe9 au lait, s'il vous"] {
            assert_eq!(utf16(other), None, "{other:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        assert_eq!(not_text(b"ab\0c", 2, 0), "binary, not text: byte 2 is NUL");
        assert_eq!(not_text(b"ab\xffc", 2, 1000), "not UTF-8 text: byte 1002 is 0xff");
        let converted = "UTF-16LE, not UTF-8 text; to convert it: iconv -f UTF-16LE -t UTF-8 OLD > NEW";
        assert_eq!(not_text(b"a\0 \0t\0e\0x\0t\0 \0a\0", 1, 0), converted);
    }
}
