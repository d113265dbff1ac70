//! Bytes to pictures, sound and subtitles.
//!
//! A [`Player`] takes a [`Source`] (anything that reads and seeks) and gives pictures through a bounded queue and one unbroken stretch of 48 kHz stereo sound
//! through a ring. Two threads do the work: `demux` reads and cuts, `decode` turns packets into pictures and samples; FFmpeg adds its own threads for frames.
//! A third one, the subtitler, draws subtitles. Each thread is a `step()` that tests and offscreen tools call by hand.
//!
//! Sound is continuous by construction: gaps in a file, a film without sound and the time after its last sample become silence here, so that everything
//! above can take the sound as the clock. A seek has a number, its *generation*; whatever belongs to an older one is dropped wherever it stands.
//!
//! FFmpeg is fenced, because a film may come from a stranger: no protocol but our own reader, no playlist format, limits on pixels, streams, packets and
//! allocations, and an eye on how long a thread has been inside it ([`Player::stuck_for_ns`]).
//!
//! Invariant: nothing here knows of playback, rooms or screens, and no FFmpeg type leaves this folder.
//!
//! Rejected: one thread for both (a slow read would stop the decoding of what is already there); a decoder process of its own (pictures are large; to be
//! reconsidered when films come from strangers); FFmpeg's own file protocol (it panics on names that are not UTF-8, and opens what playlists point at).

mod activity;
mod colour;
mod container;
mod decode;
mod demux;
mod error;
mod face;
mod ffi;
mod film_info;
mod fold;
mod frame;
mod hardware;
mod interlace;
mod kept;
mod levels;
mod light;
mod picture;
mod player;
mod sound;
mod source;
mod subtitle;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_of_formats;
#[cfg(test)]
mod tests_of_pictures;
mod thumbnail;
mod video;

pub use colour::{ColourRange, Light, Matrix, Tone, Transfer, WHITE_NITS, YuvToRgb};
pub use error::Error;
pub use face::{
    CameraLayout, CameraPicture, FACE_PACKET_BYTES_MAX, FACE_RATE, FACE_SIDE, FACE_SIDE_MAX, FACE_SIDE_MIN, FaceCodec, FaceCutter,
    FaceDecoder, FaceEncoder, FaceError, FaceFrame, FacePacket, FacePicture, FaceSettings,
};
pub use ffi::{ffmpeg_version, libass_version};
pub use film_info::{Chapter, FilmInfo, PictureTrack, SoundTrack, VideoInfo};
pub use frame::Turn;
pub use light::ZONES;
pub use picture::{Picture, Plane};
pub use player::{ByHand, Event, OtherSound, Player, PlayerOptions, Seek};
pub use sound::SOUND_RATE;
pub use source::{ReadSeek, Source};
pub use subtitle::{SubtitlePicture, SubtitleTrack, SubtitleWish, is_subtitle_file, subtitle_title};
pub use thumbnail::Thumbnail;
