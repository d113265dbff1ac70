use std::{process::ExitCode, time::Duration};

use bevy::prelude::*;

use super::{
    Cli, Ground, cli, hall, house,
    offscreen::{Offscreen, Options},
    sample::{self, Shows},
    window,
};
use crate::{
    audio::{Mixer, Output, backend::capture},
    clock::FilmTime,
    film::{AddSubtitles, ChooseSubtitle, Decoding, FilmSource, Open, OpenFailed, Opening, Screening},
    room::{Ask, Myself, Now, SeatNumber, Sits},
    theater::{Cinema, Curtain, HeadPose, HouseLights, Mood, Screen, Stands, Tier, Viewer, avatar, seat_place, walk::free_near},
    trace::Trace,
    ui::{Look, Panels, Remote, Theme},
};

/// Draws one picture and writes it.
pub(super) fn run(shot: &cli::Shot, cli: &Cli) -> Result<ExitCode, String> {
    super::log::to_stderr(cli.verbose);
    window::explain_missing_graphics();
    if !shot.at.is_finite() {
        return Err("Say the place in seconds: --at 12.5.".to_owned());
    }
    if shot.out.extension().is_none_or(|ending| !ending.eq_ignore_ascii_case("png")) {
        return Err(format!("The picture is a PNG: give {} an ending .png.", shot.out.display()));
    }
    let folder = shot.out.parent().filter(|folder| !folder.as_os_str().is_empty());
    if folder.is_some_and(|folder| !folder.is_dir()) {
        return Err(format!("There is no folder for {}.", shot.out.display()));
    }
    let order = ShotOrder {
        film: shot.film.clone().map(FilmSource::File),
        at: FilmTime::from_s(shot.at.max(0.0)).unwrap_or_default(),
        size: (shot.size.width, shot.size.height),
        seat: shot.seat,
        tier: cli.tier.map(Tier::from),
        ui: shot.ui,
        company: shot.company,
        light: shot.light,
        cinema: shot.cinema,
        paused: shot.paused,
        subtitle: shot.subtitle,
        subtitle_file: shot.subtitle_file.clone(),
        people: usize::from(shot.people),
        stand: shot.stand.map(|spot| Vec2::new(spot.x, spot.z)),
        standing: usize::from(shot.standing),
        faces: usize::from(shot.faces),
        look: (shot.look.yaw.to_radians(), shot.look.pitch.to_radians()),
    };
    take(&order)?.save_png(&shot.out).map_err(|error| format!("{error}."))?;
    Ok(ExitCode::SUCCESS)
}

/// Draws the theater offscreen until the picture stands.
///
/// # Errors
/// One sentence: the film cannot be opened, or nothing can be drawn on this machine.
pub fn take(order: &ShotOrder) -> Result<Offscreen, String> {
    let ear = capture::Handle::default();
    let mixer = Mixer::open(&Output::Capture(ear.clone()), &Trace::default()).map_err(|error| error.to_string())?;
    let (width, height) = order.size;
    let options = Options { width, height, step: Some(STEP), dummy_window: false };
    let mut offscreen = Offscreen::new(options, |app| {
        app.insert_resource(Decoding::InEachFrame);
        // Each step lasts as long as it says, also for the ear.
        app.add_systems(First, move |mut now: ResMut<Now>| {
            now.mono_ns += STEP.as_nanos() as i64;
            drop(ear.render(FRAMES_A_STEP, now.mono_ns));
        });
        house(app, Ground::nobodys(mixer));
        hall(app, order.tier);
        app.init_resource::<Failure>().add_observer(|failed: On<OpenFailed>, mut failure: ResMut<Failure>| {
            failure.0 = Some(failed.event().sentence.clone());
        });
    });
    arrange(&mut offscreen.app, order);
    offscreen.until_ready().map_err(|error| format!("Nothing can be drawn here: {error}. `houselights doctor` says what is missing."))?;
    if order.film.is_some() {
        show_film(&mut offscreen, order)?;
    }
    if let Some(shows) = order.company {
        sample::come_in(offscreen.app.world_mut());
        // They have figures then.
        offscreen.step();
        sample::talk(offscreen.app.world_mut(), shows);
    }
    // Lights and curtain are where they belong, whatever moved them meanwhile.
    settle(&mut offscreen.app, order);
    for _ in 0..SETTLING_STEPS {
        offscreen.step();
    }
    if order.company == Some(Shows::Together) {
        sample::emote(offscreen.app.world_mut());
        for _ in 0..EMOTING_STEPS {
            offscreen.step();
        }
    }
    Ok(offscreen)
}

fn arrange(app: &mut App, order: &ShotOrder) {
    let world = app.world_mut();
    let seat = order.seat.unwrap_or_default();
    *world.resource_mut::<Viewer>() = Viewer { seat, ..Viewer::default() };
    world.resource_mut::<Viewer>().turn(order.look.0, order.look.1);
    world.resource_mut::<Myself>().seat = seat;
    seat_people(world, seat, order);
    world.resource_mut::<Cinema>().0 = order.cinema;
    world.resource_mut::<Panels>().are_hidden = !order.ui;
    world.resource_mut::<Remote>().is_up = order.ui;
    world.resource_mut::<Look>().theme = if order.light { Theme::Light } else { Theme::Dark };
    if let Some(source) = order.film.clone() {
        world.trigger(Open { source, plays: false });
        world.flush();
    }
}

