use super::{CameraSource, Look, Seen, Shot};
use crate::media::{CameraLayout, CameraPicture, FacePicture};

/// A camera for whoever has none, and for tests: a friendly face that looks around and blinks, with a number along the top that machines can read.
///
/// The number is a strip of 20 cells across the square in the middle: black, white, 16 bits (most significant first), even parity, white. It counts the pictures that
/// would have been taken since the start, also those nobody looked at.
#[derive(Debug)]
pub struct Pattern {
    size: (usize, usize),
    rate: i64,
    hue: u8,
    started_ns: Option<i64>,
    last: Option<u16>,
}

impl Pattern {
    /// 640 × 480 pixels, 15 a second; the hue tells people apart.
    #[must_use]
    pub const fn new(hue: u8) -> Self {
        Self { size: (640, 480), rate: 15, hue, started_ns: None, last: None }
    }

    fn draw(&self, number: u16) -> CameraPicture {
        let (width, height) = self.size;
        let side = width.min(height);
        let left = (width - side) / 2;
        let mut bytes = Vec::with_capacity(width * height * 2);
        let face = FaceAt::of(number);
        for y in 0..height {
            if y % 2 == 1 {
                // Two by two pixels are alike: whoever watches gets fewer than half as many, and eight of these run on one machine in tests.
                bytes.extend_from_within(bytes.len() - width * 2..);
                continue;
            }
            for x in (0..width).step_by(2) {
                let place = |x: usize| (x as i32 - left as i32) * 256 / side as i32;
                if x >= left && x < left + side && y < side / STRIP {
                    let luma = cell(number, (x - left) * CELLS / side);
                    bytes.extend([luma, 128, luma, 128]);
                } else {
                    let [luma, blue, red] = face.colour(place(x), y as i32 * 256 / side as i32, self.hue);
                    bytes.extend([luma, blue, luma, red]);
                }
            }
        }
        CameraPicture { width, height, layout: CameraLayout::Yuyv, bytes }
    }
}

impl CameraSource for Pattern {
    fn name(&self) -> &'static str {
        "Test pattern"
    }

    fn look(&mut self, now_ns: i64) -> Look {
        let started_ns = *self.started_ns.get_or_insert(now_ns);
        let index = (i128::from(now_ns) - i128::from(started_ns)) * i128::from(self.rate) / 1_000_000_000;
        let number = index.rem_euclid(1 << 16) as u16;
        if self.last == Some(number) {
            return Look::Nothing;
        }
        self.last = Some(number);
        Look::Shot(Shot { captured_ns: now_ns, seen: Seen::Camera(self.draw(number)) })
    }
}

/// The number in a face made of the pattern; `None` rather than a guess.
#[must_use]
pub fn number(face: &FacePicture) -> Option<u16> {
    let (side, y) = (face.side, face.side / STRIP / 2);
    // Nine pixels in the middle of a cell outvote the codec.
    let at = |cell: usize| {
        let x = (cell * 2 + 1) * side / (CELLS * 2);
        let around = (0..9).map(|pixel| (x + pixel % 3, y + pixel / 3));
        around.map(|(x, y)| u32::from(face.brightness(x.saturating_sub(1), y.saturating_sub(1)))).sum::<u32>() / 9
    };
    let (black, white) = (at(0), at(1));
    if white < black + 40 {
        return None;
    }
    let is_white = |cell: usize| at(cell) * 2 > black + white;
    let bits = (2..18).fold(0_u16, |bits, cell| bits << 1 | u16::from(is_white(cell)));
    let is_even = (bits.count_ones() + u32::from(is_white(18))).is_multiple_of(2);
    (is_even && is_white(19)).then_some(bits)
}

/// Luma of one cell of the strip.
const fn cell(number: u16, index: usize) -> u8 {
    let is_white = match index {
        0 => false,
        2..=17 => number >> (17 - index) & 1 == 1,
        18 => number.count_ones() % 2 == 1,
        _ => true,
    };
    if is_white { 235 } else { 16 }
}

