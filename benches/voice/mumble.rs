//! Mumble as Debian has it: a server, and two clients without a screen.
//!
//! Everything is as a new user finds it, with what the first start asks already answered: which devices, a certificate of one's own, and that the server's is
//! known. One thing of that is a number: the voice detection's threshold, which the audio wizard measures. Without it nothing is ever loud enough, so the
//! detection that needs no level is chosen there.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use houselights::trace::mono_ns;

use super::lab::{
    Lab, address,
    ear::{end, microphone},
    speaker,
    tool::run,
};

/// Its processes; they end with it.
pub(crate) struct Mumble {
    processes: Vec<Child>,
}

impl Mumble {
    /// What is not as it comes.
    pub(crate) const NOTE: &str = "its wizard offers (signal to noise)";

    /// A server in the one place and a client in each of the two; all are connected and have their devices.
    ///
    /// # Errors
    /// In a sentence.
    pub(crate) fn start(lab: &Lab, people: [usize; 2], server: usize) -> Result<Self, String> {
        let folder = lab.folder().join("mumble");
        make_folder(&folder)?;
        let mut mumble = Self { processes: Vec::new() };
        let log = mumble.start_server(lab, server, &folder)?;
        let digest = run(Command::new("openssl").args(["x509", "-noout", "-fingerprint", "-sha1", "-in"]).arg(folder.join(CERTIFICATE)))?;
        let digest = String::from_utf8_lossy(&digest).rsplit('=').next().unwrap_or_default().trim().replace(':', "").to_lowercase();
        for person in people {
            let home = folder.join(format!("home{person}"));
            settle(&home, person, &address(server), &digest)?;
            mumble.start_client(lab, (person, server), &home, &log)?;
        }
        Ok(mumble)
    }

    /// Answers where it writes its log.
    fn start_server(&mut self, lab: &Lab, place: usize, folder: &Path) -> Result<PathBuf, String> {
        make_certificate(folder, "server")?;
        let (ini, log) = (folder.join("server.ini"), folder.join("server.log"));
        let said = folder.display();
        // It would change to a user who may not read here; and it bans who comes too often, as a client that is started again does.
        let settings = format!(
            "database={said}/server.sqlite\nlogfile=\nice=\ndbus=\nbonjour=False\nuname=root\nautobanAttempts=0\n\
             sslCert={said}/{CERTIFICATE}\nsslKey={said}/{KEY}\n"
        );
        write(&ini, settings)?;
        let mut command = lab.command(place, "murmurd");
        command.args(["-fg", "-ini"]).arg(&ini).env("HOME", folder);
        self.processes.push(spawn(command, &log)?);
        wait_for("server", || fs::read_to_string(&log).is_ok_and(|said| said.contains("Server listening"))).map(|()| log)
    }

    /// Its output sometimes does not start when input and output are found in an unlucky order: then it is started again, as its user would.
    fn start_client(&mut self, lab: &Lab, (place, server): (usize, usize), home: &Path, server_log: &Path) -> Result<(), String> {
        for attempt in 0..ATTEMPTS {
            let log = home.join(format!("log{attempt}"));
            let mut command = lab.command(place, "mumble");
            lab.ear()?.give_to(&mut command);
            command.arg("-m").arg(format!("mumble://P{place}@{}:{PORT}", address(server)));
            command.env("HOME", home).env("XDG_RUNTIME_DIR", home.join("run")).env("QT_QPA_PLATFORM", "offscreen");
            for name in ["XDG_CONFIG_HOME", "XDG_DATA_HOME", "DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "WAYLAND_DISPLAY"] {
                command.env_remove(name);
            }
            let came = |log: &str| log.matches(&format!(":P{place}(-1)> Authenticated")).count();
            let before = came(&fs::read_to_string(server_log).unwrap_or_default());
            let mut client = spawn(command, &log)?;
            let is_there = wait_for("client", || came(&fs::read_to_string(server_log).unwrap_or_default()) > before);
            let has_output = wait_for("client's output", || {
                let said = fs::read_to_string(&log).unwrap_or_default();
                said.contains("Starting output") && said.contains("Starting input")
            });
            if is_there.is_ok() && has_output.is_ok() {
                self.processes.push(client);
                return Ok(());
            }
            end(&mut client);
        }
        let said = fs::read_to_string(home.join("log0")).unwrap_or_default();
        Err(format!("Mumble does not come to its server with its devices: {}", said.lines().last().unwrap_or("it says nothing")))
    }
}

impl Drop for Mumble {
    fn drop(&mut self) {
        // The server last.
        self.processes.iter_mut().rev().for_each(end);
    }
}

/// A home in which the first start was long ago.
fn settle(home: &Path, person: usize, server: &str, digest: &str) -> Result<(), String> {
    let (config, data, documents) = (home.join(".config/Mumble"), home.join(".local/share/Mumble/Mumble"), home.join("Documents"));
    for folder in [&config, &data, &documents, &home.join("run")] {
        make_folder(folder)?;
    }
    let settings = format!(
        "[General]\nlastupdate=2\n\n[audio]\ninput=PulseAudio\noutput=PulseAudio\nvadsource=1\n\n[pulseaudio]\ninput={}\noutput={}\n\n\
         [ui]\nupdatecheck=false\nplugincheck=false\nusage=false\ndisablepubliclist=true\n",
        microphone(person),
        speaker(person)
    );
    write(&config.join("Mumble.conf"), settings)?;
    // What it takes over when it has no certificate yet, instead of asking.
    make_certificate(home, &format!("P{person}"))?;
    let mut command = Command::new("openssl");
    command.args(["pkcs12", "-export", "-passout", "pass:", "-inkey"]).arg(home.join(KEY)).arg("-in").arg(home.join(CERTIFICATE));
    run(command.arg("-out").arg(documents.join("MumbleAutomaticCertificateBackup.p12")))?;
    // The table is its own; a server of an unknown certificate would be asked about.
    let known = format!(
        "CREATE TABLE IF NOT EXISTS cert (id INTEGER PRIMARY KEY AUTOINCREMENT, hostname TEXT, port INTEGER, digest TEXT); \
         INSERT INTO cert (hostname, port, digest) VALUES ('{server}', {PORT}, '{digest}');"
    );
    run(Command::new("sqlite3").arg(data.join("mumble.sqlite")).arg(known)).map(drop)
}

fn make_certificate(folder: &Path, name: &str) -> Result<(), String> {
    let mut command = Command::new("openssl");
    command.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", &format!("/CN={name}"), "-keyout"]);
    run(command.arg(folder.join(KEY)).arg("-out").arg(folder.join(CERTIFICATE))).map(drop)
}

fn make_folder(folder: &Path) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))
}

fn write(file: &Path, text: String) -> Result<(), String> {
    fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()))
}

fn spawn(mut command: Command, log: &Path) -> Result<Child, String> {
    let about = |error: std::io::Error| format!("Mumble cannot be run ({error}): scripts/rivals.");
    let file = fs::File::create(log).map_err(about)?;
    let errors = file.try_clone().map_err(about)?;
    command.stdin(Stdio::null()).stdout(file).stderr(errors).spawn().map_err(about)
}

fn wait_for(what: &str, is_so: impl Fn() -> bool) -> Result<(), String> {
    let until_ns = mono_ns() + 10_000_000_000;
    while !is_so() {
        if mono_ns() > until_ns {
            return Err(format!("Mumble's {what} is not there after ten seconds: scripts/rivals."));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

const CERTIFICATE: &str = "certificate.pem";
const KEY: &str = "key.pem";
const PORT: u16 = 64_738;
const ATTEMPTS: usize = 5;
