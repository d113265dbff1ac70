//! The sounds of the place, made of noise and a few resonances. Pure: the same each time.

use std::f32::consts::TAU;

/// Frames at 48 kHz, left and right.
pub(super) type Frames = Vec<[f32; 2]>;

/// The air of the hall, for ever: a ventilation far away, softened by cloth. It joins its own end without a seam.
pub(super) fn room_tone() -> Frames {
    let (length, seam) = (at_rate(ROOM_TONE_S), at_rate(0.8));
    let side = |seed| {
        let mut noise = Noise(seed);
        let (mut deep, mut air) = (Low::at(190.0), Low::at(1400.0));
        let (mut rumble, mut breath) = (Low::at(70.0), Low::at(0.35));
        (0..length + seam)
            .map(|_| {
                let white = noise.next();
                let slow = 1.0 + 18.0 * breath.next(noise.next());
                (2.2 * deep.next(white) + 3.0 * rumble.next(white)) * slow + 0.05 * air.next(noise.next())
            })
            .collect::<Vec<f32>>()
    };
    let (left, right) = (side(11), side(23));
    let joined = |sound: &[f32], k: usize| {
        if k >= seam {
            return sound[k];
        }
        // Equal power: two noises that know nothing of each other.
        let part = k as f32 / seam as f32;
        sound[k] * part.sqrt() + sound[length + k] * (1.0 - part).sqrt()
    };
    let hum = |k: usize| {
        // Whole turns in the loop.
        let at = k as f32 / length as f32 * ROOM_TONE_S;
        0.012 * (TAU * 50.0 * at).sin() + 0.006 * (TAU * 100.0 * at).sin()
    };
    levelled((0..length).map(|k| [joined(&left, k) + hum(k), joined(&right, k) + hum(k)]).collect(), 0.5)
}

/// Rings along a rail, and heavy cloth behind them; as long as the curtain takes.
pub(super) fn curtain(seconds: f32) -> Frames {
    let length = at_rate(seconds.clamp(0.1, 10.0));
    let mut noise = Noise(5);
    let (mut cloth, mut hiss) = (Band::at(420.0, 0.7), Band::at(2600.0, 1.2));
    let mut ring = [Band::at(3150.0, 14.0), Band::at(4420.0, 18.0)];
    let mut until_ring = 0i32;
    let frames = (0..length)
        .map(|k| {
            let part = k as f32 / length as f32;
            // As the curtain moves: slow, fast, slow.
            let speed = (part * std::f32::consts::PI).sin();
            let white = noise.next();
            let folds = 0.75 + 0.25 * (TAU * 2.3 * k as f32 / RATE).sin();
            until_ring -= 1;
            let tick = if until_ring <= 0 && speed > 0.1 {
                until_ring = ((0.035 + 0.05 * noise.next().abs()) * RATE / speed) as i32;
                0.4 + 0.6 * noise.next().abs()
            } else {
                0.0
            };
            let rings: f32 = ring.iter_mut().map(|ring| ring.next(tick)).sum();
            let sound = (cloth.next(white) + 0.16 * hiss.next(white)) * speed * folds * 0.5 + 0.35 * rings * speed;
            // The halves part to both sides.
            [sound * (0.8 + 0.2 * cloth.0[0]), sound]
        })
        .collect();
    levelled(frames, 0.5)
}

/// Velvet gives way, a spring answers.
pub(super) fn sit() -> Frames {
    let mut noise = Noise(31);
    let (mut cloth, mut thud) = (Band::at(520.0, 0.6), Low::at(110.0));
    levelled(
        (0..at_rate(0.55))
            .map(|k| {
                let at = k as f32 / RATE;
                let rustle = cloth.next(noise.next()) * hump(at, 0.09, 0.11);
                let weight = thud.next(noise.next()) * hump(at, 0.13, 0.05) * 9.0;
                let spring = (TAU * (185.0 - 60.0 * at) * at).sin() * 0.05 * hump(at, 0.22, 0.1);
                let sound = rustle + weight + spring;
                [sound, sound * 0.96]
            })
            .collect(),
        0.5,
    )
}

