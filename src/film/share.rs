use std::{
    fs::File,
    io::{self, Cursor, Read, Seek, SeekFrom},
    ops::Range,
    time::SystemTime,
};

use bevy::prelude::*;

use super::{
    Abandoned, FilmSource, Screening,
    fetch::Fetching,
    open::{DEMO, Offer},
};
use crate::{
    net::{FilmPort, Identity, ParticipantId, Signature},
    notice::Notice,
    room::{Ask, FilmId, FilmWay, Frame, Mine, Myself, Playback, Room, Viewing, ViewingState},
    swarm::{Event as Told, Keys, Options, Progress, Swarm},
    trace::mono_ns,
};

/// Brings the films of this machine to others, and theirs to this one.
pub(super) fn plugin(app: &mut App) {
    app.init_resource::<CacheFolder>()
        .init_resource::<Presented>()
        .init_resource::<Buffered>()
        .add_systems(Update, (start.run_if(resource_exists_and_changed::<FilmWay>), hear_swarm).chain().in_set(Frame::Hear))
        .add_systems(Update, (present, end_orphan).in_set(Frame::Decide))
        .add_systems(Update, (say_how_it_goes, show_what_is_here).in_set(Frame::Show));
}

/// The network is there: films can come and go.
fn start(mut way: ResMut<FilmWay>, myself: Res<Myself>, folder: Res<CacheFolder>, mut commands: Commands) {
    let Some(port) = way.bypass_change_detection().0.take() else { return };
    match begin(port, &myself.identity, &folder) {
        Ok(swarm) => commands.insert_resource(Shared(swarm)),
        Err(error) => commands.trigger(Notice::problem(format!("Films cannot be sent or received: {error}. Start the program again."))),
    }
}

fn begin(port: FilmPort, identity: &Identity, folder: &CacheFolder) -> io::Result<Swarm> {
    let options = Options {
        keys: Box::new(OwnKeys(identity.clone())),
        cache_folder: folder.path.clone(),
        cache_limit_bytes: folder.limit_bytes,
        mono_ns,
    };
    Swarm::start(port, options)
}

fn hear_swarm(swarm: Option<Res<Shared>>, screening: Option<Res<Screening>>, fetching: Option<Res<Fetching>>, mut commands: Commands) {
    let Some(swarm) = swarm else { return };
    while let Some(told) = swarm.0.next_event() {
        match told {
            Told::Failed { film, sentence } => {
                commands.trigger(Notice::problem(sentence));
                if screening.as_ref().is_some_and(|screening| screening.film == film && screening.is_own()) {
                    commands.trigger(Ask::Forsake { film });
                } else if screening.as_ref().is_some_and(|screening| screening.film == film && !screening.is_own()) {
                    commands.remove_resource::<Screening>();
                    commands.trigger(Abandoned);
                } else if fetching.as_ref().is_some_and(|fetching| fetching.film.id == film) {
                    commands.remove_resource::<Fetching>();
                    commands.trigger(Abandoned);
                }
            }
            // The room says so, too.
            Told::Withdrawn { .. } => {}
            Told::Problem { sentence } => commands.trigger(Notice::problem(sentence).about("films")),
        }
    }
}

/// A film of this machine can be had from here as soon as it is offered to the room: others may ask before the room's answer is here.
fn present(
    swarm: Option<Res<Shared>>,
    offer: Option<Res<Offer>>,
    screening: Option<Res<Screening>>,
    mut presented: ResMut<Presented>,
    mut commands: Commands,
) {
    let Some(swarm) = swarm else { return };
    let own: Vec<(FilmId, &FilmSource)> = [offer.as_ref().and_then(|offer| offer.screening.as_ref()), screening.as_deref()]
        .into_iter()
        .flatten()
        .filter_map(|screening| Some((screening.film, screening.source.as_ref()?)))
        .collect();
    presented.0.retain(|film| {
        let is_here = own.iter().any(|(own, _)| own == film);
        if !is_here {
            swarm.0.withdraw(*film);
        }
        is_here
    });
    for (film, source) in own {
        if presented.0.contains(&film) {
            continue;
        }
        presented.0.push(film);
        if let Err(sentence) = offer_to_others(&swarm.0, film, source) {
            commands.trigger(Notice::problem(sentence));
        }
    }
}

