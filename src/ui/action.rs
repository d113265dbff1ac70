use std::path::PathBuf;

use bevy::{
    app::AppExit,
    prelude::*,
    window::{MonitorSelection, PrimaryWindow, WindowMode},
};
use bevy_egui::EguiClipboard;

use super::{Look, Panels, Remote, Theme, dialog::AskForFile, settings::Choices};
use crate::{
    audio::{ChangeVolume, Tune},
    clock::{FilmTime, Rate},
    film::{
        ChooseSound, ChooseSubtitle, DelaySubtitles, FilmSource, ForgetPlaces, HardwareDecoding, Open, StepFrame, SubtitleLook, TurnChapter,
    },
    notice::Notice,
    room::{
        Appearance, Ask, Emote, Hosting, Join, Leave, Mine, Moderation, Myself, OpenTheater, ParticipantId, PersonName, Playback, Room,
        Say, SeatNumber, SitDown, Standing, Words,
    },
    theater::{Cinema, Lights, PlaceSettings, Quality, SitBack, StandUp, Viewer},
    voice::{MyVoice, Speak},
    webcam::CameraChoice,
};

/// Turns what a person does into the events of the folders that do it.
pub(super) fn plugin(app: &mut App) {
    app.add_observer(on_action);
}

fn on_action(
    action: On<Action>,
    mut panels: ResMut<Panels>,
    mut cinema: ResMut<Cinema>,
    mut lights: ResMut<Lights>,
    mut viewer: ResMut<Viewer>,
    mut remote: ResMut<Remote>,
    mut look: ResMut<Look>,
    mut myself: ResMut<Myself>,
    (hosting, standing): (Option<Res<Hosting>>, Res<Standing>),
    room: Option<Single<&Playback, With<Room>>>,
    (mut choices, mut place, mut quality): (ResMut<Choices>, ResMut<PlaceSettings>, ResMut<Quality>),
    (mut subtitles, mut hardware): (ResMut<SubtitleLook>, ResMut<HardwareDecoding>),
    mut clipboard: ResMut<EguiClipboard>,
    mut windows: Query<&mut Window, With<PrimaryWindow>>,
    mut commands: Commands,
) {
    match action.event().clone() {
        Action::Toggle => commands.trigger(Ask::Toggle),
        Action::SeekBy { seconds } => commands.trigger(Ask::SeekBy { ns: i64::from(seconds) * 1_000_000_000 }),
        Action::SeekTo { seconds } => {
            if let Some(film_time) = FilmTime::from_s(seconds) {
                commands.trigger(Ask::SeekTo(film_time));
            }
        }
        Action::Chapter(turn) => commands.trigger(turn),
        Action::Step(step) => commands.trigger(step),
        Action::Rate(change) => {
            if let Some(room) = &room {
                commands.trigger(Ask::Rate(change.of(room.timeline.rate)));
            }
        }
        Action::Tune(tune) => commands.trigger(tune),
        Action::Place(chosen) => *place = chosen,
        Action::Quality(chosen) => *quality = chosen,
        Action::HardwareDecoding(is_on) => hardware.0 = is_on,
        // `speak`, `neck` and `seat` do these.
        Action::Speak(_)
        | Action::Turn(_)
        | Action::ChooseSeat
        | Action::PointAtSeat(_)
        | Action::Camera
        | Action::CameraTo(_)
        | Action::TryCamera(_)
        | Action::Emote(_)
        | Action::EmoteWheel
        | Action::VoiceTo(_)
        | Action::VolumeOf { .. }
        | Action::MuteForMe(_) => {}
        Action::ThemeTo(theme) => look.theme = theme,
        Action::PanelsTo(percent) => look.percent = percent,
        Action::ForgetPlaces => commands.trigger(ForgetPlaces),
        Action::Settings => choices.toggle(),
        Action::VolumeBy { percent } => commands.trigger(ChangeVolume::By(percent)),
        Action::VolumeTo { percent } => commands.trigger(ChangeVolume::To(percent)),
        Action::Mute => commands.trigger(ChangeVolume::ToggleMute),
        Action::NextSound => commands.trigger(ChooseSound::Next),
        Action::ChooseSound(choice) => commands.trigger(choice),
        Action::NextSubtitle => commands.trigger(ChooseSubtitle::Next),
        Action::ChooseSubtitle(choice) => commands.trigger(choice),
        Action::DelaySubtitles(delay) => commands.trigger(delay),
        Action::Subtitles(chosen) => *subtitles = chosen,
        Action::Lights => {
            lights.turn();
            let says = match *lights {
                Lights::AsTheFilm => "House lights: as the film wants",
                Lights::Up => "House lights: up",
                Lights::Down => "House lights: down",
            };
            commands.trigger(Notice::news(says).about("house lights"));
        }
        Action::Cinema => cinema.0 = !cinema.0,
        Action::Remote => remote.is_up = !remote.is_up,
        Action::Help => panels.help = !panels.help,
        Action::Sit(seat) => commands.trigger(SitDown(seat)),
        Action::StandUp => commands.trigger(StandUp),
        Action::LookAhead => (viewer.yaw, viewer.pitch) = (0.0, 0.0),
        Action::FullScreen => {
            for mut window in &mut windows {
                window.mode = match window.mode {
                    WindowMode::Windowed => WindowMode::BorderlessFullscreen(MonitorSelection::Current),
                    _ => WindowMode::Windowed,
                };
            }
        }
        Action::Back => {
            if choices.is_shown {
                choices.toggle();
            } else if panels.help {
                panels.help = false;
            } else if panels.chat {
                panels.chat = false;
            } else if panels.people {
                panels.people = false;
            } else if cinema.0 {
                cinema.0 = false;
            } else if viewer.stands.is_some() {
                commands.trigger(SitBack);
            } else {
                for mut window in &mut windows {
                    window.mode = WindowMode::Windowed;
                }
            }
        }
        Action::Theme => {
            look.theme = match look.theme {
                Theme::System => Theme::Dark,
                Theme::Dark => Theme::Light,
                Theme::Light => Theme::System,
            }
        }
        Action::ChooseFile => commands.trigger(AskForFile::ForScreen),
        Action::ChooseCameraFile => commands.trigger(AskForFile::ForCamera),
        Action::OpenFile(path) => commands.trigger(Open { source: FilmSource::File(path), plays: true }),
        Action::PlayDemo => commands.trigger(Open { source: FilmSource::Demo, plays: true }),
        Action::Close => commands.trigger(Ask::Close),
        Action::People => panels.people = !panels.people,
        Action::Chat if *standing == Standing::Alone => {
            commands.trigger(Notice::news("Nobody else is here to read it: open the theater to friends first.").about("chat"));
        }
        Action::Chat => (panels.chat, panels.begins_typing) = (true, true),
        Action::CloseChat => panels.chat = false,
        Action::Say(text) => {
            let words = Words::from(text);
            if !words.is_empty() {
                commands.trigger(Say(words));
            }
        }
        Action::StartAnyway => commands.trigger(Ask::StartAnyway),
        Action::OpenTheater => {
            panels.people = true;
            commands.trigger(OpenTheater { without_seat: false });
        }
        Action::Join(invite) => commands.trigger(Join { invite }),
        Action::LeaveTheater => commands.trigger(Leave),
        Action::CopyInvite { for_moderators } => match hosting {
            Some(hosting) => {
                let invite = if for_moderators { &hosting.moderator_invite } else { &hosting.invite };
                clipboard.set_text(invite);
                let is_copied = clipboard.get_text().is_some_and(|text| text == *invite);
                let notice = match (is_copied, for_moderators) {
                    (true, true) => Notice::news("The moderators' invite is copied"),
                    (true, false) => Notice::news("The invite is copied: send it to your friends"),
                    (false, _) => {
                        Notice::problem("The clipboard does not answer. Mark the invite in the list of people and copy it by hand.")
                    }
                };
                commands.trigger(notice.about("invite"));
            }
            None => commands.trigger(Notice::problem("There is no invite: open the theater to friends first.").about("invite")),
        },
        Action::Moderate(moderation) => {
            (panels.person, panels.is_removing) = (None, false);
            commands.trigger(moderation);
        }
        Action::Name(name) => {
            let name = PersonName::from(name);
            if myself.name != name {
                myself.name = name;
            }
        }
        Action::Dress(appearance) => {
            if myself.appearance != appearance {
                myself.appearance = appearance;
                commands.trigger(Mine(appearance));
            }
        }
        Action::Leave => {
            commands.write_message(AppExit::Success);
        }
    }
}

