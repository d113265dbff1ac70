use ffmpeg_next::{Dictionary, Packet, Rational, codec, encoder, format::Pixel, picture};

use super::{super::ffi, FACE_PACKET_BYTES_MAX, FaceCodec, FaceError, FaceFrame, square::check_side};

/// Codes faces of one size, picture by picture.
pub struct FaceEncoder {
    encoder: encoder::video::Encoder,
    codec: FaceCodec,
    side: usize,
    pictures: i64,
}

impl FaceEncoder {
    /// Opens the first encoder of the list that this FFmpeg has and that takes the settings.
    ///
    /// # Errors
    /// If there is none, with the words of the last that refused.
    pub fn open(settings: &FaceSettings) -> Result<Self, FaceError> {
        Self::open_one_of(&ENCODERS, settings)
    }

    pub(super) fn open_one_of(names: &[(&str, FaceCodec)], settings: &FaceSettings) -> Result<Self, FaceError> {
        ffi::prepare();
        check_side(settings.side)?;
        let mut refusal = None;
        for &(name, codec) in names {
            let Some(found) = encoder::find_by_name(name) else { continue };
            match Self::open_with(found, codec, settings) {
                Ok(encoder) => return Ok(encoder),
                Err(error) => refusal = Some(error),
            }
        }
        let names = || names.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        Err(refusal.unwrap_or_else(|| FaceError::NoEncoder { names: names() }))
    }

    fn open_with(found: ffmpeg_next::Codec, codec: FaceCodec, settings: &FaceSettings) -> Result<Self, FaceError> {
        let mut video = codec::Context::new_with_codec(found).encoder().video()?;
        let side = settings.side as u32;
        video.set_width(side);
        video.set_height(side);
        video.set_format(Pixel::YUV420P);
        video.set_time_base(Rational(1, settings.rate.clamp(1, 120) as i32));
        video.set_frame_rate(Some(Rational(settings.rate.clamp(1, 120) as i32, 1)));
        let bits = settings.bits_per_second.clamp(BITS_MIN, BITS_MAX).to_string();
        let mut options = Dictionary::new();
        // The same bits at all times: a face that moves may not fill somebody's line.
        let all = [("b", &bits[..]), ("minrate", &bits), ("maxrate", &bits), ("bufsize", &bits)];
        all.into_iter()
            .chain(ALL_OPTIONS)
            .chain(if codec == FaceCodec::Vp8 { VP8_OPTIONS } else { VP9_OPTIONS })
            .for_each(|(key, value)| options.set(key, value));
        Ok(Self { encoder: video.open_with(options)?, codec, side: settings.side, pictures: 0 })
    }

    /// Which codec was found.
    #[must_use]
    pub const fn codec(&self) -> FaceCodec {
        self.codec
    }

    /// Pixels across and down.
    #[must_use]
    pub const fn side(&self) -> usize {
        self.side
    }

    /// Codes one picture; what comes of it comes at once. Each gets the same share of the bits, whenever it was taken, so fewer pictures a second cost less.
    ///
    /// # Errors
    /// If the picture is of another size, or the encoder refuses, leaves out the picture or makes too much of it.
    pub fn encode(&mut self, face: &FaceFrame, as_key: bool) -> Result<FacePacket, FaceError> {
        if face.side() != self.side {
            return Err(FaceError::Refused("a face of another size than the encoder's"));
        }
        let mut frame = ffi::planar_frame(self.side as u32).ok_or(FaceError::Refused("there is no memory for it"))?;
        for index in 0..3 {
            let (rows, row_bytes) = face.plane(index);
            let stride = frame.stride(index);
            frame
                .data_mut(index)
                .chunks_mut(stride)
                .zip(rows.chunks(row_bytes))
                .for_each(|(to, from)| to[..row_bytes].copy_from_slice(from));
        }
        frame.set_pts(Some(self.pictures));
        frame.set_kind(if as_key { picture::Type::I } else { picture::Type::None });
        self.pictures += 1;
        self.encoder.send_frame(&frame)?;
        let mut packet = Packet::empty();
        self.encoder.receive_packet(&mut packet)?;
        let bytes = packet.data().unwrap_or_default();
        if bytes.is_empty() || bytes.len() > FACE_PACKET_BYTES_MAX {
            return Err(FaceError::Refused("the encoder made too much of it"));
        }
        Ok(FacePacket { is_key: packet.is_key(), bytes: bytes.to_vec() })
    }
}

impl std::fmt::Debug for FaceEncoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FaceEncoder").field("codec", &self.codec).field("side", &self.side).finish_non_exhaustive()
    }
}

/// How a face is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FaceSettings {
    /// Pixels across and down; even.
    pub side: usize,
    /// For how many pictures a second the bits are meant.
    pub rate: u32,
    /// At that rate.
    pub bits_per_second: u32,
}

/// One coded picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FacePacket {
    /// Whether it stands alone.
    pub is_key: bool,
    /// No more than [`FACE_PACKET_BYTES_MAX`].
    pub bytes: Vec<u8>,
}

/// Names of FFmpeg's encoders, the best first. The GPL's x264 is not among them on purpose.
const ENCODERS: [(&str, FaceCodec); 2] = [("libvpx", FaceCodec::Vp8), ("libvpx-vp9", FaceCodec::Vp9)];

/// Nothing is held back, nothing left out, and key frames are made when they are asked for and not otherwise.
const ALL_OPTIONS: [(&str, &str); 8] = [
    ("deadline", "realtime"),
    ("lag-in-frames", "0"),
    ("auto-alt-ref", "0"),
    ("threads", "1"),
    ("g", "100000"),
    ("keyint_min", "100000"),
    ("drop-threshold", "0"),
    // In percent of a picture's share: a key frame takes as long as some pictures, not as a second of them.
    ("max-intra-rate", "600"),
];
/// Fixed, because a positive number means “as fast as this machine happens to be”.
const VP8_OPTIONS: [(&str, &str); 1] = [("cpu-used", "-5")];
const VP9_OPTIONS: [(&str, &str); 1] = [("cpu-used", "8")];
const BITS_MIN: u32 = 4_000;
const BITS_MAX: u32 = 400_000;