/// Sample people, from the best seat outwards; the seat one looks from is one's own.
fn seat_people(world: &mut World, own: SeatNumber, order: &ShotOrder) {
    if order.people == 0 {
        return;
    }
    let best = seat_place(SeatNumber::BEST).eye;
    let mut seats: Vec<SeatNumber> = SeatNumber::all().filter(|seat| *seat != own).collect();
    seats.sort_by(|a, b| seat_place(*a).eye.distance(best).total_cmp(&seat_place(*b).eye.distance(best)));
    for (number, seat) in seats.into_iter().take(order.people).enumerate() {
        let somebody = world.spawn((avatar::sample(number + 1), Sits(seat))).id();
        if number < order.faces
            && let Some(face) = sample::face(number)
        {
            world.entity_mut(somebody).insert(face);
        }
        if number < order.standing {
            // In the aisles and behind the last row, each turned another way.
            let side = if number % 2 == 0 { 1.0 } else { -1.0 };
            let at = free_near(Vec2::new(side * 4.5, 4.0 + number as f32 * 1.3));
            world.entity_mut(somebody).insert((Stands(Some(at)), HeadPose { yaw: side * (0.5 + number as f32), pitch: 0.0 }));
        }
    }
}

/// Goes to the place and waits until its picture is on the screen.
fn show_film(offscreen: &mut Offscreen, order: &ShotOrder) -> Result<(), String> {
    for _ in 0..OPENING_STEPS {
        offscreen.step();
        let world = offscreen.app.world();
        if let Some(sentence) = &world.resource::<Failure>().0 {
            return Err(sentence.clone());
        }
        if world.contains_resource::<Screening>() && !world.contains_resource::<Opening>() {
            break;
        }
    }
    let world = offscreen.app.world_mut();
    if let Some(number) = order.subtitle {
        world.trigger(ChooseSubtitle::Number(number.checked_sub(1)));
    }
    if let Some(path) = order.subtitle_file.clone() {
        world.trigger(AddSubtitles(path));
    }
    world.trigger(Ask::SeekTo(order.at));
    world.flush();
    let is_there = (0..SEEKING_STEPS).any(|_| {
        offscreen.step();
        let world = offscreen.app.world();
        let screening = world.get_resource::<Screening>();
        let has_no_picture = screening.is_some_and(|screening| screening.info().video.is_none());
        has_no_picture || screening.is_some_and(|screening| screening.shown_ns().is_some()) && world.resource::<Screen>().is_showing()
    });
    if !is_there {
        return Err("The film gives no picture for this place.".to_owned());
    }
    if !order.paused {
        let world = offscreen.app.world_mut();
        world.resource_mut::<crate::theater::Lights>().set_if_neq(crate::theater::Lights::Down);
    }
    Ok(())
}

fn settle(app: &mut App, order: &ShotOrder) {
    let has_film = order.film.is_some();
    let mood = match (has_film, order.paused) {
        (false, _) => Mood::Lobby,
        (true, true) => Mood::Paused,
        (true, false) => Mood::Playing,
    };
    let world = app.world_mut();
    // Whoever comes in is seated first.
    if let Some(at) = order.stand {
        world.resource_mut::<Viewer>().stands = Some(free_near(at));
    }
    world.resource_mut::<HouseLights>().jump(mood);
    world.resource_mut::<Curtain>().jump(if has_film { 1.0 } else { 0.0 });
}

/// What the picture shows.
#[derive(Debug, Clone)]
pub struct ShotOrder {
    /// The film on the screen.
    pub film: Option<FilmSource>,
    /// The place in it.
    pub at: FilmTime,
    /// Width and height in pixels.
    pub size: (u32, u32),
    /// The seat; the best one if none is said.
    pub seat: Option<SeatNumber>,
    /// How much detail; the adapter decides if none is said.
    pub tier: Option<Tier>,
    /// With the panels and the remote.
    pub ui: bool,
    /// With people who are not there.
    pub company: Option<Shows>,
    /// Panels as by day.
    pub light: bool,
    /// The film alone.
    pub cinema: bool,
    /// Which subtitle track, counted from 1; 0 for none.
    pub subtitle: Option<usize>,
    /// A file of subtitles to show.
    pub subtitle_file: Option<std::path::PathBuf>,
    /// As in a pause.
    pub paused: bool,
    /// How many sample people sit in the hall.
    pub people: usize,
    /// Where one stands, to the right of the middle and from the screen, m; in the seat if none is said.
    pub stand: Option<Vec2>,
    /// How many of the sample people stand about.
    pub standing: usize,
    /// How many of the sample people show a camera's picture.
    pub faces: usize,
    /// How far the head is turned to the left and raised, radians.
    pub look: (f32, f32),
}

#[derive(Resource, Default)]
struct Failure(Option<String>);

const STEP: Duration = Duration::from_millis(50);
const FRAMES_A_STEP: usize = 2400;
const OPENING_STEPS: usize = 100;
const SEEKING_STEPS: usize = 400;
/// Three seconds: masking, light and remote come to rest.
const SETTLING_STEPS: usize = 60;
/// Half a second: what is shown without words has risen, and not faded.
const EMOTING_STEPS: usize = 10;
