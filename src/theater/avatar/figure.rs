//! Figures in seats: they come, go, move and look about, eased; what stands still is not touched.

use bevy::{
    camera::{primitives::Aabb, visibility::NoAutoAabb},
    math::Vec3A,
    mesh::MeshTag,
    platform::collections::HashMap,
    prelude::*,
    render::storage::ShaderBuffer,
};

use super::{
    HeadPose, HeadTop, Occupied, Person, Presence, Speech, Stands, Stirring,
    act::Act,
    body::{self, HEAD, NECK, Outfit},
    follow::{Follow, shared_pitch, shared_yaw},
    gait::Gait,
    material::{AvatarMaterial, Part, PersonUniform},
    occupied::TakeSeats,
    plate,
    probe::Probe,
    sculpt::linear,
    sleep,
};
use crate::room::{Emoted, Me, SeatNumber, Sits};
use crate::theater::{
    HallLight, Theater, Tier,
    hall::measures::EYE_HEIGHT_M,
    material::LightUniform,
    motion::{Glide, ease},
    view::{Pose, wrapped},
};

/// Lets figures come and go, move and be lit.
pub(super) fn plugin(app: &mut App) {
    app.init_resource::<Crowd>()
        .configure_sets(Update, TakeSeats.in_set(Theater::Move))
        .add_systems(Startup, tailor)
        .add_systems(Update, refit.run_if(resource_changed::<Tier>).before(gather).in_set(Theater::Move))
        .add_systems(Update, (gather.run_if(has_changed), animate).chain().after(TakeSeats).in_set(Theater::Move))
        .configure_sets(Update, PutOnFaces.after(gather))
        .add_observer(on_emoted)
        .add_systems(Update, light.in_set(Theater::Light).after(super::super::light::show));
}

fn tailor(
    mut commands: Commands,
    mut buffers: ResMut<Assets<ShaderBuffer>>,
    mut materials: ResMut<Assets<AvatarMaterial>>,
    mut meshes: ResMut<Assets<Mesh>>,
    tier: Res<Tier>,
) {
    let people = buffers.add(ShaderBuffer::from(vec![PersonUniform::default(); FIGURES_MOST]));
    let mut material = |part| materials.add(AvatarMaterial { people: people.clone(), picture: None, part, tier: *tier });
    commands.insert_resource(Wardrobe {
        tier: *tier,
        body: material(Part::Body),
        face: material(Part::Face),
        sleep: material(Part::Sleep),
        plate: meshes.add(plate::mesh(*tier)),
        letters: meshes.add(sleep::letters()),
        outfits: HashMap::default(),
        people,
    });
}

/// Another tier has other shaders and finer meshes.
fn refit(tier: Res<Tier>, mut wardrobe: ResMut<Wardrobe>, mut materials: ResMut<Assets<AvatarMaterial>>, mut meshes: ResMut<Assets<Mesh>>) {
    if wardrobe.tier == *tier {
        return;
    }
    wardrobe.tier = *tier;
    wardrobe.outfits.clear();
    for part in [&wardrobe.body, &wardrobe.face, &wardrobe.sleep] {
        if let Some(mut material) = materials.get_mut(part) {
            material.tier = *tier;
        }
    }
    if meshes.insert(&wardrobe.plate, plate::mesh(*tier)).is_err() {
        tracing::debug!("the plate of faces is gone");
    }
}

fn has_changed(
    occupied: Res<Occupied>,
    crowd: Res<Crowd>,
    changed: Query<(), Or<(Changed<Person>, Changed<Stands>, Added<Me>)>>,
    tier: Res<Tier>,
    mut others: RemovedComponents<Me>,
) -> bool {
    others.read().count() > 0 || crowd.is_short || occupied.is_changed() || tier.is_changed() || !changed.is_empty()
}

