use ffmpeg_next::codec;

use super::{
    ffmpeg::{Bitmap, Decoder},
    libass::Layout,
    picture::SubtitlePicture,
    shelf::{Placed, Shelf},
    track::PGS_COMPOSITION,
};

/// Draws one track of bitmaps.
pub(super) struct BitmapDrawer {
    decoder: Decoder,
    codec: codec::Id,
    /// The packet decoded last: its place and its time.
    at: Option<(usize, i64)>,
    revision: u64,
    bitmaps: Vec<Bitmap>,
    /// Until when they stand.
    end_ms: i64,
    drawn: Option<(Layout, bool)>,
}

impl BitmapDrawer {
    pub(super) fn new(parameters: codec::Parameters) -> Result<Self, ffmpeg_next::Error> {
        let codec = parameters.id();
        let decoder = Decoder::open(parameters)?;
        Ok(Self { decoder, codec, at: None, revision: 0, bitmaps: Vec::new(), end_ms: i64::MIN, drawn: None })
    }

    /// The picture at a time; `None` if it is as it was, unless `afresh`.
    pub(super) fn draw(
        &mut self,
        packets: &Shelf<Box<[u8]>>,
        revision: u64,
        ms: i64,
        layout: &Layout,
        afresh: bool,
    ) -> Option<SubtitlePicture> {
        let wanted = packets.begun_at(ms).checked_sub(1);
        let at = wanted.map(|index| (index, packets.all()[index].start_ms));
        let mut afresh = afresh;
        if at != self.at || revision != self.revision {
            afresh |= self.decode(packets.all(), at);
            self.revision = revision;
        }
        let is_shown = ms < self.end_ms && !self.bitmaps.is_empty();
        if !afresh && self.drawn == Some((*layout, is_shown)) {
            return None;
        }
        self.drawn = Some((*layout, is_shown));
        let nothing = SubtitlePicture { frame: layout.frame, ..SubtitlePicture::default() };
        Some(if is_shown { compose(&self.bitmaps, self.decoder.canvas(), layout).unwrap_or(nothing) } else { nothing })
    }

    /// Decodes up to a packet, from one that needs none before it; returns whether something else is shown now.
    fn decode(&mut self, packets: &[Placed<Box<[u8]>>], at: Option<(usize, i64)>) -> bool {
        let before = std::mem::replace(&mut self.at, at);
        let Some((index, start_ms)) = at else {
            self.end_ms = i64::MIN;
            return !std::mem::take(&mut self.bitmaps).is_empty();
        };
        if before.is_some_and(|(_, old_ms)| old_ms == start_ms) && !self.bitmaps.is_empty() {
            // More is known, but not of this time.
            return false;
        }
        let follows = index > 0 && before == Some((index - 1, packets[index - 1].start_ms));
        let first = if follows {
            index
        } else {
            self.decoder.forget();
            let low = index.saturating_sub(BACK_MAX);
            (low..=index).rev().find(|index| stands_alone(self.codec, &packets[*index].thing)).unwrap_or(low)
        };
        self.bitmaps.clear();
        for placed in &packets[first..=index] {
            let duration_ms = placed.end_ms - placed.start_ms;
            let shown = self.decoder.decode(placed.start_ms, duration_ms, &placed.thing).unwrap_or_default();
            let lasts_ms = match shown.end_ms {
                Some(end_ms) => i64::from(end_ms),
                None if (1..LONGEST_MS).contains(&duration_ms) => duration_ms,
                None => UNSAID_MS,
            };
            self.end_ms = placed.start_ms + lasts_ms;
            self.bitmaps = shown.bitmaps;
        }
        true
    }
}

/// Whether a packet can be decoded without those before it.
fn stands_alone(codec: codec::Id, data: &[u8]) -> bool {
    match codec {
        codec::Id::HDMV_PGS_SUBTITLE => pgs_begins_anew(data),
        codec::Id::DVB_SUBTITLE => false,
        _ => true,
    }
}

/// Whether a display set of a Blu-ray starts an epoch or can be entered: its first segment says so.
fn pgs_begins_anew(data: &[u8]) -> bool {
    // Kind of segment, length (2); width (2), height (2), rate, number (2), state.
    data.first() == Some(&PGS_COMPOSITION) && data.get(10).is_some_and(|state| state & 0xc0 != 0)
}

/// Bitmaps scaled to the film's picture.
fn compose(bitmaps: &[Bitmap], canvas: (i32, i32), layout: &Layout) -> Option<SubtitlePicture> {
    let places: Vec<Place> = bitmaps.iter().map(|bitmap| Place::of(bitmap, canvas, layout)).collect();
    let edge = |of: fn(&Place) -> f64, pick: fn(f64, f64) -> f64| places.iter().map(of).reduce(pick).unwrap_or(0.0);
    let sides = (
        edge(|place| place.left, f64::min).floor() as i32,
        edge(|place| place.top, f64::min).floor() as i32,
        edge(|place| place.left + place.width, f64::max).ceil() as i32,
        edge(|place| place.top + place.height, f64::max).ceil() as i32,
    );
    let mut picture = SubtitlePicture::clear(layout.frame, sides)?;
    for (bitmap, place) in bitmaps.iter().zip(&places) {
        scale_onto(bitmap, place, &mut picture);
    }
    Some(picture)
}

