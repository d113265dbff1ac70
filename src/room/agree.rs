use bevy::{ecs::component::Immutable, prelude::*};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    Rights,
    news::replicate,
    wish::{Wish, Wished, wish_for},
};

/// Something that a person says of themselves and all agree on: how their head is turned, what they look like.
pub trait Agreed: Component<Mutability = Immutable> + Clone + PartialEq + Serialize + DeserializeOwned {
    /// Whether the values are possible at all; whoever sends others is not our program.
    fn is_possible(&self) -> bool {
        true
    }

    /// Whether somebody with these rights may say it now.
    fn may(_rights: &Rights) -> bool {
        true
    }
}

/// Registers a component of participants: each says their own by triggering [`Mine`], whoever keeps the room checks it, everybody sees it.
pub fn agree_on<T: Agreed>(app: &mut App) {
    replicate::<T>(app);
    wish_for::<Mine<T>>(app);
    app.add_observer(on_wished::<T>);
}

fn on_wished<T: Agreed>(wished: On<Wished<Mine<T>>>, people: Query<(&Rights, Option<&T>)>, mut commands: Commands) {
    let Ok((rights, before)) = people.get(wished.by) else { return };
    let Mine(mine) = &wished.wish;
    if T::may(rights) && before != Some(mine) {
        commands.entity(wished.by).insert(mine.clone());
    }
}

/// A person's own `T`.
#[derive(Event, Debug, Clone, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Mine<T: Agreed>(pub T);

impl<T: Agreed> Wish for Mine<T> {
    fn is_possible(&self) -> bool {
        self.0.is_possible()
    }

    fn is_by_hand(&self) -> bool {
        false
    }
}
