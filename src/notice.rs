//! A failure or an event the person should see: said once, in words that say what to do.
//!
//! Whoever handles an error upstairs sends it here; `ui` shows it in the window and `app` on the command line. Invariant: nothing here knows who sends or who shows.

use bevy::prelude::*;

/// Something to tell the person.
#[derive(Event, Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// How grave it is.
    pub severity: Severity,
    /// One sentence, plain, that says what to do where something can be done.
    pub text: String,
    /// A newer notice about the same replaces an older one: a volume that is being turned.
    pub about: Option<&'static str>,
}

impl Notice {
    /// Something went wrong.
    #[must_use]
    pub fn problem(text: impl Into<String>) -> Self {
        Self { severity: Severity::Problem, text: text.into(), about: None }
    }

    /// Something happened.
    #[must_use]
    pub fn news(text: impl Into<String>) -> Self {
        Self { severity: Severity::News, text: text.into(), about: None }
    }

    /// The same, in place of what was last said about this.
    #[must_use]
    pub fn about(self, what: &'static str) -> Self {
        Self { about: Some(what), ..self }
    }
}

/// How grave a notice is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Nice to know.
    News,
    /// Something does not work.
    Problem,
}
