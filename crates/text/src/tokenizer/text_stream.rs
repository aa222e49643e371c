//! A text that is shown while it is written.
//!
//! A token may end in the middle of a character: an emoji is four bytes in UTF-8, and a byte-pair vocabulary seldom has
//! all of them in one token. So a stream holds such bytes back until the character is whole, or until it is plain that
//! it will never be, and everything it gives, put together, is what [`decode`](Tokenizer::decode) says of all tokens at
//! once.

use super::Tokenizer;
use super::token_list::REPLACEMENT;

/// Tokens to text, one after another.
///
/// ```
/// use rungs_text::Tokenizer;
///
/// let tokenizer = Tokenizer::bpe_from("so, so, so", 256 + 1)?;
/// let mut stream = tokenizer.stream();
/// let shown: Vec<String> = tokenizer.encode("so é")?.into_iter().map(|id| stream.push(id)).collect();
/// assert_eq!(shown, ["so", " ", "", "é"]);
/// assert_eq!(stream.finish(), "");
/// # Ok::<(), rungs_text::TokenizerError>(())
/// ```
#[derive(Debug, Clone)]
pub struct TextStream<'t> {
    tokenizer: &'t Tokenizer,
    /// The beginning of a character.
    held: Vec<u8>,
    /// Whether nothing has been read yet.
    begins: bool,
    #[cfg(feature = "tokenizers")]
    window: super::huggingface::Window,
}

impl Tokenizer {
    /// The text of tokens that come one after another, shown as they come.
    pub fn stream(&self) -> TextStream<'_> {
        TextStream {
            tokenizer: self,
            held: Vec::new(),
            begins: true,
            #[cfg(feature = "tokenizers")]
            window: Default::default(),
        }
    }
}

impl TextStream<'_> {
    /// Reads a token: what can be shown by now, which may be nothing.
    pub fn push(&mut self, id: u32) -> String {
        match self.tokenizer {
            Tokenizer::Bpe(tokenizer) => {
                let bytes = tokenizer.token(id).unwrap_or(REPLACEMENT);
                let inserted = self.begins && tokenizer.strips_space();
                self.begins &= bytes.is_empty();
                self.held.extend_from_slice(bytes.strip_prefix(b" ").filter(|_| inserted).unwrap_or(bytes));
                self.take_whole()
            }
            #[cfg(feature = "tokenizers")]
            Tokenizer::HuggingFace(tokenizer) => self.window.push(tokenizer, id),
            whole_characters => whole_characters.decode(&[id]),
        }
    }

    /// What was held back need not be shown any more: the text so far is known, and only what follows is not.
    pub fn skip(&mut self) {
        match self.tokenizer {
            #[cfg(feature = "tokenizers")]
            Tokenizer::HuggingFace(tokenizer) => self.window.skip(tokenizer),
            _ => self.held.clear(),
        }
    }

    /// What is held back is whole now: U+FFFD if it is anything but text.
    pub fn finish(self) -> String {
        match self.tokenizer {
            #[cfg(feature = "tokenizers")]
            Tokenizer::HuggingFace(tokenizer) => self.window.finish(tokenizer),
            _ => String::from_utf8_lossy(&self.held).into_owned(),
        }
    }

    /// Takes the characters that are whole, and U+FFFD for bytes that can never become one.
    fn take_whole(&mut self) -> String {
        let mut whole = String::new();
        loop {
            let Err(error) = std::str::from_utf8(&self.held) else {
                whole.push_str(&String::from_utf8_lossy(&std::mem::take(&mut self.held)));
                return whole;
            };
            let valid: Vec<u8> = self.held.drain(..error.valid_up_to()).collect();
            whole.push_str(&String::from_utf8_lossy(&valid));
            // Without a length, all that is wrong is that the text ends too early.
            let Some(invalid) = error.error_len() else { return whole };
            whole.push(char::REPLACEMENT_CHARACTER);
            self.held.drain(..invalid);
        }
    }
}
