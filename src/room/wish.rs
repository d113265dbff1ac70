use bevy::prelude::*;
use bevy_replicon::{
    bytes::Bytes,
    postcard_utils,
    prelude::*,
    shared::message::ctx::{ClientSendCtx, ServerReceiveCtx},
};
use serde::{Serialize, de::DeserializeOwned};

use super::{Expel, Me, Now, Participant, Standing};
use crate::notice::Notice;

/// Something a person may want of the room. One is triggered like any event; whoever keeps the room then hears [`Wished`], with the name of who wished, and
/// decides. The keeper's own wishes take the same way, without the network.
pub trait Wish: Event + Clone + Serialize + DeserializeOwned {
    /// What it costs of a person's patience (`PATIENCE` wishes a second).
    const COST: f64 = 1.0;

    /// Whether a person made it, who must hear when nobody can. What the program says by itself it says again.
    fn is_by_hand(&self) -> bool {
        true
    }

    /// What the keeper of the room will say against it, as far as that is known here: for whoever has to answer at once. The keeper decides by itself.
    fn foreseen(&self, _world: &mut World) -> Option<String> {
        None
    }

    /// Whether the values are possible at all; whoever sends others is not our program.
    fn is_possible(&self) -> bool {
        true
    }
}

/// Lets people wish for `W`.
pub fn wish_for<W: Wish>(app: &mut App) {
    app.add_client_event_with::<Sent<W>>(Channel::Ordered, write, read).add_observer(on_own::<W>).add_observer(on_others::<W>);
}

/// A wish on its way. replicon would leave what cannot be read unsaid, and whoever sends that is to be shown the door.
#[derive(Event, Debug, Clone)]
enum Sent<W> {
    Whole(W),
    Garbage,
}

fn write<W: Wish>(_: &mut ClientSendCtx, sent: &Sent<W>, out: &mut Vec<u8>) -> Result<()> {
    if let Sent::Whole(wish) = sent {
        postcard_utils::to_extend_mut(wish, out)?;
    }
    Ok(())
}

fn read<W: Wish>(_: &mut ServerReceiveCtx, bytes: &mut Bytes) -> Result<Sent<W>> {
    Ok(postcard_utils::from_buf(bytes).map_or(Sent::Garbage, Sent::Whole))
}

fn on_own<W: Wish>(wish: On<W>, standing: Res<Standing>, me: Query<Entity, With<Me>>, mut commands: Commands) {
    match *standing {
        Standing::Alone | Standing::Host => {
            if let Ok(by) = me.single() {
                commands.trigger(Wished { by, wish: wish.event().clone() });
            }
        }
        Standing::Guest => commands.client_trigger(Sent::Whole(wish.event().clone())),
        // There is no room to wish anything of.
        Standing::Joining if wish.event().is_by_hand() => {
            commands.trigger(Notice::problem("The theater cannot hear you now: wait until you are connected.").about("line"));
        }
        Standing::Joining => {}
    }
}

fn on_others<W: Wish>(
    sent: On<FromClient<Sent<W>>>,
    mut people: Query<&mut Patience, With<Participant>>,
    now: Res<Now>,
    mut commands: Commands,
) {
    let Some(by) = sent.client_id.entity() else { return };
    // Whoever was just shown the door may still have messages on the way.
    let Ok(mut patience) = people.get_mut(by) else { return };
    let Sent::Whole(wish) = &sent.message else {
        return commands.trigger(Expel { who: by, sentence: "Your program sent what nobody can read.".to_owned() });
    };
    match patience.spend(W::COST, now.mono_ns) {
        _ if !wish.is_possible() => {
            commands.trigger(Expel { who: by, sentence: "Your program sent values that cannot be.".to_owned() });
        }
        Verdict::Granted => commands.trigger(Wished { by, wish: wish.clone() }),
        Verdict::Ignored => {}
        Verdict::Over => commands.trigger(Expel { who: by, sentence: "Your program sent far too much at once.".to_owned() }),
    }
}

/// A wish, where the room is kept.
#[derive(Event, Debug, Clone)]
pub struct Wished<W: Wish> {
    /// The participant who wished.
    pub by: Entity,
    /// What.
    pub wish: W,
}

/// How much somebody may still wish for: a token bucket. What exceeds it is ignored, and whoever goes on is shown the door.
#[derive(Component, Debug, Clone, Copy)]
pub(super) struct Patience {
    left: f64,
    at_mono_ns: i64,
    ignored: u32,
}

impl Default for Patience {
    fn default() -> Self {
        Self { left: PATIENCE_MOST, at_mono_ns: i64::MIN, ignored: 0 }
    }
}

impl Patience {
    fn spend(&mut self, cost: f64, now_mono_ns: i64) -> Verdict {
        let passed_s = now_mono_ns.saturating_sub(self.at_mono_ns).max(0) as f64 / 1e9;
        self.at_mono_ns = now_mono_ns;
        self.left = (self.left + passed_s * PATIENCE).min(PATIENCE_MOST);
        if self.left < cost {
            self.ignored += 1;
            return if self.ignored > IGNORED_MOST { Verdict::Over } else { Verdict::Ignored };
        }
        if self.left > PATIENCE_MOST / 2.0 {
            self.ignored = 0;
        }
        self.left -= cost;
        Verdict::Granted
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Granted,
    Ignored,
    Over,
}

/// Wishes a second. A head that moves is 20 of them, dragging on the bar at most 60.
const PATIENCE: f64 = 120.0;
const PATIENCE_MOST: f64 = 240.0;
const IGNORED_MOST: u32 = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_comes_back_and_ends() {
        let mut patience = Patience::default();
        for _ in 0..240 {
            assert_eq!(patience.spend(1.0, 0), Verdict::Granted);
        }
        assert_eq!(patience.spend(1.0, 0), Verdict::Ignored);
        assert_eq!(patience.spend(1.0, 1_000_000_000), Verdict::Granted);
        let verdicts: Vec<_> = (0..3000).map(|_| patience.spend(1.0, 1_000_000_000)).collect();
        assert_eq!(verdicts.last(), Some(&Verdict::Over));
        assert_eq!(patience.spend(1.0, i64::MIN), Verdict::Over, "time that runs back gives nothing");
    }
}