/// Where a bitmap goes in the film's picture, pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Place {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
}

impl Place {
    /// Bitmaps are made for a canvas. Where the film has another shape it is a part of the canvas, cut out of its middle; what would be outside is moved in.
    fn of(bitmap: &Bitmap, canvas: (i32, i32), layout: &Layout) -> Self {
        let whole = |side: u32| f64::from(side.max(1));
        let (frame_width, frame_height) = (whole(layout.frame.0), whole(layout.frame.1));
        let said = |side: i32, video: u32, frame: f64| {
            if side > 0 {
                f64::from(side)
            } else if video > 0 {
                whole(video)
            } else {
                frame
            }
        };
        let (canvas_width, canvas_height) = (said(canvas.0, layout.video.0, frame_width), said(canvas.1, layout.video.1, frame_height));
        let coded = whole(layout.video.0) / whole(layout.video.1);
        let is_of_film = layout.video.1 == 0 || (canvas_width / canvas_height / coded - 1.0).abs() < 0.02;
        let (across, down) = (frame_width / canvas_width, frame_height / canvas_height);
        let (across, down) = if is_of_film { (across, down) } else { (across.max(down), across.max(down)) };
        let middle = |at: i32, size: usize| f64::from(at) + size as f64 / 2.0;
        let x = (middle(bitmap.x, bitmap.width) - canvas_width / 2.0) * across + frame_width / 2.0;
        let y = (middle(bitmap.y, bitmap.height) - canvas_height / 2.0) * down + frame_height / 2.0;
        // Not larger than the picture.
        let scale = layout.scale.clamp(0.1, 10.0);
        let fits = (frame_width / (bitmap.width as f64 * across)).min(frame_height / (bitmap.height as f64 * down));
        let scale = scale.min(fits.max(1e-3));
        let (width, height) = (bitmap.width as f64 * across * scale, bitmap.height as f64 * down * scale);
        let is_low = y > frame_height / 2.0;
        // What stands at the bottom keeps its lower edge while it grows, and can be lifted.
        let half = bitmap.height as f64 * down / 2.0;
        let top = if is_low { y + half - height } else { y - half };
        let lift =
            if layout.lift >= 0.0 { layout.lift * frame_height } else { layout.lift * (f64::from(layout.band) + frame_height * LOW) };
        let top = if is_low { top - lift } else { top };
        let lowest = frame_height + if layout.lift < 0.0 { f64::from(layout.band) } else { 0.0 } - height;
        Self { left: (x - width / 2.0).clamp(0.0, (frame_width - width).max(0.0)), top: top.clamp(0.0, lowest.max(0.0)), width, height }
    }
}

/// Draws a bitmap into its place; each pixel is the mean of what it covers.
fn scale_onto(bitmap: &Bitmap, place: &Place, picture: &mut SubtitlePicture) {
    let colours = bitmap.palette.map(|[red, green, blue, alpha]| {
        let part = f32::from(alpha) / 255.0;
        [f32::from(red) * part, f32::from(green) * part, f32::from(blue) * part, f32::from(alpha)]
    });
    let columns = shares(place.left - f64::from(picture.x), place.width, bitmap.width, picture.width as usize);
    let rows = shares(place.top - f64::from(picture.y), place.height, bitmap.height, picture.height as usize);
    let stride = picture.width as usize;
    for (y, of_rows) in rows.iter().enumerate().filter(|(_, shares)| !shares.is_empty()) {
        // The rows this one covers, mixed; then its columns.
        let mut mixed = vec![[0.0_f32; 4]; bitmap.width];
        for &(row, share) in of_rows {
            let codes = &bitmap.indices[row * bitmap.width..(row + 1) * bitmap.width];
            for (sum, code) in mixed.iter_mut().zip(codes) {
                let colour = &colours[usize::from(*code)];
                for (sum, channel) in sum.iter_mut().zip(colour) {
                    *sum += channel * share;
                }
            }
        }
        for (x, of_columns) in columns.iter().enumerate() {
            let mut pixel = [0.0_f32; 4];
            for &(column, share) in of_columns {
                for (sum, channel) in pixel.iter_mut().zip(mixed[column]) {
                    *sum += channel * share;
                }
            }
            if pixel[3] >= 0.5 {
                let at = (y * stride + x) * 4;
                let beneath = 1.0 - pixel[3] / 255.0;
                for (code, channel) in picture.rgba[at..at + 4].iter_mut().zip(pixel) {
                    *code = (channel + f32::from(*code) * beneath).round().min(255.0) as u8;
                }
            }
        }
    }
}

