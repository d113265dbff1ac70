use crate::table::{self, Row};

/// What was asked for on the command line.
pub(crate) struct Arguments {
    only: Option<String>,
    is_json: bool,
    /// For trying: everything takes less time, and the figures count for little.
    pub(crate) is_short: bool,
}

impl Arguments {
    pub(crate) fn read() -> Self {
        let words: Vec<String> = std::env::args().skip(1).collect();
        let has = |word: &str| words.iter().any(|other| other == word);
        let only = words.iter().position(|word| word == "--only").and_then(|at| words.get(at + 1).cloned());
        Self { only, is_json: has("--json"), is_short: has("--short") }
    }

    /// Whether a figure, or all whose name begins so, is to be measured; the lab itself only when it is named.
    pub(crate) fn wants(&self, id: &str) -> bool {
        self.only.as_ref().map_or(!id.starts_with("lab."), |only| id.starts_with(only.as_str()) || only.starts_with(&format!("{id}.")))
    }

    /// The one or the other.
    pub(crate) fn long_or<T>(&self, long: T, short: T) -> T {
        if self.is_short { short } else { long }
    }

    /// Measures a figure if it is wanted; what could not be measured is a row as well, and says why.
    pub(crate) fn measure(&self, rows: &mut Vec<Row>, blank: Row, figure: impl FnOnce(&Self) -> Result<Vec<Row>, String>) {
        if !self.wants(blank.id) {
            return;
        }
        eprintln!("measuring {} …", blank.id);
        match figure(self) {
            Ok(measured) => rows.extend(measured),
            Err(error) => {
                eprintln!("{}: {error}", blank.id);
                rows.push(blank.noting(format!("not measured: {error}")));
            }
        }
    }

    pub(crate) fn print(&self, mut rows: Vec<Row>) -> std::process::ExitCode {
        rows.retain(|row| self.wants(row.id));
        for row in &mut rows {
            row.short = self.is_short;
        }
        table::print(&rows, self.is_json);
        // A figure above its goal is a result; one that is missing is a failure.
        if rows.iter().any(|row| row.value.is_nan()) { std::process::ExitCode::FAILURE } else { std::process::ExitCode::SUCCESS }
    }
}

/// A figure that is not there, with its goal.
pub(crate) fn blank(id: &'static str, goal: f64, unit: &'static str) -> Row {
    Row::at_most(id, f64::NAN, goal, unit)
}
