//! What a coded picture says of itself before any decoder sees it.

use super::{FaceCodec, FaceError};

/// What stands in the first bytes of a coded picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Head {
    /// Stands alone and is so wide and high.
    Key { width: u32, height: u32 },
    /// Needs those before it.
    Between,
}

impl Head {
    /// Reads it.
    ///
    /// # Errors
    /// If it is none, or of a kind that our encoders do not make.
    pub(super) fn read(codec: FaceCodec, bytes: &[u8]) -> Result<Self, FaceError> {
        match codec {
            FaceCodec::Vp8 => vp8(bytes),
            FaceCodec::Vp9 => vp9(bytes),
        }
        .ok_or(FaceError::Refused("it is no picture of its codec"))
    }
}

/// RFC 6386, section 9.1.
fn vp8(bytes: &[u8]) -> Option<Head> {
    let (&[a, b, c], rest) = bytes.split_first_chunk()?;
    let tag = u32::from_le_bytes([a, b, c, 0]);
    let (is_between, version, first_part) = (tag & 1 == 1, tag >> 1 & 7, tag >> 5);
    if version > 3 || first_part == 0 || first_part as usize > rest.len() {
        return None;
    }
    if is_between {
        return Some(Head::Between);
    }
    let (&[0x9d, 0x01, 0x2a, w_low, w_high, h_low, h_high], _) = rest.split_first_chunk()? else { return None };
    let [width, height] = [[w_low, w_high], [h_low, h_high]].map(u16::from_le_bytes);
    // The upper two bits ask for a larger picture on the screen, which we never do.
    (width >> 14 == 0 && height >> 14 == 0).then(|| Head::Key { width: width.into(), height: height.into() })
}

/// VP9's uncompressed header (its specification, section 6.2), profile 0 only.
fn vp9(bytes: &[u8]) -> Option<Head> {
    let mut bits = Bits { bytes, at: 0 };
    // Marker, profile 0, and a picture of its own: one shown again would be a picture without a size.
    if bits.take(2)? != 2 || bits.take(2)? != 0 || bits.take(1)? != 0 {
        return None;
    }
    let is_between = bits.take(1)? == 1;
    let (_is_shown, _is_resilient) = (bits.take(1)?, bits.take(1)?);
    if is_between {
        return Some(Head::Between);
    }
    if bits.take(24)? != 0x49_8342 {
        return None;
    }
    // Seven is RGB, which profile 0 has not.
    if bits.take(3)? == 7 {
        return None;
    }
    let _range = bits.take(1)?;
    Some(Head::Key { width: bits.take(16)? + 1, height: bits.take(16)? + 1 })
}

struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: usize) -> Option<u32> {
        let mut value = 0;
        for _ in 0..count {
            let byte = *self.bytes.get(self.at / 8)?;
            value = value << 1 | u32::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::tests::vp8_key, *};

    #[test]
    fn sizes_are_read_before_anything_is_decoded() {
        let read = |width, height| Head::read(FaceCodec::Vp8, &vp8_key(width, height, 20));
        assert_eq!(read(192, 96), Ok(Head::Key { width: 192, height: 96 }));
        assert_eq!(read(16_383, 16_383), Ok(Head::Key { width: 16_383, height: 16_383 }));
        assert!(read(16_384 | 192, 192).is_err(), "upscaling");
        let mut torn = vp8_key(192, 192, 20);
        torn.truncate(12);
        assert!(Head::read(FaceCodec::Vp8, &torn).is_err(), "its first part is not all there");
    }

    proptest! {
        #[test]
        fn any_bytes_are_borne(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            for codec in [FaceCodec::Vp8, FaceCodec::Vp9] {
                if let Ok(Head::Key { width, height }) = Head::read(codec, &bytes) {
                    prop_assert!(width <= 65_536 && height <= 65_536);
                }
            }
        }
    }
}
