//! What figures promise: nobody covers the screen, all fit the budget, seats are kept, one does not see oneself, and who rests costs nothing.

use std::{collections::BTreeSet, time::Duration};

use bevy::{
    asset::io::embedded::EmbeddedAssetRegistry, mesh::MeshTag, prelude::*, render::storage::ShaderBuffer, time::TimeUpdateStrategy,
};

use super::{
    FacePlate, HeadPose, HeadTop, Look, Occupied, Person, Presence, Speech, Stirring,
    body::{self, NECK, Outfit},
    figure,
    material::AvatarMaterial,
    occupied, sample,
};
use crate::room::{Me, SeatNumber, Sits};
use crate::theater::{
    HallLight, Theater, Tier,
    hall::measures::{EYE_HEIGHT_M, ROWS, SCREEN_LOW_M, eye_z_of_row, floor_of_row},
    seat_place,
};

fn outfits() -> impl Iterator<Item = Outfit> {
    let hairs = 0..=super::person::HAIR_STYLES;
    hairs.flat_map(|hair| {
        (0..=Look::HATS).flat_map(move |hat| (0..=Look::GLASSES).map(move |glasses| Outfit { hair, hat, glasses, ..Outfit::default() }))
    })
}

#[test]
fn every_figure_keeps_to_its_triangles() {
    let most = |tier| {
        let standing = outfits().map(|outfit| Outfit { is_standing: true, ..outfit });
        let counts = outfits().chain(standing).map(|outfit| (body::figure(outfit, tier).triangles.len(), outfit));
        counts.max().map(|(count, outfit)| (count, format!("{outfit:?}"))).unwrap()
    };
    // The plate and the letters come to each.
    let extra = |tier| super::plate::mesh(tier).indices().unwrap().len() / 3 + 6;
    let (high, low) = (most(Tier::High), most(Tier::Low));
    assert!(high.0 + extra(Tier::High) <= 1500, "{high:?}");
    assert!(low.0 + extra(Tier::Low) <= 600, "{low:?}");
}

#[test]
fn every_corner_is_somewhere_and_looks_somewhere() {
    let standing = outfits().map(|outfit| Outfit { is_standing: true, ..outfit });
    for (outfit, tier) in outfits().chain(standing).flat_map(|outfit| [(outfit, Tier::Low), (outfit, Tier::High)]) {
        for corner in body::figure(outfit, tier).corners {
            assert!(corner.position.is_finite() && (corner.normal.length() - 1.0).abs() < 1e-3, "{outfit:?} {corner:?}");
        }
    }
}

/// By how much the highest thing in the row in front rises over the line from an eye to the screen's lower edge, m; negative is free.
fn over_the_line(outfit: Outfit, tilt: f32, row: usize) -> f32 {
    let clay = body::figure(outfit, Tier::High);
    let front = row - 1;
    let (eye_y, eye_z) = (floor_of_row(row) + EYE_HEIGHT_M, eye_z_of_row(row));
    let turned = Quat::from_rotation_x(tilt);
    let seen = clay.corners.iter().map(|corner| {
        let head = turned * (corner.position - NECK) + NECK;
        let breath = 0.0022;
        let at = corner.position.lerp(head, corner.on_head) - Vec3::Y * (outfit.slouch_m() - breath);
        let (y, z) = (at.y + floor_of_row(front), at.z + eye_z_of_row(front));
        y - (SCREEN_LOW_M + (eye_y - SCREEN_LOW_M) * z / eye_z)
    });
    seen.fold(f32::MIN, f32::max)
}

#[test]
fn nobody_in_front_covers_the_screen() {
    for outfit in outfits() {
        for row in 1..ROWS {
            for tilt in [-0.3, 0.0, 0.1, 0.3] {
                let over = over_the_line(outfit, tilt, row);
                assert!(over <= COVERS_MOST_M, "row {row} sees {outfit:?}, tilted by {tilt}, {over} m over the line");
            }
        }
    }
    // And bare heads not at all.
    for (row, tilt) in (1..ROWS).flat_map(|row| [(row, 0.0), (row, 0.1)]) {
        assert!(over_the_line(Outfit { hair: 1, ..Outfit::default() }, tilt, row) < 0.0);
    }
}

/// A bobble or an ear may touch the line; a head may not.
const COVERS_MOST_M: f32 = 0.012;

