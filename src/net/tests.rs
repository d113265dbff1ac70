use std::{collections::BTreeMap, sync::OnceLock, thread, time::Duration};

use bytes::Bytes;
use iroh::{
    Endpoint, PublicKey, SecretKey,
    endpoint::{Connection, ConnectionError, VarInt},
};
use tokio::{runtime::Runtime, time::Instant};

use super::{
    endpoint::{ALPN, bind},
    hello::{Answer, Claim, HELLO_BYTES_MAX, Hello, VERSION},
    net::Limits,
    *,
};
use crate::handover::unparks_current_thread;

/// A machine on the loopback, and what happened on it that no test has asked for yet.
struct Machine {
    net: Net,
    film: FilmPort,
    voices: LivePort,
    faces: LivePort,
    events: Vec<Event>,
    film_events: Vec<FilmEvent>,
}

impl Machine {
    fn new() -> Self {
        Self::with(Identity::temporary(), Limits::default())
    }

    fn with(identity: Identity, limits: Limits) -> Self {
        let options = Options { identity, relay: Relay::None, mono_ns, dialect: 0, upload_limit_bytes_per_s: None };
        let (net, Ports { film, voices, faces }) = Net::start_with(options, limits).unwrap();
        Self { net, film, voices, faces, events: Vec::new(), film_events: Vec::new() }
    }

    /// Waits for an event, and takes it out of those that came.
    fn event<T>(&mut self, what: &str, pick: impl Fn(&Event) -> Option<T>) -> T {
        self.net.wakes(unparks_current_thread());
        until(what, || {
            self.events.extend(std::iter::from_fn(|| self.net.next_event()));
            let place = self.events.iter().position(|event| pick(event).is_some())?;
            pick(&self.events.remove(place))
        })
    }

    fn up(&mut self) -> (Line, Arrival) {
        self.event("somebody is there", |event| match event {
            Event::Up { line, arrival } => Some((line.clone(), arrival.clone())),
            _ => None,
        })
    }

    fn down(&mut self) -> (LineId, Reason) {
        self.event("somebody is gone", |event| match event {
            Event::Down { line, reason, .. } => Some((*line, reason.clone())),
            _ => None,
        })
    }

    fn cannot_join(&mut self) -> String {
        self.event("no line", |event| match event {
            Event::CannotJoin { sentence, .. } => Some(sentence.clone()),
            _ => None,
        })
    }

    fn film<T>(&mut self, what: &str, pick: impl Fn(&FilmEvent) -> Option<T>) -> T {
        self.film.wake_current_thread();
        until(what, || {
            self.film_events.extend(std::iter::from_fn(|| self.film.next()));
            let place = self.film_events.iter().position(|event| pick(event).is_some())?;
            pick(&self.film_events.remove(place))
        })
    }

    fn film_up(&mut self, to: ParticipantId) -> LineId {
        self.film("film may flow", |event| match event {
            FilmEvent::Up { line, peer } if *peer == to => Some(*line),
            _ => None,
        })
    }

    fn order(&self, order: FilmOrder) {
        self.film.order(order).unwrap();
    }

    /// Whether anything of this kind came so far.
    fn has(&mut self, pick: impl Fn(&Event) -> bool) -> bool {
        self.events.extend(std::iter::from_fn(|| self.net.next_event()));
        self.events.iter().any(pick)
    }

    fn member(&self) -> Member {
        Member { id: self.net.id(), addresses: self.net.addresses() }
    }
}

/// Looks until there is something to see; whoever makes it wakes this thread.
fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        thread::park_timeout(Duration::from_millis(20));
    }
}

fn mono_ns() -> i64 {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_nanos() as i64
}

fn door() -> Door {
    Door {
        room: [1; 16],
        epoch: 1,
        guest_secret: Secret::from_bytes([1; 16]),
        moderator_secret: Secret::from_bytes([2; 16]),
        is_full: false,
        is_locked: false,
        banned: Vec::new(),
    }
}

fn open_room() -> Machine {
    let host = Machine::new();
    host.net.open_door(door());
    host
}

/// A guest in the room; the guest's line to the host and the host's line to the guest.
fn guest_of(host: &mut Machine) -> (Machine, Line, Line) {
    let mut guest = Machine::new();
    guest.net.join(host.net.invite(door().guest_secret), "Ada");
    let line = guest.up().0;
    (guest, line, host.up().0)
}

/// Two members of a room whose host knows both, and the host.
fn members() -> (Machine, [Machine; 2]) {
    let mut host = open_room();
    let guests = [(); 2].map(|()| guest_of(&mut host).0);
    let members: Vec<Member> = guests.iter().map(Machine::member).collect();
    for guest in &guests {
        let my_pass = Some(Pass::sign(host.net.identity(), [1; 16], guest.net.id(), 1));
        guest.net.set_members(Members { host: host.net.id(), room: [1; 16], epoch: 1, my_pass, members: members.clone() });
    }
    (host, guests)
}

/// Somebody who speaks QUIC but keeps to no rules of ours.
struct Stranger {
    runtime: Runtime,
    endpoint: Endpoint,
    key: SecretKey,
}

