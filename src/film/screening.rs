use std::sync::{Mutex, PoisonError};

use bevy::prelude::*;

use super::{
    FilmSource,
    fetch::Fetching,
    open::Hand,
    patience::Patience,
    share::Shared,
    subtitles::{Subtitles, added},
};
use crate::{
    audio::{Feed, Heard, Mixer, feed},
    clock::{FilmTime, Motion, Timeline},
    handover::{SampleConsumer, ring},
    media::{Event as Told, FilmInfo, OtherSound, Player, SOUND_RATE, Seek, Source},
    notice::Notice,
    room::{Ask, FilmId, Frame, Me, Now, Participant, Playback, ReadyFor, Room, Standing},
    trace::Trace,
};

/// Holds the film that runs, and hears what its player tells.
pub(super) fn plugin(app: &mut App) {
    app.init_resource::<TraceTo>()
        .add_observer(on_choose_sound)
        .add_systems(Update, (step_by_hand, hear_player, watch).chain().in_set(Frame::Hear).run_if(resource_exists::<Screening>))
        .add_systems(Update, change_sound.in_set(Frame::Decide).run_if(resource_exists::<Screening>))
        .add_systems(Update, report_ready.in_set(Frame::Decide));
}

fn step_by_hand(mut screening: ResMut<Screening>) {
    if let Some(hand) = &mut screening.by_hand {
        hand.step();
    }
}

fn hear_player(
    mut screening: ResMut<Screening>,
    mut subtitles: ResMut<Subtitles>,
    room: Option<Single<&Playback, With<Room>>>,
    mut commands: Commands,
) {
    let is_orphaned = room.is_some_and(|room| room.film.as_ref().is_some_and(|film| film.is_orphaned));
    while let Some(event) = screening.player.next_event() {
        match event {
            Told::Ended { generation, film_ns } if generation == screening.generation => {
                screening.end_ns = Some(film_ns);
                // A subtitle or a second track may be a little longer than what plays.
                if let Some(duration_ns) = screening.info.duration_ns
                    && film_ns + EARLY_END_NS.max(duration_ns / 10) < duration_ns
                    && screening.sound.is_some() != screening.info.sounds.is_empty()
                {
                    let (title, at, of) = (&screening.info.title, FilmTime::from_ns(film_ns), FilmTime::from_ns(duration_ns));
                    let sentence = if is_orphaned {
                        format!("“{title}” came only as far as {at} of {of}: whoever brought it is gone.")
                    } else {
                        format!("“{title}” ends at {at} of {of}: the rest of the file is missing or damaged.")
                    };
                    commands.trigger(Notice::problem(sentence));
                }
            }
            Told::SeekAgain { generation } if generation == screening.generation => screening.coming = Some(Coming::Elsewhere),
            Told::Ended { .. } | Told::SeekAgain { .. } => {}
            Told::NoPicture { reason } => {
                (screening.info.video, screening.info.picture) = (None, None);
                commands.trigger(Notice::problem(format!("The picture of this film cannot be shown ({reason}). Its sound plays.")));
            }
            Told::TooLarge { generation, width, height } => {
                if screening.too_large_in.replace(generation).is_none() {
                    let title = &screening.info.title;
                    commands.trigger(Notice::problem(format!(
                        "Pictures of “{title}” are too large: {width} × {height}; 8192 × 4352 are the most that are shown. Its sound plays on."
                    )));
                }
            }
            Told::NoSound { reason } => {
                commands
                    .trigger(Notice::problem(format!("This sound track cannot be played ({reason}). Choose another one with the remote.")));
            }
            Told::SubtitlesAdded(track) => {
                let number = screening.info.subtitles.len();
                if let Some(notice) = added(&track, number, &mut subtitles) {
                    commands.trigger(notice);
                }
                screening.info.subtitles.push(track);
            }
            Told::NoSubtitles { sentence } => commands.trigger(Notice::problem(sentence)),
            Told::Opened(_) => tracing::error!("a film was opened twice"),
            Told::Failed(error) => commands.trigger(Notice::problem(error.to_string())),
        }
    }
}