/// For each pixel along a side: which pixels of the bitmap it shows, and how much of each.
fn shares(start: f64, length: f64, count: usize, pixels: usize) -> Vec<Vec<(usize, f32)>> {
    let step = count as f64 / length.max(1e-6);
    let reach = step.max(1.0) / 2.0;
    (0..pixels)
        .map(|pixel| {
            let centre = (pixel as f64 + 0.5 - start) * step;
            if centre < 0.0 || centre > count as f64 {
                return Vec::new();
            }
            let (low, high) = ((centre - reach).max(0.0), (centre + reach).min(count as f64));
            let width = high - low;
            (low.floor() as usize..(high.ceil() as usize).min(count))
                .map(|index| (index, (((index + 1) as f64).min(high) - (index as f64).max(low)) / width))
                .filter(|(_, share)| *share > 0.0)
                .map(|(index, share)| (index, share as f32))
                .collect()
        })
        .collect()
}

/// Display sets since the last one that stands alone.
const BACK_MAX: usize = 64;
/// A bitmap that does not end: the packet after it may have been skipped over.
const UNSAID_MS: i64 = 20_000;
/// What says to stand longer does not know its end.
const LONGEST_MS: i64 = 600_000;
/// Where bitmaps usually end above the picture's lower edge.
const LOW: f64 = 0.06;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn layout() -> Layout {
        Layout { frame: (960, 400), band: 40, video: (1920, 800), scale: 1.0, lift: 0.0 }
    }

    fn bitmap(x: i32, y: i32, width: usize, height: usize) -> Bitmap {
        Bitmap { x, y, width, height, indices: vec![1; width * height], palette: [[255; 4]; 256] }
    }

    #[test]
    fn a_disc_s_canvas_is_cut_to_the_film_and_nothing_is_lost() {
        // In the black bar of a disc, of which the film is the middle.
        let in_the_bar = Place::of(&bitmap(860, 960, 200, 80), (1920, 1080), &layout());
        assert_eq!(in_the_bar, Place { left: 430.0, top: 360.0, width: 100.0, height: 40.0 });
        let inside = Place::of(&bitmap(860, 500, 200, 80), (1920, 1080), &layout());
        assert_eq!(inside, Place { left: 430.0, top: 180.0, width: 100.0, height: 40.0 });
        // A DVD's wide pixels.
        let wide = Layout { frame: (1024, 576), video: (720, 576), ..layout() };
        assert_eq!(Place::of(&bitmap(0, 288, 720, 100), (720, 576), &wide).width, 1024.0);
        // Larger, it keeps its lower edge; lower, it goes beneath the picture.
        let large = Place::of(&bitmap(860, 800, 200, 80), (1920, 1080), &Layout { scale: 2.0, ..layout() });
        assert_eq!((large.width, large.top + large.height), (200.0, 370.0));
        let low = Place::of(&bitmap(860, 860, 200, 80), (1920, 1080), &Layout { lift: -1.0, ..layout() });
        assert!(low.top + low.height > 430.0, "{low:?}");
    }

    #[test]
    fn a_scaled_pixel_is_the_mean_of_what_it_covers() {
        let mut halves = bitmap(0, 0, 4, 2);
        halves.indices = vec![0, 1, 1, 1, 0, 1, 1, 1];
        halves.palette[0] = [0, 0, 0, 0];
        let mut picture = SubtitlePicture::clear((9, 9), (0, 0, 2, 1)).unwrap();
        scale_onto(&halves, &Place { left: 0.0, top: 0.0, width: 2.0, height: 1.0 }, &mut picture);
        assert_eq!(picture.rgba, [128, 128, 128, 128, 255, 255, 255, 255]);
    }

    proptest! {
        #[test]
        fn whatever_a_disc_says_is_drawn_or_not_but_never_breaks(
            at in (any::<i32>(), any::<i32>()),
            size in (1_usize..60, 1_usize..60),
            canvas in (any::<i32>(), -2_i32..3000),
            frame in (1_u32..300, 1_u32..300),
            video in (0_u32..3000, 0_u32..3000),
            scale in 0.0_f64..20.0,
            lift in -1.0_f64..1.0,
        ) {
            let layout = Layout { frame, band: 30, video, scale, lift };
            if let Some(picture) = compose(&[bitmap(at.0, at.1, size.0, size.1)], canvas, &layout) {
                prop_assert!(picture.x >= 0 && picture.y >= 0 && picture.x as u32 + picture.width <= frame.0 + 1);
                prop_assert!(picture.y as u32 + picture.height <= frame.1 + 31);
            }
        }

        #[test]
        fn shares_of_a_pixel_sum_to_one(start in -5.0_f64..5.0, length in 0.5_f64..100.0, count in 1_usize..100) {
            for of_pixel in shares(start, length, count, 50).into_iter().filter(|shares| !shares.is_empty()) {
                prop_assert!((of_pixel.iter().map(|(_, share)| share).sum::<f32>() - 1.0).abs() < 1e-3);
                prop_assert!(of_pixel.iter().all(|(index, _)| *index < count));
            }
        }
    }
}
