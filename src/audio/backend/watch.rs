//! What to think of a device, from its signs of life: pure, with time as an argument.

/// Whether to keep the stream, open another, or go on without one.
pub(super) fn judge(stream: &StreamState, now_ns: i64) -> Verdict {
    match *stream {
        StreamState::None { tried_ns } if now_ns - tried_ns >= RETRY_NS => Verdict::Reopen,
        StreamState::None { .. } => Verdict::RunWithout,
        StreamState::Open { opened_ns, signs, default_moved } => {
            let silent_ns = now_ns - signs.last_callback_ns.unwrap_or(opened_ns);
            let patience_ns = if signs.last_callback_ns.is_some() { SILENT_NS } else { FIRST_CALLBACK_NS };
            let troubled = signs.troubled_since_ns.is_some_and(|since_ns| now_ns - since_ns > TROUBLE_NS);
            if !(signs.is_gone || troubled || default_moved || silent_ns > patience_ns) {
                Verdict::Keep
            } else if now_ns - opened_ns >= RETRY_NS {
                Verdict::Reopen
            } else {
                // It failed as soon as it was opened; to try again at once would spin.
                Verdict::RunWithout
            }
        }
    }
}

/// How a stream stands.
#[derive(Debug, Clone, Copy)]
pub(super) enum StreamState {
    None { tried_ns: i64 },
    Open { opened_ns: i64, signs: Signs, default_moved: bool },
}

/// What the callbacks of a stream have shown.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Signs {
    pub(super) last_callback_ns: Option<i64>,
    /// The device or the stream was said to be no more.
    pub(super) is_gone: bool,
    /// The first error since the last callback. ALSA over PulseAudio has storms of them that pass, and its server's death looks the same.
    pub(super) troubled_since_ns: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Keep,
    Reopen,
    RunWithout,
}

/// Decides when a loss is worth telling: not when another stream plays a moment later.
#[derive(Default)]
pub(super) struct Herald {
    silent_since_ns: Option<i64>,
    is_lost: bool,
}

impl Herald {
    /// `Some(true)` when sound is newly lost, `Some(false)` when it is newly back.
    pub(super) fn tell(&mut self, now_ns: i64, sounds: bool) -> Option<bool> {
        if sounds {
            self.silent_since_ns = None;
            return std::mem::take(&mut self.is_lost).then_some(false);
        }
        let since_ns = *self.silent_since_ns.get_or_insert(now_ns);
        (now_ns - since_ns > SILENT_NS && !std::mem::replace(&mut self.is_lost, true)).then_some(true)
    }
}

/// The latency of each callback, cleaned of what devices say when they do not know.
///
/// The first callback of a stream, and those right after a stall, report none; a mean would carry one bad value for a long time, so the
/// median stands in.
#[derive(Default)]
pub(super) struct Latency {
    recent_ns: [i64; RECENT],
    known: usize,
}

impl Latency {
    /// The latency to believe for a callback of `block_ns` that reported `raw_ns`.
    pub(super) fn believe(&mut self, raw_ns: i64, block_ns: i64) -> i64 {
        // Two blocks are what a double-buffered device has before it says anything.
        let usual_ns = self.median().unwrap_or(2 * block_ns);
        if raw_ns <= 0 {
            return usual_ns;
        }
        self.recent_ns[self.known % RECENT] = raw_ns;
        self.known += 1;
        // A true change (another device behind the same stream) becomes the median within a few callbacks.
        if self.known == 1 || (raw_ns - usual_ns).abs() <= JUMP_NS { raw_ns } else { usual_ns }
    }

    fn median(&self) -> Option<i64> {
        let mut sorted = self.recent_ns;
        let known = &mut sorted[..self.known.min(RECENT)];
        known.sort_unstable();
        known.get(known.len() / 2).copied()
    }
}

/// How soon a device is tried again.
pub(super) const RETRY_NS: i64 = 500_000_000;
/// A stream that worked and is silent that long is dead.
const SILENT_NS: i64 = 1_000_000_000;
/// An idle PulseAudio sink takes up to a second and a half to begin.
const FIRST_CALLBACK_NS: i64 = 3_000_000_000;
/// Storms of errors that passed lasted 0.1 to 0.4 s, with callbacks in between.
const TROUBLE_NS: i64 = 300_000_000;
const RECENT: usize = 9;
/// Half a block: true latencies of neighbouring callbacks differ by tenths of a millisecond.
const JUMP_NS: i64 = 5_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    #[test]
    fn a_stream_is_kept_while_it_lives_and_replaced_when_it_does_not() {
        use Verdict::{Keep, Reopen, RunWithout};
        let lives = Signs { last_callback_ns: Some(9_990 * MS), ..Signs::default() };
        let open = |opened_ms: i64, signs| StreamState::Open { opened_ns: opened_ms * MS, signs, default_moved: false };
        let cases = [
            ("no stream, tried just now", StreamState::None { tried_ns: 9_600 * MS }, RunWithout),
            ("no stream, time to try", StreamState::None { tried_ns: 9_500 * MS }, Reopen),
            ("plays", open(0, lives), Keep),
            ("opened, nothing yet", open(7_500, Signs::default()), Keep),
            ("opened, nothing for too long", open(6_900, Signs::default()), Reopen),
            ("stalled", open(0, Signs { last_callback_ns: Some(9_100 * MS), ..lives }), Keep),
            ("dead", open(0, Signs { last_callback_ns: Some(8_900 * MS), ..lives }), Reopen),
            ("gone", open(0, Signs { is_gone: true, ..lives }), Reopen),
            ("gone at once", open(9_800, Signs { is_gone: true, ..lives }), RunWithout),
            ("errors that may pass", open(0, Signs { troubled_since_ns: Some(9_800 * MS), ..lives }), Keep),
            ("errors that stay", open(0, Signs { troubled_since_ns: Some(9_600 * MS), ..lives }), Reopen),
            ("another default", StreamState::Open { opened_ns: 0, signs: lives, default_moved: true }, Reopen),
        ];
        for (case, state, verdict) in cases {
            assert_eq!(judge(&state, 10_000 * MS), verdict, "{case}");
        }
    }

    #[test]
    fn a_loss_is_told_once_and_only_if_it_lasts() {
        let mut herald = Herald::default();
        let told: Vec<_> =
            [(0, true), (100, false), (900, true), (1000, false), (1900, false), (2001, false), (3000, false), (3100, true), (3200, true)]
                .into_iter()
                .filter_map(|(ms, sounds)| herald.tell(ms * MS, sounds).map(|lost| (ms, lost)))
                .collect();
        assert_eq!(told, [(2001, true), (3100, false)]);
    }

    #[test]
    fn a_latency_of_zero_is_not_believed_and_a_new_one_is_soon() {
        let mut latency = Latency::default();
        let block = 10 * MS;
        assert_eq!(latency.believe(0, block), 20 * MS);
        for raw in [11 * MS, 10 * MS, 12 * MS] {
            assert_eq!(latency.believe(raw, block), raw);
        }
        assert_eq!(latency.believe(0, block), 11 * MS);
        assert_eq!(latency.believe(300 * MS, block), 11 * MS);
        assert_eq!(latency.believe(10 * MS, block), 10 * MS);
        let believed: Vec<_> = (0..9).map(|_| latency.believe(200 * MS, block)).collect();
        assert_eq!((believed[0], believed[8]), (11 * MS, 200 * MS));
    }
}
