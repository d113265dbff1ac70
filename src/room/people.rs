use bevy::prelude::*;
use bevy_replicon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    Expel, GatherLimit, Rights, Sits, Standing,
    agree::{Agreed, Mine, agree_on},
    chat::announce,
    news::replicate,
    seats::{SeatNumber, free_seat},
    wish::Patience,
    words::PersonName,
};
use crate::net::{Addresses, Identity, ParticipantId};

/// Who is here.
pub(super) fn plugin(app: &mut App) {
    replicate::<Participant>(app);
    replicate::<Whereabouts>(app);
    replicate::<Rights>(app);
    agree_on::<Appearance>(app);
    agree_on::<Viewing>(app);
    app.init_resource::<Remembered>()
        .init_resource::<Goodbyes>()
        .add_observer(on_arrival)
        .add_observer(on_departure)
        .add_observer(find_myself);
    app.add_observer(on_goodbye).add_observer(on_viewing);
    app.add_systems(Update, be_myself.in_set(super::Frame::Decide).run_if(resource_changed::<Myself>));
}

/// Somebody whose hello was accepted becomes a participant.
fn on_arrival(
    arrived: On<Add, Arrived>,
    arrivals: Query<&Arrived>,
    people: Query<(Entity, &Participant, &Sits)>,
    standing: Res<Standing>,
    remembered: Res<Remembered>,
    rules: Option<Single<&super::Rules>>,
    mut commands: Commands,
) {
    let Ok(arrival) = arrivals.get(arrived.entity) else { return };
    if !standing.keeps_room() {
        return;
    }
    // The same person on a new line: the old one is not known to be dead yet.
    for (older, participant, _) in &people {
        if participant.id == arrival.id && older != arrived.entity {
            commands.trigger(Expel { who: older, sentence: "You came in a second time; this is the older visit.".to_owned() });
        }
    }
    let others = || people.iter().filter(|(_, participant, _)| participant.id != arrival.id);
    let names: Vec<_> = others().map(|(_, participant, _)| participant.name.as_str()).collect();
    let taken: Vec<_> = others().map(|(.., sits)| sits.0).collect();
    let Some(seat) = free_seat(&taken, remembered.seat_of(arrival.id)) else {
        commands.trigger(Expel { who: arrived.entity, sentence: format!("The theater is full: {PEOPLE_MAX} people are here.") });
        return;
    };
    let name = unique_name(&PersonName::from(arrival.name.as_str()), &names);
    let is_locked = rules.is_some_and(|rules| rules.locked);
    let before = remembered.rights_of(arrival.id);
    let rights = match before {
        // Leaving undoes nothing that a moderator did.
        Some(before) if !arrival.moderator => Rights { remote: before.remote && !is_locked, ..before },
        _ => Rights { moderator: arrival.moderator, remote: arrival.moderator || !is_locked, ..Rights::default() },
    };
    announce(format!("{name} {}.", if remembered.seat_of(arrival.id).is_some() { "is back" } else { "is here" }), &mut commands);
    commands.entity(arrived.entity).insert((
        Replicated,
        Participant { id: arrival.id, name },
        rights,
        Whereabouts(arrival.addresses.clone()),
        Sits(seat),
        Appearance::default(),
        Viewing::default(),
        super::Head::default(),
        Patience::default(),
    ));
}

fn on_departure(
    left: On<Remove, Participant>,
    people: Query<(&Participant, &Sits, &Rights)>,
    me: Query<(), With<Me>>,
    standing: Res<Standing>,
    mut goodbyes: ResMut<Goodbyes>,
    mut remembered: ResMut<Remembered>,
    mut commands: Commands,
) {
    let Ok((participant, sits, rights)) = people.get(left.entity) else { return };
    if standing.keeps_room() {
        remembered.keep(participant.id, sits.0, *rights);
        // Whoever keeps the room and gets up to serve it has left nobody; the same person may be back on a new line already.
        if !me.contains(left.entity) && people.iter().filter(|(other, ..)| other.id == participant.id).count() < 2 {
            let how = if goodbyes.0.remove(&participant.id) { "left" } else { "lost the connection" };
            announce(format!("{} {how}.", participant.name), &mut commands);
        }
    }
}