/// A film whose thread does not come back ends for this viewer; the theater stays.
fn watch(screening: Res<Screening>, patience: Res<Patience>, now: Res<Now>, standing: Res<Standing>, mut commands: Commands) {
    if patience.is_over(screening.player.stuck_for_ns(now.mono_ns), now.mono_ns) {
        let title = &screening.info.title;
        commands.trigger(Notice::problem(format!(
            "“{title}” cannot be played on: its data keep the decoder busy for ever. Open another film."
        )));
        commands.remove_resource::<Screening>();
        commands.trigger(Abandoned);
        // Others may be able to play it.
        if *standing == Standing::Alone {
            commands.trigger(Ask::Close);
        }
    }
}

/// Says that picture and sound stand at the place where the room gathers, or that nobody needs to wait for them here.
fn report_ready(
    screening: Option<Res<Screening>>,
    coming: (Option<Res<Fetching>>, Option<Res<Shared>>),
    room: Option<Single<&Playback, With<Room>>>,
    me: Option<Single<(&Participant, Option<&ReadyFor>), With<Me>>>,
    now: Res<Now>,
    mut reported: Local<(u32, i64)>,
    mut commands: Commands,
) {
    let (Some(room), Some(me)) = (room, me) else { return };
    let (Some(film), true) = (&room.film, room.gather.is_some()) else { return };
    let (participant, ready_for) = *me;
    let is_ready = match &screening {
        Some(screening) if screening.film == film.id => screening.follows == room.generation && screening.is_ready(now.mono_ns),
        _ if coming.0.is_some() => false,
        // Somebody else's film is about to be fetched, or cannot be.
        _ => {
            film.presenter == participant.id
                || coming.1.is_none()
                || now.room() - room.gather.map_or(now.room(), |gather| gather.since) > HOPE_NS
        }
    };
    let was_heard = ready_for.is_some_and(|ready| ready.0 == room.generation);
    let has_just_said = reported.0 == room.generation && (0..SAY_AGAIN_NS).contains(&(now.mono_ns - reported.1));
    if is_ready && !was_heard && !has_just_said {
        *reported = (room.generation, now.mono_ns);
        commands.trigger(Ask::Ready { generation: room.generation });
    }
}

fn on_choose_sound(
    choice: On<ChooseSound>,
    screening: Option<ResMut<Screening>>,
    room: Single<&Playback, With<Room>>,
    now: Res<Now>,
    mut commands: Commands,
) {
    let Some(mut screening) = screening else { return };
    let wanted = match *choice.event() {
        ChooseSound::Number(number) => number,
        ChooseSound::Next => match screening.sound {
            Some(number) if number + 1 < screening.info.sounds.len() => Some(number + 1),
            Some(_) => None,
            None => Some(0),
        },
    };
    if wanted.is_some_and(|number| number >= screening.info.sounds.len()) {
        let count = screening.info.sounds.len();
        commands.trigger(Notice::problem(match count {
            0 => "This film has no sound.".to_owned(),
            1 => "This film has one sound track.".to_owned(),
            _ => format!("This film has {count} sound tracks: choose 1 to {count}, or 0 for none."),
        }));
        return;
    }
    if wanted != screening.sound {
        screening.sound = wanted;
        let says = screening.sound_name();
        screening.turn_sound(&room, &now);
        commands.trigger(Notice::news(says).about("sound track"));
    }
}

