//! Subtitles seen in the pixels: over the picture, in their time, one's own.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use bevy::{
    prelude::*,
    window::{FileDragAndDrop, PrimaryWindow},
};
use houselights::{
    film::{AddSubtitles, ChooseSubtitle, DelaySubtitles, SubtitleLook, Subtitles},
    room::{Ask, SeatNumber},
    theater::{Tier, Viewer},
};

use crate::support::{clip::Clip, hall::Hall};

const SMALL: (u32, u32) = (640, 360);

/// A film with one track at the bottom and one in the middle, each with a line from 1 to 3 s.
fn film(folder: &Path) -> PathBuf {
    let bare = Clip { size: (640, 360), name: "bare.mkv", ..Clip::default() }.make(folder);
    let (low, middle) = (folder.join("low.srt"), folder.join("middle.srt"));
    std::fs::write(&low, "1\n00:00:01,000 --> 00:00:03,000\nWords at the bottom\n").unwrap();
    std::fs::write(&middle, "1\n00:00:01,000 --> 00:00:03,000\n{\\an5}Words in the middle\n").unwrap();
    let path = folder.join("film.mkv");
    let mut command = Command::new("ffmpeg");
    command.args(["-loglevel", "error", "-nostdin", "-y", "-i"]).arg(bare).arg("-i").arg(low).arg("-i").arg(middle);
    command.args(["-map", "0", "-map", "1", "-map", "2", "-c", "copy", "-c:s", "srt", "-disposition:s", "0"]).arg(&path);
    assert!(command.status().expect("this test needs the program ffmpeg").success());
    path
}

/// Left, top, right and bottom of what differs between two pictures.
fn difference(one: &[u8], other: &[u8], width: usize) -> Option<(usize, usize, usize, usize)> {
    let mut found: Option<(usize, usize, usize, usize)> = None;
    for (index, (a, b)) in one.chunks_exact(4).zip(other.chunks_exact(4)).enumerate() {
        if a.iter().zip(b).any(|(a, b)| a.abs_diff(*b) > 40) {
            let (x, y) = (index % width, index / width);
            let (left, top, right, bottom) = found.unwrap_or((x, y, x, y));
            found = Some((left.min(x), top.min(y), right.max(x), bottom.max(y)));
        }
    }
    found
}

struct Shown {
    hall: Hall,
    bare: Vec<u8>,
}

impl Shown {
    /// A film that stands at a place, without subtitles.
    fn at(film: &Path, seconds: f64, cinema: bool) -> Self {
        let mut hall = Hall::open(SMALL, Tier::Low);
        hall.hide_panels();
        hall.set_cinema(cinema);
        hall.present(film, false);
        hall.trigger(ChooseSubtitle::Number(None));
        hall.seek(seconds);
        // In the hall, until curtain, light and remote are at rest.
        hall.steps(if cinema { 5 } else { 300 });
        let bare = hall.offscreen.read_pixels().unwrap();
        Self { hall, bare }
    }

    /// Where the picture differs from the one without subtitles.
    fn seen(&mut self) -> Option<(usize, usize, usize, usize)> {
        self.hall.steps(4);
        difference(&self.bare, &self.hall.offscreen.read_pixels().unwrap(), SMALL.0 as usize)
    }
}

#[test]
fn subtitles_stand_over_the_picture_where_the_viewer_wants_them() {
    let folder = tempfile::tempdir().unwrap();
    let mut shown = Shown::at(&film(folder.path()), 1.5, true);
    assert_eq!(shown.seen(), None);
    shown.hall.trigger(ChooseSubtitle::Next);
    let (left, top, right, bottom) = shown.seen().expect("the first track");
    assert!(top > 290 && bottom < 350 && (left + right).abs_diff(640) < 20, "{left} {top} {right} {bottom}");
    shown.hall.trigger(ChooseSubtitle::Next);
    let (_, top, _, bottom) = shown.seen().expect("the second track");
    assert!(top > 150 && bottom < 210, "{top} {bottom}");
    shown.hall.trigger(ChooseSubtitle::Number(Some(0)));
    shown.hall.world().resource_mut::<SubtitleLook>().percent = 150.0;
    let large = shown.seen().expect("larger");
    assert!((large.2 - large.0) as f32 > (right - left) as f32 * 1.4, "{large:?}");
    *shown.hall.world().resource_mut::<SubtitleLook>() = SubtitleLook { lift_percent: 50.0, ..SubtitleLook::default() };
    let (_, lifted, _, _) = shown.seen().expect("lifted");
    assert!(lifted > 110 && lifted < 180, "{lifted}");
    // The line begins at 1 s.
    shown.hall.trigger(DelaySubtitles::To { ns: 700_000_000 });
    assert_eq!(shown.seen(), None);
    shown.hall.trigger(DelaySubtitles::By { ns: -300_000_000 });
    assert!(shown.seen().is_some());
    for _ in 0..2 {
        shown.hall.trigger(ChooseSubtitle::Next);
    }
    assert_eq!(shown.seen(), None, "after the last one comes none");
    assert_eq!(shown.hall.world().resource::<Subtitles>().track(), None);
}

