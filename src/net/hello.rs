use serde::{Deserialize, Serialize};

use super::{Addresses, ParticipantId, Pass, RoomId, Secret, codec, secret::Proof};

/// Decides on a greeting: who comes in and as what. `peer` is who TLS says is at the other end.
///
/// # Errors
/// The refusal, which the other end is told.
pub(super) fn judge(bytes: &[u8], situation: &Situation<'_>) -> Result<Admitted, Refusal> {
    let hello = read(bytes)?;
    let (standing, room, epoch) = match &hello.claim {
        Claim::Invite(proof) => {
            let door = situation.door.ok_or(Refusal::NoDoor)?;
            let moderator = at_door(proof, door, situation)?;
            (Standing::Guest { moderator }, door.room, door.epoch)
        }
        Claim::Pass(pass) => {
            let members = situation.members.ok_or(Refusal::NoRoom)?;
            if pass.member != situation.peer || situation.peer == members.host || !pass.verify(&members.host, &members.room, members.epoch)
            {
                return Err(Refusal::NoPass);
            }
            if members.host == situation.me {
                return Err(Refusal::WrongInvite); // guests come through the door, each time
            }
            (Standing::Member, pass.room, pass.epoch)
        }
    };
    if hello.dialect != situation.dialect {
        return Err(Refusal::OtherBuild);
    }
    let Hello { name, addresses, instance, .. } = hello;
    Ok(Admitted { arrival: Arrival { peer: situation.peer, name, addresses: addresses.cleaned(), standing, room, epoch }, instance })
}

/// The secret first: who does not know it learns nothing of the room.
fn at_door(proof: &Proof, door: &Door, situation: &Situation<'_>) -> Result<bool, Refusal> {
    let knows = |secret: &Secret| secret.is_proven_by(proof, &situation.peer, &situation.me);
    let (guest, moderator) = (knows(&door.guest_secret), knows(&door.moderator_secret));
    if !guest && !moderator {
        Err(Refusal::WrongInvite)
    } else if door.banned.contains(&situation.peer) {
        Err(Refusal::Removed)
    } else if door.is_locked && !moderator && !situation.is_inside {
        Err(Refusal::Locked)
    } else if door.is_full && !situation.is_inside {
        Err(Refusal::Full)
    } else {
        Ok(moderator)
    }
}

fn read(bytes: &[u8]) -> Result<Hello, Refusal> {
    let rest = bytes.strip_prefix(MAGIC).ok_or(Refusal::NotHello)?;
    let (version, body) = rest.split_first_chunk().ok_or(Refusal::NotHello)?;
    match u16::from_le_bytes(*version).cmp(&VERSION) {
        std::cmp::Ordering::Less => return Err(Refusal::HostNewer),
        std::cmp::Ordering::Greater => return Err(Refusal::HostOlder),
        std::cmp::Ordering::Equal => {}
    }
    if bytes.len() > HELLO_BYTES_MAX {
        return Err(Refusal::NotHello);
    }
    let hello: Hello = codec::decode(body).map_err(|_not_that| Refusal::NotHello)?;
    if hello.name.len() > NAME_BYTES_MAX { Err(Refusal::NotHello) } else { Ok(hello) }
}

/// What the one who dials says first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Hello {
    pub(super) claim: Claim,
    /// At most [`NAME_BYTES_MAX`].
    pub(super) name: String,
    pub(super) addresses: Addresses,
    /// A random number of this run of the program: whoever comes back with another one has restarted.
    pub(super) instance: u64,
    /// See [`Options::dialect`](super::Options::dialect).
    pub(super) dialect: u64,
}

impl Hello {
    /// On the wire: the magic word and the version stay where they are in every version.
    pub(super) fn encode(&self) -> Vec<u8> {
        [MAGIC, &VERSION.to_le_bytes(), &codec::encode(self)].concat()
    }
}

/// By what right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Claim {
    Invite(Proof),
    Pass(Pass),
}

/// What the one who was dialled says if they let the other in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Answer {
    pub(super) room: RoomId,
    pub(super) epoch: u32,
    pub(super) moderator: bool,
    pub(super) name: String,
    pub(super) addresses: Addresses,
    pub(super) instance: u64,
}

impl Answer {
    pub(super) fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let answer: Self = codec::decode(bytes).ok()?;
        (bytes.len() <= HELLO_BYTES_MAX && answer.name.len() <= NAME_BYTES_MAX).then_some(answer)
    }
}

/// What the decision depends on.
pub(super) struct Situation<'a> {
    pub(super) me: ParticipantId,
    pub(super) peer: ParticipantId,
    pub(super) dialect: u64,
    pub(super) door: Option<&'a Door>,
    pub(super) members: Option<&'a Members>,
    /// There is a line to them already: they come back.
    pub(super) is_inside: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Admitted {
    pub(super) arrival: Arrival,
    pub(super) instance: u64,
}

