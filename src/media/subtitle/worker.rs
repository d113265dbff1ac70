use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use ffmpeg_next::{Packet, Rational};

use super::{
    EmbeddedTrack, SubtitleFont, SubtitlePicture,
    bitmap::BitmapDrawer,
    file,
    libass::Layout,
    lookback::Lookback,
    text::TextDrawer,
    track::{Known, PacketBytes, Track},
};
use crate::{
    handover::{MailboxReceiver, MailboxSender, Slot, mailbox},
    media::{Event, Source, decode::Step, player::Shared},
};

/// Keeps what is known of all tracks and draws the one that is wanted.
pub(in crate::media) struct Subtitler {
    pub(in crate::media) orders: MailboxReceiver<Order>,
    pub(in crate::media) wishes: Slot<SubtitleWish>,
    pictures: Slot<SubtitlePicture>,
    events: MailboxSender<Event>,
    shared: Arc<Shared>,
    backlog_bytes: Arc<AtomicUsize>,
    tracks: Vec<Track>,
    lookback: Option<Lookback>,
    /// Where the film was sought last, until that was looked back from, nanoseconds.
    sought_ns: Option<i64>,
    fonts: Vec<SubtitleFont>,
    video: (u32, u32),
    wish: SubtitleWish,
    is_due: bool,
    drawer: Option<(usize, Drawer)>,
    /// Whether something is on the screen, as far as is known here.
    is_showing: bool,
}

enum Drawer {
    Text(TextDrawer),
    Bitmaps(BitmapDrawer),
    /// It was said why.
    None,
}

impl Subtitler {
    /// A subtitler with its three ends: where the demuxer sends packets, where wishes go in, where pictures come out.
    pub(in crate::media) fn new(
        events: MailboxSender<Event>,
        shared: Arc<Shared>,
    ) -> (Self, Packets, Slot<SubtitleWish>, Slot<SubtitlePicture>) {
        let (sender, orders) = mailbox(ORDERS_WAITING);
        let (wishes, pictures, backlog_bytes) = (Slot::default(), Slot::default(), Arc::new(AtomicUsize::new(0)));
        let subtitler = Self {
            orders,
            wishes: wishes.clone(),
            pictures: pictures.clone(),
            events,
            shared,
            backlog_bytes: Arc::clone(&backlog_bytes),
            tracks: Vec::new(),
            lookback: None,
            sought_ns: None,
            fonts: Vec::new(),
            video: (0, 0),
            wish: SubtitleWish::default(),
            is_due: false,
            drawer: None,
            is_showing: false,
        };
        (subtitler, Packets { orders: sender, backlog_bytes }, wishes, pictures)
    }

    /// What was ordered since the last time, or one picture.
    pub(in crate::media) fn step(&mut self) -> Step {
        if self.shared.is_stopped() {
            return Step::Done;
        }
        self.shared.subtitle.work(self.shared.now_ns());
        let step = self.work();
        self.shared.subtitle.wait();
        step
    }

    fn work(&mut self) -> Step {
        let mut has_obeyed = false;
        for order in std::iter::from_fn(|| self.orders.receive()).take(ORDERS_AT_A_TIME).collect::<Vec<_>>() {
            self.obey(order);
            has_obeyed = true;
        }
        has_obeyed |= self.look_back();
        if let Some(wish) = self.wishes.take() {
            self.is_due |= wish != self.wish;
            self.wish = wish;
        }
        if std::mem::take(&mut self.is_due) {
            self.draw();
            return Step::Worked;
        }
        if has_obeyed { Step::Worked } else { Step::Idle }
    }

