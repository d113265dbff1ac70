use std::ops::{Add, AddAssign, Sub};

use serde::{Deserialize, Serialize};

macro_rules! time {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(i64);

        impl $name {
            /// The beginning.
            pub const ZERO: Self = Self(0);

            /// From nanoseconds.
            #[must_use]
            pub const fn from_ns(ns: i64) -> Self {
                Self(ns)
            }

            /// From seconds; `None` if the value is not a number or beyond ±100 years.
            #[must_use]
            pub fn from_s(seconds: f64) -> Option<Self> {
                (seconds.abs() < 3.2e9).then(|| Self((seconds * 1e9).round() as i64))
            }

            /// In nanoseconds.
            #[must_use]
            pub const fn ns(self) -> i64 {
                self.0
            }

            /// In seconds, exact to a microsecond for some 280 years.
            #[must_use]
            pub fn s(self) -> f64 {
                self.0 as f64 / 1e9
            }
        }

        impl Add<i64> for $name {
            type Output = Self;

            fn add(self, ns: i64) -> Self {
                Self(self.0.saturating_add(ns))
            }
        }

        impl AddAssign<i64> for $name {
            fn add_assign(&mut self, ns: i64) {
                *self = *self + ns;
            }
        }

        impl Sub for $name {
            type Output = i64;

            fn sub(self, earlier: Self) -> i64 {
                self.0.saturating_sub(earlier.0)
            }
        }
    };
}

time! {
    /// A place in the film; adding and subtracting are in nanoseconds and saturate.
    FilmTime
}
time! {
    /// The host's monotonic clock; adding and subtracting are in nanoseconds and saturate.
    RoomTime
}

/// Hours, minutes and seconds as people read them: `1:02:03`, `2:03`.
impl std::fmt::Display for FilmTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let seconds = self.ns().max(0) / 1_000_000_000;
        let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        if hours > 0 { write!(f, "{hours}:{minutes:02}:{seconds:02}") } else { write!(f, "{minutes}:{seconds:02}") }
    }
}

#[cfg(test)]
mod tests {
    use super::FilmTime;

    #[test]
    fn times_are_written_as_people_read_them() {
        let written = [0.0, 59.99, 600.0, 3661.0, -1.0].map(|seconds| FilmTime::from_s(seconds).unwrap().to_string());
        assert_eq!(written, ["0:00", "0:59", "10:00", "1:01:01", "0:00"]);
    }

    #[test]
    fn what_is_not_a_time_is_none() {
        for seconds in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300] {
            assert_eq!(FilmTime::from_s(seconds), None);
        }
        assert_eq!(FilmTime::from_s(12.5), Some(FilmTime::from_ns(12_500_000_000)));
    }

    #[test]
    fn arithmetic_saturates() {
        assert_eq!(FilmTime::from_ns(i64::MAX) + 1, FilmTime::from_ns(i64::MAX));
        assert_eq!(FilmTime::from_ns(i64::MIN) - FilmTime::from_ns(1), i64::MIN);
    }
}
