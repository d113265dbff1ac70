//! Keeps a camera on a thread of its own, because what drives cameras may panic, fail for ever or never come back.
//!
//! None of that reaches the app: a panic is caught, a camera that only fails is closed, and one that does not come back is left behind with its thread. Threads left
//! behind are counted, and beyond [`THREADS_MAX`] no camera is opened, so that a broken one cannot gather them.
//!
//! Rejected: to wait for the thread when the camera is turned off (a stalled one would stop the app); to end it from outside (there is no such thing).

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    thread::{Builder, Thread},
    time::Duration,
};

use super::{CameraSource, Look, Seen, Shot};
use crate::{
    handover::{MailboxReceiver, MailboxSender, Slot, mailbox},
    media::CameraPicture,
};

/// A camera as its thread sees it. Every call may wait, fail or panic.
pub trait Grabber {
    /// Waits for the next picture.
    ///
    /// # Errors
    /// In the system's words.
    fn grab(&mut self) -> Result<CameraPicture, String>;

    /// Turns the camera off. If it cannot, it says so, and is then forgotten rather than dropped.
    ///
    /// # Errors
    /// In the system's words.
    fn close(&mut self) -> Result<(), String>;
}

/// A camera on a thread of its own. Dropping it turns the camera off as soon as that answers.
#[derive(Debug)]
pub struct KeptCamera {
    name: String,
    shots: Slot<Shot>,
    failures: MailboxReceiver<String>,
    wakes: MailboxSender<Thread>,
    shared: Arc<Shared>,
    watch: Watchdog,
    mono_ns: fn() -> i64,
}

impl KeptCamera {
    /// Opens a camera on a new thread; `open` may wait, fail or panic as well.
    ///
    /// # Errors
    /// In words, if too many cameras do not answer or the system gives no thread.
    pub fn start<G: Grabber>(
        name: &str,
        open: impl FnOnce() -> Result<G, String> + Send + 'static,
        mono_ns: fn() -> i64,
    ) -> Result<Self, String> {
        let place = Place::take().ok_or("Cameras that were used before do not answer. Unplug them, or start the theater anew.")?;
        let (failure, failures) = mailbox(1);
        let (wakes, waking) = mailbox(4);
        let shots = Slot::default();
        let shared = Arc::new(Shared::default());
        let kept = Self {
            name: name.to_owned(),
            shots: shots.clone(),
            failures,
            wakes,
            shared: Arc::clone(&shared),
            watch: Watchdog::new(mono_ns()),
            mono_ns,
        };
        let keeping = move || {
            let keeper = Keeper { shots, waking, wake: None, shared, mono_ns, errors: 0 };
            if let Some(words) = keeper.run(open)
                && failure.send(words).is_err()
            {
                tracing::debug!("nobody waits for the camera's last words");
            }
            drop(place);
        };
        Builder::new()
            .name("camera".into())
            .spawn(keeping)
            .map_err(|error| format!("The camera cannot be opened because the system gave no thread: {error}."))?;
        Ok(kept)
    }
}

impl CameraSource for KeptCamera {
    fn name(&self) -> &str {
        &self.name
    }

    fn look(&mut self, now_ns: i64) -> Look {
        if let Some(words) = self.failures.receive() {
            return Look::Failed(format!("The camera “{}” gives no picture: {words}. Turn it on again when it is free.", self.name));
        }
        if let Some(shot) = self.shots.take() {
            self.watch.sign(self.shared.signs.load(Ordering::Relaxed), now_ns);
            return Look::Shot(shot);
        }
        match self.watch.sign(self.shared.signs.load(Ordering::Relaxed), now_ns) {
            Answer::Waiting => Look::Nothing,
            Answer::Stalled => Look::Stalled,
            Answer::Dead => Look::Failed(format!("The camera “{}” no longer answers. Unplug it and plug it in again.", self.name)),
        }
    }

    fn wake(&mut self, thread: Thread) {
        if self.wakes.send(thread).is_err() {
            tracing::debug!("the camera's thread is gone");
        }
        self.watch = Watchdog::new((self.mono_ns)());
    }
}

impl Drop for KeptCamera {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
    }
}

/// How many threads of cameras there are at the moment, those left behind included.
#[must_use]
pub fn camera_threads() -> usize {
    THREADS.load(Ordering::Relaxed)
}

/// The thread's side.
struct Keeper {
    shots: Slot<Shot>,
    waking: MailboxReceiver<Thread>,
    wake: Option<Thread>,
    shared: Arc<Shared>,
    mono_ns: fn() -> i64,
    /// In a row.
    errors: u32,
}

