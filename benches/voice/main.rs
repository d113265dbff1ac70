//! What voices cost, how true and how quick they are: figures beside a rival or a bound measured in the same run.
//!
//! `cargo bench --bench voice` prints a table; `-- --json` one object a line; `-- --only ID` one row (or all whose name begins so); `-- --short` a quick try.
//! What people hear of each other (`voice.latency`, `voice.mumble`, `voice.laugh`, `voice.step`) is measured in rooms of the lab, which need Linux and root;
//! elsewhere these rows say so. The others need neither.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a bench prints its table and stops where it cannot go on"
)]

mod cpu;
mod echo;
mod jitter;
#[path = "../lab/mod.rs"]
#[expect(dead_code, reason = "shared with the benches `sync` and `room`")]
mod lab;
mod latency;
mod laugh;
mod mumble;
mod signal;
#[path = "../film/table.rs"]
mod table;

use std::process::ExitCode;

use lab::arguments::{Arguments, blank};
use table::Row;

fn main() -> ExitCode {
    let arguments = Arguments::read();
    let mut rows = Vec::new();
    let benches: [(&str, fn() -> Vec<Row>); 4] =
        [("voice.jitter", jitter::run), ("voice.echo", echo::run), ("voice.doubletalk", echo::double_talk), ("voice.cpu", cpu::run)];
    for (id, run) in benches {
        if arguments.wants(id) {
            eprintln!("measuring {id} …");
            rows.extend(run());
        }
    }
    arguments.measure(&mut rows, blank("voice.latency", 95.0, "ms"), |arguments| lab::check().and_then(|()| latency::run(arguments)));
    arguments
        .measure(&mut rows, blank("voice.mumble", 0.8, "×"), |arguments| lab::check().and_then(|()| latency::beside_mumble(arguments)));
    laugh::run(&arguments, &mut rows);
    arguments.print(rows)
}
