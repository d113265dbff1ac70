//! Voices in the hall: who is heard, from where and by whom; the microphone goes on by one's own hand alone.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::PoisonError,
};

use bevy::prelude::*;

use super::{
    Bypass, Mode, Wish,
    microphone::{self, Microphone, MicrophoneChoice, News},
    place::{ears, is_beside, place_of},
    worker::{EAR_FRAMES, Order, Report, Voices},
};
use crate::{
    audio::{Mixer, Speaker},
    handover::ring,
    notice::Notice,
    room::{
        Clock, Frame, Me, Now, Participant, ParticipantId, ReachMember, Rights, SeatNumber, Sits, Stance, Standing, Talking, Turned,
        VoiceWay,
    },
};

/// Lets people talk and hear each other.
pub(super) fn plugin(app: &mut App) {
    app.init_resource::<MyVoice>()
        .init_resource::<MicrophoneLevel>()
        .init_resource::<Hearers>()
        .init_resource::<Desk>()
        .add_observer(on_speak)
        .add_systems(Update, (hear_report, mind_microphone.run_if(resource_exists::<Clock>)).in_set(Frame::Hear))
        .add_systems(Update, (begin.run_if(resource_exists::<Clock>), seat_voices, choose_hearers, reach).chain().in_set(Frame::Decide))
        .add_systems(Update, (turn_ears, duck).in_set(Frame::Show).run_if(resource_exists::<Mixer>));
}

/// From when there is a network, or a microphone, there is a thread.
fn begin(way: Option<Res<VoiceWay>>, clock: Res<Clock>, mut desk: ResMut<Desk>, mut commands: Commands) {
    let Some(way) = way else { return };
    let port = way.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some(port) = port else { return };
    match desk.voices(clock.0) {
        Ok(voices) => {
            voices.order(Order::Port(port));
        }
        Err(sentence) => commands.trigger(Notice::problem(sentence)),
    }
}

/// Everybody who may speak is heard from where they are.
fn seat_voices(
    people: Query<(&Participant, &Rights, &Sits, Option<&Stance>), Without<Me>>,
    mine: Res<MyVoice>,
    mixer: Option<ResMut<Mixer>>,
    mut desk: ResMut<Desk>,
) {
    let (Some(mut mixer), true) = (mixer, desk.voices.is_some()) else { return };
    let desk = desk.bypass_change_detection();
    let here: BTreeSet<ParticipantId> = people.iter().filter(|(_, rights, ..)| rights.speak).map(|(person, ..)| person.id).collect();
    let gone: Vec<_> = desk.seated.keys().filter(|who| !here.contains(who)).copied().collect();
    for who in gone {
        desk.seated.remove(&who);
        desk.order(Order::Unhear(who));
    }
    for (person, _, sits, stance) in people.iter().filter(|(person, ..)| here.contains(&person.id)) {
        let place = place_of(sits.0, stance.copied().unwrap_or_default());
        let gain = f32::from(mine.volume_percent(&person.id)) / 100.0;
        let is_new = !desk.seated.contains_key(&person.id);
        if is_new {
            let (voice, ear) = ring(EAR_FRAMES);
            match mixer.add_speaker(ear, place) {
                Ok(speaker) => {
                    desk.seated.insert(person.id, Seated { speaker, place, gain: 1.0 });
                    desk.order(Order::Hear(person.id, voice));
                }
                // Rather many speak; the mixer has room again when somebody goes.
                Err(error) => tracing::debug!("{} is not heard: {error}", person.name),
            }
        }
        if let Some(seated) = desk.seated.get_mut(&person.id) {
            if seated.place != place {
                seated.place = place;
                seated.speaker.set_place(place);
            }
            if seated.gain != gain {
                seated.gain = gain;
                seated.speaker.set_gain(gain);
            }
        }
    }
}

