//! `voice.echo` and `voice.doubletalk`: what the canceller leaves of the loudspeakers, and of a person who speaks while they play.
//!
//! The far end is a film and two voices, as the final mix has them; it comes back into the microphone 40 ms late through a room that rings for 60 ms and
//! gives back −6 dB. The canceller is as it is sent to others (echo, noise and gain), except that for double talk gain control is left out: it would hide a
//! loss by turning up.

use houselights::voice::{Bypass, Canceller, TICK_SAMPLES, level, testing::Random};

use super::{
    signal,
    table::{Row, quantile},
};

const ECHO_GOAL_DB: f64 = 30.0;
const LOSS_GOAL_DB: f64 = 3.0;
const SECONDS: usize = 40;
const SETTLED_SECONDS: usize = 5;
/// Two devices of 20 ms.
const DEVICE_SAMPLES: usize = 1920;
const ROOMS: [u64; 3] = [1, 2, 3];

pub(crate) fn run() -> Vec<Row> {
    vec![row("voice.echo", false), row("voice.echo.stereo", true)]
}

fn row(id: &'static str, is_stereo: bool) -> Row {
    let (mut figures, mut notes) = (Vec::new(), Vec::new());
    for seed in ROOMS {
        let scene = Scene::new(seed, is_stereo);
        let cleaned = scene.clean(&scene.echo, Bypass::default());
        let bare = scene.clean(&scene.echo, Bypass { noise: true, gain: true, ..Bypass::default() });
        let from = SETTLED_SECONDS * 48_000;
        let erle = |out: &[f32]| f64::from(level::dbfs(&scene.echo[from..]) - level::dbfs(&out[from..]));
        let first = f64::from(level::dbfs(&scene.echo[48_000..3 * 48_000]) - level::dbfs(&cleaned[48_000..3 * 48_000]));
        figures.push(erle(&cleaned));
        notes.push(format!("{:.1} (canceller alone {:.1}; seconds 1 to 3: {first:.1})", erle(&cleaned), erle(&bare)));
    }
    let worst = figures.into_iter().fold(f64::MAX, f64::min);
    Row::at_least(id, worst, ECHO_GOAL_DB, "dB").noting(format!("the worst of three rooms: {}", notes.join(", ")))
}

pub(crate) fn double_talk() -> Vec<Row> {
    let mut losses = Vec::new();
    for seed in ROOMS {
        let scene = Scene::new(seed, true);
        let near = signal::speech(seed + 500, SECONDS as f64);
        let both: Vec<f32> = scene.echo.iter().zip(&near).map(|(a, b)| a + b).collect();
        let bypass = Bypass { gain: true, ..Bypass::default() };
        let together = scene.clean(&both, bypass);
        let late = delay(&near, &together);
        for (frame, out) in near.chunks_exact(TICK_SAMPLES).zip(together[late..].chunks_exact(TICK_SAMPLES)).skip(SETTLED_SECONDS * 100) {
            if level::dbfs(frame) > -40.0 {
                losses.push(f64::from(level::dbfs(frame) - level::dbfs(out)));
            }
        }
    }
    let tenth = quantile(&mut losses, 0.9);
    let note = format!("p50 of 10 ms frames above −40 dBFS, film as loud as the voice; p90 {tenth:.1} dB; {} frames", losses.len());
    vec![Row::at_most("voice.doubletalk", quantile(&mut losses, 0.5), LOSS_GOAL_DB, "dB").noting(note)]
}

struct Scene {
    mix: Vec<f32>,
    echo: Vec<f32>,
}

impl Scene {
    /// With two loudspeakers a film has parts that only one plays, and each has its own way through the room; the canceller knows only the sum.
    fn new(seed: u64, is_stereo: bool) -> Self {
        let seconds = SECONDS as f64;
        let (film, side) = (signal::film(seed * 100, seconds), signal::film(seed * 100 + 50, seconds));
        let voice = signal::speech(seed * 100 + 7, seconds);
        let side_part = if is_stereo { 0.25 } else { 0.0 };
        let play = |side_part: f32| -> Vec<f32> {
            film.iter().zip(&side).zip(&voice).map(|((film, side), voice)| film * 0.6 + side * side_part + voice * 0.4).collect()
        };
        let (left, right) = (play(side_part), play(-side_part));
        let mix: Vec<f32> = left.iter().zip(&right).map(|(left, right)| (left + right) / 2.0).collect();
        // Both together give back −6 dB of the mix: one loudspeaker's halves add as amplitudes, two ways through the room as powers.
        let decibels = if is_stereo { -9.0 } else { -12.0 };
        let of_right = if is_stereo { seed + 900 } else { seed };
        let (from_left, from_right) =
            (signal::in_room(&left, &signal::room(seed, decibels)), signal::in_room(&right, &signal::room(of_right, decibels)));
        let mut random = Random::new(seed);
        let late = std::iter::repeat_n(0.0, DEVICE_SAMPLES).chain(from_left.iter().zip(&from_right).map(|(left, right)| left + right));
        // A microphone's own noise, −75 dBFS.
        let echo = late.take(mix.len()).map(|sample| sample + random.sample() * 3e-4).collect();
        Self { mix, echo }
    }

    /// What leaves the canceller when the microphone hears this.
    fn clean(&self, microphone: &[f32], bypass: Bypass) -> Vec<f32> {
        let mut canceller = Canceller::new(bypass);
        let mut out = Vec::with_capacity(microphone.len());
        for (mix, frame) in self.mix.chunks_exact(TICK_SAMPLES).zip(microphone.chunks_exact(TICK_SAMPLES)) {
            canceller.hear(mix.try_into().unwrap());
            let mut frame: [f32; TICK_SAMPLES] = frame.try_into().unwrap();
            canceller.clean(&mut frame);
            out.extend(frame);
        }
        out
    }
}

/// By how many samples the second comes later, at most 30 ms.
fn delay(first: &[f32], second: &[f32]) -> usize {
    let product =
        |late: usize| -> f32 { first.iter().zip(&second[late..]).skip(SETTLED_SECONDS * 48_000).step_by(3).map(|(a, b)| a * b).sum() };
    (0..1440).step_by(4).max_by(|a, b| product(*a).total_cmp(&product(*b))).unwrap()
}
