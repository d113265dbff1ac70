//! The bytes of one stream: a key frame and the pictures that need it, in order.
//!
//! Little endian. First, once: version (1 byte), codec (1), pictures a second (1), side in pixels (2), generation (4), number of the group (4). Then for each
//! picture: length (2), capture time in milliseconds of its camera (4), the coded bytes. The stream ends after the group's last picture, or is reset.
//!
//! Whoever comes while a group goes on gets all of it on a stream of their own, with a number of its own: each receiver's numbers grow, and need not be another's.
//!
//! Generations count how often the camera was turned on, groups count on through all of them; together they say what is newer, whichever stream comes first.

use crate::media::{FACE_PACKET_BYTES_MAX, FACE_SIDE_MAX, FACE_SIDE_MIN, FaceCodec};

/// What a stream says at its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupHead {
    /// How its pictures are coded.
    pub codec: FaceCodec,
    /// Pictures a second, about.
    pub rate: u8,
    /// Pixels across and down.
    pub side: usize,
    /// Which of groups is newer.
    pub order: GroupOrder,
}

/// A later group is the greater one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct GroupOrder {
    /// How often the camera was turned on before.
    pub generation: u32,
    /// Counts groups.
    pub group: u32,
}

impl GroupHead {
    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> [u8; HEAD_BYTES] {
        let codec = match self.codec {
            FaceCodec::Vp8 => 1,
            FaceCodec::Vp9 => 2,
        };
        let [side_low, side_high] = (self.side.min(FACE_SIDE_MAX) as u16).to_le_bytes();
        let [g0, g1, g2, g3] = self.order.generation.to_le_bytes();
        let [n0, n1, n2, n3] = self.order.group.to_le_bytes();
        [VERSION, codec, self.rate, side_low, side_high, g0, g1, g2, g3, n0, n1, n2, n3]
    }

    fn read([version, codec, rate, side_low, side_high, g0, g1, g2, g3, n0, n1, n2, n3]: [u8; HEAD_BYTES]) -> Result<Self, Fault> {
        if version != VERSION {
            return Err(Fault("a face of an unknown version"));
        }
        let codec = match codec {
            1 => FaceCodec::Vp8,
            2 => FaceCodec::Vp9,
            _ => return Err(Fault("a face in an unknown codec")),
        };
        let side = usize::from(u16::from_le_bytes([side_low, side_high]));
        if !(FACE_SIDE_MIN..=FACE_SIDE_MAX).contains(&side) || side % 2 == 1 || !(1..=RATE_MAX).contains(&rate) {
            return Err(Fault("a face of a size or rate that is not allowed"));
        }
        let order = GroupOrder { generation: u32::from_le_bytes([g0, g1, g2, g3]), group: u32::from_le_bytes([n0, n1, n2, n3]) };
        Ok(Self { codec, rate, side, order })
    }
}

/// The bytes before a picture's own; `None` if it is empty or too large to be sent.
#[must_use]
pub fn picture_head(picture_bytes: usize, captured_ms: u32) -> Option<[u8; PICTURE_HEAD_BYTES]> {
    let length = u16::try_from(picture_bytes).ok().filter(|_| (1..=FACE_PACKET_BYTES_MAX).contains(&picture_bytes))?;
    let ([l0, l1], [c0, c1, c2, c3]) = (length.to_le_bytes(), captured_ms.to_le_bytes());
    Some([l0, l1, c0, c1, c2, c3])
}

/// One picture of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupPicture {
    /// In milliseconds of its camera's clock.
    pub captured_ms: u32,
    /// As it was coded.
    pub bytes: Vec<u8>,
}

/// What nobody who keeps to the protocol sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Fault(pub &'static str);

/// Reads a group as its bytes come, in pieces of any length.
#[derive(Debug, Default)]
pub struct GroupReader {
    head: Option<GroupHead>,
    /// Of the head or picture under way: never more than one of them.
    waiting: Vec<u8>,
    total_bytes: usize,
    pictures: usize,
    is_broken: bool,
}

impl GroupReader {
    /// Takes a piece and gives what it completes.
    ///
    /// # Errors
    /// If the bytes break a rule; then everything after them is refused as well.
    pub fn read(&mut self, mut piece: &[u8], pictures: &mut Vec<GroupPicture>) -> Result<(), Fault> {
        let read = if self.is_broken { Err(Fault("more of a broken group")) } else { self.try_read(&mut piece, pictures) };
        if read.is_err() {
            self.is_broken = true;
            self.waiting = Vec::new();
        }
        read
    }

    /// What the stream said of itself, once that is here.
    #[must_use]
    pub const fn head(&self) -> Option<&GroupHead> {
        self.head.as_ref()
    }

