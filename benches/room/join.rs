//! `room.join`: from starting to join until one sits there and sees the first picture, beside `mpv` with the same film from a web server on the same link.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Stdio},
    sync::mpsc::sync_channel,
    thread::Builder,
    time::Duration,
};

use houselights::trace::{Event, mono_ns};
use serde_json::Value;

use super::{
    lab::{Lab, Person, address, arguments::Arguments, ear::end, film::Recipe, wire::Way},
    table::{Row, quantile},
};

pub(crate) fn run(arguments: &Arguments) -> Result<Vec<Row>, String> {
    let rounds = arguments.long_or(7, 2);
    let lab = Lab::open(&[Way::delay(40.0).rate(20.0).into(); 2], false)?;
    let video = ["libx264", "-preset", "veryfast", "-b:v", "4M", "-maxrate", "4M", "-bufsize", "4M", "-g", "48"];
    let film = Recipe { seconds: 90, size: (1280, 720), video: &video, ..Recipe::default() }.make(lab.folder())?;
    let (mut ours, mut rivals, mut seated) = (Vec::new(), Vec::new(), Vec::new());
    let _server = WebServer::start(&lab, &film)?;
    for _ in 0..rounds {
        let (join_ms, seated_ms) = join_ms(&lab, &film)?;
        ours.push(join_ms);
        seated.push(seated_ms);
        rivals.push(mpv_ms(&lab)?);
    }
    let (our, rival) = (quantile(&mut ours, 0.5), quantile(&mut rivals, 0.5));
    let note = format!(
        "ms, median of {rounds}; ours {:.0} to {:.0}, of which seated after {:.0}; mpv {:.0} to {:.0}",
        ours[0],
        ours[rounds - 1],
        quantile(&mut seated, 0.5),
        rivals[0],
        rivals[rounds - 1]
    );
    Ok(vec![Row::at_most("room.join", our / rival, 1.5, "×").against(our, rival).noting(note)])
}

/// Until seated and the first picture, and until seated alone.
fn join_ms(lab: &Lab, film: &Path) -> Result<(f64, f64), String> {
    let mut host = Person::start(lab, 0, "null", &[&"host", &film, &"--relay", &"none"])?;
    let invite = host.invite()?;
    host.wait_for("film", Duration::from_secs(20), |state| state["film"].is_string())?;
    host.ask("play")?;
    host.wait_for("moving film", Duration::from_secs(20), |state| state["playing"] == true)?;
    let mut guest = Person::start(lab, 1, "null", &[&"join", &invite, &"--relay", &"none"])?;
    guest.wait_for("seat", Duration::from_secs(30), |state| is_seated(&state["seat"]))?;
    let seated_ns = mono_ns();
    // It is the trace that says when; this only waits for it.
    guest.wait_for("film", Duration::from_secs(30), |state| state["film"].is_string())?;
    std::thread::sleep(Duration::from_secs(4));
    let started_ns = guest.started_ns;
    let events = guest.leave()?;
    drop(host.leave());
    let shown_ns = events.iter().find_map(|event| if let Event::Shown { mono_ns, .. } = event { Some(*mono_ns) } else { None });
    let shown_ns = shown_ns.ok_or("The guest saw no picture within four seconds of being seated.")?;
    let since = |at_ns: i64| (at_ns - started_ns) as f64 / 1e6;
    Ok((since(shown_ns.max(seated_ns)), since(seated_ns)))
}

fn is_seated(seat: &Value) -> bool {
    !matches!(seat, Value::Null | Value::Bool(false))
}

/// Until mpv says that it shows the first frame.
fn mpv_ms(lab: &Lab) -> Result<f64, String> {
    let address = format!("http://{}:{PORT}/film.mkv", address(0));
    let mut command = lab.command(1, "mpv");
    command.args(["--no-config", "--vo=null", "--ao=null", "--no-terminal", "--input-terminal=no", "--log-file=/dev/stdout"]).arg(address);
    let begin_ns = mono_ns();
    let mut player =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().map_err(|error| error.to_string())?;
    let (sender, first) = sync_channel(1);
    let output = player.stdout.take();
    let body = move || {
        let lines = output.map(|output| BufReader::new(output).lines()).into_iter().flatten();
        for line in lines.map_while(Result::ok) {
            // The queue is full when it has said so before.
            if line.contains("first video frame after restart shown") && sender.try_send(mono_ns()).is_err() {
                break;
            }
        }
    };
    let thread = Builder::new().name("mpv's words".into()).spawn(body).map_err(|error| error.to_string())?;
    let shown = first.recv_timeout(Duration::from_secs(30));
    end(&mut player);
    drop(thread.join());
    let shown_ns = shown.map_err(|_gone| "mpv showed nothing within 30 s; scripts/rivals installs it.".to_owned())?;
    Ok((shown_ns - begin_ns) as f64 / 1e6)
}

/// nginx in the host's place.
struct WebServer(Child);

impl WebServer {
    fn start(lab: &Lab, film: &Path) -> Result<Self, String> {
        let folder = lab.folder().join("web");
        let about = |error: std::io::Error| format!("The web server: {error}. scripts/rivals installs it.");
        std::fs::create_dir(&folder).map_err(about)?;
        let root = film.parent().unwrap_or(film).display().to_string();
        let config = format!(
            "user root; master_process off; pid {0}/pid; error_log {0}/error.log; daemon off; events {{}}\n\
             http {{ access_log off; sendfile on; client_body_temp_path {0}/b; proxy_temp_path {0}/p; fastcgi_temp_path {0}/f; \
             uwsgi_temp_path {0}/u; scgi_temp_path {0}/s; server {{ listen {1}:{PORT}; root {root}; }} }}\n",
            folder.display(),
            address(0)
        );
        let file = folder.join("nginx.conf");
        std::fs::write(&file, config).map_err(about)?;
        let log = std::fs::File::create(folder.join("stderr")).map_err(about)?;
        let mut command = lab.command(0, "nginx");
        let mut server = Self(command.arg("-c").arg(&file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().map_err(about)?);
        for _ in 0..50 {
            std::thread::sleep(Duration::from_millis(100));
            if folder.join("pid").exists() {
                return Ok(server);
            }
            if !matches!(server.0.try_wait(), Ok(None)) {
                break;
            }
        }
        let said = std::fs::read_to_string(folder.join("stderr")).unwrap_or_default();
        Err(format!("The web server does not start; scripts/rivals installs it. {said}"))
    }
}

impl Drop for WebServer {
    fn drop(&mut self) {
        end(&mut self.0);
    }
}

const PORT: u16 = 8080;
