use ffmpeg_next::{Packet, codec, decoder, format::Pixel, frame};

use super::{
    super::ffi,
    FACE_PACKET_BYTES_MAX, FACE_SIDE_MAX, FaceCodec, FaceError, FacePicture,
    head::Head,
    square::{check_side, rgba},
};

/// Decodes one person's face. Any bytes may be given to it.
pub struct FaceDecoder {
    decoder: decoder::Video,
    codec: FaceCodec,
    side: usize,
    has_key: bool,
}

impl FaceDecoder {
    /// For faces of so many pixels across and down.
    ///
    /// # Errors
    /// If the size is not allowed, or this FFmpeg has no such decoder.
    pub fn open(codec: FaceCodec, side: usize) -> Result<Self, FaceError> {
        ffi::prepare();
        check_side(side)?;
        let name = match codec {
            FaceCodec::Vp8 => "vp8",
            FaceCodec::Vp9 => "vp9",
        };
        let found = decoder::find_by_name(name).ok_or_else(|| FaceError::Codec(format!("no decoder for {name}")))?;
        let mut context = codec::Context::new_with_codec(found);
        ffi::set_threads_and_limits(&mut context, 1, PIXELS_MAX);
        Ok(Self { decoder: context.decoder().open_as(found)?.video()?, codec, side, has_key: false })
    }

    /// Decodes the next picture of a group; the first one must be a key frame. After an error, nothing but a key frame is taken.
    ///
    /// # Errors
    /// If the bytes are no such picture.
    pub fn decode(&mut self, bytes: &[u8], captured_ms: u32) -> Result<FacePicture, FaceError> {
        let decoded = self.try_decode(bytes, captured_ms);
        self.has_key &= decoded.is_ok();
        decoded
    }

    fn try_decode(&mut self, bytes: &[u8], captured_ms: u32) -> Result<FacePicture, FaceError> {
        if bytes.len() > FACE_PACKET_BYTES_MAX {
            return Err(FaceError::Refused("it has too many bytes"));
        }
        match Head::read(self.codec, bytes)? {
            Head::Key { width, height } if width as usize == self.side && height as usize == self.side => {
                self.decoder.flush();
                self.has_key = true;
            }
            Head::Key { .. } => return Err(FaceError::Refused("a key frame of another size than was said")),
            Head::Between if !self.has_key => return Err(FaceError::Refused("the key frame before it is missing")),
            Head::Between => {}
        }
        let mut frame = frame::Video::empty();
        self.decoder.send_packet(&Packet::copy(bytes))?;
        self.decoder.receive_frame(&mut frame)?;
        let is_fit =
            frame.format() == Pixel::YUV420P && [frame.width(), frame.height()] == [self.side as u32; 2] && ffi::rows_ascend(&frame);
        if !is_fit || frame.planes() < 3 {
            return Err(FaceError::Refused("it became a picture of another kind"));
        }
        let planes = [0, 1, 2].map(|index| (frame.data(index), frame.stride(index)));
        Ok(FacePicture { side: self.side, captured_ms, rgba: rgba(self.side, planes) })
    }
}

impl std::fmt::Debug for FaceDecoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FaceDecoder").field("codec", &self.codec).field("side", &self.side).finish_non_exhaustive()
    }
}

/// FFmpeg's own fence behind ours.
const PIXELS_MAX: i64 = (FACE_SIDE_MAX * FACE_SIDE_MAX) as i64;
