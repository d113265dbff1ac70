use std::{
    collections::VecDeque,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering},
    },
    task::Waker,
    thread::{Builder, Thread},
    time::Duration,
};

use ffmpeg_next::Packet;

use super::{
    Error, FilmInfo, Picture, Source, SubtitlePicture, SubtitleTrack, SubtitleWish,
    activity::Activity,
    decode::{Decode, Opened, PICTURES_AHEAD, Step},
    demux::Demux,
    ffi,
    kept::Kept,
    subtitle::{Order, Packets, Subtitler},
};
use crate::handover::{MailboxReceiver, MailboxSender, QueueConsumer, SampleProducer, Slot, mailbox, queue};

/// A film being decoded. Dropping it ends its threads and closes the film; it does not wait for them.
#[derive(Debug)]
pub struct Player {
    seeks: MailboxSender<Seek>,
    turns: MailboxSender<OtherSound>,
    events: MailboxReceiver<Event>,
    pictures: QueueConsumer<Picture>,
    subtitles: Packets,
    subtitle_wishes: Slot<SubtitleWish>,
    subtitle_pictures: Slot<SubtitlePicture>,
    /// Sleeps while there is nothing new; `None` where steps are made by hand.
    subtitler: Option<Thread>,
    shared: Arc<Shared>,
}

impl Player {
    /// Opens a film on threads; what comes of it is told by [`next_event`](Self::next_event). The threads note by the given clock since when they are busy, and
    /// wake whoever waits for the film to be open and for a seek's first pictures.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(source: Source, options: &PlayerOptions) -> Result<Self, Error> {
        let (mut player, ByHand { mut demux, mut decode, mut subtitler, .. }) = Self::new(source, options);
        Builder::new().name("demux".into()).spawn(move || demux_thread(&mut demux)).map_err(Error::NoThread)?;
        Builder::new().name("decode".into()).spawn(move || decode_thread(&mut decode)).map_err(Error::NoThread)?;
        let thread = Builder::new().name("subtitles".into()).spawn(move || subtitle_thread(&mut subtitler)).map_err(Error::NoThread)?;
        player.subtitler = Some(thread.thread().clone());
        Ok(player)
    }

    /// A film whose steps are made by the caller: for tests and for pictures made offscreen.
    #[must_use]
    pub fn by_hand(source: Source, on_hardware: bool) -> (Self, ByHand) {
        Self::new(source, &PlayerOptions { mono_ns: || 0, waker: Waker::noop().clone(), on_hardware })
    }

    fn new(source: Source, options: &PlayerOptions) -> (Self, ByHand) {
        ffi::prepare();
        let PlayerOptions { mono_ns, ref waker, on_hardware } = *options;
        let shared = Arc::new(Shared { mono_ns: Some(mono_ns), ..Shared::default() });
        // A seek in a film's every frame for seconds fits; the oldest are obsolete anyway.
        let (seeks, commands) = mailbox(1024);
        let (turns, turned) = mailbox(64);
        let (event_sender, events) = mailbox(64);
        let (item_producer, items) = queue(256);
        let (picture_producer, pictures) = queue(PICTURES_AHEAD);
        let (subtitler, subtitles, subtitle_wishes, subtitle_pictures) = Subtitler::new(event_sender.clone(), Arc::clone(&shared));
        let demux = Demux {
            subtitles: Vec::new(),
            packets: subtitles.clone(),
            name: source.name().to_owned(),
            source: Some(source),
            input: None,
            start_us: 0,
            video: None,
            sounds: Vec::new(),
            wanted: Vec::new(),
            generation: 0,
            is_fresh: true,
            waiting: VecDeque::new(),
            held: Vec::new(),
            landing: None,
            reads: false,
            faults: 0,
            commands,
            events: event_sender.clone(),
            items: item_producer,
            shared: Arc::clone(&shared),
            waker: waker.clone(),
            on_hardware,
        };
        let decode = Decode {
            items,
            pictures: picture_producer,
            events: event_sender,
            shared: Arc::clone(&shared),
            opened: Opened::default(),
            video: None,
            sound: None,
            turned,
            kept: Kept::default(),
            course: None,
            waker: waker.clone(),
        };
        let player = Self { seeks, turns, events, pictures, subtitles, subtitle_wishes, subtitle_pictures, subtitler: None, shared };
        (player, ByHand { demux, decode, subtitler, is_done: false })
    }

    /// Goes to a place. Pictures and sound of older generations stop coming; a seek under way is cancelled.
    ///
    /// Returns false if the player takes no more seeks because it has failed.
    pub fn seek(&self, seek: Seek) -> bool {
        self.shared.wanted.store(seek.generation, Ordering::Release);
        let film_ns = seek.film_ns;
        let is_taken = self.seeks.send(seek).is_ok();
        // A subtitler with too much to do finds the next line.
        self.subtitles.order(Order::Sought { film_ns });
        is_taken
    }

    /// Plays another sound track from a place not far from where the sound is; pictures go on.
    ///
    /// What can be heard at once comes into the ring; if the track was not kept, [`Event::SeekAgain`] is told, and a seek brings it. An order for a seek
    /// that was overtaken is dropped. Returns false if the player takes no orders.
    pub fn turn_to(&self, sound: OtherSound) -> bool {
        self.turns.send(sound).is_ok()
    }

    /// What happened since the last call, oldest first.
    pub fn next_event(&self) -> Option<Event> {
        self.events.receive()
    }

    /// The decoded pictures, oldest first, stamped with the generation of the seek they belong to.
    #[must_use]
    pub const fn pictures(&self) -> &QueueConsumer<Picture> {
        &self.pictures
    }

    /// Says which subtitles should be seen now; only the newest wish counts.
    pub fn show_subtitles(&self, wish: SubtitleWish) {
        // An older one is obsolete.
        self.subtitle_wishes.put(wish);
        self.wake_subtitler();
    }

    /// The subtitles as they look now, if they changed since the last call.
    #[must_use]
    pub fn subtitle_picture(&self) -> Option<SubtitlePicture> {
        self.subtitle_pictures.take()
    }

    /// Reads a file of subtitles; what comes of it is told by [`next_event`](Self::next_event). Returns false if too much is waiting.
    pub fn add_subtitles(&self, path: PathBuf) -> bool {
        self.subtitles.order(Order::Load(path))
    }

    /// Reads the files beside a film that are its subtitles by their names.
    pub fn find_subtitles_beside(&self, film: PathBuf) -> bool {
        self.subtitles.order(Order::LookBeside(film))
    }

    /// Gives the film a second time, so that after a seek lines are found that began before its place. Reading it must not wait for bytes that are not here.
    pub fn look_back_in(&self, source: Source) -> bool {
        self.subtitles.order(Order::LookBackIn(source))
    }

    /// How long the subtitler has been busy with one single thing: some seconds mean that a script is beyond drawing. The film is not held up by it.
    #[must_use]
    pub fn subtitles_stuck_for_ns(&self, now_mono_ns: i64) -> i64 {
        self.shared.subtitle.working_for_ns(now_mono_ns)
    }

    fn wake_subtitler(&self) {
        if let Some(thread) = &self.subtitler {
            thread.unpark();
        }
    }

    /// How long a thread has been busy with one single thing. It waits neither for bytes nor for room nor for a command meanwhile, so some seconds mean that it is
    /// stuck and the player should be dropped.
    #[must_use]
    pub fn stuck_for_ns(&self, now_mono_ns: i64) -> i64 {
        self.shared.demux.working_for_ns(now_mono_ns).max(self.shared.decode.working_for_ns(now_mono_ns))
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.wake_subtitler();
    }
}

