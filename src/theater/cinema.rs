//! The cinema mode: the film fills the window and the hall is gone, pixel for pixel where the sizes agree.

use bevy::{
    camera::{ScalingMode, visibility::RenderLayers},
    prelude::*,
};

use super::{ScreenShape, SeatedCamera, Theater, Viewer, screen::SCREEN_LAYER, screen_rect};

/// Switches the camera between the seat and the screen alone.
pub(super) fn plugin(app: &mut App) {
    app.init_resource::<Cinema>()
        .add_systems(Update, frame.before(Theater::Move).run_if(resource_changed::<Cinema>.or_eager(resource_changed::<ScreenShape>)));
}

fn frame(
    cinema: Res<Cinema>,
    shape: Res<ScreenShape>,
    mut viewer: ResMut<Viewer>,
    mut cameras: Query<(Entity, &mut Projection, &mut Transform), With<SeatedCamera>>,
    mut commands: Commands,
) {
    for (entity, mut projection, mut transform) in &mut cameras {
        let is_alone = matches!(*projection, Projection::Orthographic(_));
        if cinema.0 {
            let rect = screen_rect(shape.aspect());
            *projection = Projection::Orthographic(OrthographicProjection {
                scaling_mode: ScalingMode::AutoMin { min_width: rect.width_m, min_height: rect.height_m },
                near: 0.0,
                far: 2.0,
                ..OrthographicProjection::default_3d()
            });
            *transform = Transform::from_translation(rect.middle + Vec3::Z);
            commands.entity(entity).insert(RenderLayers::layer(SCREEN_LAYER));
        } else if is_alone {
            *projection = SeatedCamera::projection();
            commands.entity(entity).insert(RenderLayers::layer(0));
            // The seat's own system puts the camera back.
            viewer.set_changed();
        }
    }
}

/// Whether the film fills the window.
#[derive(Resource, Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Cinema(pub bool);