/// Everybody who sits has a figure in their seat; whoever looks different than before gets another one, eased like coming and going.
fn gather(
    people: Query<(&Person, &Sits, &Stands, Has<Me>)>,
    mut tops: Query<&mut HeadTop>,
    mut figures: Query<(&mut Figure, &mut Mesh3d)>,
    mut crowd: ResMut<Crowd>,
    mut wardrobe: ResMut<Wardrobe>,
    mut meshes: ResMut<Assets<Mesh>>,
    occupied: Res<Occupied>,
    tier: Res<Tier>,
    mut commands: Commands,
) {
    crowd.bypass_change_detection().is_short = false;
    for (mut figure, mut mesh) in &mut figures {
        let stays = people
            .get(figure.person)
            .ok()
            .filter(|(person, sits, _, is_me)| !is_me && occupied.who(sits.0) == Some(figure.person) && Dress::of(person) == figure.dress);
        match stays {
            Some((_, sits, stands, _))
                if figure.is_leaving || figure.seat != sits.0 || figure.is_standing() != stands.0.is_some() || tier.is_changed() =>
            {
                figure.is_leaving = false;
                figure.size.go(1.0, COMING_S);
                figure.set_off(sits.0, stands.held());
                mesh.0 = wardrobe.outfit(figure.outfit(), *tier, &mut meshes);
            }
            None if !figure.is_leaving => {
                figure.is_leaving = true;
                figure.size.go(0.0, LEAVING_S);
            }
            _ => continue,
        }
        figure.is_resting = false;
    }
    for (seat, person) in occupied.iter() {
        let Ok((looks, _, stands, is_me)) = people.get(person) else { continue };
        if is_me {
            if let Ok(mut top) = tops.get_mut(person) {
                top.set_if_neq(HeadTop(head_top(seat)));
            }
            continue;
        }
        if figures.iter().any(|(figure, _)| figure.person == person && !figure.is_leaving) {
            continue;
        }
        let Some(slot) = crowd.slots.iter().position(Option::is_none) else {
            // As soon as somebody who leaves is gone.
            crowd.bypass_change_detection().is_short = true;
            continue;
        };
        let figure = Figure::new(person, seat, stands.held(), Dress::of(looks), slot);
        crowd.slots[slot] = Some(Shown { probe: figure.probe, uniform: figure.dress.uniform(figure.seed) });
        let mesh = wardrobe.outfit(figure.outfit(), *tier, &mut meshes);
        let part = (MeshTag(slot as u32), BOUNDS, NoAutoAabb, Pickable::IGNORE);
        commands.spawn((
            Name::new(format!("figure of {}", looks.name)),
            Mesh3d(mesh),
            MeshMaterial3d(wardrobe.body.clone()),
            Transform::from_scale(Vec3::splat(SMALLEST)),
            Visibility::Inherited,
            part.clone(),
            figure,
            children![
                (FacePlate { person }, Mesh3d(wardrobe.plate.clone()), MeshMaterial3d(wardrobe.face.clone()), part.clone()),
                (Letters, Mesh3d(wardrobe.letters.clone()), MeshMaterial3d(wardrobe.sleep.clone()), Visibility::Hidden, part),
            ],
        ));
    }
}

fn on_emoted(emoted: On<Emoted>, mut figures: Query<&mut Figure>) {
    for mut figure in &mut figures {
        if figure.person == emoted.event().who {
            figure.act = Some(Act::new(emoted.event().emote));
            figure.is_resting = false;
        }
    }
}