impl Keeper {
    /// Until the camera is turned off or fails; then its last words.
    fn run<G: Grabber>(mut self, open: impl FnOnce() -> Result<G, String>) -> Option<String> {
        let opened = catch_unwind(AssertUnwindSafe(open)).unwrap_or_else(|_| Err(PANICKED.to_owned()));
        let mut grabber = match opened {
            Ok(grabber) => grabber,
            Err(words) => return Some(words),
        };
        let words = loop {
            match self.step(&mut grabber) {
                Kept::Picture => {}
                // A camera that fails at once does so thousands of times a second.
                Kept::Error => std::thread::park_timeout(AFTER_ERROR),
                Kept::Stopped => break None,
                Kept::Failed(words) => break Some(words),
            }
        };
        let closed = catch_unwind(AssertUnwindSafe(|| grabber.close())).unwrap_or_else(|_| Err(PANICKED.to_owned()));
        match closed {
            Ok(()) => {
                if catch_unwind(AssertUnwindSafe(move || drop(grabber))).is_err() {
                    tracing::warn!("a camera panicked when it was let go");
                }
            }
            Err(error) => {
                // To drop it would panic again, perhaps twice at once, which ends the program.
                tracing::warn!("a camera cannot be closed: {error}");
                std::mem::forget(grabber);
            }
        }
        words
    }

    fn step<G: Grabber>(&mut self, grabber: &mut G) -> Kept {
        if self.shared.stop.load(Ordering::Relaxed) {
            return Kept::Stopped;
        }
        let grabbed = catch_unwind(AssertUnwindSafe(|| grabber.grab()));
        self.shared.signs.fetch_add(1, Ordering::Relaxed);
        while let Some(thread) = self.waking.receive() {
            self.wake = Some(thread);
        }
        let kept = match grabbed {
            Ok(Ok(picture)) => {
                self.errors = 0;
                // An unread older one is obsolete.
                self.shots.put(Shot { captured_ns: (self.mono_ns)(), seen: Seen::Camera(picture) });
                Kept::Picture
            }
            Ok(Err(words)) => {
                self.errors += 1;
                if self.errors < ERRORS_MAX { Kept::Error } else { Kept::Failed(words) }
            }
            Err(_) => Kept::Failed(PANICKED.to_owned()),
        };
        if let Some(thread) = &self.wake {
            thread.unpark();
        }
        kept
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Kept {
    Picture,
    Error,
    Stopped,
    Failed(String),
}

#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    /// How often the camera came back, with a picture or without.
    signs: AtomicU64,
}

/// Tells a camera that is slow from one that will not come back. Pure.
#[derive(Debug, Clone, Copy)]
pub struct Watchdog {
    signs: u64,
    since_ns: i64,
}

impl Watchdog {
    /// From now on.
    #[must_use]
    pub const fn new(now_ns: i64) -> Self {
        Self { signs: 0, since_ns: now_ns }
    }

    /// With the number of its signs of life so far.
    pub const fn sign(&mut self, signs: u64, now_ns: i64) -> Answer {
        if signs != self.signs {
            self.signs = signs;
            self.since_ns = now_ns;
        }
        match now_ns.saturating_sub(self.since_ns) {
            ..STALLED_NS => Answer::Waiting,
            STALLED_NS..DEAD_NS => Answer::Stalled,
            _ => Answer::Dead,
        }
    }
}

/// What is to be thought of a camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Its next picture is not due for long.
    Waiting,
    /// It should have come.
    Stalled,
    /// It will not come.
    Dead,
}

/// A place among the threads of cameras, given back when the thread ends.
struct Place;

impl Place {
    fn take() -> Option<Self> {
        let taken = THREADS.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |threads| (threads < THREADS_MAX).then_some(threads + 1));
        taken.is_ok().then(|| Self)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        THREADS.fetch_sub(1, Ordering::Relaxed);
    }
}

