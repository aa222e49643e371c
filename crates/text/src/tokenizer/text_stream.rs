//! A text that is shown while it is written.
//!
//! A token may end in the middle of a character: an emoji is four bytes in UTF-8, and a byte-pair vocabulary seldom has
//! all of them in one token. So a stream holds such bytes back until the character is whole, or until it is plain that
//! it will never be, and everything it gives, put together, is what [`decode`](Tokenizer::decode) says of all tokens at
//! once.

use super::Tokenizer;
use super::bpe::Decoder;

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
    bytes: Decoder,
    #[cfg(feature = "tokenizers")]
    window: super::huggingface::Window,
}

impl Tokenizer {
    /// The text of tokens that come one after another, shown as they come.
    pub fn stream(&self) -> TextStream<'_> {
        TextStream {
            tokenizer: self,
            bytes: Decoder::default(),
            #[cfg(feature = "tokenizers")]
            window: Default::default(),
        }
    }
}

impl TextStream<'_> {
    /// Reads a token: what can be shown by now, which may be nothing.
    pub fn push(&mut self, id: u32) -> String {
        match self.tokenizer {
            Tokenizer::Bpe(tokenizer) => tokenizer.decoding.push(id, &mut self.bytes),
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
            _ => self.bytes.skip(),
        }
    }

    /// What is held back is whole now: U+FFFD if it is anything but text.
    pub fn finish(mut self) -> String {
        match self.tokenizer {
            Tokenizer::Bpe(tokenizer) => tokenizer.decoding.finish(&mut self.bytes),
            #[cfg(feature = "tokenizers")]
            Tokenizer::HuggingFace(tokenizer) => self.window.finish(tokenizer),
            _ => String::new(),
        }
    }
}