/// Moves what moves.
fn animate(
    time: Res<Time>,
    people: Query<(Ref<HeadPose>, Ref<Stands>, Ref<Presence>, Ref<Speech>)>,
    mut tops: Query<&mut HeadTop>,
    mut figures: Query<(Entity, &mut Figure, &mut Transform, &Children)>,
    mut letters: Query<&mut Visibility, With<Letters>>,
    mut crowd: ResMut<Crowd>,
    mut stirring: ResMut<Stirring>,
    mut commands: Commands,
) {
    let dt_s = time.delta_secs();
    let mut is_stirring = false;
    for (entity, mut figure, mut transform, children) in &mut figures {
        let told = people.get(figure.person).ok();
        let news = told.as_ref().is_some_and(|(pose, stands, presence, speech)| {
            pose.is_changed() || stands.is_changed() || presence.is_changed() || speech.is_changed()
        });
        if figure.is_resting && !news {
            continue;
        }
        let figure = figure.bypass_change_detection();
        if let Some((pose, stands, presence, speech)) = told {
            figure.told = Told { pose: *pose, presence: *presence, speech: *speech };
            if let (Some(gait), Some(at)) = (&mut figure.gait, stands.held()) {
                gait.to = at;
            }
        }
        figure.advance(dt_s);
        is_stirring |= !figure.is_resting;
        if figure.is_leaving && figure.size.resting() {
            crowd.slots[figure.slot] = None;
            commands.entity(entity).despawn();
            continue;
        }
        transform.set_if_neq(figure.transform());
        if let Ok(mut top) = tops.get_mut(figure.person)
            && !figure.is_leaving
        {
            top.set_if_neq(HeadTop(figure.head_top()));
        }
        let mut visible = letters.iter_many_mut(children);
        while let Some(mut visibility) = visible.fetch_next() {
            visibility.set_if_neq(if figure.uniform.face.w == 0.0 { Visibility::Hidden } else { Visibility::Inherited });
        }
        let shown = Shown { probe: figure.probe, uniform: figure.uniform };
        if crowd.slots[figure.slot] != Some(shown) {
            crowd.slots[figure.slot] = Some(shown);
        }
    }
    stirring.set_if_neq(Stirring(is_stirring));
}

/// Sends everybody's light and pose to the shader, if anything of it has changed.
fn light(crowd: Res<Crowd>, light: Res<HallLight>, wardrobe: Res<Wardrobe>, mut buffers: ResMut<Assets<ShaderBuffer>>) {
    if !crowd.is_changed() && (!light.is_changed() || crowd.slots.iter().all(Option::is_none)) {
        return;
    }
    let hall = light.uniform();
    let list: Vec<PersonUniform> = crowd
        .slots
        .iter()
        .map(|slot| slot.as_ref().map_or_else(PersonUniform::default, |shown| PersonUniform { light: shown.lit(&hall), ..shown.uniform }))
        .collect();
    if let Some(mut buffer) = buffers.get_mut(&wardrobe.people) {
        buffer.set_data(list);
    }
}

/// The highest point of the head of whoever sits upright in this seat, m.
#[must_use]
pub fn head_top(seat: SeatNumber) -> Vec3 {
    Pose::of(seat).eye + HEAD.middle - Vec3::Y * EYE_HEIGHT_M + Vec3::Y * HEAD.half.y
}

/// When plates get their faces: once there are plates.
#[derive(SystemSet, Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct PutOnFaces;

/// The plate of somebody's face, an entity of its own in front of the head: drawn, or a picture of the person.
#[derive(Component, Debug, Clone, Copy, PartialEq, Eq)]
pub struct FacePlate {
    /// Whose it is.
    pub person: Entity,
}

#[derive(Component)]
struct Letters;

/// A person's body in the hall.
#[derive(Component, Debug)]
struct Figure {
    person: Entity,
    dress: Dress,
    slot: usize,
    seed: f32,
    seat: SeatNumber,
    /// On their feet, and how.
    gait: Option<Gait>,
    from: Pose,
    /// How much of the time to the seat has passed, 0 to 1.
    way: f32,
    size: Glide,
    is_leaving: bool,
    told: Told,
    yaw: Follow,
    pitch: Follow,
    /// Eyes are there before the head is.
    eyes: [Follow; 2],
    asleep: Follow,
    grey: Follow,
    mouth: Follow,
    ring: Follow,
    probes: [Probe; 2],
    probe: Probe,
    uniform: PersonUniform,
    /// What its person shows just now.
    act: Option<Act>,
    is_resting: bool,
}