#[test]
fn the_shader_knows_the_neck() {
    let shader = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/shaders/avatar.wgsl"));
    assert!(shader.contains(&format!("const NECK: vec3<f32> = vec3<f32>({:?}, {:?}, {:?});", NECK.x, NECK.y, NECK.z)), "{NECK}");
}

/// A theater without anything to draw with.
fn hall() -> App {
    let mut app = App::new();
    app.add_plugins((MinimalPlugins, AssetPlugin::default()))
        .insert_resource(TimeUpdateStrategy::ManualDuration(Duration::from_millis(20)))
        .init_resource::<EmbeddedAssetRegistry>()
        .init_asset::<Mesh>()
        .init_asset::<ShaderBuffer>()
        .init_asset::<AvatarMaterial>()
        .init_resource::<Tier>()
        .init_resource::<HallLight>()
        .init_resource::<Stirring>()
        .init_resource::<Changes>()
        .configure_sets(Update, (Theater::Move, Theater::Light).chain())
        .add_plugins((occupied::plugin, figure::plugin))
        .add_systems(Last, count);
    app.update();
    app
}

/// How much was touched in the last frame.
#[derive(Resource, Default)]
struct Changes(usize);

fn count(
    mut buffers: MessageReader<AssetEvent<ShaderBuffer>>,
    moved: Query<(), Or<(Changed<Transform>, Changed<HeadTop>, Changed<Visibility>)>>,
    occupied: Res<Occupied>,
    stirring: Res<Stirring>,
    mut changes: ResMut<Changes>,
) {
    let written = buffers.read().filter(|event| matches!(event, AssetEvent::Modified { .. })).count();
    changes.0 = written + moved.iter().count() + usize::from(occupied.is_changed()) + usize::from(stirring.is_changed());
}

fn seat(number: u8) -> SeatNumber {
    SeatNumber::new(number).unwrap()
}

fn updates(app: &mut App, count: usize) {
    for _ in 0..count {
        app.update();
    }
}

fn figures(app: &mut App) -> Vec<(u32, Vec3, f32)> {
    let world = app.world_mut();
    let mut query = world.query_filtered::<(&MeshTag, &Transform), With<Children>>();
    query.iter(world).map(|(tag, at)| (tag.0, at.translation, at.scale.x)).collect()
}

fn is_stirring(app: &App) -> bool {
    app.world().resource::<Stirring>().0
}

#[test]
fn who_comes_sits_down_in_half_a_second_and_who_leaves_fades() {
    let mut app = hall();
    let (person, ..) = sample(1);
    let ada = app.world_mut().spawn((person, Sits(seat(12)))).id();
    let mut last = 0.0;
    for _ in 0..30 {
        app.update();
        let [(_, _, size)] = figures(&mut app)[..] else { panic!("one figure") };
        assert!(size >= last && size - last < 0.12, "{last} -> {size}");
        last = size;
    }
    assert_eq!(last, 1.0);
    assert_eq!(app.world().resource::<Occupied>().who(seat(12)), Some(ada));
    app.world_mut().despawn(ada);
    updates(&mut app, 5);
    assert!(figures(&mut app)[0].2 < 1.0 && app.world().resource::<Occupied>().is_free(seat(12)));
    updates(&mut app, 30);
    assert!(figures(&mut app).is_empty() && !is_stirring(&app));
    let world = app.world_mut();
    assert_eq!(world.query::<&FacePlate>().iter(world).count(), 0, "the plate goes with the figure");
}

#[test]
fn moving_to_another_seat_begins_here_and_ends_there_in_half_a_second() {
    let mut app = hall();
    let bo = app.world_mut().spawn((sample(2), Sits(seat(12)))).id();
    updates(&mut app, 60);
    app.world_mut().entity_mut(bo).insert(Sits(seat(38)));
    let mut last = seat_place(seat(12)).floor;
    for _ in 0..27 {
        app.update();
        let [(_, at, _)] = figures(&mut app)[..] else { panic!("one figure") };
        assert!(at.distance(last) < 0.6, "{last} -> {at}");
        last = at;
    }
    assert!(last.distance(seat_place(seat(38)).floor) < 1e-3);
    let occupied = app.world().resource::<Occupied>();
    assert!(occupied.is_free(seat(12)) && occupied.who(seat(38)) == Some(bo));
}

