use std::{
    collections::VecDeque,
    sync::{Arc, atomic::Ordering},
    task::Waker,
};

use ffmpeg_next::{Packet, codec};

use super::{
    Event, OtherSound, Picture,
    demux::SoundStream,
    kept::{KEEP_NS, Kept},
    player::Shared,
    sound::{SoundDecoder, SoundWriter},
    video::{VideoDecoder, VideoStream},
};
use crate::handover::{MailboxReceiver, MailboxSender, QueueConsumer, QueueProducer, SampleProducer, Stamped};

/// Turns packets into pictures and sound, whichever is wanted more.
pub(super) struct Decode {
    pub(super) items: QueueConsumer<Item>,
    pub(super) pictures: QueueProducer<Picture>,
    pub(super) events: MailboxSender<Event>,
    pub(super) shared: Arc<Shared>,
    pub(super) opened: Opened,
    pub(super) video: Option<VideoDecoder>,
    pub(super) sound: Option<(usize, SoundDecoder)>,
    pub(super) turned: MailboxReceiver<OtherSound>,
    pub(super) kept: Kept,
    pub(super) course: Option<Course>,
    /// Whoever shows the pictures; a seek's first ones are waited for.
    pub(super) waker: Waker,
}

impl Decode {
    /// One packet decoded, or one thing passed on.
    pub(super) fn step(&mut self) -> Step {
        if self.shared.stop.load(Ordering::Relaxed) {
            return Step::Done;
        }
        self.shared.decode.work(self.shared.now_ns());
        let worked = self.drop_stale() | self.turn() | self.work();
        self.shared.decode.wait();
        if worked { Step::Worked } else { Step::Idle }
    }

    /// Frees what an overtaken seek left behind.
    fn drop_stale(&mut self) -> bool {
        let wanted = self.shared.wanted.load(Ordering::Acquire);
        if self.course.as_ref().is_some_and(|course| course.generation != wanted) {
            self.course = None;
            self.shared.bytes_in_flight.store(0, Ordering::Relaxed);
            return true;
        }
        false
    }

    fn work(&mut self) -> bool {
        let Some(course) = &mut self.course else { return self.take_item() };
        let mut moved = course.writer.pump();
        course.stands &= course.is_awaited || !self.pictures.is_empty();
        if let Some(picture) = course.picture.take_if(|picture| self.pictures.len() < ahead(picture)) {
            let is_glance = picture.is_glance;
            match self.pictures.push(course.generation, picture) {
                Ok(()) => {
                    moved = true;
                    if course.is_awaited {
                        course.is_awaited = is_glance;
                        self.waker.wake_by_ref();
                    }
                }
                Err(picture) => course.picture = Some(picture),
            }
        }
        if course.picture.is_none() {
            course.picture = self.video.as_mut().and_then(VideoDecoder::next);
            moved |= course.picture.is_some();
        }
        // Sound first: it is the clock, and it costs little. But after a seek nothing is seen sooner than the key frame.
        self.work_on_glance()
            || self.work_on_sound()
            || self.work_on_picture()
            || self.end_picture()
            || self.end_sound()
            || self.tell_end()
            || moved
    }

    fn work_on_glance(&mut self) -> bool {
        let (Some(course), Some(decoder)) = (&mut self.course, &mut self.video) else { return false };
        if course.glances {
            let Some((packet, start_ns)) = course.packets.front() else { return course.reads && self.take_item() };
            course.glances = false;
            if packet.is_key() && start_ns.saturating_add(NEAR_NS) < course.place_ns {
                decoder.glance();
            }
        }
        decoder.awaits_glance() && self.work_on_picture()
    }

    fn work_on_sound(&mut self) -> bool {
        let Some(course) = &mut self.course else { return false };
        if course.sound_is_over || !course.writer.wants() {
            return false;
        }
        if let (Some(packet), Some((number, decoder))) = (course.sounds.pop_front(), &mut self.sound) {
            self.shared.release(&packet);
            if let Some(reason) = decoder.decode(&packet, &mut course.writer) {
                self.shared.report(&self.events, Event::NoSound { reason });
            }
            // Whoever turns to another track may turn back.
            if let Some(stream) = self.opened.sounds.get(*number) {
                self.kept.keep(*number, stream.film_ns(&packet), packet, course.writer.end_ns() - KEEP_NS);
            }
            return true;
        }
        let may_read_on = course.reads && course.packets.len() < MAX_PACKETS_AHEAD;
        self.fill_silence() || may_read_on && self.take_item()
    }

