use bevy::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    Frame, LeftForGood, Me, Now, Participant, Rights, Room, Rules, Standing,
    chat::announce,
    deeds::{self, Deed, Held},
    news::replicate,
    people::Viewing,
    tell,
    wish::{Wish, Wished, wish_for},
    words::Title,
};
use crate::{
    clock::{FilmTime, Motion, Rate, RoomTime, Timeline},
    net::{FilmId, ParticipantId},
};

/// Decides what people ask for, and starts when everybody is ready.
pub(super) fn plugin(app: &mut App) {
    replicate::<Playback>(app);
    replicate::<ReadyFor>(app);
    wish_for::<Ask>(app);
    app.init_resource::<Lead>()
        .add_observer(on_ask)
        .add_observer(on_left)
        .add_systems(Update, (gather, await_presenter, rest).in_set(Frame::Decide).run_if(Standing::keeps));
}

fn on_ask(
    asked: On<Wished<Ask>>,
    people: Query<(Option<&Participant>, &Rights)>,
    room: Single<(Entity, &Playback, &Rules), With<Room>>,
    now: Res<Now>,
    lead: Res<Lead>,
    mut held: ResMut<Held>,
    mut commands: Commands,
) {
    let Ok((participant, rights)) = people.get(asked.by) else { return };
    let (room, playback, rules) = *room;
    let by = participant.map(|participant| participant.id);
    if let Err(sentence) = may(rights, rules.locked, playback, &asked.wish, by) {
        return tell(asked.by, sentence, &mut commands);
    }
    if let Ask::Ready { generation } = asked.wish {
        // Whoever is not seated is not waited for.
        if participant.is_some() {
            commands.entity(asked.by).insert(ReadyFor(generation));
        }
        return;
    }
    if let Ask::Forsake { film } = asked.wish {
        if playback.film.as_ref().is_some_and(|shown| shown.id == film) {
            orphan(room, playback, &mut commands);
        }
        return;
    }
    let ask = match (&asked.wish, by) {
        (Ask::Present { film, plays, at }, Some(presenter)) => {
            let film = FilmOnScreen { presenter, is_orphaned: false, ..film.clone() }.possible();
            Ask::Present { film, plays: *plays, at: *at }
        }
        (wish, _) => wish.clone(),
    };
    if let Some(changed) = decide(playback, &ask, now.room(), lead.0) {
        if let Some(does) = deeds::told(&ask, playback, &changed) {
            commands.trigger(Deed { by: asked.by, does });
        }
        if let Some(sentence) = deeds::ran_out(&ask, &changed) {
            // What somebody did before that is over as well.
            held.forget();
            announce(sentence, &mut commands);
        }
        commands.entity(room).insert(changed);
    }
}

/// Whether somebody with these rights may ask for that.
fn may(rights: &Rights, is_locked: bool, playback: &Playback, ask: &Ask, by: Option<ParticipantId>) -> Result<(), &'static str> {
    let presents = playback.film.as_ref().is_some_and(|film| Some(film.presenter) == by);
    let is_orphaned = playback.film.as_ref().is_some_and(|film| film.is_orphaned);
    match ask {
        Ask::Ready { .. } => Ok(()),
        // Only one copy says where the film ends: the presenter's, or, when that one is gone, whichever runs out first.
        Ask::Ended { .. } if presents || is_orphaned => Ok(()),
        Ask::Forsake { .. } | Ask::Close if presents => Ok(()),
        Ask::Ended { .. } | Ask::Forsake { .. } => Err(""),
        Ask::Present { .. } => may_present(rights, is_locked),
        Ask::SeekTo(_) | Ask::SeekBy { .. } if is_orphaned => {
            Err("Whoever brought this film has left: it plays on as far as it came, and cannot be moved.")
        }
        _ if rights.remote || rights.moderator => Ok(()),
        _ if is_locked => Err("The remote is locked. Ask a moderator for it."),
        _ => Err("A moderator took the remote from you."),
    }
}

fn may_present(rights: &Rights, is_locked: bool) -> Result<(), &'static str> {
    match rights {
        Rights { moderator: true, .. } => Ok(()),
        // Another film moves the film as well.
        Rights { remote: false, .. } if is_locked => Err("The remote is locked. Ask a moderator for it."),
        Rights { present: true, .. } => Ok(()),
        _ => Err("A moderator decides who puts on a film here, and did not choose you."),
    }
}

