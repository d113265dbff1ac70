//! Holds the instruments of the benches: what does not need root, a network or a sound server.

mod correlate;
mod fft;
mod track;
mod wire;
mod word;

use correlate::{EVERY, Place, RATE, Ruler, WINDOW};
use track::{Noise, track};
use wire::{Line, Way, Wires};
use word::{LONGEST, late, words};

/// What somebody hears who is `late_s` behind at first and whose clock is fast by `slope`, with noise over it.
fn heard(track: &[f32], late_s: f64, slope: f64, noise: f32) -> Vec<f32> {
    let mut random = Noise(99);
    let at = |index: usize| {
        let place = (index as f64).mul_add(1.0 + slope, -late_s * RATE);
        // Nobody looks at the beginning.
        if index < FROM - WINDOW {
            return 0.0;
        }
        // A windowed sinc: the shift is exact to a fraction of a sample.
        let whole = place as usize;
        let sum: f64 = (whole - 15..=whole + 16)
            .map(|tap| {
                let x = place - tap as f64;
                let sinc = if x == 0.0 { 1.0 } else { (std::f64::consts::PI * x).sin() / (std::f64::consts::PI * x) };
                f64::from(track.get(tap).copied().unwrap_or(0.0)) * sinc * (0.5 + 0.5 * (std::f64::consts::PI * x / 16.5).cos())
            })
            .sum();
        sum as f32 + noise * random.next()
    };
    (0..TO + WINDOW).map(at).collect()
}

/// The worst error in milliseconds and how many windows gave no answer.
fn errors(places: &[Place], late_s: f64, slope: f64) -> (f64, usize) {
    let worst = places.iter().filter_map(|place| {
        let truth = place.middle as f64 / RATE * (1.0 + slope) - late_s;
        place.film_s.map(|film_s| (film_s - truth).abs() * 1e3)
    });
    (worst.fold(0.0, f64::max), places.iter().filter(|place| place.film_s.is_none()).count())
}

#[test]
fn a_shift_is_found_to_a_hundredth_of_a_millisecond() {
    let track = track(6);
    let ruler = Ruler::new(track.clone());
    for (late_s, slope, noise) in
        [(0.0, 0.0, 0.0), (0.0001, 0.0, 0.0), (1.2345, 0.0, 0.01), (0.5001, 1e-4, 0.01), (0.5, -1e-4, 0.0), (2.0, 0.005, 0.0)]
    {
        let places = ruler.follow(&heard(&track, late_s, slope, noise), (FROM..TO).step_by(EVERY));
        let (worst_ms, unanswered) = errors(&places, late_s, slope);
        assert!(worst_ms < 0.01 && unanswered == 0, "{late_s} s, {slope}, {noise}: {worst_ms} ms, {unanswered} unanswered");
    }
}

#[test]
fn silence_and_strange_sounds_have_no_place() {
    let ruler = Ruler::new(track(8));
    let silence = vec![0.0; 200_000];
    assert!(ruler.follow(&silence, (WINDOW..150_000).step_by(EVERY)).iter().all(|place| place.film_s.is_none()));
    let mut random = Noise(5);
    let strange: Vec<f32> = (0..100_000).map(|_| random.next() * 0.3).collect();
    assert!(ruler.follow(&strange, (WINDOW..34_000).step_by(EVERY)).iter().all(|place| place.film_s.is_none()));
    assert!(ruler.follow(&strange, [0]).iter().all(|place| place.film_s.is_none()), "a window that does not fit");
}

#[test]
fn a_jump_is_followed() {
    let track = track(12);
    let ruler = Ruler::new(track.clone());
    let mut recording = track[..200_000].to_vec();
    recording.extend(&track[300_000..500_000]);
    let places = ruler.follow(&recording, (30_000..350_000).step_by(EVERY));
    let jump_s = |place: &Place| (place.film_s.unwrap() - place.middle as f64 / RATE, place.middle);
    for (apart_s, middle) in places.iter().filter(|place| place.middle.abs_diff(200_000) > WINDOW / 2).map(jump_s) {
        let truth_s = if middle < 200_000 { 0.0 } else { 100_000.0 / RATE };
        assert!((apart_s - truth_s).abs() < 1e-5, "{apart_s} at {middle}");
    }
}

#[test]
fn the_film_is_found_under_voices_that_are_louder() {
    let track = track(6);
    let ruler = Ruler::beside_voices(track.clone());
    let (mut random, mut low) = (Noise(7), [0.0_f32; 4]);
    for (late_s, slope) in [(1.2345, 0.0), (0.5001, 1e-4), (0.5, -1e-4), (2.0, 0.005), (2.0, -0.0012)] {
        // Held down by 8 dB, and over it what has nothing above 12 kHz worth speaking of.
        let mut both = heard(&track, late_s, slope, 0.0);
        for sample in &mut both {
            low.iter_mut().fold(random.next(), |input, state| {
                *state += (input - *state) * 0.1;
                *state
            });
            *sample = *sample * 0.4 + low[3];
        }
        let places = ruler.follow(&both, (FROM..TO).step_by(EVERY));
        let (worst_ms, unanswered) = errors(&places, late_s, slope);
        // One wave of what is up there.
        assert!(worst_ms < 0.1 && unanswered == 0, "{late_s} s, {slope}: {worst_ms} ms, {unanswered} unanswered");
    }
}

