use std::{
    collections::VecDeque,
    future::Future as _,
    pin::pin,
    sync::Arc,
    task::{Context, Waker},
    time::Duration,
};

use bytes::Bytes;
use iroh::endpoint::{RecvStream, SendStream, VarInt};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout_at},
};

use super::{
    Line, LiveEvent, LivePacket,
    carry::{Done, Heard},
    net::Shared,
    stream::{self, Fault},
};

/// Writes our face to one line: each group on a stream of its own, given up as soon as it lags.
pub(super) async fn write_faces(shared: Arc<Shared>, line: Line, mut frames: mpsc::Receiver<FaceFrame>) -> Done {
    let mut open: Option<(u32, SendStream)> = None;
    let mut given_up = None;
    let mut ended: VecDeque<Ended> = VecDeque::new();
    while let Some(FaceFrame { group, bytes, since }) = frames.recv().await {
        ended.retain(|group| !group.has_come());
        // On a line that is too thin for a face groups would queue up behind each other. That a group has come is only heard a round trip later.
        let patience = BACKLOG + line.rtt().unwrap_or_default();
        while let Some(late) = ended.pop_front_if(|group| group.at.elapsed() > patience) {
            shared.faces.tell(LiveEvent::GivenUp { line: line.id(), group: late.give_up() });
        }
        if given_up == Some(group) {
            continue;
        }
        if let Some((number, mut stream)) = open.take_if(|(number, _)| *number != group || bytes.is_none()) {
            if stream.finish().is_ok() {
                ended.push_back(Ended { group: number, stream, at: Instant::now() });
            } else {
                tracing::trace!(group, "the other side had stopped it");
            }
        }
        let Some(bytes) = bytes else { continue };
        let deadline = since + BACKLOG;
        let writing = async {
            if open.is_none() {
                open = Some((group, stream::open_face(line.connection()).await?));
            }
            let (_, stream) = open.as_mut()?;
            stream.write_chunk(bytes).await.ok()
        };
        if timeout_at(deadline, writing).await.ok().flatten().is_none() {
            if let Some((_, mut stream)) = open.take()
                && stream.reset(VarInt::from_u32(0)).is_err()
            {
                tracing::trace!(group, "it was over anyway");
            }
            given_up = Some(group);
            shared.faces.tell(LiveEvent::GivenUp { line: line.id(), group });
        }
    }
    Done::Nothing
}

/// A group that is wholly written, and of which the other side may not have everything.
struct Ended {
    group: u32,
    stream: SendStream,
    at: Instant,
}

impl Ended {
    /// Whether the other side has all of it, or wants no more.
    fn has_come(&self) -> bool {
        pin!(self.stream.stopped()).poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    fn give_up(mut self) -> u32 {
        if self.stream.reset(VarInt::from_u32(0)).is_err() {
            tracing::trace!(group = self.group, "it was over anyway");
        }
        self.group
    }
}

/// Passes on the parts of one stream of a face as they come.
pub(super) async fn read_face(shared: &Shared, line: &Line, mut stream: RecvStream, heard: &Heard) -> Result<(), Fault> {
    let number = heard.next_face().ok_or(Fault("too many faces at once"))?;
    let mut read_bytes = 0;
    let result = loop {
        let Ok(chunk) = stream.read_chunk(PART_BYTES_MAX).await else {
            // Given up by its sender, or the connection is gone.
            let (line, arrived_ns, bytes) = (line.id(), (shared.mono_ns)(), Bytes::new());
            shared.faces.give(LivePacket { line, arrived_ns, stream: number, bytes, is_last: false, is_broken: true });
            break Ok(());
        };
        let (bytes, is_last) = chunk.map_or((Bytes::new(), true), |bytes| (bytes, false));
        read_bytes += bytes.len();
        if read_bytes > GROUP_BYTES_MAX {
            break Err(Fault("a face that is too large"));
        }
        if !heard.may_show(bytes.len()) {
            break Err(Fault("faces that come too fast"));
        }
        let packet = LivePacket { line: line.id(), arrived_ns: (shared.mono_ns)(), stream: number, bytes, is_last, is_broken: false };
        // Without room the rest of the group is of no use; dropping the stream asks its sender to stop.
        if !shared.faces.give(packet) || is_last {
            break Ok(());
        }
    };
    heard.face_ends();
    result
}

/// A part of a group, on its way.
#[derive(Debug)]
pub(super) struct FaceFrame {
    pub(super) group: u32,
    /// None ends the group.
    pub(super) bytes: Option<Bytes>,
    /// When it was handed in.
    pub(super) since: Instant,
}

/// A face that lags by more is not worth sending.
const BACKLOG: Duration = Duration::from_millis(200);
const PART_BYTES_MAX: usize = 16 * 1024;
/// Four seconds at twice the rate of a face, key frame included.
const GROUP_BYTES_MAX: usize = 256 * 1024;
