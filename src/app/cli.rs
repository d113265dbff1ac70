use std::{path::PathBuf, process::ExitCode, str::FromStr};

use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum, error::ErrorKind};

use crate::{
    audio::Output,
    film::path_of,
    room::{Relay, SeatNumber, read_invite},
    voice::MicrophoneChoice,
    webcam::CameraChoice,
};

/// Reads the command line; help, version and mistakes are answered at once.
pub(super) fn parse() -> Result<Cli, ExitCode> {
    Cli::try_parse().map(links).and_then(one_film).map_err(|answer| {
        if answer.print().is_err() {
            tracing::debug!("nobody reads the help");
        }
        if answer.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS }
    })
}

/// What a desktop hands over when somebody clicks an invite or a film: links. A bare invite is one, too.
fn links(mut cli: Cli) -> Cli {
    let Some(typed) = cli.film.as_ref().and_then(|film| film.to_str()).map(str::to_owned) else { return cli };
    if cli.command.is_none() && (typed.starts_with(LINK) || read_invite(&typed).is_ok()) {
        (cli.film, cli.command) = (None, Some(Command::Join { invite: typed }));
    } else if typed.starts_with("file://") {
        cli.film = Some(path_of(&typed));
    }
    cli
}

/// A film before a command is a mistake: each command names its own.
fn one_film(cli: Cli) -> Result<Cli, clap::Error> {
    if cli.film.is_some() && cli.command.is_some() {
        return Err(Cli::command().error(ErrorKind::ArgumentConflict, "name the film after the command: houselights host FILM"));
    }
    Ok(cli)
}

/// A theater that friends share. Open a film and sit down.
#[derive(Debug, Clone, Parser)]
#[command(name = "houselights", version, after_help = AFTER_HELP)]
pub struct Cli {
    /// The film to put on the screen; without one the lobby opens
    pub film: Option<PathBuf>,

    /// Instead of the film: friends, one picture, or a look at this machine
    #[command(subcommand)]
    pub command: Option<Command>,

    /// Without window: commands come as lines on standard input, answers go as JSON to standard output
    #[arg(long, global = true)]
    pub headless: bool,

    /// Play at once and leave at the film's end (0), or when it cannot be played (1)
    #[arg(long, global = true)]
    pub play: bool,

    /// Where the sound goes: `device`, `device:NAME`, `null`, or `file:OUT.wav`
    #[arg(long, value_name = "WHERE", default_value = "device", global = true)]
    pub sound: Sound,

    /// By how many millionths the clock of `null` and `file:` runs fast
    #[arg(long, value_name = "N", default_value_t = 0.0, allow_negative_numbers = true, global = true)]
    pub null_ppm: f64,

    /// The microphone, once you speak: `device`, `device:NAME`, `none`, or `file:IN.wav`
    #[arg(long, value_name = "WHERE", global = true)]
    pub mic: Option<Mic>,

    /// The camera, once you turn it on: `device`, `device:N`, `pattern`, `none`, or a film
    #[arg(long, value_name = "WHICH", global = true)]
    pub camera: Option<CameraOption>,

    /// Write what is heard and shown, and when, to this file
    #[arg(long, value_name = "FILE", global = true)]
    pub trace: Option<PathBuf>,

    /// How much detail is drawn; without it the graphics adapter decides
    #[arg(long, value_enum, value_name = "TIER", global = true)]
    pub tier: Option<TierChoice>,

    /// The name others see
    #[arg(long, global = true)]
    pub name: Option<String>,

    /// Which relays help where no direct way is found: `default`, `none`, or a relay's address
    #[arg(long, value_name = "RELAY", default_value = "default", global = true)]
    pub relay: RelayOption,

    /// Folder of the settings
    #[arg(long, value_name = "DIR", global = true)]
    pub config: Option<PathBuf>,

    /// Folder for what may be thrown away
    #[arg(long, value_name = "DIR", global = true)]
    pub cache: Option<PathBuf>,

    /// Draw sixty times a second even while nothing moves: what `film.idle` is measured against
    #[arg(long, hide = true, global = true)]
    pub restless: bool,

    /// Say more; twice, say much
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub verbose: u8,
}

/// Where one's face comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CameraOption(pub CameraChoice);

impl FromStr for CameraOption {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(match text {
            "none" => CameraChoice::None,
            "pattern" => CameraChoice::Pattern,
            "device" => CameraChoice::Device(0),
            _ => match text.strip_prefix("device:") {
                Some(number) => {
                    CameraChoice::Device(number.parse().map_err(|error| format!("say which camera by its number, device:1 ({error})"))?)
                }
                None => CameraChoice::Film(text.into()),
            },
        }))
    }
}

/// Where one's voice comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mic(pub MicrophoneChoice);

impl FromStr for Mic {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            None if text == "device" => Ok(Self(MicrophoneChoice::Device(None))),
            None if text == "none" => Ok(Self(MicrophoneChoice::None)),
            Some(("device", name)) if !name.is_empty() => Ok(Self(MicrophoneChoice::Device(Some(name.to_owned())))),
            Some(("file", path)) if !path.is_empty() => Ok(Self(MicrophoneChoice::File(path.into()))),
            _ => Err("say device, device:NAME, none or file:IN.wav".to_owned()),
        }
    }
}

