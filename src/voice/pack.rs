/// How many ticks go into a packet, by how the path is: 10 ms are heard 10 ms sooner, 20 ms are half as many packets and mend a loss better, since the copy
/// of what was lost is paid once and not twice. Half of a small packet is what the network adds, and whoever talks pays it once for each hearer.
///
/// Bad is believed at once and good after a while, so that it does not go to and fro.
#[derive(Debug, Clone, Default)]
pub(super) struct Pack {
    is_bad: bool,
    good_frames: u32,
}

/// How packets fare on the way to those who listen, as the worst of them says.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Path {
    /// Of a hundred packets, how many are lost.
    pub loss_percent: f32,
    /// How unevenly they come: what the hearers' buffers wait, in ns.
    pub jitter_ns: i64,
    /// To how many it goes.
    pub hearers: usize,
}

impl Pack {
    /// Called for each frame of 10 ms. 1 or 2.
    pub(super) fn ticks(&mut self, path: &Path) -> usize {
        let is_bad = path.loss_percent >= BAD_LOSS_PERCENT || path.jitter_ns >= BAD_JITTER_NS;
        let is_good = path.loss_percent < GOOD_LOSS_PERCENT && path.jitter_ns < GOOD_JITTER_NS;
        self.good_frames = if is_good { self.good_frames.saturating_add(1) } else { 0 };
        self.is_bad = is_bad || self.is_bad && self.good_frames < GOOD_FRAMES;
        if self.is_bad || path.hearers > FEW_HEARERS { 2 } else { 1 }
    }
}

const BAD_LOSS_PERCENT: f32 = 3.0;
const GOOD_LOSS_PERCENT: f32 = 1.0;
/// Beyond it 10 ms more are a small part of the whole.
const BAD_JITTER_NS: i64 = 60_000_000;
const GOOD_JITTER_NS: i64 = 30_000_000;
/// To more, 10 ms packets of two who talk and everybody's faces are more than a usual line at home sends.
const FEW_HEARERS: usize = 5;
/// Five seconds.
const GOOD_FRAMES: u32 = 500;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_path_gets_longer_packets_at_once_and_a_good_one_short_ones_after_a_while() {
        let mut pack = Pack::default();
        let lossy_by = |loss_percent| Path { loss_percent, ..Path::default() };
        let (good, middling, lossy) = (Path::default(), lossy_by(2.0), lossy_by(3.0));
        assert_eq!([&good, &middling, &lossy, &middling, &good].map(|path| pack.ticks(path)), [1, 1, 2, 2, 2]);
        assert!((0..498).all(|_| pack.ticks(&good) == 2));
        assert_eq!([&good, &Path { jitter_ns: 80_000_000, ..good }].map(|path| pack.ticks(path)), [1, 2]);
        assert_eq!(pack.ticks(&lossy_by(f32::NAN)), 2);
    }

    #[test]
    fn many_hearers_get_longer_packets() {
        let mut pack = Pack::default();
        let heard_by = |hearers| Path { hearers, ..Path::default() };
        assert_eq!([1, FEW_HEARERS, FEW_HEARERS + 1, 2].map(|hearers| pack.ticks(&heard_by(hearers))), [1, 1, 2, 1]);
    }
}