impl Stranger {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let key = SecretKey::generate();
        let endpoint = runtime.block_on(bind(key.clone(), &Relay::None, None)).unwrap();
        Self { runtime, endpoint, key }
    }

    fn id(&self) -> ParticipantId {
        ParticipantId::from_bytes(*self.key.public().as_bytes())
    }

    fn call(&self, host: &Machine) -> Connection {
        let address = host.net.addresses().to_dial(PublicKey::from_bytes(host.net.id().as_bytes()).unwrap(), false);
        self.runtime.block_on(self.endpoint.connect(address, ALPN)).unwrap()
    }

    /// Says something in place of a greeting; how the connection ended.
    fn says(&self, host: &Machine, bytes: &[u8]) -> (u64, String) {
        let connection = self.call(host);
        self.runtime.block_on(async {
            let (mut send, _receive) = connection.open_bi().await.unwrap();
            send.write_all(bytes).await.unwrap();
            send.finish().unwrap();
            ended(&connection).await
        })
    }

    /// Comes in properly.
    fn enters(&self, host: &Machine) -> Connection {
        let connection = self.call(host);
        let claim = Claim::Invite(door().guest_secret.proof(&self.id(), &host.net.id()));
        let hello = Hello { claim, name: "Mallory".into(), addresses: Addresses::default(), instance: 1, dialect: 0 };
        self.runtime.block_on(async {
            let (mut send, mut receive) = connection.open_bi().await.unwrap();
            send.write_all(&hello.encode()).await.unwrap();
            send.finish().unwrap();
            assert!(Answer::decode(&receive.read_to_end(HELLO_BYTES_MAX).await.unwrap()).is_some());
        });
        connection
    }
}

/// With which number and words the other end closed.
async fn ended(connection: &Connection) -> (u64, String) {
    match connection.closed().await {
        ConnectionError::ApplicationClosed(close) => (close.error_code.into(), String::from_utf8_lossy(&close.reason).into_owned()),
        other => panic!("{other}"),
    }
}

#[test]
fn a_guest_comes_in_and_both_know_who_is_there() {
    let mut host = open_room();
    let invite = host.net.invite(door().guest_secret);
    assert!(!invite.addresses.is_empty());
    let invite: Invite = invite.to_string().parse().unwrap();
    let mut guest = Machine::new();
    guest.net.join(invite, "Ada");
    let (line, arrival) = guest.up();
    assert_eq!(
        (arrival.peer, arrival.standing, arrival.room, arrival.epoch),
        (host.net.id(), Standing::Host { moderator: false }, [1; 16], 1)
    );
    assert_eq!((line.peer(), line.kind()), (host.net.id(), LineKind::Direct));
    let (_, arrival) = host.up();
    assert_eq!((arrival.peer, arrival.standing, arrival.name.as_str()), (guest.net.id(), Standing::Guest { moderator: false }, "Ada"));
    assert!(guest.net.addresses().direct.iter().all(|address| arrival.addresses.direct.contains(address)));
    until("the way is measured", || line.rtt());
    let (peer_of_host, peer_of_guest) = (guest.net.id(), host.net.id());
    host.film_up(peer_of_host);
    guest.film_up(peer_of_guest);
}

#[test]
fn a_moderator_is_known_by_the_invite() {
    let mut host = open_room();
    let mut guest = Machine::new();
    guest.net.join(host.net.invite(door().moderator_secret), "Grace");
    assert_eq!(guest.up().1.standing, Standing::Host { moderator: true });
    assert_eq!(host.up().1.standing, Standing::Guest { moderator: true });
}

#[test]
fn guests_ask_the_host_for_its_clock() {
    let mut host = open_room();
    let (mut guest, line, _) = guest_of(&mut host);
    for _ in 0..5 {
        let (at, stamps) = guest.event("a ping comes back", |event| match event {
            Event::Stamps { line, stamps } => Some((*line, *stamps)),
            _ => None,
        });
        assert_eq!(at, line.id());
        let Stamps { sent_ns, received_ns, replied_ns, returned_ns } = stamps;
        assert!(sent_ns <= received_ns && received_ns <= replied_ns && replied_ns <= returned_ns, "one clock here: {stamps:?}");
    }
    assert!(!host.has(|event| matches!(event, Event::Stamps { .. })), "the host asks nobody");
}

#[test]
fn whoever_is_not_let_in_hears_why() {
    let host = open_room();
    let mut guest = Machine::new();
    let mut refused = |secret: Secret, expected: Refusal| {
        guest.net.join(host.net.invite(secret), "Ada");
        assert_eq!(guest.cannot_join(), expected.to_string());
    };
    let secret = door().guest_secret;
    refused(Secret::random(), Refusal::WrongInvite);
    host.net.open_door(Door { is_full: true, ..door() });
    refused(secret, Refusal::Full);
    host.net.open_door(Door { is_locked: true, ..door() });
    refused(secret, Refusal::Locked);
    host.net.close_door();
    refused(secret, Refusal::NoDoor);
    guest.net.join(guest.net.invite(secret), "Ada");
    assert!(guest.cannot_join().contains("your own invite"));
}

#[test]
fn strangers_are_refused_by_number_and_words() {
    let host = open_room();
    let stranger = Stranger::new();
    let with_version = |version: u16| [b"hlts", &version.to_le_bytes()[..], b"later words"].concat();
    for (said, refusal) in [
        (&b"GET / HTTP/1.1\r\n\r\n"[..], Refusal::NotHello),
        (&[0; 5000], Refusal::NotHello),
        (&with_version(VERSION), Refusal::NotHello),
        (&with_version(VERSION + 1), Refusal::HostOlder),
        (&with_version(VERSION - 1), Refusal::HostNewer),
    ] {
        assert_eq!(stranger.says(&host, said), (u64::from(refusal.code()), refusal.to_string()));
    }
}

