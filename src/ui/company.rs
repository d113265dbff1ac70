use bevy::prelude::*;

use super::{Panels, View};
use crate::{
    notice::Notice,
    room::{
        Appearance, Frame, GatherLimit, Hosting, Join, Me, Myself, Now, OpenTheater, Parted, Participant, ParticipantId, Playback,
        ReadyFor, Rights, Room, Rules, SeatNumber, Sits, Standing, Talking, Viewing, ViewingState,
    },
    voice::MyVoice,
    webcam::MyCamera,
};

/// Gathers who is here, what they may do, and whom the room waits for.
pub(super) fn plugin(app: &mut App) {
    app.init_resource::<Company>()
        .add_observer(on_parted)
        .add_observer(|_: On<Join>, mut company: ResMut<Company>| company.parted = None)
        .add_observer(|_: On<OpenTheater>, mut company: ResMut<Company>| company.parted = None)
        .add_systems(Update, gather.after(Frame::Show));
}

fn on_parted(parted: On<Parted>, mut company: ResMut<Company>, mut commands: Commands) {
    let sentence = &parted.event().sentence;
    company.parted = Some(sentence.clone());
    commands.trigger(Notice::problem(sentence.clone()).about("line"));
}

fn gather(
    (mut company, mut panels): (ResMut<Company>, ResMut<Panels>),
    people: Query<(
        &Participant,
        Option<&Sits>,
        Option<&Rights>,
        Option<&Appearance>,
        Option<&Viewing>,
        Option<&ReadyFor>,
        Option<&Talking>,
        Has<Me>,
    )>,
    me: Query<&Rights, With<Me>>,
    room: Query<(&Playback, &Rules), With<Room>>,
    standing: Res<Standing>,
    hosting: Option<Res<Hosting>>,
    myself: Res<Myself>,
    (voice, camera): (Res<MyVoice>, Res<MyCamera>),
    now: Res<Now>,
) {
    if company.standing != Standing::Alone && *standing == Standing::Alone {
        // What belongs to that theater does not stand over one's own lobby.
        (panels.people, panels.chat) = (false, false);
    }
    let room = room.iter().next();
    let playback = room.map(|(playback, _)| playback);
    let presenter = playback.and_then(|playback| playback.film.as_ref()).filter(|film| !film.is_orphaned).map(|film| film.presenter);
    let gathering = playback.filter(|playback| playback.gather.is_some());
    let mut all: Vec<_> = people
        .iter()
        .map(|(participant, sits, rights, appearance, viewing, ready, talking, is_me)| {
            let is_waited_for = gathering.is_some_and(|playback| ready.is_none_or(|ready| ready.0 != playback.generation));
            let presents = presenter == Some(participant.id);
            Person {
                id: participant.id,
                name: participant.name.to_string(),
                seat: sits.copied().unwrap_or_default().0,
                appearance: appearance.copied().unwrap_or_default(),
                status: Status::of(viewing.copied().unwrap_or_default(), presenter.is_some(), presents, is_waited_for),
                rights: rights.copied().unwrap_or_default(),
                level: talking.map_or(0, |talking| talking.0),
                voice_percent: voice.volume_percent(&participant.id),
                is_me,
            }
        })
        .collect();
    all.sort_by_cached_key(|person| (!person.is_me, person.name.to_lowercase()));
    let waiting = gathering.and_then(|playback| playback.gather).map(|gather| (now.room() - gather.since) as f64 / 1e9);
    *company = Company {
        waiting: waiting.and_then(|for_s| Waiting::of(&all, for_s)),
        people: all,
        standing: *standing,
        has_film: playback.is_some_and(|playback| playback.film.is_some()),
        is_heard: voice.is_on(),
        is_seen: camera.is_on,
        rights: me.iter().next().copied().unwrap_or_default(),
        is_locked: room.is_some_and(|(_, rules)| rules.locked),
        gather_limit: room.map(|(_, rules)| rules.gather_limit).unwrap_or_default(),
        invites: hosting.as_deref().cloned(),
        name: myself.name.to_string(),
        appearance: myself.appearance,
        parted: company.parted.take(),
    };
}

/// Who is here, as the panels show it.
#[derive(Resource, Debug, Default, Clone, PartialEq)]
pub struct Company {
    /// Everybody: oneself first, then by name.
    pub people: Vec<Person>,
    /// Whose room it is.
    pub standing: Standing,
    /// What one may do oneself.
    pub rights: Rights,
    /// Whether one's microphone is on.
    pub is_heard: bool,
    /// Whether one's camera is on.
    pub is_seen: bool,
    /// Whether a film is on.
    pub has_film: bool,
    /// Whether the remote is kept for some.
    pub is_locked: bool,
    /// For how long a film waits for everybody.
    pub gather_limit: GatherLimit,
    /// What one sends to friends, while the theater is open.
    pub invites: Option<Hosting>,
    /// Whom the room waits for, if it waits long enough to say so.
    pub waiting: Option<Waiting>,
    /// One's own name.
    pub name: String,
    /// What one's own figure looks like.
    pub appearance: Appearance,
    /// Why the last theater of somebody else's is left.
    pub parted: Option<String>,
}

impl Company {
    /// Whether the lobby is in front: nothing to see yet, and nobody to see it with.
    #[must_use]
    pub fn is_in_lobby(&self, view: &View) -> bool {
        view.film.is_none() && matches!(self.standing, Standing::Alone | Standing::Joining)
    }