/// By whom one is heard: everybody, in a full hall those who sit nearest, in a whisper those beside.
fn choose_hearers(
    me: Option<Single<(&Rights, &Sits, Option<&Stance>), With<Me>>>,
    others: Query<(&Participant, &Sits, Option<&Stance>), Without<Me>>,
    mine: Res<MyVoice>,
    mut chosen: ResMut<Hearers>,
    mut desk: ResMut<Desk>,
) {
    let Some(me) = me else { return };
    let (rights, sits, stance) = *me;
    let desk = desk.bypass_change_detection();
    let here = place_of(sits.0, stance.copied().unwrap_or_default());
    let mut near: Vec<(f32, ParticipantId)> = others
        .iter()
        .map(|(person, sits, stance)| {
            let place = place_of(sits.0, stance.copied().unwrap_or_default());
            (Vec3::from(here).distance(Vec3::from(place)), person.id)
        })
        .collect();
    near.sort_by(|a, b| a.0.total_cmp(&b.0));
    if mine.whispers {
        let beside = |who: &ParticipantId| {
            let other = others.iter().find(|(person, ..)| person.id == *who);
            other.is_some_and(|(_, other_sits, other_stance)| {
                is_beside((sits.0, stance.copied().unwrap_or_default()), (other_sits.0, other_stance.copied().unwrap_or_default()))
            })
        };
        near.retain(|(_, who)| beside(who));
    }
    if !rights.speak {
        near.clear();
    }
    near.truncate(HEARERS_MOST);
    let hearers: Vec<_> = near.into_iter().map(|(_, who)| who).collect();
    if chosen.0 != hearers {
        chosen.0.clone_from(&hearers);
        desk.order(Order::SendTo(hearers));
    }
}

/// Whoever talks needs a line to each who hears it; the host has them all.
fn reach(standing: Res<Standing>, now: Res<Now>, hearers: Res<Hearers>, mut desk: ResMut<Desk>, mut commands: Commands) {
    let desk = desk.bypass_change_detection();
    if *standing != Standing::Guest || now.mono_ns - desk.reached_mono_ns < REACH_NS || desk.voices.is_none() {
        return;
    }
    desk.reached_mono_ns = now.mono_ns;
    for who in hearers.0.iter().filter(|who| !desk.report.lines.contains(who)) {
        commands.trigger(ReachMember(*who));
    }
}

/// Takes over who speaks, for those who draw it.
fn hear_report(
    people: Query<(Entity, &Participant, Option<&Talking>, Has<Me>)>,
    mut desk: ResMut<Desk>,
    mut level: ResMut<MicrophoneLevel>,
    mut commands: Commands,
) {
    let Some(report) = desk.bypass_change_detection().voices.as_ref().and_then(|voices| voices.report.take()) else { return };
    for (entity, person, talking, is_me) in &people {
        let level = if is_me {
            if report.am_sent { report.my_level } else { 0 }
        } else {
            report.people.iter().find(|(who, _)| *who == person.id).map_or(0, |(_, level)| *level)
        };
        if talking.copied().unwrap_or_default() != Talking(level) {
            commands.entity(entity).insert(Talking(level));
        }
    }
    level.set_if_neq(MicrophoneLevel(report.my_level));
    desk.report = report;
}

