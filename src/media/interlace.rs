//! Whole pictures of interlaced ones: each of the two fields becomes a picture of its own, at its own time.
//!
//! The missing lines are guessed from the lines above and below, and held within what the same place shows a field earlier and later, give or take what moves
//! around it: what stands still keeps every line, what moves gets no combs.
//!
//! Rejected: FFmpeg's filter library (one more library to install, for this alone); showing one field only (half the motion and half the lines).

use ffmpeg_next::frame;

use super::{
    ffi,
    frame::{layout, like},
    video::Raw,
};

/// Makes pictures of fields; what is not interlaced passes at once.
#[derive(Default)]
pub(super) struct Deinterlacer {
    /// The frame before the waiting one, if that was interlaced too.
    before: Option<frame::Video>,
    /// An interlaced frame that waits for the one after it.
    waiting: Option<Raw>,
}

impl Deinterlacer {
    /// Forgets everything.
    pub(super) fn restart(&mut self) {
        *self = Self::default();
    }

    /// Takes the next frame and adds, in order, what can be shown now.
    pub(super) fn push(&mut self, raw: Raw, out: &mut Vec<Raw>) {
        if let Some(waiting) = self.waiting.take() {
            self.part(waiting, Some(&raw), out);
        }
        if is_interlaced(&raw.frame) {
            self.waiting = Some(raw);
        } else {
            self.before = None;
            out.push(raw);
        }
    }

    /// Brings out the last frame.
    pub(super) fn finish(&mut self, out: &mut Vec<Raw>) {
        if let Some(waiting) = self.waiting.take() {
            self.part(waiting, None, out);
        }
        self.before = None;
    }

    fn part(&mut self, raw: Raw, next: Option<&Raw>, out: &mut Vec<Raw>) {
        let Raw { frame, film_ns, duration_ns } = raw;
        let duration_ns = next.map(|next| next.film_ns - film_ns).filter(|ns| (1..=duration_ns * 2).contains(ns)).unwrap_or(duration_ns);
        let alike = |other: &&frame::Video| {
            other.format() == frame.format()
                && other.width() == frame.width()
                && other.height() == frame.height()
                && ffi::rows_ascend(other)
        };
        let before = self.before.as_ref().filter(alike).unwrap_or(&frame);
        let after = next.map(|next| &next.frame).filter(alike).unwrap_or(&frame);
        let first = usize::from(!frame.is_top_first());
        let pictures = [
            Field { parity: first, frame: &frame, before, after, earlier: before, later: &frame },
            Field { parity: 1 - first, frame: &frame, before, after, earlier: &frame, later: after },
        ]
        .map(|field| field.picture());
        let half_ns = duration_ns / 2;
        match pictures {
            [Some(first), Some(second)] => {
                out.push(Raw { frame: first, film_ns, duration_ns: half_ns });
                out.push(Raw { frame: second, film_ns: film_ns + half_ns, duration_ns: duration_ns - half_ns });
                self.before = Some(frame);
            }
            _ => {
                self.before = None;
                out.push(Raw { frame, film_ns, duration_ns });
            }
        }
    }
}

fn is_interlaced(frame: &frame::Video) -> bool {
    frame.is_interlaced() && frame.height() > 2 && layout(frame.format()).is_some() && ffi::rows_ascend(frame)
}

/// One field and what is known around it.
struct Field<'a> {
    /// Whether its lines are the even or the odd ones.
    parity: usize,
    frame: &'a frame::Video,
    before: &'a frame::Video,
    after: &'a frame::Video,
    /// Where the missing lines were a field earlier, and are a field later.
    earlier: &'a frame::Video,
    later: &'a frame::Video,
}

