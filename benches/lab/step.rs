//! How far apart participants are: by the recording, and by their own word.

use houselights::trace::Event;

use super::{
    correlate::{Place, RATE},
    ear::Tape,
};
use crate::table::quantile;

/// For every window, in milliseconds. A window without an answer is infinitely far apart: somebody who is silent is not in step.
pub(crate) struct Steps {
    /// Of each pair.
    pairs: Vec<(usize, usize, Vec<f64>)>,
    /// Of the pair that is furthest apart in this window.
    worst: Vec<f64>,
}

impl Steps {
    /// Of all pairs; `at[p][w]` is where participant `p` was in window `w`, in seconds of the film.
    pub(crate) fn between(at: &[Vec<Option<f64>>]) -> Self {
        let apart = |a: usize, b: usize| -> Vec<f64> {
            let difference = |(a, b): (&Option<f64>, &Option<f64>)| a.zip(*b).map_or(f64::INFINITY, |(a, b)| (a - b) * 1e3);
            at[a].iter().zip(&at[b]).map(difference).collect()
        };
        let pairs: Vec<_> = (0..at.len()).flat_map(|b| (0..b).map(move |a| (a, b))).map(|(a, b)| (a, b, apart(a, b))).collect();
        Self::of(pairs)
    }

    /// What the one says minus what the other says.
    pub(crate) fn minus(&self, other: &Self) -> Self {
        let pairs = self.pairs.iter().zip(&other.pairs).map(|((a, b, ours), (_, _, theirs))| {
            let apart = ours.iter().zip(theirs).map(|(ours, theirs)| ours - theirs);
            // Infinite minus infinite is no agreement.
            (*a, *b, apart.map(|apart| if apart.is_nan() { f64::INFINITY } else { apart }).collect())
        });
        Self::of(pairs.collect())
    }

    fn of(pairs: Vec<(usize, usize, Vec<f64>)>) -> Self {
        let windows = pairs.first().map_or(0, |(_, _, apart)| apart.len());
        let worst = (0..windows).map(|window| pairs.iter().map(|(_, _, apart)| apart[window].abs()).fold(0.0, f64::max)).collect();
        Self { pairs, worst }
    }

    /// The 95th percentile of the worst pair; none without windows.
    pub(crate) fn p95(&self) -> f64 {
        quantile(&mut self.worst.clone(), 0.95)
    }

    /// Each pair's mean and 95th percentile, and how much of it there is.
    pub(crate) fn summary(&self) -> String {
        let missing = self.worst.iter().filter(|apart| apart.is_infinite()).count();
        let pairs = self.pairs.iter().map(|(a, b, apart)| {
            let known: Vec<f64> = apart.iter().copied().filter(|apart| apart.is_finite()).collect();
            let mean = known.iter().sum::<f64>() / known.len() as f64;
            let mut sizes: Vec<f64> = apart.iter().map(|apart| apart.abs()).collect();
            format!("{a}–{b} mean {mean:+.3} p95 {:.3} max {:.3}", quantile(&mut sizes, 0.95), quantile(&mut sizes, 1.0))
        });
        format!("{}; {} windows, {missing} unanswered", pairs.collect::<Vec<_>>().join(", "), self.worst.len())
    }
}

/// What the ruler found, window by window.
pub(crate) fn found(places: &[Place]) -> Vec<Option<f64>> {
    places.iter().map(|place| place.film_s).collect()
}

/// What a trace says of the middles of the same windows.
pub(crate) fn said(events: &[Event], places: &[Place], tape: &Tape) -> Vec<Option<f64>> {
    let heard: Vec<(i64, i64)> = events
        .iter()
        .filter_map(|event| if let Event::Heard { mono_ns, film_ns } = event { Some((*mono_ns, *film_ns)) } else { None })
        .collect();
    places.iter().map(|place| film_s_at(&heard, tape.heard_ns(place.middle)?)).collect()
}

/// Between two words of a trace; beyond the last one a tenth of a second is believed.
fn film_s_at(heard: &[(i64, i64)], at_ns: i64) -> Option<f64> {
    let next = heard.partition_point(|&(mono_ns, _)| mono_ns <= at_ns);
    let &(before_ns, film_ns) = heard.get(next.checked_sub(1)?)?;
    let passed_ns = (at_ns - before_ns) as f64;
    if passed_ns > 1e8 {
        return None;
    }
    let rate = heard
        .get(next)
        .filter(|after| after.0 < before_ns + 100_000_000)
        .map_or(1.0, |&(after_ns, after_film_ns)| (after_film_ns - film_ns) as f64 / ((after_ns - before_ns) as f64).max(1.0));
    Some((film_ns as f64 + passed_ns * rate) / 1e9)
}

/// Middles of windows a tenth of a second apart, between two samples.
pub(crate) fn middles(from: usize, to: usize) -> impl Iterator<Item = usize> + Clone {
    (from..to).step_by((RATE / 10.0) as usize)
}