#[test]
fn a_silent_stranger_is_sent_away_and_holds_nobody_up() {
    let limits = Limits { hello: Duration::from_millis(200), ..Limits::default() };
    let mut host = Machine::with(Identity::temporary(), limits);
    host.net.open_door(door());
    let stranger = Stranger::new();
    let silent = stranger.call(&host);
    let (_guest, ..) = guest_of(&mut host);
    assert_eq!(stranger.runtime.block_on(ended(&silent)).0, u64::from(Refusal::Slow.code()));
}

#[test]
fn only_so_many_strangers_wait_at_the_door() {
    let mut host = open_room();
    let stranger = Stranger::new();
    let silent: Vec<Connection> = (0..16).map(|_| stranger.call(&host)).collect();
    let mut guest = Machine::new();
    guest.net.join(host.net.invite(door().guest_secret), "Ada");
    assert_eq!(guest.cannot_join(), Refusal::Busy.to_string());
    silent[0].close(VarInt::from_u32(0), b"");
    until("there is room again", || {
        guest.net.join(host.net.invite(door().guest_secret), "Ada");
        let came = guest.event("an end", |event| match event {
            Event::Up { .. } => Some(true),
            Event::CannotJoin { .. } => Some(false),
            _ => None,
        });
        came.then_some(())
    });
    host.up();
}

#[test]
fn many_wrong_invites_are_answered_no_more() {
    let host = open_room();
    let stranger = Stranger::new();
    let claim = |secret: Secret| Claim::Invite(secret.proof(&stranger.id(), &host.net.id()));
    let hello =
        |secret| Hello { claim: claim(secret), name: String::new(), addresses: Addresses::default(), instance: 1, dialect: 0 }.encode();
    let connections: Vec<Connection> = (0..12).map(|_| stranger.call(&host)).collect();
    let codes: Vec<u64> = connections
        .iter()
        .map(|connection| {
            stranger.runtime.block_on(async {
                let (mut send, _receive) = connection.open_bi().await.unwrap();
                send.write_all(&hello(Secret::random())).await.unwrap();
                send.finish().unwrap();
                ended(connection).await.0
            })
        })
        .collect();
    let expected = [[Refusal::WrongInvite; 10].as_slice(), &[Refusal::TooManyTries; 2]].concat();
    assert_eq!(codes, expected.into_iter().map(|refusal| u64::from(refusal.code())).collect::<Vec<_>>());
}

#[test]
fn a_host_that_is_not_there_is_told_soon() {
    let limits = Limits { call: Duration::from_millis(300), ..Limits::default() };
    let mut guest = Machine::with(Identity::temporary(), limits);
    let gone = Machine::new();
    let invite = gone.net.invite(Secret::random());
    drop(gone);
    guest.net.join(invite.clone(), "Ada");
    assert!(guest.cannot_join().contains("cannot be reached"));
    let relay_only = Addresses { direct: Vec::new(), relay: Some("https://relay.example/".into()) };
    guest.net.join(Invite { addresses: relay_only, ..invite }, "Ada");
    assert!(guest.cannot_join().contains("relays are switched off"));
}

#[test]
fn a_host_that_talks_nonsense_does_no_harm() {
    let mut guest = Machine::new();
    let stranger = Stranger::new();
    let bound = stranger.endpoint.bound_sockets();
    let addresses = Addresses::of(&stranger.endpoint.addr(), &bound);
    for (answer, words) in [(&b"nonsense"[..], "makes no sense"), (&[0xff; 5000], "makes no sense"), (&[], "bad words")] {
        let endpoint = stranger.endpoint.clone();
        let task = stranger.runtime.spawn(async move {
            let connection = endpoint.accept().await.unwrap().await.unwrap();
            let (mut send, mut receive) = connection.accept_bi().await.unwrap();
            receive.read_to_end(HELLO_BYTES_MAX).await.unwrap();
            if answer.is_empty() {
                connection.close(VarInt::from_u32(999), b"bad\x07 words");
            } else {
                send.write_all(answer).await.unwrap();
                send.finish().unwrap();
            }
            connection.closed().await
        });
        guest.net.join(Invite { host: stranger.id(), addresses: addresses.clone(), secret: Secret::random() }, "Ada");
        let sentence = guest.cannot_join();
        assert!(sentence.contains(words), "{sentence}");
        stranger.runtime.block_on(task).unwrap();
    }
}

#[test]
fn whoever_comes_back_takes_the_place_of_their_older_line() {
    let mut host = open_room();
    let identity = Identity::temporary();
    let mut first = Machine::with(identity.clone(), Limits::default());
    first.net.join(host.net.invite(door().guest_secret), "Ada");
    let (older, _) = host.up();
    first.up();
    // The same key in a new process: the first was killed, the host does not know yet, and the room is full by now.
    host.net.open_door(Door { is_full: true, ..door() });
    let mut second = Machine::with(identity, Limits::default());
    second.net.join(host.net.invite(door().guest_secret), "Ada");
    second.up();
    let order = [(); 2].map(|()| {
        host.event("down, then up", |event| match event {
            Event::Down { line, reason, .. } => Some((*line, Some(reason.clone()))),
            Event::Up { line, .. } => Some((line.id(), None)),
            _ => None,
        })
    });
    assert_eq!(order[0], (older.id(), Some(Reason::Replaced)));
    assert!(order[1].1.is_none() && order[1].0 > older.id());
    assert_eq!(first.down().1, Reason::Replaced);
}

