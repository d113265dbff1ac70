/// Who decides that the microphone is heard.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// Nobody: nothing is sent.
    #[default]
    Muted,
    /// The person's finger.
    PushToTalk {
        /// Whether it is down.
        held: bool,
    },
    /// Their voice.
    Open,
}

/// What becomes of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Passage {
    Closed,
    /// The first to be sent; with it what was kept from just before, if their voice decided.
    Opens,
    Open,
    /// The last to be sent; it is to end in silence.
    Closes,
}

/// The gate between the microphone and the encoder.
///
/// It stays open for a while after the last word ([`HANG_VOICE_FRAMES`]), or every pause between two words would be a hole; after the finger for less. Muting
/// is at once.
#[derive(Debug, Clone, Default)]
pub(super) struct Gate {
    is_open: bool,
    /// Frames until it closes.
    hang: u32,
}

impl Gate {
    /// Decides about the next 10 ms.
    pub(super) fn frame(&mut self, mode: Mode, speaks: bool) -> Passage {
        let (wants, hang) = match mode {
            Mode::Muted => (false, 0),
            Mode::PushToTalk { held } => (held, HANG_FINGER_FRAMES),
            Mode::Open => (speaks, HANG_VOICE_FRAMES),
        };
        if wants {
            self.hang = hang;
            return if std::mem::replace(&mut self.is_open, true) { Passage::Open } else { Passage::Opens };
        }
        if !self.is_open {
            return Passage::Closed;
        }
        self.hang = self.hang.min(hang);
        if self.hang == 0 {
            self.is_open = false;
            return Passage::Closes;
        }
        self.hang -= 1;
        Passage::Open
    }
}

/// 300 ms.
const HANG_VOICE_FRAMES: u32 = 30;
/// 100 ms: fingers are quicker than the ends of words.
const HANG_FINGER_FRAMES: u32 = 10;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use Passage::{Closed, Closes, Open, Opens};

    fn check(frames: &[(Mode, bool, usize)], expected: &[(Passage, usize)]) {
        let mut gate = Gate::default();
        let passages = frames
            .iter()
            .flat_map(|(mode, speaks, times)| std::iter::repeat_n((*mode, *speaks), *times))
            .map(|(mode, speaks)| gate.frame(mode, speaks));
        let expected: Vec<Passage> = expected.iter().flat_map(|(passage, times)| std::iter::repeat_n(*passage, *times)).collect();
        assert_eq!(passages.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_voice_opens_it_and_pauses_between_words_do_not_close_it() {
        check(
            &[(Mode::Open, false, 5), (Mode::Open, true, 9), (Mode::Open, false, 20), (Mode::Open, true, 1), (Mode::Open, false, 40)],
            &[(Closed, 5), (Opens, 1), (Open, 8), (Open, 20), (Open, 1), (Open, 30), (Closes, 1), (Closed, 9)],
        );
    }

    #[test]
    fn a_finger_opens_it_and_a_mute_closes_it_at_once() {
        let held = Mode::PushToTalk { held: true };
        check(
            &[(held, false, 3), (Mode::PushToTalk { held: false }, true, 12)],
            &[(Opens, 1), (Open, 2), (Open, 10), (Closes, 1), (Closed, 1)],
        );
        check(&[(held, false, 3), (Mode::Muted, true, 3)], &[(Opens, 1), (Open, 2), (Closes, 1), (Closed, 2)]);
        check(
            &[(Mode::Open, true, 1), (Mode::Open, false, 3), (Mode::Muted, false, 2)],
            &[(Opens, 1), (Open, 3), (Closes, 1), (Closed, 1)],
        );
    }

    proptest! {
        #[test]
        fn what_opens_closes_once_and_nothing_passes_when_muted(frames in prop::collection::vec((0u8..4, any::<bool>()), 1..400)) {
            let (mut gate, mut is_open, mut muted) = (Gate::default(), false, 0);
            for (mode, speaks) in frames {
                let mode = [Mode::Muted, Mode::PushToTalk { held: true }, Mode::PushToTalk { held: false }, Mode::Open][usize::from(mode)];
                muted = if mode == Mode::Muted { muted + 1 } else { 0 };
                let passage = gate.frame(mode, speaks);
                prop_assert_eq!(is_open, matches!(passage, Open | Closes));
                is_open = matches!(passage, Open | Opens);
                prop_assert!(muted == 0 || !is_open);
                prop_assert!(muted < 2 || passage == Closed);
            }
        }
    }
}