/// Makes a film's steps, one after the other.
pub struct ByHand {
    demux: Demux,
    decode: Decode,
    subtitler: Subtitler,
    is_done: bool,
}

impl ByHand {
    /// Makes steps until nothing moves any more; returns whether anything did.
    pub fn run_until_idle(&mut self) -> bool {
        let mut moved = false;
        while !self.is_done {
            let (demux, decode) = (self.demux.step(), self.decode.step());
            self.is_done = demux == Step::Done || decode == Step::Done;
            let subtitles = self.subtitler.step();
            if [demux, decode, subtitles].iter().all(|step| *step != Step::Worked) {
                break;
            }
            moved = true;
        }
        moved
    }
}

impl std::fmt::Debug for ByHand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ByHand").finish_non_exhaustive()
    }
}

/// How a player works.
#[derive(Debug, Clone)]
pub struct PlayerOptions {
    /// The time that its threads note.
    pub mono_ns: fn() -> i64,
    /// Whom they wake.
    pub waker: Waker,
    /// Whether the graphics card decodes what it can; where it cannot, or fails, the processor does.
    pub on_hardware: bool,
}

/// An order to go to a place.
#[derive(Debug)]
pub struct Seek {
    /// This seek's number; larger than any before.
    pub generation: u32,
    /// Where to, in nanoseconds of film time.
    pub film_ns: i64,
    /// Which sound track, counted from 0 in [`FilmInfo::sounds`]; none plays silence.
    pub sound: Option<usize>,
    /// Where its sound goes.
    pub ring: SampleProducer,
    /// Whether the picture of the key frame before a place far from it comes first, as a [glance](Picture::is_glance).
    pub glances: bool,
}