/// Everything a person can do, by whatever means.
#[derive(Event, Debug, Clone, PartialEq)]
pub enum Action {
    /// Play or pause.
    Toggle,
    /// Go on or back.
    SeekBy {
        /// Of film.
        seconds: i32,
    },
    /// Go to a place.
    SeekTo {
        /// From the film's beginning.
        seconds: f64,
    },
    /// Go to a chapter.
    Chapter(TurnChapter),
    /// Go from picture to picture.
    Step(StepFrame),
    /// Faster or slower, for everybody.
    Rate(RateChange),
    /// How sound is heard here.
    Tune(Tune),
    /// How the hall is seen and heard here.
    Place(PlaceSettings),
    /// How much detail is drawn.
    Quality(Quality),
    /// Be heard, or not.
    Speak(Speak),
    /// Be seen, or not.
    Camera,
    /// Which camera.
    CameraTo(CameraChoice),
    /// Show something without words.
    Emote(Emote),
    /// Open or close the wheel of these.
    EmoteWheel,
    /// How one speaks and hears.
    VoiceTo(MyVoice),
    /// How loud one wants to hear somebody.
    VolumeOf {
        /// Whom.
        who: ParticipantId,
        /// In percent; 0 is not at all.
        percent: u8,
    },
    /// Hear somebody no longer, for oneself alone; or again.
    MuteForMe(ParticipantId),
    /// Let the graphics card decode the films opened from now on, or not.
    HardwareDecoding(bool),
    /// Panels like this.
    ThemeTo(Theme),
    /// Panels and letters of another size, in percent of the usual one.
    PanelsTo(u16),
    /// Look at my camera, which nobody else sees yet; or no longer.
    TryCamera(bool),
    /// Forget where films were left.
    ForgetPlaces,
    /// What one can choose for oneself.
    Settings,
    /// Louder or quieter.
    VolumeBy {
        /// Of the original.
        percent: f32,
    },
    /// This loud.
    VolumeTo {
        /// Of the original.
        percent: f32,
    },
    /// Sound off, or on again.
    Mute,
    /// The next sound track.
    NextSound,
    /// This sound track.
    ChooseSound(ChooseSound),
    /// The next subtitles.
    NextSubtitle,
    /// These subtitles.
    ChooseSubtitle(ChooseSubtitle),
    /// Subtitles later or sooner.
    DelaySubtitles(DelaySubtitles),
    /// How subtitles look.
    Subtitles(SubtitleLook),
    /// House lights: as the film wants, up, or down.
    Lights,
    /// The film fills the window, or the hall is back.
    Cinema,
    /// Raise or lower the remote.
    Remote,
    /// The list of keys.
    Help,
    /// Choose a seat without a mouse, or no longer.
    ChooseSeat,
    /// The next free seat in this direction, while one chooses.
    PointAtSeat(Direction),
    /// Sit down there.
    Sit(SeatNumber),
    /// Get up.
    StandUp,
    /// Turn the head by a step.
    Turn(Direction),
    /// Look at the screen.
    LookAhead,
    /// The window fills the display, or is a window again.
    FullScreen,
    /// Who is here, and the invite.
    People,
    /// Show the chat and begin to type.
    Chat,
    /// The chat is only glimpsed.
    CloseChat,
    /// Say this to everybody.
    Say(String),
    /// Do not wait for those who are not ready.
    StartAnyway,
    /// Let friends in.
    OpenTheater,
    /// Go to the theater of this invite.
    Join(String),
    /// Leave a friend's theater, or close one's own.
    LeaveTheater,
    /// Put the invite where it can be pasted from.
    CopyInvite {
        /// The one that makes moderators.
        for_moderators: bool,
    },
    /// Give and take rights.
    Moderate(Moderation),
    /// What one is called, before one joins.
    Name(String),
    /// What one's own figure looks like.
    Dress(Appearance),
    /// Close what is in front: help, chat, people, cinema mode; sit down; leave full screen.
    Back,
    /// Dark, light, or as the system.
    Theme,
    /// Choose a film in the system's dialog.
    ChooseFile,
    /// Choose a film, in the system's dialog, to show in the place of one's face.
    ChooseCameraFile,
    /// Open this film.
    OpenFile(PathBuf),
    /// Open the film inside the program.
    PlayDemo,
    /// Take the film off the screen.
    Close,
    /// Leave the theater.
    Leave,
}

