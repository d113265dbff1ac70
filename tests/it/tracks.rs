//! Tracks are each viewer's own: what one chooses, nobody else hears or sees.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use houselights::{
    film::{ChooseSound, ChooseSubtitle, FilmSource, Open, Screening, Subtitles},
    room::{Ask, Join},
};

use serde_json::json;

use crate::{
    friends::{Friend, until},
    support::{clip::Clip, program::Program},
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

#[test]
fn every_track_is_listed_with_what_the_file_says_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let bare = Clip { seconds: 2.0, sound_tracks: 2, name: "bare.mkv", ..Clip::default() }.make(folder.path());
    let words = folder.path().join("words.srt");
    std::fs::write(&words, "1\n00:00:00,500 --> 00:00:01,500\nWords\n").unwrap();
    let film = folder.path().join("film.mkv");
    let mut command = Command::new("ffmpeg");
    command.args(["-loglevel", "error", "-nostdin", "-y", "-f", "lavfi", "-i", "testsrc2=s=96x64:r=10:d=2", "-i"]).arg(bare);
    command.arg("-i").arg(words);
    command.args(["-map", "1", "-map", "0", "-map", "2", "-c", "copy", "-c:v:1", "mpeg4", "-c:s", "srt", "-disposition:a:1", "forced"]);
    command.args(["-metadata:s:v:1", "title=Balcony", "-metadata:s:a:1", "language=fre", "-disposition:v:1", "0", "-disposition:s", "0"]);
    command.arg(&film);
    assert!(command.status().expect("this test needs the program ffmpeg").success());
    let mut theater = Program::start(folder.path(), "Ann", &[film.to_str().unwrap()]);
    theater.until("the film is there", |theater| theater.ask("tracks")["ok"] == true);
    theater.does("audio 2");
    theater.does("subtitle 1");
    let tracks = theater.ask("tracks");
    let of = |kind: &str, key: &str| -> Vec<_> { tracks[kind].as_array().unwrap().iter().map(|track| track[key].clone()).collect() };
    assert_eq!(of("pictures", "size"), [json!([320, 180]), json!([96, 64])], "{tracks}");
    assert_eq!(of("pictures", "codec"), [json!("h264"), json!("mpeg4")]);
    assert_eq!(of("pictures", "title"), [json!(""), json!("Balcony")]);
    assert_eq!(of("pictures", "chosen"), [json!(true), json!(false)]);
    assert_eq!((of("sounds", "language"), of("sounds", "number")), (vec![json!(""), json!("fre")], vec![json!(1), json!(2)]));
    assert_eq!((of("sounds", "forced"), of("sounds", "chosen")), (vec![json!(false), json!(true)], vec![json!(false), json!(true)]));
    assert_eq!((of("subtitles", "codec"), of("subtitles", "chosen")), (vec![json!("subrip")], vec![json!(true)]));
    theater.does("close");
    theater.until("nothing is listed without a film", |theater| theater.ask("tracks")["ok"] == false);
}
