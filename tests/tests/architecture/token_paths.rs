//! Paths in the tokens of a macro, which no parser knows as code.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A path in a macro's tokens.
pub(super) struct TokenPath {
    pub(super) segments: Vec<String>,
    pub(super) line: usize,
    /// Whether an exclamation mark follows, so that the path names a macro.
    pub(super) is_macro: bool,
}

/// All paths of a token stream and of the groups in it.
pub(super) fn paths(stream: TokenStream) -> Vec<TokenPath> {
    let mut scan = Scan { found: Vec::new() };
    scan.stream(stream, &[], 0);
    scan.found
}

struct Scan {
    found: Vec<TokenPath>,
}

impl Scan {
    /// Adds the paths of a stream, which continue `prefix` and stand inside of so many `mod` blocks.
    fn stream(&mut self, stream: TokenStream, prefix: &[String], depth: usize) {
        let tokens: Vec<TokenTree> = stream.into_iter().collect();
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            match token {
                TokenTree::Ident(_) => at = self.path(&tokens, at, prefix, depth),
                TokenTree::Group(group) => {
                    self.stream(group.stream(), &[], depth + usize::from(is_module(&tokens, at)));
                    at += 1;
                }
                _ => at += 1,
            }
        }
    }

    /// Adds the path that begins at a word and returns the place behind it.
    fn path(&mut self, tokens: &[TokenTree], start: usize, prefix: &[String], depth: usize) -> usize {
        let mut segments = prefix.to_vec();
        let mut at = start;
        let mut is_open = false; // ends with `::`
        while let Some(TokenTree::Ident(segment)) = tokens.get(at) {
            segments.push(segment.to_string());
            is_open = is_separator(tokens, at + 1);
            at += if is_open { 3 } else { 1 };
            if !is_open {
                break;
            }
        }
        let is_path = !is_fragment(tokens, start) && !continues(tokens, start);
        match tokens.get(at) {
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace && is_open => {
                if is_path {
                    self.stream(group.stream(), &segments, depth);
                }
                return at + 1;
            }
            _ => {}
        }
        if is_path {
            let is_macro = is_mark(tokens.get(at), '!') && !is_mark(tokens.get(at + 1), '=');
            let line = tokens[start].span().start().line;
            self.found.push(TokenPath { segments: from_outside(segments, depth), line, is_macro });
        }
        at
    }
}

/// A path from inside of `mod` blocks, as the module around them would write it.
fn from_outside(mut segments: Vec<String>, depth: usize) -> Vec<String> {
    let up = segments.iter().take_while(|&segment| segment == "super").count().min(depth);
    if up > 0 {
        segments.splice(..up, ["self".to_owned()]);
    }
    segments
}

/// Whether a group is the block of a module: `mod name { … }` or `mod $name { … }`.
fn is_module(tokens: &[TokenTree], at: usize) -> bool {
    let is_mod = |n: usize| {
        let token = at.checked_sub(n).and_then(|at| tokens.get(at));
        matches!(token, Some(TokenTree::Ident(word)) if word == "mod")
    };
    is_mod(2) || is_mod(3) && is_mark(tokens.get(at - 2), '$')
}

/// Whether a word is a macro's variable or a lifetime: `$name`, `'name`. But `$crate` begins a path.
fn is_fragment(tokens: &[TokenTree], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|at| tokens.get(at));
    let is_crate = matches!(&tokens[at], TokenTree::Ident(word) if word == "crate");
    is_mark(before, '\'') || is_mark(before, '$') && !is_crate
}

/// Whether a word belongs to what stands before it: a field, a method, or the end of a longer path.
fn continues(tokens: &[TokenTree], at: usize) -> bool {
    let before = |n| at.checked_sub(n).and_then(|at| tokens.get(at));
    is_mark(before(1), '.') && !is_mark(before(2), '.') || at >= 3 && is_separator(tokens, at - 2)
}

fn is_separator(tokens: &[TokenTree], at: usize) -> bool {
    is_mark(tokens.get(at), ':') && is_mark(tokens.get(at + 1), ':')
}

fn is_mark(token: Option<&TokenTree>, character: char) -> bool {
    matches!(token, Some(TokenTree::Punct(mark)) if mark.as_char() == character)
}
