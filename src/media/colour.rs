/// How a film's numbers become colours (ITU-T H.273: `MatrixCoefficients` and `VideoFullRangeFlag`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matrix {
    /// BT.601, standard definition.
    Bt601,
    /// BT.709, high definition.
    Bt709,
    /// BT.2020, non-constant luminance.
    Bt2020,
}

/// Which codes are black and white.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColourRange {
    /// 16–235 (chroma 16–240).
    Limited,
    /// 0–255.
    Full,
}

/// An affine map from normalised code values (0–1 for 0–255) Y′, Cb, Cr to R′, G′, B′ in 0–1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct YuvToRgb {
    /// One row each for R′, G′, B′; the columns take Y′, Cb, Cr.
    pub rows: [[f64; 3]; 3],
    /// Added after the rows.
    pub offset: [f64; 3],
}

impl YuvToRgb {
    /// The map for 8-bit codes (H.273 equations 8-5 to 8-9 and 41 to 49, inverted).
    #[must_use]
    pub fn new(matrix: Matrix, range: ColourRange) -> Self {
        let (kr, kb) = match matrix {
            Matrix::Bt601 => (0.299, 0.114),
            Matrix::Bt709 => (0.2126, 0.0722),
            Matrix::Bt2020 => (0.2627, 0.0593),
        };
        let kg = 1.0 - kr - kb;
        let (y_scale, y_zero, c_scale) = match range {
            ColourRange::Limited => (255.0 / 219.0, 16.0 / 255.0, 255.0 / 224.0),
            ColourRange::Full => (1.0, 0.0, 1.0),
        };
        let c_zero = 128.0 / 255.0;
        let (cb_to_b, cr_to_r) = (2.0 * (1.0 - kb) * c_scale, 2.0 * (1.0 - kr) * c_scale);
        let rows = [[y_scale, 0.0, cr_to_r], [y_scale, -cb_to_b * kb / kg, -cr_to_r * kr / kg], [y_scale, cb_to_b, 0.0]];
        let offset = rows.map(|[y, cb, cr]| -y * y_zero - (cb + cr) * c_zero);
        Self { rows, offset }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn check(matrix: Matrix, range: ColourRange, code: [u8; 3], expected: [f64; 3]) {
        let rgb = YuvToRgb::new(matrix, range).apply(code.map(|c| f64::from(c) / 255.0));
        for (got, wanted) in rgb.iter().zip(expected) {
            assert!((got * 255.0 - wanted).abs() < 0.75, "{matrix:?} {range:?} {code:?}: {rgb:?}");
        }
    }

    #[test]
    fn black_white_and_primaries_come_out_right() {
        for matrix in [Matrix::Bt601, Matrix::Bt709, Matrix::Bt2020] {
            check(matrix, ColourRange::Limited, [16, 128, 128], [0.0; 3]);
            check(matrix, ColourRange::Limited, [235, 128, 128], [255.0; 3]);
            check(matrix, ColourRange::Full, [255, 128, 128], [255.0; 3]);
        }
        // Red, as encoders write it in each matrix.
        check(Matrix::Bt601, ColourRange::Limited, [81, 90, 240], [254.5, 0.0, 0.0]);
        check(Matrix::Bt709, ColourRange::Limited, [63, 102, 240], [255.0, 0.4, 0.0]);
    }
}