/// The door of the room that this machine hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Door {
    /// The room's name on the network.
    pub room: RoomId,
    /// The epoch of passes given now.
    pub epoch: u32,
    /// The secret of the guests' invite.
    pub guest_secret: Secret,
    /// The secret of the moderators' invite.
    pub moderator_secret: Secret,
    /// Nobody else comes in; who is inside may come back.
    pub is_full: bool,
    /// Only moderators come in, and who is inside may come back.
    pub is_locked: bool,
    /// Who was removed.
    pub banned: Vec<ParticipantId>,
}

/// Who is in the room, as this machine knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Members {
    /// Who hosts.
    pub host: ParticipantId,
    /// The room's name on the network.
    pub room: RoomId,
    /// Raised when somebody is removed; older passes are void.
    pub epoch: u32,
    /// What this machine shows other members; the host needs none.
    pub my_pass: Option<Pass>,
    /// All but the host; it does not matter whether this machine is among them.
    pub members: Vec<Member>,
}

/// Somebody in the room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub id: ParticipantId,
    /// Where their machine can be reached.
    pub addresses: Addresses,
}

/// Somebody at the other end of a new line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// Who, proven by their key.
    pub peer: ParticipantId,
    /// As they call themselves; at most [`NAME_BYTES_MAX`] and otherwise unchecked.
    pub name: String,
    /// Where they say they can be reached, and where they were seen.
    pub addresses: Addresses,
    /// What they are to us.
    pub standing: Standing,
    /// The room in which we met.
    pub room: RoomId,
    /// Its epoch.
    pub epoch: u32,
}

/// What the other end of a line is to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It hosts the room that we joined.
    Host {
        /// We came by the moderators' invite.
        moderator: bool,
    },
    /// It joined the room that we host.
    Guest {
        /// It came by the moderators' invite.
        moderator: bool,
    },
    /// Like us a guest in somebody's room.
    Member,
}

/// Why somebody was not let in. They are told the number and the sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not our language.
    #[error("That was no greeting of Houselights.")]
    NotHello = 16,
    /// Who was dialled has a newer program.
    #[error("The other machine runs a newer Houselights: update yours.")]
    HostNewer,
    /// Who was dialled has an older program.
    #[error("The other machine runs an older Houselights: ask them to update.")]
    HostOlder,
    /// The secret is not the room's.
    #[error("This invite is not valid any more: ask the host for a new one.")]
    WrongInvite,
    /// They were removed.
    #[error("You were removed from this room.")]
    Removed,
    /// No seat is free.
    #[error("The room is full: try again when somebody has left.")]
    Full,
    /// A moderator locked it.
    #[error("The room is locked: ask somebody inside to unlock it.")]
    Locked,
    /// No room is hosted there.
    #[error("The room is closed: its host is not showing it now.")]
    NoDoor,
    /// No room is joined there.
    #[error("They are in no room.")]
    NoRoom,
    /// The pass is void.
    #[error("The pass for this room is not valid.")]
    NoPass,
    /// Too many knock at once.
    #[error("Too many people are coming in at once: try again in a moment.")]
    Busy,
    /// The greeting did not come in time.
    #[error("The greeting took too long: try again.")]
    Slow,
    /// There is another line between the two.
    #[error("There is another line already.")]
    Duplicate,
    /// Too many wrong proofs.
    #[error("Too many tries with an invite that is not valid: wait a minute and ask the host for a new one.")]
    TooManyTries,
    /// The versions are the same and what is said in the room is not.
    #[error("The other machine runs a Houselights that was built otherwise: get the same one.")]
    OtherBuild,
}

impl Refusal {
    /// Its number on the wire.
    pub(super) fn code(self) -> u32 {
        self as u32
    }

    /// The refusal with that number.
    pub(super) fn of_code(code: u64) -> Option<Self> {
        ALL.into_iter().find(|refusal| u64::from(refusal.code()) == code)
    }
}

const ALL: [Refusal; 15] = [
    Refusal::NotHello,
    Refusal::HostNewer,
    Refusal::HostOlder,
    Refusal::WrongInvite,
    Refusal::Removed,
    Refusal::Full,
    Refusal::Locked,
    Refusal::NoDoor,
    Refusal::NoRoom,
    Refusal::NoPass,
    Refusal::Busy,
    Refusal::Slow,
    Refusal::Duplicate,
    Refusal::TooManyTries,
    Refusal::OtherBuild,
];

/// As much of a name as may be sent.
pub(super) fn short_name(name: &str) -> String {
    name[..name.floor_char_boundary(NAME_BYTES_MAX)].to_owned()
}