#[test]
fn one_takes_a_seat_and_does_not_see_oneself() {
    let mut app = hall();
    let me = app.world_mut().spawn((sample(3), Sits(SeatNumber::BEST), Me)).id();
    updates(&mut app, 40);
    assert!(figures(&mut app).is_empty());
    assert_eq!(app.world().resource::<Occupied>().who(SeatNumber::BEST), Some(me));
    let top = app.world().get::<HeadTop>(me).unwrap().0;
    assert!((top.y - seat_place(SeatNumber::BEST).eye.y - 0.1).abs() < 0.03);
    app.world_mut().entity_mut(me).remove::<Me>();
    updates(&mut app, 40);
    assert_eq!(figures(&mut app).len(), 1);
    app.world_mut().entity_mut(me).insert(Me);
    updates(&mut app, 40);
    assert!(figures(&mut app).is_empty());
}

#[test]
fn when_nothing_changes_nothing_is_touched() {
    let mut app = hall();
    let people: Vec<Entity> =
        SeatNumber::all().map(|seat| app.world_mut().spawn((sample(usize::from(seat.get())), Sits(seat))).id()).collect();
    updates(&mut app, 5);
    assert!(is_stirring(&app));
    updates(&mut app, 300);
    let tags: BTreeSet<u32> = figures(&mut app).iter().map(|figure| figure.0).collect();
    assert_eq!(tags.len(), 70);
    for _ in 0..5 {
        app.update();
        assert!(!is_stirring(&app) && app.world().resource::<Changes>().0 == 0);
    }
    // A head that turns wakes the list and nothing else, and comes to rest again.
    app.world_mut().entity_mut(people[7]).insert(HeadPose { yaw: 0.6, pitch: 0.1 });
    app.update();
    assert!(is_stirring(&app));
    updates(&mut app, 100);
    assert!(!is_stirring(&app) && app.world().resource::<Changes>().0 == 0);
    // So does the light.
    app.world_mut().resource_mut::<HallLight>().house_level = 0.5;
    updates(&mut app, 2);
    assert!(app.world().resource::<Changes>().0 <= 1);
    app.update();
    assert_eq!(app.world().resource::<Changes>().0, 0);
}

#[test]
fn nonsense_from_a_stranger_does_no_harm() {
    let mut app = hall();
    let nonsense = (
        Person { name: "x".repeat(9), hue: super::Hue::new(255), hair: Look(255), hat: Look(254), glasses: Look(253) },
        HeadPose { yaw: f32::NAN, pitch: f32::INFINITY },
        Speech(f32::NEG_INFINITY),
        Presence::Reconnecting,
    );
    let person = app.world_mut().spawn((nonsense, Sits(seat(70)))).id();
    updates(&mut app, 200);
    assert!(!is_stirring(&app));
    assert!(app.world().get::<HeadTop>(person).unwrap().0.is_finite());
}

#[test]
fn who_changes_clothes_all_the_time_is_seen_in_the_end() {
    let mut app = hall();
    let person = app.world_mut().spawn((sample(4), Sits(seat(5)))).id();
    for number in 0..400 {
        app.world_mut().entity_mut(person).insert(sample(number).0);
        app.world_mut().spawn((sample(number), Sits(seat((number % 70) as u8 + 1))));
        app.update();
    }
    updates(&mut app, 60);
    assert_eq!(figures(&mut app).len(), 70);
    assert!(!is_stirring(&app));
}

#[test]
fn another_look_or_seat_taken_twice_never_leaves_two_in_a_seat() {
    let mut app = hall();
    let first = app.world_mut().spawn((sample(4), Sits(seat(5)))).id();
    updates(&mut app, 40);
    let second = app.world_mut().spawn((sample(5), Sits(seat(5)))).id();
    let (other, ..) = sample(6);
    app.world_mut().entity_mut(first).insert(other);
    updates(&mut app, 60);
    assert_eq!(figures(&mut app).len(), 1);
    app.world_mut().entity_mut(first).insert(Sits(seat(6)));
    updates(&mut app, 60);
    assert_eq!(figures(&mut app).len(), 2);
    let occupied = app.world().resource::<Occupied>();
    assert_eq!((occupied.who(seat(5)), occupied.who(seat(6))), (Some(second), Some(first)));
}