/// Lets another sound track be heard as soon as enough of it is decoded; until then the one before is.
fn change_sound(mut screening: ResMut<Screening>, room: Single<&Playback, With<Room>>, now: Res<Now>) {
    let (heard, latency_ns) = (screening.heard(now.mono_ns), screening.feed.latency_ns(now.mono_ns));
    let (ring, film_ns) = match screening.coming.take() {
        None => return,
        Some(Coming::Ring { ring, film_ns, since_mono_ns }) => {
            let ring = ring.into_inner().unwrap_or_else(PoisonError::into_inner);
            let passed_ns = heard.map_or(0, |heard| heard.film_ns - film_ns);
            let needed_ns = passed_ns + room.timeline.rate.film_ns(latency_ns) + READY_NS;
            let has_ns = ring.available_frames() as i64 * 62_500 / 3;
            if has_ns < needed_ns && !ring.is_ended() && heard.is_some() && now.mono_ns - since_mono_ns < COMING_NS {
                screening.coming = Some(Coming::Ring { ring: Mutex::new(ring), film_ns, since_mono_ns });
                return;
            }
            if heard.is_none() || has_ns < needed_ns - READY_NS && !ring.is_ended() {
                return screening.join(&room, &now);
            }
            (ring, film_ns)
        }
        Some(Coming::Elsewhere) => return screening.join(&room, &now),
    };
    screening.cue_before = Some(screening.cue);
    screening.cue = screening.feed.cue(ring, film_ns);
    if let Some(heard) = heard.filter(|_| room.gather.is_none() && room.timeline.motion_at(now.room()) == Motion::Runs) {
        // On the line that is heard already.
        let rate = room.timeline.rate_at(now.room());
        screening.feed.run_at(now.mono_ns - rate.room_ns(heard.film_ns - film_ns), rate.factor());
        screening.settles_at_mono_ns = screening.settles_at_mono_ns.max(now.mono_ns + SETTLE_NS + latency_ns);
    }
    if room.gather.is_none() && room.timeline.room > now.room() {
        screening.turn(&room.timeline, &now);
    }
}

/// Play another sound track of this film, for this viewer alone.
#[derive(Event, Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChooseSound {
    /// This one, counted from 0; or none.
    Number(Option<usize>),
    /// The one after; after the last comes none, then the first.
    Next,
}

/// The film came to its end while it played.
#[derive(Event, Debug, Clone, Copy)]
pub struct Finished;

/// The film could not be played on.
#[derive(Event, Debug, Clone, Copy)]
pub struct Abandoned;

/// Where the trace of what is heard and shown goes.
#[derive(Resource, Default)]
pub struct TraceTo(pub Trace);

/// The film that runs, and how far this viewer is in it.
#[derive(Resource)]
pub struct Screening {
    /// Which film.
    pub(super) film: FilmId,
    /// Where it is on this machine; `None` if somebody else brought it.
    pub(super) source: Option<FilmSource>,
    pub(super) player: Player,
    by_hand: Option<Hand>,
    pub(super) feed: Feed,
    info: FilmInfo,
    sound: Option<usize>,
    /// Number of this viewer's newest seek.
    pub(super) generation: u32,
    /// The room's generation that was sought for.
    pub(super) follows: u32,
    /// The turn of the timeline that the feed was told of last.
    pub(super) turned: Option<Timeline>,
    /// The feed's number of the newest ring.
    pub(super) cue: u32,
    /// The number of the ring before it, if that one led to the same place.
    cue_before: Option<u32>,
    /// Another sound track on its way.
    coming: Option<Coming>,
    /// Until then no correction is decided: the last one has not been heard yet.
    pub(super) settles_at_mono_ns: i64,
    /// Where the film ends, once its last sample is decoded.
    pub(super) end_ns: Option<i64>,
    /// The time of the newest picture shown of this generation, and how long it stands.
    pub(super) shown: Option<(i64, i64)>,
    /// The newest generation of which pictures were too large.
    too_large_in: Option<u32>,
}

impl Screening {
    /// The film's bytes a second time; of a friend's film only what is here, so that nothing is fetched for it. `None` if they cannot be had: the person was told
    /// when they were opened first.
    pub(super) fn once_more(&self, swarm: Option<&Shared>) -> Option<Source> {
        match &self.source {
            Some(source) => source.open().ok().map(|(source, _)| source),
            None => Some(Source::new(self.info.title.as_str(), swarm?.0.look_about(self.film)?)),
        }
    }

