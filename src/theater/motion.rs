//! Eased motion: pure, with time as an argument.

/// Smooth start and smooth end: 0 → 0, 1 → 1, and nothing outside.
#[must_use]
pub fn ease(part: f32) -> f32 {
    let part = part.clamp(0.0, 1.0);
    part * part * (3.0 - 2.0 * part)
}

/// The share of the distance to a target that is covered in `dt_s` when 63 % are covered in `tau_s`: the same at any frame rate.
#[must_use]
pub fn covered(dt_s: f32, tau_s: f32) -> f32 {
    if tau_s <= 0.0 { 1.0 } else { 1.0 - (-dt_s.max(0.0) / tau_s).exp() }
}

/// One number on its way to another in a set time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Glide {
    from: f32,
    to: f32,
    part: f32,
    duration_s: f32,
}

impl Glide {
    /// At rest.
    #[must_use]
    pub fn at(value: f32) -> Self {
        Self { from: value, to: value, part: 1.0, duration_s: 0.0 }
    }

    /// Sets off from wherever it is now. Asking again for the same target changes nothing.
    pub fn go(&mut self, to: f32, duration_s: f32) {
        if to != self.to {
            *self = Self { from: self.value(), to, part: 0.0, duration_s };
        }
    }

    /// Lets time pass and says where it is.
    pub fn advance(&mut self, dt_s: f32) -> f32 {
        if self.part < 1.0 {
            self.part = if self.duration_s > 0.0 { (self.part + dt_s.max(0.0) / self.duration_s).min(1.0) } else { 1.0 };
        }
        self.value()
    }

    /// Where it is.
    #[must_use]
    pub fn value(&self) -> f32 {
        if self.part >= 1.0 { self.to } else { self.from + (self.to - self.from) * ease(self.part) }
    }

    /// Whether it has arrived.
    #[must_use]
    pub fn resting(&self) -> bool {
        self.part >= 1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn smoothing_is_the_same_at_any_frame_rate(dt in 0.001f32..0.2, tau in 0.01f32..1.0) {
            let whole = 1.0 - covered(dt, tau);
            let half = 1.0 - covered(dt / 2.0, tau);
            prop_assert!((whole - half * half).abs() < 1e-5);
        }

        #[test]
        fn a_glide_arrives_in_its_time_and_never_overshoots(from in -5.0f32..5.0, to in -5.0f32..5.0, duration in 0.1f32..3.0) {
            let mut glide = Glide::at(from);
            glide.go(to, duration);
            for _ in 0..50 {
                let value = glide.advance(duration / 49.0);
                prop_assert!(value >= from.min(to) - 1e-4 && value <= from.max(to) + 1e-4);
            }
            prop_assert!(glide.resting());
            prop_assert_eq!(glide.value(), to);
        }
    }

    #[test]
    fn a_new_target_starts_from_where_it_is() {
        let mut glide = Glide::at(0.0);
        glide.go(1.0, 1.0);
        let midway = glide.advance(0.4);
        glide.go(0.0, 1.0);
        assert!((glide.value() - midway).abs() < 1e-6);
    }
}
