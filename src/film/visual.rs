//! What is on the screen while a film without any picture plays: three soft lights that drift, slowly and only while it runs.
//!
//! It is made of the film's time alone, so that everybody sees the same.

use std::sync::Arc;

use bevy::math::Vec2;

use crate::theater::{Planes, ScreenCurve, ScreenPicture, ScreenPlane};

/// The visual at a place in the film.
pub(super) fn visual(film_ns: i64) -> ScreenPicture {
    let planes = paint(film_ns as f64 / 1e9);
    ScreenPicture {
        bits: 8,
        // The planes are green, blue and red.
        rows: [[0.0, 0.0, 1.0, 0.0], [1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]],
        chroma_shift: [0; 2],
        chroma_offset: [0.0; 2],
        turn: [[1.0, 0.0], [0.0, 1.0]],
        curve: ScreenCurve::Standard,
        gamut: [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
        tone: [1.0; 4],
        aspect: WIDTH as f32 / HEIGHT as f32,
        zones: planes.zones(),
        planes: Arc::new(planes),
    }
}

fn paint(seconds: f64) -> Lights {
    let lights = LIGHTS.map(|Light { colour, periods_s, phase }| {
        let wave = |period_s: f64, phase: f64| (std::f64::consts::TAU * (seconds / period_s + phase)).sin() as f32;
        let place = Vec2::new(0.5 + 0.38 * wave(periods_s[0], phase), 0.5 + 0.3 * wave(periods_s[1], phase + 0.25));
        (place, colour.map(|part| part * (0.8 + 0.2 * wave(periods_s[0] / 2.0, phase * 2.0))))
    });
    let mut planes = [const { Vec::new() }; 3];
    for y in 0..HEIGHT {
        for x in 0..WIDTH {
            let at = Vec2::new((x as f32 + 0.5) / WIDTH as f32, (y as f32 + 0.5) / HEIGHT as f32);
            let mut rgb = [0.0; 3];
            for (place, colour) in &lights {
                let far = (at - *place) * Vec2::new(1.0, HEIGHT as f32 / WIDTH as f32);
                let share = 1.0 / (1.0 + far.length_squared() * 40.0);
                for (sum, part) in rgb.iter_mut().zip(colour) {
                    *sum += part * share * share;
                }
            }
            let [red, green, blue] = rgb.map(|part| (part.min(1.0) * 255.0).round() as u8);
            for (plane, code) in planes.iter_mut().zip([green, blue, red]) {
                plane.push(code);
            }
        }
    }
    Lights(planes)
}

/// Green, blue and red.
struct Lights([Vec<u8>; 3]);

impl Lights {
    fn zones(&self) -> [[f32; 3]; 6] {
        let mut zones = [[0.0; 3]; 6];
        let [green, blue, red] = &self.0;
        for (i, ((green, blue), red)) in green.iter().zip(blue).zip(red).enumerate() {
            let (x, y) = (i % WIDTH, i / WIDTH);
            let zone = y * 2 / HEIGHT * 3 + x * 3 / WIDTH;
            for (sum, code) in zones[zone].iter_mut().zip([red, green, blue]) {
                // Squaring stands for the display's gamma.
                *sum += (f32::from(*code) / 255.0).powi(2) / (WIDTH * HEIGHT / 6) as f32;
            }
        }
        zones
    }
}

impl Planes for Lights {
    fn levels(&self) -> usize {
        1
    }

    fn plane(&self, index: usize, _: usize) -> ScreenPlane<'_> {
        ScreenPlane { bytes: &self.0[index], stride: WIDTH, width: WIDTH as u32, height: HEIGHT as u32 }
    }
}

struct Light {
    /// Red, green and blue as they are encoded.
    colour: [f32; 3],
    /// How long it takes from side to side and back, and up and down.
    periods_s: [f64; 2],
    phase: f64,
}

/// Amber, rose and a deep blue, none brighter than a third: a hall to listen in.
const LIGHTS: [Light; 3] = [
    Light { colour: [0.34, 0.2, 0.07], periods_s: [47.0, 61.0], phase: 0.0 },
    Light { colour: [0.26, 0.08, 0.16], periods_s: [59.0, 43.0], phase: 0.37 },
    Light { colour: [0.05, 0.12, 0.3], periods_s: [71.0, 53.0], phase: 0.71 },
];
/// Divisible by the zones; the screen draws what is between.
const WIDTH: usize = 96;
const HEIGHT: usize = 54;
/// How often it changes: a dozen a second look like one motion at this pace.
pub(super) const STEP_NS: i64 = 80_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_visual_is_calm() {
        let at = |seconds: f64| paint(seconds).0;
        let mut before = at(0.0);
        for step in 1..200 {
            let now = at(f64::from(step) * 0.08);
            let leap = now.iter().flatten().zip(before.iter().flatten()).map(|(now, before)| now.abs_diff(*before)).max();
            assert!(leap <= Some(3), "{step}: {leap:?}");
            before = now;
        }
        let brightest = before.iter().flatten().max();
        assert!((Some(&40)..=Some(&180)).contains(&brightest), "{brightest:?}");
        assert_eq!(at(-5.0).map(|plane| plane.len()), [WIDTH * HEIGHT; 3]);
    }

    #[test]
    fn its_light_falls_where_it_stands() {
        let bright = Lights([vec![0; WIDTH * HEIGHT], vec![0; WIDTH * HEIGHT], vec![255; WIDTH * HEIGHT]]);
        assert!(bright.zones().iter().all(|zone| (zone[0] - 1.0).abs() < 1e-3 && zone[1] == 0.0));
    }
}
