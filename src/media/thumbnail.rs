use super::{Picture, Plane};

impl Picture {
    /// The picture small, at most so wide and high, in its own proportions: sRGB bytes, each pixel followed by 255.
    #[must_use]
    pub fn thumbnail(&self, width_max: usize, height_max: usize) -> Thumbnail {
        let (width, height) = fitted(self.aspect, width_max, height_max);
        let planes = [0, 1, 2].map(|index| self.plane(index));
        let most = f64::from((1_u32 << self.bits) - 1);
        let (coded_width, coded_height) = if self.turn.is_sideways() { (height, width) } else { (width, height) };
        let mut rgba = Vec::with_capacity(width * height * 4);
        for y in 0..height {
            for x in 0..width {
                let [across, down] = self.turn.coded([(x as f32 + 0.5) / width as f32, (y as f32 + 0.5) / height as f32]);
                let at = ((across * coded_width as f32) as usize, (down * coded_height as f32) as usize);
                let code = planes.map(|plane| mean(&plane, (at.0, coded_width), (at.1, coded_height)) / most);
                let light = self.light.of(self.to_rgb.apply(code));
                rgba.extend(light.map(|light| (srgb(light) * 255.0).round() as u8));
                rgba.push(255);
            }
        }
        Thumbnail { film_ns: self.film_ns, width, height, rgba }
    }
}

/// The code of linear light on an ordinary display.
pub(super) fn srgb(light: f64) -> f64 {
    if light <= 0.003_130_8 { light * 12.92 } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 }
}

/// A small picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thumbnail {
    /// When it is due, in nanoseconds of film time.
    pub film_ns: i64,
    /// Pixels across.
    pub width: usize,
    /// Pixels down.
    pub height: usize,
    /// Four bytes a pixel, row by row from the top.
    pub rgba: Vec<u8>,
}

fn fitted(aspect: f32, width_max: usize, height_max: usize) -> (usize, usize) {
    let aspect = if aspect.is_finite() { aspect.clamp(0.05, 20.0) } else { 1.0 };
    let (width, height) = (width_max as f32, height_max as f32);
    let (width, height) = if aspect * height > width { (width, width / aspect) } else { (height * aspect, height) };
    ((width.round() as usize).clamp(1, width_max.max(1)), (height.round() as usize).clamp(1, height_max.max(1)))
}

/// The mean of at most 16 codes spread over what one small pixel covers.
fn mean(plane: &Plane<'_>, (x, width): (usize, usize), (y, height): (usize, usize)) -> f64 {
    let place = |index: usize, of: usize, sub: usize, pixels: usize| (index * SPREAD + sub) * pixels / (of * SPREAD);
    let mut sum = 0;
    for row in 0..SPREAD {
        for column in 0..SPREAD {
            sum += u32::from(plane.at(place(x, width, column, plane.width), place(y, height, row, plane.height)));
        }
    }
    f64::from(sum) / (SPREAD * SPREAD) as f64
}

const SPREAD: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_picture_keeps_its_proportions_and_its_bounds() {
        assert_eq!(fitted(16.0 / 9.0, 192, 108), (192, 108));
        assert_eq!(fitted(2.39, 192, 108), (192, 80));
        assert_eq!(fitted(0.5, 192, 108), (54, 108));
        assert_eq!((fitted(f32::NAN, 192, 108), fitted(1e9, 192, 108)), ((108, 108), (192, 10)));
    }

    #[test]
    fn a_pixel_is_the_mean_of_what_it_covers() {
        let bytes: Vec<u8> = (0..64).map(|index| if index % 8 < 4 { 0 } else { 200 }).collect();
        let plane = Plane { bytes: &bytes, stride: 8, width: 8, height: 8, is_wide: false };
        assert_eq!([mean(&plane, (0, 2), (0, 2)), mean(&plane, (1, 2), (1, 2)), mean(&plane, (0, 1), (0, 1))], [0.0, 200.0, 100.0]);
    }
}
