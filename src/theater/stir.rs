use bevy::prelude::*;

use super::{Cinema, Curtain, HouseLights, SeatedCamera, Theater, Viewer, avatar::Stirring, hall::screen::is_draping, walk::Stride};

/// Keeps [`Stirring`] true while anything of the place is on its way; figures have set it before.
pub(super) fn plugin(app: &mut App) {
    app.add_systems(Update, stir.in_set(Theater::Light));
}

fn stir(
    (curtain, house, cinema): (Res<Curtain>, Res<HouseLights>, Res<Cinema>),
    (viewer, stride): (Res<Viewer>, Res<Stride>),
    cameras: Query<&SeatedCamera>,
    masking: Query<&super::hall::screen::Masking>,
    mut stirring: ResMut<Stirring>,
) {
    let walks = viewer.stands.is_some_and(|at| stride.is_moving(at));
    let turns = !cinema.0 && cameras.iter().any(SeatedCamera::is_moving);
    let moves = walks || turns || curtain.is_moving() || house.is_moving() || is_draping(&masking);
    if moves {
        stirring.set_if_neq(Stirring(true));
    }
}