#[test]
fn whoever_comes_in_again_and_again_has_to_wait() {
    let mut host = open_room();
    let stranger = Stranger::new();
    for _ in 0..30 {
        stranger.enters(&host);
        host.up();
    }
    let claim = Claim::Invite(door().guest_secret.proof(&stranger.id(), &host.net.id()));
    let hello = Hello { claim, name: String::new(), addresses: Addresses::default(), instance: 1, dialect: 0 };
    assert_eq!(stranger.says(&host, &hello.encode()).0, u64::from(Refusal::Busy.code()));
}

#[test]
fn the_net_may_be_shared_between_threads() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<(Net, Line, FilmPort, Event)>();
}

#[test]
fn joining_again_replaces_the_line() {
    let mut host = open_room();
    let (mut guest, line, _) = guest_of(&mut host);
    guest.net.join(host.net.invite(door().guest_secret), "Ada");
    assert_eq!(guest.down(), (line.id(), Reason::Replaced));
    assert_ne!(guest.up().0.id(), line.id());
    assert_eq!(host.down().1, Reason::Replaced);
    host.up();
}

#[test]
fn everybody_hears_at_once_when_a_machine_leaves() {
    let mut host = open_room();
    let (mut guest, ..) = guest_of(&mut host);
    let (other, ..) = guest_of(&mut host);
    let began = Instant::now();
    drop(other);
    assert_eq!(host.down().1, Reason::Left);
    drop(host);
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(guest.down().1, Reason::Left);
    let peer = guest.film("film is gone", |event| match event {
        FilmEvent::Down { line } => Some(*line),
        _ => None,
    });
    assert!(peer.0 < 10 && began.elapsed() < Duration::from_secs(2));
}

#[test]
fn leaving_says_goodbye_and_the_net_lives_on() {
    let mut host = open_room();
    let (mut guest, ..) = guest_of(&mut host);
    guest.net.leave();
    assert_eq!(host.down().1, Reason::Left);
    guest.down();
    guest.net.join(host.net.invite(door().guest_secret), "Ada");
    guest.up();
}

#[test]
fn who_is_removed_hears_why() {
    let mut host = open_room();
    let (mut guest, ..) = guest_of(&mut host);
    host.net.open_door(Door { banned: vec![guest.net.id()], ..door() });
    assert_eq!(guest.down().1, Reason::Closed(Refusal::Removed.to_string()));
    assert_eq!(host.down().1, Reason::ClosedHere(Refusal::Removed.to_string()));
    guest.net.join(host.net.invite(door().guest_secret), "Ada");
    assert_eq!(guest.cannot_join(), Refusal::Removed.to_string());
    let (mut other, _, line) = guest_of(&mut host);
    line.close("Bedtime.");
    assert_eq!(other.down().1, Reason::Closed("Bedtime.".into()));
}

#[test]
fn members_meet_by_pass_and_a_raised_epoch_parts_them() {
    let (mut host, [mut a, mut b]) = members();
    let (a_id, b_id) = (a.net.id(), b.net.id());
    a.order(FilmOrder::Connect { peer: b_id });
    a.film_up(b_id);
    b.film_up(a_id);
    let standings = [a.up().1.standing, b.up().1.standing];
    assert_eq!(standings, [Standing::Member; 2]);
    // b is removed: the host closes its line, a hears of the epoch and of who is left.
    host.net.open_door(Door { epoch: 2, banned: vec![b_id], ..door() });
    host.down();
    assert!(matches!(b.down().1, Reason::Closed(_)));
    let my_pass = Some(Pass::sign(host.net.identity(), [1; 16], a_id, 2));
    a.net.set_members(Members { host: host.net.id(), room: [1; 16], epoch: 2, my_pass, members: vec![a.member()] });
    assert!(matches!(a.down().1, Reason::ClosedHere(_)));
    assert_eq!(b.down().1, Reason::Closed("You are not in this room any more.".into()));
    // Its old pass opens nothing.
    b.order(FilmOrder::Connect { peer: a_id });
    b.film("a is out of reach", |event| matches!(event, FilmEvent::Unreachable { peer } if *peer == a_id).then_some(()));
    assert!(!a.has(|event| matches!(event, Event::Up { arrival, .. } if arrival.peer == b_id)));
}

#[test]
fn who_is_no_member_is_not_called() {
    let (host, [mut a, b]) = members();
    for peer in [ParticipantId::from_bytes([9; 32]), Identity::temporary().id(), a.net.id()] {
        a.order(FilmOrder::Connect { peer });
        a.film("out of reach", |event| matches!(event, FilmEvent::Unreachable { peer: of } if *of == peer).then_some(()));
    }
    drop((host, b));
}

