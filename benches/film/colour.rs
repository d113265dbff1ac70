//! `film.colour`: pixels of the final picture beside H.273 computed in f64.

use std::{io::Write as _, path::Path, process::Command};

use bevy::prelude::*;
use houselights::{
    app::{ShotOrder, offscreen::Offscreen, take_shot},
    clock::FilmTime,
    film::FilmSource,
    theater::{SeatedCamera, Surface, Tier},
};

use super::table::Row;

const SIZE: (usize, usize) = (1280, 720);

pub(crate) fn run() -> Vec<Row> {
    let folder = tempfile::tempdir().unwrap();
    let mut worst = (0.0, String::new());
    let mut compared = 0;
    for kind in KINDS {
        let card = Card::new(kind);
        let film = folder.path().join(format!("{kind}.mkv"));
        card.film(&film);
        for tier in [Tier::Low, Tier::Medium, Tier::High] {
            for cinema in [true, false] {
                let order = ShotOrder {
                    film: Some(FilmSource::File(film.clone())),
                    at: FilmTime::ZERO,
                    size: (SIZE.0 as u32, SIZE.1 as u32),
                    seat: None,
                    tier: Some(tier),
                    ui: false,
                    company: None,
                    light: false,
                    cinema,
                    paused: false,
                    subtitle: Some(0),
                    subtitle_file: None,
                    people: 0,
                    stand: None,
                    standing: 0,
                    faces: 0,
                    look: (0.0, 0.0),
                };
                let mut shot = take_shot(&order).unwrap();
                for (error, place) in compare(&mut shot, &card) {
                    compared += 1;
                    if error > worst.0 {
                        worst = (error, format!("{kind} {tier:?} {} at {place}", if cinema { "cinema" } else { "seat 35" }));
                    }
                }
            }
        }
    }
    let note = format!("{compared} values; worst: {}", worst.1);
    vec![Row::at_most("film.colour", worst.0, 2.0, "/255").noting(note)]
}

/// How a film says its colours.
#[derive(Debug, Clone, Copy)]
struct Kind {
    matrix: &'static str,
    range: &'static str,
    bits: u32,
    /// Where chroma lies beside luma, across.
    siting: &'static str,
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}-{}-{}", self.matrix, self.range, self.bits, self.siting)
    }
}

const KINDS: [Kind; 8] = [
    Kind { matrix: "bt709", range: "tv", bits: 8, siting: "left" },
    Kind { matrix: "bt709", range: "pc", bits: 8, siting: "left" },
    Kind { matrix: "smpte170m", range: "tv", bits: 8, siting: "left" },
    Kind { matrix: "smpte170m", range: "pc", bits: 8, siting: "left" },
    Kind { matrix: "bt709", range: "tv", bits: 8, siting: "center" },
    Kind { matrix: "bt709", range: "tv", bits: 10, siting: "left" },
    Kind { matrix: "bt709", range: "pc", bits: 10, siting: "center" },
    Kind { matrix: "bt2020nc", range: "tv", bits: 10, siting: "left" },
];

/// Patches of one colour, and below them gradients; codes by plane.
struct Card {
    kind: Kind,
    luma: Vec<u16>,
    blue: Vec<u16>,
    red: Vec<u16>,
    places: Vec<(f64, f64)>,
}

