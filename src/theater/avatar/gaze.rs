//! Whom one looks at: names float only over them. Pure.

use bevy::prelude::*;

use super::HeadTop;

/// The person whose head is nearest to a line of sight: that of the pointer (`Camera::viewport_to_world`) or of the middle of the view. A head counts as
/// [`HEAD_RADIUS_M`] wide, and `slack` radians beside it count as looked at; among several the one that is met best, the nearer one of equals.
pub fn gazed_person(sight: Ray3d, heads: impl IntoIterator<Item = (Entity, HeadTop)>, slack: f32) -> Option<Entity> {
    let mut best: Option<(f32, f32, Entity)> = None;
    for (person, top) in heads {
        let way = top.0 - Vec3::Y * HEAD_RADIUS_M - sight.origin;
        let far = way.length();
        // One's own head is not looked at.
        if !far.is_finite() || far < 2.0 * HEAD_RADIUS_M {
            continue;
        }
        let angle = way.angle_between(*sight.direction);
        let beside = (angle - (HEAD_RADIUS_M / far).asin()).max(0.0);
        if beside <= slack && best.is_none_or(|(other, other_far, _)| (beside, far) < (other, other_far)) {
            best = Some((beside, far, person));
        }
    }
    best.map(|(_, _, person)| person)
}

/// Half the size of a head, m.
pub const HEAD_RADIUS_M: f32 = 0.15;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_looks_at_the_nearer_of_two_behind_each_other_and_at_nobody_beside_them() {
        let mut world = World::new();
        let [near, far, aside] = [0; 3].map(|_| world.spawn_empty().id());
        let top = |x: f32, z: f32| HeadTop(Vec3::new(x, 1.0 + HEAD_RADIUS_M, z));
        let heads = [(far, top(0.02, -4.0)), (near, top(0.05, -2.0)), (aside, top(1.5, -2.0))];
        let sight = |x: f32| Ray3d::new(Vec3::Y, Dir3::new(Vec3::new(x, 0.0, -2.0)).unwrap());
        assert_eq!(gazed_person(sight(0.0), heads, 0.05), Some(near));
        assert_eq!(gazed_person(sight(1.5), heads, 0.05), Some(aside));
        assert_eq!(gazed_person(sight(0.8), heads, 0.05), None);
        assert_eq!(gazed_person(sight(0.0), [(near, HeadTop(Vec3::new(0.0, 1.1, 0.0))), (far, HeadTop(Vec3::NAN))], 3.0), None);
    }
}