/// What else the program does.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Open a theater to friends and print the invite to send them
    Host {
        /// The film to put on the screen; it can be put on later, too
        film: Option<PathBuf>,
    },
    /// Go to a friend's theater
    Join {
        /// The invite they sent
        invite: String,
    },
    /// Keep a room for others, with no window, sound or film of its own
    Serve,
    /// Draw one picture of the theater, without window or display
    Shot(Shot),
    /// Say what this machine has and what is missing
    Doctor,
}

/// One picture of the theater.
#[derive(Debug, Clone, Args)]
pub struct Shot {
    /// The film on the screen; without one the lobby's hall
    #[arg(long)]
    pub film: Option<PathBuf>,

    /// Which subtitle track, counted from 1; 0 for none, without it the usual one
    #[arg(long, value_name = "N")]
    pub subtitle: Option<usize>,

    /// A file of subtitles to show
    #[arg(long, value_name = "FILE")]
    pub subtitle_file: Option<PathBuf>,

    /// Place in the film, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 0.0)]
    pub at: f64,

    /// Where the picture goes (PNG)
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,

    /// Size of the picture in pixels
    #[arg(long, value_name = "WxH", default_value = "1280x720")]
    pub size: Size,

    /// The seat one looks from: 1 to 70, row by row from the front, left to right facing the screen
    #[arg(long, value_name = "SEAT", value_parser = seat)]
    pub seat: Option<SeatNumber>,

    /// With the panels
    #[arg(long)]
    pub ui: bool,

    /// With people who are not there, to see how the panels look
    #[arg(long, value_enum, value_name = "WHAT", num_args = 0..=1, default_missing_value = "panels", require_equals = true, requires = "ui")]
    pub company: Option<super::Shows>,

    /// Panels as by day
    #[arg(long)]
    pub light: bool,

    /// The film alone
    #[arg(long)]
    pub cinema: bool,

    /// Show a paused film: house lights half up
    #[arg(long)]
    pub paused: bool,

    /// For looking at the hall: seat N sample people, from the best seats outwards
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=70))]
    pub people: u8,

    /// How many of the sample people show a camera's picture
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=70))]
    pub faces: u8,

    /// On one's feet: metres to the right of the middle, and from the screen
    #[arg(long, value_name = "X,Z", allow_hyphen_values = true)]
    pub stand: Option<Spot>,

    /// How many of the sample people stand about
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=70))]
    pub standing: u8,

    /// Turn the head: degrees to the left of the screen, and upwards
    #[arg(long, value_name = "YAW,PITCH", default_value = "0,0", allow_hyphen_values = true)]
    pub look: Turn,
}

impl Cli {
    /// The film that was named, by whatever command.
    #[must_use]
    pub const fn film(&self) -> Option<&PathBuf> {
        match &self.command {
            Some(Command::Host { film }) => film.as_ref(),
            _ => self.film.as_ref(),
        }
    }

    /// The output that was asked for.
    #[must_use]
    pub fn output(&self) -> Output {
        let ppm = self.null_ppm.clamp(-MAX_PPM, MAX_PPM);
        match &self.sound {
            // Nobody sits there to hear it.
            _ if matches!(self.command, Some(Command::Serve)) => Output::Null { ppm },
            Sound::Device(name) => Output::Device { name: name.clone() },
            Sound::Null => Output::Null { ppm },
            Sound::File(path) => Output::File { path: path.clone(), ppm },
        }
    }
}

/// Where the sound goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sound {
    /// A device by name, or the system's choice.
    Device(Option<String>),
    /// Nowhere, but time passes.
    Null,
    /// Into a WAV file, at the pace of time.
    File(PathBuf),
}

impl FromStr for Sound {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "device" => Ok(Self::Device(None)),
            None if text == "null" => Ok(Self::Null),
            Some(("device", name)) if !name.is_empty() => Ok(Self::Device(Some(name.to_owned()))),
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(path.into())),
            _ => Err("say device, device:NAME (as `houselights doctor` lists it), null, or file:OUT.wav".to_owned()),
        }
    }
}

/// Which relays help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayOption(pub Relay);

impl FromStr for RelayOption {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "default" => Ok(Self(Relay::Default)),
            "none" => Ok(Self(Relay::None)),
            url if url.starts_with("https://") || url.starts_with("http://") => Ok(Self(Relay::Url(url.to_owned()))),
            _ => Err("say default, none, or a relay's address such as https://relay.example".to_owned()),
        }
    }
}

/// Where a head is turned.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Turn {
    /// To the left, degrees.
    pub yaw: f32,
    /// Upwards, degrees.
    pub pitch: f32,
}

impl FromStr for Turn {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let angle = |text: &str| text.trim().parse::<f32>().ok().filter(|angle| angle.is_finite());
        let angles = text.split_once(',').and_then(|(yaw, pitch)| Some((angle(yaw)?, angle(pitch)?)));
        angles.map(|(yaw, pitch)| Self { yaw, pitch }).ok_or_else(|| "say degrees to the left and upwards, such as 150,-5".to_owned())
    }
}