/// Why one cannot put on a film now, as far as that is known here.
pub fn why_not_present(world: &mut World) -> Option<&'static str> {
    let rights = *world.query_filtered::<&Rights, With<Me>>().single(world).ok()?;
    let rules = world.query_filtered::<&Rules, With<Room>>().single(world).ok()?;
    may_present(&rights, rules.locked).err()
}

/// A presenter who leaves takes the file along.
fn on_left(left: On<LeftForGood>, room: Option<Single<(Entity, &Playback), With<Room>>>, mut commands: Commands) {
    if let Some((room, playback)) = room.map(Single::into_inner)
        && playback.film.as_ref().is_some_and(|film| film.presenter == left.id)
    {
        orphan(room, playback, &mut commands);
    }
}

/// Whose line broke may be back in a moment with the film at hand; for that long it only stops coming.
fn await_presenter(
    room: Single<(Entity, &Playback), With<Room>>,
    people: Query<&Participant>,
    now: Res<Now>,
    mut away_since: Local<Option<RoomTime>>,
    mut commands: Commands,
) {
    let (room, playback) = *room;
    let awaited = playback.film.as_ref().filter(|film| !film.is_orphaned && !people.iter().any(|person| person.id == film.presenter));
    if awaited.is_none() {
        *away_since = None;
    } else if now.room() - *away_since.get_or_insert(now.room()) > AWAY_NS {
        orphan(room, playback, &mut commands);
    }
}

/// What everybody has of the film plays on.
fn orphan(room: Entity, playback: &Playback, commands: &mut Commands) {
    if let Some(film) = playback.film.as_ref().filter(|film| !film.is_orphaned) {
        let film = FilmOnScreen { is_orphaned: true, ..film.clone() };
        announce(format!("“{}” plays on as far as it has come to everybody.", film.title), commands);
        commands.entity(room).insert(Playback { film: Some(film), ..playback.clone() });
    }
}

/// A film that everybody has lost stands, instead of running on before a dark screen.
fn rest(
    room: Single<(Entity, &Playback), With<Room>>,
    people: Query<&Viewing, With<Participant>>,
    now: Res<Now>,
    mut told: Local<Option<FilmId>>,
    mut commands: Commands,
) {
    let (room, playback) = *room;
    let runs = playback.gather.is_none() && playback.plays(now.room());
    if let Some(film) = playback.film.as_ref().filter(|film| runs && deeds::is_seen_by_nobody(film, people.iter())) {
        // Whoever presses play again and again reads it once.
        if told.replace(film.id) != Some(film.id) {
            announce(format!("“{}” stands: nobody here can play it any more.", film.title), &mut commands);
        }
        let timeline = Timeline::standing(playback.timeline.film_at(now.room())).at_rate(now.room(), playback.timeline.rate);
        commands.entity(room).insert(Playback { timeline, ..playback.clone() });
    }
}

/// Starts once all are ready, or when the room has waited long enough.
fn gather(
    room: Single<(Entity, &Playback, &Rules), With<Room>>,
    people: Query<Option<&ReadyFor>, With<Participant>>,
    now: Res<Now>,
    lead: Res<Lead>,
    mut commands: Commands,
) {
    let (entity, playback, rules) = *room;
    let Some(gather) = playback.gather else { return };
    let is_ready = |ready: Option<&ReadyFor>| ready.is_some_and(|ready| ready.0 == playback.generation);
    let waited_ns = now.room() - gather.since;
    if people.iter().all(is_ready) || waited_ns > rules.gather_limit.ns() {
        commands.entity(entity).insert(playback.started(now.room(), lead.0));
    }
}

