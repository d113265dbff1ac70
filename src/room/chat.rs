use std::collections::VecDeque;

use bevy::prelude::*;
use bevy_replicon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    Me, Now, Participant, Rights, Standing, tell,
    wish::{Wish, Wished, wish_for},
    words::{PersonName, Words},
};
use crate::net::ParticipantId;

/// What people say to each other, and what the room says of them.
pub(super) fn plugin(app: &mut App) {
    app.add_server_event::<Chatted>(Channel::Ordered).add_server_event::<ChatSoFar>(Channel::Ordered);
    wish_for::<Say>(app);
    app.init_resource::<Chat>()
        .add_observer(on_say)
        .add_observer(on_announcement)
        .add_observer(on_chatted)
        .add_observer(on_chat_so_far)
        .add_observer(tell_newcomer);
}

fn on_say(
    say: On<Wished<Say>>,
    people: Query<(Option<&Participant>, &Rights, Option<&ChatPace>)>,
    now: Res<Now>,
    standing: Res<Standing>,
    mut chat: ResMut<Chat>,
    mut commands: Commands,
) {
    let Ok((participant, rights, pace)) = people.get(say.by) else { return };
    let text = say.wish.0.clone();
    if text.is_empty() {
        return;
    }
    if !rights.speak {
        return tell(say.by, MUTED, &mut commands);
    }
    let mut pace = pace.cloned().unwrap_or_default();
    let may = pace.0.allows(now.mono_ns);
    commands.entity(say.by).insert(pace);
    if !may {
        return tell(say.by, "Slower, please: five lines in five seconds are the most.", &mut commands);
    }
    let (speaker, name) = participant.map_or((None, PersonName::from("The house")), |person| (Some(person.id), person.name.clone()));
    chat.send(ChatLine { number: 0, speaker, name, text }, *standing, &mut commands);
}

fn on_announcement(announcement: On<Announcement>, standing: Res<Standing>, mut chat: ResMut<Chat>, mut commands: Commands) {
    // Nobody has to be told what they did alone.
    if *standing == Standing::Host {
        let text = Words::from(announcement.event().0.as_str());
        chat.send(ChatLine { number: 0, speaker: None, name: PersonName::default(), text }, *standing, &mut commands);
    }
}

fn on_chatted(chatted: On<Chatted>, standing: Res<Standing>, mut chat: ResMut<Chat>, mut commands: Commands) {
    // The keeper's own log has it already.
    if *standing == Standing::Guest {
        chat.keep(chatted.event().0.clone());
        commands.trigger(NewLine(chatted.event().0.clone()));
    }
}

fn on_chat_so_far(so_far: On<ChatSoFar>, standing: Res<Standing>, mut chat: ResMut<Chat>) {
    if *standing == Standing::Guest {
        // A line said meanwhile may have come first.
        let newer = std::mem::take(&mut chat.lines);
        so_far.event().0.iter().cloned().for_each(|line| chat.keep(line));
        let last = chat.lines.back().map(|line| line.number);
        newer.into_iter().filter(|line| Some(line.number) > last).for_each(|line| chat.keep(line));
    }
}

/// Somebody who comes reads what was said before.
fn tell_newcomer(joined: On<Add, AuthorizedClient>, chat: Res<Chat>, mut commands: Commands) {
    commands.server_trigger(ToClients {
        targets: SendTargets::Single(ClientId::Client(joined.entity)),
        message: ChatSoFar(chat.lines.iter().cloned().collect()),
    });
}

/// Lets the room say something to everybody.
pub(super) fn announce(text: String, commands: &mut Commands) {
    commands.trigger(Announcement(text));
}

/// I want to say that.
#[derive(Event, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Say(pub Words<LINE_CHARS_MAX>);

impl Wish for Say {
    fn foreseen(&self, world: &mut World) -> Option<String> {
        let rights = world.query_filtered::<&Rights, With<Me>>().single(world).copied().unwrap_or_default();
        (!rights.speak).then(|| MUTED.to_owned())
    }
}

/// A line was said just now.
#[derive(Event, Debug, Clone)]
pub struct NewLine(pub ChatLine);

/// A line of the chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatLine {
    /// Counted from the room's beginning.
    pub number: u64,
    /// Who said it; `None` is the room itself.
    pub speaker: Option<ParticipantId>,
    /// Their name then; empty for what the room says.
    pub name: PersonName,
    /// What.
    pub text: Words<LINE_CHARS_MAX>,
}

impl ChatLine {
    /// Whether a person said it, and not the room of them.
    #[must_use]
    pub const fn is_said(&self) -> bool {
        !self.name.is_empty()
    }
}

/// The last lines.
#[derive(Resource, Debug, Default)]
pub struct Chat {
    lines: VecDeque<ChatLine>,
    next: u64,
}

impl Chat {
    /// From the oldest to the newest; at most 200.
    pub fn lines(&self) -> impl DoubleEndedIterator<Item = &ChatLine> + ExactSizeIterator {
        self.lines.iter()
    }

    fn send(&mut self, line: ChatLine, standing: Standing, commands: &mut Commands) {
        let line = ChatLine { number: self.next, ..line };
        self.next += 1;
        self.keep(line.clone());
        if standing == Standing::Host {
            commands.server_trigger(ToClients { targets: SendTargets::AllExcept(ClientId::Server), message: Chatted(line.clone()) });
        }
        commands.trigger(NewLine(line));
    }

    fn keep(&mut self, line: ChatLine) {
        self.lines.push_back(line);
        // What people say outlives what the room says of them.
        if self.lines.iter().filter(|line| !line.is_said()).count() > TOLD_KEPT
            && let Some(oldest) = self.lines.iter().position(|line| !line.is_said())
        {
            self.lines.remove(oldest);
        }
        while self.lines.len() > LINES_KEPT {
            self.lines.pop_front();
        }
    }

    pub(super) fn clear(&mut self) {
        self.lines.clear();
    }
}

#[derive(Event, Debug, Clone, Serialize, Deserialize)]
struct Chatted(ChatLine);

#[derive(Event, Debug, Clone, Serialize, Deserialize)]
struct ChatSoFar(Vec<ChatLine>);

#[derive(Event, Debug, Clone)]
struct Announcement(String);

/// When somebody said their last lines.
#[derive(Component, Debug, Default, Clone)]
struct ChatPace(Pace);

/// When the last lines of one kind came from one person.
#[derive(Debug, Default, Clone)]
pub(super) struct Pace(VecDeque<i64>);

impl Pace {
    /// Whether one more may come now; if so, it counts.
    pub(super) fn allows(&mut self, now_mono_ns: i64) -> bool {
        self.0.retain(|at| now_mono_ns.saturating_sub(*at) < PACE_NS);
        let may = self.0.len() < PACE_LINES;
        if may {
            self.0.push_back(now_mono_ns);
        }
        may
    }
}

const MUTED: &str = "A moderator muted you: others do not read what you write.";
/// The longest line.
pub const LINE_CHARS_MAX: usize = 500;
const LINES_KEPT: usize = 200;
/// Of them, at most so many that nobody said.
const TOLD_KEPT: usize = 100;
const PACE_LINES: usize = 5;
const PACE_NS: i64 = 5_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_lines_in_five_seconds_are_the_most() {
        let mut pace = Pace::default();
        let second = 1_000_000_000;
        let spoke: Vec<_> = (0..12).map(|at| pace.allows(at * second / 2)).collect();
        assert_eq!(spoke.iter().filter(|spoke| **spoke).count(), 7);
        assert!(spoke[..5].iter().all(|spoke| *spoke) && !spoke[5] && spoke[10]);
    }
}
