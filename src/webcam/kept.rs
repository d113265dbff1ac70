/// A group so far, for whoever comes while it goes on: the whole of it is less than a key frame for everybody.
#[derive(Debug, Default)]
pub(super) struct Kept {
    bytes: Vec<u8>,
    pictures: usize,
}

impl Kept {
    /// With one picture more; `None` if it is then too much to be given to anybody at once.
    pub(super) fn and(mut self, picture: &[u8]) -> Option<Self> {
        self.bytes.extend_from_slice(picture);
        self.pictures += 1;
        (self.bytes.len() <= KEPT_BYTES_MAX && self.pictures <= KEPT_PICTURES_MAX).then_some(self)
    }

    /// One picture after the other, as they were sent.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Two seconds of a face that many watch. To six others a key frame is as much, and a line of 2 Mbit/s carries it in less than a tenth of a second.
const KEPT_BYTES_MAX: usize = 20 << 10;
/// They are decoded at once, and count among what a person may send.
const KEPT_PICTURES_MAX: usize = 30;

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pictures: usize, bytes: usize) -> Option<Kept> {
        (0..pictures).try_fold(Kept::default(), |kept, at| kept.and(&vec![at as u8; bytes]))
    }

    #[test]
    fn what_is_kept_is_whole_and_bounded() {
        let kept = of(KEPT_PICTURES_MAX, 3).unwrap();
        assert!(kept.bytes().iter().enumerate().all(|(at, byte)| usize::from(*byte) == at / 3));
        assert_eq!(kept.bytes().len(), KEPT_PICTURES_MAX * 3);
        assert!(of(KEPT_PICTURES_MAX + 1, 3).is_none(), "too many");
        assert!(of(20, 1024).is_some() && of(21, 1024).is_none(), "too long");
        assert!(of(1, KEPT_BYTES_MAX + 1).is_none());
    }
}
