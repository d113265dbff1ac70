use std::{sync::Arc, time::Duration};

use iroh::{
    EndpointAddr, PublicKey,
    endpoint::{ConnectError, ConnectingError, Connection, ConnectionError},
};
use tokio::time::{Instant, timeout, timeout_at};

use super::{
    Addresses, Arrival, FilmEvent, Invite, ParticipantId, Reason, Refusal, Standing,
    answer::id_of,
    book::{Duplicate, Entry},
    carry,
    endpoint::ALPN,
    hello::{Answer, Claim, HELLO_BYTES_MAX, Hello},
    line::{self, End, Line},
    lock,
    net::Shared,
};

/// Calls the host of a room and carries the line, or tells why there is none.
pub(super) async fn join(shared: Arc<Shared>, invite: Invite, name: String, number: u64) {
    if invite.host == shared.me {
        return shared.post.cannot_join(number, "This is your own invite: send it to a friend.".into(), true);
    }
    let relay_only = invite.addresses.direct.is_empty() && invite.addresses.relay.is_some();
    if relay_only && !shared.has_relay {
        return shared.post.cannot_join(
            number,
            "This host is only reached over a relay, and relays are switched off in your settings.".into(),
            true,
        );
    }
    let claim = Claim::Invite(invite.secret.proof(&shared.me, &invite.host));
    let calling = Calling { peer: invite.host, addresses: invite.addresses, claim, name, anew: true };
    match call(&shared, calling).await {
        Ok((line, run)) => {
            if !shared.post.is_current_join(number) {
                line.end(End::Left, "", Reason::ClosedHere("Somebody else was called since.".into()));
            }
            drop(tokio::spawn(run)); // the line outlives the call, which a later join may abort
        }
        Err(failed) => shared.post.cannot_join(number, failed.sentence(), failed.is_final()),
    }
}

