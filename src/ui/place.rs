//! Where bubbles and names stand over the picture. Pure.

use bevy_egui::egui::{Pos2, Rect, Vec2, pos2, vec2};

/// Gives each label a rectangle inside `window` that touches no other one and nothing `blocked`: as near to its anchor as there is room, over it if that is
/// free. Earlier labels choose first, and one that had a place keeps it while it is free and none is much nearer. `None`: there is no room.
pub(super) fn lay_out(window: Rect, blocked: &[Rect], wanted: &[Wanted]) -> Vec<Option<Rect>> {
    let mut taken: Vec<Rect> = blocked.iter().filter(|rect| rect.is_finite() && rect.is_positive()).copied().collect();
    wanted
        .iter()
        .map(|label| {
            let place = find(window, &taken, label);
            taken.extend(place);
            place
        })
        .collect()
}

fn find(window: Rect, taken: &[Rect], label: &Wanted) -> Option<Rect> {
    let size = label.size;
    let fits = size.x > 0.0 && size.y > 0.0 && size.x <= window.width() && size.y <= window.height();
    if !fits || !label.anchor.x.is_finite() || !label.anchor.y.is_finite() {
        return None;
    }
    let inside = |at: Pos2| {
        let most = window.max - size;
        pos2(at.x.clamp(window.min.x, most.x), at.y.clamp(window.min.y, most.y))
    };
    let is_free = |at: Pos2| {
        let rect = Rect::from_min_size(at, size);
        // One that is touched is not met.
        !taken.iter().any(|other| {
            let meet = other.expand(GAP - TOUCH).intersect(rect);
            meet.width() > 0.0 && meet.height() > 0.0
        })
    };
    let ideal = inside(label.anchor + label.offset());
    // Rather a little lower than higher: that is where people sit.
    let far = |at: Pos2| {
        let way = at - ideal;
        vec2(way.x, if way.y < 0.0 { way.y * UPWARDS } else { way.y }).length()
    };
    // The nearest free place touches what is in the way: its edges are all there is to try.
    let xs = || taken.iter().flat_map(|other| [other.left() - GAP - size.x, other.right() + GAP]).chain([ideal.x]);
    let ys = || taken.iter().flat_map(|other| [other.top() - GAP - size.y, other.bottom() + GAP]).chain([ideal.y]);
    let places = xs().flat_map(|x| ys().map(move |y| pos2(x, y))).map(inside).filter(|at| is_free(*at));
    let best = places.min_by(|a, b| far(*a).total_cmp(&far(*b)))?;
    let kept = label.last.map(|offset| inside(label.anchor + offset)).filter(|at| is_free(*at) && far(*at) < far(best) + WORTH_MOVING);
    Some(Rect::from_min_size(kept.unwrap_or(best), size))
}

/// A label that wants to stand over something.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    /// What it belongs to.
    pub(super) anchor: Pos2,
    /// How large it is.
    pub(super) size: Vec2,
    /// From the anchor to its upper left corner, when it was placed last.
    pub(super) last: Option<Vec2>,
}

impl Wanted {
    /// From the anchor to the upper left corner, where it stands best: over it, with room for its tail.
    fn offset(&self) -> Vec2 {
        vec2(-self.size.x / 2.0, -self.size.y - TAIL)
    }
}

/// Between two of them.
const GAP: f32 = 8.0;
const TOUCH: f32 = 0.01;
/// What stands moves only to a place that is so much nearer.
const WORTH_MOVING: f32 = 40.0;
/// So much farther a way upwards counts.
const UPWARDS: f32 = 2.0;
/// Between a bubble and the head it belongs to.
pub(super) const TAIL: f32 = 10.0;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WINDOW: Rect = Rect { min: pos2(0.0, 0.0), max: pos2(1280.0, 720.0) };
    const SCREEN: Rect = Rect { min: pos2(300.0, 140.0), max: pos2(990.0, 500.0) };

    fn wanted(x: f32, y: f32) -> Wanted {
        Wanted { anchor: pos2(x, y), size: vec2(220.0, 60.0), last: None }
    }

    #[test]
    fn over_the_head_if_that_is_free() {
        let places = lay_out(WINDOW, &[SCREEN], &[wanted(400.0, 640.0)]);
        assert_eq!(places[0].unwrap().center_bottom(), pos2(400.0, 630.0));
    }

    #[test]
    fn under_the_screen_or_beside_it_but_never_over_it() {
        let places = lay_out(WINDOW, &[SCREEN], &[wanted(640.0, 530.0), wanted(320.0, 300.0)]);
        assert_eq!(places[0].unwrap().center_top(), pos2(640.0, 508.0));
        assert_eq!(places[1].unwrap().right(), 292.0);
    }

    #[test]
    fn neighbours_stand_beside_each_other() {
        let places = lay_out(WINDOW, &[SCREEN], &[wanted(600.0, 600.0), wanted(640.0, 600.0)]);
        let (one, other) = (places[0].unwrap(), places[1].unwrap());
        assert!(!one.intersects(other) && (other.center() - pos2(640.0, 560.0)).length() < 200.0, "{one:?} {other:?}");
    }

    #[test]
    fn what_stands_keeps_its_place_when_others_leave() {
        let first = lay_out(WINDOW, &[SCREEN], &[wanted(500.0, 640.0), wanted(700.0, 640.0)])[1].unwrap();
        let label = |x: f32| Wanted { last: Some(first.min - pos2(x, 640.0)), ..wanted(x, 640.0) };
        assert_eq!(lay_out(WINDOW, &[SCREEN], &[label(700.0)])[0], Some(first));
        assert_eq!(lay_out(WINDOW, &[SCREEN], &[label(900.0)])[0].unwrap().center().x, 900.0, "nobody stays far from their head");
    }

    #[test]
    fn where_the_screen_fills_the_window_there_are_none() {
        assert_eq!(lay_out(WINDOW, &[WINDOW], &[wanted(640.0, 600.0)]), [None]);
        assert_eq!(lay_out(WINDOW, &[], &[Wanted { size: vec2(2000.0, 10.0), ..wanted(0.0, 0.0) }]), [None]);
        assert_eq!(lay_out(WINDOW, &[], &[wanted(f32::NAN, 0.0)]), [None]);
    }

    proptest! {
        #[test]
        fn none_overlaps_leaves_the_window_or_covers_the_screen(
            labels in proptest::collection::vec((-200.0_f32..1500.0, -200.0_f32..900.0, 10.0_f32..400.0, 10.0_f32..120.0), 0..12),
            screen in (0.0_f32..800.0, 0.0_f32..400.0, 0.0_f32..1200.0, 0.0_f32..600.0),
            lasts in any::<bool>(),
        ) {
            let screen = Rect::from_min_size(pos2(screen.0, screen.1), vec2(screen.2, screen.3));
            let labels: Vec<_> = labels
                .into_iter()
                .map(|(x, y, width, height)| {
                    Wanted { anchor: pos2(x, y), size: vec2(width, height), last: lasts.then_some(vec2(10.0, -40.0)) }
                })
                .collect();
            let places: Vec<_> = lay_out(WINDOW, &[screen], &labels).into_iter().flatten().collect();
            for (index, place) in places.iter().enumerate() {
                prop_assert!(WINDOW.expand(0.01).contains_rect(*place));
                for other in places[index + 1..].iter().chain([&screen]) {
                    let meet = other.intersect(*place);
                    prop_assert!(meet.width() <= 0.0 || meet.height() <= 0.0, "{:?} {:?}", place, other);
                }
            }
        }
    }
}