/// As one sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// To the left.
    Left,
    /// To the right.
    Right,
    /// Upwards; of seats, towards the screen.
    Up,
    /// Downwards; of seats, away from the screen.
    Down,
}

/// How the film's speed is to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateChange {
    /// To the next faster of the usual speeds.
    Faster,
    /// To the next slower one.
    Slower,
    /// The film's own.
    Normal,
}

impl RateChange {
    fn of(self, rate: Rate) -> Rate {
        let rates = || RATES.into_iter().filter_map(Rate::from_factor);
        match self {
            Self::Faster => rates().find(|faster| *faster > rate).unwrap_or(Rate::MOST),
            Self::Slower => rates().rfind(|slower| *slower < rate).unwrap_or(Rate::LEAST),
            Self::Normal => Rate::ONE,
        }
    }
}

const RATES: [f64; 9] = [0.5, 0.75, 0.9, 1.0, 1.1, 1.25, 1.5, 1.75, 2.0];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds_change_in_usual_steps() {
        let at = |factor| Rate::from_factor(factor).unwrap();
        assert_eq!([1.0, 1.07, 2.0].map(|rate| RateChange::Faster.of(at(rate))), [1.1, 1.1, 2.0].map(at));
        assert_eq!([1.0, 1.07, 0.5].map(|rate| RateChange::Slower.of(at(rate))), [0.9, 1.0, 0.5].map(at));
        assert_eq!(RateChange::Normal.of(at(1.5)), Rate::ONE);
    }
}