impl Card {
    fn new(kind: Kind) -> Self {
        let (width, height) = SIZE;
        let (is_full, most, one) = (kind.range == "pc", (1 << kind.bits) - 1, 1 << (kind.bits - 8));
        let (low, high) = if is_full { (0, most) } else { (16 * one, 235 * one) };
        let (chroma_low, chroma_high) = if is_full { (1, most) } else { (16 * one, 240 * one) };
        let grey = (128 * one) as u16;
        let span = |low: u32, high: u32, part: f64| (f64::from(low) + f64::from(high - low) * part).round() as u16;
        // Twelve columns and six rows of patches, then a gradient of luma and two of chroma.
        let patch = |column: usize, row: usize| {
            let step = (column * 7 + row * 5) % 12;
            [
                span(low, high, column as f64 / 11.0),
                span(chroma_low, chroma_high, step as f64 / 11.0),
                span(chroma_low, chroma_high, row as f64 / 5.0),
            ]
        };
        let code = |x: usize, y: usize| {
            let part = x as f64 / (width - 1) as f64;
            let middle = span(low, high, 0.5);
            match y * 9 / height {
                row @ 0..6 => patch(x * 12 / width, row),
                6 => [span(low, high, part), grey, grey],
                7 => [middle, span(chroma_low, chroma_high, part), grey],
                _ => [middle, grey, span(chroma_low, chroma_high, part)],
            }
        };
        let mut card = Self { kind, luma: Vec::new(), blue: Vec::new(), red: Vec::new(), places: Vec::new() };
        for y in 0..height {
            for x in 0..width {
                card.luma.push(code(x, y)[0]);
                if x % 2 == 0 && y % 2 == 0 {
                    card.blue.push(code(x, y)[1]);
                    card.red.push(code(x, y)[2]);
                }
            }
        }
        for row in 0..9 {
            for column in 0..12 {
                card.places.push(((f64::from(column) + 0.5) / 12.0, (f64::from(row) + 0.5) / 9.0));
            }
        }
        card
    }

    /// Writes it as a film that loses nothing.
    fn film(&self, path: &Path) {
        let Kind { matrix, range, bits, siting } = self.kind;
        let format = if bits == 8 { "yuv420p" } else { "yuv420p10le" };
        let (primaries, transfer) = if matrix == "bt2020nc" { ("bt2020", "bt2020-10") } else { ("bt709", "bt709") };
        let size = format!("{}x{}", SIZE.0, SIZE.1);
        let mut encoder = Command::new("ffmpeg")
            .args(["-loglevel", "error", "-y", "-f", "rawvideo", "-pix_fmt", format, "-s", &size, "-r", "24", "-i", "-"])
            .args(["-c:v", "ffv1", "-colorspace", matrix, "-color_range", range, "-chroma_sample_location", siting])
            .args(["-color_primaries", primaries, "-color_trc", transfer])
            .arg(path)
            .stdin(std::process::Stdio::piped())
            .spawn()
            .expect("this figure needs the program ffmpeg: scripts/rivals");
        let mut input = encoder.stdin.take().unwrap();
        for _ in 0..24 {
            for plane in [&self.luma, &self.blue, &self.red] {
                let bytes: Vec<u8> = match bits {
                    8 => plane.iter().map(|code| *code as u8).collect(),
                    _ => plane.iter().flat_map(|code| code.to_le_bytes()).collect(),
                };
                input.write_all(&bytes).unwrap();
            }
        }
        drop(input);
        assert!(encoder.wait().unwrap().success());
    }

    /// The codes at a place in pixels (0.5 the middle of the first): luma and chroma as it is sited, linear between neighbours.
    fn codes_at(&self, x: f64, y: f64) -> [f64; 3] {
        let (width, height) = SIZE;
        let (half_width, half_height) = (width / 2, height / 2);
        let chroma = (if self.kind.siting == "left" { (x + 0.5) / 2.0 } else { x / 2.0 }, y / 2.0);
        [
            between(&self.luma, width, height, x, y),
            between(&self.blue, half_width, half_height, chroma.0, chroma.1),
            between(&self.red, half_width, half_height, chroma.0, chroma.1),
        ]
    }
}

fn between(plane: &[u16], width: usize, height: usize, x: f64, y: f64) -> f64 {
    let (left, top) = ((x - 0.5).floor(), (y - 0.5).floor());
    let (across, down) = (x - 0.5 - left, y - 0.5 - top);
    let at = |x: f64, y: f64| {
        let (x, y) = (x.clamp(0.0, (width - 1) as f64) as usize, y.clamp(0.0, (height - 1) as f64) as usize);
        f64::from(plane[y * width + x])
    };
    let upper = at(left, top) * (1.0 - across) + at(left + 1.0, top) * across;
    let lower = at(left, top + 1.0) * (1.0 - across) + at(left + 1.0, top + 1.0) * across;
    upper * (1.0 - down) + lower * down
}

