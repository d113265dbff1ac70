use std::f64::consts::TAU;

use super::{
    Feed, Mixer, Output,
    backend::capture,
    feed,
    limiter::{CEILING, LOOK_AHEAD},
};
use crate::{
    handover::{SampleProducer, StereoFrame, ring},
    trace::{self, Event, Trace},
};

const MS: i64 = 1_000_000;
/// Where time begins: some hours, as on a machine that has run for a while.
const BEGIN_NS: i64 = 12_345_678_901_234;
const FILM_NS: i64 = 7_000 * MS;
/// What the limiter takes at 48 kHz: what is mixed first in a callback is heard so much later than the callback's first frame.
const DELAY_NS: i64 = LOOK_AHEAD as i64 * 1_000_000_000 / 48_000;

/// A mixer whose device is the test.
struct Rig {
    device: capture::Handle,
    mixer: Mixer,
    feed: Feed,
    rate: u32,
    frames: u64,
}

impl Rig {
    fn new(rate: u32) -> Self {
        Self::traced(rate, Trace::default())
    }

    fn traced(rate: u32, trace: Trace) -> Self {
        let device = capture::Handle::with_rate(rate);
        let mut mixer = Mixer::open(&Output::Capture(device.clone()), &Trace::default()).unwrap();
        let (feed, sound) = feed(trace);
        mixer.play_film_feed(sound).unwrap();
        Self { device, mixer, feed, rate, frames: 0 }
    }

    fn now_ns(&self) -> i64 {
        self.ns_at(self.frames)
    }

    fn ns_at(&self, frame: u64) -> i64 {
        BEGIN_NS + (frame as f64 * 1e9 / f64::from(self.rate)).round() as i64
    }

    /// One callback; each frame with the time at which it is heard.
    fn pull(&mut self, frames: usize) -> Vec<(i64, StereoFrame)> {
        let sound = self.device.render(frames, self.now_ns());
        let first = self.frames;
        self.frames += frames as u64;
        (first..).map(|frame| self.ns_at(frame)).zip(sound).collect()
    }

    /// Callbacks of many sizes until so much time has passed.
    fn pull_for(&mut self, ns: i64) -> Vec<(i64, StereoFrame)> {
        let until = self.now_ns() + ns;
        let mut sound = Vec::new();
        for frames in [480, 512, 1, 333, 2000].into_iter().cycle() {
            if self.now_ns() >= until {
                return sound;
            }
            sound.extend(self.pull(frames));
        }
        unreachable!()
    }

    fn cue(&self, frames: Vec<StereoFrame>) -> SampleProducer {
        let (mut producer, consumer) = ring(frames.len().max(1) * 2);
        assert_eq!(producer.push(&frames), frames.len());
        self.feed.cue(consumer, FILM_NS);
        producer
    }
}

/// Left says the sample's number, right that there is sound.
fn ruler(frames: std::ops::Range<u32>) -> Vec<StereoFrame> {
    frames.map(|k| [k as f32 / RULER, 0.5]).collect()
}

const RULER: f32 = 262_144.0;

/// The film time that can be read off a frame of the ruler, outside fades.
fn read_ruler([left, right]: StereoFrame) -> Option<f64> {
    ((right - 0.5).abs() < 1e-4).then(|| FILM_NS as f64 + f64::from(left * RULER) / 48e3 * 1e9)
}

fn tone(hz: f64, frames: u32) -> Vec<StereoFrame> {
    (0..frames).map(|k| [(0.5 * (TAU * hz * f64::from(k) / 48e3).sin()) as f32; 2]).collect()
}

/// Checks that everything heard was said to be heard, within `tolerance_ns`.
fn check_clock(rig: &Rig, sound: &[(i64, StereoFrame)], tolerance_ns: f64) -> usize {
    let told = sound.iter().filter_map(|(ns, frame)| Some((ns, read_ruler(*frame)?)));
    told.map(|(ns, film_ns)| {
        let heard = rig.feed.heard(*ns).unwrap();
        let error = heard.film_ns as f64 - film_ns;
        assert!(error.abs() < tolerance_ns, "{error} ns off at {} ms: {heard:?}", (ns - BEGIN_NS) / MS);
    })
    .count()
}

