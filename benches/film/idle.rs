//! `film.idle`: the processor time of the paused, still theater in a window, beside the same scene drawn sixty times a second as Bevy does by itself.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use super::{clip::Clip, table::Row};

const SECONDS: u64 = 20;

pub(crate) fn run() -> Vec<Row> {
    let folder = tempfile::tempdir().unwrap();
    let film = Clip { size: (1280, 720), seconds: 4.0, name: "idle.mkv", ..Clip::default() }.make(folder.path());
    let mut rival = Window::open(&film, folder.path(), &["--restless"]);
    let restless = rival.cores();
    rival.close();
    let mut ours = Window::open(&film, folder.path(), &[]);
    let resting = ours.cores();
    ours.close();
    let note = format!("cores, {SECONDS} s each, a film standing at its end in a window of 1280×720 under Xvfb, drawn in software");
    vec![Row::at_most("film.idle", resting / restless, 0.05, "×").against(resting, restless).noting(note)]
}

/// A display of its own with the program in it.
struct Window {
    display: Child,
    program: Child,
}

impl Window {
    fn open(film: &Path, folder: &Path, options: &[&str]) -> Self {
        let mut display = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "1280x720x24", "-nolisten", "tcp"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("this figure needs Xvfb: apt-get install xvfb");
        let mut number = String::new();
        BufReader::new(display.stdout.take().unwrap()).read_line(&mut number).unwrap();
        let program = Command::new(env!("CARGO_BIN_EXE_houselights"))
            .args(["--sound", "null", "--tier", "low", "--config"])
            .arg(folder.join("config"))
            .args(options)
            .arg(film)
            .env("DISPLAY", format!(":{}", number.trim()))
            .env_remove("WAYLAND_DISPLAY")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { display, program }
    }

    /// Cores in use once the film has come to its end and stands, and panels, lights and curtain have come to rest.
    fn cores(&mut self) -> f64 {
        std::thread::sleep(Duration::from_secs(30));
        let before_s = self.processor_s();
        std::thread::sleep(Duration::from_secs(SECONDS));
        assert!(matches!(self.program.try_wait(), Ok(None)), "the program left");
        (self.processor_s() - before_s) / SECONDS as f64
    }

    fn processor_s(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.program.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        // utime and stime are the 14th and 15th of all, two of which stand before the bracket; a hundred a second on every Linux.
        [11, 12].into_iter().map(|at| fields[at].parse::<f64>().unwrap()).sum::<f64>() / 100.0
    }

    fn close(&mut self) {
        for child in [&mut self.program, &mut self.display] {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        self.close();
    }
}