/// Opens and closes the microphone as the person wants, and tells what became of it.
fn mind_microphone(
    mut mine: ResMut<MyVoice>,
    mut mixer: Option<ResMut<Mixer>>,
    clock: Res<Clock>,
    mut desk: ResMut<Desk>,
    mut commands: Commands,
) {
    let desk = desk.bypass_change_detection();
    while let Some(news) = desk.microphone.as_ref().and_then(|microphone| microphone.news.take()) {
        match news {
            News::Records(title) => {
                desk.order(Order::MicrophoneBegins);
                if std::mem::take(&mut desk.was_missing) {
                    commands.trigger(Notice::news(format!("The microphone is {title}.")).about("microphone"));
                }
            }
            News::StandsIn(title) => {
                desk.order(Order::MicrophoneBegins);
                desk.was_missing = true;
                let says = format!("The microphone you chose is not there: {title} is used until it is.");
                commands.trigger(Notice::problem(says).about("microphone"));
            }
            News::Missing(sentence) => {
                desk.was_missing = true;
                commands.trigger(Notice::problem(sentence).about("microphone"));
            }
        }
    }
    if let Some(openings) = mixer.as_ref().map(|mixer| mixer.openings())
        && std::mem::replace(&mut desk.openings, openings) != openings
    {
        desk.order(Order::LoudspeakerBegins);
    }
    if !mine.is_changed() {
        return;
    }
    let wanted = mine.needs_microphone().then(|| mine.choice.clone());
    if wanted != desk.opened
        && let Some(mixer) = &mixer
    {
        desk.microphone = None;
        desk.opened.clone_from(&wanted);
        let opened = wanted
            .as_ref()
            .map_or(Ok(None), |choice| microphone::open(choice, clock.0))
            .and_then(|opened| desk.voices(clock.0).map(|_| opened));
        match opened {
            Ok(None) => {
                desk.order(Order::Microphone(None));
                if wanted == Some(MicrophoneChoice::None) {
                    commands.trigger(Notice::problem("You chose to have no microphone; choose one in the settings.").about("microphone"));
                }
            }
            Ok(Some((microphone, ring))) => {
                desk.microphone = Some(microphone);
                desk.order(Order::Microphone(Some((ring, mixer.tap()))));
            }
            Err(sentence) => {
                mine.bypass_change_detection().is_open = false;
                commands.trigger(Notice::problem(sentence).about("microphone"));
            }
        }
    }
    if mine.hears_itself != desk.myself.is_some()
        && let Some(mixer) = &mut mixer
    {
        let speaker = mine.hears_itself.then(|| {
            let (voice, ear) = ring(EAR_FRAMES);
            desk.order(Order::HearMyself(Some(voice)));
            mixer.add_speaker(ear, place_of(SeatNumber::BEST, Stance::Seated)).ok()
        });
        desk.myself = speaker.flatten();
        if desk.myself.is_none() {
            desk.order(Order::HearMyself(None));
        }
    }
    let (wish, is_trial) = (Wish { mode: mine.mode(), whispers: mine.whispers }, mine.is_trial());
    if (desk.wish, desk.is_trial) != (wish, is_trial) {
        (desk.wish, desk.is_trial) = (wish, is_trial);
        desk.order(Order::Wish { wish, is_trial });
    }
    let bypass = if mine.cleans { Bypass::default() } else { Bypass { everything: true, ..Bypass::default() } };
    if desk.bypass != bypass {
        desk.bypass = bypass;
        desk.order(Order::Bypass(bypass));
    }
}

fn on_speak(speak: On<Speak>, me: Option<Single<&Rights, With<Me>>>, mut mine: ResMut<MyVoice>, mut commands: Commands) {
    let is_muted = me.is_some_and(|rights| !rights.speak);
    let wants = match *speak.event() {
        Speak::Open(is_open) => is_open,
        Speak::ToggleOpen => !mine.is_open,
        Speak::Hold(is_held) => is_held,
        Speak::Whisper(whispers) => {
            mine.whispers = whispers;
            return;
        }
        Speak::ToggleWhisper => {
            mine.whispers = !mine.whispers;
            let says = if mine.whispers { "You whisper: only the seats beside you hear it" } else { "Everybody hears you again" };
            return commands.trigger(Notice::news(says).about("voice"));
        }
    };
    if wants && is_muted {
        return commands.trigger(Notice::problem("A moderator muted you: others do not hear you.").about("voice"));
    }
    match *speak.event() {
        Speak::Hold(is_held) if mine.is_held != is_held => {
            mine.is_held = is_held;
            mine.has_held |= is_held;
        }
        Speak::Hold(_) => {}
        _ if mine.is_open != wants => {
            mine.is_open = wants;
            commands.trigger(Notice::news(if wants { "Your microphone is on" } else { "Your microphone is off" }).about("voice"));
        }
        _ => {}
    }
}

