//! Subtitles: packets of the film and files beside it become pictures of text.
//!
//! One thread, the *subtitler*, owns everything: the demuxer sends it every subtitle packet that it meets, whatever track is chosen, so that another
//! track shows at once what is known of it. What the viewer wants to see comes through a slot as a [`SubtitleWish`], the picture goes back through another one.
//!
//! The demuxer does not read ahead for it: a film may still be on its way. What was met is kept, so a line is drawn as often as its place is visited. After a
//! seek the film's last seconds before the place are looked through, in a second reading and only as far as they are here: a line may have begun there.
//!
//! Text of any kind becomes lines of ASS (FFmpeg does that) and is drawn by libass with the film's own fonts; bitmaps (PGS, DVD, DVB) are scaled to the picture.
//!
//! Rejected: reading all of a film's subtitles first (a guest's film is still on its way); drawing on the decoder's thread (a script full of effects would
//! hold up the film); one libass track for everything seen (a hundred thousand lines at one time would be laid out together).

mod bitmap;
mod charset;
mod ffmpeg;
mod file;
mod libass;
mod lines;
mod lookback;
mod picture;
mod shelf;
#[cfg(test)]
mod tests;
mod text;
mod track;
mod worker;

pub use file::{is_subtitle_file, subtitle_title};
pub use picture::SubtitlePicture;
pub use track::SubtitleTrack;
pub(super) use track::{EmbeddedTrack, SubtitleFont};
pub use worker::SubtitleWish;
pub(super) use worker::{Order, Packets, Subtitler, TRACKS_MAX};
