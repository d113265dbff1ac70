//! The roof: the command line, and the ways to run: in a window, headless, as one picture.
//!
//! Each way puts the same plugins together; a command line, a button, a key and a headless line trigger the same events.
//!
//! Invariant: no feature lives here. Rejected: a program of its own for scripts, which would then be another program than the one people use.

mod cli;
mod doctor;
mod headless;
mod keep;
mod line;
mod log;
pub mod offscreen;
mod pace;
mod parts;
mod people;
mod sample;
mod shot;
mod signals;
mod state;
mod tracks;
mod window;

use std::{io::Write as _, process::ExitCode};

pub use cli::{Cli, Sound, TierChoice};
pub use line::{Answer, Line};
pub use pace::Pace;
pub use parts::{Ground, hall, house};
pub use sample::Shows;
pub use shot::{ShotOrder, take as take_shot};

/// Runs the program as its command line says.
#[must_use]
pub fn run() -> ExitCode {
    let cli = match cli::parse() {
        Ok(cli) => cli,
        Err(answer) => return answer,
    };
    let result = match &cli.command {
        Some(cli::Command::Shot(shot)) => shot::run(shot, &cli),
        Some(cli::Command::Doctor) => doctor::run(),
        Some(cli::Command::Serve) => headless::run(&cli),
        _ if cli.headless => headless::run(&cli),
        _ => window::run(&cli),
    };
    result.unwrap_or_else(|sentence| {
        say(&sentence);
        ExitCode::FAILURE
    })
}

/// Tells the person at the command line one sentence.
fn say(sentence: &str) {
    // Whoever closed standard error does not want to read.
    if writeln!(std::io::stderr(), "houselights: {sentence}").is_err() {
        tracing::debug!("standard error is closed");
    }
}

/// Writes one line to standard output; false if nobody reads it any more.
fn print(line: &str) -> bool {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).is_ok()
}
