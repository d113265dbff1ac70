use bevy::{prelude::*, render::renderer::RenderAdapterInfo};
use serde::{Deserialize, Serialize};

use super::{Theater, material::HallMaterial, view::SeatedCamera};

/// Chooses the [`Tier`] and lets the hall follow it, before the first frame and whenever [`Quality`] changes.
pub(super) fn plugin(app: &mut App) {
    app.init_resource::<Quality>().init_resource::<Tier>();
    app.add_systems(PreStartup, choose);
    app.add_systems(
        Update,
        (choose.run_if(resource_changed::<Quality>), (refit, sharpen).run_if(resource_changed::<Tier>)).chain().before(Theater::Move),
    );
}

fn choose(quality: Res<Quality>, adapter: Option<Res<RenderAdapterInfo>>, mut tier: ResMut<Tier>) {
    let next = quality.tier(adapter.as_deref());
    if tier.set_if_neq(next) {
        let name = adapter.as_deref().map_or("nothing", |adapter| adapter.name.as_str());
        tracing::info!("{name} draws: tier {next:?}");
    }
}

fn refit(tier: Res<Tier>, mut materials: ResMut<Assets<HallMaterial>>) {
    let others: Vec<_> = materials.iter().filter(|(_, material)| material.tier != *tier).map(|(id, _)| id).collect();
    for id in others {
        if let Some(mut material) = materials.get_mut(id) {
            material.tier = *tier;
        }
    }
}

fn sharpen(tier: Res<Tier>, cameras: Query<(Entity, &Msaa), With<SeatedCamera>>, mut commands: Commands) {
    for (camera, samples) in &cameras {
        if *samples != tier.samples() {
            commands.entity(camera).insert(tier.samples());
        }
    }
}

/// What a graphics adapter draws smoothly.
#[must_use]
pub fn tier_of(adapter: &RenderAdapterInfo) -> Tier {
    // wgpu's own enums are not named by us: their words are enough.
    suited(&format!("{:?}", adapter.device_type), &format!("{:?}", adapter.backend))
}

fn suited(device: &str, backend: &str) -> Tier {
    match (device, backend) {
        ("Cpu", _) => Tier::Low,
        // What Apple builds in is as fast as a card.
        ("DiscreteGpu", _) | ("IntegratedGpu", "Metal") => Tier::High,
        _ => Tier::Medium,
    }
}

/// How much detail a person wants to see.
#[derive(Resource, Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Quality {
    /// What the graphics adapter draws smoothly.
    #[default]
    Auto,
    /// [`Tier::Low`], whatever draws.
    Low,
    /// [`Tier::Medium`], whatever draws.
    Medium,
    /// [`Tier::High`], whatever draws.
    High,
}

impl Quality {
    /// All of them, from the one that is chosen for a person.
    pub const ALL: [Self; 4] = [Self::Auto, Self::Low, Self::Medium, Self::High];

    /// What it does, in words.
    #[must_use]
    pub const fn says(self) -> &'static str {
        match self {
            Self::Auto => "What this machine draws smoothly",
            Self::Low => "Plain surfaces, hard edges: for machines without a graphics card",
            Self::Medium => "Smooth edges, finer figures",
            Self::High => "Smooth edges, woven cloth, polished wood and brass, dust in the beam",
        }
    }

    fn tier(self, adapter: Option<&RenderAdapterInfo>) -> Tier {
        match self {
            Self::Auto => adapter.map_or(Tier::Low, tier_of),
            Self::Low => Tier::Low,
            Self::Medium => Tier::Medium,
            Self::High => Tier::High,
        }
    }
}

impl From<Tier> for Quality {
    fn from(tier: Tier) -> Self {
        match tier {
            Tier::Low => Self::Low,
            Tier::Medium => Self::Medium,
            Tier::High => Self::High,
        }
    }
}

/// How much detail is drawn. [`Quality`] chooses it; nobody else sets it.
#[derive(Resource, Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Tier {
    /// Drawn in software: no antialiasing, the shortest shaders.
    #[default]
    Low,
    /// A small graphics chip: antialiasing and finer figures, the shortest shaders.
    Medium,
    /// A graphics card: antialiasing, sheen and reflections for each pixel.
    High,
}

impl Tier {
    /// How smooth edges are.
    #[must_use]
    pub const fn samples(self) -> Msaa {
        match self {
            Self::Low => Msaa::Off,
            Self::Medium | Self::High => Msaa::Sample4,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn software_draws_little_and_a_card_everything() {
        let cases = [
            ("Cpu", "Vulkan", Tier::Low),
            ("DiscreteGpu", "Dx12", Tier::High),
            ("IntegratedGpu", "Vulkan", Tier::Medium),
            ("IntegratedGpu", "Metal", Tier::High),
            ("VirtualGpu", "Vulkan", Tier::Medium),
            ("Other", "Gl", Tier::Medium),
        ];
        for (device, backend, tier) in cases {
            assert_eq!(suited(device, backend), tier, "{device} {backend}");
        }
    }

    #[test]
    fn what_is_asked_for_is_drawn_whatever_draws() {
        for tier in [Tier::Low, Tier::Medium, Tier::High] {
            assert_eq!(Quality::from(tier).tier(None), tier);
        }
        assert_eq!(Quality::Auto.tier(None), Tier::Low);
    }
}