#[test]
fn two_that_call_each_other_at_once_keep_one_line() {
    let (host, [mut a, mut b]) = members();
    let (a_id, b_id) = (a.net.id(), b.net.id());
    a.order(FilmOrder::Connect { peer: b_id });
    b.order(FilmOrder::Connect { peer: a_id });
    let lines = [a.film_up(b_id), b.film_up(a_id)];
    a.order(FilmOrder::Message { line: lines[0], bytes: Bytes::from_static(b"from a") });
    b.order(FilmOrder::Message { line: lines[1], bytes: Bytes::from_static(b"from b") });
    let heard = |line, text: &'static [u8]| {
        move |event: &FilmEvent| matches!(event, FilmEvent::Message { line: on, bytes } if *on == line && bytes[..] == *text).then_some(())
    };
    b.film("a speaks", heard(lines[1], b"from a"));
    a.film("b speaks", heard(lines[0], b"from b"));
    for machine in [&a, &b] {
        let others = machine.film_events.iter().filter(|event| !matches!(event, FilmEvent::Up { peer, .. } if *peer == host.net.id()));
        assert_eq!(others.count(), 0, "one line and no other: {:?}", machine.film_events);
    }
}

#[test]
fn film_messages_come_in_order_even_if_swarm_is_slow() {
    const MESSAGES: u32 = 9_000; // more than swarm's box holds
    let mut host = open_room();
    let (mut guest, ..) = guest_of(&mut host);
    let (guest_id, host_id) = (guest.net.id(), host.net.id());
    let (to_guest, from_host) = (host.film_up(guest_id), guest.film_up(host_id));
    let message = |number: u32| {
        let mut bytes = number.to_le_bytes().to_vec();
        bytes.resize(if number.is_multiple_of(1000) { codec::MESSAGE_BYTES_MAX } else { 8 }, 7);
        Bytes::from(bytes)
    };
    for number in 0..MESSAGES {
        let mut order = FilmOrder::Message { line: to_guest, bytes: message(number) };
        until("room for an order", || match host.film.order(order.clone()) {
            Ok(()) => Some(()),
            Err(back) => {
                order = back;
                None
            }
        });
    }
    for number in 0..MESSAGES {
        let bytes = until("a message", || guest.film.next());
        assert!(bytes == FilmEvent::Message { line: from_host, bytes: message(number) }, "message {number}");
    }
}

#[test]
fn pieces_arrive_whole_or_are_reported_broken() {
    let mut host = open_room();
    let (mut guest, ..) = guest_of(&mut host);
    let (guest_id, host_id) = (guest.net.id(), host.net.id());
    let (line, from) = (host.film_up(guest_id), guest.film_up(host_id));
    let piece = |request: u32| Bytes::from(vec![request as u8; PIECE_BYTES_MAX - request as usize]);
    for request in 0..40 {
        host.order(FilmOrder::Piece { line, request, priority: request as i32 % 3, bytes: piece(request) });
    }
    for request in 10..15 {
        host.order(FilmOrder::Cancel { line, request });
    }
    host.order(FilmOrder::Piece { line, request: 77, priority: 0, bytes: vec![0; PIECE_BYTES_MAX + 1].into() });
    host.order(FilmOrder::Piece { line, request: 78, priority: 1000, bytes: Bytes::new() });
    let mut sent: Vec<u32> = (0..42)
        .map(|_| host.film("sent", |event| matches!(event, FilmEvent::Sent { line: on, .. } if *on == line).then(|| request_of(event))))
        .collect();
    sent.sort_unstable();
    assert_eq!(sent, (0..40).chain([77, 78]).collect::<Vec<_>>());
    // A piece that was cancelled before it began is not heard of.
    let mut came = BTreeMap::new();
    while came.iter().filter(|(request, _)| !(10..15).contains(*request)).count() < 36 {
        let (request, bytes) = guest.film("a piece", |event| match event {
            FilmEvent::Piece { line, request, bytes } if *line == from => Some((*request, Some(bytes.clone()))),
            FilmEvent::Broken { line, request } if *line == from => Some((*request, None)),
            _ => None,
        });
        assert!(came.insert(request, bytes).is_none(), "piece {request} twice");
    }
    for (request, bytes) in came {
        match bytes {
            Some(bytes) if request == 78 => assert!(bytes.is_empty()),
            Some(bytes) => assert!(bytes == piece(request), "piece {request}"),
            None => assert!((10..15).contains(&request), "piece {request} broke"),
        }
    }
}

fn request_of(event: &FilmEvent) -> u32 {
    match event {
        FilmEvent::Sent { request, .. } => *request,
        _ => u32::MAX,
    }
}

#[test]
fn too_many_pieces_at_once_are_not_taken() {
    let mut host = open_room();
    let (guest, ..) = guest_of(&mut host);
    let line = host.film_up(guest.net.id());
    // The guest's swarm reads nothing, so that its machine takes in what fits and no more.
    for request in 0..200 {
        host.order(FilmOrder::Piece { line, request, priority: 0, bytes: vec![0; PIECE_BYTES_MAX].into() });
    }
    let mut sent: Vec<u32> =
        (0..200).map(|_| host.film("sent", |event| matches!(event, FilmEvent::Sent { .. }).then(|| request_of(event)))).collect();
    sent.sort_unstable();
    assert_eq!(sent, (0..200).collect::<Vec<_>>());
}