impl Field<'_> {
    fn picture(&self) -> Option<frame::Video> {
        let layout = layout(self.frame.format())?;
        let mut picture = like(self.frame)?;
        let sample_bytes = if layout.bits > 8 { 2 } else { 1 };
        for plane in 0..3 {
            let (shift_x, shift_y) = if plane == 0 || layout.is_rgb { (0, 0) } else { (layout.shift_x, layout.shift_y) };
            let width = (self.frame.width() as usize).div_ceil(1 << shift_x);
            let height = (self.frame.height() as usize).div_ceil(1 << shift_y);
            self.fill(&mut picture, plane, width * sample_bytes, height, sample_bytes > 1)?;
        }
        Some(picture)
    }

    fn fill(&self, picture: &mut frame::Video, plane: usize, row_bytes: usize, height: usize, is_wide: bool) -> Option<()> {
        let row = |frame: &'_ frame::Video, y: usize| -> Option<std::ops::Range<usize>> {
            let start = y * frame.stride(plane);
            (start + row_bytes <= frame.data(plane).len()).then_some(start..start + row_bytes)
        };
        for y in 0..height {
            let place = row(picture, y)?;
            let line = picture.data_mut(plane).get_mut(place)?;
            if y % 2 == self.parity {
                line.copy_from_slice(&self.frame.data(plane)[row(self.frame, y)?]);
                continue;
            }
            // At the edges the only neighbour stands for both.
            let above = if y == 0 { 1 } else { y - 1 };
            let below = if y + 1 == height { y.saturating_sub(1) } else { y + 1 };
            if above >= height || below >= height {
                line.copy_from_slice(&self.frame.data(plane)[row(self.frame, y)?]);
                continue;
            }
            let lines = [
                (self.frame, above),
                (self.frame, below),
                (self.earlier, y),
                (self.later, y),
                (self.before, above),
                (self.before, below),
                (self.after, above),
                (self.after, below),
            ];
            let mut known: [&[u8]; 8] = [&[]; 8];
            for (known, (frame, y)) in known.iter_mut().zip(lines) {
                *known = &frame.data(plane)[row(frame, y)?];
            }
            if is_wide { guess::<2>(line, known) } else { guess::<1>(line, known) }
        }
        Some(())
    }
}

/// A missing line of samples of so many bytes, from the lines above and below, the same line a field earlier and later, and the lines above and below a frame
/// earlier and later.
fn guess<const BYTES: usize>(line: &mut [u8], known: [&[u8]; 8]) {
    let known = known.map(|known| &known[..line.len()]);
    for (i, sample) in line.chunks_exact_mut(BYTES).enumerate() {
        let at = i * BYTES;
        let [above, below, earlier, later, above_before, below_before, above_after, below_after] = known
            .map(|known| if BYTES == 1 { i32::from(known[at]) } else { i32::from(u16::from_le_bytes([known[at], known[at + BYTES - 1]])) });
        let between = (above + below) / 2;
        let still = (earlier + later) / 2;
        let was = ((above_before - above).abs() + (below_before - below).abs()) / 2;
        let will = ((above_after - above).abs() + (below_after - below).abs()) / 2;
        let moves = ((earlier - later).abs() / 2).max(was).max(will);
        let value = between.max(still - moves).min(still + moves);
        // Between what was there, so that it fits.
        sample.copy_from_slice(&(value as u16).to_le_bytes()[..BYTES]);
    }
}

#[cfg(test)]
mod tests {
    use super::guess;

    #[test]
    fn what_stands_still_keeps_its_lines_and_what_moves_has_no_combs() {
        let check = |known: [u8; 8], expected: u8| {
            let mut line = [0];
            guess::<1>(&mut line, known.each_ref().map(std::slice::from_ref));
            assert_eq!(line[0], expected, "{known:?}");
            let wide = known.map(|value| (u16::from(value) << 4).to_le_bytes());
            let mut line = [0; 2];
            guess::<2>(&mut line, wide.each_ref().map(|wide| &wide[..]));
            assert_eq!(u16::from_le_bytes(line), u16::from(expected) << 4, "{known:?}");
        };
        // A single bright line that stands.
        check([10, 10, 200, 200, 10, 10, 10, 10], 200);
        // The same line where everything around it changes.
        check([10, 10, 200, 10, 200, 200, 10, 10], 10);
        check([0, 100, 50, 50, 0, 100, 0, 100], 50);
    }
}
