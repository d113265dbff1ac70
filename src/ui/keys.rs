use bevy::{
    input::{ButtonState, keyboard::KeyboardInput},
    prelude::*,
};
use bevy_egui::input::EguiWantsInput;

use super::{
    Action, Awake,
    action::{Direction, RateChange},
    seat::ChosenSeat,
    tracks::STEP_NS,
    walk,
};
use crate::{
    audio::Tune,
    film::{DelaySubtitles, StepFrame, TurnChapter},
    room::Emote,
    theater::Viewer,
    voice::Speak,
};

/// Keys, as in mpv and on YouTube. While text is typed none of them reaches the hall.
pub(super) fn plugin(app: &mut App) {
    app.add_systems(PreUpdate, press.after(bevy_egui::EguiPreUpdateSet::BeginPass));
}

fn press(
    mut presses: MessageReader<KeyboardInput>,
    held: Res<ButtonInput<KeyCode>>,
    wants: Res<EguiWantsInput>,
    (viewer, chosen): (Res<Viewer>, Res<ChosenSeat>),
    mut awake: ResMut<Awake>,
    mut commands: Commands,
) {
    let is_typing = wants.wants_any_keyboard_input();
    let has_modifier = held.any_pressed([KeyCode::ControlLeft, KeyCode::ControlRight, KeyCode::AltLeft, KeyCode::SuperLeft]);
    for press in presses.read() {
        let is_down = press.state == ButtonState::Pressed;
        let walks = viewer.stands.is_some() && walk::walks(press.key_code);
        if is_down && (is_typing || press.key_code == KeyCode::Tab && !has_modifier) {
            // Whoever goes through the buttons by keys, or is about to, must see them.
            awake.wake();
        }
        if !is_down || is_typing || has_modifier || walks {
            continue;
        }
        if let Some(action) = chosen.does(press.key_code).filter(|_| !is_shifted(&held)) {
            if !press.repeat || matches!(action, Action::PointAtSeat(_)) {
                awake.wake();
                commands.trigger(action);
            }
            continue;
        }
        if let Some(key) = KEYS.iter().find(|key| key.matches(press.key_code, press.logical_key.clone(), &held))
            && (key.repeats || !press.repeat)
        {
            awake.wake();
            commands.trigger((key.action)());
        }
    }
}

fn is_shifted(held: &ButtonInput<KeyCode>) -> bool {
    held.any_pressed([KeyCode::ShiftLeft, KeyCode::ShiftRight])
}

/// A key and what it does.
pub(super) struct Key {
    /// Where it lies on the keyboard, or the character it types.
    place: Place,
    /// How it is called.
    pub(super) name: &'static str,
    /// What it does, in words.
    pub(super) does: &'static str,
    action: fn() -> Action,
    repeats: bool,
}

enum Place {
    Code(KeyCode),
    Shifted(KeyCode),
    Typed(&'static str),
}

impl Key {
    fn matches(&self, code: KeyCode, logical: bevy::input::keyboard::Key, held: &ButtonInput<KeyCode>) -> bool {
        match self.place {
            Place::Code(own) => own == code && !is_shifted(held),
            Place::Shifted(own) => own == code && is_shifted(held),
            Place::Typed(own) => matches!(logical, bevy::input::keyboard::Key::Character(typed) if typed.to_lowercase() == own),
        }
    }

    const fn new(code: KeyCode, name: &'static str, does: &'static str, action: fn() -> Action) -> Self {
        Self { place: Place::Code(code), name, does, action, repeats: false }
    }

    const fn shifted(code: KeyCode, name: &'static str, does: &'static str, action: fn() -> Action) -> Self {
        Self { place: Place::Shifted(code), name, does, action, repeats: false }
    }

    const fn typed(typed: &'static str, does: &'static str, action: fn() -> Action) -> Self {
        Self { place: Place::Typed(typed), name: typed, does, action, repeats: false }
    }

