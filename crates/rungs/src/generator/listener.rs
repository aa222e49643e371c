//! What makes a text of tokens as they come, and knows where it ends.

use crate::data::End;
use crate::text::TextStream;

/// A text that is shown while it is written: neither its end, nor what may be the beginning of its end.
pub(crate) struct Listener<'a> {
    /// The end token or text, which is no part of the text.
    end: &'a End,
    /// Stop sequences, which end the text and are a part of it.
    stops: &'a [String],
    /// The tokens read so far, as text.
    pub stream: TextStream<'a>,
    /// Whether a space that comes next is no part of the text.
    pub space: bool,
    /// How many more tokens there may be; no limit if there is none.
    pub room: Option<usize>,
    /// How many tokens there must be before stops count.
    least: usize,
    /// How many there are.
    pub tokens: usize,
    /// What can be shown.
    shown: String,
    /// What cannot be yet.
    held: String,
    ended: bool,
    stopped: bool,
}

impl<'a> Listener<'a> {
    /// A text behind what was read so far, of which nothing is written yet.
    pub(crate) fn new(end: &'a End, stops: &'a [String], stream: TextStream<'a>, least: usize) -> Self {
        let (shown, held) = (String::new(), String::new());
        let (space, room, tokens, ended, stopped) = (false, None, 0, false, false);
        Self { end, stops, stream, space, room, least, tokens, shown, held, ended, stopped }
    }

    /// Whether nothing more is to be written.
    pub(crate) fn is_over(&self) -> bool {
        self.ended || self.stopped || self.is_full()
    }

    /// Whether there was no room for more, and no end.
    pub(crate) fn is_full(&self) -> bool {
        !self.ended && self.room == Some(0)
    }

    /// What can be shown now that this token is written.
    pub(crate) fn push(&mut self, id: u32) -> &str {
        let before = self.shown.len();
        self.room = self.room.map(|room| room.saturating_sub(1));
        self.tokens += 1;
        if !self.ended {
            self.ended = self.end.tokens.contains(&id);
            if !self.ended {
                self.held += &self.stream.push(id);
            }
            self.release();
        }
        &self.shown[before..]
    }

    /// Shows what is sure.
    fn release(&mut self) {
        if self.space && !self.held.is_empty() {
            self.space = false;
            self.held.drain(..usize::from(self.held.starts_with(' ')));
        }
        let sure = match &self.end.text {
            Some(end) if !self.ended => match self.held.find(end.as_str()) {
                Some(at) => {
                    self.ended = true;
                    self.held.truncate(at);
                    at
                }
                None => self.held.len() - beginning_of(end, &self.held),
            },
            _ => self.held.len(),
        };
        let before = self.shown.len();
        self.shown.extend(self.held.drain(..sure));
        if self.tokens >= self.least
            && let Some(end) = self.stops.iter().filter_map(|stop| self.end_of(stop, before)).min()
        {
            self.stopped = true;
            self.shown.truncate(end);
        }
    }

    /// Where the text says a stop for the first time that ends behind this place, the end of it: a token may say more
    /// than the stop.
    fn end_of(&self, stop: &str, place: usize) -> Option<usize> {
        let from = place.saturating_sub(stop.len());
        // Occurrences may overlap, as those of "aa" in "aaa" do.
        (from..self.shown.len())
            .filter(|&at| self.shown.is_char_boundary(at) && self.shown[at..].starts_with(stop))
            .map(|at| at + stop.len())
            .find(|&end| end > place)
    }

    /// The whole text, now that nothing more is written, and how much of it was shown.
    pub(crate) fn finish(mut self) -> (String, usize) {
        let shown = self.shown.len();
        if self.stopped {
            return (self.shown, shown); // what the last token says behind the stop is no part of the text
        }
        // A character that the last token left unfinished will never be whole.
        if !self.ended {
            self.held += &self.stream.finish();
        }
        (self.shown + &self.held, shown)
    }
}

