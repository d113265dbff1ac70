//! How far apart the people of a room hear the film, from outside: figures for the table.
//!
//! `cargo bench --bench sync` prints a table, as root and on Linux; `-- --json` one object a line; `-- --only ID` one row (or all whose name begins so);
//! `-- --short` a quick try; `-- --only lab` measures the instruments.
//!
//! The ruler does not ask the program: everybody plays into their own pair of channels of one null sink, one recording holds them all, and each channel is
//! compared with the film's own track. Everybody has a clock of their own, so a program that compares clocks without asking is far off.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a bench prints its table and stops where it cannot go on"
)]

#[path = "../lab/mod.rs"]
#[expect(dead_code, reason = "shared with the bench `room`")]
mod lab;
mod pairs;
mod ppm;
#[path = "../film/table.rs"]
#[expect(dead_code, reason = "shared with the bench `film`")]
mod table;

use std::process::ExitCode;

use lab::{
    arguments::{Arguments, blank},
    self_test,
};

fn main() -> ExitCode {
    if let Err(sentence) = lab::check() {
        eprintln!("{sentence}");
        return ExitCode::FAILURE;
    }
    let arguments = Arguments::read();
    let mut rows = Vec::new();
    arguments.measure(&mut rows, blank("lab.hub", 0.3, "ms"), self_test::hub);
    arguments.measure(&mut rows, blank("lab.ruler", 0.3, "ms"), self_test::ruler);
    pairs::run(&arguments, &mut rows);
    arguments.measure(&mut rows, blank("sync.ppm", 2.0, "ms"), ppm::run);
    arguments.print(rows)
}