impl Figure {
    fn new(person: Entity, seat: SeatNumber, stands: Option<Vec2>, dress: Dress, slot: usize) -> Self {
        let seed = (seat.get() as f32 * 0.381_966 + f32::from(dress.hue) * 0.137).fract();
        let gait = stands.map(Gait::at);
        let pose = gait.as_ref().map_or_else(|| Pose::of(seat), Gait::pose);
        let probe = Probe::at(pose.eye);
        let mut size = Glide::at(0.0);
        size.go(1.0, COMING_S);
        Self {
            person,
            dress,
            slot,
            seed,
            seat,
            gait,
            from: pose,
            way: 1.0,
            size,
            is_leaving: false,
            told: Told::default(),
            yaw: Follow::at(0.0),
            pitch: Follow::at(0.0),
            eyes: [Follow::at(0.0); 2],
            asleep: Follow::at(0.0),
            grey: Follow::at(0.0),
            mouth: Follow::at(0.0),
            ring: Follow::at(0.0),
            probes: [probe; 2],
            probe,
            uniform: dress.uniform(seed),
            act: None,
            is_resting: false,
        }
    }

    fn is_standing(&self) -> bool {
        self.gait.is_some()
    }

    fn outfit(&self) -> Outfit {
        Outfit { is_standing: self.is_standing(), ..self.dress.outfit }
    }

    /// Gets up, goes to another seat, sits down.
    fn set_off(&mut self, seat: SeatNumber, stands: Option<Vec2>) {
        if seat == self.seat && stands.is_some() == self.is_standing() {
            return;
        }
        let from = self.pose();
        let turned = self.turned();
        self.seat = seat;
        match (stands, &self.gait) {
            (Some(at), None) => self.gait = Some(Gait::at(at).looking(turned)),
            (None, Some(_)) => {
                self.gait = None;
                // The screen is ahead again, however often one has turned round.
                self.yaw = Follow::at(wrapped(self.yaw.value()));
            }
            _ => {}
        }
        self.from = from;
        self.probes = [self.probe, Probe::at(self.there().eye)];
        self.way = 0.0;
    }

    /// Where the way ends.
    fn there(&self) -> Pose {
        self.gait.as_ref().map_or_else(|| Pose::of(self.seat), Gait::pose)
    }

    fn pose(&self) -> Pose {
        self.from.towards(self.there(), self.way)
    }

    /// How far the whole figure is turned to the left, radians: seats face the screen's wall.
    fn turned(&self) -> f32 {
        self.gait.as_ref().map_or(0.0, |gait| gait.facing.value() * ease(self.way))
    }

    fn advance(&mut self, dt_s: f32) {
        self.way = (self.way + dt_s.max(0.0) / MOVING_S).min(1.0);
        self.size.advance(dt_s);
        let is_lit_anew = self.gait.as_ref().is_some_and(|gait| gait.probe_part < 1.0);
        if self.way < 1.0 || !is_lit_anew {
            self.probe = self.probes[0].towards(&self.probes[1], ease(self.way));
        }
        let Told { pose, presence, speech } = self.told;
        let (mut yaw, pitch) = pose.held();
        let mut walks = false;
        if let Some(gait) = &mut self.gait {
            // On one's feet one turns as far as one likes.
            yaw = self.yaw.value() + wrapped(wrapped(pose.yaw) - self.yaw.value());
            walks = !gait.advance(yaw, dt_s);
            if self.way >= 1.0 && gait.probed.distance(gait.to) > PROBE_STEP_M {
                gait.probed = gait.to;
                self.probes = [self.probe, Probe::at(gait.pose().eye)];
                gait.probe_part = 0.0;
            }
            if self.way >= 1.0 && gait.probe_part < 1.0 {
                gait.probe_part = (gait.probe_part + dt_s.max(0.0) / PROBE_S).min(1.0);
                self.probe = self.probes[0].towards(&self.probes[1], gait.probe_part);
                walks = true;
            }
        }
        let asleep = if presence == Presence::Here { 0.0 } else { 1.0 };
        let grey = if presence == Presence::Reconnecting { 0.75 } else { 0.0 };
        let loud = if speech.0.is_finite() { speech.0.clamp(0.0, 1.0) } else { 0.0 };
        let follows = [
            (&mut self.yaw, yaw, HEAD_TAU_S),
            (&mut self.pitch, pitch, HEAD_TAU_S),
            (&mut self.asleep, asleep, SLEEP_TAU_S),
            (&mut self.grey, grey, SLEEP_TAU_S),
            (&mut self.mouth, loud, MOUTH_TAU_S),
            (&mut self.ring, loud, RING_TAU_S),
        ];
        let mut rests = self.way >= 1.0 && self.size.resting() && !walks;
        for (follow, target, tau_s) in follows {
            follow.advance(target, dt_s, tau_s);
            rests &= follow.rests_at(target);
        }
        let (_, head_yaw) = shared_yaw(self.yaw.value() - self.turned());
        let ahead = [(yaw - self.turned() - head_yaw) / EYES_YAW, (pitch - shared_pitch(self.pitch.value())) / EYES_PITCH]
            .map(|part| part.clamp(-1.0, 1.0));
        for (eye, target) in self.eyes.iter_mut().zip(ahead) {
            eye.advance(target, dt_s, EYES_TAU_S);
            rests &= eye.rests_at(target);
        }
        self.act.take_if(|act| !act.advance(dt_s));
        self.is_resting = rests && !self.is_leaving && self.act.is_none();
        self.uniform = self.shown();
    }