/// Where the face of the pattern looks, in parts of 256 of the square.
struct FaceAt {
    x: i32,
    y: i32,
    blinks: bool,
    /// How far the mouth is open.
    mouth: i32,
}

impl FaceAt {
    fn of(number: u16) -> Self {
        let swing = |period: i32, reach: i32| {
            let at = i32::from(number) % period;
            // There and back at an even pace.
            (at - period / 2).abs() * reach * 2 / (period / 2) - reach
        };
        Self { x: 128 + swing(60, 20), y: 140 + swing(44, 6), blinks: number % 50 < 3, mouth: 6 + swing(16, 5) }
    }

    /// Y, Cb and Cr at a place.
    fn colour(&self, x: i32, y: i32, hue: u8) -> [u8; 3] {
        let (across, down) = (x - self.x, y - self.y);
        let within = |x: i32, y: i32, wide: i32, high: i32| x * x * high * high + y * y * wide * wide < wide * wide * high * high;
        let is_eye = within(across.abs() - 30, down + 22, 9, if self.blinks { 2 } else { 12 });
        let is_mouth = within(across, down - 36, 30, self.mouth.max(2));
        if is_eye || is_mouth {
            [40, 124, 134]
        } else if within(across, down, 78, 92) {
            [176, 96, 156]
        } else {
            // The quarter of the colour circle is told by the two upper bits, the place in it by the rest.
            let part = i32::from(hue & 63);
            let (blue, red) = match hue >> 6 {
                0 => (part, 63 - part),
                1 => (63 - part, -part),
                2 => (-part, part - 63),
                _ => (part - 63, part),
            };
            [(60 + y.clamp(0, 255) * 60 / 256) as u8, (128 + blue / 2) as u8, (128 + red / 2) as u8]
        }
    }
}

const CELLS: usize = 20;
/// The strip is the twelfth part of the square high: a row of VP8's blocks in a face of 192 pixels.
const STRIP: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::{FaceCutter, FaceDecoder, FaceEncoder, FaceSettings};

    fn shot(pattern: &mut Pattern, now_ns: i64) -> Shot {
        match pattern.look(now_ns) {
            Look::Shot(shot) => shot,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_number_is_new_with_each_picture_and_says_how_many_there_were() {
        let mut pattern = Pattern::new(0);
        let mut cutter = FaceCutter::default();
        for (ms, expected) in
            [(5000, Some(0)), (5010, None), (5067, Some(1)), (5134, Some(2)), (5135, None), (7000, Some(30)), (4_374_000, Some(0xffff))]
        {
            let seen = match pattern.look(ms * 1_000_000) {
                Look::Shot(shot) => number(&shot.seen.cut(&mut cutter, 192).unwrap().picture(0)),
                _ => None,
            };
            assert_eq!(seen, expected, "at {ms} ms");
        }
    }

    #[test]
    fn every_number_survives_the_codec_at_each_size() {
        for (side, bits_per_second, rate) in [(192, 100_000, 15), (192, 60_000, 15), (96, 24_000, 5)] {
            let mut pattern = Pattern::new(77);
            let mut cutter = FaceCutter::default();
            let mut encoder = FaceEncoder::open(&FaceSettings { side, rate, bits_per_second }).unwrap();
            let mut decoder = FaceDecoder::open(encoder.codec(), side).unwrap();
            for at in 0..90_i64 {
                let face = shot(&mut pattern, at * 66_666_667 + 1).seen.cut(&mut cutter, side).unwrap();
                let packet = encoder.encode(&face, at % 45 == 0).unwrap();
                let picture = decoder.decode(&packet.bytes, 0).unwrap();
                assert_eq!(number(&picture), Some(at as u16), "side {side}, {bits_per_second} bit/s");
            }
        }
    }

    #[test]
    fn a_picture_without_a_strip_has_no_number() {
        let grey = FacePicture { side: 192, captured_ms: 0, rgba: vec![90; 192 * 192 * 4] };
        assert_eq!(number(&grey), None);
        assert_eq!(number(&FacePicture { side: 0, captured_ms: 0, rgba: Vec::new() }), None);
    }
}