fn on_goodbye(left: On<LeftForGood>, people: Query<&Participant>, mut goodbyes: ResMut<Goodbyes>) {
    if people.iter().any(|participant| participant.id == left.id) {
        goodbyes.0.insert(left.id);
    }
}

/// Others wonder why somebody does not see what they see.
fn on_viewing(
    said: On<Insert, Viewing>,
    people: Query<(&Participant, &Viewing, Has<CannotPlay>)>,
    standing: Res<Standing>,
    mut commands: Commands,
) {
    let Ok((participant, viewing, is_told)) = people.get(said.entity) else { return };
    let is_broken = viewing.state == ViewingState::Broken;
    if standing.keeps_room() && is_broken != is_told {
        if is_broken {
            announce(format!("{} cannot play this film.", participant.name), &mut commands);
            commands.entity(said.entity).insert(CannotPlay);
        } else {
            commands.entity(said.entity).remove::<CannotPlay>();
        }
    }
}

/// On a guest's machine one of those who come from the keeper is oneself.
fn find_myself(
    added: On<Add, Participant>,
    people: Query<&Participant>,
    remote: Query<(), With<Remote>>,
    myself: Res<Myself>,
    mut commands: Commands,
) {
    if remote.contains(added.entity) && people.get(added.entity).is_ok_and(|participant| participant.id == myself.id()) {
        commands.entity(added.entity).insert(Me);
        commands.trigger(Mine(myself.appearance));
    }
}

/// Puts oneself into a room that one keeps.
pub(super) fn enter_own_room(myself: &Myself, addresses: Addresses, commands: &mut Commands) {
    commands.spawn((
        Me,
        Replicated,
        Participant { id: myself.id(), name: unique_name(&myself.name, &[]) },
        Rights { moderator: true, ..Rights::default() },
        Whereabouts(addresses),
        Sits(myself.seat),
        myself.appearance,
        Viewing::default(),
        super::Head::default(),
    ));
}

/// Whoever is alone is called at once as they wish; in company a name stays what it was when one came.
fn be_myself(myself: Res<Myself>, standing: Res<Standing>, me: Query<(Entity, &Participant), With<Me>>, mut commands: Commands) {
    if *standing != Standing::Alone {
        return;
    }
    let name = unique_name(&myself.name, &[]);
    for (me, participant) in me.iter().filter(|(_, participant)| participant.name != name) {
        commands.entity(me).insert(Participant { name: name.clone(), ..participant.clone() });
    }
}

/// A name that nobody else here has: the wanted one, or with a number.
fn unique_name(wanted: &PersonName, taken: &[&str]) -> PersonName {
    let wanted = if wanted.is_empty() { PersonName::from("Guest") } else { wanted.clone() };
    let is_free = |name: &PersonName| !taken.iter().any(|taken| taken.to_lowercase() == name.as_str().to_lowercase());
    if is_free(&wanted) {
        return wanted;
    }
    let stem: String = wanted.as_str().chars().take(28).collect();
    let numbered = (2..=PEOPLE_MAX + 1).map(|number| PersonName::from(format!("{} {number}", stem.trim_end())));
    numbered.into_iter().find(is_free).unwrap_or(wanted)
}

/// A person in the room.
#[derive(Component, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[component(immutable)]
pub struct Participant {
    /// Who, as their key proves.
    pub id: ParticipantId,
    /// Their name; no two have the same.
    pub name: PersonName,
}

/// Marks the participant who is oneself. (The keeper of a room without people has one that is not a [`Participant`].)
#[derive(Component, Debug, Clone, Copy)]
pub struct Me;

/// Where a participant's machine can be reached, so that others can fetch a film from it.
#[derive(Component, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[component(immutable)]
pub struct Whereabouts(pub Addresses);

/// What somebody's figure looks like.
#[derive(Component, Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[component(immutable)]
pub struct Appearance {
    /// One of [`Appearance::HUES`].
    pub hue: u8,
    /// One of [`Appearance::STYLES`]: hat, hair, glasses.
    pub style: u8,
}

impl Appearance {
    /// How many hues there are.
    pub const HUES: u8 = 12;
    /// How many hats, hairs and glasses there are together.
    pub const STYLES: u8 = 16;
}

