use bevy::prelude::*;
use serde::{Deserialize, Serialize};

/// What a person likes about the place; a panel changes it, the theater follows in the same frame.
#[derive(Resource, Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PlaceSettings {
    /// How wide one sees, as a part of what is usual; [`Self::FIELD_OF_VIEW`].
    pub field_of_view: f32,
    /// How far the head turns for a way of the mouse, as a part of what is usual; [`Self::MOUSE_SENSITIVITY`].
    pub mouse_sensitivity: f32,
    /// Nothing travels: the eye is in its seat at once, curtain and masking are where they belong, no head bobs.
    pub reduce_motion: bool,
    /// How bright the hall is, as a part of what is usual; the picture on the screen stays as it is; [`Self::BRIGHTNESS`].
    pub brightness: f32,
    /// Whether the place is heard: curtain, seats, steps, the lobby's air.
    pub sounds: bool,
}

impl PlaceSettings {
    /// The range of [`Self::field_of_view`].
    pub const FIELD_OF_VIEW: (f32, f32) = (0.7, 1.4);
    /// The range of [`Self::mouse_sensitivity`].
    pub const MOUSE_SENSITIVITY: (f32, f32) = (0.2, 4.0);
    /// The range of [`Self::brightness`].
    pub const BRIGHTNESS: (f32, f32) = (0.4, 2.5);

    /// The same within what is possible: a file may say anything.
    #[must_use]
    pub fn held(self) -> Self {
        let within = |value: f32, (least, most): (f32, f32)| if value.is_finite() { value.clamp(least, most) } else { 1.0 };
        Self {
            field_of_view: within(self.field_of_view, Self::FIELD_OF_VIEW),
            mouse_sensitivity: within(self.mouse_sensitivity, Self::MOUSE_SENSITIVITY),
            brightness: within(self.brightness, Self::BRIGHTNESS),
            ..self
        }
    }
}

impl Default for PlaceSettings {
    fn default() -> Self {
        Self { field_of_view: 1.0, mouse_sensitivity: 1.0, reduce_motion: false, brightness: 1.0, sounds: true }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_may_say_anything() {
        let said = PlaceSettings { field_of_view: f32::NAN, mouse_sensitivity: -3.0, brightness: 1e9, ..PlaceSettings::default() };
        let held = said.held();
        assert_eq!((held.field_of_view, held.mouse_sensitivity, held.brightness), (1.0, 0.2, 2.5));
        assert_eq!(PlaceSettings::default().held(), PlaceSettings::default());
    }
}
