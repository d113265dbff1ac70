//! From codes to light: which numbers mean which colour, and how bright light becomes what an ordinary display can show.
//!
//! Standard pictures are shown code by code, as on every other player: their light is that of an sRGB display that gets R′, G′, B′. High dynamic range (PQ, HLG)
//! is decoded to candela per square metre, compressed by the curve of ITU-R BT.2390 from the film's brightest light to [`WHITE_NITS`], the white of BT.2408, and so
//! becomes the same scale. Wide colours are then brought to those of BT.709 and clipped.

/// How a film's numbers become colours (ITU-T H.273: `MatrixCoefficients`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matrix {
    /// No matrix: the planes are green, blue and red.
    Identity,
    /// BT.601, standard definition.
    Bt601,
    /// BT.709, high definition.
    Bt709,
    /// BT.2020, non-constant luminance.
    Bt2020,
    /// The United States' first, nearly BT.601.
    Fcc,
    /// SMPTE 240M, early high definition.
    Smpte240,
    /// Green and orange differences.
    YCgCo,
}

/// Which codes are black and white.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColourRange {
    /// 16–235 (chroma 16–240), or as many times more as there are more codes.
    Limited,
    /// All codes.
    Full,
}

/// An affine map from normalised code values (0–1 for all codes there are) Y′, Cb, Cr to R′, G′, B′ in 0–1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct YuvToRgb {
    /// One row each for R′, G′, B′; the columns take Y′, Cb, Cr.
    pub rows: [[f64; 3]; 3],
    /// Added after the rows.
    pub offset: [f64; 3],
}

impl YuvToRgb {
    /// The map for codes of so many bits (H.273 equations 20 to 49, inverted).
    #[must_use]
    pub fn new(matrix: Matrix, range: ColourRange, bits: u32) -> Self {
        let most = f64::from((1_u32 << bits.clamp(8, 16)) - 1);
        let step = f64::from(1_u32 << (bits.clamp(8, 16) - 8));
        let (y_scale, y_zero, c_scale) = match range {
            ColourRange::Limited => (most / (219.0 * step), 16.0 * step / most, most / (224.0 * step)),
            ColourRange::Full => (1.0, 0.0, 1.0),
        };
        let c_zero = 128.0 * step / most;
        let (kr, kb) = match matrix {
            Matrix::Identity => return Self::of_rgb(y_scale, y_zero),
            Matrix::YCgCo => return Self::of_differences([[-1.0, 1.0], [1.0, 0.0], [-1.0, -1.0]], (y_scale, y_zero), (c_scale, c_zero)),
            Matrix::Bt601 => (0.299, 0.114),
            Matrix::Bt709 => (0.2126, 0.0722),
            Matrix::Bt2020 => (0.2627, 0.0593),
            Matrix::Fcc => (0.30, 0.11),
            Matrix::Smpte240 => (0.212, 0.087),
        };
        let kg = 1.0 - kr - kb;
        let (cb_to_b, cr_to_r) = (2.0 * (1.0 - kb), 2.0 * (1.0 - kr));
        let differences = [[0.0, cr_to_r], [-cb_to_b * kb / kg, -cr_to_r * kr / kg], [cb_to_b, 0.0]];
        Self::of_differences(differences, (y_scale, y_zero), (c_scale, c_zero))
    }

    fn of_differences(differences: [[f64; 2]; 3], (y_scale, y_zero): (f64, f64), (c_scale, c_zero): (f64, f64)) -> Self {
        let rows = differences.map(|[cb, cr]| [y_scale, cb * c_scale, cr * c_scale]);
        Self { rows, offset: rows.map(|[y, cb, cr]| -y * y_zero - (cb + cr) * c_zero) }
    }

    fn of_rgb(scale: f64, zero: f64) -> Self {
        Self { rows: [[0.0, 0.0, scale], [scale, 0.0, 0.0], [0.0, scale, 0.0]], offset: [-scale * zero; 3] }
    }

    /// R′, G′, B′ in 0–1 of normalised code values, clipped as a display clips.
    #[must_use]
    pub fn apply(&self, yuv: [f64; 3]) -> [f64; 3] {
        std::array::from_fn(|i| {
            let row = self.rows[i];
            (row[0] * yuv[0] + row[1] * yuv[1] + row[2] * yuv[2] + self.offset[i]).clamp(0.0, 1.0)
        })
    }
}

impl Matrix {
    /// What players assume of a film that does not say: high definition is BT.709, the rest BT.601.
    #[must_use]
    pub const fn assumed_for(height: u32) -> Self {
        if height >= 720 { Self::Bt709 } else { Self::Bt601 }
    }
}

