use bevy::prelude::*;
use bevy_egui::egui::{self, Align2, Area, Frame, Id, Order, Rect, RichText, Sense, Stroke, StrokeKind, Ui, vec2};

use super::{
    Action,
    action::Direction,
    theme::{ACCENT, GRID, Palette},
};
use crate::{
    notice::Notice,
    room::SeatNumber,
    theater::{Cinema, HoveredSeat, Occupied, Theater, Viewer},
};

/// A seat is chosen without a mouse: it glows as one under the pointer does, and a plan of the hall shows which it is.
pub(super) fn plugin(app: &mut App) {
    app.init_resource::<ChosenSeat>().add_observer(on_action).add_systems(Update, keep.before(Theater::Move));
}

fn on_action(
    action: On<Action>,
    (viewer, occupied, cinema): (Res<Viewer>, Res<Occupied>, Res<Cinema>),
    mut chosen: ResMut<ChosenSeat>,
    mut hovered: ResMut<HoveredSeat>,
    mut commands: Commands,
) {
    let before = chosen.0;
    let after = match action.event() {
        Action::ChooseSeat if before.is_some() => None,
        Action::ChooseSeat if cinema.0 => {
            commands.trigger(Notice::news("Seats are in the hall: leave the cinema mode to choose one  (c)").about("seat"));
            None
        }
        Action::ChooseSeat => {
            let beside = BESIDE.into_iter().find_map(|towards| next(viewer.seat, towards, |seat| occupied.is_free(seat)));
            if beside.is_none() {
                commands.trigger(Notice::news("Every other seat is taken").about("seat"));
            }
            beside
        }
        Action::PointAtSeat(towards) => before.map(|from| next(from, *towards, |seat| occupied.is_free(seat)).unwrap_or(from)),
        // Whoever turns to something else does not choose any more.
        Action::Sit(_) | Action::Cinema | Action::Settings | Action::Help | Action::Chat => None,
        _ => before,
    };
    if after != before {
        chosen.0 = after;
        hovered.0 = after;
    }
}

/// A mouse may choose as well; where it points at nothing that is free, the chosen seat goes on glowing.
fn keep(occupied: Res<Occupied>, mut chosen: ResMut<ChosenSeat>, mut hovered: ResMut<HoveredSeat>) {
    let Some(seat) = chosen.0 else { return };
    match hovered.0 {
        Some(pointed) if occupied.is_free(pointed) => {
            chosen.set_if_neq(ChosenSeat(Some(pointed)));
        }
        // Somebody has sat down there meanwhile.
        _ if !occupied.is_free(seat) => (chosen.0, hovered.0) = (None, None),
        _ => {
            hovered.set_if_neq(HoveredSeat(Some(seat)));
        }
    }
}

/// The nearest free seat in a direction: in the same row, or in the next row that has one. So every free seat can be reached.
fn next(from: SeatNumber, towards: Direction, is_free: impl Fn(SeatNumber) -> bool) -> Option<SeatNumber> {
    let lies_there = |seat: &SeatNumber| match towards {
        Direction::Left => seat.row() == from.row() && seat.column() < from.column(),
        Direction::Right => seat.row() == from.row() && seat.column() > from.column(),
        // The screen is up, as on the plan.
        Direction::Up => seat.row() < from.row(),
        Direction::Down => seat.row() > from.row(),
    };
    let far = |seat: &SeatNumber| (seat.row().abs_diff(from.row()), seat.column().abs_diff(from.column()));
    SeatNumber::all().filter(|seat| is_free(*seat) && lies_there(seat)).min_by_key(far)
}

/// The hall from above, over the bar: which seat is chosen, which are taken. Where it stands.
pub(super) fn show(context: &egui::Context, chosen: ChosenSeat, (occupied, own): (&Occupied, SeatNumber), over: f32) -> Option<Rect> {
    let seat = chosen.0?;
    let palette = Palette::of(context.theme());
    let area = Area::new(Id::new("seats")).order(Order::Foreground).anchor(Align2::CENTER_BOTTOM, vec2(0.0, -over)).show(context, |ui| {
        Frame::new().fill(palette.panel).corner_radius(12).inner_margin(16).stroke(ui.visuals().window_stroke).show(ui, |ui| {
            let says = format!("Row {}, seat {}", seat.row() + 1, seat.get());
            ui.label(RichText::new(&says).color(palette.text));
            plan(ui, (seat, own), occupied, &says);
            ui.label(RichText::new("←↑↓→ choose  ·  Enter sits down  ·  Esc").small().color(palette.quiet));
        });
    });
    Some(area.response.rect)
}