    const fn repeating(self) -> Self {
        Self { repeats: true, ..self }
    }
}

/// Every key. The first of those that do the same stands in tooltips.
pub(super) const KEYS: &[Key] = &[
    Key::new(KeyCode::Space, "Space", "Play or pause", || Action::Toggle),
    Key::typed("k", "Play or pause", || Action::Toggle),
    Key::new(KeyCode::ArrowLeft, "←", "5 seconds back", || Action::SeekBy { seconds: -5 }).repeating(),
    Key::new(KeyCode::ArrowRight, "→", "5 seconds on", || Action::SeekBy { seconds: 5 }).repeating(),
    Key::typed("j", "10 seconds back", || Action::SeekBy { seconds: -10 }).repeating(),
    Key::typed("l", "10 seconds on", || Action::SeekBy { seconds: 10 }).repeating(),
    Key::new(KeyCode::PageUp, "Page up", "Next chapter, or a minute on", || Action::Chapter(TurnChapter::Next)).repeating(),
    Key::new(KeyCode::PageDown, "Page down", "Previous chapter, or a minute back", || Action::Chapter(TurnChapter::Previous)).repeating(),
    Key::new(KeyCode::Home, "Home", "To the beginning", || Action::SeekTo { seconds: 0.0 }),
    Key::typed(".", "Next picture", || Action::Step(StepFrame::Next)).repeating(),
    Key::typed(",", "Previous picture", || Action::Step(StepFrame::Previous)).repeating(),
    Key::typed("]", "Faster", || Action::Rate(RateChange::Faster)),
    Key::typed("[", "Slower", || Action::Rate(RateChange::Slower)),
    Key::new(KeyCode::Backspace, "Backspace", "Normal speed", || Action::Rate(RateChange::Normal)),
    Key::new(KeyCode::ArrowUp, "↑", "Louder", || Action::VolumeBy { percent: 5.0 }).repeating(),
    Key::new(KeyCode::ArrowDown, "↓", "Quieter", || Action::VolumeBy { percent: -5.0 }).repeating(),
    Key::typed("0", "Louder", || Action::VolumeBy { percent: 2.0 }).repeating(),
    Key::typed("9", "Quieter", || Action::VolumeBy { percent: -2.0 }).repeating(),
    Key::typed("m", "Sound off or on", || Action::Mute),
    Key::typed("a", "Next sound track", || Action::NextSound),
    Key::typed("#", "Next sound track", || Action::NextSound),
    Key::typed("s", "Next subtitles", || Action::NextSubtitle),
    Key::typed("z", "Subtitles sooner", || Action::DelaySubtitles(DelaySubtitles::By { ns: -STEP_NS })).repeating(),
    Key::typed("h", "Subtitles later", || Action::DelaySubtitles(DelaySubtitles::By { ns: STEP_NS })).repeating(),
    Key::typed("r", "Raise or lower the remote", || Action::Remote),
    Key::typed("b", "House lights: as the film wants, up, down", || Action::Lights),
    Key::typed("c", "The film fills the window", || Action::Cinema),
    Key::typed("f", "Full screen", || Action::FullScreen),
    Key::shifted(KeyCode::ArrowLeft, "Shift ←", "Look to the left", || Action::Turn(Direction::Left)).repeating(),
    Key::shifted(KeyCode::ArrowRight, "Shift →", "Look to the right", || Action::Turn(Direction::Right)).repeating(),
    Key::shifted(KeyCode::ArrowUp, "Shift ↑", "Look up", || Action::Turn(Direction::Up)).repeating(),
    Key::shifted(KeyCode::ArrowDown, "Shift ↓", "Look down", || Action::Turn(Direction::Down)).repeating(),
    Key::typed("v", "Look at the screen again", || Action::LookAhead),
    Key::typed("d", "Sit down elsewhere: arrows choose a seat, Enter takes it, Esc does not", || Action::ChooseSeat),
    Key::typed("w", "Get up; then W A S D walk, and a click on a seat or Esc sits down", || Action::StandUp),
    Key::new(KeyCode::Enter, "Enter", "Say something to everybody", || Action::Chat),
    Key::typed("p", "Who is here, and the invite", || Action::People),
    Key::typed("i", "Copy the invite", || Action::CopyInvite { for_moderators: false }),
    Key::typed("u", "Open the theater to friends", || Action::OpenTheater),
    Key::new(KeyCode::F3, "F3", "Microphone on or off", || Action::Speak(Speak::ToggleOpen)),
    Key::new(KeyCode::F4, "F4", "Camera: seen by you first, then by everybody, then off", || Action::Camera),
    Key::new(KeyCode::F6, "F6", "Whisper to those beside, or not", || Action::Speak(Speak::ToggleWhisper)),
    Key::typed("e", "Show something: wave, clap, laugh, heart, thumb, popcorn, hand (1 to 7)", || Action::EmoteWheel),
    Key::typed("1", "Wave", || Action::Emote(Emote::Wave)),
    Key::typed("2", "Clap", || Action::Emote(Emote::Clap)),
    Key::typed("3", "Laugh", || Action::Emote(Emote::Laugh)),
    Key::typed("4", "Heart", || Action::Emote(Emote::Heart)),
    Key::typed("5", "Thumb up", || Action::Emote(Emote::Thumbs)),
    Key::typed("6", "Popcorn", || Action::Emote(Emote::Popcorn)),
    Key::typed("7", "Raise your hand, or take it down", || Action::Emote(Emote::Hand)),
    Key::typed("g", "Start without waiting", || Action::StartAnyway),
    Key::typed("o", "Open a film", || Action::ChooseFile),
    Key::typed("x", "Take the film off the screen", || Action::Close),
    Key::typed("n", "Dark, light, or as the system", || Action::Theme),
    Key::typed("y", "Night mode: loud parts quieter, quiet parts louder", || Action::Tune(Tune::ToggleNight)),
    Key::new(KeyCode::F2, "F2", "Settings", || Action::Settings),
    Key::typed("?", "This list", || Action::Help),
    Key::new(KeyCode::Escape, "Esc", "Close what is in front", || Action::Back),
    Key::typed("q", "Leave", || Action::Leave),
];

/// The name of the key for an action, for tooltips.
pub(super) fn key_for(action: &Action) -> Option<&'static str> {
    KEYS.iter().find(|key| (key.action)() == *action).map(|key| key.name)
}

