//! What a room costs and how soon it obeys, from outside: figures for the table.
//!
//! `cargo bench --bench room` prints a table, as root and on Linux; `-- --json` one object a line; `-- --only ID` one row (or all whose name begins so);
//! `-- --short` a quick try. Delays are one way between any two participants.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a bench prints its table and stops where it cannot go on"
)]

mod idle;
mod join;
#[path = "../lab/mod.rs"]
#[expect(dead_code, reason = "shared with the bench `sync`")]
mod lab;
mod pause;
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
    arguments.measure(&mut rows, blank("room.join", 1.5, "×"), join::run);
    pause::run(&arguments, &mut rows);
    arguments.measure(&mut rows, blank("room.idle", 15.0, "kB/s"), idle::run);
    arguments.print(rows)
}