/// How R′, G′, B′ become light (H.273: `TransferCharacteristics`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transfer {
    /// As an ordinary display does it.
    Standard,
    /// The perceptual quantiser of SMPTE ST 2084: codes of absolute brightness.
    Pq,
    /// Hybrid log-gamma of BT.2100.
    Hlg,
}

impl Transfer {
    /// Whether it goes beyond the white of an ordinary display.
    #[must_use]
    pub const fn is_high(self) -> bool {
        matches!(self, Self::Pq | Self::Hlg)
    }
}

/// Which red, green and blue are meant (H.273: `ColourPrimaries`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Primaries {
    Bt709,
    Bt601Of625,
    Bt601Of525,
    Bt2020,
    DciP3,
    DisplayP3,
}

impl Primaries {
    /// Chromaticities of red, green, blue and white.
    const fn places(self) -> [[f64; 2]; 4] {
        const D65: [f64; 2] = [0.3127, 0.329];
        match self {
            Self::Bt709 => [[0.64, 0.33], [0.3, 0.6], [0.15, 0.06], D65],
            Self::Bt601Of625 => [[0.64, 0.33], [0.29, 0.6], [0.15, 0.06], D65],
            Self::Bt601Of525 => [[0.63, 0.34], [0.31, 0.595], [0.155, 0.07], D65],
            Self::Bt2020 => [[0.708, 0.292], [0.17, 0.797], [0.131, 0.046], D65],
            Self::DciP3 => [[0.68, 0.32], [0.265, 0.69], [0.15, 0.06], [0.314, 0.351]],
            Self::DisplayP3 => [[0.68, 0.32], [0.265, 0.69], [0.15, 0.06], D65],
        }
    }

    /// From linear light of these primaries to CIE XYZ with the white at 1, 1, 1: whites of two systems so become the same white.
    fn to_xyz(self) -> [[f64; 3]; 3] {
        let [red, green, blue, white] = self.places().map(|[x, y]| [x / y, 1.0, (1.0 - x - y) / y]);
        let columns = [0, 1, 2].map(|row| [red[row], green[row], blue[row]]);
        let shares = apply(inverse(columns), white);
        [0, 1, 2].map(|row| [0, 1, 2].map(|column| columns[row][column] * shares[column] / white[row]))
    }

    fn to_bt709(self) -> [[f64; 3]; 3] {
        const ONE: [[f64; 3]; 3] = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
        if self == Self::Bt709 { ONE } else { times(inverse(Self::Bt709.to_xyz()), self.to_xyz()) }
    }
}

fn apply(matrix: [[f64; 3]; 3], value: [f64; 3]) -> [f64; 3] {
    matrix.map(|row| row[0] * value[0] + row[1] * value[1] + row[2] * value[2])
}

fn times(left: [[f64; 3]; 3], right: [[f64; 3]; 3]) -> [[f64; 3]; 3] {
    left.map(|row| [0, 1, 2].map(|column| row[0] * right[0][column] + row[1] * right[1][column] + row[2] * right[2][column]))
}

/// Of a matrix that has one, by its cofactors.
fn inverse(m: [[f64; 3]; 3]) -> [[f64; 3]; 3] {
    let cofactor = |row: usize, column: usize| {
        let [r, s] = [(row + 1) % 3, (row + 2) % 3];
        let [c, d] = [(column + 1) % 3, (column + 2) % 3];
        m[r][c] * m[s][d] - m[r][d] * m[s][c]
    };
    let determinant = m[0][0] * cofactor(0, 0) + m[0][1] * cofactor(0, 1) + m[0][2] * cofactor(0, 2);
    [0, 1, 2].map(|row| [0, 1, 2].map(|column| cofactor(column, row) / determinant))
}

/// From R′, G′, B′ to the light on the screen, linear, 1 the white of an ordinary display.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Light {
    /// The curve.
    pub transfer: Transfer,
    /// From the film's linear light to that of BT.709.
    pub gamut: [[f64; 3]; 3],
    /// How high dynamic range is compressed.
    pub tone: Tone,
}

impl Light {
    pub(super) fn new(transfer: Transfer, primaries: Primaries, peak_nits: f64) -> Self {
        Self { transfer, gamut: primaries.to_bt709(), tone: Tone::new(peak_nits) }
    }

    /// Red, green and blue light in 0–1.
    #[must_use]
    pub fn of(&self, rgb: [f64; 3]) -> [f64; 3] {
        let linear = match self.transfer {
            Transfer::Standard => rgb.map(|code| if code <= 0.04045 { code / 12.92 } else { ((code + 0.055) / 1.055).powf(2.4) }),
            Transfer::Pq => self.tone.compressed(rgb.map(pq_to_nits)),
            Transfer::Hlg => self.tone.compressed(hlg_to_nits(rgb)),
        };
        apply(self.gamut, linear).map(|value| value.clamp(0.0, 1.0))
    }
}

