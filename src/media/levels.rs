//! Smaller copies of a picture, so that a screen seen small or from the side does not shimmer.
//!
//! They are made where the picture is decoded and not on the graphics adapter: it takes a millisecond for 1080p, the same one on every machine, and a picture is
//! drawn more often than it changes.

use super::Plane;

/// How many halvings of a picture are worth having.
pub(super) fn count(width: usize, height: usize) -> usize {
    (width.min(height) / SIDE_LEAST).checked_ilog2().map_or(0, |halvings| (halvings as usize).min(LEVELS_MOST))
}

/// A plane's smaller copies, each half as wide and high as the one before.
pub(super) fn of(plane: &Plane<'_>, count: usize) -> Vec<Level> {
    let mut levels: Vec<Level> = Vec::with_capacity(count);
    for _ in 0..count {
        let next = halved(levels.last().map_or(*plane, Level::plane));
        levels.push(next);
    }
    levels
}

/// One of them.
pub(super) struct Level {
    bytes: Vec<u8>,
    width: usize,
    height: usize,
    is_wide: bool,
}

impl Level {
    pub(super) fn plane(&self) -> Plane<'_> {
        let stride = if self.is_wide { self.width * 2 } else { self.width };
        Plane { bytes: &self.bytes, stride, width: self.width, height: self.height, is_wide: self.is_wide }
    }
}

fn halved(plane: Plane<'_>) -> Level {
    let (width, height) = ((plane.width / 2).max(1), (plane.height / 2).max(1));
    let sample_bytes = if plane.is_wide { 2 } else { 1 };
    let mut bytes = vec![0; width * height * sample_bytes];
    for (y, row) in bytes.chunks_exact_mut(width * sample_bytes).enumerate() {
        let line = |y: usize| {
            let start = y.min(plane.height - 1) * plane.stride;
            plane.bytes.get(start..start + plane.width * sample_bytes).unwrap_or_default()
        };
        let (upper, lower) = (line(y * 2), line(y * 2 + 1));
        // A column of one pixel is both of two.
        let [twice_upper, twice_lower] = if plane.width == 1 { [upper.repeat(2), lower.repeat(2)] } else { [const { Vec::new() }; 2] };
        let (upper, lower) = if plane.width == 1 { (&twice_upper[..], &twice_lower[..]) } else { (upper, lower) };
        if plane.is_wide { mean::<2>(row, upper, lower) } else { mean::<1>(row, upper, lower) }
    }
    Level { bytes, width, height, is_wide: plane.is_wide }
}

/// The mean of two by two samples of so many bytes.
fn mean<const BYTES: usize>(row: &mut [u8], upper: &[u8], lower: &[u8]) {
    let of = |pair: &[u8], at: usize| {
        if BYTES == 1 { u32::from(pair[at]) } else { u32::from(u16::from_le_bytes([pair[at], pair[at + BYTES - 1]])) }
    };
    let pairs = upper.chunks_exact(BYTES * 2).zip(lower.chunks_exact(BYTES * 2));
    for (mean, (upper, lower)) in row.chunks_exact_mut(BYTES).zip(pairs) {
        let sum = of(upper, 0) + of(upper, BYTES) + of(lower, 0) + of(lower, BYTES);
        mean.copy_from_slice(&((sum + 2) / 4).to_le_bytes()[..BYTES]);
    }
}

/// Smaller than this no screen is seen.
const SIDE_LEAST: usize = 16;
const LEVELS_MOST: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_level_is_the_mean_of_the_one_before() {
        let bytes: Vec<u8> = vec![10, 20, 30, 40, 99, 20, 30, 40, 50, 99];
        let plane = Plane { bytes: &bytes, stride: 5, width: 5, height: 2, is_wide: false };
        let levels = of(&plane, 3);
        assert_eq!((&levels[0].bytes[..], &levels[1].bytes[..], &levels[2].bytes[..]), (&[20, 40][..], &[30][..], &[30][..]));
        let bytes: Vec<u8> = [1000_u16, 1004, 1008, 1012].into_iter().flat_map(u16::to_le_bytes).collect();
        let level = halved(Plane { bytes: &bytes, stride: 4, width: 2, height: 2, is_wide: true });
        assert_eq!(level.plane().at(0, 0), 1006);
    }

    #[test]
    fn small_pictures_have_no_levels() {
        assert_eq!([(8, 8), (31, 31), (32, 32), (1920, 1080), (8192, 4352)].map(|(width, height)| count(width, height)), [0, 0, 1, 6, 6]);
    }
}
