//! `voice.latency`: how long a word takes from a mouth to an ear, beyond what the path takes; and `voice.mumble`: the same beside Mumble, path included, which
//! makes the quotient worse for whoever is quicker.
//!
//! One talks, the other listens. A word is played into a null sink whose monitor is the microphone, so the device, echo and noise suppression, detection, gate,
//! encoder, network, jitter buffer, mixer and the other device are all in it. Mouth and ear stand in one recording. Counting begins once a word was heard: a
//! lost one counts as infinitely late, so that two of thirty are seen in the 95th percentile.

use super::{
    lab::{
        Lab, Person,
        arguments::Arguments,
        ear::microphone,
        mouth::{Manner, Mouth, delays_ms, until_heard, until_recorded},
        speaker,
        wire::{Line, Way},
    },
    mumble::Mumble,
    table::{Row, quantile},
};

pub(crate) fn run(arguments: &Arguments) -> Result<Vec<Row>, String> {
    let lab = lab()?;
    let delays_ms = ours(&lab, count(arguments))?;
    let beyond = |part: f64| quantile(&mut delays_ms.clone(), part) - LINK_MS;
    let note = format!("{}; beyond the link's {LINK_MS} ms", summary(&delays_ms));
    Ok(vec![
        Row::at_most("voice.latency", beyond(0.5), 95.0, "ms").noting(note),
        Row::at_most("voice.latency.p95", beyond(0.95), 120.0, "ms").noting("the same words".to_owned()),
    ])
}

pub(crate) fn beside_mumble(arguments: &Arguments) -> Result<Vec<Row>, String> {
    let lab = lab()?;
    let ours_ms = ours(&lab, count(arguments))?;
    let theirs_ms = {
        let _mumble = Mumble::start(&lab, [TALKS, LISTENS], SERVES)?;
        heard(&lab, count(arguments))?
    };
    let [our, their] = [&ours_ms, &theirs_ms].map(|delays_ms| quantile(&mut delays_ms.clone(), 0.5));
    let note =
        format!("ms, link included; ours {}; Mumble's {}, its threshold set as {}", summary(&ours_ms), summary(&theirs_ms), Mumble::NOTE);
    Ok(vec![Row::at_most("voice.mumble", our / their, 0.8, "×").against(our, their).noting(note)])
}

/// Two on the link, and in its middle a third, whom only a server needs: to it and on to the other takes as long as from one to the other.
fn lab() -> Result<Lab, String> {
    let link = Line::from(Way { jitter_ms: LINK_JITTER_MS, ..Way::delay(LINK_MS) });
    Lab::open_to_talk(&[link, link, Line::default()], 2)
}

fn count(arguments: &Arguments) -> usize {
    arguments.long_or(30, 8)
}

/// Two of our participants, of whom one speaks with an open microphone.
fn ours(lab: &Lab, count: usize) -> Result<Vec<f64>, String> {
    let talks = [format!("device:{}", speaker(TALKS)), format!("device:{}", microphone(TALKS))];
    let mut host = Person::start(lab, TALKS, &talks[0], &[&"host", &"--relay", &"none", &"--mic", &talks[1]])?;
    let invite = host.invite()?;
    let listens = format!("device:{}", speaker(LISTENS));
    let guest = Person::start(lab, LISTENS, &listens, &[&"join", &invite, &"--relay", &"none", &"--mic", &"none"])?;
    host.ask("mic on")?;
    let delays_ms = heard(lab, count)?;
    guest.leave()?;
    host.leave()?;
    Ok(delays_ms)
}

/// Lets the one talk and says how much later the other heard each word.
fn heard(lab: &Lab, count: usize) -> Result<Vec<f64>, String> {
    let manner = Manner { every_s: EVERY_S, waits_s: 1.0, pitch: 50 };
    let _mouth = Mouth::open(lab, TALKS, manner, count * 2 + 90)?;
    let from = until_heard(lab, TALKS, LISTENS)?;
    // The first may begin a word later, and the last is to have its time.
    let to = from + ((count + 2) as f64 * EVERY_S * 48_000.0) as usize;
    until_recorded(lab, to)?;
    let (speech, sound) = {
        let tape = lab.ear()?.tape();
        (tape.speech(TALKS), tape.sound(LISTENS))
    };
    let mut delays_ms = delays_ms(&speech, &sound, from..to);
    if delays_ms.len() < count {
        return Err(format!("Of {count} words only {} were said.", delays_ms.len()));
    }
    delays_ms.truncate(count);
    Ok(delays_ms)
}

/// From the quickest to the slowest, and how many were lost.
pub(super) fn summary(delays_ms: &[f64]) -> String {
    let mut known: Vec<f64> = delays_ms.iter().copied().filter(|delay_ms| delay_ms.is_finite()).collect();
    format!(
        "{} words, {} lost, {:.1} to {:.1} ms, median {:.1}",
        delays_ms.len(),
        delays_ms.len() - known.len(),
        quantile(&mut known, 0.0),
        quantile(&mut known, 1.0),
        quantile(&mut known, 0.5)
    )
}

const LINK_MS: f64 = 30.0;
const LINK_JITTER_MS: f64 = 10.0;
const EVERY_S: f64 = 2.0;
const TALKS: usize = 0;
const LISTENS: usize = 1;
const SERVES: usize = 2;