/// ITU-T H.273, written down apart from the program's own: R′G′B′ of codes, in 1/255; those of BT.2020 as BT.709 shows them, by BT.2087.
fn reference(codes: [f64; 3], kind: Kind) -> [f64; 3] {
    let (kr, kb) = match kind.matrix {
        "bt709" => (0.2126, 0.0722),
        "bt2020nc" => (0.2627, 0.0593),
        _ => (0.299, 0.114),
    };
    let (most, one) = (f64::from((1u32 << kind.bits) - 1), f64::from(1u32 << (kind.bits - 8)));
    let [y, pb, pr] = if kind.range == "tv" {
        let [luma, blue, red] = codes.map(|code| code / one);
        [(luma - 16.0) / 219.0, (blue - 128.0) / 224.0, (red - 128.0) / 224.0]
    } else {
        [codes[0] / most, (codes[1] - 128.0 * one) / most, (codes[2] - 128.0 * one) / most]
    };
    let red = y + 2.0 * (1.0 - kr) * pr;
    let blue = y + 2.0 * (1.0 - kb) * pb;
    let green = (y - kr * red - kb * blue) / (1.0 - kr - kb);
    let rgb = [red, green, blue];
    let shown = if kind.matrix == "bt2020nc" { as_bt709(rgb) } else { rgb };
    shown.map(|value| (value * 255.0).clamp(0.0, 255.0))
}

fn as_bt709(rgb: [f64; 3]) -> [f64; 3] {
    let light = rgb.map(|code| if code <= 0.04045 { code / 12.92 } else { ((code + 0.055) / 1.055).powf(2.4) });
    let narrow = [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]]
        .map(|row: [f64; 3]| (row[0] * light[0] + row[1] * light[1] + row[2] * light[2]).clamp(0.0, 1.0));
    narrow.map(|light| if light <= 0.003_130_8 { light * 12.92 } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 })
}

fn compare(shot: &mut Offscreen, card: &Card) -> Vec<(f64, String)> {
    let pixels = shot.read_pixels().unwrap();
    let (width, height) = (SIZE.0 as u32, SIZE.1 as u32);
    let world = shot.app.world_mut();
    let surface = *world.query_filtered::<&GlobalTransform, With<Surface>>().single(world).unwrap();
    let (camera, eye) = world.query_filtered::<(&Camera, &GlobalTransform), With<SeatedCamera>>().single(world).unwrap();
    let mut found = Vec::new();
    for &(x, y) in &card.places {
        let local = Vec3::new(x as f32 - 0.5, 0.5 - y as f32, 0.0);
        let pixel = camera.world_to_viewport(eye, surface.transform_point(local)).unwrap();
        let pixel = UVec2::new((pixel.x as u32).min(width - 1), (pixel.y as u32).min(height - 1));
        // What the middle of that pixel shows.
        let ray = camera.viewport_to_world(eye, pixel.as_vec2() + 0.5).unwrap();
        let far = (surface.translation() - ray.origin).z / ray.direction.z;
        let shown = surface.affine().inverse().transform_point3(ray.origin + *ray.direction * far);
        let place = ((f64::from(shown.x) + 0.5) * SIZE.0 as f64, (0.5 - f64::from(shown.y)) * SIZE.1 as f64);
        let expected = reference(card.codes_at(place.0, place.1), card.kind);
        let at = ((pixel.y * width + pixel.x) * 4) as usize;
        for channel in 0..3 {
            let error = (f64::from(pixels[at + channel]) - expected[channel]).abs();
            found.push((error, format!("({x:.2}, {y:.2}) channel {channel}")));
        }
    }
    found
}