/// Calls a member, or tells swarm that they cannot be reached.
pub(super) async fn connect(shared: Arc<Shared>, peer: ParticipantId) {
    let known = {
        let state = lock(&shared.state);
        if state.book.line_to(&peer).is_some() {
            return;
        }
        let members = state.members.as_ref().filter(|members| members.host != shared.me && members.host != peer && shared.me != peer);
        let member = members.and_then(|members| members.members.iter().find(|member| member.id == peer));
        let pass = members.and_then(|members| members.my_pass);
        member.zip(pass).map(|(member, pass)| (member.addresses.clone(), pass, state.name.clone()))
    };
    let failed = match known {
        None => Failed::Unreachable,
        Some((addresses, pass, name)) => {
            match call(&shared, Calling { peer, addresses, claim: Claim::Pass(pass), name, anew: false }).await {
                Ok((_, run)) => return run.await,
                Err(Failed::AlreadyCalling) => return,
                Err(failed) => failed,
            }
        }
    };
    // If they called us at the same time their call is the one that counts; it may need a moment.
    let patience = Instant::now() + shared.limits.call;
    while matches!(failed, Failed::Refused(Refusal::Duplicate) | Failed::TheyCalled) && Instant::now() < patience {
        if lock(&shared.state).book.line_to(&peer).is_some() {
            return;
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    tracing::info!(%peer, ?failed, "not reached");
    shared.tell_film(FilmEvent::Unreachable { peer }).await;
}

struct Calling {
    peer: ParticipantId,
    addresses: Addresses,
    claim: Claim,
    name: String,
    /// Even if there is a line.
    anew: bool,
}

/// One try, bounded in time; gives what carries the line.
async fn call(shared: &Arc<Shared>, calling: Calling) -> Result<(Line, impl Future<Output = ()> + use<>), Failed> {
    let Calling { peer, addresses, claim, name, anew } = calling;
    let Some(number) = lock(&shared.state).book.dial(peer, anew) else { return Err(Failed::AlreadyCalling) };
    let _dial = DialGuard { shared, peer, number };
    let deadline = Instant::now() + shared.limits.call;
    let id = PublicKey::from_bytes(peer.as_bytes()).map_err(|_not_a_key| Failed::Unreachable)?;
    let address = addresses.to_dial(id, shared.has_relay);
    if address.is_empty() && !shared.has_relay {
        return Err(Failed::Unreachable);
    }
    let connection = reach(shared, address, deadline).await?;
    if lock(&shared.state).book.greet(&peer, number, anew).is_err() {
        line::close(&connection, Refusal::Duplicate.code(), "");
        return Err(Failed::TheyCalled);
    }
    let hello = Hello { claim, name, addresses: shared.addresses(), instance: shared.instance, dialect: shared.dialect };
    let answered = timeout_at(deadline, greet(&connection, &hello)).await;
    let answer = match answered {
        Ok(Some(answer)) => answer,
        // The stream only says that the connection is gone; why stands with the connection.
        Ok(None) => {
            let reason = timeout(LOOK_AGAIN, connection.closed()).await;
            return Err(reason.map_or(Failed::Nonsense, |error| of_connection(&error)));
        }
        Err(_too_long) => return Err(Failed::Unreachable),
    };
    enter(shared, connection, answer, matches!(hello.claim, Claim::Invite(_))).inspect_err(|failed| tracing::debug!(?failed, "no line"))
}

/// Tries until the deadline: one try ends after the idle time of 4 s, and a relay may only then have been found.
async fn reach(shared: &Shared, address: EndpointAddr, deadline: Instant) -> Result<Connection, Failed> {
    loop {
        let tried = timeout_at(deadline, shared.endpoint.connect(address.clone(), ALPN)).await;
        match tried.map(|tried| tried.map_err(|error| of_connect(&error))) {
            Ok(Ok(connection)) => return Ok(connection),
            Ok(Err(Failed::Unreachable)) => tokio::time::sleep(TRY_AGAIN).await,
            Ok(Err(failed)) => return Err(failed),
            Err(_too_long) => return Err(Failed::Unreachable),
        }
    }
}

async fn greet(connection: &Connection, hello: &Hello) -> Option<Answer> {
    let (mut send, mut receive) = connection.open_bi().await.ok()?;
    send.write_all(&hello.encode()).await.ok()?;
    send.finish().ok()?;
    Answer::decode(&receive.read_to_end(HELLO_BYTES_MAX).await.ok()?)
}

/// Makes the line.
fn enter(
    shared: &Arc<Shared>,
    connection: Connection,
    answer: Answer,
    is_host: bool,
) -> Result<(Line, impl Future<Output = ()> + use<>), Failed> {
    let peer = id_of(&connection);
    let Answer { room, epoch, moderator, name, addresses, instance } = answer;
    let standing = if is_host { Standing::Host { moderator } } else { Standing::Member };
    let arrival = Arrival { peer, name, addresses: addresses.cleaned(), standing, room, epoch };
    if !shared.post.reserve_line() {
        line::close(&connection, Refusal::Busy.code(), "");
        return Err(Failed::Refused(Refusal::Busy));
    }
    let (line, orders) = Line::new(shared.next_line_id(), peer, connection);
    let entry = Entry { line: line.clone(), peer, dialled: true, instance, room, epoch, is_guest: false, was_listed: false };
    let entered = lock(&shared.state).book.enter(line.id(), entry);
    match entered {
        Ok(old) => {
            if let Some(old) = &old {
                old.end(End::Replaced, "", Reason::Replaced);
            }
            Ok((line.clone(), carry::carry(Arc::clone(shared), line, orders, arrival, old)))
        }
        Err(Duplicate) => {
            shared.post.release_line();
            line::close(line.connection(), Refusal::Duplicate.code(), "");
            Err(Failed::TheyCalled)
        }
    }
}

/// Why a call came to nothing.
#[derive(Debug)]
enum Failed {
    Unreachable,
    Refused(Refusal),
    /// In words of theirs.
    Said(String),
    /// They speak no language of ours.
    OtherVersion,
    Nonsense,
    AlreadyCalling,
    TheyCalled,
}

impl Failed {
    /// Whether another try would come to the same.
    fn is_final(&self) -> bool {
        match self {
            Self::Refused(refusal) => {
                !matches!(refusal, Refusal::Full | Refusal::Busy | Refusal::Slow | Refusal::Duplicate | Refusal::NoDoor)
            }
            Self::OtherVersion => true,
            Self::Unreachable | Self::Said(_) | Self::Nonsense | Self::AlreadyCalling | Self::TheyCalled => false,
        }
    }

    fn sentence(&self) -> String {
        match self {
            Self::Unreachable => {
                "The host cannot be reached. Ask them whether the room is open and for a new invite; one of you may have to switch relays on or a VPN off."
            }
            Self::Refused(refusal) => return refusal.to_string(),
            Self::Said(words) => return format!("The host did not let you in: “{words}”"),
            Self::OtherVersion => "The host runs a Houselights that does not understand yours: both of you should update.",
            Self::Nonsense => "The host's machine answered something that makes no sense. Both of you should update Houselights.",
            Self::AlreadyCalling | Self::TheyCalled => "There is a line to the host already.",
        }
        .to_owned()
    }
}

fn of_connect(error: &ConnectError) -> Failed {
    match error {
        ConnectError::Connection { source, .. }
        | ConnectError::Connecting { source: ConnectingError::ConnectionError { source, .. }, .. } => of_connection(source),
        _ => Failed::Unreachable,
    }
}

fn of_connection(error: &ConnectionError) -> Failed {
    match error {
        ConnectionError::ApplicationClosed(close) => match Refusal::of_code(close.error_code.into()) {
            Some(refusal) => Failed::Refused(refusal),
            None if close.reason.is_empty() => Failed::Unreachable,
            None => Failed::Said(line::readable(&close.reason)),
        },
        ConnectionError::ConnectionClosed(close) if close.error_code == iroh::endpoint::TransportErrorCode::CONNECTION_REFUSED => {
            Failed::Refused(Refusal::Busy)
        }
        ConnectionError::ConnectionClosed(_) | ConnectionError::VersionMismatch => Failed::OtherVersion,
        _ => Failed::Unreachable,
    }
}

/// The call is over when this is dropped, also when its task is aborted.
struct DialGuard<'a> {
    shared: &'a Shared,
    peer: ParticipantId,
    number: u64,
}

impl Drop for DialGuard<'_> {
    fn drop(&mut self) {
        lock(&self.shared.state).book.end_dial(&self.peer, self.number);
    }
}

const LOOK_AGAIN: Duration = Duration::from_millis(50);
const TRY_AGAIN: Duration = Duration::from_millis(200);