    fn work_on_picture(&mut self) -> bool {
        let (Some(course), Some(decoder)) = (&self.course, &self.video) else { return false };
        // Whoever waits for one picture is not to share the processor with what comes after it.
        if course.picture.is_some() || course.stands && !course.is_awaited && !self.pictures.is_empty() {
            return false;
        }
        // On the way to a place, what is read ahead tells which pictures nobody needs; but reading may take its time, and a glance is not to wait for it.
        let looks_ahead = !course.is_past && !decoder.awaits_glance() && course.packets.len() < LOOK_AHEAD;
        let may_read_on = course.reads && (course.packets.is_empty() || looks_ahead);
        if may_read_on && self.take_item() {
            return true;
        }
        let (Some(course), Some(decoder)) = (&mut self.course, &mut self.video) else { return true };
        let Some((packet, start_ns)) = course.packets.pop_front() else { return false };
        self.shared.release(&packet);
        decoder.decode(&packet, start_ns.saturating_add(decoder.whole_ns()) < course.nearest_ns);
        if decoder.hardware_has_failed() {
            let generation = course.generation;
            self.give_up_hardware(generation);
        }
        self.tell_size();
        true
    }

    /// Pictures that are left out for their size are told of, once from each place on.
    fn tell_size(&mut self) {
        let (Some(course), Some(decoder)) = (&self.course, &mut self.video) else { return };
        if let Some((width, height)) = decoder.take_left_out() {
            self.shared.report(&self.events, Event::TooLarge { generation: course.generation, width, height });
        }
    }

    /// From the next seek on, which follows at once, the processor decodes.
    fn give_up_hardware(&mut self, generation: u32) {
        tracing::warn!("the graphics card gave up; the processor decodes");
        self.video = None;
        if let Some((_, _, stream)) = &mut self.opened.video {
            stream.on_hardware = false;
        }
        self.shared.report(&self.events, Event::SeekAgain { generation });
    }

    /// Takes the next item the demuxer has; what belongs to an older seek is dropped.
    fn take_item(&mut self) -> bool {
        let Some(Stamped { generation, item }) = self.items.pop() else { return false };
        if let Item::Opened(opened) = item {
            self.opened = *opened;
            return true;
        }
        if generation != self.shared.wanted.load(Ordering::Acquire) {
            return true;
        }
        match (item, &mut self.course) {
            (Item::Start { film_ns, sound, ring, glances }, _) => {
                self.start(generation, film_ns, sound, ring);
                if let Some(course) = &mut self.course {
                    (course.glances, course.stands) = (glances, glances);
                }
            }
            (Item::Packet(packet), Some(course)) => {
                let is_picture = self.opened.video.as_ref().is_some_and(|(index, ..)| *index == packet.stream());
                match (is_picture, &mut self.video, &self.sound) {
                    (true, Some(decoder), _) => {
                        let (start_ns, end_ns) = decoder.span_ns(&packet);
                        course.picture_start_ns = course.picture_start_ns.max(start_ns);
                        course.picture_end_ns = course.picture_end_ns.max(end_ns);
                        if start_ns <= course.place_ns {
                            course.nearest_ns = course.nearest_ns.max(start_ns);
                        } else {
                            course.is_past = true;
                        }
                        course.packets.push_back((packet, start_ns));
                    }
                    (false, _, Some((number, _)))
                        if self.opened.sounds.get(*number).is_some_and(|stream| stream.index == packet.stream()) =>
                    {
                        course.sounds.push_back(packet);
                    }
                    // Nobody decodes it, for now.
                    _ => {
                        self.shared.release(&packet);
                        let numbered = self.opened.sounds.iter().enumerate();
                        if let Some((number, stream)) = { numbered }.find(|(_, stream)| stream.index == packet.stream()) {
                            self.kept.keep(number, stream.film_ns(&packet), packet, course.writer.end_ns() - KEEP_NS);
                        }
                    }
                }
            }
            (Item::End, Some(course)) => course.reads = false,
            _ => {}
        }
        true
    }

