//! The film on the screen: from what the room agreed on (`room::Playback`) to pictures and sound.
//!
//! `open` brings a film of this machine in, `share` lets others have it, `fetch` opens theirs from the bytes that arrive, `screening` holds the one that runs, `follow` keeps its sound on the room's timeline, `show` puts the picture on the screen
//! that belongs to what is heard, `subtitles` puts this viewer's own over it, `resume` remembers where one left a film, `preview` looks up
//! small pictures of other places, `step` goes from picture to picture, `visual` stands in where there is none. What is heard is the clock of the pictures; the timeline is the clock of the sound.
//!
//! Invariant: no system here waits, reads a file or decodes; that is `media`'s threads. Nothing here says how a screen is drawn.
//!
//! Rejected: pictures timed by Bevy's clock, with the sound beside them (two clocks drift); a seek when sound and timeline differ (its own cost then counts as
//! drift, and it never ends).

mod chapters;
mod fetch;
mod follow;
mod lead;
mod open;
mod path;
mod patience;
mod preview;
mod resume;
mod screening;
mod share;
mod show;
mod step;
mod subtitles;
mod track_names;
mod visual;

use bevy::prelude::*;

pub use crate::media::is_subtitle_file;
pub use chapters::TurnChapter;
pub use fetch::Fetching;
pub use lead::DisplayLead;
pub use open::{Decoding, FilmSource, HardwareDecoding, Open, OpenFailed, Opening};
pub use path::path_of;
pub use preview::Preview;
pub use resume::{ForgetPlaces, LeftAt};
pub use screening::{Abandoned, ChooseSound, Finished, Screening, TraceTo};
pub use share::{Buffered, CacheFolder};
pub use step::StepFrame;
pub use subtitles::{AddSubtitles, ChooseSubtitle, DelaySubtitles, SubtitleLook, SubtitleRoom, Subtitles, subtitle_name};

/// Everything that makes a film run.
pub fn plugin(app: &mut App) {
    app.add_plugins((
        share::plugin,
        patience::plugin,
        open::plugin,
        fetch::plugin,
        screening::plugin,
        follow::plugin,
        lead::plugin,
        show::plugin,
        subtitles::plugin,
        resume::plugin,
        preview::plugin,
        chapters::plugin,
        step::plugin,
    ));
}