/// How many bytes at the end of `text` are a beginning of `end`.
fn beginning_of(end: &str, text: &str) -> usize {
    let begins = |&bytes: &usize| end.is_char_boundary(bytes) && text.ends_with(&end[..bytes]);
    (1..end.len()).rev().find(begins).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Prompts;
    use crate::text::Tokenizer;
    use crate::{Examples, PromptKind, PromptSettings, Rung, Settings};

    fn prompts(template: &str, tokenizer: &Tokenizer) -> Prompts {
        let mut settings = Settings::of(Rung::Gpt);
        let template = template.to_owned();
        settings.data.examples = Examples::Prompts(PromptSettings { task: PromptKind::Pairs, template });
        Prompts::new(&settings, tokenizer).unwrap()
    }

    /// What is shown, token by token, and whether it ended.
    fn shown(prompts: &Prompts, text: &str) -> (Vec<String>, String, bool) {
        let ids = prompts.tokenizer.encode(text).unwrap();
        let mut stream = prompts.tokenizer.stream();
        prompts.question("ab").unwrap().into_iter().for_each(|id| drop(stream.push(id)));
        let mut listener = Listener { space: prompts.strips_space(), ..Listener::new(&prompts.end, &[], stream, 0) };
        let shown: Vec<String> = ids.into_iter().map(|id| listener.push(id).to_owned()).collect();
        let ended = listener.is_over();
        let (mut text, before) = listener.finish();
        assert_eq!(text[..before], shown.concat());
        (shown, text.split_off(before), ended)
    }

    #[test]
    fn what_may_be_the_end_is_held_back() {
        let prompts = prompts("{source}={target}.-.", &Tokenizer::char_from("abc=.-").unwrap());
        let strings = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
        assert_eq!(shown(&prompts, "a.b.-."), (strings(&["a", "", ".b", "", "", ""]), String::new(), true));
        assert_eq!(shown(&prompts, "a.-.b"), (strings(&["a", "", "", "", ""]), String::new(), true), "and no more");
        assert_eq!(shown(&prompts, "a..-"), (strings(&["a", "", ".", ""]), ".-".to_owned(), false));
        assert_eq!(shown(&prompts, ".-.-."), (strings(&["", "", "", "", ""]), String::new(), true));
    }

    #[test]
    fn a_stop_within_a_token_ends_the_text_there() {
        let words =
            Tokenizer::word_from("hello\naaab\nx\nx hello aaab x", crate::text::WordOptions::default()).unwrap();
        let end = End::default();
        let stopped = |text: &str, stops: &[&str], least: usize| {
            let stops: Vec<String> = stops.iter().map(|&stop| stop.to_owned()).collect();
            let mut listener = Listener::new(&end, &stops, words.stream(), least);
            let mut shown = String::new();
            for id in words.encode(text).unwrap() {
                shown += listener.push(id);
                if listener.is_over() {
                    break;
                }
            }
            assert_eq!(listener.finish(), (shown.clone(), shown.len()));
            shown
        };
        assert_eq!(stopped("x hello x", &["ll"], 0), "x hell");
        assert_eq!(stopped("x hello x", &["lo", "el"], 0), "x hel", "the one that ends first counts");
        assert_eq!(stopped("x hello x", &["lo x", "o"], 0), "x hello");
        assert_eq!(stopped("hello x", &["o x"], 0), "hello x", "across tokens");
        assert_eq!(stopped("aaab x", &["aab"], 0), "aaab");
        assert_eq!(stopped("hello hello x", &["ll"], 2), "hello hell", "a stop counts once there are tokens enough");
        assert_eq!(stopped("hello x", &["ll"], 2), "hello x", "one before that ended nothing");
    }

    #[test]
    fn the_space_before_an_answer_is_no_part_of_it() {
        let words = Tokenizer::word_from("a b = b. a b = b.", crate::text::WordOptions::default()).unwrap();
        let (shown_words, _, ended) = shown(&prompts("{source} = {target}.", &words), " b a.");
        assert_eq!((shown_words.concat().as_str(), ended), ("b a", true));
        // In characters it belongs to the template: one that is written is said.
        let characters = Tokenizer::char_from("ab=. ").unwrap();
        let (shown_characters, ..) = shown(&prompts("{source} = {target}.", &characters), " b.");
        assert_eq!(shown_characters.concat(), " b");
    }
}