fn offer_to_others(swarm: &Swarm, film: FilmId, source: &FilmSource) -> Result<(), String> {
    let offered = match source {
        FilmSource::Demo => swarm.present(film, Cursor::new(DEMO)),
        FilmSource::File(path) => {
            let file = File::open(path)
                .map_err(|error| format!("The others cannot see this film: {} cannot be read again ({error}).", path.display()))?;
            swarm.present(film, Unchanged::new(file))
        }
    };
    offered.map(|_| ()).map_err(|error| error.to_string())
}

/// A file as it was when it was put on the screen: written to since, it is another film, whatever its size.
struct Unchanged {
    file: File,
    written: Option<SystemTime>,
}

impl Unchanged {
    fn new(file: File) -> Self {
        let written = Self::written(&file);
        Self { file, written }
    }

    /// `None` where the file system does not say.
    fn written(file: &File) -> Option<SystemTime> {
        file.metadata().and_then(|metadata| metadata.modified()).ok()
    }
}

impl Read for Unchanged {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        // After reading: what was read is then older than any writing.
        if Self::written(&self.file) == self.written { Ok(count) } else { Err(io::Error::other("it was written to")) }
    }
}

impl Seek for Unchanged {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

/// A film whose presenter has left is as long as what has come of it.
fn end_orphan(swarm: Option<Res<Shared>>, room: Option<Single<&Playback, (With<Room>, Changed<Playback>)>>) {
    if let (Some(swarm), Some(film)) = (swarm, room.and_then(|room| room.film.clone()))
        && film.is_orphaned
    {
        swarm.0.withdraw(film.id);
    }
}

/// Lets everybody know how the film does here.
fn say_how_it_goes(
    swarm: Option<Res<Shared>>,
    screening: Option<Res<Screening>>,
    fetching: Option<Res<Fetching>>,
    room: Option<Single<&Playback, With<Room>>>,
    me: Option<Single<&Viewing, With<crate::room::Me>>>,
    time: Res<Time<Real>>,
    mut said_s: Local<f64>,
    mut commands: Commands,
) {
    let (Some(room), Some(me)) = (room, me) else { return };
    let state = match (&room.film, &screening, &fetching) {
        (None, ..) => ViewingState::Nothing,
        (Some(film), Some(screening), _) if screening.film == film.id => {
            if screening.shown_ns().is_some() || screening.info().video.is_none() { ViewingState::Watching } else { ViewingState::Loading }
        }
        (Some(_), _, Some(_)) | (Some(_), Some(_), None) => ViewingState::Loading,
        (Some(_), None, None) => ViewingState::Broken,
    };
    let buffered_s = match (&room.film, &swarm) {
        (Some(film), Some(swarm)) => swarm.0.progress(film.id).map_or(u8::MAX, |progress| {
            let is_all = progress.have.iter().map(|part| part.end - part.start).sum::<u64>() >= progress.size_bytes;
            let bytes_per_s = film.bytes_per_second().unwrap_or(BYTES_PER_S).max(1);
            if is_all { u8::MAX } else { (progress.buffered_bytes / bytes_per_s).min(254) as u8 }
        }),
        (Some(_), None) => u8::MAX,
        (None, _) => 0,
    };
    let viewing = Viewing { state, buffered_s };
    let is_news = me.state != state || me.buffered_s.abs_diff(buffered_s) > 1;
    let elapsed_s = time.elapsed_secs_f64();
    if is_news && (elapsed_s - *said_s > SAY_INTERVAL_S || elapsed_s < *said_s) {
        *said_s = elapsed_s;
        commands.trigger(Mine(viewing));
    }
}

/// What of somebody else's film is here, a few times a second.
fn show_what_is_here(
    swarm: Option<Res<Shared>>,
    room: Option<Single<&Playback, With<Room>>>,
    screening: Option<Res<Screening>>,
    time: Res<Time<Real>>,
    mut looked_s: Local<f64>,
    mut buffered: ResMut<Buffered>,
) {
    let elapsed_s = time.elapsed_secs_f64();
    if elapsed_s - *looked_s < LOOK_INTERVAL_S && elapsed_s >= *looked_s {
        return;
    }
    *looked_s = elapsed_s;
    let is_own = screening.is_some_and(|screening| screening.is_own());
    let film = room.and_then(|room| room.film.clone()).filter(|_| !is_own);
    let progress = film.zip(swarm).and_then(|(film, swarm)| swarm.0.progress(film.id));
    buffered.set_if_neq(Buffered(progress.map_or_else(Vec::new, |progress| parts(&progress))));
}

fn parts(progress: &Progress) -> Vec<Range<f32>> {
    let of = progress.size_bytes.max(1) as f64;
    progress.have.iter().map(|part| (part.start as f64 / of) as f32..(part.end as f64 / of) as f32).collect()
}

/// The parts of somebody else's film that are here, from 0 at its beginning to 1 at its end; none of one's own, which is all here.
#[derive(Resource, Debug, Default, Clone, PartialEq)]
pub struct Buffered(pub Vec<Range<f32>>);

/// Films of others, while one watches them.
#[derive(Resource, Debug, Clone)]
pub struct CacheFolder {
    /// Where they lie; `None` keeps them in memory.
    pub path: Option<std::path::PathBuf>,
    /// How much of a film at most.
    pub limit_bytes: u64,
}

impl Default for CacheFolder {
    fn default() -> Self {
        Self { path: None, limit_bytes: 20_000_000_000 }
    }
}

/// The swarm, once there is a network.
#[derive(Resource)]
pub(super) struct Shared(pub(super) Swarm);

/// The films that others can have from here.
#[derive(Resource, Debug, Default)]
struct Presented(Vec<FilmId>);

struct OwnKeys(Identity);

impl Keys for OwnKeys {
    fn id(&self) -> ParticipantId {
        self.0.id()
    }