#[test]
fn a_start_is_exact_to_a_fraction_of_a_sample() {
    for rate in [44_100, 48_000, 96_000] {
        let mut rig = Rig::new(rate);
        assert_eq!(rig.feed.heard(rig.now_ns()), None);
        let _producer = rig.cue(ruler(0..20_000));
        let start_ns = rig.now_ns() + 33_333_333;
        rig.feed.start_at(start_ns);
        let sound = rig.pull_for(100 * MS);
        let first = sound.iter().find(|(_, [_, right])| *right != 0.0).unwrap().0;
        assert!((0..1_000_000_000 / i64::from(rate)).contains(&(first - start_ns)), "{} ns", first - start_ns);
        let mut checked = 0;
        for (ns, frame) in sound {
            let Some(film_ns) = read_ruler(frame) else { continue };
            // A fiftieth of a sample, which is what floats can tell of the ruler.
            assert!((film_ns - (FILM_NS + ns - start_ns) as f64).abs() < 500.0, "{} ns", film_ns - (FILM_NS + ns - start_ns) as f64);
            checked += 1;
        }
        assert!(checked > 2000);
        assert_eq!(rig.feed.heard(start_ns - 1).unwrap().film_ns, FILM_NS);
    }
}

#[test]
fn a_late_start_begins_where_it_would_be() {
    let mut rig = Rig::new(48_000);
    let _producer = rig.cue(ruler(0..48_000));
    rig.pull(480);
    let start_ns = rig.now_ns() - 250 * MS;
    rig.feed.start_at(start_ns);
    let sound = rig.pull_for(50 * MS);
    let (ns, frame) = sound[1000];
    assert!((read_ruler(frame).unwrap() - (FILM_NS + ns - start_ns) as f64).abs() < 500.0);
    assert!(sound[LOOK_AHEAD].1[1] > 0.0, "it begins at once");
    check_clock(&rig, &sound, 1000.0);
}

#[test]
fn a_late_start_goes_no_further_than_the_ring() {
    let mut rig = Rig::new(48_000);
    let producer = rig.cue(ruler(0..9600));
    rig.feed.start_at(rig.now_ns() - 60_000 * MS);
    rig.pull(480);
    let heard = rig.feed.heard(rig.now_ns()).unwrap();
    assert!((190 * MS..200 * MS).contains(&(heard.film_ns - FILM_NS)), "{heard:?}");
    drop(producer);
    rig.pull_for(50 * MS);
    let heard = rig.feed.heard(rig.now_ns()).unwrap();
    assert!(heard.ended && !heard.playing && (heard.film_ns - FILM_NS - 200 * MS).abs() < MS / 10, "{heard:?}");
    assert_eq!(rig.feed.buffered_ns(), 0);
}

#[test]
fn a_stop_is_exact_and_going_on_loses_and_doubles_nothing() {
    for rate in [44_100, 48_000] {
        let mut rig = Rig::new(rate);
        let _producer = rig.cue(ruler(0..60_000));
        let start_ns = rig.now_ns() + 10 * MS;
        let (stop_ns, again_ns) = (start_ns + 123_456_789, start_ns + 300_000_001);
        rig.feed.start_at(start_ns);
        rig.feed.stop_at(stop_ns);
        rig.feed.start_at(again_ns);
        let sound = rig.pull_for(500 * MS);
        let stands = rig.feed.heard(stop_ns + 50 * MS).unwrap();
        assert!(!stands.playing && (stands.film_ns - FILM_NS - 123_456_789).abs() < 100, "{stands:?}");
        let silent = |ns: &i64| (stop_ns + 5 * MS..again_ns).contains(ns);
        assert!(sound.iter().filter(|(ns, _)| silent(ns)).all(|(_, frame)| *frame == [0.0; 2]));
        let after = sound.iter().filter(|(ns, _)| *ns > again_ns + 5 * MS);
        for (ns, frame) in after {
            let film_ns = read_ruler(*frame).unwrap();
            assert!((film_ns - (FILM_NS + 123_456_789 + ns - again_ns) as f64).abs() < 1000.0);
        }
        assert!(check_clock(&rig, &sound, 25_000.0) > 10_000);
    }
}

#[test]
fn a_stop_that_comes_late_stops_at_once() {
    let mut rig = Rig::new(48_000);
    let _producer = rig.cue(ruler(0..48_000));
    rig.feed.start_at(rig.now_ns());
    rig.pull_for(100 * MS);
    let now_ns = rig.now_ns();
    rig.feed.stop_at(now_ns - 30 * MS);
    let sound = rig.pull_for(50 * MS);
    assert_eq!(rig.feed.heard(now_ns + 40 * MS).unwrap().film_ns, rig.feed.heard(now_ns + DELAY_NS).unwrap().film_ns);
    assert_eq!(sound.last().unwrap().1, [0.0; 2]);
}