    /// Only once somebody sees the film's own subtitles; what began since the seek was met by then.
    fn look_back(&mut self) -> bool {
        if self.wish.track.is_none_or(|track| self.tracks.get(track).is_none_or(|track| track.info.is_external)) {
            return false;
        }
        let (Some(lookback), Some(place_ns)) = (&mut self.lookback, self.sought_ns.take()) else { return false };
        // A film may lie on a slow disk.
        self.shared.subtitle.wait();
        let found = lookback.look(place_ns);
        self.shared.subtitle.work(self.shared.now_ns());
        for track in &mut self.tracks {
            track.look_aside();
        }
        for (track, packet) in found {
            if let Some(known) = self.tracks.get_mut(track) {
                known.take(packet);
            }
        }
        for track in &mut self.tracks {
            track.look_ahead();
        }
        self.is_due = true;
        true
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Opened { tracks, fonts, video } => {
                let count = tracks.len();
                self.tracks = tracks.into_iter().map(|track| Track::new(track.info, track.parameters, count)).collect();
                self.fonts = fonts;
                self.video = video;
            }
            Order::Packet { track, packet } => {
                // More was never counted in.
                self.backlog_bytes.fetch_sub(packet.data.len(), Ordering::Relaxed);
                if let Some(known) = self.tracks.get_mut(track) {
                    known.take(packet);
                    self.is_due |= self.wish.track == Some(track);
                }
            }
            Order::Sought { film_ns } => self.sought_ns = Some(film_ns).filter(|film_ns| *film_ns > 0),
            Order::LookBackIn(source) => self.lookback = Some(Lookback::new(source, Arc::clone(&self.shared))),
            Order::Load(path) => self.load(&path),
            Order::LookBeside(film) => {
                for path in file::beside(&film) {
                    self.load(&path);
                }
            }
        }
    }

    fn load(&mut self, path: &std::path::Path) {
        if self.shared.is_stopped() {
            return;
        }
        if self.tracks.len() >= TRACKS_MAX {
            let sentence = format!("There are {TRACKS_MAX} subtitle tracks already. Open the film anew to add others.");
            self.shared.report(&self.events, Event::NoSubtitles { sentence });
            return;
        }
        // A file may lie on a slow disk.
        self.shared.subtitle.wait();
        let loaded = file::load(path, &file::said_by_name(path).language, &self.shared);
        self.shared.subtitle.work(self.shared.now_ns());
        match loaded {
            Ok(track) => {
                let info = track.info.clone();
                self.tracks.push(track);
                self.shared.report(&self.events, Event::SubtitlesAdded(info));
            }
            Err(refusal) => self.shared.report(&self.events, Event::NoSubtitles { sentence: refusal.to_string() }),
        }
    }

    fn draw(&mut self) {
        let wish = self.wish;
        let layout = Layout { frame: wish.frame, band: wish.band, video: self.video, scale: wish.scale.into(), lift: wish.lift.into() };
        let chosen = wish.track.filter(|_| wish.frame.0 > 0 && wish.frame.1 > 0);
        let Some((number, track)) = chosen.and_then(|number| Some((number, self.tracks.get(number)?))) else {
            self.drawer = None;
            if std::mem::take(&mut self.is_showing) {
                self.publish(SubtitlePicture { frame: wish.frame, ..SubtitlePicture::default() });
            }
            return;
        };
        let is_other = self.drawer.as_ref().is_none_or(|(drawn, _)| *drawn != number);
        if is_other {
            // Fonts are looked for on disk, the first time for long.
            self.shared.subtitle.wait();
            let made = Drawer::new(track, &self.fonts);
            self.shared.subtitle.work(self.shared.now_ns());
            let drawer = made.unwrap_or_else(|reason| {
                let sentence = format!("These subtitles cannot be shown ({reason}). Choose another track.");
                self.shared.report(&self.events, Event::NoSubtitles { sentence });
                Drawer::None
            });
            self.drawer = Some((number, drawer));
        }
        let Some((_, drawer)) = &mut self.drawer else { return };
        let ms = wish.film_ns.div_euclid(1_000_000);
        let drawn = match (drawer, &track.known) {
            (Drawer::Text(drawer), Known::Text(text)) => drawer.draw(text, track.revision, ms, &layout, is_other),
            (Drawer::Bitmaps(drawer), Known::Bitmaps { packets, .. }) => drawer.draw(packets, track.revision, ms, &layout, is_other),
            _ => is_other.then(|| SubtitlePicture { frame: wish.frame, ..SubtitlePicture::default() }),
        };
        if let Some(picture) = drawn {
            self.publish(picture);
        }
    }

    fn publish(&mut self, picture: SubtitlePicture) {
        self.is_showing = !picture.is_empty();
        // An older one that nobody took is obsolete.
        drop(self.pictures.put(picture));
    }
}

