//! `film.idle`: the processor time of the paused, still theater in a window, beside the same scene drawn sixty times a second as Bevy does by itself.

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use houselights::trace::{Event, mono_ns};

use super::{clip::Clip, kept::kept, table::Row};

const SECONDS: u64 = 20;
/// The film is paused once this was shown.
const MIDDLE_NS: i64 = 10_000_000_000;
/// Long enough to be still in its middle however late the key comes.
const FILM_S: f64 = 60.0;

pub(crate) fn run() -> Vec<Row> {
    let folder = tempfile::tempdir().unwrap();
    let film = kept(&Clip { size: (1280, 720), seconds: FILM_S, name: "idle.mkv", ..Clip::default() });
    let mut rival = Window::open(&film, folder.path(), &["--restless"]);
    let restless = rival.cores();
    rival.close();
    let mut ours = Window::open(&film, folder.path(), &[]);
    let resting = ours.cores();
    ours.close();
    let note = format!("cores, {SECONDS} s each, a film paused in its middle in a window of 1280×720 under Xvfb, drawn in software");
    vec![Row::at_most("film.idle", resting / restless, 0.05, "×").against(resting, restless).noting(note)]
}

/// A display of its own with the program in it.
struct Window {
    display: Child,
    program: Child,
    name: String,
    trace: PathBuf,
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
        let (name, trace) = (format!(":{}", number.trim()), folder.join("idle.trace"));
        // What a run before has left there is not this one's.
        drop(std::fs::remove_file(&trace));
        let program = Command::new(env!("CARGO_BIN_EXE_houselights"))
            .args(["--sound", "null", "--tier", "low", "--config"])
            .arg(folder.join("config"))
            .arg("--trace")
            .arg(&trace)
            .args(options)
            .arg(film)
            .env("DISPLAY", &name)
            // Where there is a card, software draws all the same.
            .env("WGPU_FORCE_FALLBACK_ADAPTER", "1")
            .env_remove("WAYLAND_DISPLAY")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { display, program, name, trace }
    }

    /// Cores in use while the film is paused, once panels, lights and curtain have come to rest.
    fn cores(&mut self) -> f64 {
        let opened_ns = mono_ns();
        while self.shown_ns() < MIDDLE_NS {
            assert!(mono_ns() - opened_ns < 120_000_000_000, "the film does not come to its middle");
            std::thread::sleep(Duration::from_millis(200));
        }
        self.press_space();
        std::thread::sleep(Duration::from_secs(20));
        let stands_at_ns = self.shown_ns();
        assert!(stands_at_ns as f64 / 1e9 < FILM_S - 5.0, "the film was not paused");
        let before_s = self.processor_s();
        std::thread::sleep(Duration::from_secs(SECONDS));
        assert!(matches!(self.program.try_wait(), Ok(None)), "the program left");
        let cores = (self.processor_s() - before_s) / SECONDS as f64;
        assert_eq!(self.shown_ns(), stands_at_ns, "the film does not stand");
        cores
    }

    /// How far the film was shown.
    fn shown_ns(&self) -> i64 {
        let lines = std::fs::read_to_string(&self.trace).unwrap_or_default();
        // The last one may be on its way to the file.
        let events = lines.lines().filter_map(|line| serde_json::from_str::<Event>(line).ok());
        events.filter_map(|event| if let Event::Shown { film_ns, .. } = event { Some(film_ns) } else { None }).max().unwrap_or(0)
    }

    /// Pauses the film as a person does.
    fn press_space(&self) {
        // Not in one: a key that follows a search is sent to the window past the keyboard.
        for words in [&["search", "--sync", "--onlyvisible", "--name", "^Houselights$", "windowfocus", "--sync"][..], &["key", "space"]] {
            let mut command = Command::new("xdotool");
            let status = command.args(words).env("DISPLAY", &self.name).stdout(Stdio::null()).status();
            assert!(status.expect("this figure needs xdotool: apt-get install xdotool").success(), "the key was not pressed");
        }
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
