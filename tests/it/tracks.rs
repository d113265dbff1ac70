//! Tracks are each viewer's own: what one chooses, nobody else hears or sees.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use houselights::{
    film::{ChooseSound, ChooseSubtitle, FilmSource, Open, Screening, Subtitles},
    room::{Ask, Join},
};

use crate::{
    friends::{Friend, until},
    support::clip::Clip,
};

/// A film with two sound tracks and two of subtitles, none of which is shown unless somebody chooses.
fn film(folder: &Path) -> PathBuf {
    let bare = Clip { seconds: 30.0, sound_tracks: 2, name: "bare.mkv", ..Clip::default() }.make(folder);
    let words = folder.join("words.srt");
    std::fs::write(&words, "1\n00:00:01,000 --> 00:00:29,000\nWords\n").unwrap();
    let path = folder.join("film.mkv");
    let mut command = Command::new("ffmpeg");
    command.args(["-loglevel", "error", "-nostdin", "-y", "-i"]).arg(bare).arg("-i").arg(&words).arg("-i").arg(&words);
    command.args(["-map", "0", "-map", "1", "-map", "2", "-c", "copy", "-c:s", "srt", "-disposition:s", "0"]).arg(&path);
    assert!(command.status().expect("this test needs the program ffmpeg").success());
    path
}

/// Which sound and which subtitles somebody has.
fn chosen(friend: &Friend) -> (Option<usize>, Option<usize>) {
    let world = friend.0.world();
    (world.resource::<Screening>().sound(), world.resource::<Subtitles>().track())
}

#[test]
fn what_one_hears_and_reads_is_one_s_own_and_the_film_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let film = film(folder.path());
    let (mut ann, invite) = Friend::host("Ann");
    ann.tell(Open { source: FilmSource::File(film), plays: false });
    let mut bo = Friend::new("Bo");
    bo.tell(Join { invite });
    until("both see the first picture", [&mut ann, &mut bo], |[ann, bo]| ann.shows_picture() && bo.shows_picture());
    ann.tell(Ask::Play);
    until("both hear the film", [&mut ann, &mut bo], |[ann, bo]| ann.heard_ns().is_some() && bo.heard_ns() > Some(500_000_000));
    let before = [ann.playback(), bo.playback()];
    assert_eq!([chosen(&ann), chosen(&bo)], [(Some(0), None); 2]);
    let goes_on = |ann: &mut Friend, bo: &mut Friend| {
        let from = [ann.heard_ns(), bo.heard_ns()].into_iter().flatten().max().unwrap_or(0) + 1_000_000_000;
        until("both hear on, and the same", [ann, bo], |[ann, bo]| {
            let heard = ann.heard_ns().zip(bo.heard_ns());
            heard.is_some_and(|(ann, bo)| ann.min(bo) > from && (ann - bo).abs() < 20_000_000)
        });
    };
    bo.tell(ChooseSound::Number(Some(1)));
    bo.tell(ChooseSubtitle::Number(Some(0)));
    goes_on(&mut ann, &mut bo);
    assert_eq!([chosen(&ann), chosen(&bo)], [(Some(0), None), (Some(1), Some(0))]);
    ann.tell(ChooseSubtitle::Number(Some(1)));
    ann.tell(ChooseSound::Number(None));
    goes_on(&mut ann, &mut bo);
    assert_eq!([chosen(&ann), chosen(&bo)], [(None, Some(1)), (Some(1), Some(0))]);
    assert_eq!([ann.playback(), bo.playback()], before, "the room knows nothing of it");
}
