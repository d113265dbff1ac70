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
    for (matrix, range) in [("bt709", "tv"), ("bt709", "pc"), ("smpte170m", "tv"), ("smpte170m", "pc")] {
        let card = Card::new(range == "pc");
        let film = folder.path().join(format!("{matrix}-{range}.mkv"));
        card.film(&film, matrix, range);
        for tier in [Tier::Low, Tier::High] {
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
                for (error, place) in compare(&mut shot, &card, matrix, range) {
                    compared += 1;
                    if error > worst.0 {
                        worst = (error, format!("{matrix} {range} {tier:?} {} at {place}", if cinema { "cinema" } else { "seat 35" }));
                    }
                }
            }
        }
    }
    let note = format!("{compared} values; worst: {}", worst.1);
    vec![Row::at_most("film.colour", worst.0, 2.0, "/255").noting(note)]
}

/// Patches of one colour, and below them gradients; codes by plane.
struct Card {
    luma: Vec<u8>,
    blue: Vec<u8>,
    red: Vec<u8>,
    places: Vec<(f64, f64)>,
}

impl Card {
    fn new(is_full: bool) -> Self {
        let (width, height) = SIZE;
        let (low, high) = if is_full { (0, 255) } else { (16, 235) };
        let (chroma_low, chroma_high) = if is_full { (1, 255) } else { (16, 240) };
        let span = |low: u32, high: u32, part: f64| (f64::from(low) + f64::from(high - low) * part).round() as u8;
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
                6 => [span(low, high, part), 128, 128],
                7 => [middle, span(chroma_low, chroma_high, part), 128],
                _ => [middle, 128, span(chroma_low, chroma_high, part)],
            }
        };
        let mut card = Self { luma: Vec::new(), blue: Vec::new(), red: Vec::new(), places: Vec::new() };
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
    fn film(&self, path: &Path, matrix: &str, range: &str) {
        let size = format!("{}x{}", SIZE.0, SIZE.1);
        let mut encoder = Command::new("ffmpeg")
            .args(["-loglevel", "error", "-y", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", &size, "-r", "24", "-i", "-"])
            .args(["-c:v", "ffv1", "-colorspace", matrix, "-color_range", range, "-chroma_sample_location", "left"])
            .arg(path)
            .stdin(std::process::Stdio::piped())
            .spawn()
            .expect("this figure needs the program ffmpeg: scripts/rivals");
        let mut input = encoder.stdin.take().unwrap();
        for _ in 0..24 {
            for plane in [&self.luma, &self.blue, &self.red] {
                input.write_all(plane).unwrap();
            }
        }
        drop(input);
        assert!(encoder.wait().unwrap().success());
    }

    /// The codes at a place in pixels (0.5 the middle of the first): luma and left-sited chroma, linear between neighbours.
    fn codes_at(&self, x: f64, y: f64) -> [f64; 3] {
        let (width, height) = SIZE;
        let (half_width, half_height) = (width / 2, height / 2);
        let chroma = ((x + 0.5) / 2.0, y / 2.0);
        [
            between(&self.luma, width, height, x, y),
            between(&self.blue, half_width, half_height, chroma.0, chroma.1),
            between(&self.red, half_width, half_height, chroma.0, chroma.1),
        ]
    }
}

fn between(plane: &[u8], width: usize, height: usize, x: f64, y: f64) -> f64 {
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

/// ITU-T H.273, written down apart from the program's own: R′G′B′ of 8-bit codes, in 1/255.
fn reference(codes: [f64; 3], matrix: &str, range: &str) -> [f64; 3] {
    let (kr, kb) = if matrix == "bt709" { (0.2126, 0.0722) } else { (0.299, 0.114) };
    let [y, pb, pr] = if range == "tv" {
        [(codes[0] - 16.0) / 219.0, (codes[1] - 128.0) / 224.0, (codes[2] - 128.0) / 224.0]
    } else {
        [codes[0] / 255.0, (codes[1] - 128.0) / 255.0, (codes[2] - 128.0) / 255.0]
    };
    let red = y + 2.0 * (1.0 - kr) * pr;
    let blue = y + 2.0 * (1.0 - kb) * pb;
    let green = (y - kr * red - kb * blue) / (1.0 - kr - kb);
    [red, green, blue].map(|value| (value * 255.0).clamp(0.0, 255.0))
}

fn compare(shot: &mut Offscreen, card: &Card, matrix: &str, range: &str) -> Vec<(f64, String)> {
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
        let expected = reference(card.codes_at(place.0, place.1), matrix, range);
        let at = ((pixel.y * width + pixel.x) * 4) as usize;
        for channel in 0..3 {
            let error = (f64::from(pixels[at + channel]) - expected[channel]).abs();
            found.push((error, format!("({x:.2}, {y:.2}) channel {channel}")));
        }
    }
    found
}