impl Drawer {
    fn new(track: &Track, fonts: &[SubtitleFont]) -> Result<Self, String> {
        match &track.known {
            Known::Text(text) => TextDrawer::new(text, fonts).map(Self::Text).ok_or_else(|| "libass does not start".to_owned()),
            Known::Bitmaps { parameters, .. } => {
                BitmapDrawer::new(parameters.clone()).map(Self::Bitmaps).map_err(|error| error.to_string())
            }
            Known::Broken(reason) => Err(reason.clone()),
        }
    }
}

/// What a viewer wants to see.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct SubtitleWish {
    /// Which track, counted from 0: those of the film first, then those that were added.
    pub track: Option<usize>,
    /// When, in nanoseconds of film time.
    pub film_ns: i64,
    /// Width and height of the film's picture as it is shown, pixels.
    pub frame: (u32, u32),
    /// Room beneath the picture that lines may use, pixels.
    pub band: u32,
    /// Size of the text; 1 is as it was meant.
    pub scale: f32,
    /// How far lines at the bottom are lifted: 0 is where they belong, 1 at the top, −1 beneath the picture.
    pub lift: f32,
}

/// What the subtitler is told.
pub(in crate::media) enum Order {
    /// The film is open.
    Opened { tracks: Vec<EmbeddedTrack>, fonts: Vec<SubtitleFont>, video: (u32, u32) },
    /// The demuxer met a packet.
    Packet { track: usize, packet: PacketBytes },
    /// The film goes on at another place.
    Sought { film_ns: i64 },
    /// The film once more, for what began before a place.
    LookBackIn(Source),
    /// Read a file.
    Load(PathBuf),
    /// Read the files beside this film that belong to it.
    LookBeside(PathBuf),
}

/// Where orders go in. A subtitler that does not keep up gets no more packets: the film does not wait for it.
#[derive(Clone)]
pub(in crate::media) struct Packets {
    orders: MailboxSender<Order>,
    backlog_bytes: Arc<AtomicUsize>,
}

impl Packets {
    pub(in crate::media) fn send(&self, track: usize, packet: &Packet, base: Rational, start_us: i64) {
        let Some(packet) = file::packet_bytes(packet, base, start_us) else { return };
        let size = packet.data.len();
        if self.backlog_bytes.load(Ordering::Relaxed) + size > BACKLOG_BYTES_MAX {
            tracing::debug!("a packet of subtitles is left out: too many wait");
            return;
        }
        self.backlog_bytes.fetch_add(size, Ordering::Relaxed);
        if self.orders.send(Order::Packet { track, packet }).is_err() {
            self.backlog_bytes.fetch_sub(size, Ordering::Relaxed);
            tracing::debug!("a packet of subtitles is left out");
        }
    }

    /// Anything but a packet; false if it cannot be taken.
    pub(in crate::media) fn order(&self, order: Order) -> bool {
        self.orders.send(order).is_ok()
    }
}

impl std::fmt::Debug for Packets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Packets").finish_non_exhaustive()
    }
}

/// A burst of reading ahead.
const ORDERS_WAITING: usize = 4096;
const ORDERS_AT_A_TIME: usize = 256;
const BACKLOG_BYTES_MAX: usize = 32 << 20;
pub(in crate::media) const TRACKS_MAX: usize = 100;