    /// Whether one may move the film.
    #[must_use]
    pub const fn may_move(&self) -> bool {
        self.rights.remote || self.rights.moderator
    }

    /// Whether one may put on a film.
    #[must_use]
    pub const fn may_present(&self) -> bool {
        self.rights.present || self.rights.moderator
    }

    pub(super) fn person(&self, id: ParticipantId) -> Option<&Person> {
        self.people.iter().find(|person| person.id == id)
    }
}

/// Somebody as the panels show them.
#[derive(Debug, Clone, PartialEq)]
pub struct Person {
    /// Who.
    pub id: ParticipantId,
    /// Their name.
    pub name: String,
    /// Where they sit.
    pub seat: SeatNumber,
    /// What they look like.
    pub appearance: Appearance,
    /// How they are doing.
    pub status: Status,
    /// What they may do.
    pub rights: Rights,
    /// How loud they speak, 0 to 255.
    pub level: u8,
    /// How loud one wants to hear them, in percent.
    pub voice_percent: u8,
    /// Oneself.
    pub is_me: bool,
}

/// How somebody is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// There is no film.
    Here,
    /// The room waits for them.
    WaitedFor,
    /// The film is theirs.
    Presents,
    /// The film is on its way to them, and so many seconds of it are there.
    Loading(u8),
    /// Picture and sound are there.
    Watching,
    /// The film does not play at theirs.
    CannotPlay,
}

impl Status {
    const fn of(viewing: Viewing, has_film: bool, presents: bool, is_waited_for: bool) -> Self {
        match viewing.state {
            ViewingState::Broken => Self::CannotPlay,
            _ if is_waited_for => Self::WaitedFor,
            _ if presents => Self::Presents,
            ViewingState::Loading => Self::Loading(viewing.buffered_s),
            ViewingState::Watching => Self::Watching,
            ViewingState::Nothing if has_film => Self::Loading(0),
            ViewingState::Nothing => Self::Here,
        }
    }

    /// In words.
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::Here => "here".to_owned(),
            Self::WaitedFor => "waited for".to_owned(),
            Self::Presents => "shows the film".to_owned(),
            Self::Loading(0) => "loading".to_owned(),
            Self::Loading(seconds) => format!("loading, {seconds} s ready"),
            Self::Watching => "watching".to_owned(),
            Self::CannotPlay => "cannot play the film".to_owned(),
        }
    }
}

/// The room stands until somebody is ready.
#[derive(Debug, Clone, PartialEq)]
pub struct Waiting {
    /// For whom, in words.
    pub whom: String,
    /// Since when.
    pub for_s: f64,
}

impl Waiting {
    /// Nothing for a short wait, which would only flicker, and nothing where nobody else is.
    fn of(people: &[Person], for_s: f64) -> Option<Self> {
        if for_s < FLICKER_S || people.len() < 2 {
            return None;
        }
        let waited_for = || people.iter().filter(|person| person.status == Status::WaitedFor);
        let names: Vec<_> = waited_for().map(|person| if person.is_me { "you" } else { &person.name }).collect();
        (!names.is_empty()).then(|| Self { whom: listed(&names), for_s })
    }
}

/// Names in a sentence: a few, and how many more.
fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [one, other] => format!("{one} and {other}"),
        [one, two, three] => format!("{one}, {two} and {three}"),
        [one, two, rest @ ..] => format!("{one}, {two} and {} others", rest.len()),
    }
}

/// Shorter waits are not told.
const FLICKER_S: f64 = 0.4;

#[cfg(test)]
mod tests {
    use super::*;

    fn person(number: u8, is_me: bool, status: Status) -> Person {
        Person {
            id: ParticipantId::from_bytes([number; 32]),
            name: format!("P{number}"),
            seat: SeatNumber::BEST,
            appearance: Appearance::default(),
            status,
            rights: Rights::default(),
            level: 0,
            voice_percent: 100,
            is_me,
        }
    }

    #[test]
    fn a_short_wait_and_a_lonely_one_are_not_told() {
        let all = [person(1, true, Status::WaitedFor), person(2, false, Status::WaitedFor), person(3, false, Status::Watching)];
        assert_eq!(Waiting::of(&all, 0.3), None);
        assert_eq!(Waiting::of(&all, 3.0).unwrap().whom, "you and P2");
        assert_eq!(Waiting::of(&all[..1], 3.0), None);
        assert_eq!(Waiting::of(&all[2..], 3.0), None);
    }

    #[test]
    fn many_names_are_counted() {
        assert_eq!(listed(&["Ann", "Bo", "Cy"]), "Ann, Bo and Cy");
        assert_eq!(listed(&["Ann", "Bo", "Cy", "Di"]), "Ann, Bo and 2 others");
    }

    #[test]
    fn what_somebody_does_is_one_word() {
        let viewing = |state| Viewing { state, buffered_s: 4 };
        assert_eq!(Status::of(viewing(ViewingState::Loading), true, false, false), Status::Loading(4));
        assert_eq!(Status::of(viewing(ViewingState::Watching), true, true, false), Status::Presents);
        assert_eq!(Status::of(viewing(ViewingState::Loading), true, true, true), Status::WaitedFor);
        assert_eq!(Status::of(viewing(ViewingState::Broken), true, false, true), Status::CannotPlay);
        assert_eq!(Status::of(viewing(ViewingState::Nothing), false, false, false), Status::Here);
    }
}
