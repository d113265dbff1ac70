//! A person's face: a camera's picture cut to a small square, coded for the way to the others, and decoded again.
//!
//! [`FaceCutter`] makes a square of planar 4:2:0 out of whatever a camera gives, [`FaceEncoder`] a few hundred bytes of it, [`FaceDecoder`] a picture for the theater.
//! All three work at once and hold nothing back: a picture that goes in comes out of the same call.
//!
//! Bytes of a camera and of a peer are hostile: lengths are checked against what they claim, the size in a key frame is read before the decoder sees it, and FFmpeg
//! is told a limit on pixels as well. One thread each, so that a face costs the same everywhere and a key frame stands alone.
//!
//! Decided: VP8 in real time by libvpx (free, small, 0.3 ms a picture); colours are those of BT.601 in limited range, which is what VP8 means. Rejected: H.264 (its
//! good encoder is under the GPL); lost pictures inside a group of pictures (VP8's decoder smears them and says nothing).

mod area;
mod cut;
mod decode;
mod encode;
mod head;
mod square;
#[cfg(test)]
mod tests;

pub use cut::{CameraLayout, CameraPicture, FaceCutter};
pub use decode::FaceDecoder;
pub use encode::{FaceEncoder, FacePacket, FaceSettings};
pub use square::{FaceFrame, FacePicture};

/// How faces are coded on their way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaceCodec {
    /// RFC 6386.
    Vp8,
    /// Its successor, where VP8 cannot be encoded.
    Vp9,
}

/// Why a face was not made. The camera or the peer goes on; only this picture is missing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaceError {
    /// This FFmpeg has no encoder of the list.
    #[error("This system's FFmpeg cannot encode faces: it has neither of {names}.")]
    NoEncoder {
        /// What was looked for.
        names: String,
    },
    /// The bytes are not what they claim to be, or more than is allowed.
    #[error("A picture of a face was refused: {0}.")]
    Refused(&'static str),
    /// FFmpeg's own words.
    #[error("A picture of a face could not be coded: {0}.")]
    Codec(String),
}

impl From<ffmpeg_next::Error> for FaceError {
    fn from(error: ffmpeg_next::Error) -> Self {
        Self::Codec(error.to_string())
    }
}

/// Pixels across and down of a face at its finest; a multiple of VP8's blocks.
pub const FACE_SIDE: usize = 192;
/// What a peer may send at most.
pub const FACE_SIDE_MAX: usize = 256;
/// And at least: two blocks.
pub const FACE_SIDE_MIN: usize = 32;
/// Pictures a second of a face at its finest.
pub const FACE_RATE: u32 = 15;
/// No coded picture is larger. At 100 kbit/s a key frame takes some 5 KB.
pub const FACE_PACKET_BYTES_MAX: usize = 48 << 10;