/// Cloth, then the seat folds up against its back.
pub(super) fn rise() -> Frames {
    let mut noise = Noise(47);
    let (mut cloth, mut knock) = (Band::at(640.0, 0.6), Band::at(240.0, 3.0));
    levelled(
        (0..at_rate(0.6))
            .map(|k| {
                let at = k as f32 / RATE;
                let rustle = cloth.next(noise.next()) * hump(at, 0.12, 0.12) * 0.7;
                let fold = knock.next(noise.next() * hump(at, 0.34, 0.012)) * 5.0;
                let sound = rustle + fold;
                [sound * 0.96, sound]
            })
            .collect(),
        0.5,
    )
}

/// A shoe on thick carpet. Each of a few is a little different.
pub(super) fn footfall(number: u32) -> Frames {
    let mut noise = Noise(101 + number * 17);
    let (mut heel, mut pile) = (Low::at(130.0 + 12.0 * number as f32), Band::at(900.0 + 70.0 * number as f32, 0.8));
    levelled(
        (0..at_rate(0.2))
            .map(|k| {
                let at = k as f32 / RATE;
                let white = noise.next();
                let sound = heel.next(white) * hump(at, 0.022, 0.018) * 8.0 + pile.next(white) * hump(at, 0.06, 0.035) * 0.25;
                [sound, sound]
            })
            .collect(),
        0.5,
    )
}

/// A soft key under the thumb: down and up.
pub(super) fn click() -> Frames {
    let mut noise = Noise(71);
    let (mut body, mut edge) = (Band::at(1350.0, 3.0), Band::at(3900.0, 5.0));
    levelled(
        (0..at_rate(0.12))
            .map(|k| {
                let at = k as f32 / RATE;
                let touch = noise.next() * (hump(at, 0.004, 0.0012) + 0.45 * hump(at, 0.068, 0.0009));
                let sound = body.next(touch) + 0.5 * edge.next(touch);
                [sound, sound]
            })
            .collect(),
        0.5,
    )
}

/// Rises and falls round `middle` s within about `width` s to each side.
/// A dozen pairs of hands, for a little more than two seconds.
pub(super) fn applause() -> Frames {
    let mut frames = vec![[0.0; 2]; at_rate(APPLAUSE_S)];
    for hands in 0..12u32 {
        let mut noise = Noise(97 + hands * 31);
        // Each pair has its own pitch, pace and place.
        let mut clap = Band::at(900.0 + 1300.0 * noise.next().abs(), 1.6);
        let (pace_s, right) = (0.17 + 0.07 * noise.next().abs(), 0.5 + 0.4 * noise.next());
        let (mut since_s, mut next_s) = (0.0_f32, 0.25 * noise.next().abs());
        for (k, frame) in frames.iter_mut().enumerate() {
            let at = k as f32 / RATE;
            if at >= next_s {
                (since_s, next_s) = (0.0, next_s + pace_s * (1.0 + 0.25 * noise.next()));
            }
            let sound = clap.next(noise.next() * (-since_s / 0.006).exp()) * swell(at, APPLAUSE_S);
            since_s += 1.0 / RATE;
            frame[0] += sound * (1.0 - right);
            frame[1] += sound * right;
        }
    }
    levelled(frames, 0.5)
}

/// A few voices that laugh, each in its own way, for a little more than two seconds.
pub(super) fn laughter() -> Frames {
    let mut frames = vec![[0.0; 2]; at_rate(APPLAUSE_S)];
    for voice in 0..7u32 {
        let mut noise = Noise(211 + voice * 77);
        let pitch = 120.0 + 26.0 * voice as f32;
        let mut vowel = [Band::at(760.0 + 30.0 * voice as f32, 6.0), Band::at(1240.0, 7.0), Band::at(2600.0, 8.0)];
        let (begin_s, pace_hz, right) = (0.35 * noise.next().abs(), 4.3 + 1.2 * noise.next().abs(), 0.5 + 0.4 * noise.next());
        let mut turn = 0.0f32;
        for (k, frame) in frames.iter_mut().enumerate() {
            let at = k as f32 / RATE - begin_s;
            if at < 0.0 {
                continue;
            }
            // “Ha”: breath, then a falling tone, again and again.
            let in_ha = (at * pace_hz).fract();
            let tone = pitch * (1.25 - 0.35 * in_ha) * (1.0 - 0.08 * at);
            turn = (turn + tone / RATE).fract();
            let voiced = (1.0 - 2.0 * turn) * hump(in_ha, 0.32, 0.16);
            let breath = 0.22 * noise.next() * hump(in_ha, 0.08, 0.07);
            let sound: f32 = vowel.iter_mut().map(|band| band.next(voiced + breath)).sum::<f32>() * swell(at, APPLAUSE_S - begin_s);
            frame[0] += sound * (1.0 - right);
            frame[1] += sound * right;
        }
    }
    levelled(frames, 0.5)
}

