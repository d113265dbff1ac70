use crate::media::{FACE_RATE, FACE_SIDE, FaceSettings};

/// How finely somebody is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// Near: all there is.
    Near = 0,
    /// Far away in the hall.
    Far = 1,
    /// Out of sight, but may come into it: so that there is a face at once.
    Glimpse = 2,
}

impl Layer {
    /// From the finest.
    pub const ALL: [Self; 3] = [Self::Near, Self::Far, Self::Glimpse];

    /// How it is coded for so many: where many watch, each gets a little less, or a usual line at home would not send it to all of them.
    #[must_use]
    pub const fn settings_for(self, watchers: usize) -> FaceSettings {
        match self {
            Self::Near if watchers > FEW_WATCHERS => FaceSettings { bits_per_second: 60_000, ..self.settings() },
            _ => self.settings(),
        }
    }

    /// How it is coded.
    #[must_use]
    pub const fn settings(self) -> FaceSettings {
        match self {
            Self::Near => FaceSettings { side: FACE_SIDE, rate: FACE_RATE, bits_per_second: 96_000 },
            Self::Far => FaceSettings { side: FACE_SIDE / 2, rate: 5, bits_per_second: 20_000 },
            Self::Glimpse => FaceSettings { side: FACE_SIDE / 2, rate: 1, bits_per_second: 6_000 },
        }
    }

    /// From picture to picture.
    pub(super) const fn period_ns(self) -> i64 {
        1_000_000_000 / self.settings().rate as i64
    }
}

/// To more, faces at their finest are more than half a megabit a second.
const FEW_WATCHERS: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_face_fits_a_usual_line_at_home_with_voices_beside_it() {
        let all = |watchers: usize| Layer::Near.settings_for(watchers).bits_per_second as usize * watchers;
        assert!((1..=8).all(|watchers| all(watchers) <= 480_000), "{} bit/s to five, {} to eight", all(5), all(8));
        for layer in Layer::ALL {
            let settings = layer.settings_for(1);
            assert_eq!(settings, layer.settings());
            assert!(settings.bits_per_second <= 100_000 && layer.period_ns() * i64::from(settings.rate) > 999_000_000);
        }
    }
}