#[test]
fn pieces_wait_with_their_sender_while_swarm_is_busy() {
    const PIECES: u32 = 300; // 75 MiB, more than may wait here
    let mut host = open_room();
    let (mut guest, ..) = guest_of(&mut host);
    let line = host.film_up(guest.net.id());
    guest.film_up(host.net.id());
    let (mut ordered, mut sent, mut came) = (0, 0, 0);
    let mut order = |host: &Machine, sent: u32| {
        while ordered < PIECES && ordered - sent < 40 {
            host.order(FilmOrder::Piece { line, request: ordered, priority: 0, bytes: vec![1; PIECE_BYTES_MAX].into() });
            ordered += 1;
        }
    };
    // Nobody reads at the guest's. 32 MiB wait there, and what is being read: the rest stays here.
    order(&host, sent);
    let hear =
        |host: &Machine| std::iter::from_fn(|| host.film.next()).filter(|event| matches!(event, FilmEvent::Sent { .. })).count() as u32;
    until("much goes through", || {
        sent += hear(&host);
        order(&host, sent);
        (sent >= 128).then_some(())
    });
    guest.film.wake_current_thread();
    host.film.wake_current_thread();
    until("everything goes through in the end", || {
        while let Some(event) = guest.film.next() {
            came += u32::from(matches!(event, FilmEvent::Piece { .. }));
        }
        sent += hear(&host);
        order(&host, sent);
        (came == PIECES && sent == PIECES).then_some(())
    });
}

#[test]
fn packets_of_the_room_are_lost_or_right() {
    let mut host = open_room();
    let (guest, to_host, to_guest) = guest_of(&mut host);
    guest.net.wakes(unparks_current_thread());
    let packet = |number: usize| vec![number as u8; [1, 100, 1200, 1390, 1400][number % 5]];
    let mut came = 0;
    for number in 0..250 {
        to_guest.send_room(&packet(number));
        let echoed = until("a packet", || to_host.next_room_packet());
        assert_eq!(echoed[..], packet(usize::from(echoed[0])));
        to_host.send_room(&echoed);
        came += 1;
    }
    host.net.wakes(unparks_current_thread());
    for _ in 0..came {
        let packet = until("an echo", || to_guest.next_room_packet());
        assert!(!packet.is_empty());
    }
    to_guest.send_room(&[0; ROOM_PACKET_BYTES_MAX + 1]);
    to_guest.send_room(&[]);
}

/// Whoever breaks the protocol loses their own line, and nobody else loses theirs.
#[test]
fn breaking_the_protocol_costs_the_line() {
    let mut host = open_room();
    let (mut guest, guests_line, _) = guest_of(&mut host);
    let open = |connection: &Connection, bytes: &[u8], finish: bool| {
        let (connection, bytes) = (connection.clone(), bytes.to_vec());
        async move {
            let mut stream = connection.open_uni().await.unwrap();
            stream.write_all(&bytes).await.unwrap();
            if finish {
                stream.finish().unwrap();
            }
            stream
        }
    };
    let large_message = [&[1][..], &(codec::MESSAGE_BYTES_MAX as u32 + 1).to_le_bytes()].concat();
    let large_piece = [&[2][..], &[0; 4], &(PIECE_BYTES_MAX as u32 + 1).to_le_bytes()].concat();
    let longer_piece = [&[2][..], &[0; 4], &3u32.to_le_bytes(), b"four"].concat();
    let short_piece = [&[2][..], &[0; 4], &3u32.to_le_bytes(), b"tw"].concat();
    for (bytes, finish, words) in [
        (&[9][..], false, "a stream of an unknown kind"),
        (&[], true, "a stream without a kind"),
        (&large_message, false, "a message that is too large"),
        (&[1, 5, 0, 0, 0, 1], true, "a message that ends early"),
        (&large_piece, false, "a piece that is too large"),
        (&longer_piece, true, "a piece longer than it says"),
        (&short_piece, true, "a piece that ends early"),
        (&[2, 0], true, "a piece without a head"),
    ] {
        let stranger = Stranger::new();
        let connection = stranger.enters(&host);
        host.up();
        let end = stranger.runtime.block_on(async {
            let _stream = open(&connection, bytes, finish).await;
            ended(&connection).await
        });
        assert_eq!(end.1, words);
        assert_eq!(host.down().1, Reason::Blamed(words.into()));
    }

    let stranger = Stranger::new();
    let connection = stranger.enters(&host);
    host.up();
    let end = stranger.runtime.block_on(async {
        let _first = open(&connection, &[1], false).await;
        let _second = open(&connection, &[1], false).await;
        ended(&connection).await
    });
    assert_eq!((end.1.as_str(), host.down().1), ("a second stream of messages", Reason::Blamed(end.1.clone())));

    let connection = stranger.enters(&host);
    host.up();
    let end = stranger.runtime.block_on(async {
        let (mut send, _receive) = connection.open_bi().await.unwrap();
        send.write_all(b"again").await.unwrap();
        ended(&connection).await
    });
    assert_eq!((end.1.as_str(), host.down().1), ("a second greeting", Reason::Blamed(end.1.clone())));

    let connection = stranger.enters(&host);
    host.up();
    let end = stranger.runtime.block_on(async {
        for _ in 0..200 {
            if connection.send_datagram(Bytes::from_static(&[200])).is_err() {
                break;
            }
            tokio::task::yield_now().await;
        }
        ended(&connection).await
    });
    assert_eq!((end.1.as_str(), host.down().1), ("datagrams of an unknown kind", Reason::Blamed(end.1.clone())));

    // Wild but harmless: nonsense in known datagrams, a stream for what is not known yet.
    let connection = stranger.enters(&host);
    let (line, _) = host.up();
    stranger.runtime.block_on(async {
        for bytes in [&[][..], &[0], &[1, 2], &[2, 0, 0], &[3], &[4; 25], &[5; 100], &[1; 1100]] {
            connection.send_datagram(Bytes::copy_from_slice(bytes)).unwrap();
        }
        drop(open(&connection, &[3, 1, 2, 3], false).await);
    });
    line.send_room(b"still here");
    stranger.runtime.block_on(async {
        loop {
            let datagram = connection.read_datagram().await.unwrap();
            if datagram[..] == *b"\0still here" {
                break;
            }
        }
    });

    guests_line.send_room(b"and I");
    assert!(!guest.has(|event| matches!(event, Event::Down { .. })));
}

