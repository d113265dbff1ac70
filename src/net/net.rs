use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::Waker,
    time::Duration,
};

use iroh::{Endpoint, Watcher};
use tokio::{
    runtime::{Builder, Handle, Runtime},
    sync::Semaphore,
    task::AbortHandle,
};

use super::{
    Addresses, Door, Event, FilmEvent, FilmPort, Identity, Invite, Line, LineId, Members, NetError, ParticipantId, Reason, Relay, Secret,
    answer,
    book::Book,
    call, endpoint,
    event::{Letters, Post, post},
    film::FilmEars,
    film_port, hello,
    line::End,
    live::{LiveEars, LivePort, live_port},
    lock, pump,
    tries::Tries,
};

/// This machine on the network. Nothing here waits for the network; dropping it says goodbye and stops, within a second.
#[derive(Debug)]
pub struct Net {
    shared: Arc<Shared>,
    letters: Letters,
    joining: Mutex<Option<AbortHandle>>,
    runtime: Option<Runtime>,
}

/// How to start.
#[derive(Debug)]
pub struct Options {
    /// Who we are.
    pub identity: Identity,
    /// Which relays.
    pub relay: Relay,
    /// The monotonic clock that stamps pings, in nanoseconds.
    pub mono_ns: fn() -> i64,
    /// A number that stands for all that is said after the greeting: whoever has another one was built from another source and does not get in.
    pub dialect: u64,
    /// For all that leaves, together.
    pub upload_limit_bytes_per_s: Option<u64>,
}

impl Net {
    /// Opens the endpoint and starts its two threads.
    ///
    /// # Errors
    /// When no socket or thread can be had, or the relay is not a URL.
    pub fn start(options: Options) -> Result<(Self, Ports), NetError> {
        Self::start_with(options, Limits::default())
    }

    pub(super) fn start_with(options: Options, limits: Limits) -> Result<(Self, Ports), NetError> {
        let Options { identity, relay, mono_ns, dialect, upload_limit_bytes_per_s } = options;
        let runtime = Builder::new_multi_thread().worker_threads(2).thread_name("net").enable_all().build();
        let runtime = runtime.map_err(|error| NetError::Bind { why: error.to_string() })?;
        let endpoint = runtime.block_on(endpoint::bind(identity.key(), &relay, upload_limit_bytes_per_s))?;
        let (post, letters) = post();
        let (port, wire) = film_port();
        let (film, orders) = wire.split();
        let ((voice_port, voices), (face_port, faces)) = (live_port(), live_port());
        let me = identity.id();
        let shared = Arc::new(Shared {
            me,
            identity,
            instance: rand::random(),
            dialect,
            mono_ns,
            has_relay: relay != Relay::None,
            limits,
            endpoint,
            state: Mutex::new(State {
                door: None,
                members: None,
                name: String::new(),
                book: Book::new(me),
                wrong_tries: Tries::new(WRONG_TRIES_MAX),
                entries: Tries::new(ENTRIES_MAX),
            }),
            post,
            film,
            voices,
            faces,
            film_gone: AtomicBool::new(false),
            lines_made: AtomicU64::new(0),
            strangers: Arc::new(Semaphore::new(STRANGERS_MAX)),
            handle: runtime.handle().clone(),
        });
        runtime.spawn(answer::answer_calls(Arc::clone(&shared)));
        runtime.spawn(pump::pump_orders(Arc::clone(&shared), orders));
        runtime.spawn(watch_addresses(Arc::clone(&shared)));
        let net = Self { shared, letters, joining: Mutex::new(None), runtime: Some(runtime) };
        Ok((net, Ports { film: port, voices: voice_port, faces: face_port }))
    }

    /// Who we are.
    #[must_use]
    pub fn id(&self) -> ParticipantId {
        self.shared.me
    }