fn turn_ears(
    me: Option<Single<(&Sits, Option<&Stance>), With<Me>>>,
    turned: Res<Turned>,
    desk: Res<Desk>,
    mut mixer: ResMut<Mixer>,
    mut last: Local<Option<([f32; 3], [f32; 4])>>,
) {
    let (Some(me), false) = (me, desk.seated.is_empty()) else { return };
    let place = place_of(me.0.0, me.1.copied().unwrap_or_default());
    let now = (place, ears(turned.0));
    if *last != Some(now) {
        *last = Some(now);
        mixer.set_ear(now.0, now.1);
    }
}

/// The film is held down while others speak.
fn duck(
    people: Query<(&Participant, &Talking), Without<Me>>,
    mine: Res<MyVoice>,
    now: Res<Now>,
    mut mixer: ResMut<Mixer>,
    mut spoke: Local<Option<i64>>,
) {
    // Not for whom I do not want to hear.
    if people.iter().any(|(person, talking)| talking.0 > HEARD_LEVEL && mine.volume_percent(&person.id) > 0) {
        *spoke = Some(now.mono_ns);
    }
    let speaks = spoke.is_some_and(|at| now.mono_ns - at < DUCK_NS);
    mixer.duck_film(if speaks { mine.duck_db } else { 0.0 });
}

/// What I want of my voice, as a key, a button or a line says it.
#[derive(Event, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speak {
    /// The microphone is open: whoever speaks is heard. Or it is not.
    Open(bool),
    /// The other of the two.
    ToggleOpen,
    /// I am heard while a key is held.
    Hold(bool),
    /// Only those beside hear me.
    Whisper(bool),
    /// The other of the two.
    ToggleWhisper,
}

/// How I speak and hear.
#[derive(Resource, Debug, Clone, PartialEq)]
pub struct MyVoice {
    /// Whether the microphone is open; off at first.
    pub is_open: bool,
    /// Whether the key to talk is held.
    pub is_held: bool,
    has_held: bool,
    /// Whether only those beside hear me.
    pub whispers: bool,
    /// Which microphone.
    pub choice: MicrophoneChoice,
    /// Whether I hear myself as others do, to try it out; unless the microphone is on, nobody else does.
    pub hears_itself: bool,
    /// Whether echo and noise are taken out of it.
    pub cleans: bool,
    /// By how many decibels the film is held down while somebody speaks.
    pub duck_db: f32,
    /// How loud I want to hear people, in percent; whoever is missing is heard as they are. 0 is muted, for me alone.
    pub volumes: BTreeMap<ParticipantId, u8>,
    /// How loud those were whom I muted.
    before_mute: BTreeMap<ParticipantId, u8>,
}

impl Default for MyVoice {
    fn default() -> Self {
        Self {
            is_open: false,
            is_held: false,
            has_held: false,
            whispers: false,
            choice: MicrophoneChoice::default(),
            hears_itself: false,
            cleans: true,
            duck_db: 8.0,
            volumes: BTreeMap::new(),
            before_mute: BTreeMap::new(),
        }
    }
}

impl MyVoice {
    /// Lower than this the film would be silent.
    pub const DUCK_MOST_DB: f32 = 20.0;

    /// Takes over everything that is chosen in the settings; whether the microphone is on is none of it.
    pub fn choose(&mut self, chosen: &Self) {
        let Self { choice, hears_itself, cleans, duck_db, volumes, before_mute, .. } = chosen.clone();
        *self = Self { choice, hears_itself, cleans, duck_db, volumes, before_mute, ..self.clone() };
    }

    /// The same without hearing myself.
    #[must_use]
    pub fn unheard(&self) -> Self {
        Self { hears_itself: false, ..self.clone() }
    }

