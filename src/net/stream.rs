use bytes::Bytes;
use iroh::endpoint::{Connection, ReadError, ReadExactError, ReadToEndError, RecvStream, SendStream, VarInt};
use tokio::sync::oneshot;

use super::{PIECE_BYTES_MAX, codec::MESSAGE_BYTES_MAX};

/// What a stream is, by its first byte.
mod kind {
    pub(super) const MESSAGES: u8 = 1;
    pub(super) const PIECE: u8 = 2;
    pub(super) const FACE: u8 = 3;
}

/// A stream of the other end's, as far as its head tells.
#[derive(Debug)]
pub(super) enum Opened {
    Messages(RecvStream),
    /// Whole.
    Piece {
        request: u32,
        bytes: Bytes,
    },
    Face(RecvStream),
    /// Its sender gave it up.
    Broken {
        request: u32,
    },
    /// Of no interest, or the connection is gone.
    Nothing,
}

/// What nobody who keeps to the protocol sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fault(pub(super) &'static str);

/// Reads the head of a stream, and all of a piece.
pub(super) async fn read(mut stream: RecvStream) -> Result<Opened, Fault> {
    let mut kind = [0];
    if let Err(error) = stream.read_exact(&mut kind).await {
        return broken_off(error, Fault("a stream without a kind"));
    }
    match kind[0] {
        kind::MESSAGES => Ok(Opened::Messages(stream)),
        kind::PIECE => read_piece(stream).await,
        kind::FACE => Ok(Opened::Face(stream)),
        _ => Err(Fault("a stream of an unknown kind")),
    }
}

async fn read_piece(mut stream: RecvStream) -> Result<Opened, Fault> {
    let mut head = [0; PIECE_HEAD_BYTES];
    if let Err(error) = stream.read_exact(&mut head).await {
        return broken_off(error, Fault("a piece without a head"));
    }
    let (request, length) = piece_head(head).ok_or(Fault("a piece that is too large"))?;
    match stream.read_to_end(length).await {
        Ok(bytes) if bytes.len() == length => Ok(Opened::Piece { request, bytes: bytes.into() }),
        Ok(_) => Err(Fault("a piece that ends early")),
        Err(ReadToEndError::TooLong) => Err(Fault("a piece longer than it says")),
        Err(ReadToEndError::Read(ReadError::Reset(_))) => Ok(Opened::Broken { request }),
        Err(ReadToEndError::Read(_)) => Ok(Opened::Nothing),
    }
}

/// A reset may overtake the head, so its code says which piece it was.
fn broken_off(error: ReadExactError, early: Fault) -> Result<Opened, Fault> {
    match error {
        ReadExactError::FinishedEarly(_) => Err(early),
        ReadExactError::ReadError(ReadError::Reset(code)) => {
            let request = code.into_inner().checked_sub(CANCELLED).and_then(|request| u32::try_from(request).ok());
            Ok(request.map_or(Opened::Nothing, |request| Opened::Broken { request }))
        }
        ReadExactError::ReadError(_) => Ok(Opened::Nothing),
    }
}

/// The next message of a stream of them; `None` at its end.
pub(super) async fn next_message(stream: &mut RecvStream) -> Result<Option<Bytes>, Fault> {
    let mut head = [0; 4];
    match stream.read_exact(&mut head).await {
        Ok(()) => {}
        Err(ReadExactError::FinishedEarly(0) | ReadExactError::ReadError(_)) => return Ok(None),
        Err(ReadExactError::FinishedEarly(_)) => return Err(Fault("a message that ends early")),
    }
    let length = message_head(head).ok_or(Fault("a message that is too large"))?;
    let mut bytes = vec![0; length];
    match stream.read_exact(&mut bytes).await {
        Ok(()) => Ok(Some(bytes.into())),
        Err(ReadExactError::FinishedEarly(_)) => Err(Fault("a message that ends early")),
        Err(ReadExactError::ReadError(_)) => Ok(None),
    }
}

/// Opens the stream on which all our messages go; `None` if the connection is gone.
pub(super) async fn open_messages(connection: &Connection) -> Option<SendStream> {
    let mut stream = connection.open_uni().await.ok()?;
    stream.set_priority(MESSAGES_PRIORITY).ok()?;
    stream.write_all(&[kind::MESSAGES]).await.ok()?;
    Some(stream)
}

/// Opens a stream for a group of a face's pictures; `None` if the connection is gone.
pub(super) async fn open_face(connection: &Connection) -> Option<SendStream> {
    let mut stream = connection.open_uni().await.ok()?;
    stream.set_priority(FACES_PRIORITY).ok()?;
    stream.write_all(&[kind::FACE]).await.ok()?;
    Some(stream)
}

/// Sends one message; `None` if the connection is gone or the other end reads no messages.
pub(super) async fn write_message(stream: &mut SendStream, bytes: Bytes) -> Option<()> {
    let head = Bytes::copy_from_slice(&u32::try_from(bytes.len()).ok()?.to_le_bytes());
    stream.write_all_chunks(&mut [head, bytes]).await.ok()
}

/// Sends one piece until the other end has it, does not want it, or we are told to stop.
pub(super) async fn send_piece(connection: &Connection, request: u32, priority: i32, bytes: Bytes, cancelled: oneshot::Receiver<()>) {
    let mut opened = None;
    let sending = async {
        let stream = opened.insert(connection.open_uni().await.ok()?);
        stream.set_priority(priority.min(FACES_PRIORITY - 1)).ok()?;
        let length = u32::try_from(bytes.len()).ok()?;
        let head = [&[kind::PIECE][..], &request.to_le_bytes(), &length.to_le_bytes()].concat();
        stream.write_all_chunks(&mut [head.into(), bytes]).await.ok()?;
        stream.finish().ok()?;
        stream.stopped().await.ok()
    };
    let sent = tokio::select! {
        sent = sending => sent.is_some(),
        _ = cancelled => false,
    };
    let code = VarInt::from_u64(CANCELLED + u64::from(request)).unwrap_or(VarInt::MAX);
    if !sent
        && let Some(mut stream) = opened
        && stream.reset(code).is_err()
    {
        tracing::trace!(request, "it was over anyway");
    }
}

fn piece_head(head: [u8; PIECE_HEAD_BYTES]) -> Option<(u32, usize)> {
    let [a, b, c, d, length @ ..] = head;
    let length = u32::from_le_bytes(length) as usize;
    (length <= PIECE_BYTES_MAX).then_some((u32::from_le_bytes([a, b, c, d]), length))
}

fn message_head(head: [u8; 4]) -> Option<usize> {
    let length = u32::from_le_bytes(head) as usize;
    (length <= MESSAGE_BYTES_MAX).then_some(length)
}

/// Request and length, after the kind.
const PIECE_HEAD_BYTES: usize = 8;
/// Before any piece.
const MESSAGES_PRIORITY: i32 = 100;
/// A face is some kilobytes; a piece of film in front of it would be a quarter of a second.
const FACES_PRIORITY: i32 = 99;
/// A stream's reset carries this and the number of the request.
const CANCELLED: u64 = 1 << 32;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_head_asks_for_more_than_the_limits(piece: [u8; 8], message: [u8; 4]) {
            prop_assert!(piece_head(piece).is_none_or(|(_, length)| length <= PIECE_BYTES_MAX));
            prop_assert!(message_head(message).is_none_or(|length| length <= MESSAGE_BYTES_MAX));
        }
    }
}