/// What a wish makes of the playback; `None` if nothing changes.
///
/// Play and pause act `lead_ns` from now, so that all hear of it in time. A new film and a seek *gather*: the timeline stands at the place until everybody is
/// ready or somebody starts anyway.
#[must_use]
pub fn decide(playback: &Playback, ask: &Ask, now: RoomTime, lead_ns: i64) -> Option<Playback> {
    if let Ask::Present { film, plays, at } = ask {
        return Some(Playback {
            film: Some(film.clone()),
            generation: playback.generation.wrapping_add(1),
            timeline: Timeline::standing(film.within(*at)),
            gather: Some(Gather { plays: *plays, since: now }),
        });
    }
    let film = playback.film.as_ref()?;
    let start = now + lead_ns;
    let place = playback.timeline.film_at(now);
    let plays = playback.plays(start);
    // The speed is the room's, whatever the place.
    let standing = |film_time| Timeline::standing(film_time).at_rate(now, playback.timeline.rate);
    let gather = |film_time: FilmTime, plays| {
        let film_time = film.within(film_time);
        Playback {
            generation: playback.generation.wrapping_add(1),
            timeline: standing(film_time),
            gather: Some(Gather { plays, since: now }),
            ..playback.clone()
        }
    };
    match *ask {
        Ask::Toggle => decide(playback, if plays { &Ask::Pause } else { &Ask::Play }, now, lead_ns),
        Ask::Play if plays => None,
        Ask::Play if playback.gather.is_some() => {
            Some(Playback { gather: playback.gather.map(|gather| Gather { plays: true, ..gather }), ..playback.clone() })
        }
        Ask::Play if film.ends_at(place) => Some(gather(FilmTime::ZERO, true)),
        Ask::Play => Some(Playback { timeline: playback.timeline.play(start), ..playback.clone() }),
        Ask::Pause if !plays => None,
        Ask::Pause if playback.gather.is_some() => {
            Some(Playback { gather: playback.gather.map(|gather| Gather { plays: false, ..gather }), ..playback.clone() })
        }
        Ask::Pause => Some(Playback { timeline: playback.timeline.pause(start), ..playback.clone() }),
        Ask::SeekTo(film_time) => Some(gather(film_time, plays)),
        Ask::SeekBy { ns } => Some(gather(place + ns, plays)),
        Ask::StartAnyway => playback.gather.map(|_| playback.started(now, lead_ns)),
        Ask::Ended { generation, at } => {
            let is_of_now = generation == playback.generation && playback.gather.is_none() && plays;
            let at = FilmTime::from_ns(at.ns().clamp(0, DURATION_MOST_NS));
            // Now its length is known, if the file was nearly right; a file that breaks off is not shorter for that.
            let breaks_off = film.duration_ns.is_some_and(|duration_ns| at.ns() + EARLY_END_NS.max(duration_ns / 10) < duration_ns);
            let duration_ns = if breaks_off { film.duration_ns } else { Some(at.ns()) };
            let film = FilmOnScreen { duration_ns, breaks_off_ns: breaks_off.then(|| at.ns()), ..film.clone() }.possible();
            is_of_now.then(|| Playback { film: Some(film), timeline: standing(at), ..playback.clone() })
        }
        Ask::Rate(rate) if rate == playback.timeline.rate => None,
        Ask::Rate(rate) => Some(Playback { timeline: playback.timeline.at_rate(start, rate), ..playback.clone() }),
        Ask::Close => Some(Playback {
            film: None,
            gather: None,
            generation: playback.generation.wrapping_add(1),
            timeline: Timeline::standing(FilmTime::ZERO),
        }),
        Ask::Present { .. } | Ask::Ready { .. } | Ask::Forsake { .. } => None,
    }
}

/// What somebody wants the film to do.
#[derive(Event, Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Ask {
    /// Go on; at the film's end, from its beginning.
    Play,
    /// Stand.
    Pause,
    /// Play if it stands, else pause.
    Toggle,
    /// Go to a place; beyond the film is its end.
    SeekTo(FilmTime),
    /// Go on or back from where it is.
    SeekBy {
        /// Nanoseconds of film.
        ns: i64,
    },
    /// Put another film on the screen.
    Present {
        /// Which one.
        film: FilmOnScreen,
        /// Whether it plays as soon as all are ready.
        plays: bool,
        /// From where: the place where the presenter left it.
        at: FilmTime,
    },
    /// My picture and sound are there for a generation, or nobody has to wait for them.
    Ready {
        /// Which one.
        generation: u32,
    },
    /// Do not wait for those who are not ready.
    StartAnyway,
    /// The film has come to its end.
    Ended {
        /// In which generation.
        generation: u32,
        /// Where.
        at: FilmTime,
    },
    /// Take the film off the screen.
    Close,
    /// The presenter has lost this film's file, or comes back without it.
    Forsake {
        /// Which one.
        film: FilmId,
    },
    /// Run so much faster or slower, for everybody.
    Rate(Rate),
}

