//! Pixels of the screen beside the standards' own formulas, computed in f64 and written down apart from the program's.

use std::{
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use bevy::prelude::*;
use houselights::{
    film::StepFrame,
    room::{Ask, SeatNumber, SitDown},
    theater::{Screen, Tier},
    ui::Remote,
};

use crate::support::{clip::Clip, hall::Hall};

const SIZE: (usize, usize) = (640, 360);
/// Patches across and down.
const PATCHES: (usize, usize) = (16, 9);

/// Three planes of ten-bit codes in patches, each patch a colour of its own, from black to far beyond white.
fn codes(column: usize, row: usize) -> [u16; 3] {
    let luma = 64 + (876 * column / (PATCHES.0 - 1)) as u16;
    let chroma = |step: usize| 512 + (step as i32 - 2) * 36;
    [luma, chroma(row % 5) as u16, chroma((row * 2 + column) % 5) as u16]
}

fn film(path: &Path, colours: &str) {
    let (width, height) = SIZE;
    let mut bytes = Vec::new();
    for plane in 0..3 {
        let shift = usize::from(plane > 0);
        for y in 0..height >> shift {
            for x in 0..width >> shift {
                let (column, row) = ((x << shift) * PATCHES.0 / width, (y << shift) * PATCHES.1 / height);
                bytes.extend(codes(column, row)[plane].to_le_bytes());
            }
        }
    }
    let mut ffmpeg = Command::new("ffmpeg")
        .args(["-loglevel", "error", "-y", "-f", "rawvideo", "-pix_fmt", "yuv420p10le", "-s", &format!("{width}x{height}")])
        .args(["-r", "10", "-i", "-", "-c:v", "ffv1", "-color_range", "tv"])
        .args(colours.split_whitespace())
        .arg(path)
        .stdin(Stdio::piped())
        .spawn()
        .expect("this test needs the program ffmpeg");
    let mut pipe = ffmpeg.stdin.take().unwrap();
    for _ in 0..3 {
        pipe.write_all(&bytes).unwrap();
    }
    drop(pipe);
    assert!(ffmpeg.wait().unwrap().success());
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Curve {
    Plain,
    Pq,
    Hlg,
}

/// R′G′B′ of ten-bit codes in limited range, 0–1.
fn decoded(codes: [u16; 3], (kr, kb): (f64, f64)) -> [f64; 3] {
    let [y, cb, cr] = codes.map(f64::from);
    let (y, pb, pr) = ((y - 64.0) / 876.0, (cb - 512.0) / 896.0, (cr - 512.0) / 896.0);
    let red = y + (2.0 - 2.0 * kr) * pr;
    let blue = y + (2.0 - 2.0 * kb) * pb;
    [red, (y - kr * red - kb * blue) / (1.0 - kr - kb), blue].map(|value| value.clamp(0.0, 1.0))
}

fn st2084(code: f64) -> f64 {
    let e = code.powf(32.0 / 2523.0);
    10_000.0 * ((e - 0.8359375).max(0.0) / (18.851_562_5 - 18.6875 * e)).powf(16384.0 / 2610.0)
}

fn st2084_inverse(nits: f64) -> f64 {
    let y = (nits / 10_000.0).powf(2610.0 / 16384.0);
    ((0.8359375 + 18.851_562_5 * y) / (1.0 + 18.6875 * y)).powf(2523.0 / 32.0)
}

/// The EETF of BT.2390, annex 5, for a film of 1000 cd/m² on a display of 203, on the brightest of the three.
fn bt2390(nits: [f64; 3]) -> [f64; 3] {
    let brightest = nits[0].max(nits[1]).max(nits[2]);
    if brightest <= 0.0 {
        return [0.0; 3];
    }
    let top = st2084_inverse(1000.0);
    let e1 = (st2084_inverse(brightest) / top).min(1.0);
    let max_lum = st2084_inverse(203.0) / top;
    let ks = 1.5 * max_lum - 0.5;
    let e2 = if e1 < ks {
        e1
    } else {
        let t = (e1 - ks) / (1.0 - ks);
        (2.0 * t.powi(3) - 3.0 * t.powi(2) + 1.0) * ks
            + (t.powi(3) - 2.0 * t.powi(2) + t) * (1.0 - ks)
            + (-2.0 * t.powi(3) + 3.0 * t.powi(2)) * max_lum
    };
    let shown = st2084(e2 * top);
    nits.map(|value| value * shown / brightest / 203.0)
}

/// BT.2087: linear light of BT.2020 as that of BT.709.
fn bt2087([r, g, b]: [f64; 3]) -> [f64; 3] {
    [
        1.660_491 * r - 0.587_641_1 * g - 0.072_849_9 * b,
        -0.124_550_5 * r + 1.132_899_9 * g - 0.008_349_4 * b,
        -0.018_150_8 * r - 0.100_578_9 * g + 1.118_729_7 * b,
    ]
}

fn srgb(light: f64) -> f64 {
    let light = light.clamp(0.0, 1.0);
    255.0 * if light <= 0.003_130_8 { light * 12.92 } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 }
}

/// What stands in the frame for these codes, in 1/255.
fn expected(codes: [u16; 3], curve: Curve) -> [f64; 3] {
    let rgb = decoded(codes, (0.2627, 0.0593));
    let light =
        match curve {
            Curve::Plain => rgb.map(|code| if code <= 0.04045 { code / 12.92 } else { ((code + 0.055) / 1.055).powf(2.4) }),
            Curve::Pq => bt2390(rgb.map(st2084)),
            Curve::Hlg => {
                let scene = rgb.map(|code| {
                    if code <= 0.5 { code * code / 3.0 } else { (((code - 0.559_910_73) / 0.178_832_77).exp() + 0.284_668_92) / 12.0 }
                });
                let luminance: f64 = 0.2627 * scene[0] + 0.678 * scene[1] + 0.0593 * scene[2];
                bt2390(scene.map(|value| 1000.0 * luminance.powf(0.2) * value))
            }
        };
    bt2087(light).map(srgb)
}

/// The pixel in the middle of each patch, and its column and row.
fn patches(hall: &mut Hall) -> Vec<((usize, usize), [u8; 3])> {
    let pixels = hall.offscreen.read_pixels().unwrap();
    let places: Vec<_> = (0..PATCHES.0).flat_map(|column| (0..PATCHES.1).map(move |row| (column, row))).collect();
    let middle = |(column, row): (usize, usize)| Vec2::new((column as f32 + 0.5) / PATCHES.0 as f32, (row as f32 + 0.5) / PATCHES.1 as f32);
    let width = hall.size.0 as usize;
    places
        .into_iter()
        .map(|place| {
            let at = hall.pixel_of_film(middle(place).x, middle(place).y);
            let at = (at.y as usize * width + at.x as usize) * 4;
            (place, [pixels[at], pixels[at + 1], pixels[at + 2]])
        })
        .collect()
}

fn open(film: &Path, tier: Tier) -> Hall {
    let mut hall = Hall::open((640, 360), tier);
    hall.hide_panels();
    hall.set_cinema(true);
    hall.present(film, false);
    // The screen's first picture waits for its textures and pipeline.
    hall.steps(4);
    hall
}

#[test]
fn wide_colours_and_high_dynamic_range_are_shown_as_the_standards_say() {
    let folder = tempfile::tempdir().unwrap();
    for (name, curve, tier) in [
        ("bt2020-10", Curve::Plain, Tier::Low),
        ("smpte2084", Curve::Pq, Tier::Low),
        ("smpte2084", Curve::Pq, Tier::High),
        ("arib-std-b67", Curve::Hlg, Tier::Low),
    ] {
        let path = folder.path().join(format!("{name}.mkv"));
        film(&path, &format!("-colorspace bt2020nc -color_primaries bt2020 -color_trc {name}"));
        let mut hall = open(&path, tier);
        for ((column, row), shown) in patches(&mut hall) {
            let expected = expected(codes(column, row), curve);
            let error = shown.iter().zip(expected).map(|(&shown, expected)| (f64::from(shown) - expected).abs()).fold(0.0, f64::max);
            assert!(error <= 2.0, "{name} {tier:?}, patch {column}/{row}: {shown:?} is not {expected:.1?}");
        }
    }
}

#[test]
fn an_upright_film_stands_upright() {
    let folder = tempfile::tempdir().unwrap();
    let (plain, path) = (folder.path().join("plain.mp4"), folder.path().join("upright.mp4"));
    let ffmpeg = |arguments: &[&str], to: &Path| {
        let status = Command::new("ffmpeg").args(["-loglevel", "error", "-y"]).args(arguments).arg(to).status();
        assert!(status.expect("this test needs the program ffmpeg").success());
    };
    // Red on the left, blue on the right; turned a quarter clockwise red is above.
    let halves = "color=red:s=160x160:d=0.5[a];color=blue:s=160x160:d=0.5[b];[a][b]hstack";
    ffmpeg(&["-filter_complex", halves, "-c:v", "libx264", "-pix_fmt", "yuv420p"], &plain);
    ffmpeg(&["-i", &plain.to_string_lossy(), "-c", "copy", "-metadata:s:v", "rotate=270"], &path);
    let mut hall = open(&path, Tier::Low);
    let pixels = hall.offscreen.read_pixels().unwrap();
    let colour = |hall: &mut Hall, x: f32, y: f32| {
        let at = hall.pixel_of_film(x, y);
        let at = (at.y as usize * 640 + at.x as usize) * 4;
        [pixels[at] > 128, pixels[at + 2] > 128]
    };
    for x in [0.1, 0.9] {
        assert_eq!((colour(&mut hall, x, 0.2), colour(&mut hall, x, 0.8)), ([true, false], [false, true]));
    }
}

#[test]
fn steps_show_one_picture_after_the_other_and_back() {
    let folder = tempfile::tempdir().unwrap();
    let film = Clip { size: (640, 360), ..Clip::default() }.make(folder.path());
    let mut hall = open(&film, Tier::Low);
    hall.seek(1.52);
    hall.step();
    assert_eq!(hall.number(), Some(36));
    for (step, number) in
        [(StepFrame::Next, 37), (StepFrame::Next, 38), (StepFrame::Previous, 37), (StepFrame::Previous, 36), (StepFrame::Previous, 35)]
    {
        hall.trigger(step);
        hall.until(|hall| hall.playback().gather.is_none());
        hall.steps(2);
        assert_eq!(hall.number(), Some(number), "{step:?}");
    }
    // A running film is paused, and then steps.
    hall.trigger(Ask::Play);
    hall.steps(20);
    hall.trigger(StepFrame::Next);
    hall.steps(10);
    let stands = hall.number().unwrap();
    hall.steps(10);
    assert_eq!(hall.number(), Some(stands));
    hall.trigger(StepFrame::Next);
    hall.until(|hall| hall.playback().gather.is_none());
    hall.steps(2);
    assert_eq!(hall.number(), Some(stands + 1));
}

#[test]
fn sound_without_a_picture_has_something_to_look_at() {
    let folder = tempfile::tempdir().unwrap();
    let song = Clip { video: &[], name: "song.flac", ..Clip::default() }.make(folder.path());
    let mut hall = open(&song, Tier::Low);
    assert!(hall.world().resource::<Screen>().is_showing());
    let before = hall.offscreen.read_pixels().unwrap();
    let brightest = before.chunks_exact(4).map(|pixel| pixel[0].max(pixel[2])).max().unwrap();
    assert!((30..150).contains(&brightest), "{brightest}");
    hall.trigger(Ask::Play);
    hall.steps(120);
    let after = hall.offscreen.read_pixels().unwrap();
    let leap = before.iter().zip(&after).map(|(before, after)| before.abs_diff(*after)).max().unwrap();
    assert!((1..60).contains(&leap), "it drifts: {leap}");
}

#[test]
fn a_screen_seen_small_or_from_the_side_does_not_shimmer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checks.mkv");
    let checks = "nullsrc=s=1920x1080:r=10:d=0.2,format=yuv420p,geq=lum='16+219*mod(X+Y,2)':cb=128:cr=128";
    let status = Command::new("ffmpeg").args(["-loglevel", "error", "-f", "lavfi", "-i", checks, "-c:v", "ffv1"]).arg(&path).status();
    assert!(status.expect("this test needs the program ffmpeg").success());
    for tier in [Tier::Low, Tier::High] {
        let mut hall = Hall::open((320, 180), tier);
        hall.hide_panels();
        hall.world().resource_mut::<Remote>().is_up = false;
        hall.present(&path, false);
        for seat in [35, 1] {
            hall.trigger(SitDown(SeatNumber::new(seat).unwrap()));
            // Until the curtain is open, and the way to the seat is gone.
            hall.steps(200);
            let pixels = hall.offscreen.read_pixels().unwrap();
            let places = (0..20).flat_map(|x| (0..12).map(move |y| (0.05 + x as f32 * 0.047, 0.05 + y as f32 * 0.047)));
            let mut shown: Vec<u8> = places
                .map(|(x, y)| hall.pixel_of_film(x, y))
                .filter(|at| at.x >= 0.0 && at.y >= 0.0 && at.x < 320.0 && at.y < 180.0)
                .map(|at| pixels[(at.y as usize * 320 + at.x as usize) * 4 + 1])
                .collect();
            // Something of the hall may stand before a corner of it.
            shown.sort_unstable();
            let (count, tenth) = (shown.len(), shown.len() / 10);
            let (least, most) = (shown[tenth], shown[count - 1 - tenth]);
            assert!(count > 60 && most - least <= 4, "{tier:?}, seat {seat}: {shown:?}");
            assert!((120..=140).contains(&least), "{tier:?}, seat {seat}: black and white make grey, not {least}");
        }
    }
}
