use std::{
    fs::File,
    io::{self, ErrorKind, Read, Seek, SeekFrom},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;

use super::{
    cache::{Found, Stored},
    feed::Feed,
    pieces::PIECE_BYTES,
    worker::Command,
};
use crate::handover::MailboxSender;

/// A film's bytes as they arrive. Where it reads is what is asked for first.
///
/// A read waits at most 50 ms for bytes that are not there and then returns [`ErrorKind::Interrupted`]; read again. At the film's end it returns 0. Once nothing more will
/// come, what is here can still be read; what is not is an error that holds an [`End`] ([`End::of`] takes it out). The film is watched for as long as there is a reader of it.
#[derive(Debug)]
pub struct Reader {
    feed: Arc<Feed>,
    commands: MailboxSender<Command>,
    patience: Duration,
    /// Whether it only reads what is here, so that nothing is fetched for it and nobody counts it.
    stands_by: bool,
    offset_bytes: u64,
    /// The piece that was read last.
    piece: Option<(u32, Bytes)>,
    file: Option<File>,
}

impl Reader {
    pub(super) const fn new(feed: Arc<Feed>, commands: MailboxSender<Command>, patience: Duration) -> Self {
        Self { feed, commands, patience, stands_by: false, offset_bytes: 0, piece: None, file: None }
    }

    /// One for which nothing is fetched: what is not here is an error.
    pub(super) fn standing_by(feed: Arc<Feed>, commands: MailboxSender<Command>) -> Self {
        let mut reader = Self::new(feed, commands, Duration::ZERO);
        reader.stands_by = true;
        reader
    }

    /// Gets a piece, from wherever it is.
    fn piece(&mut self, index: u32) -> io::Result<Bytes> {
        if let Some((held, bytes)) = &self.piece
            && *held == index
        {
            return Ok(bytes.clone());
        }
        let mut has_waited = false;
        loop {
            let mut state = self.feed.lock();
            let is_news = !self.stands_by && state.visit(index);
            let found = state.find(index);
            let end = state.end.clone();
            drop(state);
            if is_news {
                self.wake_swarm();
            }
            let bytes = match found {
                Found::Memory(bytes) => bytes,
                Found::Disk(stored) => match self.read_from_disk(index, stored) {
                    Some(bytes) => bytes,
                    None => continue,
                },
                Found::Missing => {
                    if let Some(end) = end {
                        return Err(io::Error::new(end.kind(), end));
                    }
                    if self.stands_by {
                        return Err(io::Error::new(End::NotHere.kind(), End::NotHere));
                    }
                    tracing::trace!(index, "waits");
                    if has_waited || self.patience.is_zero() {
                        return Err(ErrorKind::Interrupted.into());
                    }
                    self.feed.wait_for(index, self.patience);
                    has_waited = true;
                    continue;
                }
            };
            self.piece = Some((index, bytes.clone()));
            return Ok(bytes);
        }
    }

    /// A piece that cannot be read is missing from then on, so this is tried once for each time it was written.
    fn read_from_disk(&mut self, index: u32, stored: Stored) -> Option<Bytes> {
        let bytes = self.read_slot(index, stored);
        let mut state = self.feed.lock();
        let cache = state.cache.as_mut()?;
        let still_holds = cache.still_holds(index, stored);
        if still_holds && bytes.is_none() {
            cache.lost(index, stored);
        }
        bytes.filter(|_| still_holds)
    }

    fn read_slot(&mut self, index: u32, stored: Stored) -> Option<Bytes> {
        let (path, cut) = {
            let state = self.feed.lock();
            (state.file.clone()?, state.cut?)
        };
        let mut bytes = vec![0; cut.len_bytes(index)];
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(File::open(path).ok()?),
        };
        file.seek(SeekFrom::Start(u64::from(stored.slot) * PIECE_BYTES)).ok()?;
        file.read_exact(&mut bytes).ok()?;
        (blake3::hash(&bytes) == stored.hash).then(|| bytes.into())
    }

    fn wake_swarm(&self) {
        // A full box means that it is about to look anyway.
        drop(self.commands.send(Command::Look));
    }
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (size_bytes, cut) = {
            let mut state = self.feed.lock();
            if !self.stands_by {
                state.place_bytes = self.offset_bytes;
            }
            (state.size_bytes, state.cut)
        };
        let Some(cut) = cut else {
            let end = self.feed.lock().end.clone().unwrap_or(End::Stopped);
            return Err(io::Error::new(end.kind(), end));
        };
        if buffer.is_empty() || self.offset_bytes >= size_bytes {
            return Ok(0);
        }
        let index = cut.index_of(self.offset_bytes);
        let piece = self.piece(index)?;
        let from = usize::try_from(self.offset_bytes - cut.start_bytes(index)).unwrap_or(usize::MAX);
        let part = piece.get(from..).unwrap_or_default();
        let count = part.len().min(buffer.len());
        buffer[..count].copy_from_slice(&part[..count]);
        self.offset_bytes += count as u64;
        if !self.stands_by {
            self.feed.lock().place_bytes = self.offset_bytes;
        }
        Ok(count)
    }
}

impl Seek for Reader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let (from, by) = match to {
            SeekFrom::Start(offset_bytes) => (offset_bytes, 0),
            SeekFrom::Current(by) => (self.offset_bytes, by),
            SeekFrom::End(by) => (self.feed.lock().size_bytes, by),
        };
        self.offset_bytes = from.checked_add_signed(by).ok_or(ErrorKind::InvalidInput)?;
        Ok(self.offset_bytes)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if self.stands_by {
            return;
        }
        let mut state = self.feed.lock();
        state.readers = state.readers.saturating_sub(1);
        drop(state);
        self.wake_swarm();
    }
}

/// Why nothing more of a film will come.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum End {
    /// It was taken off the screen.
    #[error("the film was taken off the screen")]
    Withdrawn,
    /// Something is wrong with it; a sentence for the person.
    #[error("{0}")]
    Failed(String),
    /// This machine has left.
    #[error("the film is no longer being received")]
    Stopped,
    /// It may come, but not for whoever only looks about.
    #[error("this part of the film is not here")]
    NotHere,
}

impl End {
    /// The reason inside a [`Reader`]'s error, if that is what it holds.
    #[must_use]
    pub fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }

    const fn kind(&self) -> ErrorKind {
        match self {
            Self::Withdrawn => ErrorKind::UnexpectedEof,
            Self::Failed(_) => ErrorKind::InvalidData,
            Self::Stopped => ErrorKind::BrokenPipe,
            Self::NotHere => ErrorKind::NotFound,
        }
    }
}