#[test]
fn the_clock_is_true_through_start_stop_trim_skip_and_hold() {
    for rate in [44_100, 48_000] {
        let mut rig = Rig::new(rate);
        let _producer = rig.cue(ruler(0..200_000));
        rig.feed.start_at(rig.now_ns() + 7_654_321);
        let mut sound = rig.pull_for(100 * MS);
        rig.feed.trim(1.005);
        sound.extend(rig.pull_for(300 * MS));
        rig.feed.skip(37 * MS);
        // A ruler cannot be read while two places of it are mixed.
        sound.extend(rig.pull_for(100 * MS).split_off(1000));
        rig.feed.trim(0.2);
        rig.feed.skip(-21_234_567);
        sound.extend(rig.pull_for(200 * MS));
        rig.feed.stop_at(rig.now_ns() + 5_555_555);
        rig.feed.start_at(rig.now_ns() + 44_444_444);
        sound.extend(rig.pull_for(200 * MS));
        rig.feed.skip(900 * MS);
        sound.extend(rig.pull_for(100 * MS).split_off(1000));
        assert!(check_clock(&rig, &sound, 100_000.0) > 30_000);
        // 100 + 300 x 1.005 + 37 + 100 x 1.005 + (200 - 21.2) x 0.995 + (200 - 38.9) x 0.995 + 900 + 100 x 0.995, callbacks rounded up.
        let film_ms = (rig.feed.heard(rig.now_ns()).unwrap().film_ns - FILM_NS) / MS;
        assert!((1860..2100).contains(&film_ms), "{film_ms}");
    }
}

#[test]
fn a_hold_lasts_as_long_as_asked() {
    let mut rig = Rig::new(48_000);
    let _producer = rig.cue(ruler(0..48_000));
    let start_ns = rig.now_ns();
    rig.feed.start_at(start_ns);
    rig.pull_for(100 * MS);
    rig.feed.skip(-50_000_777);
    let sound = rig.pull_for(200 * MS);
    let (ns, frame) = *sound.last().unwrap();
    assert!((read_ruler(frame).unwrap() - (FILM_NS + ns - start_ns - 50_000_777) as f64).abs() < 1000.0);
    assert!(sound.iter().any(|(_, frame)| *frame == [0.0; 2]));
}

#[test]
fn without_samples_there_is_silence_and_the_film_stands_and_then_goes_on() {
    let mut rig = Rig::new(48_000);
    let mut producer = rig.cue(ruler(0..4800));
    rig.feed.start_at(rig.now_ns());
    rig.pull_for(100 * MS);
    assert_eq!(rig.pull_for(50 * MS).last().unwrap().1, [0.0; 2]);
    let stands = rig.feed.heard(rig.now_ns()).unwrap();
    assert!(!stands.playing && !stands.ended && (94 * MS..100 * MS).contains(&(stands.film_ns - FILM_NS)), "{stands:?}");
    assert_eq!(rig.feed.heard(rig.now_ns() + 1000 * MS), Some(stands));
    assert_eq!(rig.feed.underruns(), 1);
    assert_eq!(producer.push(&ruler(4800..9600)), 4800);
    let back_ns = rig.now_ns() + DELAY_NS;
    let sound = rig.pull_for(50 * MS);
    let (ns, frame) = sound[1000];
    assert!((read_ruler(frame).unwrap() - (stands.film_ns + ns - back_ns) as f64).abs() < 1000.0);
    check_clock(&rig, &sound, 1000.0);
}

#[test]
fn a_trimmed_tone_stays_clean_up_to_18_khz() {
    for trim in [0.995, 1.005] {
        for hz in [100.0, 1_000.0, 5_000.0, 10_000.0, 16_000.0, 18_000.0] {
            let mut rig = Rig::new(48_000);
            let _producer = rig.cue(tone(hz, 30_000));
            rig.feed.trim(trim);
            rig.feed.start_at(rig.now_ns());
            let sound: Vec<_> = rig.pull_for(500 * MS)[4800..20_000].iter().map(|(_, [left, _])| f64::from(*left)).collect();
            let clean_db = tone_over_rest_db(&sound, hz * trim / 48e3);
            assert!(clean_db > 90.0, "{clean_db:.1} dB at {hz} Hz x {trim}");
        }
    }
}

