/// What a player should do so that what is heard comes back to what the timeline wants. Pure; called once a frame.
///
/// Below `TRIM_LIMIT_NS` the rate is trimmed in proportion to the error, which ends at zero and cannot be heard; beyond it the sound jumps forward inside the
/// buffer or stands for a moment. Only a place that the buffer does not have is sought.
#[must_use]
pub fn follow(situation: &Situation) -> Follow {
    let Situation { behind_ns, buffered_ns, settling } = *situation;
    if settling {
        return Follow::Wait;
    }
    if behind_ns.abs() <= TRIM_LIMIT_NS {
        let rate = 1.0 + behind_ns as f64 / TRIM_TIME_CONSTANT_NS;
        return Follow::Trim { rate: rate.clamp(1.0 - TRIM_MAX, 1.0 + TRIM_MAX) };
    }
    if behind_ns < 0 {
        return if -behind_ns <= HOLD_LIMIT_NS { Follow::Hold { for_ns: -behind_ns } } else { Follow::Seek };
    }
    if behind_ns + SKIP_RESERVE_NS <= buffered_ns {
        Follow::Skip { by_ns: behind_ns }
    } else if behind_ns - buffered_ns > CATCH_UP_LIMIT_NS {
        Follow::Seek
    } else {
        // The decoder is faster than the film: the place will be in the buffer soon.
        Follow::Wait
    }
}

/// What is known when deciding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Situation {
    /// Wanted minus heard: positive when the player is late.
    pub behind_ns: i64,
    /// How much film lies decoded beyond what is heard.
    pub buffered_ns: i64,
    /// Whether an earlier correction has not been heard yet.
    pub settling: bool,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Follow {
    /// Play at this rate.
    Trim {
        /// 1 ± 0.005.
        rate: f64,
    },
    /// Jump forward inside the buffer.
    Skip {
        /// How far.
        by_ns: i64,
    },
    /// Stand, then go on.
    Hold {
        /// How long.
        for_ns: i64,
    },
    /// Change nothing now.
    Wait,
    /// The buffer is elsewhere: seek to where the timeline is.
    Seek,
}

/// Where two people beside each other begin to hear two sounds instead of one (Haas); below it nobody needs a jump.
const TRIM_LIMIT_NS: i64 = 40_000_000;
/// An error shrinks by a factor e in this time: quick beside a clock's drift, slow beside the noise of the measurement.
const TRIM_TIME_CONSTANT_NS: f64 = 2e9;
/// Half a percent: eight cents of a semitone.
const TRIM_MAX: f64 = 0.005;
/// What must remain buffered after a skip, so that the skip is not followed by a stall.
const SKIP_RESERVE_NS: i64 = 100_000_000;
/// Standing longer than this looks like a fault; a seek backwards is quicker.
const HOLD_LIMIT_NS: i64 = 2_000_000_000;
/// Further behind than this decoding through takes longer than seeking.
const CATCH_UP_LIMIT_NS: i64 = 3_000_000_000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decide(behind_ms: i64, buffered_ms: i64) -> Follow {
        follow(&Situation { behind_ns: behind_ms * 1_000_000, buffered_ns: buffered_ms * 1_000_000, settling: false })
    }

    #[test]
    fn small_errors_are_trimmed_in_proportion_and_never_by_more_than_half_a_percent() {
        assert_eq!(decide(0, 500), Follow::Trim { rate: 1.0 });
        assert_eq!(decide(2, 500), Follow::Trim { rate: 1.001 });
        assert_eq!(decide(-30, 500), Follow::Trim { rate: 0.995 });
    }

    #[test]
    fn large_errors_are_skipped_held_waited_for_or_sought() {
        assert_eq!(decide(60, 500), Follow::Skip { by_ns: 60_000_000 });
        assert_eq!(decide(600, 500), Follow::Wait);
        assert_eq!(decide(6000, 500), Follow::Seek);
        assert_eq!(decide(-300, 500), Follow::Hold { for_ns: 300_000_000 });
        assert_eq!(decide(-30_000, 500), Follow::Seek);
    }

    #[test]
    fn nothing_is_corrected_twice() {
        assert_eq!(follow(&Situation { behind_ns: 60_000_000, buffered_ns: 1 << 40, settling: true }), Follow::Wait);
    }

    proptest! {
        #[test]
        fn a_player_with_a_wrong_clock_comes_to_within_a_millisecond_and_stays(start_ms in -40i64..40, ppm in -300.0f64..300.0) {
            let mut behind_ns = (start_ms * 1_000_000) as f64;
            let frame_ns = 1e9 / 60.0;
            for frame in 0..60 * 30 {
                let decision = follow(&Situation { behind_ns: behind_ns as i64, buffered_ns: 1_000_000_000, settling: false });
                let Follow::Trim { rate } = decision else { panic!("{decision:?}") };
                behind_ns -= frame_ns * (rate * (1.0 + ppm * 1e-6) - 1.0);
                prop_assert!(frame < 60 * 20 || behind_ns.abs() < 1e6, "{behind_ns} ns after {frame} frames");
            }
        }
    }
}
