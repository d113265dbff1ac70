use serde::{Deserialize, Serialize};

use super::{Identity, ParticipantId, Signature, codec};

/// The host's signed word that someone is a member; guests show it each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pass {
    /// Of which room.
    pub room: RoomId,
    /// Who.
    pub member: ParticipantId,
    /// Raised when somebody is removed; older passes are then void.
    pub epoch: u32,
    signature: Signature,
}

/// A room's name on the network: random, given by its host.
pub type RoomId = [u8; 16];

impl Pass {
    /// Gives a pass, as the host.
    #[must_use]
    pub fn sign(host: &Identity, room: RoomId, member: ParticipantId, epoch: u32) -> Self {
        Self { room, member, epoch, signature: host.sign(&word(room, member, epoch)) }
    }

    /// Whether `host` says that [`member`](Self::member) is in `room`, at `epoch` or later: a later one than ours is newer than what we heard.
    #[must_use]
    pub fn verify(&self, host: &ParticipantId, room: &RoomId, epoch: u32) -> bool {
        self.room == *room && self.epoch >= epoch && host.verify(&word(self.room, self.member, self.epoch), &self.signature)
    }
}

fn word(room: RoomId, member: ParticipantId, epoch: u32) -> Vec<u8> {
    codec::encode(&("pass", room, member, epoch))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pass_holds_for_its_room_member_and_epoch() {
        let (host, other) = (Identity::temporary(), Identity::temporary());
        let member = other.id();
        let pass = Pass::sign(&host, [1; 16], member, 5);
        assert!(pass.verify(&host.id(), &[1; 16], 5));
        assert!(pass.verify(&host.id(), &[1; 16], 4), "newer than what we heard");
        assert!(!pass.verify(&host.id(), &[1; 16], 6), "void since somebody was removed");
        assert!(!pass.verify(&host.id(), &[2; 16], 5));
        assert!(!pass.verify(&other.id(), &[1; 16], 5));
        for forged in [Pass { epoch: 6, ..pass }, Pass { member: host.id(), ..pass }, Pass { room: [2; 16], ..pass }] {
            assert!(!forged.verify(&host.id(), &forged.room, forged.epoch));
        }
        assert_eq!(codec::decode::<Pass>(&codec::encode(&pass)), Ok(pass));
    }
}
