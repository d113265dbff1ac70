/// Samples of one kind among a picture's bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Samples<'a> {
    pub(super) bytes: &'a [u8],
    /// Index of the first byte of the first sample.
    pub(super) first: usize,
    /// Bytes from a sample to its right neighbour.
    pub(super) step: usize,
    /// Bytes from a row to the next.
    pub(super) stride: usize,
    /// 8 in one byte, more in two, the lesser first.
    pub(super) bits: u32,
}

/// A part of a picture, in samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Crop {
    pub(super) x: usize,
    pub(super) y: usize,
    pub(super) width: usize,
    pub(super) height: usize,
}

/// A part of a picture scaled to a square of `side`: each pixel is the exact mean of the area it covers. `None` if the part reaches beyond the bytes or is empty.
///
/// Weights are whole numbers: a sample is `side` wide, a pixel as wide as the part has samples, and both rulers have the same length.
pub(super) fn squared(samples: &Samples<'_>, crop: Crop, side: usize) -> Option<Vec<u8>> {
    let sample_bytes = if samples.bits > 8 { 2 } else { 1 };
    if crop.width == 0
        || crop.height == 0
        || crop.width.max(crop.height) > SAMPLES_MAX
        || !(8..=16).contains(&samples.bits)
        || samples.step == 0
    {
        return None;
    }
    let row_bytes = (crop.width - 1) * samples.step + sample_bytes;
    let row = |y: usize| {
        let start = samples.first + (crop.y + y) * samples.stride + crop.x * samples.step;
        samples.bytes.get(start..start + row_bytes)
    };
    // Rows ascend, so if the last one is there all are.
    row(crop.height - 1)?;
    let whole = (crop.width as u64 * crop.height as u64) << (samples.bits - 8);
    let mut sums = vec![0_u32; crop.width];
    let mut square = Vec::with_capacity(side * side);
    for out_y in 0..side {
        sums.fill(0);
        for (y, weight) in covered(out_y, crop.height, side) {
            add_row(&mut sums, row(y)?, samples.step, sample_bytes, weight as u32);
        }
        for out_x in 0..side {
            let sum: u64 = covered(out_x, crop.width, side).map(|(x, weight)| u64::from(sums[x]) * weight as u64).sum();
            square.push(((sum + whole / 2) / whole).min(255) as u8);
        }
    }
    Some(square)
}

/// Which of `count` samples the pixel `index` of `side` covers, and how much of each; the weights' sum is `count`.
fn covered(index: usize, count: usize, side: usize) -> impl Iterator<Item = (usize, usize)> {
    let (from, to) = (index * count, (index + 1) * count);
    (from / side..to.div_ceil(side)).map(move |sample| (sample, to.min((sample + 1) * side) - from.max(sample * side)))
}

fn add_row(sums: &mut [u32], row: &[u8], step: usize, sample_bytes: usize, weight: u32) {
    match (sample_bytes, step) {
        (1, 1) => sums.iter_mut().zip(row).for_each(|(sum, sample)| *sum += weight * u32::from(*sample)),
        (1, 2) => sums.iter_mut().zip(row.chunks(2)).for_each(|(sum, samples)| *sum += weight * u32::from(samples[0])),
        (1, _) => sums.iter_mut().zip(row.chunks(step)).for_each(|(sum, samples)| *sum += weight * u32::from(samples[0])),
        _ => sums.iter_mut().zip(row.chunks(step)).for_each(|(sum, samples)| {
            let high = samples.get(1).copied().unwrap_or(0);
            *sum += weight * u32::from(u16::from_le_bytes([samples[0], high]));
        }),
    }
}

/// So that no sum of one column overflows: 8192 samples of 16 bits.
const SAMPLES_MAX: usize = 8192;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plane(bytes: &[u8], stride: usize) -> Samples<'_> {
        Samples { bytes, first: 0, step: 1, stride, bits: 8 }
    }

    #[test]
    fn a_pixel_is_the_exact_mean_of_its_area() {
        let bytes = [0, 10, 20, 30, 40, 50, 60, 70, 80];
        let all = Crop { x: 0, y: 0, width: 3, height: 3 };
        assert_eq!(squared(&plane(&bytes, 3), all, 1).unwrap(), [40]);
        assert_eq!(squared(&plane(&bytes, 3), all, 3).unwrap(), bytes);
        // Each quarter covers one sample whole, two by half, and a quarter of the middle.
        assert_eq!(squared(&plane(&bytes, 3), all, 2).unwrap(), [13, 27, 53, 67]);
    }

    #[test]
    fn samples_may_stand_between_others_and_have_more_bits() {
        let yuyv = [1, 100, 2, 200, 3, 101, 4, 201];
        let luma = Samples { step: 2, ..plane(&yuyv, 4) };
        assert_eq!(squared(&luma, Crop { x: 0, y: 0, width: 2, height: 2 }, 2).unwrap(), [1, 2, 3, 4]);
        let blue = Samples { first: 1, step: 4, ..plane(&yuyv, 4) };
        assert_eq!(squared(&blue, Crop { x: 0, y: 0, width: 1, height: 2 }, 2).unwrap(), [100, 100, 101, 101]);
        let ten = [255, 3, 0, 2];
        let wide = Samples { step: 2, bits: 10, ..plane(&ten, 4) };
        assert_eq!(squared(&wide, Crop { x: 0, y: 0, width: 2, height: 1 }, 2).unwrap(), [255, 128, 255, 128]);
    }

    proptest! {
        #[test]
        fn what_is_even_stays_even_and_nothing_beyond_is_read(
            width in 1usize..40, height in 1usize..40, side in 1usize..20, level: u8, short in 0usize..3, step in 1usize..5, bits in 8u32..17,
        ) {
            let stride = width * step * 2 + 1;
            let needed = (height - 1) * stride + (width - 1) * step + usize::from(bits > 8) + 1;
            let bytes = vec![if bits > 8 { 0 } else { level }; needed - short.min(needed)];
            let samples = Samples { bytes: &bytes, first: 0, step, stride, bits };
            let square = squared(&samples, Crop { x: 0, y: 0, width, height }, side);
            prop_assert_eq!(square.is_some(), short == 0);
            let expected = if bits > 8 { 0 } else { level };
            prop_assert!(square.is_none_or(|square| square.len() == side * side && square.iter().all(|&pixel| pixel == expected)));
        }
    }
}