/// The key that opens the theater to friends.
pub(super) fn opening_key() -> &'static str {
    key_for(&Action::OpenTheater).unwrap_or_default()
}

/// What an action does and by which key; `None` where no key does it.
pub(super) fn hint_for(action: &Action) -> Option<String> {
    KEYS.iter().find(|key| (key.action)() == *action).map(|key| format!("{}  ({})", key.does, key.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How a hand that has only keys does something.
    enum Way {
        /// With a key of its own.
        Key,
        /// In what this key opens, or step by step with it.
        After(&'static str),
    }

    macro_rules! ways {
        ($($action:pat => $way:expr,)*) => {
            /// Nothing is left out: the compiler asks for what is new.
            fn kind(action: &Action) -> &'static str {
                match action {
                    $($action => stringify!($action),)*
                }
            }

            const WAYS: &[(&str, Way)] = &[$((stringify!($action), $way),)*];
        };
    }

    ways! {
        Action::Toggle => Way::Key,
        Action::SeekBy { .. } => Way::Key,
        Action::SeekTo { .. } => Way::Key,
        Action::Chapter(_) => Way::Key,
        Action::Step(_) => Way::Key,
        Action::Rate(_) => Way::Key,
        Action::Tune(_) => Way::Key,
        Action::Place(_) => Way::After("F2"),
        Action::Quality(_) => Way::After("F2"),
        Action::Speak(_) => Way::Key,
        Action::Camera => Way::Key,
        Action::CameraTo(_) => Way::After("F2"),
        Action::Emote(_) => Way::Key,
        Action::EmoteWheel => Way::Key,
        Action::VoiceTo(_) => Way::After("F2"),
        Action::VolumeOf { .. } => Way::After("p"),
        Action::MuteForMe(_) => Way::After("p"),
        Action::HardwareDecoding(_) => Way::After("F2"),
        Action::ThemeTo(_) => Way::After("F2"),
        Action::PanelsTo(_) => Way::After("F2"),
        Action::TryCamera(_) => Way::After("F2"),
        Action::ForgetPlaces => Way::After("F2"),
        Action::Settings => Way::Key,
        Action::VolumeBy { .. } => Way::Key,
        Action::VolumeTo { .. } => Way::After("↑"),
        Action::Mute => Way::Key,
        Action::NextSound => Way::Key,
        Action::ChooseSound(_) => Way::After("a"),
        Action::NextSubtitle => Way::Key,
        Action::ChooseSubtitle(_) => Way::After("s"),
        Action::DelaySubtitles(_) => Way::Key,
        Action::Subtitles(_) => Way::After("F2"),
        Action::Lights => Way::Key,
        Action::Cinema => Way::Key,
        Action::Remote => Way::Key,
        Action::Help => Way::Key,
        Action::ChooseSeat => Way::Key,
        Action::PointAtSeat(_) => Way::After("d"),
        Action::Sit(_) => Way::After("d"),
        Action::StandUp => Way::Key,
        Action::Turn(_) => Way::Key,
        Action::LookAhead => Way::Key,
        Action::FullScreen => Way::Key,
        Action::People => Way::Key,
        Action::Chat => Way::Key,
        Action::CloseChat => Way::After("Esc"),
        Action::Say(_) => Way::After("Enter"),
        Action::StartAnyway => Way::Key,
        Action::OpenTheater => Way::Key,
        // The lobby is there once no film is on the screen.
        Action::Join(_) => Way::After("x"),
        Action::LeaveTheater => Way::After("p"),
        Action::CopyInvite { .. } => Way::Key,
        Action::Moderate(_) => Way::After("p"),
        Action::Name(_) => Way::After("x"),
        Action::Dress(_) => Way::After("x"),
        Action::Back => Way::Key,
        Action::Theme => Way::Key,
        Action::ChooseFile => Way::Key,
        Action::ChooseCameraFile => Way::After("F2"),
        Action::OpenFile(_) => Way::After("o"),
        Action::PlayDemo => Way::After("x"),
        Action::Close => Way::Key,
        Action::Leave => Way::Key,
    }

    /// Keys alone suffice.
    #[test]
    fn every_action_has_a_key_or_is_a_named_exception() {
        for (action, way) in WAYS {
            let has_key = KEYS.iter().any(|key| kind(&(key.action)()) == *action);
            match way {
                Way::Key => assert!(has_key, "{action} has no key"),
                Way::After(name) => {
                    assert!(!has_key, "{action} has a key and is no exception");
                    assert!(KEYS.iter().any(|key| key.name == *name), "{action}: no key is called {name}");
                }
            }
        }
    }

    #[test]
    fn no_key_does_two_things() {
        for (index, key) in KEYS.iter().enumerate() {
            assert!(KEYS[index + 1..].iter().all(|other| other.name != key.name), "{}", key.name);
        }
    }
}