#[test]
fn swarm_may_blame_a_line() {
    let mut host = open_room();
    let (mut guest, ..) = guest_of(&mut host);
    let line = host.film_up(guest.net.id());
    host.order(FilmOrder::Blame { line, reason: "a piece that contradicts its hash".into() });
    assert_eq!(host.down(), (line, Reason::Blamed("a piece that contradicts its hash".into())));
    assert_eq!(guest.down().1, Reason::Closed("a piece that contradicts its hash".into()));
}

#[test]
fn a_machine_that_nobody_listens_to_still_stops_in_time() {
    let mut host = open_room();
    let stranger = Stranger::new();
    let _connection = stranger.enters(&host);
    host.up();
    // The stranger's machine is gone without a word.
    stranger.runtime.shutdown_background();
    let began = Instant::now();
    drop(host);
    assert!(began.elapsed() < Duration::from_millis(1500), "{:?}", began.elapsed());
}

impl Machine {
    /// Talks as a room does until the line is down; why it went down and how long that took.
    fn talks_to_nobody(&mut self, line: &Line) -> (Reason, Duration) {
        self.net.wakes(unparks_current_thread());
        let began = Instant::now();
        let reason = until("somebody is missed", || {
            line.send_room(b"anybody there?");
            self.events.extend(std::iter::from_fn(|| self.net.next_event()));
            self.events.iter().find_map(|event| match event {
                Event::Down { line: down, reason, .. } if *down == line.id() => Some(reason.clone()),
                _ => None,
            })
        });
        (reason, began.elapsed())
    }
}

#[test]
fn a_guest_that_vanishes_without_a_word_is_missed_within_five_seconds() {
    let mut host = open_room();
    let stranger = Stranger::new();
    let _connection = stranger.enters(&host);
    let (line, _) = host.up();
    stranger.runtime.shutdown_background();
    let (reason, after) = host.talks_to_nobody(&line);
    assert_eq!(reason, Reason::Lost);
    assert!(after < Duration::from_secs(5), "{after:?}");
}

#[test]
fn a_host_that_vanishes_without_a_word_is_missed_within_five_seconds() {
    let mut guest = Machine::new();
    let stranger = Stranger::new();
    let addresses = Addresses::of(&stranger.endpoint.addr(), &stranger.endpoint.bound_sockets());
    let endpoint = stranger.endpoint.clone();
    let task = stranger.runtime.spawn(async move {
        let connection = endpoint.accept().await.unwrap().await.unwrap();
        let (mut send, mut receive) = connection.accept_bi().await.unwrap();
        receive.read_to_end(HELLO_BYTES_MAX).await.unwrap();
        let (name, addresses) = ("Mallory".to_owned(), Addresses::default());
        let answer = Answer { room: [1; 16], epoch: 1, moderator: false, name, addresses, instance: 1 };
        send.write_all(&answer.encode()).await.unwrap();
        send.finish().unwrap();
        connection
    });
    guest.net.join(Invite { host: stranger.id(), addresses, secret: Secret::random() }, "Ada");
    let (line, arrival) = guest.up();
    assert_eq!((arrival.peer, arrival.standing), (stranger.id(), Standing::Host { moderator: false }));
    let _connection = stranger.runtime.block_on(task).unwrap();
    stranger.runtime.shutdown_background();
    let (reason, after) = guest.talks_to_nobody(&line);
    assert_eq!(reason, Reason::Lost);
    assert!(after < Duration::from_secs(5), "{after:?}");
}

fn room_with_upload_limit(bytes_per_s: u64) -> Machine {
    let options =
        Options { identity: Identity::temporary(), relay: Relay::None, mono_ns, dialect: 0, upload_limit_bytes_per_s: Some(bytes_per_s) };
    let (net, Ports { film, voices, faces }) = Net::start(options).unwrap();
    net.open_door(door());
    Machine { net, film, voices, faces, events: Vec::new(), film_events: Vec::new() }
}

#[test]
fn an_upload_limit_holds_and_the_urgent_overtakes() {
    let mut host = room_with_upload_limit(4_000_000);
    let (mut guest, ..) = guest_of(&mut host);
    let line = host.film_up(guest.net.id());
    guest.film_up(host.net.id());
    let began = Instant::now();
    for request in 0..16 {
        host.order(FilmOrder::Piece { line, request, priority: 0, bytes: vec![0; PIECE_BYTES_MAX].into() });
    }
    host.order(FilmOrder::Piece { line, request: 99, priority: 10, bytes: vec![9; PIECE_BYTES_MAX].into() });
    guest.film.wake_current_thread();
    let order: Vec<u32> = (0..17)
        .map(|_| match until("a piece", || guest.film.next()) {
            FilmEvent::Piece { request, .. } => request,
            other => panic!("{other:?}"),
        })
        .collect();
    let took = began.elapsed();
    assert!(took > Duration::from_millis(700), "4.4 MB at 4 MB/s took {took:?}");
    let place = order.iter().position(|request| *request == 99).unwrap();
    assert!(place < 8, "the urgent piece came as number {place} of {order:?}");
}