static THREADS: AtomicUsize = AtomicUsize::new(0);
/// One in use, and some that were left behind.
pub const THREADS_MAX: usize = 4;
/// Opening a camera may take two seconds.
const STALLED_NS: i64 = 3_000_000_000;
const DEAD_NS: i64 = 8_000_000_000;
/// A second of them.
const ERRORS_MAX: u32 = 10;
const AFTER_ERROR: Duration = Duration::from_millis(100);
const PANICKED: &str = "its driver broke down";

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, MutexGuard, PoisonError};

    use super::*;
    use crate::media::CameraLayout;

    /// Threads of cameras are counted for the whole program, so these tests go one after the other.
    fn alone() -> MutexGuard<'static, ()> {
        static ONE: Mutex<()> = Mutex::new(());
        ONE.lock().unwrap_or_else(PoisonError::into_inner)
    }

    enum Fate {
        Picture,
        Error,
        Panic,
    }

    /// A camera that does what it is told, and waits until it is told.
    struct Fake {
        fates: MailboxReceiver<Fate>,
        closes_well: bool,
    }

    impl Grabber for Fake {
        fn grab(&mut self) -> Result<CameraPicture, String> {
            self.fates.wake_current_thread();
            loop {
                match self.fates.receive() {
                    Some(Fate::Picture) => {
                        return Ok(CameraPicture { width: 16, height: 16, layout: CameraLayout::Grey, bytes: vec![9; 256] });
                    }
                    Some(Fate::Error) => return Err("no signal".to_owned()),
                    Some(Fate::Panic) => panic!("as cameras do"),
                    None if self.fates.is_finished() => return Err("gone".to_owned()),
                    None => std::thread::park_timeout(Duration::from_millis(1)),
                }
            }
        }

        fn close(&mut self) -> Result<(), String> {
            if self.closes_well { Ok(()) } else { panic!("while closing") }
        }
    }

    fn fake(closes_well: bool) -> (KeptCamera, MailboxSender<Fate>) {
        let (told, fates) = mailbox(100);
        (KeptCamera::start("Fake", move || Ok(Fake { fates, closes_well }), || 0).unwrap(), told)
    }

    /// What comes after all that is nothing.
    fn next(camera: &mut KeptCamera) -> Look {
        loop {
            match camera.look(0) {
                Look::Nothing => std::thread::yield_now(),
                look => return look,
            }
        }
    }

    fn until_no_thread_is_left() {
        while camera_threads() > 0 {
            std::thread::yield_now();
        }
    }

    #[test]
    fn the_newest_picture_is_seen() {
        let _alone = alone();
        let (mut camera, told) = fake(true);
        assert!(told.send(Fate::Picture).is_ok());
        assert!(matches!(next(&mut camera), Look::Shot(Shot { seen: Seen::Camera(_), .. })));
        assert!(matches!(camera.look(0), Look::Nothing));
        drop((camera, told));
        until_no_thread_is_left();
    }

    #[test]
    fn a_panic_and_a_panic_while_closing_are_said_and_nothing_else() {
        let _alone = alone();
        for closes_well in [true, false] {
            let (mut camera, told) = fake(closes_well);
            assert!(told.send(Fate::Panic).is_ok());
            assert!(matches!(next(&mut camera), Look::Failed(words) if words.contains("its driver broke down")));
            until_no_thread_is_left();
        }
        let mut camera = KeptCamera::start("Fake", || -> Result<Fake, String> { panic!("while opening") }, || 0).unwrap();
        assert!(matches!(next(&mut camera), Look::Failed(_)));
        until_no_thread_is_left();
    }

    #[test]
    fn a_camera_that_only_fails_is_closed_and_one_that_recovers_is_not() {
        let (told, fates) = mailbox(100);
        let (_wakes, waking) = mailbox(1);
        let mut keeper = Keeper { shots: Slot::default(), waking, wake: None, shared: Arc::default(), mono_ns: || 0, errors: 0 };
        let mut camera = Fake { fates, closes_well: true };
        let mut step = |fate| {
            assert!(told.send(fate).is_ok());
            keeper.step(&mut camera)
        };
        for _ in 1..ERRORS_MAX {
            assert_eq!(step(Fate::Error), Kept::Error);
        }
        assert_eq!(step(Fate::Picture), Kept::Picture);
        for _ in 1..ERRORS_MAX {
            assert_eq!(step(Fate::Error), Kept::Error);
        }
        assert_eq!(step(Fate::Error), Kept::Failed("no signal".to_owned()));
    }

    #[test]
    fn cameras_that_never_come_back_are_left_behind_and_only_so_many() {
        let _alone = alone();
        let mut told = Vec::new();
        for _ in 0..THREADS_MAX {
            let (mut camera, tell) = fake(true);
            assert!(matches!(camera.look(DEAD_NS - 1), Look::Stalled));
            assert!(matches!(camera.look(DEAD_NS), Look::Failed(words) if words.contains("no longer answers")));
            // Kept, because a thread that has not begun would end at once.
            told.push((camera, tell));
        }
        let refusal = KeptCamera::start("Fake", || -> Result<Fake, String> { Err(String::new()) }, || 0).unwrap_err();
        assert!(refusal.contains("do not answer"), "{refusal}");
        // Once they are unplugged, their threads end.
        told.clear();
        until_no_thread_is_left();
        drop(fake(true));
        until_no_thread_is_left();
    }

    #[test]
    fn slow_is_told_from_dead_by_the_time_without_a_sign() {
        let mut watch = Watchdog::new(10);
        assert_eq!(watch.sign(0, 10 + STALLED_NS - 1), Answer::Waiting);
        assert_eq!(watch.sign(0, 10 + STALLED_NS), Answer::Stalled);
        assert_eq!(watch.sign(1, 10 + STALLED_NS), Answer::Waiting);
        assert_eq!(watch.sign(1, 10 + STALLED_NS + DEAD_NS), Answer::Dead);
        assert_eq!(watch.sign(1, i64::MIN), Answer::Waiting);
    }
}
