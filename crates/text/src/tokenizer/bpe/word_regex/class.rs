//! Classes of characters.

use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};

/// A class of characters.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Class {
    /// Every character but the line feed.
    Any,
    /// One character.
    Character(char),
    /// One character, in capitals or not.
    Folded(char),
    /// From one character to another.
    Range(char, char),
    /// Unicode's white space.
    Space,
    /// Letters, marks, decimal digits and joining punctuation.
    Word,
    /// A general category.
    Category(GeneralCategory),
    /// A group of general categories, such as all letters.
    Group(GeneralCategoryGroup),
    /// What is in one of these classes, or in none of them.
    Of { classes: Vec<Class>, negated: bool },
}

impl Class {
    /// Whether a character is in it.
    pub(super) fn has(&self, character: char) -> bool {
        match self {
            Self::Any => character != '\n',
            Self::Character(only) => character == *only,
            Self::Folded(only) => is_same_folded(character, *only),
            Self::Range(first, last) => (*first..=*last).contains(&character),
            Self::Space => character.is_whitespace(),
            Self::Word => is_word(character),
            Self::Category(category) => character.general_category() == *category,
            Self::Group(group) => is_in(character, *group),
            Self::Of { classes, negated } => classes.iter().any(|class| class.has(character)) != *negated,
        }
    }

    /// What is not in it.
    pub(super) fn complement(self) -> Self {
        Self::Of { classes: vec![self], negated: true }
    }

    /// The class that `\p{…}` names.
    pub(super) fn named(name: &str) -> Option<Self> {
        use GeneralCategory as One;
        use GeneralCategoryGroup as Group;
        Some(match name {
            "L" | "Letter" => Self::Group(Group::Letter),
            "M" | "Mark" => Self::Group(Group::Mark),
            "N" | "Number" => Self::Group(Group::Number),
            "P" | "Punctuation" => Self::Group(Group::Punctuation),
            "S" | "Symbol" => Self::Group(Group::Symbol),
            "Z" | "Separator" => Self::Group(Group::Separator),
            "C" | "Other" => Self::Group(Group::Other),
            "Lu" => Self::Category(One::UppercaseLetter),
            "Ll" => Self::Category(One::LowercaseLetter),
            "Lt" => Self::Category(One::TitlecaseLetter),
            "Lm" => Self::Category(One::ModifierLetter),
            "Lo" => Self::Category(One::OtherLetter),
            "Mn" => Self::Category(One::NonspacingMark),
            "Mc" => Self::Category(One::SpacingMark),
            "Me" => Self::Category(One::EnclosingMark),
            "Nd" => Self::Category(One::DecimalNumber),
            "Nl" => Self::Category(One::LetterNumber),
            "No" => Self::Category(One::OtherNumber),
            "Cc" => Self::Category(One::Control),
            "Cf" => Self::Category(One::Format),
            _ => return None,
        })
    }
}

/// Whether a character is in a group of categories. Most texts are mostly ASCII, of which no table need be searched.
fn is_in(character: char, group: GeneralCategoryGroup) -> bool {
    match group {
        GeneralCategoryGroup::Letter if character.is_ascii() => character.is_ascii_alphabetic(),
        GeneralCategoryGroup::Number if character.is_ascii() => character.is_ascii_digit(),
        _ => character.general_category_group() == group,
    }
}

fn is_word(character: char) -> bool {
    use GeneralCategory::{ConnectorPunctuation, DecimalNumber};
    character.is_alphabetic()
        || character.general_category_group() == GeneralCategoryGroup::Mark
        || matches!(character.general_category(), DecimalNumber | ConnectorPunctuation)
        || matches!(character, '\u{200c}' | '\u{200d}')
}

/// Whether two characters are one, but for their case. Both ways are tried: `ſ` and `s` have one capital letter.
fn is_same_folded(a: char, b: char) -> bool {
    a == b || a.to_lowercase().eq(b.to_lowercase()) || a.to_uppercase().eq(b.to_uppercase())
}