#[test]
fn a_tone_stays_clean_on_a_slower_device() {
    for hz in [1_000.0, 16_000.0] {
        let mut rig = Rig::new(44_100);
        let _producer = rig.cue(tone(hz, 30_000));
        rig.feed.start_at(rig.now_ns());
        let sound: Vec<_> = rig.pull_for(500 * MS)[4800..20_000].iter().map(|(_, [left, _])| f64::from(*left)).collect();
        let clean_db = tone_over_rest_db(&sound, hz / 44_100.0);
        assert!(clean_db > 85.0, "{clean_db:.1} dB at {hz} Hz");
    }
}

/// The power of the tone that fits best over that of everything else.
fn tone_over_rest_db(sound: &[f64], cycles_per_frame: f64) -> f64 {
    let waves: Vec<_> = (0..sound.len()).map(|k| (TAU * cycles_per_frame * k as f64).sin_cos()).collect();
    let sum = |f: &dyn Fn(f64, (f64, f64)) -> f64| sound.iter().zip(&waves).map(|(x, wave)| f(*x, *wave)).sum::<f64>();
    let (ss, cc, sc) = (sum(&|_, (s, _)| s * s), sum(&|_, (_, c)| c * c), sum(&|_, (s, c)| s * c));
    let (xs, xc) = (sum(&|x, (s, _)| x * s), sum(&|x, (_, c)| x * c));
    let determinant = ss * cc - sc * sc;
    let (a, b) = ((xs * cc - xc * sc) / determinant, (xc * ss - xs * sc) / determinant);
    let tone = sum(&|_, (s, c)| (a * s + b * c).powi(2));
    let rest = sum(&|x, (s, c)| (x - a * s - b * c).powi(2));
    10.0 * (tone / rest).log10()
}

#[test]
fn untrimmed_sound_on_whole_samples_passes_bit_for_bit() {
    let mut rig = Rig::new(48_000);
    let original = tone(12_345.0, 9600);
    let _producer = rig.cue(original.clone());
    rig.feed.start_at(rig.now_ns());
    let sound: Vec<_> = rig.pull(4800).into_iter().map(|(_, frame)| frame).collect();
    assert_eq!(sound[LOOK_AHEAD + 200..], original[LOOK_AHEAD + 200..4800]);
}

#[test]
fn no_order_clicks() {
    let mut rig = Rig::new(48_000);
    let _producer = rig.cue(tone(200.0, 96_000));
    rig.feed.start_at(rig.now_ns() + 5 * MS);
    let mut sound = rig.pull_for(100 * MS);
    // Half a period: the worst there is.
    rig.feed.skip(52_500_000);
    sound.extend(rig.pull_for(50 * MS));
    rig.feed.trim(1.005);
    sound.extend(rig.pull_for(50 * MS));
    rig.feed.skip(-10 * MS);
    sound.extend(rig.pull_for(50 * MS));
    rig.feed.stop_at(0);
    sound.extend(rig.pull_for(3 * MS));
    rig.feed.start_at(0);
    sound.extend(rig.pull_for(100 * MS));
    let _other = rig.cue(tone(300.0, 9600));
    sound.extend(rig.pull_for(100 * MS));
    // The tone's own slope, and the whole tone gone in the shortest fade.
    let allowed = 0.5 * TAU * 200.0 / 48e3 * 1.1 + 0.5 / 192.0 * 1.1;
    let steepest = sound.windows(2).map(|two| f64::from((two[1].1[0] - two[0].1[0]).abs())).fold(0.0, f64::max);
    assert!(steepest < allowed, "{steepest} of {allowed}");
}

#[test]
fn a_cue_replaces_what_is_played_and_frees_it() {
    let mut rig = Rig::new(48_000);
    let old = rig.cue(ruler(0..48_000));
    rig.feed.start_at(rig.now_ns());
    rig.pull_for(50 * MS);
    let (mut producer, consumer) = ring(9600);
    assert_eq!(producer.push(&ruler(0..4800)), 4800);
    assert_eq!(rig.feed.cue(consumer, 5 * MS), 2);
    assert_eq!(rig.feed.buffered_ns(), 100 * MS);
    let sound = rig.pull_for(50 * MS);
    assert_eq!(sound.last().unwrap().1, [0.0; 2]);
    let heard = rig.feed.heard(rig.now_ns()).unwrap();
    assert_eq!((heard.film_ns, heard.playing, heard.cue), (5 * MS, false, 2));
    assert!(!old.is_abandoned(), "the callback frees nothing");
    rig.feed.trim(1.0);
    assert!(old.is_abandoned());
}

