//! The film's bytes between people: the presenter's file is cut into pieces, hashed and signed as they are asked for, and everybody else reads them as if the file were
//! theirs.
//!
//! A guest's [`Reader`] is `Read + Seek`; where it reads, `want` asks for pieces, and a piece enters the cache only if its BLAKE3 hash is one that the
//! presenter signed. The presenter answers from the file itself and hashes nothing that nobody asked for, so a film of any size starts at once.
//!
//! Invariant: this folder knows neither what a film shows nor how bytes travel; it opens no socket and reads no clock (time is an argument of every step).
//! A peer's message can cost that peer its line, and a presenter's their film, but nobody else anything: each list, wait and rate that a peer influences has a limit here.
//!
//! Decisions:
//! - *Three threads*: `swarm` decides and never waits; `swarm serve` reads the presenter's file, which may be on a slow disk; `swarm cache` writes received pieces. A guest's cached
//!   pieces are read by the reader's own thread, which waits for them anyway. Rejected: one thread for all; a sleeping disk would stop messages.
//! - *The piece is the unit* of asking, hashing and sending. Rejected: smaller parts of a piece for a quicker start; they gain 50 ms at 20 Mbit/s and cost a hash tree.
//! - *Pieces go one after the other*, by priorities that fall with each request. Rejected: sharing the line evenly, with which all of sixteen pieces come late instead of one after the other.
//! - *The cache on disk is an array of slots*, so that it stays within its limit by using a slot again. Rejected: a sparse file, which cannot give back what is behind without
//!   system calls that are not everywhere.
//! - *A request is asked again only after a patience that doubles*: the line is reliable, so an answer that is missing is slow, and asking again early would never finish on a slow line.

mod cache;
mod connect;
mod disk;
mod feed;
mod files;
mod handle;
mod hear;
#[cfg(test)]
mod hostile;
mod keys;
mod limit;
mod line;
mod manifest;
mod message;
mod pieces;
mod pipe;
mod present;
mod reader;
mod serve;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
mod want;
mod watch;
mod worker;

pub use handle::{ByHand, Event, NotPresentable, Options, Progress, Swarm, Ticket};
pub use keys::Keys;
pub use reader::{End, Reader};
