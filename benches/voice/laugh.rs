//! `voice.laugh`: when two laugh at the same joke, how much later than one's own laugh the other's is heard: the film's step between them, and the way of a
//! voice; and `voice.step`: what talking does to the step.
//!
//! Three see a film; first they sit there, then all talk over each other and show their faces. The film is followed above their words, in both halves alike.

use std::{ops::Range, time::Duration};

use houselights::trace::mono_ns;

use super::{
    lab::{
        Lab,
        arguments::{Arguments, blank},
        check,
        correlate::Ruler,
        ear::microphone,
        film::Recipe,
        gather, leave,
        mouth::{Manner, Mouth, delays_ms, until_heard},
        step::{Steps, found, middles},
        track::track,
        wire::Way,
    },
    latency::summary,
    table::{Row, quantile},
};

pub(crate) fn run(arguments: &Arguments, rows: &mut Vec<Row>) {
    let goals = [("voice.laugh", 150.0, "ms"), ("voice.step", 1.2, "×")];
    if !goals.iter().any(|(id, ..)| arguments.wants(id)) {
        return;
    }
    eprintln!("measuring voice.laugh and voice.step …");
    match check().and_then(|()| evening(arguments)) {
        Ok(evening) => rows.extend(evening.rows()),
        Err(error) => {
            eprintln!("voice.laugh: {error}");
            rows.extend(goals.map(|(id, goal, unit)| blank(id, goal, unit).noting(format!("not measured: {error}"))));
        }
    }
}

struct Evening {
    quiet: Steps,
    talking: Steps,
    /// From every mouth to every other ear, path included.
    delays_ms: Vec<f64>,
    /// The largest median of them.
    worst_ms: f64,
    /// What a participant sent, in kB/s, before and while they talked.
    sent: [f64; 2],
}

impl Evening {
    fn rows(&self) -> [Row; 2] {
        let voice_ms = quantile(&mut self.delays_ms.clone(), 0.5);
        let (quiet_ms, talking_ms) = (self.quiet.p95(), self.talking.p95());
        let ratio = if quiet_ms.max(talking_ms) <= SMALL_MS { 1.0 } else { talking_ms / quiet_ms };
        let laugh = format!(
            "step p95 {talking_ms:.3} ms (while nobody talks {quiet_ms:.3}), voices {voice_ms:.1} ms with the link in it: {}; the slowest pair's median {:.1} ms; each sent {:.0} kB/s, before it {:.0}",
            summary(&self.delays_ms),
            self.worst_ms,
            self.sent[1],
            self.sent[0]
        );
        let step = format!("ms, p95; talking: {}; quiet: {}", self.talking.summary(), self.quiet.summary());
        [
            Row::at_most("voice.laugh", talking_ms + voice_ms, 150.0, "ms").noting(laugh),
            Row::at_most("voice.step", ratio, 1.2, "×").against(talking_ms, quiet_ms).noting(step),
        ]
    }
}

fn evening(arguments: &Arguments) -> Result<Evening, String> {
    let seconds = arguments.long_or(120, 15);
    let lab = Lab::open_to_talk(&[Way { jitter_ms: 5.0, loss: 0.01, ..Way::delay(40.0) }.into(); PEOPLE], PEOPLE)?;
    let recipe = Recipe { seconds: seconds * 2 + 120, ..Recipe::default() };
    let film = recipe.make(lab.folder())?;
    let own = |place: usize| ["--camera", "pattern", "--mic", &format!("device:{}", microphone(place))].map(str::to_owned).to_vec();
    let mut people = gather(&lab, &film, PEOPLE, own)?;
    people[0].ask("play")?;
    std::thread::sleep(Duration::from_secs(5));
    let (quiet, before) = watch(&lab, seconds)?;
    for person in &mut people {
        person.ask("mic on")?;
        person.ask("camera on")?;
    }
    let mouths: Result<Vec<_>, _> = (0..PEOPLE).map(|place| Mouth::open(&lab, place, manner(place), seconds + 120)).collect();
    let mouths = mouths?;
    for (mouth, ear) in pairs() {
        until_heard(&lab, mouth, ear)?;
    }
    let (talk, sent) = watch(&lab, seconds)?;
    drop(mouths);
    leave(people)?;
    let ruler = Ruler::beside_voices(track(recipe.seconds));
    let tape = lab.ear()?.tape();
    let sounds: Vec<_> = (0..PEOPLE).map(|ear| tape.sound(ear)).collect();
    let speeches: Vec<_> = (0..PEOPLE).map(|mouth| tape.speech(mouth)).collect();
    // In one go: where somebody is in the film is easier to find before the others talk.
    let windows = middles(quiet.start, quiet.end).count();
    let places: Vec<_> = sounds
        .iter()
        .map(|sound| found(&ruler.follow(sound, middles(quiet.start, quiet.end).chain(middles(talk.start, talk.end)))))
        .collect();
    let halves = |pick: fn(&[Option<f64>], usize) -> &[Option<f64>]| {
        Steps::between(&places.iter().map(|places| pick(places, windows).to_vec()).collect::<Vec<_>>())
    };
    let delays: Vec<Vec<f64>> = pairs().map(|(mouth, ear)| delays_ms(&speeches[mouth], &sounds[ear], talk.clone())).collect();
    Ok(Evening {
        quiet: halves(|places, windows| &places[..windows]),
        talking: halves(|places, windows| &places[windows..]),
        worst_ms: delays.iter().map(|delays_ms| quantile(&mut delays_ms.clone(), 0.5)).fold(0.0, f64::max),
        delays_ms: delays.concat(),
        sent: [before, sent],
    })
}

/// Lets them sit for so long; answers the samples of it, and how many kB/s a participant sent on the mean.
fn watch(lab: &Lab, seconds: usize) -> Result<(Range<usize>, f64), String> {
    let sent = || (0..PEOPLE).map(|place| lab.hub.bytes(place).up).sum::<u64>();
    let (from_ns, before) = (mono_ns(), sent());
    std::thread::sleep(Duration::from_secs(seconds as u64 + 1));
    let rate = (sent() - before) as f64 / 1e3 / ((mono_ns() - from_ns) as f64 / 1e9) / PEOPLE as f64;
    let from = lab.ear()?.tape().sample_at(from_ns).ok_or("Nothing was recorded.")?;
    Ok((from..from + seconds * 48_000, rate))
}

/// Everybody in their own voice and time, so that now one talks, now two, now all.
fn manner(place: usize) -> Manner {
    Manner { every_s: 1.25 + 0.07 * place as f64, waits_s: 0.5, pitch: 30 + 20 * place as u32 }
}

/// Who is heard by whom.
fn pairs() -> impl Iterator<Item = (usize, usize)> {
    (0..PEOPLE).flat_map(|mouth| (0..PEOPLE).map(move |ear| (mouth, ear))).filter(|(mouth, ear)| mouth != ear)
}

const PEOPLE: usize = 3;
/// A step that nobody hears, whatever it was before.
const SMALL_MS: f64 = 2.0;