impl Wish for Ask {
    fn foreseen(&self, world: &mut World) -> Option<String> {
        let (participant, rights) = world.query_filtered::<(Option<&Participant>, &Rights), With<Me>>().single(world).ok()?;
        let (by, rights) = (participant.map(|participant| participant.id), *rights);
        let (playback, rules) = world.query_filtered::<(&Playback, &Rules), With<Room>>().single(world).ok()?;
        may(&rights, rules.locked, playback, self, by).err().map(str::to_owned)
    }

    fn is_by_hand(&self) -> bool {
        !matches!(self, Self::Ready { .. } | Self::Ended { .. } | Self::Forsake { .. })
    }
}

/// How the film moves: the agreement of everybody in the room.
#[derive(Component, Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[component(immutable)]
pub struct Playback {
    /// What is on the screen.
    pub film: Option<FilmOnScreen>,
    /// Raised by each seek and each film: what belongs to an older one is dropped.
    pub generation: u32,
    /// Where the film is, at any time.
    pub timeline: Timeline,
    /// While it stands until everybody is ready.
    pub gather: Option<Gather>,
}

impl Playback {
    /// Whether the film runs at that instant, or will once all are ready.
    #[must_use]
    pub fn plays(&self, room: RoomTime) -> bool {
        self.gather.map_or_else(|| self.timeline.motion_at(room) == Motion::Runs, |gather| gather.plays)
    }

    /// The gathering is over.
    fn started(&self, now: RoomTime, lead_ns: i64) -> Self {
        let plays = self.gather.is_some_and(|gather| gather.plays);
        let timeline = if plays { self.timeline.play(now + lead_ns) } else { self.timeline };
        Self { timeline, gather: None, ..self.clone() }
    }
}

impl Default for Timeline {
    fn default() -> Self {
        Self::standing(FilmTime::ZERO)
    }
}

/// What everybody knows of the film on the screen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilmOnScreen {
    /// Its name among machines.
    pub id: FilmId,
    /// Who brought it.
    pub presenter: ParticipantId,
    /// Whether they have left.
    pub is_orphaned: bool,
    /// How large the file is.
    pub size_bytes: u64,
    /// Its name as people read it.
    pub title: Title,
    /// Its length in nanoseconds, if it is known.
    pub duration_ns: Option<i64>,
    /// Where it breaks off although it says that it is longer, once it was played that far: a damaged file.
    pub breaks_off_ns: Option<i64>,
}

impl FilmOnScreen {
    /// What a second of it takes, on average.
    #[must_use]
    pub fn bytes_per_second(&self) -> Option<u64> {
        let duration_s = self.duration_ns.filter(|ns| *ns > 0)? as f64 / 1e9;
        Some((self.size_bytes as f64 / duration_s) as u64)
    }

    /// Whether nothing of it comes any more from there.
    fn ends_at(&self, place: FilmTime) -> bool {
        let is_near = |end_ns: i64| place.ns().abs_diff(end_ns) <= END_MARGIN_NS.unsigned_abs();
        self.duration_ns.is_some_and(|duration_ns| place.ns() >= duration_ns - END_MARGIN_NS) || self.breaks_off_ns.is_some_and(is_near)
    }

    /// The nearest place where it has a picture.
    fn within(&self, place: FilmTime) -> FilmTime {
        let end = self.duration_ns.map_or(i64::MAX, |duration_ns| (duration_ns - END_MARGIN_NS).max(0));
        FilmTime::from_ns(place.ns().clamp(0, end))
    }

    /// The same, without a length that cannot be.
    fn possible(self) -> Self {
        Self { duration_ns: self.duration_ns.filter(|ns| (0..DURATION_MOST_NS).contains(ns)), ..self }
    }
}

/// The room stands until all are ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gather {
    /// Whether it plays then.
    pub plays: bool,
    /// Since when.
    pub since: RoomTime,
}

/// The newest generation for which somebody has picture and sound.
#[derive(Component, Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[component(immutable)]
pub struct ReadyFor(pub u32);

/// From an order to the instant it takes effect, in nanoseconds: enough for the farthest guest to hear of it, and for their sound device to hear of it before
/// the samples it already has run out.
#[derive(Resource, Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lead(pub(super) i64);

