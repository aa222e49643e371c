//! What makes a text of tokens as they come, and knows where it ends.

use crate::decoding::{Drafted, Finish, GenerateError, GenerateOptions, Generated, OnToken};
use crate::text::TextStream;
use std::ops::ControlFlow;

/// A text that was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// What it says, without what ends it.
    pub text: String,
    /// Its tokens, the end among them where there is one.
    pub generated: Generated,
    /// How the draft did, if one wrote ahead.
    pub drafted: Option<Drafted>,
}

/// Who hears what can be shown of a text as soon as it can, and of which one; it can end it there.
pub type OnText<'a> = &'a mut dyn FnMut(usize, &str) -> ControlFlow<()>;

/// Where a text ends.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ends {
    /// With one of these tokens, which is no part of what it says.
    pub tokens: Vec<u32>,
    /// Before this, which is no part of it.
    pub text: Option<String>,
    /// Behind one of these.
    pub stops: Vec<String>,
}

impl Ends {
    /// The options with the tokens that end a text.
    pub(crate) fn options(&self, options: &GenerateOptions) -> GenerateOptions {
        let mut options = options.clone();
        options.stop.extend(self.tokens.iter().filter(|id| !options.stop.contains(id)).copied().collect::<Vec<_>>());
        options
    }
}

/// A text that is shown while it is written: neither its end, nor what may be the beginning of its end.
pub(crate) struct Listener<'a> {
    ends: &'a Ends,
    stream: TextStream<'a>,
    /// Whether a space that comes next is no part of the text.
    space: bool,
    /// How many more tokens there may be; no limit if there is none.
    room: Option<usize>,
    /// How many tokens there must be before stops count.
    least: usize,
    tokens: usize,
    /// What can be shown.
    shown: String,
    /// What cannot be yet.
    held: String,
    ended: bool,
    stopped: bool,
}

impl<'a> Listener<'a> {
    /// A text behind what was read so far, of which nothing is written yet.
    pub(crate) fn new(ends: &'a Ends, read: TextStream<'a>, least: usize) -> Self {
        Self {
            ends,
            stream: read,
            space: false,
            room: None,
            least,
            tokens: 0,
            shown: String::new(),
            held: String::new(),
            ended: false,
            stopped: false,
        }
    }

    /// A space before the text is no part of it.
    pub(crate) fn without_space(self, space: bool) -> Self {
        Self { space, ..self }
    }

    /// There is room for so many tokens, if it is bounded.
    pub(crate) fn within(self, room: Option<usize>) -> Self {
        Self { room, ..self }
    }

    /// Whether nothing more is to be written.
    pub(crate) fn is_over(&self) -> bool {
        self.ended || self.stopped || self.room == Some(0)
    }

    /// What can be shown now that this token is written.
    pub(crate) fn push(&mut self, id: u32) -> &str {
        let before = self.shown.len();
        self.room = self.room.map(|room| room.saturating_sub(1));
        self.tokens += 1;
        if !self.ended {
            self.ended = self.ends.tokens.contains(&id);
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
            if self.held.starts_with(' ') {
                self.held.remove(0);
            }
        }
        let sure = match &self.ends.text {
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
        self.stopped |= self.tokens >= self.least && self.ends.stops.iter().any(|stop| self.says(stop, before));
    }

    /// Whether the text says a stop that does not lie wholly before this place: one that does would have ended it
    /// there.
    fn says(&self, stop: &str, place: usize) -> bool {
        let from =
            (0..=place.saturating_sub(stop.len())).rev().find(|&at| self.shown.is_char_boundary(at)).unwrap_or(0);
        self.shown[from..].contains(stop)
    }

    /// The whole text, now that nothing more is written.
    pub(crate) fn finish(mut self) -> String {
        // A character that the last token left unfinished will never be whole.
        if !self.ended {
            self.held += &self.stream.finish();
        }
        self.shown + &self.held
    }
}

/// Texts of what is generated, `texts` for each prompt; text n of all is heard by `listener(n)`.
pub(crate) fn write<'l>(
    listener: &dyn Fn(usize) -> Listener<'l>,
    count: usize,
    on_text: OnText<'_>,
    generate: impl FnOnce(OnToken<'_>) -> Result<Vec<Vec<Generated>>, GenerateError>,
) -> Result<Vec<Vec<Written>>, GenerateError> {
    let mut listeners: Vec<Listener<'l>> = (0..count).map(listener).collect();
    let generated = generate(&mut |number, id| {
        let listener = &mut listeners[number];
        let heard = listener.push(id);
        let wanted = heard.is_empty() || on_text(number, heard).is_continue();
        if wanted && !listener.is_over() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    for (number, listener) in listeners.into_iter().enumerate().filter(|(_, listener)| listener.tokens > 0) {
        let before = listener.shown.len();
        let rest = &listener.finish()[before..];
        if !rest.is_empty() {
            // It is over, whatever is answered.
            let _ = on_text(number, rest);
        }
    }
    // Those that listened have heard nothing of a search, which tells what it found at the end.
    let mut number = 0;
    let mut written = |mut generated: Generated| {
        let mut listener = listener(number);
        generated.ids.iter().for_each(|&id| _ = listener.push(id));
        if generated.finish == Finish::Stop && !listener.ended && listener.room == Some(0) {
            generated.finish = Finish::Length;
        }
        number += 1;
        Written { text: listener.finish(), generated, drafted: None }
    };
    Ok(generated.into_iter().map(|texts| texts.into_iter().map(&mut written).collect()).collect())
}

/// How many bytes at the end of `text` are a beginning of `end`.
fn beginning_of(end: &str, text: &str) -> usize {
    let begins = |&bytes: &usize| end.is_char_boundary(bytes) && text.ends_with(&end[..bytes]);
    (1..end.len()).rev().find(begins).unwrap_or(0)
}
