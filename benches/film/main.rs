//! What the film costs and how true it is: figures beside a rival measured in the same run.
//!
//! `cargo bench --bench film` prints a table; `-- --json` one object a line; `-- --only ID` one row (or all whose name begins so).

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a bench prints its table and stops where it cannot go on"
)]

#[path = "../../tests/it/support/clip.rs"]
mod clip;
mod colour;
mod cpu;
mod due;
mod hightier;
mod idle;
mod kept;
mod lipsync;
mod lowtier;
mod memory;
mod open;
mod seek;
mod stage;
mod table;

use table::Row;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments[..] {
        [child, film] if child == memory::CHILD => return memory::play(film.as_ref()),
        [child, film] if child == lowtier::CHILD => return lowtier::play(film.as_ref()),
        _ => {}
    }
    let only = arguments.iter().position(|argument| argument == "--only").and_then(|at| arguments.get(at + 1).cloned());
    let is_json = arguments.iter().any(|argument| argument == "--json");
    let benches: [(&str, fn() -> Vec<Row>); 10] = [
        ("film.cpu", cpu::run),
        ("film.colour", colour::run),
        ("film.due", due::run),
        ("film.lipsync", lipsync::run),
        ("film.lowtier", lowtier::run),
        ("film.hightier", hightier::run),
        ("film.open", open::run),
        ("film.seek", seek::run),
        ("film.idle", idle::run),
        ("film.memory", memory::run),
    ];
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