    fn start(&mut self, generation: u32, film_ns: i64, sound: Option<usize>, ring: SampleProducer) {
        self.shared.bytes_in_flight.store(0, Ordering::Relaxed);
        if self.video.is_none()
            && let Some((_, parameters, stream)) = &self.opened.video
        {
            match VideoDecoder::open(parameters.clone(), stream) {
                Ok(decoder) => self.video = Some(decoder),
                Err(error) => {
                    self.shared.report(&self.events, Event::NoPicture { reason: error.to_string() });
                    self.opened.video = None;
                }
            }
        }
        if let Some(decoder) = &mut self.video {
            decoder.restart(film_ns);
        }
        self.kept.clear();
        self.open_sound(sound);
        self.course = Some(Course {
            generation,
            place_ns: film_ns,
            nearest_ns: i64::MIN,
            is_past: false,
            glances: false,
            is_awaited: true,
            stands: false,
            packets: VecDeque::new(),
            sounds: VecDeque::new(),
            writer: SoundWriter::new(ring, film_ns),
            picture: None,
            picture_start_ns: i64::MIN,
            picture_end_ns: i64::MIN,
            reads: true,
            picture_is_over: false,
            sound_is_over: false,
            is_told: false,
        });
    }

    /// Makes a sound track the one that is decoded, from wherever its packets come.
    fn open_sound(&mut self, sound: Option<usize>) {
        if self.sound.as_ref().map(|(number, _)| *number) != sound {
            self.sound = None;
            if let Some((number, stream)) = sound.and_then(|number| Some((number, self.opened.sounds.get(number)?))) {
                match SoundDecoder::open(stream.parameters.clone(), stream.time_base, stream.start_us) {
                    Ok(decoder) => self.sound = Some((number, decoder)),
                    Err(error) => self.shared.report(&self.events, Event::NoSound { reason: error.to_string() }),
                }
            }
        }
        if let Some((_, decoder)) = &mut self.sound {
            decoder.restart();
        }
    }

    /// Turns to another sound track in the middle of a course: what was kept of it goes to the decoder, and the one before is kept in its place.
    fn turn(&mut self) -> bool {
        let Some(OtherSound { generation, film_ns, sound, ring }) = std::iter::from_fn(|| self.turned.receive()).last() else {
            return false;
        };
        let Some(course) = self.course.as_mut().filter(|course| course.generation == generation) else { return true };
        let mut taken: Option<VecDeque<Packet>> = None;
        if let Some(number) = sound {
            taken = self.kept.take(number, film_ns).map(Iterator::collect);
            if taken.is_none() && self.sound.as_ref().is_none_or(|(number, _)| Some(*number) != sound) {
                self.shared.report(&self.events, Event::SeekAgain { generation });
                return true;
            }
        }
        let unplayed = std::mem::take(&mut course.sounds);
        for packet in unplayed {
            self.shared.release(&packet);
            if let Some((number, stream)) = self.sound.as_ref().and_then(|(number, _)| Some((*number, self.opened.sounds.get(*number)?))) {
                self.kept.keep(number, stream.film_ns(&packet), packet, film_ns - KEEP_NS);
            }
        }
        course.sounds = taken.unwrap_or_default();
        let bytes = course.sounds.iter().map(Packet::size).sum();
        self.shared.bytes_in_flight.fetch_add(bytes, Ordering::Relaxed);
        course.writer = SoundWriter::new(ring, film_ns);
        (course.sound_is_over, course.is_told) = (false, false);
        self.open_sound(sound);
        true
    }

    /// Where a film has no sound for a while, or none at all, silence stands for it up to the picture that was read last.
    fn fill_silence(&mut self) -> bool {
        let Some(course) = &mut self.course else { return false };
        let is_crowded = self.shared.bytes_in_flight.load(Ordering::Relaxed) > CROWDED_BYTES || course.packets.len() >= MAX_PACKETS_AHEAD;
        let until_ns = if self.sound.is_none() || !course.reads {
            // No sound will come: the last picture stands to its end.
            course.picture_end_ns
        } else if is_crowded {
            course.picture_start_ns
        } else {
            course.picture_start_ns.saturating_sub(SPARSE_SOUND_NS)
        };
        course.writer.silence_until(until_ns)
    }

