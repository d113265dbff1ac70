//! What voices cost and how true they are: figures beside a rival or a bound measured in the same run.
//!
//! `cargo bench --bench voice` prints a table; `-- --json` one object a line; `-- --only ID` one row (or all whose name begins so).

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a bench prints its table and stops where it cannot go on"
)]

mod cpu;
mod echo;
mod jitter;
mod signal;
#[path = "../film/table.rs"]
mod table;

use table::Row;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let only = arguments.iter().position(|argument| argument == "--only").and_then(|at| arguments.get(at + 1).cloned());
    let is_json = arguments.iter().any(|argument| argument == "--json");
    let benches: [(&str, fn() -> Vec<Row>); 4] =
        [("voice.jitter", jitter::run), ("voice.echo", echo::run), ("voice.doubletalk", echo::double_talk), ("voice.cpu", cpu::run)];
    let mut rows = Vec::new();
    for (id, run) in benches {
        if only.as_ref().is_none_or(|only| id.starts_with(only.as_str()) || only.starts_with(id)) {
            eprintln!("measuring {id} …");
            rows.extend(run());
        }
    }
    rows.retain(|row| only.as_ref().is_none_or(|only| row.id.starts_with(only.as_str())));
    table::print(&rows, is_json);
}