impl Agreed for Appearance {
    fn is_possible(&self) -> bool {
        self.hue < Self::HUES && self.style < Self::STYLES
    }
}

/// How somebody's own copy of the film is doing.
#[derive(Component, Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[component(immutable)]
pub struct Viewing {
    /// In one word.
    pub state: ViewingState,
    /// How much of the film lies ready beyond what is seen, in seconds; 255 is all there is.
    pub buffered_s: u8,
}

/// In one word.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ViewingState {
    /// There is no film, or it cannot be played here.
    #[default]
    Nothing,
    /// The film's bytes are on their way.
    Loading,
    /// Picture and sound are there.
    Watching,
    /// The film cannot be played here.
    Broken,
}

impl Agreed for Viewing {}

/// Somebody's hello was accepted. The network puts it on the entity of the connection.
#[derive(Component, Debug, Clone)]
#[component(immutable)]
pub struct Arrived {
    /// Who, as their key proves.
    pub id: ParticipantId,
    /// The name they want.
    pub name: String,
    /// Whether they came by the moderators' invite.
    pub moderator: bool,
    /// Where their machine can be reached.
    pub addresses: Addresses,
}

/// Somebody said goodbye to the room that is kept here, or was removed: unlike those whose line broke they are not expected back.
#[derive(Event, Debug, Clone, Copy)]
pub struct LeftForGood {
    /// Who.
    pub id: ParticipantId,
}

/// Who is about to go, and not because a line broke.
#[derive(Resource, Default)]
pub(super) struct Goodbyes(pub(super) std::collections::BTreeSet<ParticipantId>);

/// Everybody knows that the film does not play on their machine.
#[derive(Component)]
struct CannotPlay;

/// Who I am to others.
#[derive(Resource, Debug)]
pub struct Myself {
    /// The key that proves it.
    pub identity: Identity,
    /// The name I want.
    pub name: PersonName,
    /// What I look like.
    pub appearance: Appearance,
    /// Where I like to sit.
    pub seat: SeatNumber,
    /// For how long a film waits in the rooms I keep.
    pub gather_limit: GatherLimit,
}

impl Myself {
    /// Somebody without a name yet.
    #[must_use]
    pub fn new(identity: Identity) -> Self {
        // Without a choice of one's own people differ all the same.
        let hue = identity.id().as_bytes()[0] % Appearance::HUES;
        let style = identity.id().as_bytes()[1] % Appearance::STYLES;
        Self {
            identity,
            name: PersonName::default(),
            appearance: Appearance { hue, style },
            seat: SeatNumber::BEST,
            gather_limit: GatherLimit::default(),
        }
    }

    /// The public half of the key.
    #[must_use]
    pub fn id(&self) -> ParticipantId {
        self.identity.id()
    }
}

/// Who sat where, and what they might do, so that somebody who comes back finds things as they were.
#[derive(Resource, Debug, Default)]
pub(super) struct Remembered(std::collections::VecDeque<(ParticipantId, SeatNumber, Rights)>);

impl Remembered {
    fn seat_of(&self, id: ParticipantId) -> Option<SeatNumber> {
        self.0.iter().find(|(who, ..)| *who == id).map(|(_, seat, _)| *seat)
    }

    fn rights_of(&self, id: ParticipantId) -> Option<Rights> {
        self.0.iter().find(|(who, ..)| *who == id).map(|(.., rights)| *rights)
    }

    fn keep(&mut self, id: ParticipantId, seat: SeatNumber, rights: Rights) {
        self.0.retain(|(who, ..)| *who != id);
        self.0.push_front((id, seat, rights));
        self.0.truncate(PEOPLE_MAX);
    }
}

/// As many as there are seats.
pub const PEOPLE_MAX: usize = SeatNumber::COUNT as usize;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_has_a_name_that_another_has() {
        let name = |wanted: &str, taken: &[&str]| unique_name(&PersonName::from(wanted), taken).as_str().to_owned();
        assert_eq!(name("Ann", &["Bo"]), "Ann");
        assert_eq!(name("ann", &["Ann", "ann 2"]), "ann 3");
        assert_eq!(name("\u{202e}", &[]), "Guest");
        let long = "x".repeat(32);
        assert_eq!(name(&long, &[&long]), format!("{} 2", "x".repeat(28)));
    }
}