/// Comes quickly, goes slowly.
fn swell(at: f32, lasts: f32) -> f32 {
    let part = (at / lasts).clamp(0.0, 1.0);
    (part / 0.12).min(1.0) * (1.0 - part) * (1.0 - part * 0.3)
}

fn hump(at: f32, middle: f32, width: f32) -> f32 {
    let far = (at - middle) / width;
    (-far * far).exp()
}

/// The same with its loudest sample at `peak`, soft at both ends unless it is a loop.
fn levelled(mut frames: Frames, peak: f32) -> Frames {
    let most = frames.iter().flatten().fold(1e-9f32, |most, sample| most.max(sample.abs()));
    frames.iter_mut().flatten().for_each(|sample| *sample *= peak / most);
    frames
}

fn at_rate(seconds: f32) -> usize {
    (seconds * RATE) as usize
}

const RATE: f32 = 48_000.0;
const APPLAUSE_S: f32 = 2.4;
/// Longer than anybody would notice that it comes again; a whole number of the hum's turns.
const ROOM_TONE_S: f32 = 6.0;

/// White noise between −1 and 1: xorshift.
struct Noise(u32);

impl Noise {
    fn next(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0 as f32 / u32::MAX as f32 * 2.0 - 1.0
    }
}

/// Lets through what is lower, twice 6 dB an octave.
struct Low {
    part: f32,
    state: [f32; 2],
}

impl Low {
    fn at(hertz: f32) -> Self {
        Self { part: 1.0 - (-TAU * hertz / RATE).exp(), state: [0.0; 2] }
    }

    fn next(&mut self, sample: f32) -> f32 {
        self.state[0] += (sample - self.state[0]) * self.part;
        self.state[1] += (self.state[0] - self.state[1]) * self.part;
        self.state[1]
    }
}

/// Lets through what is near: a state variable filter (Chamberlin's), far below the rate.
struct Band([f32; 2], f32, f32);

impl Band {
    fn at(hertz: f32, sharpness: f32) -> Self {
        Self([0.0; 2], 2.0 * (std::f32::consts::PI * hertz / RATE).sin(), 1.0 / sharpness)
    }

    fn next(&mut self, sample: f32) -> f32 {
        let [low, band] = &mut self.0;
        *low += self.1 * *band;
        let high = sample - *low - self.2 * *band;
        *band += self.1 * high;
        *band
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sound_is_a_sound() {
        for (name, frames) in [
            ("room tone", room_tone()),
            ("curtain", curtain(2.6)),
            ("sit", sit()),
            ("rise", rise()),
            ("footfall", footfall(0)),
            ("click", click()),
            ("applause", applause()),
            ("laughter", laughter()),
        ] {
            assert!(frames.iter().flatten().all(|sample| sample.is_finite() && sample.abs() <= 0.5001), "{name}");
            let power = frames.iter().flatten().map(|sample| sample * sample).sum::<f32>() / (2.0 * frames.len() as f32);
            assert!((0.001..0.4).contains(&power.sqrt()), "{name}: {}", power.sqrt());
        }
    }

    #[test]
    fn what_is_played_once_ends_in_silence() {
        for (name, frames) in [
            ("curtain", curtain(2.6)),
            ("sit", sit()),
            ("rise", rise()),
            ("footfall", footfall(2)),
            ("click", click()),
            ("applause", applause()),
            ("laughter", laughter()),
        ] {
            let end = &frames[frames.len() - frames.len() / 50..];
            assert!(end.iter().flatten().all(|sample| sample.abs() < 0.02), "{name}");
            assert!(frames[..24].iter().flatten().all(|sample| sample.abs() < 0.2), "{name} begins with a knock");
        }
    }

    #[test]
    fn the_room_tone_has_no_seam() {
        let frames = room_tone();
        let jump = |a: [f32; 2], b: [f32; 2]| (a[0] - b[0]).abs().max((a[1] - b[1]).abs());
        let usual = frames.windows(2).map(|two| jump(two[0], two[1])).fold(0.0, f32::max);
        assert!(jump(frames[frames.len() - 1], frames[0]) <= usual);
    }

    #[test]
    fn nonsense_is_a_short_curtain() {
        assert!(!curtain(-1.0).is_empty() && curtain(1e9).len() <= 480_000);
    }
}
