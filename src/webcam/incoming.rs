use std::{
    thread::{Builder, Thread},
    time::Duration,
};

use bytes::Bytes;

use super::{Step, face::Face, group::Fault};
use crate::{
    handover::{MailboxReceiver, MailboxSender, Slot, mailbox},
    media::FacePicture,
    net::ParticipantId,
};

/// The faces of the others. Dropping it ends the thread that decodes them.
#[derive(Debug)]
pub struct Faces {
    expected: MailboxSender<Expected>,
    news: MailboxReceiver<FaceNews>,
    /// Sleeps while nothing comes; `None` where steps are made by hand.
    thread: Option<Thread>,
}

impl Faces {
    /// Decodes on one thread for all.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(mono_ns: fn() -> i64) -> Result<Self, String> {
        let (mut faces, mut incoming) = Self::by_hand();
        incoming.wakes = true;
        let work = move || {
            incoming.expected.wake_current_thread();
            loop {
                match incoming.step(mono_ns()) {
                    Step::Worked => {}
                    Step::Idle => std::thread::park_timeout(if incoming.faces.is_empty() { IDLE_ALONE } else { IDLE }),
                    Step::Done => return,
                }
            }
        };
        let thread = Builder::new()
            .name("faces".into())
            .spawn(work)
            .map_err(|error| format!("Nobody's face can be shown because the system gave no thread: {error}."))?;
        faces.thread = Some(thread.thread().clone());
        Ok(faces)
    }

    /// Faces whose steps are made by the caller.
    #[must_use]
    pub fn by_hand() -> (Self, Incoming) {
        let (expected_sender, expected) = mailbox(FACES_MAX);
        let (news_sender, news) = mailbox(FACES_MAX * 2);
        let incoming = Incoming { expected, news: news_sender, faces: Vec::new(), wakes: false };
        (Self { expected: expected_sender, news, thread: None }, incoming)
    }

    /// Makes ready for somebody's face on a new line; `None` if there are too many. The face is forgotten when the inlet is dropped, or begins anew when they are
    /// expected again.
    #[must_use]
    pub fn expect(&self, who: ParticipantId) -> Option<FaceLine> {
        let (inlet, pieces) = mailbox(PIECES_MAX);
        let shown = Slot::default();
        self.expected.send(Expected { who, pieces, shown: shown.clone() }).ok()?;
        Some(FaceLine { inlet, shown })
    }

    /// What is to be told to the net, oldest first.
    pub fn news(&self) -> Option<FaceNews> {
        self.news.receive()
    }
}

impl Drop for Faces {
    fn drop(&mut self) {
        if let Some(thread) = &self.thread {
            thread.unpark();
        }
    }
}

/// The two ends of one person's face.
#[derive(Debug)]
pub struct FaceLine {
    /// For the net. When it is full, what came should be dropped and the stream stopped: somebody sends more than a face.
    pub inlet: MailboxSender<Piece>,
    /// For the theater: the newest picture.
    pub shown: Slot<Shown>,
}

/// What the net brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// The next bytes of a stream.
    Bytes {
        /// The stream's number: those opened later have greater ones.
        stream: u64,
        /// At most some KiB at once, because so much may wait for each person; may be empty.
        bytes: Bytes,
        /// Whether these are the last.
        is_end: bool,
    },
    /// The stream was reset.
    BrokenOff {
        /// Its number.
        stream: u64,
    },
}

/// A picture that has just come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The picture.
    pub picture: FacePicture,
    /// When it was decoded.
    pub arrived_ns: i64,
    /// How many a second there should be: with it, [`Freshness::of`](super::Freshness::of) tells how old a face is.
    pub rate: u8,
}

/// What is to be told to the net.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaceNews {
    /// Ask them for a key frame.
    NeedsKey(ParticipantId),
    /// They broke a rule, and their face is not read any further: they should lose the line.
    Fault(ParticipantId, Fault),
}

#[derive(Debug)]
struct Expected {
    who: ParticipantId,
    pieces: MailboxReceiver<Piece>,
    shown: Slot<Shown>,
}

/// Makes the steps of the others' faces.
#[derive(Debug)]
pub struct Incoming {
    expected: MailboxReceiver<Expected>,
    news: MailboxSender<FaceNews>,
    faces: Vec<(Expected, Option<Face>)>,
    wakes: bool,
}

impl Incoming {
    /// Reads some of what came for each, in turn, so that nobody waits for another.
    pub fn step(&mut self, now_ns: i64) -> Step {
        while let Some(expected) = self.expected.receive() {
            if self.wakes {
                expected.pieces.wake_current_thread();
            }
            self.faces.retain(|(other, _)| other.who != expected.who);
            if self.faces.len() < FACES_MAX {
                self.faces.push((expected, Some(Face::default())));
            }
        }
        if self.expected.is_finished() {
            return Step::Done;
        }
        let mut worked = false;
        for (expected, face) in &mut self.faces {
            for _ in 0..PIECES_AT_ONCE {
                let Some(piece) = expected.pieces.receive() else { break };
                worked = true;
                let heard = face.as_mut().map(|face| hear(face, piece, now_ns));
                match heard {
                    Some(Ok(Some(shown))) => {
                        // An unread older one is obsolete.
                        expected.shown.put(shown);
                    }
                    Some(Err(fault)) => {
                        *face = None;
                        tell(&self.news, FaceNews::Fault(expected.who, fault));
                    }
                    Some(Ok(None)) | None => {}
                }
            }
            if face.as_mut().is_some_and(|face| face.asks_key(now_ns)) {
                tell(&self.news, FaceNews::NeedsKey(expected.who));
            }
        }
        self.faces.retain(|(expected, _)| !expected.pieces.is_finished());
        if worked { Step::Worked } else { Step::Idle }
    }
}

fn hear(face: &mut Face, piece: Piece, now_ns: i64) -> Result<Option<Shown>, Fault> {
    match piece {
        Piece::Bytes { stream, bytes, is_end } => {
            let picture = face.hear(stream, &bytes, is_end, now_ns)?;
            Ok(picture.map(|picture| Shown { picture, arrived_ns: now_ns, rate: face.rate() }))
        }
        Piece::BrokenOff { stream } => {
            face.broken_off(stream);
            Ok(None)
        }
    }
}

fn tell(news: &MailboxSender<FaceNews>, what: FaceNews) {
    if let Err(what) = news.send(what) {
        tracing::warn!("nobody takes the news of faces; lost: {what:?}");
    }
}

/// More than any room.
const FACES_MAX: usize = 64;
/// Some seconds of somebody's pieces.
const PIECES_MAX: usize = 128;
const PIECES_AT_ONCE: usize = 8;
/// Pieces wake it; this is for key frames that must be asked for.
const IDLE: Duration = Duration::from_millis(100);
const IDLE_ALONE: Duration = Duration::from_secs(1);
