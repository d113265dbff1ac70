use bevy::prelude::*;

use super::reach::Network;
use crate::net::ParticipantId;

/// What the room knows of voices: how loud each is, for those who draw it, and the way to others' machines.
pub(super) fn plugin(app: &mut App) {
    app.add_observer(on_reach);
}

fn on_reach(reach: On<ReachMember>, network: Option<Res<Network>>) {
    if let Some(network) = network {
        network.0.reach(reach.event().0);
    }
}

/// How loud a participant speaks at this moment, 0 to 255. Each machine keeps its own, of what it hears; it is not replicated.
#[derive(Component, Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Talking(pub u8);

/// Make a line to a member, if there is none: whoever talks and shows themselves needs one to each who hears and sees it.
#[derive(Event, Debug, Clone, Copy)]
pub struct ReachMember(pub ParticipantId);
