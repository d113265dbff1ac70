//! The door: people's machines find each other, prove who they are, and keep one connection a pair.
//!
//! [`Net::start`] opens the one endpoint of this process on a runtime of its own; everything else is asked of it without waiting and told by
//! [`Net::next_event`], by each [`Line`]'s packets, and to `swarm` through the [`FilmPort`]. Inside: `endpoint` (settings), `answer` and `call` (the two ways
//! to a line), `hello` (who is let in, pure), `book` (one line a pair, pure), `carry` (a line's life), `stream`, `packet`, `ping` (what goes over it), `pump`
//! (swarm's orders), `live` and `faces` (voices and faces).
//!
//! Invariant: this is the only folder that says iroh and tokio; nothing here knows what a room agrees on or what a film is. A peer's bytes can cost it its own
//! line and nothing else: all that it may send, hold open or leave waiting is bounded here.
//!
//! Decided, with the rejected ones:
//! - One connection a pair with a byte in front of every stream and datagram; not an ALPN each for room, film and live, which would each greet, be kicked and
//!   fill the queue alone.
//! - If two dial each other at once the line dialled by the smaller id stays; a restarted program is known by the random number in its greeting and always
//!   replaces its older line. Rejected: keeping the first, on which the two ends may disagree.
//! - A reset's code names the piece, because a reset may overtake the head of its stream; a piece's head holds its length, because a stream that is dropped
//!   ends like one that is finished.
//! - A wrong greeting is refused by closing with a number and a sentence; an answer on the stream could be lost when the close overtakes it.

mod address;
mod answer;
mod book;
mod call;
mod cap;
mod carry;
/// Our messages as bytes.
pub mod codec;
mod endpoint;
mod event;
mod faces;
mod film;
mod hello;
mod id;
mod identity;
mod invite;
mod line;
mod live;
#[expect(clippy::module_inception, reason = "it is the net itself")]
mod net;
mod packet;
mod pass;
mod ping;
mod pump;
mod secret;
mod stream;
#[cfg(test)]
mod tests;
mod tries;

pub use address::{Addresses, DIRECT_MAX, RELAY_BYTES_MAX};
pub use endpoint::{NetError, Relay};
pub use event::{Event, Reason};
pub use film::{FilmEvent, FilmOrder, FilmPort, FilmWire, LineId, PIECE_BYTES_MAX, film_port};
pub use hello::{Arrival, Door, Member, Members, NAME_BYTES_MAX, Refusal, Standing};
pub use id::{FilmId, ParticipantId};
pub use identity::{Identity, Signature};
pub use invite::{Invite, InviteError};
pub use line::{Line, LineKind, PACKETS_WAITING};
pub use live::{LiveEvent, LivePacket, LivePort};
pub use net::{Net, Options, Ports};
pub use packet::ROOM_PACKET_BYTES_MAX;
pub use pass::{Pass, RoomId};
pub use ping::Stamps;
pub use secret::Secret;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks even if another holder panicked: every value in this folder is whole between two statements.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