/// A place on the floor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spot {
    /// To the right of the middle, m.
    pub x: f32,
    /// From the screen, m.
    pub z: f32,
}

impl FromStr for Spot {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let metres = |text: &str| text.trim().parse::<f32>().ok().filter(|metres| metres.is_finite());
        let place = text.split_once(',').and_then(|(x, z)| Some((metres(x)?, metres(z)?)));
        place
            .map(|(x, z)| Self { x, z })
            .ok_or_else(|| "say metres to the right of the middle and from the screen, such as -4.6,8".to_owned())
    }
}

/// A size in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Across.
    pub width: u32,
    /// Down.
    pub height: u32,
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let sides = text.split_once('x').and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
        match sides {
            Some((width, height)) if (16..=MAX_SIDE).contains(&width) && (16..=MAX_SIDE).contains(&height) => Ok(Self { width, height }),
            _ => Err(format!("say width x height in pixels, such as 1280x720; each from 16 to {MAX_SIDE}")),
        }
    }
}

fn seat(text: &str) -> Result<SeatNumber, String> {
    text.parse().ok().and_then(SeatNumber::new).ok_or_else(|| "seats are 1 to 70, row by row from the front".to_owned())
}

/// How much detail is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TierChoice {
    /// For software rendering and old machines.
    Low,
    /// For a small graphics chip.
    Medium,
    /// For a graphics card.
    High,
}

const LINK: &str = "houselights:";
/// What every graphics adapter draws.
const MAX_SIDE: u32 = 8192;
/// A clock worse than a tenth is none.
const MAX_PPM: f64 = 100_000.0;
const AFTER_HELP: &str = "Headless lines: open FILE | present FILE | play | pause | toggle | seek SECONDS | rate FACTOR | step 1 or -1 | chapter N | start | audio N | subtitle N | subtitle-file FILE | subtitle-delay SECONDS | volume PERCENT | night on/off | offset MS | device NAME | mute | close | state | tracks | people | chat | \
     sit SEAT | stand X Z | look YAW PITCH | say TEXT | invite | leave | kick NAME | mute NAME | lock | unlock | gather SECONDS | mic on/off | talk on/off | whisper on/off | camera on/off | emote NAME | allow NAME RIGHT | deny NAME RIGHT | quit";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn what_a_desktop_hands_over_is_understood() {
        let read = |film: &str| links(Cli::parse_from(["houselights", film]));
        let link = read("houselights://houselights1-abc");
        assert!(matches!((link.film, link.command), (None, Some(Command::Join { invite })) if invite == "houselights://houselights1-abc"));
        assert_eq!(read("file:///films/a%20b.mkv").film, Some("/films/a b.mkv".into()));
        assert_eq!(read("houselights1-trailer.mkv").film, Some("houselights1-trailer.mkv".into()));
    }

    #[test]
    fn outputs_and_sizes_are_read_or_explained() {
        assert_eq!("device:My, card".parse(), Ok(Sound::Device(Some("My, card".to_owned()))));
        assert_eq!("file:a:b.wav".parse(), Ok(Sound::File("a:b.wav".into())));
        assert!("speaker".parse::<Sound>().is_err() && "file:".parse::<Sound>().is_err());
        assert_eq!("device:Desk: left".parse(), Ok(Mic(MicrophoneChoice::Device(Some("Desk: left".to_owned())))));
        assert_eq!("none".parse(), Ok(Mic(MicrophoneChoice::None)));
        assert_eq!("file:a.wav".parse(), Ok(Mic(MicrophoneChoice::File("a.wav".into()))));
        assert!("a.wav".parse::<Mic>().is_err() && "device:".parse::<Mic>().is_err());
        assert_eq!("device:2".parse::<CameraOption>().map(|camera| camera.0), Ok(CameraChoice::Device(2)));
        assert_eq!("a film.mkv".parse::<CameraOption>().map(|camera| camera.0), Ok(CameraChoice::Film("a film.mkv".into())));
        assert_eq!("pattern".parse::<CameraOption>().map(|camera| camera.0), Ok(CameraChoice::Pattern));
        assert!("device:first".parse::<CameraOption>().is_err());
        assert_eq!("default".parse(), Ok(RelayOption(Relay::Default)));
        assert_eq!("https://relay.example".parse(), Ok(RelayOption(Relay::Url("https://relay.example".to_owned()))));
        assert!("relay.example".parse::<RelayOption>().is_err() && "".parse::<RelayOption>().is_err());
        assert_eq!("640x360".parse(), Ok(Size { width: 640, height: 360 }));
        assert!("0x360".parse::<Size>().is_err() && "640".parse::<Size>().is_err() && "99999x9".parse::<Size>().is_err());
        assert_eq!("150,-5".parse(), Ok(Turn { yaw: 150.0, pitch: -5.0 }));
        assert!("150".parse::<Turn>().is_err() && "nan,0".parse::<Turn>().is_err());
        assert!(seat("0").is_err() && seat("71").is_err() && seat("70").is_ok());
    }
}