#[test]
fn words_are_found_where_they_were_said_and_how_late_they_are_heard() {
    let track = track(6);
    let said = [24_000..48_000, 96_000..125_000, 200_000..220_000];
    let mut speech = vec![0.0; 280_000];
    for word in &said {
        speech[word.clone()].copy_from_slice(&track[word.clone()]);
    }
    let found = words(&speech);
    assert_eq!(found.len(), 3);
    assert!(found.iter().zip(&said).all(|(found, said)| found.start.abs_diff(said.start) < 960 && found.end.abs_diff(said.end) < 960));
    assert_eq!(words(&speech[..210_000]).len(), 2, "the third is not over");
    let mut random = Noise(3);
    // The first comes 90 ms late and the second 300.5 ms, softer and with noise; the third never.
    let mut heard: Vec<f32> = (0..400_000).map(|_| random.next() * 0.02).collect();
    for (word, late) in said.iter().zip([4_320, 14_424]) {
        word.clone().for_each(|at| heard[at + late] += track[at] * 0.3);
    }
    // And once the first comes 100 ms late, and 10 ms less from its middle on, as from a buffer that has too much.
    let mut hurried = vec![0.0; 400_000];
    (24_000..36_000).for_each(|at| hurried[at + 4_800] = track[at]);
    (36_480..48_000).for_each(|at| hurried[at + 4_320] = track[at]);
    let hurried = late(&speech[found[0].clone()], &hurried[found[0].start..]);
    assert!(hurried.is_some_and(|late| (4_319.0..4_801.0).contains(&late)), "{hurried:?}");
    let late = |word: usize| late(&speech[found[word].clone()], &heard[found[word].start..]);
    assert!(late(0).is_some_and(|late| (late - 4_320.0).abs() < 1.0) && late(1).is_some_and(|late| (late - 14_424.0).abs() < 1.0));
    assert_eq!(late(2), None);
    assert!(heard[found[2].start..].len() > LONGEST);
}

/// Sends packets of 1000 bytes so often and says when each arrived.
fn arrivals_ms(line: impl Into<Line>, every_ms: f64, count: usize) -> Vec<(f64, f64)> {
    let mut wires = Wires::new(&[line.into(); 2]);
    for index in 0..count {
        wires.send((index as f64 * every_ms * 1e6) as i64, 0, 1, vec![index as u8; 1000].into());
    }
    let mut arrived = Vec::new();
    while let Some(next_ns) = wires.next_ns() {
        while let Some((at_ns, to, packet)) = wires.arrived(next_ns) {
            assert_eq!(to, 1);
            arrived.push((f64::from(packet[0]) * every_ms, at_ns as f64 / 1e6));
        }
    }
    assert_eq!(arrived.len() as u64 + wires.lost + wires.dropped, count as u64);
    arrived
}

#[test]
fn a_packet_takes_the_delay_and_no_packet_overtakes() {
    for (sent, arrived) in arrivals_ms(Way::delay(40.0), 1.0, 200) {
        assert!((arrived - sent - 40.0).abs() < 1e-6);
    }
    let jittered = arrivals_ms(Way { jitter_ms: 5.0, ..Way::delay(40.0) }, 3.0, 200);
    assert!(jittered.is_sorted_by(|a, b| a.0 <= b.0 && a.1 <= b.1));
    let delays = jittered.iter().map(|(sent, arrived)| arrived - sent);
    assert!(delays.clone().all(|delay| (35.0..47.0).contains(&delay)));
    assert!(delays.clone().fold(0.0, f64::max) - delays.fold(99.0, f64::min) > 5.0);
}

#[test]
fn losses_add_up_to_what_was_asked() {
    let mut wires = Wires::new(&[Way { loss: 0.1, ..Way::default() }.into(); 3]);
    for at in 0..20_000 {
        wires.send(at, 0, 2, vec![0; 100].into());
    }
    while wires.arrived(i64::MAX).is_some() {}
    assert!((1_850..2_150).contains(&wires.lost), "{}", wires.lost);
}

#[test]
fn a_full_queue_refuses_and_holds_a_tenth_of_a_second() {
    // 8 Mbit/s: a packet of 1000 bytes takes a millisecond on each of the two lines; twice as many are sent.
    let arrived = arrivals_ms(Way::delay(10.0).rate(8.0), 0.5, 250);
    let worst = arrived.iter().map(|(sent, arrived)| arrived - sent).fold(0.0, f64::max);
    assert!((80.0..115.0).contains(&worst), "{worst}");
    let gaps = arrived.windows(2).map(|two| two[1].1 - two[0].1);
    assert!(gaps.clone().all(|gap| gap > 0.99), "{:?}", gaps.fold(9.0, f64::min));
    let mut wires = Wires::new(&[Way::default().rate(8.0).into(); 2]);
    for _ in 0..500 {
        wires.send(0, 0, 1, vec![0; 1000].into());
    }
    assert!((395..405).contains(&wires.dropped), "{}", wires.dropped);
}

#[test]
fn each_direction_of_each_line_is_of_its_own() {
    let slow_up = Line { up: Way::delay(20.0).rate(8.0), down: Way::delay(10.0) };
    let mut wires = Wires::new(&[slow_up, Way::delay(40.0).into()]);
    wires.send(0, 0, 1, vec![0; 1000].into());
    wires.send(0, 1, 0, vec![0; 1000].into());
    // Halves: 40 and 10 on the way back; 1 ms for the bytes, 20 and 40 on the way there.
    assert_eq!(wires.arrived(i64::MAX).map(|(at_ns, to, _)| (at_ns, to)), Some((25_000_000, 0)));
    assert_eq!(wires.arrived(i64::MAX).map(|(at_ns, to, _)| (at_ns, to)), Some((31_000_000, 1)));
}

const FROM: usize = 150_000;
const TO: usize = 200_000;
