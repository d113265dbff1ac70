use std::{
    sync::{Arc, Mutex},
    task::Waker,
};

use bevy::{ecs::system::SystemParam, prelude::*};
use bevy_replicon::prelude::*;

use super::{Clock, Myself, join::sentence};
pub use crate::net::Relay;
use crate::net::{FilmPort, LivePort, Net, Options, codec};

/// The network, from when it is first needed.
pub(super) fn plugin(app: &mut App) {
    app.init_resource::<RelayChoice>().init_resource::<FilmWay>().init_resource::<Alarm>();
}

/// Wakes the program's loop: something came from another thread or another machine.
#[derive(Resource, Debug, Clone)]
pub struct Alarm(pub Waker);

impl Default for Alarm {
    fn default() -> Self {
        Self(Waker::noop().clone())
    }
}

/// Which relays help where no direct way is found.
#[derive(Resource, Debug, Clone)]
pub struct RelayChoice(pub Relay);

impl Default for RelayChoice {
    fn default() -> Self {
        Self(Relay::None)
    }
}

/// The film's way through the network, for whoever moves films.
#[derive(Resource, Debug, Default)]
pub struct FilmWay(pub Option<FilmPort>);

/// The voices' way through the network, from when there is one; whoever moves voices takes it.
#[derive(Resource, Debug)]
pub struct VoiceWay(pub Mutex<Option<LivePort>>);

/// The same for faces.
#[derive(Resource, Debug)]
pub struct FaceWay(pub Mutex<Option<LivePort>>);

/// The network, once it was needed.
#[derive(Resource, Clone)]
pub(super) struct Network(pub(super) Arc<Net>);

/// The way to the network: it is started when somebody first wants to meet others.
#[derive(SystemParam)]
pub(super) struct Reach<'w, 's> {
    network: Option<Res<'w, Network>>,
    relay: Res<'w, RelayChoice>,
    clock: Res<'w, Clock>,
    alarm: Res<'w, Alarm>,
    protocol: Res<'w, ProtocolHash>,
    film_way: ResMut<'w, FilmWay>,
    commands: Commands<'w, 's>,
}

impl Reach<'_, '_> {
    pub(super) fn network(&mut self, myself: &Myself) -> Result<Network, String> {
        if let Some(network) = &self.network {
            return Ok(Network::clone(network));
        }
        let options = Options {
            identity: myself.identity.clone(),
            relay: self.relay.0.clone(),
            mono_ns: self.clock.0,
            dialect: dialect(&self.protocol),
            upload_limit_bytes_per_s: None,
        };
        let (net, ports) = Net::start(options).map_err(|error| sentence(&error.to_string()))?;
        net.wakes(self.alarm.0.clone());
        let network = Network(Arc::new(net));
        self.film_way.0 = Some(ports.film);
        self.commands.insert_resource(VoiceWay(Mutex::new(Some(ports.voices))));
        self.commands.insert_resource(FaceWay(Mutex::new(Some(ports.faces))));
        self.commands.insert_resource(network.clone());
        Ok(network)
    }
}

/// What replicon says of everything that is replicated and sent, as a number. It keeps the number to itself, but lets it be serialised.
fn dialect(protocol: &ProtocolHash) -> u64 {
    codec::decode(&codec::encode(protocol)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_protocol_has_a_number_and_the_same_one_each_time() {
        let number = || {
            let mut app = App::new();
            app.add_plugins((TaskPoolPlugin::default(), bevy::state::app::StatesPlugin, crate::room::plugin)).finish();
            dialect(app.world().resource::<ProtocolHash>())
        };
        assert_ne!(number(), 0);
        assert_eq!(number(), number());
    }
}
