use std::sync::Arc;

use iroh::endpoint::{Connection, Incoming, IncomingAddr, ReadToEndError};
use tokio::time::timeout;

use super::{
    ParticipantId, Refusal,
    book::Entry,
    carry,
    hello::{self, Admitted, Answer, HELLO_BYTES_MAX, Situation, Standing},
    line::{self, End, Line},
    lock,
    net::Shared,
    tries::Who,
};

/// Answers whoever calls, a few strangers at a time.
pub(super) async fn answer_calls(shared: Arc<Shared>) {
    while let Some(incoming) = shared.endpoint.accept().await {
        let address = match incoming.remote_addr() {
            IncomingAddr::Ip(address) => Some(Who::at(address.ip())),
            _ => None,
        };
        let Ok(place) = Arc::clone(&shared.strangers).try_acquire_owned() else {
            incoming.refuse();
            continue;
        };
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let greeted = greeted(&shared, incoming, address).await;
            drop(place);
            if let Some(run) = greeted {
                run.await;
            }
        });
    }
}

/// Hears a stranger's greeting and decides; what carries their line, if they are let in.
async fn greeted(shared: &Arc<Shared>, incoming: Incoming, address: Option<Who>) -> Option<impl Future<Output = ()> + use<>> {
    let mut connection = None;
    let heard = timeout(shared.limits.hello, async {
        let fresh = incoming.await.inspect_err(|error| tracing::debug!(%error, "a call broke off")).ok()?;
        let (send, mut receive) = connection.insert(fresh).accept_bi().await.ok()?;
        let bytes = match receive.read_to_end(HELLO_BYTES_MAX).await {
            Ok(bytes) => Ok(bytes),
            Err(ReadToEndError::TooLong) => Err(Refusal::NotHello),
            Err(ReadToEndError::Read(_)) => return None,
        };
        Some(bytes.map(|bytes| (bytes, send)))
    });
    let heard = match heard.await {
        Ok(heard) => heard?,
        Err(_too_long) => Err(Refusal::Slow),
    };
    let connection = connection?;
    let entered = heard.and_then(|(bytes, send)| {
        let admitted = judge(shared, &connection, &bytes, address)?;
        Ok((enter(shared, connection.clone(), admitted)?, send))
    });
    match entered {
        Ok(((answer, run), mut send)) => {
            // If this fails the line's own task notices that the connection is gone.
            if send.write_all(&answer.encode()).await.is_err() || send.finish().is_err() {
                tracing::debug!("the answer did not leave");
            }
            Some(run)
        }
        Err(refusal) => {
            tracing::info!(peer = %id_of(&connection), %refusal, "refused");
            line::close(&connection, refusal.code(), &refusal.to_string());
            None
        }
    }
}

pub(super) fn id_of(connection: &Connection) -> ParticipantId {
    ParticipantId::from_bytes(*connection.remote_id().as_bytes())
}

fn judge(shared: &Shared, connection: &Connection, bytes: &[u8], address: Option<Who>) -> Result<Admitted, Refusal> {
    let peer = id_of(connection);
    let now_ns = (shared.mono_ns)();
    let mut state = lock(&shared.state);
    if state.entries.is_blocked(Who::Participant(peer), now_ns) {
        return Err(Refusal::Busy);
    }
    let (door, members, is_inside) = (state.door.as_ref(), state.members.as_ref(), state.book.line_to(&peer).is_some());
    let judged = hello::judge(bytes, &Situation { me: shared.me, peer, dialect: shared.dialect, door, members, is_inside });
    if judged == Err(Refusal::WrongInvite) {
        // Whoever has the right secret comes in, whatever they or others of their house tried before.
        let tried = [Some(Who::Participant(peer)), address];
        if tried.into_iter().flatten().any(|who| state.wrong_tries.is_blocked(who, now_ns)) {
            return Err(Refusal::TooManyTries);
        }
        for who in tried.into_iter().flatten() {
            state.wrong_tries.count(who, now_ns);
        }
    } else if judged.is_ok() {
        state.entries.count(Who::Participant(peer), now_ns);
    }
    judged
}

/// Makes the line.
fn enter(shared: &Arc<Shared>, connection: Connection, admitted: Admitted) -> Result<(Answer, impl Future<Output = ()> + use<>), Refusal> {
    let Admitted { mut arrival, instance } = admitted;
    if let Some(iroh::TransportAddr::Ip(seen)) =
        connection.paths().iter().find(iroh::endpoint::Path::is_selected).map(|path| path.remote_addr().clone())
    {
        arrival.addresses.add(seen);
    }
    if !shared.post.reserve_line() {
        return Err(Refusal::Busy);
    }
    let (line, orders) = Line::new(shared.next_line_id(), arrival.peer, connection);
    let (is_guest, moderator) = match arrival.standing {
        Standing::Guest { moderator } => (true, moderator),
        Standing::Host { .. } | Standing::Member => (false, false),
    };
    let (room, epoch, peer) = (arrival.room, arrival.epoch, arrival.peer);
    let entry = Entry { line: line.clone(), peer, dialled: false, instance, room, epoch, is_guest, was_listed: false };
    let (entered, name) = {
        let mut state = lock(&shared.state);
        let entered = if state.book.is_full() && state.book.line_to(&peer).is_none() {
            Err(Refusal::Busy)
        } else {
            state.book.enter(line.id(), entry).map_err(|_duplicate| Refusal::Duplicate)
        };
        (entered, state.name.clone())
    };
    match entered {
        Ok(old) => {
            if let Some(old) = &old {
                old.end(End::Replaced, "", super::Reason::Replaced);
            }
            let answer = Answer { room, epoch, moderator, name, addresses: shared.addresses(), instance: shared.instance };
            let run = carry::carry(Arc::clone(shared), line, orders, arrival, old);
            Ok((answer, run))
        }
        Err(refusal) => {
            shared.post.release_line();
            Err(refusal)
        }
    }
}