/// BT.2390's curve from the film's brightest light to [`WHITE_NITS`], in codes of the perceptual quantiser, where black stays black.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tone {
    /// The code of the film's brightest light.
    pub peak: f64,
    /// The code of white over it.
    pub white: f64,
    /// Where the compression begins, in the film's codes over `peak`.
    pub knee: f64,
}

impl Tone {
    fn new(peak_nits: f64) -> Self {
        let peak = nits_to_pq(peak_nits.clamp(WHITE_NITS, 10_000.0));
        let white = nits_to_pq(WHITE_NITS) / peak;
        Self { peak, white, knee: 1.5 * white - 0.5 }
    }

    /// The brightest of the three decides, so that hues stay.
    fn compressed(&self, nits: [f64; 3]) -> [f64; 3] {
        let most = nits.into_iter().fold(0.0, f64::max);
        if most <= 0.0 {
            return [0.0; 3];
        }
        let share = pq_to_nits(self.code(nits_to_pq(most) / self.peak) * self.peak) / most;
        nits.map(|value| value * share / WHITE_NITS)
    }

    fn code(&self, code: f64) -> f64 {
        let code = code.clamp(0.0, 1.0);
        if code <= self.knee || self.knee >= 1.0 {
            return code;
        }
        // A cubic that leaves the knee with slope one and comes to white with slope zero.
        let t = (code - self.knee) / (1.0 - self.knee);
        let (t2, t3) = (t * t, t * t * t);
        (2.0 * t3 - 3.0 * t2 + 1.0) * self.knee + (t3 - 2.0 * t2 + t) * (1.0 - self.knee) + (3.0 * t2 - 2.0 * t3) * self.white
    }
}

/// ST 2084's numbers.
const PQ: [f64; 5] = [2610.0 / 16384.0, 2523.0 / 32.0, 3424.0 / 4096.0, 2413.0 / 128.0, 2392.0 / 128.0];

fn pq_to_nits(code: f64) -> f64 {
    let [m1, m2, c1, c2, c3] = PQ;
    let power = code.clamp(0.0, 1.0).powf(1.0 / m2);
    10_000.0 * ((power - c1).max(0.0) / (c2 - c3 * power)).powf(1.0 / m1)
}

fn nits_to_pq(nits: f64) -> f64 {
    let [m1, m2, c1, c2, c3] = PQ;
    let power = (nits.clamp(0.0, 10_000.0) / 10_000.0).powf(m1);
    ((c1 + c2 * power) / (1.0 + c3 * power)).powf(m2)
}

/// BT.2100, for its reference display of 1000 cd/m², whose system gamma is 1.2.
fn hlg_to_nits(rgb: [f64; 3]) -> [f64; 3] {
    const A: f64 = 0.178_832_77;
    let (b, c) = (1.0 - 4.0 * A, 0.5 - A * (4.0 * A).ln());
    let scene = rgb.map(|code| if code <= 0.5 { code * code / 3.0 } else { (((code - c) / A).exp() + b) / 12.0 });
    let luminance = 0.2627 * scene[0] + 0.678 * scene[1] + 0.0593 * scene[2];
    scene.map(|value| 1000.0 * luminance.powf(0.2) * value)
}

