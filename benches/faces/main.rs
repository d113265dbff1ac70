//! How soon a face is seen and what it costs to send it, from outside: figures for the table.
//!
//! `cargo bench --bench faces` prints a table, as root and on Linux; `-- --json` one object a line; `-- --only ID` one row (or all whose name begins so);
//! `-- --short` a quick try. Delays are one way between any two participants.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a bench prints its table and stops where it cannot go on"
)]

#[path = "../lab/mod.rs"]
#[expect(dead_code, reason = "shared with the benches `sync` and `room`")]
mod lab;
mod latency;
mod room;
mod speech;
#[path = "../film/table.rs"]
#[expect(dead_code, reason = "shared with the bench `film`")]
mod table;
mod texture;
mod watcher;

use std::process::ExitCode;

use lab::{
    arguments::{Arguments, blank},
    self_test,
};

fn main() -> ExitCode {
    if let Some(end) = watcher::is_meant() {
        return end;
    }
    if let Err(sentence) = lab::check() {
        eprintln!("{sentence}");
        return ExitCode::FAILURE;
    }
    let arguments = Arguments::read();
    let mut rows = Vec::new();
    arguments.measure(&mut rows, blank("lab.hub", 0.3, "ms"), self_test::hub);
    arguments.measure(&mut rows, blank("faces.latency", latency::GOAL_MS, "ms"), latency::run);
    arguments.measure(&mut rows, blank("faces.room", room::GOAL_MBIT, "Mbit/s"), room::run);
    arguments.print(rows)
}