#[test]
fn the_volume_and_mute_of_the_film_are_heard() {
    let mut rig = Rig::new(48_000);
    let _producer = rig.cue(vec![[0.5; 2]; 96_000]);
    rig.feed.start_at(rig.now_ns());
    let mut level = |set: &dyn Fn(&mut Mixer)| {
        set(&mut rig.mixer);
        rig.pull_for(100 * MS).last().unwrap().1[0]
    };
    assert!((level(&|_| ()) - 0.5).abs() < 1e-6);
    assert!((level(&|mixer| mixer.set_film_volume(50.0)) - 0.0625).abs() < 1e-5);
    assert_eq!(level(&|mixer| mixer.set_film_muted(true)), 0.0);
    assert!((level(&|mixer| mixer.set_film_volume(80.0))).abs() < 1e-9);
    assert!((level(&|mixer| mixer.set_film_muted(false)) - 0.256).abs() < 1e-5);
}

#[test]
fn at_150_percent_quiet_sound_is_louder_and_loud_sound_is_held_whole() {
    let mut rig = Rig::new(48_000);
    rig.mixer.set_film_volume(150.0);
    let _producer = rig.cue(tone(1000.0, 96_000).into_iter().map(|frame| frame.map(|sample| sample * 0.2)).collect());
    rig.feed.start_at(rig.now_ns());
    let peak = |sound: &[(i64, StereoFrame)]| sound.iter().map(|(_, frame)| frame[0].abs()).fold(0.0, f32::max);
    assert!((peak(&rig.pull_for(200 * MS).split_off(4800)) - 0.3375).abs() < 1e-3);
    let _loud = rig.cue(tone(1000.0, 96_000).into_iter().map(|frame| frame.map(|sample| sample * 2.0)).collect());
    rig.feed.start_at(rig.now_ns());
    let sound = rig.pull_for(500 * MS);
    assert!(sound.iter().flat_map(|(_, frame)| frame).all(|sample| sample.abs() <= CEILING));
    let steady: Vec<_> = sound[9600..20_000].iter().map(|(_, frame)| f64::from(frame[0])).collect();
    assert!(peak(&sound[9600..20_000]) > 0.9);
    let clean_db = tone_over_rest_db(&steady, 1000.0 / 48e3);
    assert!(clean_db > 40.0, "{clean_db:.1} dB: a tone is still a tone");
}

#[test]
fn night_mode_is_heard_behind_the_feed_and_before_the_volume() {
    let mut rig = Rig::new(48_000);
    rig.mixer.set_night(true);
    rig.mixer.set_film_volume(50.0);
    let _producer = rig.cue(tone(1000.0, 240_000));
    rig.feed.start_at(rig.now_ns());
    let sound = rig.pull_for(3000 * MS);
    let power: f64 = sound[100_000..].iter().map(|(_, frame)| f64::from(frame[0]).powi(2)).sum::<f64>() / (sound.len() - 100_000) as f64;
    // -9 dB goes down by 12 dB, then by the volume's 18 dB.
    assert!((10.0 * power.log10() + 39.0).abs() < 1.5, "{:.1} dB", 10.0 * power.log10());
}

#[test]
fn sound_that_reaches_the_ear_late_is_sent_early() {
    let mut rig = Rig::new(48_000);
    rig.mixer.set_offset_ms(200);
    let _producer = rig.cue(ruler(0..48_000));
    rig.pull(480);
    let start_ns = rig.now_ns() + 300 * MS;
    rig.feed.start_at(start_ns);
    let sound = rig.pull_for(300 * MS);
    let first = sound.iter().find(|(_, [_, right])| *right != 0.0).unwrap().0;
    assert!((start_ns - 200 * MS - first).abs() < MS / 10, "{} ms", (first - start_ns) / MS);
    // What is heard 200 ms after it left the device is what the clock says.
    let (ns, frame) = sound[9000];
    let told = rig.feed.heard(ns + 200 * MS).unwrap();
    assert!((told.film_ns as f64 - read_ruler(frame).unwrap()).abs() < 1000.0);
}

