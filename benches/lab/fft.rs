use std::f64::consts::PI;

/// A complex number: real and imaginary part.
pub(crate) type Complex = [f64; 2];

/// The discrete Fourier transform of a power of two of values, in place (Cooley and Tukey 1965); [`Fft::inverse`] is not scaled.
pub(crate) struct Fft {
    turns: Vec<Complex>,
}

impl Fft {
    /// For so many values, a power of two.
    pub(crate) fn new(length: usize) -> Self {
        assert!(length.is_power_of_two(), "{length} is no power of two");
        let turn = |k: usize| {
            let (sin, cos) = (-2.0 * PI * k as f64 / length as f64).sin_cos();
            [cos, sin]
        };
        Self { turns: (0..length / 2).map(turn).collect() }
    }

    pub(crate) fn forward(&self, values: &mut [Complex]) {
        let length = self.turns.len() * 2;
        assert_eq!(values.len(), length);
        let shift = usize::BITS - length.trailing_zeros();
        for from in 0..length {
            let to = from.reverse_bits() >> shift;
            if from < to {
                values.swap(from, to);
            }
        }
        let mut half = 1;
        while half < length {
            let stride = length / (half * 2);
            for block in values.chunks_exact_mut(half * 2) {
                let (low, high) = block.split_at_mut(half);
                for (k, (low, high)) in low.iter_mut().zip(high).enumerate() {
                    let product = times(*high, self.turns[k * stride]);
                    *high = [low[0] - product[0], low[1] - product[1]];
                    *low = [low[0] + product[0], low[1] + product[1]];
                }
            }
            half *= 2;
        }
    }

    pub(crate) fn inverse(&self, values: &mut [Complex]) {
        for value in &mut *values {
            value[1] = -value[1];
        }
        self.forward(values);
        for value in values {
            value[1] = -value[1];
        }
    }
}

/// The product of two numbers.
pub(crate) fn times(a: Complex, b: Complex) -> Complex {
    [a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]]
}
