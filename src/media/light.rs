use super::{Picture, Transfer};

/// Zones of the screen that light the hall: three across, two down, row by row from the upper left.
pub const ZONES: usize = 6;

/// Mean light of each zone, linear RGB, from every 16th pixel of every 16th row (27 µs at 1080p; a finer grid changes it by less than 3 %). Light of high dynamic
/// range costs more to know and is looked at less often.
pub(super) fn zones(picture: &Picture) -> [[f32; 3]; ZONES] {
    let [luma, cb, cr] = [0, 1, 2].map(|index| picture.plane(index));
    let is_standard = picture.light.transfer == Transfer::Standard;
    let grid = if is_standard { GRID } else { GRID_OF_BRIGHT };
    let most = ((1_u32 << picture.bits) - 1) as f32;
    let mut sums = [[0.0; 3]; ZONES];
    let mut counts = [0.0; ZONES];
    let rows = picture.to_rgb.rows.map(|row| row.map(|value| value as f32 / most));
    let offset = picture.to_rgb.offset.map(|value| value as f32);
    for y in (grid / 2..luma.height.max(grid / 2 + 1)).step_by(grid) {
        let y = y.min(luma.height - 1);
        for x in (grid / 2..luma.width.max(grid / 2 + 1)).step_by(grid) {
            let x = x.min(luma.width - 1);
            let chroma = (x * cb.width / luma.width, y * cb.height / luma.height);
            let code = [luma.at(x, y), cb.at(chroma.0, chroma.1), cr.at(chroma.0, chroma.1)].map(f32::from);
            let rgb = [0, 1, 2].map(|i| {
                let row: [f32; 3] = rows[i];
                (row[0] * code[0] + row[1] * code[1] + row[2] * code[2] + offset[i]).clamp(0.0, 1.0)
            });
            // Squaring stands for the display's gamma: light adds linearly.
            let light =
                if is_standard { rgb.map(|value| value * value) } else { picture.light.of(rgb.map(f64::from)).map(|value| value as f32) };
            let place = picture.turn.shown([(x as f32 + 0.5) / luma.width as f32, (y as f32 + 0.5) / luma.height as f32]);
            let zone = usize::from(place[1] >= 0.5) * 3 + ((place[0] * 3.0) as usize).min(2);
            for (sum, light) in sums[zone].iter_mut().zip(light) {
                *sum += light;
            }
            counts[zone] += 1.0;
        }
    }
    std::array::from_fn(|zone| sums[zone].map(|sum: f32| if counts[zone] > 0.0 { sum / counts[zone] } else { 0.0 }))
}

const GRID: usize = 16;
const GRID_OF_BRIGHT: usize = 48;

#[cfg(test)]
mod tests {
    use ffmpeg_next::{format::Pixel, frame};

    use super::*;
    use crate::media::{Turn, picture::Said, video::Raw};

    fn picture(size: (usize, usize), turn: Turn, is_white: impl Fn(usize, usize) -> bool) -> Picture {
        let mut frame = frame::Video::new(Pixel::YUV420P, size.0 as u32, size.1 as u32);
        for plane in 0..3 {
            let stride = frame.stride(plane);
            for (i, code) in frame.data_mut(plane).iter_mut().enumerate() {
                *code = if plane > 0 {
                    128
                } else if is_white(i % stride, i / stride) {
                    235
                } else {
                    16
                };
            }
        }
        let said = Said { pixel_aspect: 1.0, turn, peak_nits: None };
        Picture::new(Raw { frame, film_ns: 0, duration_ns: 1 }, &said).unwrap()
    }

    #[test]
    fn a_white_corner_lights_its_zone_alone() {
        let white_at = |zones: [[f32; 3]; ZONES], lit: usize| {
            for (zone, light) in zones.into_iter().enumerate() {
                assert!(light.iter().all(|&c| (c - if zone == lit { 1.0 } else { 0.0 }).abs() < 0.01), "{lit}: {zones:?}");
            }
        };
        white_at(picture((96, 64), Turn::NONE, |x, y| x < 32 && y < 32).zones, 0);
        // Upside down, the upper left is the lower right.
        white_at(picture((96, 64), Turn([[-1, 0], [0, -1]]), |x, y| x < 32 && y < 32).zones, 5);
    }

    #[test]
    fn a_picture_smaller_than_the_grid_still_lights() {
        assert!(picture((2, 2), Turn::NONE, |_, _| true).zones.iter().flatten().any(|&c| c > 0.9));
    }
}