#[test]
fn at_any_rate_the_clock_is_the_rate_and_what_is_heard_is_around_it() {
    for rate in [0.5, 0.75, 1.25, 1.5, 2.0] {
        let mut rig = Rig::new(48_000);
        let _producer = rig.cue(ruler(0..200_000));
        let start_ns = rig.now_ns() + 20 * MS;
        rig.feed.run_at(start_ns, rate);
        let sound = rig.pull_for(1500 * MS);
        let place = |ns: i64| FILM_NS as f64 + (ns - start_ns) as f64 * rate;
        let (mut sum, mut count) = (0.0, 0.0);
        for (ns, frame) in sound.into_iter().filter(|(ns, _)| *ns > start_ns + 100 * MS) {
            let told = rig.feed.heard(ns).unwrap();
            assert!((told.film_ns as f64 - place(ns)).abs() < 50_000.0, "{told:?} at {ns}, not {}", place(ns));
            // A ruler is not made of waves, so that grains are as far off as they may be.
            let off = read_ruler(frame).unwrap() - place(ns);
            assert!(off.abs() < 62.0 * MS as f64, "{off} ns off");
            (sum, count) = (sum + off, count + 1.0);
        }
        assert!(count > 50_000.0);
        let mean_ms = sum / count / 1e6;
        assert!(mean_ms.abs() < 14.0, "{mean_ms} ms off in the mean at {rate}");
    }
}

#[test]
fn a_faster_or_slower_film_keeps_its_pitch() {
    for rate in [0.5, 0.8, 1.25, 2.0] {
        for (device, hz) in [(48_000, 110.0), (48_000, 440.0), (48_000, 3000.0), (44_100, 440.0)] {
            let mut rig = Rig::new(device);
            let _producer = rig.cue(tone(hz, 150_000));
            rig.feed.run_at(rig.now_ns(), rate);
            let sound: Vec<_> = rig.pull_for(1000 * MS)[9600..40_000].iter().map(|(_, [left, _])| f64::from(*left)).collect();
            let peak = sound.iter().fold(0.0_f64, |peak, sample| peak.max(sample.abs()));
            assert!((0.45..0.56).contains(&peak), "{peak} at {hz} Hz x {rate}");
            let crossings = sound.windows(2).filter(|two| two[0] < 0.0 && two[1] >= 0.0).count();
            let heard_hz = crossings as f64 / (sound.len() as f64 / f64::from(device));
            assert!((heard_hz - hz).abs() < hz * 0.01 + 2.0, "{heard_hz} Hz for {hz} Hz x {rate}");
            let steepest = sound.windows(2).map(|two| (two[1] - two[0]).abs()).fold(0.0, f64::max);
            assert!(steepest < 0.5 * TAU * hz / f64::from(device) * 1.2 + 0.002, "no grain clicks: {steepest} at {hz} Hz x {rate}");
        }
    }
}

#[test]
fn a_change_of_rate_is_exact_also_when_it_comes_late() {
    for late_ms in [-50, 0, 80] {
        let mut rig = Rig::new(48_000);
        let _producer = rig.cue(tone(300.0, 300_000));
        let start_ns = rig.now_ns();
        rig.feed.start_at(start_ns);
        let mut sound = rig.pull_for(400 * MS);
        let (fast_ns, slow_ns, own_ns) = (rig.now_ns() - late_ms * MS, rig.now_ns() + 400 * MS, rig.now_ns() + 1100 * MS);
        rig.feed.run_at(fast_ns, 1.5);
        sound.extend(rig.pull_for(300 * MS));
        rig.feed.run_at(slow_ns - late_ms.max(0) * MS, 0.5);
        sound.extend(rig.pull_for(700 * MS));
        rig.feed.run_at(own_ns, 1.0);
        sound.extend(rig.pull_for(600 * MS));
        let fast_s = (slow_ns - late_ms.max(0) * MS - fast_ns) as f64;
        let slow_s = (own_ns - slow_ns + late_ms.max(0) * MS) as f64;
        let end_ns = own_ns + 200 * MS;
        let expected = (fast_ns - start_ns) as f64 + fast_s * 1.5 + slow_s * 0.5 + 200e6;
        let heard = (rig.feed.heard(end_ns).unwrap().film_ns - FILM_NS) as f64;
        assert!((heard - expected).abs() < 50_000.0, "{late_ms} ms late: {heard} of {expected}");
        let allowed = 0.5 * TAU * 300.0 / 48e3 * 1.1 + 0.5 / 192.0 * 1.1;
        let steepest = sound.windows(2).map(|two| f64::from((two[1].1[0] - two[0].1[0]).abs())).fold(0.0, f64::max);
        assert!(steepest < allowed, "{steepest} of {allowed}");
        // At its own speed again it is the place itself that is heard.
        let (ns, frame) = sound.iter().rev().find(|(ns, _)| *ns <= end_ns).unwrap();
        let place = (rig.feed.heard(*ns).unwrap().film_ns - FILM_NS) as f64 * 1e-9;
        assert!((f64::from(frame[0]) - 0.5 * (TAU * 300.0 * place).sin()).abs() < 0.01);
    }
}