    /// Whether the stream may end here: after its head and between two pictures.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.head.is_some() && self.waiting.is_empty() && !self.is_broken
    }

    fn try_read(&mut self, piece: &mut &[u8], pictures: &mut Vec<GroupPicture>) -> Result<(), Fault> {
        self.total_bytes = self.total_bytes.saturating_add(piece.len());
        if self.total_bytes > GROUP_BYTES_MAX {
            return Err(Fault("a group of pictures that is too large"));
        }
        if self.head.is_none() {
            let Some(&head) = self.gather(piece, HEAD_BYTES).and_then(|bytes| bytes.first_chunk()) else { return Ok(()) };
            self.head = Some(GroupHead::read(head)?);
            self.waiting.clear();
        }
        while let Some(&[l0, l1, c0, c1, c2, c3]) = self.gather(piece, PICTURE_HEAD_BYTES).and_then(|bytes| bytes.first_chunk()) {
            let length = usize::from(u16::from_le_bytes([l0, l1]));
            if !(1..=FACE_PACKET_BYTES_MAX).contains(&length) {
                return Err(Fault("a picture that is empty or too large"));
            }
            if self.pictures == PICTURES_MAX {
                return Err(Fault("a group of too many pictures"));
            }
            let Some(bytes) = self.gather(piece, PICTURE_HEAD_BYTES + length).map(|bytes| bytes[PICTURE_HEAD_BYTES..].to_vec()) else {
                return Ok(());
            };
            self.waiting.clear();
            self.pictures += 1;
            pictures.push(GroupPicture { captured_ms: u32::from_le_bytes([c0, c1, c2, c3]), bytes });
        }
        Ok(())
    }

    /// Moves bytes over until so many wait; all of them, if they do.
    fn gather(&mut self, piece: &mut &[u8], count: usize) -> Option<&[u8]> {
        let missing = count.saturating_sub(self.waiting.len()).min(piece.len());
        let (taken, rest) = piece.split_at(missing);
        self.waiting.extend_from_slice(taken);
        *piece = rest;
        self.waiting.get(..count)
    }
}

/// Bytes of a group's head.
pub const HEAD_BYTES: usize = 13;
/// Bytes before each picture.
pub const PICTURE_HEAD_BYTES: usize = 6;
/// Some six times what a group has at 100 kbit/s.
pub const GROUP_BYTES_MAX: usize = 256 << 10;
/// Beyond any group of ours: they end after three seconds.
const PICTURES_MAX: usize = 256;
const RATE_MAX: u8 = 60;
const VERSION: u8 = 1;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn head(generation: u32, group: u32) -> GroupHead {
        GroupHead { codec: FaceCodec::Vp8, rate: 15, side: 192, order: GroupOrder { generation, group } }
    }

    fn coded(head: &GroupHead, pictures: &[(u32, Vec<u8>)]) -> Vec<u8> {
        let mut bytes = head.bytes().to_vec();
        for (captured_ms, picture) in pictures {
            bytes.extend(picture_head(picture.len(), *captured_ms).unwrap());
            bytes.extend(picture);
        }
        bytes
    }

    fn read(bytes: &[u8]) -> Result<(Vec<GroupPicture>, bool), Fault> {
        let (mut reader, mut pictures) = (GroupReader::default(), Vec::new());
        reader.read(bytes, &mut pictures)?;
        Ok((pictures, reader.is_whole()))
    }

    #[test]
    fn what_breaks_a_rule_is_refused_and_so_is_all_after_it() {
        let whole = coded(&head(0, 0), &[(1, vec![7; 10])]);
        for (at, value) in [(0, 2), (1, 0), (1, 9), (2, 0), (2, 200), (3, 193), (4, 64), (13, 0)] {
            let mut bytes = whole.clone();
            bytes[at] = value;
            if at == 13 {
                bytes[14] = 0;
            }
            let (mut reader, mut pictures) = (GroupReader::default(), Vec::new());
            assert!(reader.read(&bytes, &mut pictures).is_err() && pictures.is_empty(), "byte {at} is {value}");
            assert!(reader.read(&whole, &mut pictures).is_err() && !reader.is_whole() && pictures.is_empty());
        }
        assert!(picture_head(0, 0).is_none() && picture_head(FACE_PACKET_BYTES_MAX + 1, 0).is_none());
        let large: Vec<_> = (0..7).map(|k| (k, vec![1; 40_000])).collect();
        assert_eq!(read(&coded(&head(0, 0), &large)).unwrap_err().to_string(), "a group of pictures that is too large");
        let many: Vec<_> = (0..300).map(|k| (k, vec![1; 1])).collect();
        assert!(read(&coded(&head(0, 0), &many)).is_err());
    }

    proptest! {
        #[test]
        fn pictures_come_out_as_they_went_in_whatever_the_pieces(
            generation: u32, group: u32, pictures in prop::collection::vec((any::<u32>(), prop::collection::vec(any::<u8>(), 1..300)), 0..20),
            cuts in prop::collection::vec(1usize..400, 1..40), missing in 0usize..20,
        ) {
            let bytes = coded(&head(generation, group), &pictures);
            let bytes = &bytes[..bytes.len() - missing.min(bytes.len())];
            let (mut reader, mut read) = (GroupReader::default(), Vec::new());
            let mut rest = bytes;
            for cut in cuts.iter().cycle() {
                let (piece, after) = rest.split_at((*cut).min(rest.len()));
                reader.read(piece, &mut read).unwrap();
                prop_assert!(reader.waiting.len() <= PICTURE_HEAD_BYTES + 300);
                rest = after;
                if rest.is_empty() { break; }
            }
            let read: Vec<_> = read.into_iter().map(|picture| (picture.captured_ms, picture.bytes)).collect();
            prop_assert!(pictures.starts_with(&read) && (missing > 0 || read == pictures && reader.is_whole()));
            prop_assert!(reader.head().is_none_or(|found| *found == head(generation, group)));
        }

        #[test]
        fn any_bytes_are_borne_and_little_is_kept(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..2000), 0..60), is_headed: bool) {
            let (mut reader, mut pictures) = (GroupReader::default(), Vec::new());
            if is_headed { reader.read(&head(1, 1).bytes(), &mut pictures).unwrap(); }
            for piece in &pieces {
                let fault = reader.read(piece, &mut pictures).err();
                prop_assert!(reader.waiting.len() <= FACE_PACKET_BYTES_MAX + PICTURE_HEAD_BYTES && (fault.is_none() || !reader.is_whole()));
            }
            prop_assert!(pictures.iter().map(|picture| picture.bytes.len()).sum::<usize>() <= GROUP_BYTES_MAX);
        }
    }
}
