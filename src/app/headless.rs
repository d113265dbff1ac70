use std::{
    io::{BufRead as _, Read as _},
    process::ExitCode,
    sync::mpsc::{Receiver, RecvTimeoutError, sync_channel},
    thread::Builder,
    time::Duration,
};

use bevy::{app::AppExit, prelude::*, state::app::StatesPlugin, time::TimePlugin};

use super::{
    Cli, Ground, cli, house,
    line::{Answer, Line},
    people, print, say,
    state::LastProblem,
};
use crate::{
    film::{Abandoned, FilmSource, Finished, Open, OpenFailed, Opening},
    notice::Notice,
    room::{FilmId, Hosting, Join, Now, OpenTheater, Parted, Playback, Room, Standing},
};

/// Runs the theater without window: the same room, sound and film, moved by lines of text.
pub(super) fn run(cli: &Cli) -> Result<ExitCode, String> {
    super::log::to_stderr(cli.verbose);
    if cli.play && cli.film().is_none() {
        return Err("--play needs a film.".to_owned());
    }
    let mut app = App::new();
    app.add_plugins((TaskPoolPlugin::default(), TimePlugin, StatesPlugin));
    app.add_plugins(super::signals::plugin);
    house(&mut app, Ground::open(cli)?);
    app.init_resource::<LastProblem>().add_observer(|notice: On<Notice>, mut last: ResMut<LastProblem>| {
        if !last.hear(notice.event()) {
            say(&notice.event().text);
        }
    });
    app.add_observer(
        |inserted: On<Insert, Playback>, playbacks: Query<&Playback>, mut film: Local<Option<FilmId>>, mut last: ResMut<LastProblem>| {
            let shown = playbacks.get(inserted.entity).ok().and_then(|playback| playback.film.as_ref()).map(|film| film.id);
            if std::mem::replace(&mut *film, shown) != shown {
                last.forget();
            }
        },
    );
    if let Some(show) = people::shows_invites(cli) {
        app.add_systems(Last, show.run_if(resource_exists_and_changed::<Hosting>));
    }
    let leaves_at_end = cli.play;
    app.add_observer(move |_: On<Finished>, mut exit: MessageWriter<AppExit>| {
        if leaves_at_end {
            exit.write(AppExit::Success);
        }
    });
    app.add_observer(move |_: On<OpenFailed>, mut exit: MessageWriter<AppExit>| {
        if leaves_at_end {
            exit.write(AppExit::error());
        }
    });
    let joins = matches!(cli.command, Some(cli::Command::Join { .. }));
    app.add_observer(move |parted: On<Parted>, mut exit: MessageWriter<AppExit>| {
        say(&parted.event().sentence);
        if joins {
            exit.write(AppExit::error());
        }
    });
    app.add_observer(move |_: On<Abandoned>, mut exit: MessageWriter<AppExit>| {
        if leaves_at_end {
            exit.write(AppExit::error());
        }
    });
    app.finish();
    app.cleanup();
    // Everybody's own room is there before anything is asked of it.
    app.update();
    begin(app.world_mut(), cli);
    if let Some(exit) = app.should_exit() {
        return Ok(code_of(&exit));
    }
    let lines = standard_input().map_err(|error| format!("Standard input cannot be read: {error}."))?;
    Ok(live(&mut app, &lines))
}

/// Does what the command line asks for.
fn begin(world: &mut World, cli: &Cli) {
    match &cli.command {
        Some(cli::Command::Host { .. }) => world.trigger(OpenTheater { without_seat: false }),
        Some(cli::Command::Serve) => world.trigger(OpenTheater { without_seat: true }),
        Some(cli::Command::Join { invite }) => world.trigger(Join { invite: invite.clone() }),
        _ => {}
    }
    world.flush();
    let keeps_room = matches!(cli.command, Some(cli::Command::Host { .. } | cli::Command::Serve));
    if keeps_room && !world.contains_resource::<Hosting>() {
        world.write_message(AppExit::error());
    }
    if let Some(film) = cli.film() {
        world.trigger(Open { source: FilmSource::File(film.clone()), plays: cli.play });
    }
    world.flush();
}

/// Whoever presses Ctrl-C gets the code that shells expect of it.
pub(super) fn code_of(exit: &AppExit) -> ExitCode {
    match exit {
        AppExit::Success => ExitCode::SUCCESS,
        AppExit::Error(code) => ExitCode::from(code.get()),
    }
}

/// Lets time pass, a few milliseconds at a stretch, until somebody leaves.
fn live(app: &mut App, lines: &Receiver<String>) -> ExitCode {
    let mut listens = true;
    loop {
        app.update();
        if let Some(exit) = app.should_exit() {
            return code_of(&exit);
        }
        let pause = if is_moving(app.world_mut()) {
            MOVING
        } else if *app.world().resource::<Standing>() == Standing::Alone {
            STANDING
        } else {
            LISTENING
        };
        // What a line asks for may need the film that is being opened.
        let is_opening = app.world().contains_resource::<Opening>();
        if !listens || is_opening {
            std::thread::park_timeout(if is_opening { MOVING } else { pause });
            continue;
        }
        match lines.recv_timeout(pause) {
            Ok(line) => {
                let answer = Line::parse(&line).map_or_else(Answer::error, |line| line.apply(app.world_mut()));
                let is_heard = print(&answer.to_json());
                if answer.leaves || !is_heard {
                    return ExitCode::SUCCESS;
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            // The end of standard input changes nothing.
            Err(RecvTimeoutError::Disconnected) => listens = false,
        }
    }
}

fn is_moving(world: &mut World) -> bool {
    let now = world.resource::<Now>().room();
    world.query_filtered::<&Playback, With<Room>>().single(world).is_ok_and(|playback| playback.gather.is_some() || playback.plays(now))
}

/// Lines of standard input, read on a thread of their own; the longest one is [`MAX_LINE_BYTES`].
fn standard_input() -> std::io::Result<Receiver<String>> {
    let (sender, lines) = sync_channel(LINES_WAITING);
    Builder::new().name("standard input".into()).spawn(move || {
        let mut input = std::io::stdin().lock();
        let mut is_rest = false;
        loop {
            let mut line = Vec::new();
            if !matches!(input.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line), Ok(1..)) {
                return;
            }
            // What comes after the longest line is no line of its own.
            let was_rest = std::mem::replace(&mut is_rest, line.last() != Some(&b'\n') && line.len() as u64 == MAX_LINE_BYTES);
            if !was_rest && sender.send(String::from_utf8_lossy(&line).trim().to_owned()).is_err() {
                return;
            }
        }
    })?;
    Ok(lines)
}

/// While a film moves: a quarter of a picture at 60 a second.
const MOVING: Duration = Duration::from_millis(4);
const STANDING: Duration = Duration::from_millis(30);
/// Others may ask for something at any time.
const LISTENING: Duration = Duration::from_millis(8);
const LINES_WAITING: usize = 64;
const MAX_LINE_BYTES: u64 = 8192;
