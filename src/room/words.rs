use std::fmt;

use serde::{Deserialize, Serialize};

/// Text that a person wrote: one line of at most `MAX` characters that is safe to show.
///
/// Whatever becomes one is cut and cleaned, also when it comes from another machine, so nobody downstream has to think of it: no control characters, no
/// direction overrides or invisible characters that make text look like other text, no towers of accents.
#[derive(Debug, Default, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String")]
pub struct Words<const MAX: usize>(String);

/// The name of a person.
pub type PersonName = Words<32>;
/// The title of a film.
pub type Title = Words<200>;

impl<const MAX: usize> Words<MAX> {
    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether nothing is left to show.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<const MAX: usize> From<&str> for Words<MAX> {
    fn from(text: &str) -> Self {
        let mut accents = 0;
        let mut space = false;
        let mut words = String::new();
        // Far more than can remain is not looked at.
        for character in text.chars().take(MAX * 16) {
            if is_accent(character) {
                accents += 1;
                if accents > ACCENTS_MAX || words.is_empty() {
                    continue;
                }
            } else {
                accents = 0;
            }
            if character.is_whitespace() || character.is_control() {
                space = !words.is_empty();
            } else if !is_deceptive(character) {
                if std::mem::take(&mut space) {
                    words.push(' ');
                }
                words.push(character);
            }
        }
        let end = words.char_indices().nth(MAX).map_or(words.len(), |(end, _)| end);
        words.truncate(end);
        words.truncate(words.trim_end().len());
        Self(words)
    }
}

impl<const MAX: usize> From<String> for Words<MAX> {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl<const MAX: usize> fmt::Display for Words<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Direction marks and overrides, invisible separators and tags (Unicode TR 36 and TR 9).
const fn is_deceptive(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0e}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}' | '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}')
}

const fn is_accent(character: char) -> bool {
    matches!(character, '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

/// More accents than any language puts on one letter.
const ACCENTS_MAX: usize = 3;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_deceives_or_breaks_lines_is_left_out() {
        assert_eq!(Words::<20>::from(" a\n\tb\u{202e}c\u{0} ").as_str(), "a bc");
        assert_eq!(Words::<3>::from("äöüß").as_str(), "äöü");
        assert_eq!(Words::<20>::from("\u{300}o\u{301}\u{301}\u{301}\u{301}\u{301}").as_str(), "o\u{301}\u{301}\u{301}");
        assert!(Words::<20>::from("\u{200b}\u{feff}").is_empty());
    }

    proptest! {
        #[test]
        fn words_are_short_and_cleaning_twice_is_once(text in any::<String>()) {
            let words = Words::<12>::from(text.as_str());
            prop_assert!(words.as_str().chars().count() <= 12);
            prop_assert!(!words.as_str().chars().any(|c| c.is_control() || is_deceptive(c)));
            prop_assert_eq!(&Words::<12>::from(words.as_str()), &words);
        }
    }
}
