//! The bar under the film: what stands under the pointer is shown before one goes there.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use bevy_egui::egui;
use houselights::{film::Preview, theater::Tier};

use crate::support::hall::Hall;

const SIZE: (u32, u32) = (1280, 720);

/// Four red seconds, and four blue ones.
fn film(folder: &Path) -> PathBuf {
    let path = folder.join("halves.mkv");
    let halves = "color=red:s=320x180:r=24:d=4[a];color=blue:s=320x180:r=24:d=4[b];[a][b]concat,format=yuv420p";
    let mut command = Command::new("ffmpeg");
    command.args(["-loglevel", "error", "-nostdin", "-y", "-filter_complex", halves, "-c:v", "libx264", "-g", "24"]).arg(&path);
    assert!(command.status().expect("this test needs the program ffmpeg").success());
    path
}

/// How many pixels of the window are as blue as the film's second half.
fn blue(hall: &Hall) -> usize {
    let pixels = hall.offscreen.read_pixels().unwrap();
    pixels.chunks_exact(4).filter(|pixel| pixel[0] < 60 && pixel[1] < 60 && pixel[2] > 200).count()
}

fn point(hall: &mut Hall, x: f32, y: f32) {
    hall.touch_panels(egui::Event::PointerMoved(egui::pos2(x, y)));
    // Until the place was looked up and its picture drawn.
    hall.steps(10);
}

/// The place of the film, in seconds, whose picture was looked up last.
fn looked_up_s(hall: &mut Hall) -> Option<f64> {
    hall.world().resource::<Preview>().thumbnail.as_ref().map(|thumbnail| thumbnail.film_ns as f64 / 1e9)
}

#[test]
fn a_small_picture_of_the_place_under_the_pointer_stands_over_the_bar() {
    let folder = tempfile::tempdir().unwrap();
    let mut hall = Hall::open(SIZE, Tier::Low);
    hall.present(&film(folder.path()), false);
    hall.steps(10);
    assert_eq!((looked_up_s(&mut hall), blue(&hall)), (None, 0), "nobody points, and the film stands at its red beginning");
    let before = hall.playback();
    // The line is somewhere in the bar, which stands at the window's lower edge and is 1120 wide.
    let line = (620..676).step_by(8).map(|y| y as f32).find(|y| {
        point(&mut hall, 909.0, *y);
        looked_up_s(&mut hall).is_some()
    });
    let line = line.expect("the line is found");
    let place_s = looked_up_s(&mut hall).unwrap();
    assert!((5.7..6.3).contains(&place_s), "three quarters along the line are 6 s, not {place_s}");
    let seen = blue(&hall);
    assert!((16_000..24_000).contains(&seen), "a picture of 192 × 108, of {seen} blue pixels");
    // Elsewhere is another picture.
    point(&mut hall, 371.0, line);
    let place_s = looked_up_s(&mut hall).unwrap();
    assert!((1.7..2.3).contains(&place_s) && blue(&hall) == 0, "at a quarter: {place_s} s");
    point(&mut hall, 909.0, line);
    assert_eq!(blue(&hall), seen);
    // It goes with the pointer, and the film was never moved.
    point(&mut hall, 640.0, 200.0);
    assert_eq!(blue(&hall), 0);
    assert_eq!(hall.playback(), before);
}
