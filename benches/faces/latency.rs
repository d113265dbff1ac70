//! `faces.latency`: from a numbered picture of a camera to its number on the texture of the other's face.
//!
//! The test pattern's picture `n` is taken `n`/15 s after the camera came on, which is not before the line `camera on` was written: that is when the clock
//! starts here, so the camera's own delays count. It stops when the frame that has the number is drawn and the number was read back from the graphics device:
//! network, decoder, the window's pace and drawing count as well. Neither program is asked for a time of its own but the watcher for the clock at which it
//! read. A picture that was never seen has taken for ever.
//!
//! Twice: in a theater that rests, which draws only as often as faces come; and with a film, which draws each frame but has the machine to share. The worse
//! counts.

use std::time::Duration;

use houselights::trace::mono_ns;
use serde_json::Value;

use super::{
    lab::{Lab, Person, arguments::Arguments, film::Recipe, wire::Way},
    table::{Row, quantile},
    watcher::{Seen, Sight, Watches},
};

pub(crate) const GOAL_MS: f64 = 120.0;

pub(crate) fn run(arguments: &Arguments) -> Result<Vec<Row>, String> {
    let seconds = arguments.long_or(60, 10);
    let lab = Lab::open(&[Way::delay(LINK_MS).into(); 2], false)?;
    let film = Recipe { seconds: seconds + 60, ..Recipe::default() }.make(lab.folder())?;
    let mut host = Person::start(&lab, FILMED, "null", &[&"host", &film, &"--relay", &"none", &"--camera", &"pattern"])?;
    let invite = host.invite()?;
    let mut guest = Watches::Texture.start(&lab, WATCHING, &invite)?;
    for person in [&mut host, &mut guest] {
        person.wait_for("film", PATIENCE, |state| state["film"].is_string() && state["waiting_for"].is_null())?;
    }
    let camera_ns = mono_ns();
    host.ask("camera on")?;
    let camera_ms = (mono_ns() - camera_ns) as f64 / 1e6;
    let seconds_of = |guest: &mut Person| {
        guest.ask("forget")?;
        Look::take(&lab, guest, camera_ns, seconds)
    };
    let sees_at_rest = |said: &Value| Seen::of(said).is_ok_and(|seen| seen.rests && !seen.sights.is_empty());
    guest.wait_for_answer("seen", "face at rest", PATIENCE, sees_at_rest)?;
    let resting = seconds_of(&mut guest)?;
    host.ask("play")?;
    guest.wait_for("moving film", PATIENCE, |state| state["playing"] == true && state["waiting_for"].is_null())?;
    let playing = seconds_of(&mut guest)?;
    let worst_ms = resting.median_ms.max(playing.median_ms);
    let note = format!(
        "{LINK_MS} ms subtracted; before that, at rest: {}; with a film: {}; the camera came on within {camera_ms:.1} ms",
        resting.summary, playing.summary
    );
    Ok(vec![Row::at_most("faces.latency", worst_ms - LINK_MS, GOAL_MS, "ms").noting(note)])
}

/// What a while of watching was like.
struct Look {
    median_ms: f64,
    summary: String,
}

impl Look {
    /// Of the pictures taken in the next seconds.
    fn take(lab: &Lab, guest: &mut Person, camera_ns: i64, seconds: usize) -> Result<Self, String> {
        let from_ns = mono_ns();
        // A picture may take a second.
        std::thread::sleep(Duration::from_secs(seconds as u64 + 1));
        let seen = Seen::of(&guest.ask("seen")?)?;
        let taken_ns = |number: i64| camera_ns + number * 1_000_000_000 / RATE;
        let first = (from_ns - camera_ns) * RATE / 1_000_000_000 + 1;
        let numbers = first..first + seconds as i64 * RATE;
        let since_ms = |at: fn(&Sight) -> i64| -> Vec<f64> {
            let one = |number: i64| {
                let sight = seen.sights.iter().find(|sight| i64::from(sight.number) == number);
                sight.map_or(f64::INFINITY, |sight| (lab.ours_ns(WATCHING, at(sight)) - taken_ns(number)) as f64 / 1e6)
            };
            numbers.clone().map(one).collect()
        };
        let mut drawn_ms = since_ms(|sight| sight.drawn_ns);
        let least_ms = quantile(&mut drawn_ms, 0.0);
        if least_ms < LINK_MS {
            return Err(format!("A picture was seen {least_ms:.1} ms after it was taken, which the link forbids."));
        }
        let missing = drawn_ms.iter().filter(|ms| ms.is_infinite()).count();
        let median_ms = quantile(&mut drawn_ms, 0.5);
        let summary = format!(
            "median {median_ms:.1} (its frame begun at {:.1}, given to the device at {:.1}), least {least_ms:.1}, p95 {:.1} ms, {missing} of {} never seen, \
             {:.1} frames/s",
            quantile(&mut since_ms(|sight| sight.begun_ns), 0.5),
            quantile(&mut since_ms(|sight| sight.given_ns), 0.5),
            quantile(&mut drawn_ms, 0.95),
            drawn_ms.len(),
            seen.frames as f64 * 1e9 / seen.passed_ns as f64
        );
        Ok(Self { median_ms, summary })
    }
}

const LINK_MS: f64 = 30.0;
const FILMED: usize = 0;
const WATCHING: usize = 1;
/// Pictures of the test pattern a second.
const RATE: i64 = 15;
const PATIENCE: Duration = Duration::from_secs(60);