    fn sign(&self, bytes: &[u8]) -> [u8; 64] {
        self.0.sign(bytes).to_bytes()
    }

    fn verify(&self, signer: &ParticipantId, bytes: &[u8], signature: &[u8; 64]) -> bool {
        signer.verify(bytes, &Signature::from_bytes(*signature))
    }
}

const LOOK_INTERVAL_S: f64 = 0.25;
const SAY_INTERVAL_S: f64 = 0.5;
/// Of a film that does not say how long it is.
const BYTES_PER_S: u64 = 500_000;

#[cfg(test)]
mod tests {
    use std::{fs, time::Duration};

    use super::*;

    #[test]
    fn a_file_that_was_written_to_is_another_film() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("film");
        fs::write(&path, [1; 100]).unwrap();
        let mut film = Unchanged::new(File::open(&path).unwrap());
        let mut bytes = [0; 10];
        film.read_exact(&mut bytes).unwrap();
        let writer = File::options().write(true).open(&path).unwrap();
        writer.set_modified(film.written.unwrap() + Duration::from_secs(5)).unwrap();
        assert!(film.read_exact(&mut bytes).unwrap_err().to_string().contains("written"));
    }

    #[test]
    fn parts_that_are_here_are_parts_of_the_whole() {
        let progress = |have, size_bytes| Progress { have, buffered_bytes: 0, size_bytes, is_connected: true, bytes_per_second: None };
        assert_eq!(parts(&progress(vec![0..250, 500..1000], 1000)), [0.0..0.25, 0.5..1.0]);
        assert!(parts(&progress(Vec::new(), 0)).is_empty());
    }
}
