use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashSet},
};

use super::{
    SubtitleFont,
    libass::{Layout, Script},
    lines::Line,
    picture::SubtitlePicture,
    shelf::{Placed, Shelf},
    track::TextTrack,
};

/// Draws one track of text. Only lines near the wanted time are in the script, so that neither a long list nor many lines at one time cost much.
pub(super) struct TextDrawer {
    script: Script,
    layout: Option<Layout>,
    /// Lines that the script has.
    loaded: HashSet<u64>,
    /// The time for which all lines are loaded, and the track's revision then.
    window: Option<(i64, i64, u64)>,
}

impl TextDrawer {
    /// Makes a script for the track; this looks for fonts, which may take a while the first time.
    pub(super) fn new(track: &TextTrack, fonts: &[SubtitleFont]) -> Option<Self> {
        let fonts = fonts.iter().filter(|font| font.is_font());
        let script = Script::new(fonts, &track.header, track.is_plain)?;
        Some(Self { script, layout: None, loaded: HashSet::new(), window: None })
    }

    /// The picture at a time; `None` if it is as it was, unless `afresh`.
    pub(super) fn draw(&mut self, track: &TextTrack, revision: u64, ms: i64, layout: &Layout, afresh: bool) -> Option<SubtitlePicture> {
        let mut afresh = afresh;
        let layout = if track.is_plain { as_large_as_on_a_full_screen(layout) } else { *layout };
        if self.layout != Some(layout) {
            self.script.lay_out(&layout);
            self.layout = Some(layout);
            afresh = true;
        }
        if self.window.is_none_or(|(from, until, known)| known != revision || ms < from || ms > until) {
            self.load(&track.lines, ms);
            self.window = Some((ms - BEFORE_MS, ms + AHEAD_MS / 2, revision));
        }
        self.script.draw(ms, afresh)
    }

    /// Adds the lines around a time that the script has not yet.
    fn load(&mut self, lines: &Shelf<Line>, ms: i64) {
        if self.loaded.len() > LOADED_MAX {
            self.script.clear();
            self.loaded.clear();
        }
        let all = lines.all();
        for index in around(lines, ms - BEFORE_MS, ms + AHEAD_MS) {
            let Placed { start_ms, end_ms, thing: line, .. } = &all[index];
            if self.loaded.insert(line.id) {
                let order = line.order.unwrap_or_else(|| order_by_time(all, index));
                self.script.add(order, &line.text, *start_ms, end_ms - start_ms);
            }
        }
    }
}

/// A wide film fills the screen's width and not its height; its text is as large as any other film's.
fn as_large_as_on_a_full_screen(layout: &Layout) -> Layout {
    let full_height = f64::from(layout.frame.0) * 9.0 / 16.0;
    let growth = (full_height / f64::from(layout.frame.1.max(1))).clamp(1.0, WIDEST_GROWTH);
    Layout { scale: layout.scale * growth, ..*layout }
}

/// A number that sorts lines by time, and those of the same time as they came.
fn order_by_time(all: &[Placed<Line>], index: usize) -> i32 {
    let start_ms = all[index].start_ms;
    let rank = all[..index].iter().rev().take(SAME_TIME).take_while(|placed| placed.start_ms == start_ms).count();
    i32::try_from(start_ms.max(0) * (SAME_TIME as i64 + 1) + rank as i64).unwrap_or(i32::MAX)
}

/// The lines shown between two times, as many as may be shown at one time.
fn around(lines: &Shelf<Line>, from_ms: i64, until_ms: i64) -> Vec<usize> {
    let mut chosen = Vec::new();
    // Of the lines that stand at the time of the next one: when they end, and how long their text is.
    let mut standing = BinaryHeap::new();
    let mut bytes = 0;
    for (index, placed) in lines.all()[..lines.begun_at(until_ms)].iter().enumerate() {
        if placed.end_ms < from_ms {
            continue;
        }
        while let Some(Reverse((end_ms, size))) = standing.peek().copied()
            && end_ms <= placed.start_ms
        {
            standing.pop();
            bytes -= size;
        }
        let size = placed.thing.text.len();
        if standing.len() < LINES_AT_A_TIME && bytes + size <= BYTES_AT_A_TIME {
            standing.push(Reverse((placed.end_ms, size)));
            bytes += size;
            chosen.push(index);
        }
    }
    chosen
}