    /// Once all packets of the picture are decoded, what its decoder still holds comes out.
    fn end_picture(&mut self) -> bool {
        let (Some(course), Some(decoder)) = (&mut self.course, &mut self.video) else { return false };
        if course.picture_is_over || course.reads || !course.packets.is_empty() {
            return false;
        }
        decoder.finish();
        course.picture_is_over = true;
        if decoder.hardware_has_failed() {
            let generation = course.generation;
            self.give_up_hardware(generation);
        }
        self.tell_size();
        true
    }

    fn end_sound(&mut self) -> bool {
        let Some(course) = &mut self.course else { return false };
        if course.sound_is_over || course.reads || !course.sounds.is_empty() || !course.writer.wants() {
            return false;
        }
        if let Some((_, decoder)) = &mut self.sound {
            decoder.finish(&mut course.writer);
        }
        course.writer.silence_until(course.picture_end_ns);
        course.sound_is_over = true;
        true
    }

    fn tell_end(&mut self) -> bool {
        let Some(course) = &mut self.course else { return false };
        let picture_is_out = self.video.is_none() || course.picture_is_over && course.picture.is_none();
        if course.is_told || !course.sound_is_over || !course.writer.has_ended() || !picture_is_out {
            return false;
        }
        course.is_told = true;
        let (generation, film_ns) = (course.generation, course.writer.end_ns());
        self.shared.report(&self.events, Event::Ended { generation, film_ns });
        true
    }
}

/// What a thread's step came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Something was done; there may be more.
    Worked,
    /// Nothing can be done until somebody else moves.
    Idle,
    /// Nothing will ever be done again.
    Done,
}

/// What the demuxer passes on.
pub(super) enum Item {
    Opened(Box<Opened>),
    Start { film_ns: i64, sound: Option<usize>, ring: SampleProducer, glances: bool },
    Packet(Packet),
    End,
}

/// The streams that can be decoded.
#[derive(Default)]
pub(super) struct Opened {
    pub(super) video: Option<(usize, codec::Parameters, VideoStream)>,
    pub(super) sounds: Vec<SoundStream>,
}

/// The decoding from one seek to the next.
pub(super) struct Course {
    generation: u32,
    /// Where the seek went.
    place_ns: i64,
    /// The beginning of the picture nearest before the place, of those that were read.
    nearest_ns: i64,
    /// Whether a picture after the place was read.
    is_past: bool,
    /// Whether a first glance is still to come.
    glances: bool,
    /// Whether the exact picture was not passed on yet.
    is_awaited: bool,
    /// Whether that picture is waited for by a room that stands, and was not taken yet.
    stands: bool,
    /// Coded pictures and where they begin.
    packets: VecDeque<(Packet, i64)>,
    sounds: VecDeque<Packet>,
    writer: SoundWriter,
    picture: Option<Picture>,
    /// Where the newest packet of the picture begins, and where it ends.
    picture_start_ns: i64,
    picture_end_ns: i64,
    /// Whether the demuxer has more.
    reads: bool,
    picture_is_over: bool,
    sound_is_over: bool,
    /// Whether the end was told.
    is_told: bool,
}

/// How many such pictures are decoded ahead: a third of a second at 24 a second, and fewer of large ones.
fn ahead(picture: &Picture) -> usize {
    (PICTURES_AHEAD_BYTES / picture.size_bytes().max(1)).clamp(PICTURES_AHEAD_LEAST, PICTURES_AHEAD)
}

/// 8 of 1080p, 4 of 4K.
const PICTURES_AHEAD_BYTES: usize = 80 << 20;
/// What evens out that one picture takes longer to decode than another.
const PICTURES_AHEAD_LEAST: usize = 4;
pub(super) const PICTURES_AHEAD: usize = 8;
/// Sound this much later than the picture beside it in the file is taken for missing.
const SPARSE_SOUND_NS: i64 = 2_000_000_000;
/// The exact picture of a place so near a key frame comes as fast as any glance.
const NEAR_NS: i64 = 250_000_000;
/// Coded pictures that are read ahead on the way to a place: more than any codec reorders.
const LOOK_AHEAD: usize = 32;
const CROWDED_BYTES: usize = 24 << 20;
/// Half a minute of pictures waiting because the sound beside them has not come yet.
const MAX_PACKETS_AHEAD: usize = 1024;
