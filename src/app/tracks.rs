use bevy::prelude::*;
use serde::Serialize;

use crate::film::{Screening, Subtitles};

/// What the film has to see, to hear and to read.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Tracks {
    pictures: Vec<Track>,
    sounds: Vec<Track>,
    subtitles: Vec<Track>,
}

impl Tracks {
    /// `None` without a film.
    pub(super) fn of(world: &World) -> Option<Self> {
        let screening = world.get_resource::<Screening>()?;
        let subtitle = world.get_resource::<Subtitles>().and_then(Subtitles::track);
        let info = screening.info();
        let pictures = info.pictures.iter().enumerate().map(|(index, track)| Track {
            size: (track.width.min(track.height) > 0).then_some([track.width, track.height]),
            ..Track::new(index, info.picture, [&track.language, &track.title, track.codec], [track.is_default, track.is_forced])
        });
        let sounds = info.sounds.iter().enumerate().map(|(index, track)| Track {
            channels: Some(track.channels),
            ..Track::new(index, screening.sound(), [&track.language, &track.title, track.codec], [track.is_default, track.is_forced])
        });
        let subtitles = info.subtitles.iter().enumerate().map(|(index, track)| Track {
            external: Some(track.is_external),
            ..Track::new(index, subtitle, [&track.language, &track.title, track.codec], [track.is_default, track.is_forced])
        });
        Some(Self { pictures: pictures.collect(), sounds: sounds.collect(), subtitles: subtitles.collect() })
    }
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Track {
    /// Counted from 1, as the lines `audio` and `subtitle` count.
    number: usize,
    /// Whether it is the one that is seen, heard or read now.
    chosen: bool,
    language: String,
    title: String,
    codec: String,
    default: bool,
    forced: bool,
    /// Width and height in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<[u32; 2]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channels: Option<u16>,
    /// Whether it comes from a file of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    external: Option<bool>,
}

impl Track {
    fn new(index: usize, chosen: Option<usize>, [language, title, codec]: [&str; 3], [default, forced]: [bool; 2]) -> Self {
        Self {
            number: index + 1,
            chosen: chosen == Some(index),
            language: language.to_owned(),
            title: title.to_owned(),
            codec: codec.to_owned(),
            default,
            forced,
            size: None,
            channels: None,
            external: None,
        }
    }
}