    pub(super) fn new(
        player: Player,
        by_hand: Option<Hand>,
        info: FilmInfo,
        (film, source): (FilmId, Option<FilmSource>),
        trace: &Trace,
        mixer: Option<&mut Mixer>,
    ) -> Result<Self, String> {
        let (feed, sound) = feed(trace.clone());
        if let Some(mixer) = mixer {
            mixer.play_film_feed(sound).map_err(|error| format!("The film cannot be heard: {error}."))?;
        }
        let sound = info.default_sound;
        Ok(Self {
            film,
            source,
            player,
            by_hand,
            feed,
            info,
            sound,
            generation: 0,
            follows: 0,
            turned: None,
            cue: 0,
            cue_before: None,
            coming: None,
            settles_at_mono_ns: 0,
            end_ns: None,
            shown: None,
            too_large_in: None,
        })
    }

    /// Whether it is a film of this machine.
    #[must_use]
    pub const fn is_own(&self) -> bool {
        self.source.is_some()
    }

    /// What the file says of itself.
    #[must_use]
    pub const fn info(&self) -> &FilmInfo {
        &self.info
    }

    /// The sound track that plays, counted from 0.
    #[must_use]
    pub const fn sound(&self) -> Option<usize> {
        self.sound
    }

    /// The playing sound track in words.
    #[must_use]
    pub fn sound_name(&self) -> String {
        let Some((number, track)) = self.sound.and_then(|number| Some((number, self.info.sounds.get(number)?))) else {
            return "Sound off".to_owned();
        };
        let name = [&track.title, &track.language].into_iter().find(|name| !name.is_empty());
        name.map_or_else(|| format!("Sound track {}", number + 1), |name| format!("Sound: {name}"))
    }

    /// The time of the picture on the screen, in nanoseconds of film; `None` until one of the newest place is shown.
    #[must_use]
    pub fn shown_ns(&self) -> Option<i64> {
        self.shown.map(|(film_ns, _)| film_ns)
    }

    /// The same, and how long that picture stands.
    pub(super) const fn shown(&self) -> Option<(i64, i64)> {
        self.shown
    }

    /// Whether nothing is seen at this place, because pictures are too large.
    pub(super) fn is_blind(&self) -> bool {
        self.shown.is_none() && self.too_large_in == Some(self.generation)
    }

    /// What leaves the loudspeaker now; `None` while the newest place has not been heard yet.
    #[must_use]
    pub fn heard(&self, now_mono_ns: i64) -> Option<Heard> {
        self.feed.heard(now_mono_ns).filter(|heard| heard.cue == self.cue || Some(heard.cue) == self.cue_before)
    }

    /// Goes where the room's timeline stands, from the start of a generation.
    pub(super) fn seek(&mut self, playback: &Playback) {
        self.follows = playback.generation;
        let film_ns = playback.timeline.film.ns();
        // Nearby, the picture that stands is nearer than the key frame's.
        let glances = self.shown_ns().is_none_or(|shown_ns| shown_ns.abs_diff(film_ns) > NEARBY_NS);
        self.go_to(film_ns, glances);
    }

    /// Joins a timeline that may be running: a little ahead of now, and starts when the timeline gets there.
    pub(super) fn join(&mut self, playback: &Playback, now: &Now) {
        self.follows = playback.generation;
        let soon = now.room() + JOIN_AHEAD_NS;
        // A corner between now and then counts: a film about to stand is joined where it will stand.
        let place = playback.timeline.film_at(soon);
        self.go_to(place.ns(), false);
        if playback.gather.is_none() && playback.timeline.motion_at(soon) == Motion::Runs {
            self.feed.run_at(now.mono_ns_at(soon), playback.timeline.rate_at(soon).factor());
            self.settles_at_mono_ns = now.mono_ns + JOIN_AHEAD_NS + SETTLE_NS + self.feed.latency_ns(now.mono_ns);
        }
        // What was agreed on for later holds for the new place as well.
        if playback.gather.is_none() && playback.timeline.room > soon {
            self.turn(&playback.timeline, now);
        }
    }

