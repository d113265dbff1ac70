use std::path::PathBuf;

use bevy::prelude::*;
use serde::Serialize;

use super::{
    people,
    state::{LastProblem, State},
    tracks::Tracks,
};
use crate::{
    audio::{ChangeVolume, OFFSET_MAX_MS, Tune},
    clock::{FilmTime, Rate},
    film::{AddSubtitles, ChooseSound, ChooseSubtitle, DelaySubtitles, FilmSource, Open, Screening, StepFrame, TurnChapter},
    room::{
        Ask, Emote, Footing, GatherLimit, Head, LINE_CHARS_MAX, Leave, Me, Moderation, Participant, ParticipantId, Playback, Right, Room,
        Say, SeatNumber, ShowEmote, SitDown, Stance, Standing, Turned, Wish, Words, why_not_present,
    },
    voice::Speak,
    webcam::TurnCamera,
};

/// One command.
#[derive(Debug, Clone, PartialEq)]
pub enum Line {
    /// Put a film on the screen.
    Open(PathBuf),
    /// Go on.
    Play,
    /// Stand.
    Pause,
    /// Play or stand.
    Toggle,
    /// Go to a place.
    Seek(FilmTime),
    /// Run faster or slower, for everybody.
    Rate(Rate),
    /// Show the picture after or before this one.
    Step(StepFrame),
    /// Go to chapter `N`, counted from 1.
    Chapter(usize),
    /// Play sound track `N`, counted from 1; 0 for none.
    Audio(usize),
    /// Show subtitle track `N`, counted from 1; 0 for none.
    Subtitle(usize),
    /// Read a file of subtitles and show it.
    SubtitleFile(PathBuf),
    /// Show the subtitles so much later, in nanoseconds.
    SubtitleDelay(i64),
    /// The film's volume in percent.
    Volume(f32),
    /// Sound off or on again.
    Mute,
    /// Night mode on or off.
    Night(bool),
    /// How much later the sound reaches the ear than the device knows, in milliseconds.
    Offset(i32),
    /// Play on this sound device; `None` is the system's choice.
    Device(Option<String>),
    /// Put a film on the screen for everybody; it plays when all are ready.
    Present(PathBuf),
    /// Do not wait for those who are not ready.
    Start,
    /// Sit down there.
    Sit(SeatNumber),
    /// Get up and stand there: metres to the right of the hall's middle, and from the screen.
    Stand(Stance),
    /// Turn the head: degrees to the left of the screen, and upwards.
    Look(f32, f32),
    /// Say something in the chat.
    Say(String),
    /// Who is here.
    People,
    /// What was said.
    Chat,
    /// The invites to this theater.
    Invite,
    /// What a moderator does about somebody.
    Moderate(Deed, String),
    /// Leave the remote to moderators and whom they allow.
    Lock,
    /// Give the remote to everybody.
    Unlock,
    /// For how long a film waits for everybody.
    GatherLimit(GatherLimit),
    /// Speak, open the microphone, whisper.
    Speak(Speak),
    /// Show one's face, or not.
    Camera(bool),
    /// Show something without words.
    Emote(Emote),
    /// Leave somebody's theater, or close one's own to others.
    Leave,
    /// Say how things are.
    State,
    /// Say what the film has to see, to hear and to read.
    Tracks,
    /// Take the film off the screen.
    Close,
    /// Leave.
    Quit,
}

