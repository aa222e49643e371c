//! From the text of a regular expression to what it consists of.

use super::class::Class;
use std::iter::Peekable;
use std::str::Chars;
use unicode_properties::GeneralCategory;

/// One thing after another.
#[derive(Debug, Clone)]
pub(super) enum Item {
    /// Characters of a class.
    Repeat { class: Class, least: usize, most: usize, gives_back: bool },
    /// One of some alternatives, or nothing.
    Group { alternatives: Vec<Vec<Item>>, optional: bool },
    /// What has to follow, or must not.
    Ahead { alternatives: Vec<Vec<Item>>, wanted: bool },
    /// The beginning of the text.
    Start,
    /// Its end.
    End,
}

/// Reads a whole expression: its alternatives, each one thing after another.
pub(super) fn alternatives(expression: &str) -> Result<Vec<Vec<Item>>, String> {
    let mut parser = Parser { rest: expression.chars().peekable(), folded: false };
    let alternatives = parser.alternatives()?;
    match parser.rest.next() {
        None => Ok(alternatives),
        Some(_) => Err("a group is closed, but was not opened".to_owned()),
    }
}

struct Parser<'e> {
    rest: Peekable<Chars<'e>>,
    /// Whether case is of no matter, as inside `(?i:…)`.
    folded: bool,
}