    fn shown(&self) -> PersonUniform {
        let ahead = {
            let pose = self.pose();
            (pose.aim - pose.eye).normalize_or(Vec3::NEG_Z)
        };
        let (to_screen, up_to_screen) = ((-ahead.x).atan2(-ahead.z), ahead.y.clamp(-1.0, 1.0).asin());
        // The figure as a whole is turned already.
        let (to_screen, turned) = if self.is_standing() { (to_screen * (1.0 - ease(self.way)), self.turned()) } else { (to_screen, 0.0) };
        let asleep = self.asleep.value();
        let awake = 1.0 - asleep;
        let (shoulders, head) = shared_yaw(self.yaw.value() - turned);
        let yaw = to_screen + head * awake;
        let pitch = up_to_screen + shared_pitch(self.pitch.value()) * awake - 0.42 * asleep;
        let motion = self.act.as_ref().map(Act::motion).unwrap_or_default();
        let pitch = pitch + motion.nod * awake;
        let tilt = 0.16 * asleep * if self.seed > 0.5 { 1.0 } else { -1.0 } + motion.tilt * awake;
        let rotation = Quat::from_euler(EulerRot::YXZ, yaw, pitch, tilt);
        let letters = match self.told.presence {
            Presence::Here => 0.0,
            Presence::Away => asleep,
            Presence::Reconnecting => -asleep,
        };
        let base = self.uniform;
        let swing = self.gait.as_ref().map_or(0.0, Gait::swing);
        PersonUniform {
            light: [Vec4::W * swing, Vec4::ZERO, Vec4::ZERO, Vec4::ZERO, Vec4::ZERO, Vec4::ZERO],
            skin: base.skin.truncate().extend(self.dress.outfit.slouch_m() + 0.03 * asleep - motion.lift_m),
            hair: base.hair.truncate().extend(self.ring.value()),
            head: Vec4::from(rotation),
            body: Vec4::new(shoulders * awake + to_screen * 0.5, asleep, self.grey.value(), base.body.w),
            face: Vec4::new(self.eyes[0].value(), self.eyes[1].value(), self.mouth.value().max(motion.mouth * awake), letters),
            ..base
        }
    }

    fn transform(&self) -> Transform {
        let size = self.size.value();
        let floor = self.pose().eye - Vec3::Y * EYE_HEIGHT_M;
        // Coming, one lets oneself down into the seat; the cushion's height is what one grows from.
        let seat = Vec3::Y * SEAT_HEIGHT_M;
        let lifted = seat * (1.0 - size) + Vec3::Y * (COMING_M * (1.0 - size));
        let bob = self.gait.as_ref().map_or(0.0, Gait::bob);
        Transform {
            translation: floor + lifted - Vec3::Y * bob,
            rotation: Quat::from_rotation_y(self.turned()),
            scale: Vec3::splat(size.max(SMALLEST)),
        }
    }

    fn head_top(&self) -> Vec3 {
        let rotation = Quat::from_vec4(self.uniform.head);
        let crown = HEAD.middle - NECK + Vec3::Y * HEAD.half.y;
        self.pose().eye + Vec3::Y * (-EYE_HEIGHT_M - self.uniform.skin.w) + Quat::from_rotation_y(self.turned()) * (NECK + rotation * crown)
    }
}