impl Line {
    /// Reads a command.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn parse(line: &str) -> Result<Self, String> {
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let rest = rest.trim();
        let bare = |command: Self| if rest.is_empty() { Ok(command) } else { Err(format!("`{word}` stands alone.")) };
        let number = || rest.parse::<f64>().ok().filter(|number| number.is_finite());
        match word {
            "open" if !rest.is_empty() => Ok(Self::Open(rest.into())),
            "open" => Err("Say which film: open FILE.".to_owned()),
            "play" => bare(Self::Play),
            "pause" => bare(Self::Pause),
            "toggle" => bare(Self::Toggle),
            "seek" => number().and_then(FilmTime::from_s).map(Self::Seek).ok_or_else(|| "Say where to in seconds: seek 12.5.".to_owned()),
            "rate" => number().and_then(Rate::from_factor).map(Self::Rate).ok_or_else(|| "Say how fast, 0.5 to 2: rate 1.25.".to_owned()),
            "step" if rest == "1" || rest.is_empty() => Ok(Self::Step(StepFrame::Next)),
            "step" if rest == "-1" => Ok(Self::Step(StepFrame::Previous)),
            "step" => Err("Say which way: step 1 or step -1.".to_owned()),
            "chapter" => rest
                .parse()
                .ok()
                .filter(|&number| number > 0)
                .map(Self::Chapter)
                .ok_or_else(|| "Say which chapter, counted from 1: chapter 2.".to_owned()),
            "audio" => rest
                .parse()
                .ok()
                .map(Self::Audio)
                .ok_or_else(|| "Say which sound track, counted from 1: audio 2; audio 0 is none.".to_owned()),
            "subtitle" if rest == "off" => Ok(Self::Subtitle(0)),
            "subtitle" => rest
                .parse()
                .ok()
                .map(Self::Subtitle)
                .ok_or_else(|| "Say which subtitle track, counted from 1: subtitle 2; subtitle off is none.".to_owned()),
            "subtitle-file" if !rest.is_empty() => Ok(Self::SubtitleFile(rest.into())),
            "subtitle-file" => Err("Say which file: subtitle-file FILE.".to_owned()),
            "subtitle-delay" => number()
                .filter(|seconds| seconds.abs() <= 3600.0)
                .map(|seconds| Self::SubtitleDelay((seconds * 1e9) as i64))
                .ok_or_else(|| "Say by how many seconds, up to an hour: subtitle-delay 0.5; a negative number is sooner.".to_owned()),
            "volume" => number()
                .filter(|volume| (0.0..=f64::from(crate::audio::VOLUME_MAX)).contains(volume))
                .map(|volume| Self::Volume(volume as f32))
                .ok_or_else(|| format!("Say how loud in percent, 0 to {}: volume 80.", crate::audio::VOLUME_MAX)),
            "night" => match rest {
                "on" => Ok(Self::Night(true)),
                "off" => Ok(Self::Night(false)),
                _ => Err("Say on or off: night on.".to_owned()),
            },
            "offset" => rest.parse().ok().filter(|ms| (-OFFSET_MAX_MS..=OFFSET_MAX_MS).contains(ms)).map(Self::Offset).ok_or_else(|| {
                format!("Say how late the sound reaches you in milliseconds, -{OFFSET_MAX_MS} to {OFFSET_MAX_MS}: offset 180.")
            }),
            "device" if rest == "default" => Ok(Self::Device(None)),
            "device" if !rest.is_empty() => Ok(Self::Device(Some(rest.to_owned()))),
            "device" => Err("Say which sound device, as `houselights doctor` lists it, or default: device NAME.".to_owned()),
            "mute" if rest.is_empty() => Ok(Self::Mute),
            "mute" => Ok(Self::Moderate(Deed::Deny(Right::Speak), rest.to_owned())),
            "kick" if !rest.is_empty() => Ok(Self::Moderate(Deed::Kick, rest.to_owned())),
            "kick" => Err("Say whom: kick NAME.".to_owned()),
            "allow" | "deny" => {
                let (name, right) =
                    rest.rsplit_once(char::is_whitespace).ok_or_else(|| format!("Say whom and what: {word} NAME RIGHT."))?;
                let right = right.parse().map_err(|sentence: &str| sentence.to_owned())?;
                let deed = if word == "allow" { Deed::Allow(right) } else { Deed::Deny(right) };
                Ok(Self::Moderate(deed, name.trim().to_owned()))
            }
            "camera" => match rest {
                "on" => Ok(Self::Camera(true)),
                "off" => Ok(Self::Camera(false)),
                _ => Err("Say camera on or camera off.".to_owned()),
            },
            "mic" | "talk" | "whisper" => {
                let is_on = match rest {
                    "on" => true,
                    "off" => false,
                    _ => return Err(format!("Say {word} on or {word} off.")),
                };
                Ok(Self::Speak(match word {
                    "mic" => Speak::Open(is_on),
                    "talk" => Speak::Hold(is_on),
                    _ => Speak::Whisper(is_on),
                }))
            }
            "emote" => rest.parse().map(Self::Emote),
            "lock" => bare(Self::Lock),
            "unlock" => bare(Self::Unlock),
            "gather" => rest
                .parse()
                .ok()
                .filter(|s| (GatherLimit::LEAST_S..=GatherLimit::MOST_S).contains(s))
                .map(|s: u8| Self::GatherLimit(GatherLimit::from(s)))
                .ok_or_else(|| {
                    format!(
                        "Say for how many seconds a film waits for everybody, {} to {}: gather 20.",
                        GatherLimit::LEAST_S,
                        GatherLimit::MOST_S
                    )
                }),
            "present" if !rest.is_empty() => Ok(Self::Present(rest.into())),
            "present" => Err("Say which film: present FILE.".to_owned()),
            "start" => bare(Self::Start),
            "sit" => rest
                .parse()
                .ok()
                .and_then(SeatNumber::new)
                .map(Self::Sit)
                .ok_or_else(|| "Say which seat, 1 to 70, row by row from the front: sit 12.".to_owned()),
            "stand" => rest
                .split_once(char::is_whitespace)
                .and_then(|(x, z)| Some((x.parse::<f32>().ok()?, z.trim().parse::<f32>().ok()?)))
                .filter(|(x, z)| x.is_finite() && z.is_finite())
                .map(|(x, z)| Self::Stand(Stance::at(x, z)))
                .ok_or_else(|| {
                    "Say where in metres, to the right of the middle and from the screen: stand -4.6 8; sit N sits down.".to_owned()
                }),
            "look" => rest
                .split_once(char::is_whitespace)
                .and_then(|(yaw, pitch)| Some((yaw.parse::<f32>().ok()?, pitch.trim().parse::<f32>().ok()?)))
                .filter(|(yaw, pitch)| yaw.is_finite() && pitch.is_finite())
                .map(|(yaw, pitch)| Self::Look(yaw, pitch))
                .ok_or_else(|| "Say where to in degrees, to the left and upwards: look 30 -5.".to_owned()),
            "say" if !rest.is_empty() => Ok(Self::Say(rest.to_owned())),
            "say" => Err("Say what: say hello.".to_owned()),
            "people" => bare(Self::People),
            "chat" => bare(Self::Chat),
            "invite" => bare(Self::Invite),
            "leave" => bare(Self::Leave),
            "state" => bare(Self::State),
            "tracks" => bare(Self::Tracks),
            "close" => bare(Self::Close),
            "quit" | "exit" => bare(Self::Quit),
            "" => {
                Err("Say a command, such as open, play, pause, seek, say, people, state, quit; `houselights --help` lists all.".to_owned())
            }
            _ => Err(format!("There is no command `{}`.", word.chars().take(40).collect::<String>())),
        }
    }

    /// Does what the command says and answers.
    pub fn apply(self, world: &mut World) -> Answer {
        let playback = world.query_filtered::<&Playback, With<Room>>().single(world).cloned().unwrap_or_default();
        let asks = |world: &mut World, ask: Ask| {
            if playback.film.is_none() {
                return no_film();
            }
            wishes(world, ask)
        };
        if let Some(mut problems) = world.get_resource_mut::<LastProblem>() {
            problems.listen();
        }
        let answer = match self {
            Self::Open(_)
            | Self::Present(_)
            | Self::Sit(_)
            | Self::Stand(_)
            | Self::Look(..)
            | Self::Speak(_)
            | Self::Camera(_)
            | Self::Emote(_)
                if !sits_here(world) =>
            {
                Answer::error("Nobody sits in this process: it only keeps the room. Join the room and do that there.".to_owned())
            }
            Self::Open(path) => open(world, path, false),
            Self::Present(path) => open(world, path, true),
            Self::Start if playback.film.is_some() && playback.gather.is_none() => Answer::error("Nobody is waited for.".to_owned()),
            Self::Start => asks(world, Ask::StartAnyway),
            Self::Sit(seat) => {
                let answer = wishes(world, SitDown(seat));
                if answer.ok {
                    world.resource_mut::<Footing>().0 = Stance::Seated;
                }
                answer
            }
            Self::Stand(stance) => {
                world.resource_mut::<Footing>().0 = stance;
                Answer::ok()
            }
            Self::Look(yaw, pitch) => {
                world.resource_mut::<Turned>().0 = Head::from_radians(yaw.to_radians(), pitch.to_radians());
                Answer::ok()
            }
            Self::Say(text) if text.chars().count() > LINE_CHARS_MAX => {
                Answer::error(format!("A line has at most {LINE_CHARS_MAX} characters; this one has {}.", text.chars().count()))
            }
            Self::Say(text) => match Words::from(text) {
                words if words.is_empty() => Answer::error("There is nothing to read in that.".to_owned()),
                words => wishes(world, Say(words)),
            },
            Self::People => Answer { people: Some(people::list(world)), ..Answer::ok() },
            Self::Chat => Answer { chat: Some(people::chat(world)), ..Answer::ok() },
            Self::Invite => people::invites(world).map_or_else(Answer::error, |invites| Answer { invites: Some(invites), ..Answer::ok() }),
            Self::Moderate(deed, name) => match people::find(world, &name) {
                Ok(who) => wishes(world, deed.about(who)),
                Err(sentence) => Answer::error(sentence),
            },
            Self::Lock => wishes(world, Moderation::Lock),
            Self::Unlock => wishes(world, Moderation::Unlock),
            Self::GatherLimit(limit) => wishes(world, Moderation::GatherLimit(limit)),
            Self::Speak(speak) => does(world, speak),
            Self::Camera(is_on) => does(world, TurnCamera::On(is_on)),
            Self::Emote(emote) => does(world, ShowEmote(emote)),
            Self::Leave if *world.resource::<Standing>() == Standing::Alone => {
                Answer::error("You are in your own theater, which is not open to others.".to_owned())
            }
            Self::Leave if !sits_here(world) => {
                Answer::error("This process only keeps the room; `quit` closes it for everybody.".to_owned())
            }
            Self::Leave => does(world, Leave),
            Self::Play => asks(world, Ask::Play),
            Self::Pause => asks(world, Ask::Pause),
            Self::Toggle => asks(world, Ask::Toggle),
            Self::Seek(film_time) => asks(world, Ask::SeekTo(film_time)),
            Self::Rate(rate) => asks(world, Ask::Rate(rate)),
            Self::Close => asks(world, Ask::Close),
            Self::Step(_) | Self::Chapter(_) if playback.film.is_none() => no_film(),
            Self::Step(step) => does(world, step),
            Self::Chapter(number) => match world.get_resource::<Screening>().map(|screening| screening.info().chapters.len()) {
                Some(0) => Answer::error("This film has no chapters.".to_owned()),
                Some(1) if number > 1 => Answer::error("This film has one chapter.".to_owned()),
                Some(count) if number > count => Answer::error(format!("This film has {count} chapters.")),
                _ => does(world, TurnChapter::Number(number - 1)),
            },
            Self::Audio(number) => match world.get_resource::<Screening>().map(|screening| screening.info().sounds.len()) {
                None => no_film(),
                Some(1) if number > 1 => Answer::error("This film has one sound track.".to_owned()),
                Some(count) if number > count => Answer::error(format!("This film has {count} sound tracks.")),
                Some(_) => {
                    world.trigger(ChooseSound::Number(number.checked_sub(1)));
                    Answer::ok()
                }
            },
            Self::Subtitle(number) => match world.get_resource::<Screening>().map(|screening| screening.info().subtitles.len()) {
                None => Answer::error("There is no film. Open one first: open FILE.".to_owned()),
                Some(0) if number > 0 => Answer::error("This film has no subtitles.".to_owned()),
                Some(count) if number > count => Answer::error(format!("This film has {count} subtitle tracks.")),
                Some(_) => does(world, ChooseSubtitle::Number(number.checked_sub(1))),
            },
            Self::SubtitleFile(_) if !world.contains_resource::<Screening>() => {
                Answer::error("There is no film. Open one first: open FILE.".to_owned())
            }
            Self::SubtitleFile(path) => does(world, AddSubtitles(path)),
            Self::SubtitleDelay(ns) => does(world, DelaySubtitles::To { ns }),
            Self::Volume(percent) => {
                world.trigger(ChangeVolume::To(percent));
                Answer::ok()
            }
            Self::Mute => does(world, ChangeVolume::ToggleMute),
            Self::Night(is_on) => does(world, Tune::Night(is_on)),
            Self::Device(name) => does(world, Tune::Device(name)),
            Self::Offset(ms) => does(world, Tune::OffsetMs(ms)),
            Self::State => Answer { state: Some(State::of(world, &playback)), ..Answer::ok() },
            Self::Tracks => Tracks::of(world).map_or_else(no_film, |tracks| Answer { tracks: Some(tracks), ..Answer::ok() }),
            Self::Quit => Answer { leaves: true, ..Answer::ok() },
        };
        world.flush();
        match world.get_resource_mut::<LastProblem>().and_then(|mut problems| problems.answer()) {
            Some(problem) if answer.ok => Answer::error(problem),
            _ => answer,
        }
    }
}