impl Lead {
    /// For guests whose messages take at most so long to come.
    pub(super) fn for_latency_ns(latency_ns: i64) -> Self {
        Self(LEAD_NS + latency_ns.clamp(0, LATENCY_MOST_NS))
    }
}

impl Default for Lead {
    fn default() -> Self {
        Self::for_latency_ns(0)
    }
}

const LEAD_NS: i64 = 60_000_000;
/// Whoever is farther away turns later than the others, and catches up.
const LATENCY_MOST_NS: i64 = 400_000_000;
/// A seek never goes closer to the end than this, so that there is a picture; and closer than this the film counts as over.
const END_MARGIN_NS: i64 = 10_000_000;
/// Files that end this much before their own word are damaged; less is rounding.
const EARLY_END_NS: i64 = 2_000_000_000;
pub(super) const STEP_NS: u64 = 500_000_000;
/// For so long a presenter whose line broke is expected back.
const AWAY_NS: i64 = 20_000_000_000;
/// A thousand hours.
const DURATION_MOST_NS: i64 = 3_600_000 * 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    fn at(seconds: f64) -> RoomTime {
        RoomTime::from_s(seconds).unwrap()
    }

    fn film() -> FilmOnScreen {
        FilmOnScreen {
            id: FilmId::from_bytes([1; 16]),
            presenter: ParticipantId::from_bytes([2; 32]),
            is_orphaned: false,
            size_bytes: 1,
            title: Title::from("A film"),
            duration_ns: Some(60 * SECOND),
            breaks_off_ns: None,
        }
    }

    fn decide(playback: &Playback, ask: &Ask, now: RoomTime) -> Option<Playback> {
        super::decide(playback, ask, now, LEAD_NS)
    }

    fn presented() -> Playback {
        decide(&Playback::default(), &Ask::Present { film: film(), plays: true, at: FilmTime::ZERO }, at(0.0)).unwrap()
    }

    fn playing() -> Playback {
        presented().started(at(1.0), LEAD_NS)
    }

    #[test]
    fn a_command_is_dated_ahead_by_what_the_slowest_line_needs_and_a_hopeless_one_counts_only_so_much() {
        assert_eq!(Lead::for_latency_ns(40_000_000), Lead(LEAD_NS + 40_000_000));
        assert_eq!(Lead::for_latency_ns(9 * SECOND), Lead(LEAD_NS + LATENCY_MOST_NS));
        assert_eq!(Lead::for_latency_ns(-1), Lead::default());
    }

    #[test]
    fn a_film_stands_until_ready_then_runs_from_one_instant() {
        assert_eq!(presented().timeline.film_at(at(100.0)), FilmTime::ZERO);
        let playing = playing();
        assert_eq!(playing.timeline.film_at(at(1.0) + LEAD_NS + 5 * SECOND), FilmTime::from_ns(5 * SECOND));
    }

    #[test]
    fn a_pause_acts_at_one_instant_ahead_and_twice_is_once() {
        let paused = decide(&playing(), &Ask::Pause, at(3.0)).unwrap();
        assert_eq!(paused.timeline.film_at(at(3.0)), playing().timeline.film_at(at(3.0)));
        assert_eq!(paused.timeline.film_at(at(9.0)), playing().timeline.film_at(at(3.0) + LEAD_NS));
        assert_eq!(decide(&paused, &Ask::Pause, at(4.0)), None);
        assert!(decide(&paused, &Ask::Toggle, at(4.0)).unwrap().plays(at(5.0)));
    }

    #[test]
    fn a_seek_gathers_and_keeps_playing_or_standing() {
        let sought = decide(&playing(), &Ask::SeekTo(FilmTime::from_ns(30 * SECOND)), at(3.0)).unwrap();
        assert_eq!((sought.generation, sought.gather), (2, Some(Gather { plays: true, since: at(3.0) })));
        let stopped = decide(&sought, &Ask::Pause, at(3.1)).unwrap();
        let ready = decide(&stopped, &Ask::StartAnyway, at(3.2)).unwrap();
        assert!(!ready.plays(at(9.0)));
        assert_eq!(ready.timeline.film_at(at(9.0)).s(), 30.0);
    }

    #[test]
    fn seeks_stay_inside_the_film() {
        for (ask, expected_s) in
            [(Ask::SeekTo(FilmTime::from_ns(i64::MAX)), 59.99), (Ask::SeekBy { ns: i64::MIN }, 0.0), (Ask::SeekBy { ns: -SECOND }, 0.94)]
        {
            let sought = decide(&playing(), &ask, at(3.0)).unwrap();
            assert_eq!(sought.timeline.film_at(at(3.0)).s(), expected_s, "{ask:?}");
        }
    }

    #[test]
    fn the_speed_is_the_rooms_it_stays_through_seeks_and_pauses_and_a_new_film_begins_at_its_own() {
        let rate = Rate::from_factor(1.5).unwrap();
        let fast = decide(&playing(), &Ask::Rate(rate), at(3.0)).unwrap();
        let turn = at(3.0) + LEAD_NS;
        assert_eq!(fast.timeline.film_at(at(3.0)), playing().timeline.film_at(at(3.0)));
        assert_eq!(fast.timeline.film_at(turn + 2 * SECOND) - playing().timeline.film_at(turn), 3 * SECOND);
        assert_eq!(decide(&fast, &Ask::Rate(rate), at(4.0)), None);
        let sought = decide(&fast, &Ask::SeekTo(FilmTime::from_ns(30 * SECOND)), at(5.0)).unwrap();
        assert_eq!(sought.timeline.film_at(at(9.0)).s(), 30.0);
        let runs = sought.started(at(9.0), LEAD_NS);
        assert_eq!(runs.timeline.film_at(at(11.0) + LEAD_NS).s(), 33.0);
        let paused = decide(&runs, &Ask::Pause, at(11.0)).unwrap();
        let slow = decide(&paused, &Ask::Rate(Rate::LEAST), at(12.0)).unwrap();
        assert_eq!((slow.timeline.film_at(at(15.0)), slow.plays(at(15.0))), (paused.timeline.film_at(at(15.0)), false));
        assert_eq!(
            decide(&slow, &Ask::Present { film: film(), plays: true, at: FilmTime::ZERO }, at(16.0)).unwrap().timeline.rate,
            Rate::ONE
        );
        let ended = decide(&runs, &Ask::Ended { generation: 2, at: FilmTime::from_ns(60 * SECOND) }, at(31.0)).unwrap();
        assert!(ended.timeline.stands_at(FilmTime::from_ns(60 * SECOND)) && ended.timeline.rate == rate);
        assert_eq!(deeds::told(&Ask::Rate(rate), &playing(), &fast).unwrap(), "set the speed to 1.5×");
    }

    #[test]
    fn at_its_end_the_film_stands_and_play_begins_anew() {
        let end = FilmTime::from_ns(60 * SECOND);
        let early = FilmTime::from_ns(40 * SECOND);
        let broken_off = decide(&playing(), &Ask::Ended { generation: 1, at: early }, at(41.0)).unwrap();
        assert_eq!((broken_off.timeline.film, broken_off.film.unwrap().duration_ns), (early, Some(60 * SECOND)));
        assert_eq!(decide(&playing(), &Ask::Ended { generation: 0, at: end }, at(61.0)), None);
        let ended = decide(&playing(), &Ask::Ended { generation: 1, at: end }, at(61.0)).unwrap();
        assert_eq!((ended.timeline.film_at(at(99.0)), ended.plays(at(99.0))), (end, false));
        let again = decide(&ended, &Ask::Play, at(70.0)).unwrap();
        assert_eq!((again.timeline.film, again.gather), (FilmTime::ZERO, Some(Gather { plays: true, since: at(70.0) })));
    }

    #[test]
    fn a_film_goes_on_where_it_was_left_but_never_beyond_its_end() {
        for (at_s, expected_s) in [(20.0, 20.0), (-5.0, 0.0), (1e6, 59.99)] {
            let ask = Ask::Present { film: film(), plays: true, at: FilmTime::from_s(at_s).unwrap() };
            assert_eq!(decide(&Playback::default(), &ask, at(0.0)).unwrap().timeline.film.s(), expected_s);
        }
    }

    #[test]
    fn without_a_film_nothing_moves() {
        for ask in [Ask::Play, Ask::Pause, Ask::Toggle, Ask::SeekBy { ns: 1 }, Ask::StartAnyway, Ask::Close] {
            assert_eq!(decide(&Playback::default(), &ask, at(1.0)), None);
        }
    }
}
