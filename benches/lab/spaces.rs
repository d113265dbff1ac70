//! Network namespaces, each with an interface that is ours to read and write, and processes in them with clocks of their own.

use std::{
    ffi::OsStr,
    fs::File,
    io,
    os::unix::{fs::OpenOptionsExt as _, process::CommandExt as _},
    path::Path,
    process::{Child, Command, Stdio},
};

/// Namespaces and temporary files of one lab; a guard outside this process removes them, however it ends.
pub(crate) struct Spaces {
    guard: Child,
    names: Vec<String>,
    /// For everything that is written; gone at the end.
    pub(crate) folder: std::path::PathBuf,
}

impl Spaces {
    /// So many namespaces with addresses [`address`]; answers their interfaces as well.
    ///
    /// # Errors
    /// In a sentence.
    pub(crate) fn make(count: usize) -> Result<(Self, Vec<File>), String> {
        remove_leftovers();
        let prefix = format!("{PREFIX}{}-", std::process::id());
        let folder = tempfile::Builder::new().prefix(&prefix).tempdir().map_err(|error| format!("No temporary folder: {error}."))?.keep();
        let guard = guard(&prefix, &folder).map_err(|error| format!("The shell cannot be run: {error}."))?;
        let mut spaces = Self { guard, names: Vec::new(), folder };
        let mut interfaces = Vec::new();
        for index in 0..count {
            let name = format!("{prefix}{index}");
            let link = format!("hl{}-{index}", std::process::id());
            ip(&["netns", "add", &name])?;
            spaces.names.push(name.clone());
            interfaces.push(interface(&link).map_err(|error| format!("No interface from /dev/net/tun: {error}."))?);
            ip(&["link", "set", &link, "netns", &name])?;
            ip(&["-n", &name, "link", "set", "lo", "up"])?;
            ip(&["-n", &name, "address", "add", &format!("{}/24", address(index)), "dev", &link])?;
            ip(&["-n", &name, "link", "set", &link, "mtu", &MTU.to_string(), "up"])?;
        }
        spaces.check_clocks()?;
        Ok((spaces, interfaces))
    }

    /// A command that runs in a namespace, with a monotonic clock that is [`offset_ns`] ahead of ours, and ends with us.
    pub(crate) fn command(&self, index: usize, program: impl AsRef<OsStr>) -> Command {
        let mut command = bound(&["ip", "netns", "exec", &self.names[index], "unshare", "--time", "--monotonic"]);
        command.arg((offset_ns(index) / 1_000_000_000).to_string()).args(["--fork", "--kill-child", "--"]).arg(program);
        command
    }

    /// Whether clocks are moved indeed.
    fn check_clocks(&self) -> Result<(), String> {
        for index in 0..self.names.len() {
            let output = self.command(index, "cat").arg("/proc/self/timens_offsets").output();
            let said = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).map_err(|error| error.to_string())?;
            let mut words = said.lines().find_map(|line| line.strip_prefix("monotonic")).unwrap_or_default().split_whitespace();
            if words.next().and_then(|word| word.parse::<i64>().ok()) != Some(offset_ns(index) / 1_000_000_000) {
                return Err(format!("This kernel or unshare has no time namespaces: asked for {} ns, got {said:?}.", offset_ns(index)));
            }
        }
        Ok(())
    }
}

impl Drop for Spaces {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        if let Err(error) = self.guard.wait() {
            eprintln!("namespaces may be left: {error}");
        }
    }
}

/// Whether there is a chance.
///
/// # Errors
/// In a sentence.
pub(crate) fn check() -> Result<(), String> {
    if !cfg!(target_os = "linux") {
        return Err("This needs Linux: its rooms are network and time namespaces.".to_owned());
    }
    if !rustix::process::geteuid().is_root() {
        return Err("This needs root, for network namespaces and an interface in each: run it with sudo.".to_owned());
    }
    Ok(())
}

/// A command that is killed when the thread that starts it ends.
pub(crate) fn bound(words: &[&str]) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).args(words);
    command
}

/// The address of a participant.
pub(crate) fn address(index: usize) -> String {
    format!("10.77.0.{}", index + 1)
}

/// Whose address that is.
pub(crate) fn participant(address: [u8; 4]) -> Option<usize> {
    let [10, 77, 0, last] = address else { return None };
    usize::from(last).checked_sub(1)
}

/// How far a participant's clock is ahead of ours: hours, and for everybody another time.
pub(crate) fn offset_ns(index: usize) -> i64 {
    (10_007 + 7_919 * index as i64) * 1_000_000_000
}

/// Waits for this process's end, in a process group of its own so that no key reaches it; then cleans up.
fn guard(prefix: &str, folder: &Path) -> io::Result<Child> {
    let script = r#"cat >/dev/null
        for name in $(ip netns list | cut -d ' ' -f 1); do case "$name" in "$1"*) ip netns delete "$name" ;; esac; done
        rm -rf -- "$2""#;
    Command::new("sh").args(["-c", script, "sh", prefix]).arg(folder).stdin(Stdio::piped()).process_group(0).spawn()
}

/// Namespaces of runs whose guard was killed too.
fn remove_leftovers() {
    let Ok(output) = Command::new("ip").args(["netns", "list"]).output() else { return };
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let name = line.split_whitespace().next().unwrap_or_default();
        let owner = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').next());
        if owner.is_some_and(|pid| pid.parse::<u32>().is_ok() && !Path::new("/proc").join(pid).exists())
            && let Err(error) = ip(&["netns", "delete", name])
        {
            eprintln!("{error}");
        }
    }
}

fn ip(words: &[&str]) -> Result<(), String> {
    let output = Command::new("ip").args(words).output().map_err(|error| format!("ip cannot be run ({error}): scripts/rivals."))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("ip {}: {}", words.join(" "), String::from_utf8_lossy(&output.stderr).trim()))
}

/// A new interface without link layer: what is read from the file is what the kernel sends.
fn interface(name: &str) -> io::Result<File> {
    let file =
        File::options().read(true).write(true).custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed()).open("/dev/net/tun")?;
    let mut request = Request { name: [0; 16], flags: IFF_TUN | IFF_NO_PI, rest: [0; 22] };
    request.name[..name.len()].copy_from_slice(name.as_bytes());
    // SAFETY: TUNSETIFF reads (and writes back) a `struct ifreq`, 40 bytes, of which `Request` has the size and layout; the name is shorter than 16 bytes
    // (the slice above would panic otherwise). It keeps no pointer.
    #[expect(unsafe_code, reason = "the one way to make an interface")]
    unsafe {
        rustix::ioctl::ioctl(&file, rustix::ioctl::Updater::<TUNSETIFF, Request>::new(&mut request))?;
    }
    Ok(file)
}

/// `struct ifreq` as far as it is needed.
#[repr(C)]
struct Request {
    name: [u8; 16],
    flags: u16,
    rest: [u8; 22],
}

/// Of the names of our namespaces; a process id follows.
const PREFIX: &str = "houselights-";
pub(crate) const MTU: usize = 1500;
const TUNSETIFF: rustix::ioctl::Opcode = 0x4004_54ca;
const IFF_TUN: u16 = 0x0001;
const IFF_NO_PI: u16 = 0x1000;