#[test]
fn a_line_may_outlive_its_net() {
    let mut host = open_room();
    let (guest, to_host, to_guest) = guest_of(&mut host);
    drop((host, guest));
    for line in [to_host, to_guest] {
        line.send_room(b"anybody there?");
        line.close("no");
        until("nothing more", || line.next_room_packet().is_none().then_some(()));
        let _ = (line.rtt(), line.kind());
    }
}

#[test]
fn a_program_of_another_age_is_told_apart() {
    let mut guest = Machine::new();
    let stranger = Stranger::new();
    stranger.endpoint.set_alpns(vec![b"houselights/2".to_vec()]);
    let endpoint = stranger.endpoint.clone();
    stranger.runtime.spawn(async move { while let Some(Ok(_)) = async { Some(endpoint.accept().await?.await) }.await {} });
    let addresses = Addresses::of(&stranger.endpoint.addr(), &stranger.endpoint.bound_sockets());
    guest.net.join(Invite { host: stranger.id(), addresses, secret: Secret::random() }, "Ada");
    let sentence = guest.cannot_join();
    assert!(sentence.contains("both of you should update"), "{sentence}");
}

#[test]
fn a_relay_that_is_no_url_is_said() {
    let options = Options {
        identity: Identity::temporary(),
        relay: Relay::Url("no url".into()),
        mono_ns,
        dialect: 0,
        upload_limit_bytes_per_s: None,
    };
    assert!(Net::start(options).unwrap_err().to_string().contains("no url"));
}

#[test]
fn an_address_of_the_wrong_person_leads_nowhere() {
    // Somebody else answers at the host's address: TLS notices.
    let mut guest = Machine::with(Identity::temporary(), Limits { call: Duration::from_millis(700), ..Limits::default() });
    let other = open_room();
    let invite = Invite { host: Identity::temporary().id(), ..other.net.invite(door().guest_secret) };
    guest.net.join(invite, "Ada");
    let sentence = guest.cannot_join();
    assert!(sentence.contains("host"), "{sentence}");
}

impl Machine {
    fn voice_line(&self) -> Line {
        self.voices.wakes(unparks_current_thread());
        until("a line for voices", || match self.voices.next_event() {
            Some(LiveEvent::Up { line }) => Some(line),
            _ => None,
        })
    }
}

#[test]
fn voices_come_as_they_were_said_and_a_flood_costs_its_sender_the_line() {
    let mut host = open_room();
    let (mut guest, to_host, to_guest) = guest_of(&mut host);
    assert_eq!((host.voice_line().id(), guest.voice_line().id()), (to_guest.id(), to_host.id()));
    let before_ns = mono_ns();
    assert!(to_host.send_voice(b"hello"));
    let came = until("a voice", || host.voices.next_packet());
    assert_eq!((came.line, &came.bytes[..], came.stream), (to_guest.id(), &b"hello"[..], 0));
    assert!((before_ns..=mono_ns()).contains(&came.arrived_ns));
    until("the line is closed", || {
        for _ in 0..100 {
            to_host.send_voice(&[7; 60]);
        }
        while host.voices.next_packet().is_some() {}
        host.has(|event| matches!(event, Event::Down { .. })).then_some(())
    });
    assert_eq!(host.down().1, Reason::Blamed("far too much voice".into()));
    let (_, reason) = guest.down();
    assert_eq!(reason, Reason::Closed("far too much voice".into()));
}

#[test]
fn a_face_comes_in_order_group_by_group_and_one_too_large_costs_the_line() {
    let mut host = open_room();
    let (_guest, to_host, to_guest) = guest_of(&mut host);
    host.faces.wakes(unparks_current_thread());
    for group in 0..3u8 {
        for part in 0..4u8 {
            assert!(to_host.send_face(u32::from(group), vec![group, part].into()));
        }
    }
    assert!(to_host.send_face(9, vec![9].into()), "which ends the one before");
    let mut groups: BTreeMap<u32, (Vec<u8>, bool)> = BTreeMap::new();
    until("three groups", || {
        while let Some(part) = host.faces.next_packet() {
            assert_eq!(part.line, to_guest.id());
            let group = groups.entry(part.stream).or_default();
            group.0.extend_from_slice(&part.bytes);
            group.1 |= part.is_last;
        }
        (groups.values().filter(|group| group.1).count() == 3).then_some(())
    });
    let whole: Vec<Vec<u8>> = groups.into_values().filter(|group| group.1).map(|group| group.0).collect();
    let mut sorted = whole.clone();
    sorted.sort();
    assert_eq!(sorted, (0..3).map(|group| (0..4).flat_map(|part| [group, part]).collect::<Vec<u8>>()).collect::<Vec<_>>());
    for _ in 0..30 {
        to_host.send_face(10, vec![0; 10_000].into());
    }
    until("the line is closed", || {
        while host.faces.next_packet().is_some() {}
        host.has(|event| matches!(event, Event::Down { .. })).then_some(())
    });
    assert!(matches!(host.down().1, Reason::Blamed(why) if why.contains("face")));
}