/// What was last heard of a person; who has left keeps it while they fade.
#[derive(Debug, Clone, Copy, Default)]
struct Told {
    pose: HeadPose,
    presence: Presence,
    speech: Speech,
}

/// What a person looks like, without their name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Dress {
    outfit: Outfit,
    hue: u8,
    cloth: [u8; 3],
    hair: [u8; 3],
}

impl Dress {
    fn of(person: &Person) -> Self {
        Self { outfit: Outfit::of(person), hue: person.hue.get(), cloth: person.hue.srgb(), hair: person.hair.hair_srgb() }
    }

    fn uniform(self, seed: f32) -> PersonUniform {
        let cloth = linear(self.cloth);
        PersonUniform {
            cloth: (cloth * 0.8).extend(seed),
            skin: cloth.lerp(linear(SKIN), 0.8).extend(self.outfit.slouch_m()),
            hair: linear(self.hair).extend(0.0),
            head: Vec4::W,
            body: Vec4::new(0.0, 0.0, 0.0, f32::from(self.outfit.glasses)),
            ..PersonUniform::default()
        }
    }
}

/// Meshes and materials, made when they are needed first.
#[derive(Resource)]
pub(super) struct Wardrobe {
    pub(super) tier: Tier,
    body: Handle<AvatarMaterial>,
    pub(super) face: Handle<AvatarMaterial>,
    sleep: Handle<AvatarMaterial>,
    plate: Handle<Mesh>,
    letters: Handle<Mesh>,
    outfits: HashMap<Outfit, Handle<Mesh>>,
    people: Handle<ShaderBuffer>,
}

impl Wardrobe {
    /// Bounded: there are not more outfits than styles of hair times hats times glasses.
    fn outfit(&mut self, outfit: Outfit, tier: Tier, meshes: &mut Assets<Mesh>) -> Handle<Mesh> {
        self.outfits.entry(outfit).or_insert_with(|| meshes.add(body::figure(outfit, tier).mesh())).clone()
    }
}

/// All figures as the shader gets them, by their numbers; changed only when one of them has.
#[derive(Resource)]
struct Crowd {
    slots: Vec<Option<Shown>>,
    /// Somebody sits and has no figure yet, for all numbers are in use.
    is_short: bool,
}

impl Shown {
    /// The light that falls on the person, and what else travels with it.
    fn lit(&self, hall: &LightUniform) -> [Vec4; 6] {
        let mut sides = self.probe.lit(hall).map(|side| side.extend(0.0));
        sides[0].w = self.uniform.light[0].w;
        sides
    }
}

impl Default for Crowd {
    fn default() -> Self {
        Self { slots: vec![None; FIGURES_MOST], is_short: false }
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Shown {
    probe: Probe,
    uniform: PersonUniform,
}

/// Everybody in every seat, and as many who are just leaving.
const FIGURES_MOST: usize = 2 * SeatNumber::COUNT as usize;
/// The room a figure may take, wherever it turns its head.
const BOUNDS: Aabb = Aabb { center: Vec3A::new(0.0, 0.58, -0.1), half_extents: Vec3A::new(0.5, 0.94, 0.65) };
/// A walker's light is looked up again after so far, and comes within this time.
const PROBE_STEP_M: f32 = 0.3;
const PROBE_S: f32 = 0.2;
const SMALLEST: f32 = 1e-3;
const SKIN: [u8; 3] = [236, 192, 152];
const COMING_S: f32 = 0.5;
const LEAVING_S: f32 = 0.35;
const MOVING_S: f32 = 0.5;
const COMING_M: f32 = 0.12;
const SEAT_HEIGHT_M: f32 = 0.5;
/// Poses come every 50 ms: this hides their steps and is late by a seventh of a second.
const HEAD_TAU_S: f32 = 0.07;
const EYES_TAU_S: f32 = 0.03;
const SLEEP_TAU_S: f32 = 0.35;
const MOUTH_TAU_S: f32 = 0.025;
const RING_TAU_S: f32 = 0.12;
/// How far eyes turn, radians.
const EYES_YAW: f32 = 0.6;
const EYES_PITCH: f32 = 0.5;