/// Whether somebody is in the hall here, or on their way.
fn sits_here(world: &mut World) -> bool {
    !world.resource::<Standing>().keeps_room() || world.query_filtered::<(), (With<Me>, With<Participant>)>().iter(world).next().is_some()
}

/// Asks the room's keeper for it. One who is elsewhere answers later, so what can be known of it is looked at here.
fn wishes<W: Wish + for<'a> Event<Trigger<'a>: Default>>(world: &mut World, wish: W) -> Answer {
    let foreseen = if *world.resource::<Standing>() == Standing::Guest { wish.foreseen(world) } else { None };
    foreseen.filter(|refusal| !refusal.is_empty()).map_or_else(|| does(world, wish), Answer::error)
}

fn no_film() -> Answer {
    Answer::error("There is no film. Open one first: open FILE.".to_owned())
}

fn does<E: for<'a> Event<Trigger<'a>: Default>>(world: &mut World, wish: E) -> Answer {
    world.trigger(wish);
    Answer::ok()
}

fn open(world: &mut World, path: PathBuf, plays: bool) -> Answer {
    // The answer is the check that can be made at once; what comes of the rest is told on standard error and by `state`.
    if let Some(refusal) = why_not_present(world) {
        return Answer::error(refusal.to_owned());
    }
    match crate::media::Source::file(&path) {
        Ok(_) => does(world, Open { source: FilmSource::File(path), plays }),
        Err(error) => Answer::error(error.to_string()),
    }
}