#[test]
fn skip_hold_stop_and_trim_are_exact_at_another_rate() {
    let mut rig = Rig::new(48_000);
    let _producer = rig.cue(tone(200.0, 400_000));
    let start_ns = rig.now_ns();
    rig.feed.run_at(start_ns, 1.5);
    rig.pull_for(200 * MS);
    rig.feed.skip(70 * MS);
    rig.pull_for(200 * MS);
    rig.feed.skip(-100 * MS);
    rig.pull_for(300 * MS);
    let stop_ns = rig.now_ns() + 33 * MS;
    rig.feed.stop_at(stop_ns);
    rig.feed.run_at(stop_ns + 100 * MS, 1.5);
    rig.pull_for(300 * MS);
    let now_ns = rig.now_ns();
    let expected = (now_ns - 100 * MS - start_ns) as f64 * 1.5 - 30e6;
    let heard = (rig.feed.heard(now_ns).unwrap().film_ns - FILM_NS) as f64;
    assert!((heard - expected).abs() < 50_000.0, "{heard} of {expected}");
    rig.feed.trim(1.004);
    rig.pull_for(500 * MS);
    let moved = (rig.feed.heard(rig.now_ns()).unwrap().film_ns - FILM_NS) as f64 - heard;
    assert!((moved / (rig.now_ns() - now_ns) as f64 / 1.5 - 1.004).abs() < 1e-4, "{moved}");
}

#[test]
fn a_dropped_feed_fades_and_frees_its_ring() {
    let mut rig = Rig::new(48_000);
    let old = rig.cue(ruler(0..48_000));
    rig.feed.start_at(rig.now_ns());
    rig.pull_for(50 * MS);
    let (feed, sound) = feed(Trace::default());
    rig.feed = feed;
    assert_eq!(rig.pull_for(50 * MS).last().unwrap().1, [0.0; 2]);
    // The mixer frees what has finished when it takes something new.
    rig.mixer.play_film_feed(sound).unwrap();
    assert!(old.is_abandoned());
}

#[test]
fn each_callback_that_plays_is_traced_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.jsonl");
    let mut rig = Rig::traced(48_000, Trace::to_file(&path).unwrap());
    let _producer = rig.cue(ruler(0..48_000));
    let start_ns = rig.now_ns() + 15 * MS + DELAY_NS;
    rig.feed.start_at(start_ns);
    rig.pull(480);
    rig.pull(480);
    rig.pull(1440);
    drop(rig);
    let events = trace::read(&path).unwrap();
    let heard = |ns, film_ns| Event::Heard { mono_ns: ns, film_ns: FILM_NS + film_ns };
    assert_eq!(events, [heard(start_ns, 0), heard(start_ns + 5 * MS, 5 * MS)]);
}

#[test]
fn handles_may_be_kept_anywhere() {
    fn keep<T: Send + Sync + 'static>() {}
    keep::<Feed>();
    keep::<Mixer>();
    keep::<Output>();
}

#[test]
fn an_unwritable_file_is_said_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let output = Output::File { path: folder.path().join("no/such.wav"), ppm: 0.0 };
    let Err(error) = Mixer::open(&output, &Trace::default()) else { panic!("it opened") };
    assert!(error.to_string().starts_with("the sound cannot be written to"), "{error}");
}

#[test]
fn a_file_begins_as_wav_and_is_whole_when_the_mixer_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("heard.wav");
    drop(Mixer::open(&Output::File { path: path.clone(), ppm: 0.0 }, &Trace::default()).unwrap());
    let bytes = std::fs::read(path).unwrap();
    assert_eq!(u32::from_le_bytes(bytes[40..44].try_into().unwrap()) as usize, bytes.len() - 44);
}
