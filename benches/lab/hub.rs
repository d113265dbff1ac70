//! Carries packets between the namespaces, as the lines between them would.

use std::{
    fs::File,
    io::{ErrorKind, Read as _, Write as _},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
        mpsc::sync_channel,
    },
    thread::{Builder, JoinHandle},
};

use houselights::trace::mono_ns;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};

use super::{
    spaces::{MTU, participant},
    wire::{Line, Wires},
};

/// The thread that is the network.
pub(crate) struct Hub {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Hub {
    /// Starts it, at a priority before everything measured.
    pub(crate) fn start(interfaces: Vec<File>, lines: &[Line]) -> Result<Self, String> {
        let shared = Arc::new(Shared {
            ends: AtomicBool::new(false),
            bytes: interfaces.iter().map(|_| Default::default()).collect(),
            refused: AtomicU64::new(0),
        });
        let (sender, thread_id) = sync_channel(1);
        let mut carrier = Carrier { wires: Wires::new(lines), interfaces, shared: Arc::clone(&shared) };
        let body = move || {
            let task = std::fs::read_link("/proc/thread-self").ok().and_then(|path| Some(path.file_name()?.to_str()?.to_owned()));
            if sender.send(task).is_ok() {
                while carrier.step(mono_ns()) {}
            }
        };
        let thread = Builder::new().name("hub".into()).spawn(body).map_err(|error| error.to_string())?;
        let task = thread_id.recv().ok().flatten().unwrap_or_default();
        let urgent = Command::new("chrt").args(["--fifo", "--pid", "40", &task]).output();
        if !urgent.is_ok_and(|output| output.status.success()) {
            eprintln!("the hub has no real-time priority here: delays are less exact under load");
        }
        Ok(Self { shared, thread: Some(thread) })
    }

    /// What the participant's interface has sent and received so far.
    pub(crate) fn bytes(&self, participant: usize) -> Bytes {
        let [up, down] = &self.shared.bytes[participant];
        Bytes { up: up.load(Relaxed), down: down.load(Relaxed) }
    }

    /// Packets that found a queue full so far.
    pub(crate) fn refused(&self) -> u64 {
        self.shared.refused.load(Relaxed)
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.shared.ends.store(true, Relaxed);
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            eprintln!("the hub ended early");
        }
    }
}

/// Bytes of IP packets.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bytes {
    pub(crate) up: u64,
    pub(crate) down: u64,
}

struct Shared {
    ends: AtomicBool,
    bytes: Vec<[AtomicU64; 2]>,
    refused: AtomicU64,
}

struct Carrier {
    interfaces: Vec<File>,
    wires: Wires,
    shared: Arc<Shared>,
}

impl Carrier {
    /// Delivers what is due, waits for the next packet or delivery, and takes what was sent; false at the end.
    fn step(&mut self, now_ns: i64) -> bool {
        while let Some((_, to, packet)) = self.wires.arrived(now_ns) {
            self.shared.bytes[to][1].fetch_add(packet.len() as u64, Relaxed);
            // An interface that is down or full loses the packet, as any would.
            if let Err(error) = (&self.interfaces[to]).write(&packet)
                && !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Other | ErrorKind::InvalidInput)
                && error.raw_os_error() != Some(Errno::IO.raw_os_error())
            {
                eprintln!("a packet for {to}: {error}");
            }
        }
        self.shared.refused.store(self.wires.dropped, Relaxed);
        let wait_ns = self.wires.next_ns().map_or(LONGEST_NS, |next_ns| (next_ns - mono_ns() - SPIN_NS).clamp(0, LONGEST_NS));
        let mut ready: Vec<PollFd<'_>> = self.interfaces.iter().map(|interface| PollFd::new(interface, PollFlags::IN)).collect();
        let answer = poll(&mut ready, Some(&Timespec { tv_sec: 0, tv_nsec: wait_ns }));
        let readable: Vec<usize> = (0..ready.len()).filter(|&index| ready[index].revents().contains(PollFlags::IN)).collect();
        if answer.is_ok_and(|count| count > 0) {
            for from in readable {
                self.take(from);
            }
        }
        !self.shared.ends.load(Relaxed)
    }

    fn take(&mut self, from: usize) {
        let mut buffer = [0; MTU + 64];
        for _ in 0..PACKETS_A_TURN {
            let Ok(length) = (&self.interfaces[from]).read(&mut buffer) else { return };
            let packet = &buffer[..length];
            // IPv4 between participants; the kernel's IPv6 and multicast chatter goes nowhere.
            let Some(&[a, b, c, d]) = packet.get(16..20).filter(|_| packet[0] >> 4 == 4) else { continue };
            let Some(to) = participant([a, b, c, d]).filter(|&to| to < self.interfaces.len()) else { continue };
            self.shared.bytes[from][0].fetch_add(length as u64, Relaxed);
            self.wires.send(mono_ns(), from, to, packet.into());
        }
    }
}

/// The end is noticed after that.
const LONGEST_NS: i64 = 20_000_000;
/// The last stretch before a delivery is not slept.
const SPIN_NS: i64 = 60_000;
const PACKETS_A_TURN: usize = 64;