fn plan(ui: &mut Ui, (chosen, own): (SeatNumber, SeatNumber), occupied: &Occupied, says: &str) {
    let palette = Palette::of(ui.ctx().theme());
    let size = vec2(SeatNumber::COLUMNS as f32, SeatNumber::ROWS as f32 + 1.0) * CELL;
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Image, true, says));
    let painter = ui.painter();
    let screen = Rect::from_center_size(rect.center_top() + vec2(0.0, CELL / 2.0), vec2(rect.width() * 0.8, 3.0));
    painter.rect_filled(screen, 1, palette.quiet);
    for seat in SeatNumber::all() {
        let middle = rect.min + vec2(seat.column() as f32 + 0.5, seat.row() as f32 + 1.5) * CELL;
        let place = Rect::from_center_size(middle, vec2(CELL - 6.0, CELL - 6.0));
        if seat == chosen {
            painter.rect_filled(place, 3, ACCENT);
            painter.rect_stroke(place.expand(2.0), 4, Stroke::new(1.5, palette.text), StrokeKind::Inside);
        } else if seat == own {
            painter.rect_filled(place, 3, palette.text);
        } else if occupied.is_free(seat) {
            painter.rect_filled(place, 3, palette.button_hovered);
        } else {
            painter.circle_filled(middle, 2.5, palette.quiet);
        }
    }
}

/// The seat that is being chosen, while one is.
#[derive(Resource, Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct ChosenSeat(Option<SeatNumber>);

impl ChosenSeat {
    /// What a key does while a seat is chosen; `None` for those that do what they always do.
    pub(super) fn does(self, key: KeyCode) -> Option<Action> {
        let seat = self.0?;
        match key {
            KeyCode::ArrowLeft => Some(Action::PointAtSeat(Direction::Left)),
            KeyCode::ArrowRight => Some(Action::PointAtSeat(Direction::Right)),
            KeyCode::ArrowUp => Some(Action::PointAtSeat(Direction::Up)),
            KeyCode::ArrowDown => Some(Action::PointAtSeat(Direction::Down)),
            KeyCode::Enter | KeyCode::NumpadEnter => Some(Action::Sit(seat)),
            KeyCode::Escape => Some(Action::ChooseSeat),
            _ => None,
        }
    }
}

/// Where the first seat to choose is looked for.
const BESIDE: [Direction; 4] = [Direction::Right, Direction::Left, Direction::Up, Direction::Down];
const CELL: f32 = 2.0 * GRID;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seat(number: u8) -> SeatNumber {
        SeatNumber::new(number).unwrap()
    }

    #[test]
    fn arrows_go_to_the_neighbour_and_over_those_who_sit_there() {
        let taken = [seat(35), seat(36), seat(25)];
        let to = |from, towards| next(seat(from), towards, |seat| !taken.contains(&seat)).map(SeatNumber::get);
        assert_eq!(to(35, Direction::Left), Some(34));
        assert_eq!(to(35, Direction::Right), Some(37));
        assert_eq!(to(34, Direction::Right), Some(37));
        assert_eq!(to(35, Direction::Down), Some(45));
        assert!(matches!(to(35, Direction::Up), Some(24 | 26)), "beside the one that is taken");
        assert_eq!((to(31, Direction::Left), to(40, Direction::Right)), (None, None), "a row ends at its aisle");
        assert_eq!((to(5, Direction::Up), to(65, Direction::Down)), (None, None));
    }

    #[test]
    fn keys_choose_only_while_a_seat_is_chosen() {
        let keys = [KeyCode::ArrowUp, KeyCode::Enter, KeyCode::Escape];
        assert!(keys.iter().all(|key| ChosenSeat::default().does(*key).is_none()));
        assert!(keys.iter().all(|key| ChosenSeat(Some(seat(7))).does(*key).is_some()));
        assert_eq!(ChosenSeat(Some(seat(7))).does(KeyCode::Space), None);
    }

    proptest! {
        #[test]
        fn every_free_seat_can_be_reached(taken in proptest::collection::vec(proptest::bool::ANY, 70), own in 1u8..=70) {
            let is_free = |seat: SeatNumber| !taken[usize::from(seat.get() - 1)] && seat.get() != own;
            let mut reached = vec![seat(own)];
            let mut looked_at = 0;
            while let Some(from) = reached.get(looked_at).copied() {
                looked_at += 1;
                for towards in BESIDE {
                    let there = next(from, towards, is_free).filter(|seat| !reached.contains(seat));
                    reached.extend(there);
                }
            }
            let missed: Vec<_> = SeatNumber::all().filter(|seat| is_free(*seat) && !reached.contains(seat)).collect();
            prop_assert!(missed.is_empty(), "{:?}", missed);
        }
    }
}