    /// Tells the feed of the timeline's corner.
    pub(super) fn turn(&mut self, timeline: &Timeline, now: &Now) {
        self.turned = Some(*timeline);
        let corner_mono_ns = now.mono_ns_at(timeline.room);
        match (timeline.before, timeline.after) {
            (_, Motion::Runs) if (timeline.before, timeline.rate_before) != (Motion::Runs, timeline.rate) => {
                self.feed.run_at(corner_mono_ns, timeline.rate.factor());
            }
            (Motion::Runs, Motion::Stands) => self.feed.stop_at(corner_mono_ns),
            _ => return,
        }
        self.settles_at_mono_ns = corner_mono_ns.max(now.mono_ns) + SETTLE_NS + self.feed.latency_ns(now.mono_ns);
    }

    /// Turns to the chosen sound track; pictures go on, and the sound does until the other is there.
    fn turn_sound(&mut self, playback: &Playback, now: &Now) {
        let Some(heard) = self.heard(now.mono_ns).filter(|_| playback.gather.is_none() && self.follows == playback.generation) else {
            return self.join(playback, now);
        };
        let on_its_way_ns = playback.timeline.rate.film_ns(self.feed.latency_ns(now.mono_ns));
        let frames = RING_FRAMES + usize::try_from(on_its_way_ns / 20_833).unwrap_or(0);
        let (producer, ring) = ring(frames);
        self.end_ns = None;
        let film_ns = heard.film_ns;
        if self.player.turn_to(OtherSound { generation: self.generation, film_ns, sound: self.sound, ring: producer }) {
            self.coming = Some(Coming::Ring { ring: Mutex::new(ring), film_ns, since_mono_ns: now.mono_ns });
        } else {
            self.join(playback, now);
        }
    }

    fn go_to(&mut self, film_ns: i64, glances: bool) {
        self.generation += 1;
        (self.coming, self.cue_before) = (None, None);
        self.turned = None;
        self.end_ns = None;
        self.shown = None;
        let (producer, consumer) = ring(RING_FRAMES);
        self.cue = self.feed.cue(consumer, film_ns);
        if !self.player.seek(Seek { generation: self.generation, film_ns, sound: self.sound, ring: producer, glances }) {
            tracing::error!("the player takes no seeks");
        }
    }

    fn is_ready(&self, now_mono_ns: i64) -> bool {
        let has_all = self.end_ns.is_some();
        let has_picture = self.shown.is_some() || self.info.video.is_none() || self.is_blind() || has_all;
        let has_sound = self.feed.buffered_ns() >= READY_NS || has_all;
        has_picture && has_sound && self.heard(now_mono_ns).is_some()
    }

    /// Where the film ended, once its last sample was heard.
    pub(super) fn ended_at(&self, now_mono_ns: i64) -> Option<FilmTime> {
        let end_ns = self.end_ns?;
        self.heard(now_mono_ns).filter(|heard| heard.ended).map(|_| FilmTime::from_ns(end_ns))
    }
}

/// A sound track that will be heard.
enum Coming {
    /// In this ring, from this place on; the lock is never contended and only makes it shareable.
    Ring { ring: Mutex<SampleConsumer>, film_ns: i64, since_mono_ns: i64 },
    /// After a seek.
    Elsewhere,
}

/// A sound track that is not there by then is sought for.
const COMING_NS: i64 = 1_000_000_000;
/// A second: a slow disk or a busy processor is not heard, and a seek throws little away.
const RING_FRAMES: usize = SOUND_RATE as usize;
/// A wish may be lost with a line.
const SAY_AGAIN_NS: i64 = 1_000_000_000;
/// A film that did not begin to come by then will not.
const HOPE_NS: i64 = 2_000_000_000;
/// Enough to start with: decoding is faster than hearing.
const READY_NS: i64 = 200_000_000;
/// A few steps of a picture, or a slip of the hand.
const NEARBY_NS: u64 = 1_500_000_000;
/// Time to decode from a key frame when joining a running film.
const JOIN_AHEAD_NS: i64 = 150_000_000;
/// Time for a correction to pass through the sound device and show in what is heard.
pub(super) const SETTLE_NS: i64 = 200_000_000;
/// Files that end this much before their own word are damaged; less is rounding.
const EARLY_END_NS: i64 = 2_000_000_000;