/// The light of diffuse white in high dynamic range (BT.2408), which is shown as the white of an ordinary display.
pub const WHITE_NITS: f64 = 203.0;
/// What films are mostly made for.
pub(super) const PEAK_UNSAID_NITS: f64 = 1000.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(matrix: Matrix, range: ColourRange, code: [u8; 3], expected: [f64; 3]) {
        let rgb = YuvToRgb::new(matrix, range, 8).apply(code.map(|c| f64::from(c) / 255.0));
        for (got, wanted) in rgb.iter().zip(expected) {
            assert!((got * 255.0 - wanted).abs() < 0.75, "{matrix:?} {range:?} {code:?}: {rgb:?}");
        }
    }

    #[test]
    fn black_white_and_primaries_come_out_right() {
        for matrix in [Matrix::Bt601, Matrix::Bt709, Matrix::Bt2020, Matrix::Fcc, Matrix::Smpte240, Matrix::YCgCo] {
            check(matrix, ColourRange::Limited, [16, 128, 128], [0.0; 3]);
            check(matrix, ColourRange::Limited, [235, 128, 128], [255.0; 3]);
            check(matrix, ColourRange::Full, [255, 128, 128], [255.0; 3]);
        }
        // Red, as encoders write it in each matrix.
        check(Matrix::Bt601, ColourRange::Limited, [81, 90, 240], [254.5, 0.0, 0.0]);
        check(Matrix::Bt709, ColourRange::Limited, [63, 102, 240], [255.0, 0.4, 0.0]);
        check(Matrix::Identity, ColourRange::Full, [10, 20, 30], [30.0, 10.0, 20.0]);
        check(Matrix::YCgCo, ColourRange::Full, [128, 255, 128], [1.0, 255.0, 1.0]);
    }

    #[test]
    fn more_bits_mean_the_same_colours() {
        for (matrix, range) in [(Matrix::Bt709, ColourRange::Limited), (Matrix::Bt2020, ColourRange::Limited)] {
            for bits in [9, 10, 12, 16] {
                let code = |code: u32| f64::from(code << (bits - 8)) / f64::from((1 << bits) - 1);
                let deep = YuvToRgb::new(matrix, range, bits).apply([100, 60, 170].map(code));
                let plain = YuvToRgb::new(matrix, range, 8).apply([100.0, 60.0, 170.0].map(|code| code / 255.0));
                assert!(deep.iter().zip(plain).all(|(deep, plain)| (deep - plain).abs() < 1e-12), "{bits}: {deep:?} {plain:?}");
            }
        }
    }

    #[test]
    fn the_perceptual_quantiser_has_the_values_of_its_standard() {
        // ST 2084: 0.508 is 100 cd/m², and BT.2408: 58 % is diffuse white, 75 % is 1000 cd/m².
        assert!((nits_to_pq(100.0) - 0.508).abs() < 1e-3 && (nits_to_pq(203.0) - 0.581).abs() < 1e-3);
        assert!((nits_to_pq(1000.0) - 0.752).abs() < 1e-3 && (nits_to_pq(10_000.0) - 1.0).abs() < 1e-12);
        for nits in [0.0, 0.01, 5.0, 203.0, 4000.0] {
            assert!((pq_to_nits(nits_to_pq(nits)) - nits).abs() < 1e-6 * nits.max(1.0), "{nits}");
        }
    }

    #[test]
    fn hybrid_log_gamma_has_the_values_of_its_standard() {
        // BT.2408: 75 % is diffuse white, 203 cd/m² on a display of 1000.
        let white = hlg_to_nits([0.75; 3])[1];
        assert!((white - 203.0).abs() < 1.0, "{white}");
        assert!((hlg_to_nits([1.0; 3])[0] - 1000.0).abs() < 0.1);
    }

    #[test]
    fn bright_light_is_compressed_without_a_step_and_dark_light_stays() {
        for peak_nits in [203.0, 400.0, 1000.0, 4000.0, 10_000.0] {
            let light = Light::new(Transfer::Pq, Primaries::Bt709, peak_nits);
            let grey = |nits: f64| light.of([nits_to_pq(nits); 3])[1];
            assert!((grey(peak_nits) - 1.0).abs() < 1e-6, "the brightest is white: {}", grey(peak_nits));
            if peak_nits <= 1000.0 {
                assert!((grey(20.0) * WHITE_NITS - 20.0).abs() < 1e-6, "{peak_nits}: {}", grey(20.0));
            }
            let steps: Vec<f64> = (0..=1000).map(|code| light.of([f64::from(code) / 1000.0; 3])[1]).collect();
            assert!(steps.windows(2).all(|pair| pair[1] >= pair[0] - 1e-9 && pair[1] - pair[0] < 0.02), "{peak_nits}");
        }
    }

    #[test]
    fn white_stays_white_in_every_gamut_and_red_beyond_it_is_clipped() {
        for primaries in [Primaries::Bt601Of625, Primaries::Bt601Of525, Primaries::Bt2020, Primaries::DciP3, Primaries::DisplayP3] {
            let light = Light::new(Transfer::Standard, primaries, 1000.0);
            assert!(light.of([1.0; 3]).iter().all(|&value| (value - 1.0).abs() < 1e-9), "{primaries:?}");
        }
        // BT.2087's matrix.
        let [red, ..] = Primaries::Bt2020.to_bt709();
        assert!((red[0] - 1.6605).abs() < 1e-4 && (red[1] + 0.5876).abs() < 1e-4 && (red[2] + 0.0728).abs() < 1e-4, "{red:?}");
        assert_eq!(Light::new(Transfer::Standard, Primaries::Bt2020, 1000.0).of([1.0, 0.0, 0.0]), [1.0, 0.0, 0.0]);
    }
}