/// An order to play another sound track in the course of a seek.
#[derive(Debug)]
pub struct OtherSound {
    /// The seek's number.
    pub generation: u32,
    /// Where its sound begins, in nanoseconds of film time.
    pub film_ns: i64,
    /// Which one, counted from 0; none plays silence.
    pub sound: Option<usize>,
    /// Where its sound goes.
    pub ring: SampleProducer,
}

/// What a player tells.
#[derive(Debug)]
pub enum Event {
    /// The film is open; now it can be sought in, which also starts it.
    Opened(FilmInfo),
    /// The film cannot be opened.
    Failed(Error),
    /// The picture cannot be decoded; the sound plays.
    NoPicture {
        /// FFmpeg's words.
        reason: String,
    },
    /// Pictures are too large and left out; the sound plays on, and so do pictures that are smaller.
    TooLarge {
        /// In the course of which seek.
        generation: u32,
        /// Their width in pixels.
        width: u32,
        /// Their height in pixels.
        height: u32,
    },
    /// The chosen sound track cannot be decoded; silence plays.
    NoSound {
        /// FFmpeg's words.
        reason: String,
    },
    /// The sound track that was turned to is not at hand, or the graphics card gave up; a seek to the same place brings what is missing.
    SeekAgain {
        /// In the course of which seek.
        generation: u32,
    },
    /// A file of subtitles was read: its track is the one after the last.
    SubtitlesAdded(SubtitleTrack),
    /// Subtitles cannot be shown, or a file of them not be read.
    NoSubtitles {
        /// A sentence for the person.
        sentence: String,
    },
    /// Everything up to the end was passed on.
    Ended {
        /// Of which seek.
        generation: u32,
        /// Where the film ends.
        film_ns: i64,
    },
}

/// What both threads and the handle share.
#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) stop: AtomicBool,
    pub(super) is_open: AtomicBool,
    /// Number of the newest seek asked for.
    pub(super) wanted: AtomicU32,
    /// Number of the seek that the demuxer serves.
    pub(super) serving: AtomicU32,
    pub(super) bytes_in_flight: AtomicUsize,
    pub(super) demux: Activity,
    pub(super) decode: Activity,
    pub(super) subtitle: Activity,
    mono_ns: Option<fn() -> i64>,
}

impl Shared {
    /// Whether FFmpeg should leave what it is reading: the film is closed, or a newer seek waits. Opening is not cancelled by a seek.
    pub(super) fn must_leave(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
            || self.is_open.load(Ordering::Acquire) && self.wanted.load(Ordering::Acquire) != self.serving.load(Ordering::Acquire)
    }

    /// Whether the film is closed.
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// By the clock that the threads were given; steps made by hand take no time.
    pub(super) fn now_ns(&self) -> i64 {
        self.mono_ns.map_or(0, |mono_ns| mono_ns())
    }

    pub(super) fn release(&self, packet: &Packet) {
        let size = packet.size();
        // A seek may have set it to zero meanwhile.
        let released = self.bytes_in_flight.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |bytes| Some(bytes.saturating_sub(size)));
        debug_assert!(released.is_ok(), "the update always says Some");
    }

    pub(super) fn report(&self, events: &MailboxSender<Event>, event: Event) {
        if let Err(event) = events.send(event)
            && !self.stop.load(Ordering::Relaxed)
        {
            tracing::error!("nobody reads the film's events; lost: {event:?}");
        }
    }
}

fn demux_thread(demux: &mut Demux) {
    demux.commands.wake_current_thread();
    demux.items.wake_current_thread();
    run(|| demux.step());
}

fn decode_thread(decode: &mut Decode) {
    decode.items.wake_current_thread();
    decode.pictures.wake_current_thread();
    decode.turned.wake_current_thread();
    run(|| decode.step());
}

/// Messages wake it, and so do wishes; neither sound nor pictures wait for it.
fn subtitle_thread(subtitler: &mut Subtitler) {
    subtitler.orders.wake_current_thread();
    loop {
        match subtitler.step() {
            Step::Worked => {}
            Step::Idle => std::thread::park_timeout(IDLE_SUBTITLES),
            Step::Done => return,
        }
    }
}

fn run(mut step: impl FnMut() -> Step) {
    loop {
        match step() {
            Step::Worked => {}
            // Queues and commands wake the thread; sound leaving its ring does not, because the audio callback must not call the system.
            Step::Idle => std::thread::park_timeout(IDLE),
            Step::Done => return,
        }
    }
}

/// Short beside the second of sound in the ring.
const IDLE: Duration = Duration::from_millis(10);
/// Somebody always wakes it; this is for the program's end.
const IDLE_SUBTITLES: Duration = Duration::from_secs(1);