#[test]
fn they_can_be_seen_from_the_seats_too() {
    let folder = tempfile::tempdir().unwrap();
    let film = film(folder.path());
    let mut shown = Shown::at(&film, 1.5, false);
    for seat in [1, 35, 70] {
        shown.hall.trigger(ChooseSubtitle::Number(None));
        shown.hall.world().resource_mut::<Viewer>().seat = SeatNumber::new(seat).unwrap();
        shown.hall.steps(60);
        shown.bare = shown.hall.offscreen.read_pixels().unwrap();
        shown.hall.trigger(ChooseSubtitle::Number(Some(0)));
        let (left, top, right, bottom) = shown.seen().expect("a line");
        let (upper, lower) = (shown.hall.pixel_of_film(0.0, 0.8), shown.hall.pixel_of_film(1.0, 1.0));
        assert!(left as f32 > upper.x && (right as f32) < lower.x, "seat {seat}: {left} {right} between {upper} {lower}");
        let (high, low) = (shown.hall.pixel_of_film(0.5, 0.8).y, shown.hall.pixel_of_film(0.5, 1.0).y);
        assert!(top as f32 > high && (bottom as f32) < low, "seat {seat}: {top} {bottom} between {high} {low}");
        assert!(bottom - top >= 6, "seat {seat}: {} pixels high", bottom - top);
    }
}

#[test]
fn another_track_is_chosen_without_a_gap() {
    let folder = tempfile::tempdir().unwrap();
    let mut hall = Hall::open(SMALL, Tier::Low);
    hall.hide_panels();
    hall.set_cinema(true);
    hall.present(&film(folder.path()), true);
    hall.steps(20);
    let from = hall.heard.len();
    for _ in 0..6 {
        hall.trigger(ChooseSubtitle::Next);
        hall.steps(12);
        assert!(hall.number().is_some(), "the picture goes on");
    }
    // The clip's ramp rises by so much a sample, and falls once a second; a fall may ring for a moment.
    let breaks = hall.heard[from..].windows(2).enumerate().filter(|(_, pair)| (pair[1] - pair[0] - 0.8 / 48_000.0).abs() > 1e-4);
    let mut falls: Vec<usize> = Vec::new();
    for (at, _) in breaks {
        if falls.last().is_none_or(|last| at - last > 480) {
            falls.push(at);
        }
    }
    assert!(
        matches!(falls[..], [_] | [_, _]) && falls.windows(2).all(|pair| (pair[1] - pair[0]).abs_diff(48_000) < 960),
        "the sound breaks at {falls:?}"
    );
    hall.trigger(Ask::Pause);
    hall.steps(10);
}

#[test]
fn subtitles_dropped_on_the_window_are_shown_over_the_film_that_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let dropped = folder.path().join("dropped.srt");
    std::fs::write(&dropped, "1\n00:00:01,000 --> 00:00:03,000\n{\\an5}Dropped\n").unwrap();
    let mut shown = Shown::at(&film(folder.path()), 1.5, true);
    assert_eq!(shown.seen(), None);
    let before = shown.hall.playback();
    let world = shown.hall.world();
    let window = world.query_filtered::<Entity, With<PrimaryWindow>>().single(world).unwrap();
    world.write_message(FileDragAndDrop::DroppedFile { window, path_buf: dropped });
    shown.hall.steps(4);
    let (_, top, _, bottom) = shown.seen().expect("the line of the dropped file");
    assert!(top > 150 && bottom < 210, "{top} {bottom}");
    assert_eq!(shown.hall.world().resource::<Subtitles>().track(), Some(2), "behind the film's own two");
    assert_eq!(shown.hall.playback(), before, "the film itself is as it was");
}

#[test]
fn a_file_that_is_brought_is_shown_and_what_is_none_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let film = film(folder.path());
    let beside = folder.path().join("film.en.srt");
    std::fs::write(&beside, "1\n00:00:01,000 --> 00:00:03,000\nBeside the film\n").unwrap();
    let elsewhere = folder.path().join("elsewhere.srt");
    std::fs::write(&elsewhere, "1\n00:00:01,000 --> 00:00:03,000\n{\\an5}From elsewhere\n").unwrap();
    let mut shown = Shown::at(&film, 1.5, true);
    assert_eq!(shown.hall.world().resource::<Subtitles>().track(), None, "what lies beside is offered, not forced upon");
    shown.hall.trigger(ChooseSubtitle::Number(Some(2)));
    assert!(shown.seen().is_some_and(|(_, top, ..)| top > 290), "the file beside the film is the third track");
    shown.hall.trigger(AddSubtitles(elsewhere));
    assert!(shown.seen().is_some_and(|(_, top, _, bottom)| top > 150 && bottom < 210));
    assert_eq!(shown.hall.world().resource::<Subtitles>().track(), Some(3));
    let letter = folder.path().join("letter.srt");
    std::fs::write(&letter, "Dear film,").unwrap();
    shown.hall.trigger(AddSubtitles(letter));
    shown.hall.steps(4);
    let said = shown.hall.said();
    assert!(said.last().is_some_and(|said| said.contains("“letter.srt” holds no subtitles")), "{said:?}");
    assert_eq!(shown.hall.world().resource::<Subtitles>().track(), Some(3), "the one before stays");
}