    /// With which we sign.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.shared.identity
    }

    /// Where we can be reached now. With nothing but this machine, its loopback address.
    #[must_use]
    pub fn addresses(&self) -> Addresses {
        self.shared.addresses()
    }

    /// The text for a friend, as things are now.
    #[must_use]
    pub fn invite(&self, secret: Secret) -> Invite {
        Invite { host: self.id(), addresses: self.addresses(), secret }
    }

    /// Lets people in from now on, or changes who is let in. Lines to who is banned are closed.
    pub fn open_door(&self, door: Door) {
        let banned = {
            let mut state = lock(&self.shared.state);
            let banned: Vec<Line> = door.banned.iter().filter_map(|peer| state.book.line_to(peer).cloned()).collect();
            state.door = Some(door);
            banned
        };
        for line in banned {
            let text = hello::Refusal::Removed.to_string();
            line.end(End::Closed, &text, Reason::ClosedHere(text.clone()));
        }
    }

    /// Lets nobody in any more; who is inside stays.
    pub fn close_door(&self) {
        lock(&self.shared.state).door = None;
    }

    /// Calls the host of a room, giving up any earlier call. [`Event::Up`] with [`Standing::Host`](super::Standing::Host) follows, or
    /// [`Event::CannotJoin`], within some 8 s. A line to that host is replaced.
    pub fn join(&self, invite: Invite, name: &str) {
        let name = hello::short_name(name);
        lock(&self.shared.state).name.clone_from(&name);
        let mut joining = lock(&self.joining);
        if let Some(earlier) = joining.take() {
            earlier.abort();
        }
        let number = self.shared.post.next_join();
        let task = self.shared.handle.spawn(call::join(Arc::clone(&self.shared), invite, name, number));
        *joining = Some(task.abort_handle());
    }

    /// Says who is in the room. Lines to anybody else are closed; members may call us with their passes, and we them.
    pub fn set_members(&self, members: Members) {
        let strangers = {
            let mut state = lock(&self.shared.state);
            let strangers = state.book.strangers(&members);
            state.members = Some(members);
            strangers
        };
        for line in strangers {
            line.close("You are not in this room any more.");
        }
    }

    /// Makes a line to a member of the room, if there is none: [`Event::Up`] follows, or nothing.
    pub fn reach(&self, peer: ParticipantId) {
        drop(self.shared.handle.spawn(call::connect(Arc::clone(&self.shared), peer)));
    }

    /// Leaves the room and closes the door: gives up a call, says goodbye on every line, forgets the members.
    pub fn leave(&self) {
        if let Some(call) = lock(&self.joining).take() {
            call.abort();
        }
        self.shared.post.next_join();
        self.shared.say_goodbye();
    }

    /// The oldest thing that happened and was not yet asked for.
    #[must_use]
    pub fn next_event(&self) -> Option<Event> {
        self.shared.post.next(&self.letters)
    }

    /// Wakes this one whenever an event or a packet of the room comes. It is called on the network's threads and must not wait.
    pub fn wakes(&self, waker: Waker) {
        self.shared.post.wakes(waker);
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        self.leave();
        let Some(runtime) = self.runtime.take() else { return };
        let endpoint = self.shared.endpoint.clone();
        let closed = runtime.block_on(async { tokio::time::timeout(GOODBYE, endpoint.close()).await });
        if closed.is_err() {
            tracing::debug!("not everybody has heard that we leave");
        }
        runtime.shutdown_timeout(STOP);
    }
}

/// The ways through the lines for those who use them.
#[derive(Debug)]
pub struct Ports {
    /// For the film.
    pub film: FilmPort,
    /// For voices.
    pub voices: LivePort,
    /// For faces.
    pub faces: LivePort,
}

/// What the tasks of a net share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) me: ParticipantId,
    pub(super) identity: Identity,
    /// A random number of this run.
    pub(super) instance: u64,
    pub(super) dialect: u64,
    pub(super) mono_ns: fn() -> i64,
    pub(super) has_relay: bool,
    pub(super) limits: Limits,
    pub(super) endpoint: Endpoint,
    pub(super) state: Mutex<State>,
    pub(super) post: Post,
    film: FilmEars,
    pub(super) voices: LiveEars,
    pub(super) faces: LiveEars,
    film_gone: AtomicBool,
    lines_made: AtomicU64,
    /// How many may be at the door without having proven anything.
    pub(super) strangers: Arc<Semaphore>,
    pub(super) handle: Handle,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) door: Option<Door>,
    pub(super) members: Option<Members>,
    /// Ours, as we said last.
    pub(super) name: String,
    pub(super) book: Book<Line>,
    /// Of wrong proofs.
    pub(super) wrong_tries: Tries,
    /// Of people who come in, and again, and again.
    pub(super) entries: Tries,
}

impl Shared {
    pub(super) fn next_line_id(&self) -> LineId {
        LineId(self.lines_made.fetch_add(1, Ordering::Relaxed))
    }

    pub(super) fn addresses(&self) -> Addresses {
        let bound: Vec<SocketAddr> = self.endpoint.bound_sockets();
        Addresses::of(&self.endpoint.addr(), &bound)
    }

    /// Tells `swarm`, waiting while its box is full.
    pub(super) async fn tell_film(&self, mut event: FilmEvent) {
        while let Err(unsent) = self.film.tell(event) {
            if self.film_gone.load(Ordering::Relaxed) {
                return;
            }
            event = unsent;
            tokio::time::sleep(FULL_PAUSE).await;
        }
    }

    pub(super) fn set_film_gone(&self) {
        self.film_gone.store(true, Ordering::Relaxed);
    }

    fn say_goodbye(&self) {
        let lines: Vec<Line> = {
            let mut state = lock(&self.state);
            state.door = None;
            state.members = None;
            state.book.lines().cloned().collect()
        };
        for line in lines {
            line.end(End::Left, "", Reason::ClosedHere("We left.".into()));
        }
    }
}

/// Tells when we can be reached elsewhere.
async fn watch_addresses(shared: Arc<Shared>) {
    let mut watcher = shared.endpoint.watch_addr();
    let mut told = shared.addresses();
    while watcher.updated().await.is_ok() {
        let addresses = shared.addresses();
        if addresses != told {
            told = addresses;
            shared.post.addresses_changed();
        }
    }
}

/// How long things may take; tests are less patient.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// From the first packet of a stranger to the end of their greeting.
    pub(super) hello: Duration,
    /// From a call to its answer.
    pub(super) call: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { hello: Duration::from_secs(5), call: Duration::from_secs(8) }
    }
}

const STRANGERS_MAX: usize = 16;
const WRONG_TRIES_MAX: u32 = 10;
const ENTRIES_MAX: u32 = 30;
const GOODBYE: Duration = Duration::from_millis(700);
const STOP: Duration = Duration::from_millis(250);
/// How long a task waits before it looks again whether swarm has read.
const FULL_PAUSE: Duration = Duration::from_millis(2);