/// Ultra Panavision.
const WIDEST_GROWTH: f64 = 1.6;
/// Lines that begin at one time and keep their order; scripts say theirs themselves.
const SAME_TIME: usize = 7;
const BEFORE_MS: i64 = 2000;
const AHEAD_MS: i64 = 60_000;
/// The wildest scripts have some thousands a minute.
const LOADED_MAX: usize = 20_000;
/// A karaoke effect has a few hundred.
const LINES_AT_A_TIME: usize = 600;
const BYTES_AT_A_TIME: usize = 256 << 10;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::{
        file,
        track::{Known, Track},
    };
    use super::*;

    fn shelf(lines: impl Iterator<Item = (i64, i64, usize)>) -> Shelf<Line> {
        let mut shelf = Shelf::new(usize::MAX, usize::MAX);
        for (id, (start_ms, end_ms, size)) in lines.enumerate() {
            shelf.put(start_ms, end_ms, size, Line { order: None, text: format!("{id}{}", "x".repeat(size)).into(), id: id as u64 });
        }
        shelf
    }

    #[test]
    fn text_of_a_wide_film_grows_and_of_a_narrow_one_stays() {
        let of = |frame| as_large_as_on_a_full_screen(&Layout { frame, band: 0, video: (0, 0), scale: 1.0, lift: 0.0 }).scale;
        assert_eq!([of((1280, 720)), of((960, 720)), of((1600, 600)), of((9000, 1))], [1.0, 1.0, 1.5, 1.6]);
    }

    #[test]
    fn lines_that_reach_into_the_time_are_chosen() {
        let shelf = shelf([(0, 10_000, 1), (1000, 2000, 1), (3000, 4000, 1), (9000, 9500, 1)].into_iter());
        assert_eq!(around(&shelf, 3500, 5000), [0, 2]);
        assert_eq!((order_by_time(shelf.all(), 0), order_by_time(shelf.all(), 1)), (0, 8000));
    }

    #[test]
    fn no_more_lines_stand_at_one_time_than_can_be_drawn() {
        let all_at_once = shelf((0..5000).map(|number| (number % 10, 3_600_000, 5)));
        assert_eq!(around(&all_at_once, 0, 60_000).len(), LINES_AT_A_TIME);
        let long = shelf((0..50).map(|number| (number, 3_600_000, 60 << 10)));
        assert_eq!(around(&long, 0, 60_000).len(), 4);
        // One after the other they all come.
        let in_turn = shelf((0..5000).map(|number| (number, number + 1, 5)));
        assert_eq!(around(&in_turn, 0, 60_000).len(), 5000);
    }

    /// A file of 100 000 lines, each shown for a time in milliseconds, read as any file beside a film.
    fn read(span: fn(u32) -> (u32, u32)) -> Track {
        let time = |ms: u32| format!("{:02}:{:02}:{:02},{:03}", ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000);
        let line = |n: u32| format!("{}\n{} --> {}\nLine {n}\n\n", n + 1, time(span(n).0), time(span(n).1));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("many.srt");
        std::fs::write(&path, (0..100_000).map(line).collect::<String>()).unwrap();
        file::load(&path, "", &Arc::default()).unwrap()
    }

    const LAYOUT: Layout = Layout { frame: (640, 360), band: 0, video: (640, 360), scale: 1.0, lift: 0.0 };

    #[test]
    fn of_a_hundred_thousand_lines_each_is_given_to_the_script_about_once_and_few_are_in_it() {
        let track = read(|n| (n * 100, n * 100 + 100));
        let Known::Text(text) = &track.known else { panic!("these are lines of text") };
        let bytes: usize = text.lines.all().iter().map(|placed| placed.thing.text.len()).sum();
        assert_eq!(text.lines.all().len(), 100_000);
        assert!(bytes < 100_000 * 64, "{bytes} bytes for lines of ten letters");
        let mut drawer = TextDrawer::new(text, &[]).expect("libass starts");
        let (mut given, mut most) = (0, 0);
        for ms in (0..10_000_000).step_by(25_000) {
            let before = drawer.loaded.len();
            let picture = drawer.draw(text, track.revision, ms, &LAYOUT, false).expect("another line stands there");
            assert!(!picture.is_empty(), "at {ms} ms");
            let after = drawer.loaded.len();
            // A full script was cleared first.
            given += if after < before { after } else { after - before };
            most = most.max(after);
        }
        let around_a_time = ((BEFORE_MS + AHEAD_MS) / 100) as usize + 2;
        assert!((99_000..105_000).contains(&given), "{given} lines were given to the script");
        assert!(most <= LOADED_MAX + around_a_time, "{most} lines were in it");
        // A leap costs what stands around that place, not what lies between.
        let mut drawer = TextDrawer::new(text, &[]).expect("libass starts");
        assert!(drawer.draw(text, track.revision, 9_000_000, &LAYOUT, false).is_some());
        assert!(drawer.loaded.len() <= around_a_time, "{} lines", drawer.loaded.len());
    }

    #[test]
    fn of_a_hundred_thousand_lines_at_one_time_most_are_never_kept_and_some_are_drawn() {
        let track = read(|n| (n % 7, 7_200_000));
        let Known::Text(text) = &track.known else { panic!("these are lines of text") };
        // So many of each start.
        assert_eq!(text.lines.all().len(), 7 * 1024);
        let mut drawer = TextDrawer::new(text, &[]).expect("libass starts");
        let picture = drawer.draw(text, track.revision, 60_000, &LAYOUT, false).expect("they are drawn");
        assert!(!picture.is_empty() && drawer.loaded.len() == LINES_AT_A_TIME, "{} lines", drawer.loaded.len());
    }
}