    /// Whether others can hear me just now, if I say something.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.is_open || self.is_held
    }

    /// A device takes its time to open: whoever holds the key once keeps it.
    const fn needs_microphone(&self) -> bool {
        self.is_open || self.has_held || self.hears_itself
    }

    /// Whether nobody but me hears what I say.
    const fn is_trial(&self) -> bool {
        self.hears_itself && !self.is_on()
    }

    const fn mode(&self) -> Mode {
        if self.is_open || self.is_trial() {
            Mode::Open
        } else if self.is_held {
            Mode::PushToTalk { held: true }
        } else {
            Mode::Muted
        }
    }

    /// How loud I want to hear somebody, in percent.
    #[must_use]
    pub fn volume_percent(&self, who: &ParticipantId) -> u8 {
        self.volumes.get(who).copied().unwrap_or(100)
    }

    /// Lets me hear somebody that loud, in percent.
    pub fn set_volume(&mut self, who: ParticipantId, percent: u8) {
        self.before_mute.remove(&who);
        self.volumes.insert(who, percent);
    }

    /// Mutes somebody for me alone, or lets me hear them as loud as before.
    pub fn toggle_mute(&mut self, who: ParticipantId) {
        let percent = match self.volume_percent(&who) {
            0 => self.before_mute.remove(&who).unwrap_or(100),
            heard => {
                self.before_mute.insert(who, heard);
                0
            }
        };
        self.volumes.insert(who, percent);
    }
}

/// How loud the microphone is just now, whether anybody hears it or not: 0 while it is closed or still, 255 at most.
#[derive(Resource, Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct MicrophoneLevel(pub u8);

/// By whom I am heard while my microphone is on.
#[derive(Resource, Debug, Default, Clone, PartialEq, Eq)]
pub struct Hearers(pub Vec<ParticipantId>);

/// Everything that stands behind it.
#[derive(Resource, Default)]
struct Desk {
    voices: Option<Voices>,
    microphone: Option<Microphone>,
    opened: Option<MicrophoneChoice>,
    was_missing: bool,
    /// Of the mixer's device.
    openings: u32,
    wish: Wish,
    is_trial: bool,
    bypass: Bypass,
    /// One's own voice, while one tries it out.
    myself: Option<Speaker>,
    seated: BTreeMap<ParticipantId, Seated>,
    reached_mono_ns: i64,
    report: Report,
}

struct Seated {
    speaker: Speaker,
    place: [f32; 3],
    gain: f32,
}

impl Desk {
    fn voices(&mut self, mono_ns: fn() -> i64) -> Result<&Voices, String> {
        if self.voices.is_none() {
            self.voices = Some(Voices::start(mono_ns).map_err(|error| format!("Nobody can talk: the system gives no thread ({error})."))?);
        }
        self.voices.as_ref().ok_or_else(|| "Nobody can talk.".to_owned())
    }

    fn order(&self, order: Order) {
        if let Some(voices) = &self.voices
            && !voices.order(order)
        {
            tracing::error!("the voices' thread does not keep up");
        }
    }
}

/// More, and only the nearest are sent to: what it costs stays the same, however many are there.
const HEARERS_MOST: usize = 12;
const REACH_NS: i64 = 4_000_000_000;
/// Louder than breath: −40 dBFS.
const HEARD_LEVEL: u8 = 85;
/// From one word to the next.
const DUCK_NS: i64 = 700_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_muted_and_heard_again_is_as_loud_as_before() {
        let [bo, cy] = [1, 2].map(|number| ParticipantId::from_bytes([number; 32]));
        let mut mine = MyVoice::default();
        mine.volumes.insert(bo, 60);
        for (who, percent) in [(bo, 60), (cy, 100)] {
            mine.toggle_mute(who);
            assert_eq!(mine.volume_percent(&who), 0);
            mine.toggle_mute(who);
            assert_eq!(mine.volume_percent(&who), percent);
        }
        // Whoever was pulled down to nothing by hand comes back as they are.
        mine.volumes.insert(bo, 0);
        mine.toggle_mute(bo);
        assert_eq!(mine.volume_percent(&bo), 100);
        // Another choice in the settings forgets nobody.
        mine.volumes.insert(bo, 40);
        mine.toggle_mute(bo);
        let mut chosen = mine.clone();
        chosen.duck_db = 3.0;
        mine.choose(&chosen);
        mine.toggle_mute(bo);
        assert_eq!((mine.volume_percent(&bo), mine.duck_db), (40, 3.0));
    }
}