/// How long a name may be in a greeting.
pub const NAME_BYTES_MAX: usize = 64;
/// A greeting and an answer are no longer than this.
pub(super) const HELLO_BYTES_MAX: usize = 1024;
const MAGIC: &[u8] = b"hlts";
/// Raised with every change of what is said on a line.
pub(super) const VERSION: u16 = 1;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::Identity, *};

    struct Scene {
        host: Identity,
        guest: Identity,
        door: Door,
        members: Members,
    }

    impl Scene {
        fn new() -> Self {
            let (host, guest) = (Identity::temporary(), Identity::temporary());
            let door = Door {
                room: [1; 16],
                epoch: 3,
                guest_secret: Secret::random(),
                moderator_secret: Secret::random(),
                is_full: false,
                is_locked: false,
                banned: Vec::new(),
            };
            let members = Members { host: host.id(), room: [1; 16], epoch: 3, my_pass: None, members: Vec::new() };
            Self { host, guest, door, members }
        }

        fn hello(&self, claim: Claim) -> Hello {
            Hello { claim, name: "Ada".into(), addresses: Addresses::default(), instance: 5, dialect: 6 }
        }

        fn invited(&self, secret: &Secret) -> Vec<u8> {
            self.hello(Claim::Invite(secret.proof(&self.guest.id(), &self.host.id()))).encode()
        }

        fn at_door(&self, bytes: &[u8], is_inside: bool) -> Result<Standing, Refusal> {
            let (me, peer) = (self.host.id(), self.guest.id());
            let situation = Situation { me, peer, dialect: 6, door: Some(&self.door), members: Some(&self.members), is_inside };
            judge(bytes, &situation).map(|admitted| admitted.arrival.standing)
        }

        fn among_members(&self, pass: Pass) -> Result<Standing, Refusal> {
            let me = Identity::temporary().id();
            let situation = Situation { me, peer: self.guest.id(), dialect: 6, door: None, members: Some(&self.members), is_inside: false };
            judge(&self.hello(Claim::Pass(pass)).encode(), &situation).map(|admitted| admitted.arrival.standing)
        }
    }

    #[test]
    fn the_secret_says_who_comes_in_as_what() {
        let scene = Scene::new();
        assert_eq!(scene.at_door(&scene.invited(&scene.door.guest_secret), false), Ok(Standing::Guest { moderator: false }));
        assert_eq!(scene.at_door(&scene.invited(&scene.door.moderator_secret), false), Ok(Standing::Guest { moderator: true }));
        assert_eq!(scene.at_door(&scene.invited(&Secret::random()), false), Err(Refusal::WrongInvite));
        let stolen = scene.hello(Claim::Invite(scene.door.guest_secret.proof(&Identity::temporary().id(), &scene.host.id())));
        assert_eq!(scene.at_door(&stolen.encode(), false), Err(Refusal::WrongInvite));
    }

    #[test]
    fn a_full_or_locked_room_lets_back_in_who_is_inside() {
        let mut scene = Scene::new();
        let (guest, moderator) = (scene.invited(&scene.door.guest_secret), scene.invited(&scene.door.moderator_secret));
        scene.door.is_full = true;
        assert_eq!(scene.at_door(&guest, false), Err(Refusal::Full));
        assert_eq!(scene.at_door(&moderator, false), Err(Refusal::Full));
        assert!(scene.at_door(&guest, true).is_ok());
        scene.door.is_full = false;
        scene.door.is_locked = true;
        assert_eq!(scene.at_door(&guest, false), Err(Refusal::Locked));
        assert!(scene.at_door(&moderator, false).is_ok() && scene.at_door(&guest, true).is_ok());
        scene.door.banned.push(scene.guest.id());
        assert_eq!(scene.at_door(&moderator, true), Err(Refusal::Removed));
        assert_eq!(scene.at_door(&scene.invited(&Secret::random()), false), Err(Refusal::WrongInvite), "a stranger learns nothing");
    }

    #[test]
    fn members_come_in_by_their_own_valid_pass() {
        let scene = Scene::new();
        let pass = |member: ParticipantId, epoch| Pass::sign(&scene.host, [1; 16], member, epoch);
        assert_eq!(scene.among_members(pass(scene.guest.id(), 3)), Ok(Standing::Member));
        assert_eq!(scene.among_members(pass(scene.guest.id(), 4)), Ok(Standing::Member));
        assert_eq!(scene.among_members(pass(scene.guest.id(), 2)), Err(Refusal::NoPass));
        assert_eq!(scene.among_members(pass(scene.host.id(), 3)), Err(Refusal::NoPass), "somebody else's");
        assert_eq!(scene.among_members(Pass::sign(&scene.guest, [1; 16], scene.guest.id(), 3)), Err(Refusal::NoPass), "their own word");
        assert_eq!(
            scene.at_door(&scene.hello(Claim::Pass(pass(scene.guest.id(), 3))).encode(), false),
            Err(Refusal::WrongInvite),
            "a pass does not open the host's door"
        );
    }

    #[test]
    fn without_a_room_nobody_comes_in() {
        let scene = Scene::new();
        let situation = Situation { me: scene.host.id(), peer: scene.guest.id(), dialect: 6, door: None, members: None, is_inside: false };
        assert_eq!(judge(&scene.invited(&scene.door.guest_secret), &situation), Err(Refusal::NoDoor));
        let pass = Pass::sign(&scene.host, [1; 16], scene.guest.id(), 3);
        assert_eq!(judge(&scene.hello(Claim::Pass(pass)).encode(), &situation), Err(Refusal::NoRoom));
    }

    #[test]
    fn other_versions_are_told_apart_whatever_follows() {
        let scene = Scene::new();
        let with_version = |version: u16| [MAGIC, &version.to_le_bytes(), b"whatever a later version says"].concat();
        assert_eq!(scene.at_door(&with_version(VERSION + 1), false), Err(Refusal::HostOlder));
        assert_eq!(scene.at_door(&with_version(VERSION - 1), false), Err(Refusal::HostNewer));
        assert_eq!(scene.at_door(&with_version(VERSION), false), Err(Refusal::NotHello));
    }

    #[test]
    fn who_was_built_otherwise_is_told_so_if_they_know_the_secret() {
        let scene = Scene::new();
        let claim = |secret: &Secret| Claim::Invite(secret.proof(&scene.guest.id(), &scene.host.id()));
        let other = |secret: &Secret| Hello { dialect: 7, ..scene.hello(claim(secret)) }.encode();
        assert_eq!(scene.at_door(&other(&scene.door.guest_secret), false), Err(Refusal::OtherBuild));
        assert_eq!(scene.at_door(&other(&Secret::random()), false), Err(Refusal::WrongInvite));
    }

    #[test]
    fn a_name_is_short_and_the_largest_greeting_fits() {
        let scene = Scene::new();
        let mut hello = scene.hello(Claim::Pass(Pass::sign(&scene.host, [1; 16], scene.guest.id(), u32::MAX)));
        hello.name = short_name(&"é".repeat(40));
        assert_eq!(hello.name, "é".repeat(32));
        let relay = Some(format!("https://{}/", "a".repeat(super::super::address::RELAY_BYTES_MAX - 9)));
        let direct = (0..8).map(|port| ([0xffff; 8], 65_000 + port).into()).collect();
        hello.addresses = Addresses { direct, relay };
        hello.instance = u64::MAX;
        assert!(hello.encode().len() <= HELLO_BYTES_MAX, "{}", hello.encode().len());
        assert_eq!(read(&hello.encode()), Ok(hello.clone()));
        hello.name.push('é');
        assert_eq!(read(&hello.encode()), Err(Refusal::NotHello));
    }

    #[test]
    fn every_refusal_has_its_own_number() {
        for (place, refusal) in ALL.into_iter().enumerate() {
            assert_eq!(refusal.code() as usize, 16 + place);
            assert_eq!(Refusal::of_code(u64::from(refusal.code())), Some(refusal));
        }
        assert_eq!(Refusal::of_code(0), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_refused_politely(bytes in prop::collection::vec(any::<u8>(), 0..1100)) {
            let scene = Scene::new();
            prop_assert!(scene.at_door(&bytes, false).is_err());
            prop_assert!(scene.at_door(&[MAGIC, &VERSION.to_le_bytes(), &bytes].concat(), false).is_err());
            let _ = Answer::decode(&bytes);
        }

        #[test]
        fn greetings_and_answers_come_back_and_only_whole(
            name in "\\PC{0,16}", port in 1u16.., instance: u64, epoch: u32, moderator: bool, proof: [u8; 32], cut in 1usize..40,
        ) {
            let addresses = Addresses { direct: vec![([10, 0, 0, 1], port).into()], relay: Some("https://relay.example/".into()) };
            let hello = Hello { claim: Claim::Invite(proof), name: short_name(&name), addresses: addresses.clone(), instance, dialect: instance };
            let bytes = hello.encode();
            prop_assert_eq!(read(&bytes), Ok(hello));
            prop_assert_eq!(read(&bytes[..bytes.len() - cut]), Err(Refusal::NotHello));
            prop_assert_eq!(read(&[&bytes[..], &[0]].concat()), Err(Refusal::NotHello));
            let answer = Answer { room: [2; 16], epoch, moderator, name: short_name(&name), addresses, instance };
            let bytes = answer.encode();
            prop_assert_eq!(Answer::decode(&bytes[..bytes.len() - cut]), None);
            prop_assert_eq!(Answer::decode(&[&bytes[..], &[0]].concat()), None);
            prop_assert_eq!(Answer::decode(&bytes), Some(answer));
        }
    }
}
