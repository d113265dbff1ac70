use std::{
    collections::BTreeMap,
    io::{ErrorKind, Read, Seek, SeekFrom},
};

use bytes::Bytes;

use super::{manifest::Hash, pieces::Cut};
use crate::{
    handover::{MailboxReceiver, MailboxSender},
    net::FilmId,
};

/// Reads and hashes pieces of the films that are presented here. It may wait for a disk; nobody waits for it.
pub(super) struct Serve {
    jobs: MailboxReceiver<Job>,
    done: MailboxSender<Done>,
    films: BTreeMap<FilmId, Film>,
    is_stopped: bool,
}

impl Serve {
    pub(super) const fn new(jobs: MailboxReceiver<Job>, done: MailboxSender<Done>) -> Self {
        Self { jobs, done, films: BTreeMap::new(), is_stopped: false }
    }

    /// Once, on its thread.
    pub(super) fn wake_current_thread(&self) {
        self.jobs.wake_current_thread();
    }

    /// Whether nobody can give it work any more.
    pub(super) fn is_finished(&self) -> bool {
        self.is_stopped || self.jobs.is_finished()
    }

    /// Does one thing; whether there was one.
    pub(super) fn step(&mut self) -> bool {
        let Some(job) = self.jobs.receive() else { return false };
        match job {
            Job::Take { film, cut, source } => {
                self.films.insert(film, Film { cut, source });
            }
            Job::Drop { film } => {
                self.films.remove(&film);
            }
            Job::Stop => self.is_stopped = true,
            Job::Read { film, index } => {
                let piece = self.films.get_mut(&film).map_or(Err(Unreadable::Changed), |film| film.read(index));
                // There is room for every job that may be waiting.
                drop(self.done.send(Done { film, index, piece }));
            }
        }
        true
    }
}

/// What is to be done.
pub(super) enum Job {
    Take { film: FilmId, cut: Cut, source: Box<dyn ReadSeek> },
    Read { film: FilmId, index: u32 },
    Drop { film: FilmId },
    Stop,
}

/// A piece that was to be read.
pub(super) struct Done {
    pub(super) film: FilmId,
    pub(super) index: u32,
    pub(super) piece: Result<(Bytes, Hash), Unreadable>,
}

/// Why a presented film cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unreadable {
    #[error("The film’s file was changed while it was on the screen, so the others can no longer receive it. Present it again.")]
    Changed,
    #[error("The film’s file can no longer be read, so the others can no longer receive it ({0}). Present it again when it is back.")]
    Source(std::io::Error),
}

/// Bytes that can be read from any place.
pub(super) trait ReadSeek: Read + Seek + Send {}

impl<T: Read + Seek + Send> ReadSeek for T {}

struct Film {
    cut: Cut,
    source: Box<dyn ReadSeek>,
}

impl Film {
    fn read(&mut self, index: u32) -> Result<(Bytes, Hash), Unreadable> {
        let size_bytes = patiently(|| self.source.seek(SeekFrom::End(0)))?;
        if size_bytes != self.cut.size_bytes() {
            return Err(Unreadable::Changed);
        }
        patiently(|| self.source.seek(SeekFrom::Start(self.cut.start_bytes(index))))?;
        let mut bytes = vec![0; self.cut.len_bytes(index)];
        let mut read = 0;
        while read < bytes.len() {
            match patiently(|| self.source.read(&mut bytes[read..]))? {
                0 => return Err(Unreadable::Changed),
                count => read += count,
            }
        }
        let hash = *blake3::hash(&bytes).as_bytes();
        Ok((bytes.into(), hash))
    }
}

/// A source may be interrupted while it waits, but not for ever.
fn patiently<T>(mut attempt: impl FnMut() -> std::io::Result<T>) -> Result<T, Unreadable> {
    let mut interruptions = 0;
    loop {
        match attempt() {
            Err(error) if error.kind() == ErrorKind::Interrupted && interruptions < INTERRUPTIONS_MAX => interruptions += 1,
            result => return result.map_err(Unreadable::Source),
        }
    }
}

/// Ten seconds of a source that waits 50 ms each time.
const INTERRUPTIONS_MAX: u32 = 200;

#[cfg(test)]
mod tests {
    use std::io::{self, Cursor};

    use super::*;
    use crate::handover::mailbox;

    fn read_of(source: impl ReadSeek + 'static, size_bytes: u64, index: u32) -> Result<(Bytes, Hash), Unreadable> {
        let ((jobs, job_box), (done, results)) = (mailbox(4), mailbox(4));
        let mut serve = Serve::new(job_box, done);
        let film = FilmId::from_bytes([1; 16]);
        let send = |job| assert!(jobs.send(job).is_ok());
        send(Job::Take { film, cut: Cut::new(size_bytes).unwrap(), source: Box::new(source) });
        send(Job::Read { film, index });
        while serve.step() {}
        results.receive().unwrap().piece
    }

    #[test]
    fn a_piece_is_read_whole_and_hashed() {
        let bytes: Vec<u8> = (0..300_000u32).map(|number| number as u8).collect();
        let (piece, hash) = read_of(Cursor::new(bytes.clone()), 300_000, 1).unwrap();
        assert_eq!(piece, bytes[262_144..]);
        assert_eq!(hash, *blake3::hash(&bytes[262_144..]).as_bytes());
    }

    #[test]
    fn a_file_that_grew_or_shrank_has_changed() {
        for now in [299_999, 300_001] {
            assert!(matches!(read_of(Cursor::new(vec![0; now]), 300_000, 0), Err(Unreadable::Changed)), "{now}");
        }
    }

    struct Interrupted(u32);

    impl Read for Interrupted {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0 = self.0.checked_sub(1).ok_or(ErrorKind::Interrupted)?;
            buffer.fill(7);
            Ok(buffer.len())
        }
    }

    impl Seek for Interrupted {
        fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
            Ok(10)
        }
    }

    #[test]
    fn a_source_that_waits_for_ever_is_given_up() {
        assert!(read_of(Interrupted(1), 10, 0).is_ok());
        assert!(matches!(read_of(Interrupted(0), 10, 0), Err(Unreadable::Source(_))));
    }
}
