//! The house lights: up in the lobby, half up in a pause, down for the film. Pure; time is an argument.

use crate::theater::motion::Glide;
use bevy::prelude::*;

/// The house lights' level on its way to what the moment asks for.
#[derive(Resource, Debug, Clone, Copy, PartialEq)]
pub struct HouseLights {
    glide: Glide,
    mood: Mood,
}

impl HouseLights {
    /// Asks for the light of a mood; it comes eased.
    pub fn set(&mut self, mood: Mood) {
        self.mood = mood;
    }

    /// There at once: for the first picture.
    pub fn jump(&mut self, mood: Mood) {
        *self = Self { mood, glide: Glide::at(mood.level().sqrt()) };
    }

    /// What was asked for.
    #[must_use]
    pub fn mood(&self) -> Mood {
        self.mood
    }

    /// Lets time pass; the level, 0 to 1.
    pub fn advance(&mut self, dt_s: f32) -> f32 {
        // Eased in the eye's scale (the root), or the last tenth would seem to be all of it.
        let target = self.mood.level().sqrt();
        let duration_s = if target < self.glide.value() { DOWN_S } else { UP_S };
        self.glide.go(target, duration_s);
        self.glide.advance(dt_s);
        self.level()
    }

    /// Whether it is on its way.
    #[must_use]
    pub fn is_moving(&self) -> bool {
        !self.glide.resting() || self.glide.value() != self.mood.level().sqrt()
    }

    /// The level now, 0 to 1.
    #[must_use]
    pub fn level(&self) -> f32 {
        self.glide.value() * self.glide.value()
    }
}

impl Default for HouseLights {
    fn default() -> Self {
        Self { glide: Glide::at(1.0), mood: Mood::Lobby }
    }
}

/// Slowly down: the film begins, s.
const DOWN_S: f32 = 2.5;
/// Quickly up: somebody needs to see, s.
const UP_S: f32 = 0.8;

/// What the room does; decides how far the house lights are up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Mood {
    /// Before and after a film.
    #[default]
    Lobby,
    /// A film stands still.
    Paused,
    /// A film runs.
    Playing,
}

impl Mood {
    /// How far up the house lights are, 0 to 1.
    #[must_use]
    pub fn level(self) -> f32 {
        match self {
            Self::Lobby => 1.0,
            Self::Paused => 0.45,
            Self::Playing => 0.04,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(lights: &mut HouseLights, seconds: f32) -> f32 {
        (0..(seconds * 60.0).round() as usize).map(|_| lights.advance(1.0 / 60.0)).last().unwrap()
    }

    #[test]
    fn they_go_down_in_two_and_a_half_seconds() {
        let mut lights = HouseLights::default();
        lights.set(Mood::Playing);
        assert!(after(&mut lights, 1.2) > 0.15);
        assert!((after(&mut lights, 1.4) - 0.04).abs() < 1e-4);
    }

    #[test]
    fn they_come_up_in_less_than_a_second() {
        let mut lights = HouseLights::default();
        lights.jump(Mood::Playing);
        lights.set(Mood::Paused);
        assert!((after(&mut lights, 0.85) - 0.45).abs() < 1e-4);
    }

    #[test]
    fn they_never_jump() {
        let mut lights = HouseLights::default();
        let mut last = lights.level();
        for step in 0..600 {
            lights.set(if step % 100 < 50 { Mood::Playing } else { Mood::Lobby });
            let next = lights.advance(1.0 / 60.0);
            assert!((next - last).abs() < 0.06, "{last} -> {next}");
            last = next;
        }
    }
}