impl Parser<'_> {
    fn next(&mut self) -> Result<char, String> {
        self.rest.next().ok_or_else(|| "it ends too early".to_owned())
    }

    fn takes(&mut self, character: char) -> bool {
        self.rest.next_if_eq(&character).is_some()
    }

    /// Everything up to the end, or up to the bracket that closes the group.
    fn alternatives(&mut self) -> Result<Vec<Vec<Item>>, String> {
        let mut alternatives = vec![Vec::new()];
        while let Some(&next) = self.rest.peek() {
            match next {
                ')' => break,
                '|' => {
                    self.rest.next();
                    alternatives.push(Vec::new());
                }
                _ => {
                    let item = self.item()?;
                    alternatives.last_mut().expect("there is at least one").push(item);
                }
            }
        }
        Ok(alternatives)
    }

    fn item(&mut self) -> Result<Item, String> {
        let class = match self.next()? {
            '(' => return self.group(),
            '^' => return Ok(Item::Start),
            '$' => return Ok(Item::End),
            '[' => self.bracket()?,
            '.' => Class::Any,
            '\\' => self.escape()?,
            '*' | '+' | '?' | '{' => return Err("there is nothing to repeat".to_owned()),
            character if self.folded => Class::Folded(character),
            character => Class::Character(character),
        };
        let (least, most) = self.repetition()?.unwrap_or((1, 1));
        let gives_back = !(least != most && self.takes('+'));
        if least != most && self.takes('?') {
            return Err("a part of it repeats as little as it can, which is not known here".to_owned());
        }
        Ok(Item::Repeat { class, least, most, gives_back })
    }

    /// How often what was read may be repeated, if it says so.
    fn repetition(&mut self) -> Result<Option<(usize, usize)>, String> {
        let Some(mark) = self.rest.next_if(|c| matches!(c, '?' | '*' | '+' | '{')) else { return Ok(None) };
        Ok(Some(match mark {
            '?' => (0, 1),
            '*' => (0, usize::MAX),
            '+' => (1, usize::MAX),
            _ => {
                let inside = self.until('}')?;
                let (least, most) = inside.split_once(',').unwrap_or((&inside, &inside));
                let most = if most.is_empty() { Ok(usize::MAX) } else { most.parse() };
                match (least.parse(), most) {
                    (Ok(least), Ok(most)) if least <= most => (least, most),
                    _ => return Err(format!("{{{inside}}} is no number of repetitions")),
                }
            }
        }))
    }

    /// A group, behind its opening bracket.
    fn group(&mut self) -> Result<Item, String> {
        let folded = self.folded;
        let mut ahead = None;
        if self.takes('?') {
            match self.next()? {
                ':' => {}
                'i' if self.takes(':') => self.folded = true,
                '=' => ahead = Some(true),
                '!' => ahead = Some(false),
                other => return Err(format!("a group that begins with (?{other} is not known here")),
            }
        }
        let alternatives = self.alternatives()?;
        if !self.takes(')') {
            return Err("a group is not closed".to_owned());
        }
        self.folded = folded;
        if let Some(wanted) = ahead {
            return Ok(Item::Ahead { alternatives, wanted });
        }
        match self.repetition()? {
            None => Ok(Item::Group { alternatives, optional: false }),
            Some((0, 1)) if !matches!(self.rest.peek(), Some('?' | '+')) => {
                Ok(Item::Group { alternatives, optional: true })
            }
            Some(_) => Err("only single characters can be repeated here, groups only be left out".to_owned()),
        }
    }

    /// A class in brackets, behind the opening one.
    fn bracket(&mut self) -> Result<Class, String> {
        let negated = self.takes('^');
        let mut classes = Vec::new();
        loop {
            let class = match self.rest.next().ok_or("a class in brackets is not closed")? {
                ']' if !classes.is_empty() => return Ok(Class::Of { classes, negated }),
                '[' => return Err("a class inside a class is not known here".to_owned()),
                '\\' => self.escape()?,
                character => Class::Character(character),
            };
            classes.push(match class {
                Class::Character(first) if self.begins_range() => {
                    self.rest.next();
                    let last = match self.next()? {
                        '\\' => self.escape()?,
                        character => Class::Character(character),
                    };
                    match last {
                        Class::Character(last) if first <= last => Class::Range(first, last),
                        _ => return Err(format!("a range from {first:?} has no end behind it")),
                    }
                }
                Class::Character(character) if self.folded => Class::Folded(character),
                class => class,
            });
        }
    }

    /// Whether a range goes on: a `-` that does not stand at the end of its class.
    fn begins_range(&self) -> bool {
        let mut ahead = self.rest.clone();
        ahead.next() == Some('-') && ahead.next().is_some_and(|character| character != ']')
    }

    /// What stands behind a backslash.
    fn escape(&mut self) -> Result<Class, String> {
        Ok(match self.next()? {
            'n' => Class::Character('\n'),
            'r' => Class::Character('\r'),
            't' => Class::Character('\t'),
            's' => Class::Space,
            'S' => Class::Space.complement(),
            'd' => Class::Category(GeneralCategory::DecimalNumber),
            'D' => Class::Category(GeneralCategory::DecimalNumber).complement(),
            'w' => Class::Word,
            'W' => Class::Word.complement(),
            'p' => self.category()?,
            'P' => self.category()?.complement(),
            'x' => Class::Character(self.code(2)?),
            'u' => Class::Character(self.code(4)?),
            mark if mark.is_ascii_punctuation() || mark == ' ' => Class::Character(mark),
            other => return Err(format!("\\{other} is not known here")),
        })
    }

    /// `{L}` or `L`, behind a `\p`.
    fn category(&mut self) -> Result<Class, String> {
        let name = if self.takes('{') { self.until('}')? } else { self.next()?.to_string() };
        Class::named(&name).ok_or_else(|| format!("the category {name} is not known here"))
    }

    /// A character by its code: so many hexadecimal digits, or any number of them in braces.
    fn code(&mut self, digits: usize) -> Result<char, String> {
        let code = match self.takes('{') {
            true => self.until('}')?,
            false => (0..digits).map(|_| self.next()).collect::<Result<_, _>>()?,
        };
        let character = u32::from_str_radix(&code, 16).ok().and_then(char::from_u32);
        character.ok_or_else(|| format!("there is no character of code {code:?}"))
    }

    fn until(&mut self, end: char) -> Result<String, String> {
        let mut inside = String::new();
        loop {
            match self.next()? {
                character if character == end => return Ok(inside),
                character => inside.push(character),
            }
        }
    }
}