/// What a moderator does about somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// Remove them.
    Kick,
    /// Give a right.
    Allow(Right),
    /// Take a right.
    Deny(Right),
}

impl Deed {
    const fn about(self, who: ParticipantId) -> Moderation {
        match self {
            Self::Kick => Moderation::Kick { who },
            Self::Allow(right) => Moderation::Allow { who, right },
            Self::Deny(right) => Moderation::Deny { who, right },
        }
    }
}

/// The answer to a line.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answer {
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(flatten)]
    invites: Option<people::Invites>,
    #[serde(skip_serializing_if = "Option::is_none")]
    people: Option<Vec<people::Person>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    chat: Option<Vec<people::Line>>,
    #[serde(flatten)]
    state: Option<State>,
    #[serde(flatten)]
    tracks: Option<Tracks>,
    #[serde(skip)]
    pub(super) leaves: bool,
}

impl Answer {
    fn ok() -> Self {
        Self { ok: true, error: None, invites: None, people: None, chat: None, state: None, tracks: None, leaves: false }
    }

    pub(super) fn error(sentence: String) -> Self {
        Self { ok: false, error: Some(sentence), ..Self::ok() }
    }

    /// One line of JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|_| r#"{"ok":false,"error":"This answer cannot be written."}"#.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_or_explained() {
        assert_eq!(Line::parse("seek 12.5"), Ok(Line::Seek(FilmTime::from_ns(12_500_000_000))));
        assert_eq!(Line::parse("open a film.mkv"), Ok(Line::Open("a film.mkv".into())));
        assert_eq!(Line::parse("volume 80"), Ok(Line::Volume(80.0)));
        assert_eq!(Line::parse("step -1"), Ok(Line::Step(StepFrame::Previous)));
        assert_eq!(Line::parse("chapter 2"), Ok(Line::Chapter(2)));
        assert_eq!(Line::parse("subtitle off"), Ok(Line::Subtitle(0)));
        assert_eq!(Line::parse("tracks"), Ok(Line::Tracks));
        assert_eq!(Line::parse("subtitle-file a b.srt"), Ok(Line::SubtitleFile("a b.srt".into())));
        assert_eq!(Line::parse("subtitle-delay -0.5"), Ok(Line::SubtitleDelay(-500_000_000)));
        for wrong in [
            "sit 0",
            "sit 71",
            "say",
            "say  ",
            "kick",
            "allow",
            "allow Bo",
            "deny Bo everything",
            "lock it",
            "leave now",
            "start 3",
            "present",
            "mic",
            "mic maybe",
            "talk",
            "whisper loud",
            "camera",
            "camera 2",
            "emote",
            "emote sneeze",
            "gather 1",
            "stand here",
            "look nan 0",
            "step 2",
            "chapter 0",
            "chapter",
            "",
            "seek",
            "seek nan",
            "seek inf",
            "rate",
            "rate nan",
            "rate 0.4",
            "rate -1",
            "volume -1",
            "volume 151",
            "volume nan",
            "night",
            "night maybe",
            "offset 1001",
            "offset x",
            "audio x",
            "play now",
            "tracks 2",
            "dance",
            "open",
            "subtitle",
            "subtitle-delay x",
        ] {
            assert!(Line::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_people_do_together_is_read() {
        let seat = SeatNumber::new(12).unwrap();
        for (line, means) in [
            ("present a film.mkv", Line::Present("a film.mkv".into())),
            ("start", Line::Start),
            ("sit 12", Line::Sit(seat)),
            ("say good evening ", Line::Say("good evening".to_owned())),
            ("people", Line::People),
            ("chat", Line::Chat),
            ("invite", Line::Invite),
            ("leave", Line::Leave),
            ("kick Bo", Line::Moderate(Deed::Kick, "Bo".to_owned())),
            ("mute", Line::Mute),
            ("mute Bo the Great", Line::Moderate(Deed::Deny(Right::Speak), "Bo the Great".to_owned())),
            ("allow Bo the Great present", Line::Moderate(Deed::Allow(Right::Present), "Bo the Great".to_owned())),
            ("deny Bo remote", Line::Moderate(Deed::Deny(Right::Remote), "Bo".to_owned())),
            ("lock", Line::Lock),
            ("unlock", Line::Unlock),
            ("mic on", Line::Speak(Speak::Open(true))),
            ("talk off", Line::Speak(Speak::Hold(false))),
            ("whisper on", Line::Speak(Speak::Whisper(true))),
            ("camera off", Line::Camera(false)),
            ("emote popcorn", Line::Emote(Emote::Popcorn)),
        ] {
            assert_eq!(Line::parse(line), Ok(means), "{line}");
        }
    }

    #[test]
    fn answers_are_one_line_of_json() {
        assert_eq!(Answer::ok().to_json(), r#"{"ok":true}"#);
        assert_eq!(Answer::error("No “film”.\n".to_owned()).to_json(), r#"{"ok":false,"error":"No “film”.\n"}"#);
    }
}
