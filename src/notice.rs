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
}

impl Notice {
    /// Something went wrong.
    #[must_use]
    pub fn problem(text: impl Into<String>) -> Self {
        Self { severity: Severity::Problem, text: text.into() }
    }

    /// Something happened.
    #[must_use]
    pub fn news(text: impl Into<String>) -> Self {
        Self { severity: Severity::News, text: text.into() }
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
