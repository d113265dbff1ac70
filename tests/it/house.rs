//! Holds `src/**` to the design's plan of the house: who may import whom, who owns which foreign crate, and a few habits.
//!
//! The plan stands as data below. Comments and strings do not count; tests inside `src` do.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
};

use crate::source::{Named, Token, lex, paths, position};

/// A row: a folder (or a file) directly under `src`, which of the others it may import, and whether it may say Bevy.
type Row = (&'static str, &'static [&'static str], Floor);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Floor {
    /// Builds and is tested without Bevy.
    Ground,
    Upper,
}
use Floor::{Ground, Upper};

const HOUSE: &[Row] = &[
    ("handover", &[], Ground),
    ("clock", &[], Ground),
    ("settings", &[], Ground),
    ("trace", &[], Ground),
    ("media", &["clock", "handover", "settings"], Ground),
    ("net", &["handover", "settings"], Ground),
    ("swarm", &["net", "handover", "settings"], Ground),
    ("notice", &[], Upper),
    ("audio", &["handover", "settings", "trace", "notice"], Upper),
    ("room", &["clock", "handover", "net", "settings", "notice"], Upper),
    ("theater", &["handover", "room", "audio", "settings", "notice"], Upper),
    ("film", &["clock", "handover", "media", "net", "swarm", "audio", "room", "theater", "settings", "trace", "notice"], Upper),
    ("voice", &["handover", "net", "audio", "room", "settings", "notice"], Upper),
    ("webcam", &["handover", "media", "net", "room", "theater", "settings", "notice"], Upper),
    ("ui", &["clock", "settings", "notice", "audio", "room", "theater", "film", "voice", "webcam"], Upper),
    ("app", EVERYBODY, Upper),
    ("lib", &[], Ground), // only lists the folders
    ("main", &["app"], Upper),
];

const EVERYBODY: &[&str] = &[
    "handover", "clock", "settings", "trace", "media", "net", "swarm", "notice", "audio", "room", "theater", "film", "voice", "webcam",
    "ui",
];

/// Foreign crates that have an owner: nobody else may name them. A name that ends with `*` is a prefix; an owner with `.rs` is one file.
const OWNERS: &[(&str, &[&str])] = &[
    ("rtrb", &["handover"]),
    ("toml", &["settings"]),
    ("serde_json", &["trace", "app"]),
    ("ffmpeg_*", &["media"]),
    ("libass*", &["media"]),
    ("chardetng", &["media"]),
    ("encoding_rs", &["media"]),
    ("iroh*", &["net"]),
    ("noq*", &["net"]),
    ("tokio*", &["net"]),
    ("bincode", &["net"]),
    ("blake3", &["net", "swarm"]), // net: proofs of a secret, checksums of invites
    ("data_encoding", &["net"]),
    ("kira", &["audio"]),
    ("cpal", &["audio", "voice"]),
    ("pulseaudio", &["audio"]),
    ("bevy_replicon", &["room"]),
    ("bevy_replicon_renet", &["room/transport.rs"]),
    ("bevy_renet", &["room/transport.rs"]),
    ("renet*", &["room/transport.rs"]),
    ("opus*", &["voice"]),
    ("sonora*", &["voice"]),
    ("rubato", &["voice"]),
    ("nokhwa*", &["webcam"]),
    ("bevy_egui", &["ui"]),
    ("egui*", &["ui"]),
    ("rfd", &["ui"]),
    ("clap*", &["app"]),
    ("tracing_subscriber", &["app"]),
    ("signal_hook", &["app"]),
];

/// C libraries bound by hand with `#[link(name = "…")]`.
const LINK_OWNERS: &[(&str, &str)] = &[("ass", "media")];

/// Dependencies that belong to nobody. (The Unix ones stand in one file a folder, see [`unix_words`].)
const COMMON: &[&str] = &["bevy", "bytes", "libc", "rand", "rustix", "serde", "thiserror", "tracing"];

/// What a visitor sees at the top of the repository.
const TOP_LEVEL: &[&str] =
    &["Cargo.toml", "Cargo.lock", "README.md", "LICENSE-MIT", "LICENSE-APACHE", "src", "assets", "shaders", "tests", "benches", "scripts"];

/// The best-readable code bases of this field have hardly a file over 450 lines; tests may be longer.
const LINES_MAX: usize = 600;

#[test]
fn every_file_keeps_to_the_plan() {
    let files = sources();
    assert!(files.iter().any(|(path, _)| path == "lib.rs"), "src/lib.rs was not read; found {} files", files.len());
    let found: Vec<String> = files.iter().flat_map(|(path, text)| offences(path, text)).chain(unix_words(&files)).collect();
    assert!(found.is_empty(), "the house is not as planned:\n  {}\n", found.join("\n  "));
}

#[test]
fn every_dependency_has_an_owner_or_belongs_to_nobody() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let names = dependencies(&manifest);
    assert!(names.iter().any(|name| name == "serde"), "no dependencies were read from Cargo.toml: {names:?}");
    let homeless: Vec<_> = names.iter().filter(|name| !COMMON.contains(&name.as_str()) && owners(name).is_none()).collect();
    assert!(homeless.is_empty(), "these dependencies are missing from the table in tests/it/house.rs: {homeless:?}");
}

#[test]
fn the_top_level_holds_only_what_the_plan_names() {
    let surplus: Vec<_> = top_level().into_iter().filter(|name| !name.starts_with('.') && !TOP_LEVEL.contains(&name.as_str())).collect();
    assert!(surplus.is_empty(), "not planned at the top level: {surplus:?}");
}

/// Each example breaks one rule; the checker must say so with the given words.
#[test]
fn a_broken_rule_is_noticed() {
    let check = |path: &str, source: &str, expected: &str| {
        let found = offences(path, source);
        assert!(
            found.len() == 1 && found[0].contains(expected),
            "{path}: {source}\nexpected one offence with {expected:?}, got {found:#?}"
        );
    };
    // arrows
    check("media/a.rs", "use crate::film::Phase;", "media may not import film");
    check("media/a.rs", "fn f() -> crate::audio::Feed { todo() }", "media may not import audio");
    check("media/a.rs", "use crate::{clock::X, film::{self, Y}, handover::Slot};", "media may not import film");
    check("media/a.rs", "use {crate::trace::Trace, std::fs};", "media may not import trace");
    check("voice/a.rs", "use crate::webcam;", "voice may not import webcam");
    check("ui/a/b.rs", "type T = ::std::vec::Vec<crate::net::Id>;", "ui may not import net");
    check("clock/a.rs", "pub(in crate::clock) use crate::r#net as n;", "clock may not import net");
    check("main.rs", "fn main() { houselights::film::run() }", "main may not import film");
    check("film/a.rs", "use houselights::app::run;", "film may not import app");
    check("swarm/tests.rs", "use crate::media::Film;", "swarm may not import media");
    check("cellar/mod.rs", "//! Invariant: none.", "src/cellar is not in the plan");
    check("clock/a.rs", "use crate::cellar::Wine;", "clock may not import cellar");
    // ways around them
    check("film/a.rs", "use super::super::ui::Bar;", "reaches the top by `super`");
    check("film/mod.rs", "//! Invariant: .\nuse super::ui::Bar;", "reaches the top by `super`");
    check("film/a/mod.rs", "//! .\nuse super::{x, super::ui};", "reaches the top by `super`");
    check("trace.rs", "//! .\nmod tests { use super::*; mod deep { use super::super::super::net; } }", "reaches the top by `super`");
    check("film/a.rs", "use crate::*;", "imports the whole house");
    check("film/a.rs", "use crate as house;", "imports the whole house");
    check("film/a.rs", "use crate::{self as house};", "imports the whole house");
    check("film/a.rs", "extern crate kira;", "extern crate");
    check("film/a.rs", "#[path = \"../ui/bar.rs\"] mod bar;", "by its file name");
    check("film/a.rs", "include!(\"../ui/bar.rs\");", "by its file name");
    // foreign crates
    check("film/a.rs", "use kira::Frame;", "kira belongs to audio");
    check("film/a.rs", "use {std::fs, kira};", "kira belongs to audio");
    check("film/a.rs", "fn f(x: &::kira::Frame) {}", "kira belongs to audio");
    check("film/a.rs", "fn f() -> ::kira::Frame { g() }", "kira belongs to audio");
    check("film/a.rs", "fn f() { let _ = ffmpeg_next::init(); }", "ffmpeg_next belongs to media");
    check("app/a.rs", "#[tokio::main] async fn f() {}", "tokio belongs to net");
    check("room/people.rs", "use bevy_renet::RenetClient;", "bevy_renet belongs to room/transport.rs");
    check("theater/a.rs", "use bevy_egui::egui;", "bevy_egui belongs to ui");
    check("room/a.rs", "use serde_json::json;", "serde_json belongs to trace, app");
    check("film/a.rs", "#![expect(unsafe_code)]\n#[link(name = \"ass\")] unsafe extern {}", "the C library ass belongs to media");
    check("net/a.rs", "use bevy::prelude::*;", "the ground floor does not say bevy");
    check("swarm/a.rs", "fn f(app: &mut bevy_app::App) {}", "the ground floor does not say bevy_app");
    // habits
    check("film/mod.rs", "use std::fs;", "must begin with a `//!` doc");
    check("film/mod.rs", "//! Shows films.\n// Invariant: not in the doc\nmod a;", "needs an \"Invariant:\" line");
    check("settings.rs", "fn f() {}", "must begin with a `//!` doc");
    check("media/a.rs", "// #[expect(unsafe_code)]\nfn f() { unsafe { g() } }", "unsafe without");
    check("film/a.rs", &"fn f() {}\n".repeat(LINES_MAX + 1), "cut it by concern");
    let two_files =
        [("net/a.rs".to_owned(), "use std::os::unix::fs as u;".to_owned()), ("net/b.rs".to_owned(), "fn f() { rustix::x() }".to_owned())];
    assert!(unix_words(&two_files)[0].contains("net/a.rs, net/b.rs"), "{:?}", unix_words(&two_files));
    assert_eq!(unix_words(&two_files[1..]), [] as [&str; 0]);
    let other =
        [("media/a.rs".to_owned(), "use std::{fs, os::fd::AsFd};".to_owned()), ("media/b.rs".to_owned(), "use libc as c;".to_owned())];
    assert_eq!(unix_words(&other).len(), 1);
}

#[test]
fn what_keeps_to_the_rules_is_let_be() {
    let check = |path: &str, source: &str| assert_eq!(offences(path, source), [] as [&str; 0], "{path}: {source}");
    check(
        "film/a.rs",
        "use crate::{clock, film::x::{self, y}, media::{A, b::*}, room as r};\nuse super::{Phase, b::C};\npub(crate) fn f() {}",
    );
    check("film/a.rs", "// use crate::ui; kira::x\n/* use crate::ui; /* nested */ kira::x */\n/// crate::ui\nfn f() {}");
    check(
        "film/a.rs",
        r####"const A: &str = "use crate::ui; \" kira::x"; const B: &str = r#"" crate::ui"#; const C: &[u8] = b"kira::x";"####,
    );
    check("film/a.rs", "fn f<'a>(x: &'a str) -> char { let q = '\"'; let e = '\\''; let kira = 1; self.kira::<u8>(); x::kira::y(); q }");
    check("film/a/b.rs", "use super::super::Phase; mod tests { use super::super::super::Phase; }");
    check("trace.rs", "//! Lines.\nuse serde_json as json;\nmod tests { use super::*; }");
    check("media/ass.rs", "#![expect(unsafe_code, reason = \"FFI\")]\n#[link(name = \"ass\")]\nunsafe extern \"C\" {}");
    check("room/transport.rs", "use bevy::prelude::*; use renet::RenetClient;");
    check("net/mod.rs", "//! The door.\n//!\n//! Invariant: it knows no bevy.\nmod iroh_line;");
    check("main.rs", "fn main() -> std::process::ExitCode { houselights::app::run() }");
    check("film/tests.rs", &"fn f() {}\n".repeat(LINES_MAX + 1));
    check("app/mod.rs", "//! Invariant: none.\nuse crate::{ui, net, film}; macro_rules! m { () => { $crate::app::x() } }");
}

/// All that is wrong with one file; `path` is relative to `src`.
fn offences(path: &str, source: &str) -> Vec<String> {
    let file = Path::new(path);
    let inside: Vec<&str> = path.trim_end_matches(".rs").split('/').collect();
    let home = inside[0];
    let is_mod = file.ends_with("mod.rs");
    let is_tests = file.ends_with("tests.rs");
    let Some(&(_, may, floor)) = HOUSE.iter().find(|row| row.0 == home) else {
        return vec![format!("src/{home} is not in the plan; it needs a row in tests/it/house.rs")];
    };

    let tokens = lex(source);
    let mut found = Vec::new();
    let mut offence = |line: usize, what: String| found.push(format!("src/{path}:{line}: {what}"));

    // How far below the crate's root this file's own module is.
    let depth = if matches!(home, "lib" | "main") { 0 } else { inside.len() - usize::from(is_mod) };
    for Named { segments, line, nesting, .. } in paths(&tokens) {
        let head = segments[0].as_str();
        if head == "extern crate" {
            offence(line, format!("extern crate {}: a `use` will do", segments[1]));
        } else if head == "crate" || head == "houselights" {
            match segments.get(1).map(String::as_str) {
                None | Some("*" | "self") => offence(line, "imports the whole house; name the folder".into()),
                Some(other) if other != home && !may.contains(&other) => offence(line, format!("{home} may not import {other}")),
                Some(_) => {}
            }
        } else if head == "super" && segments.iter().take_while(|segment| *segment == "super").count() >= (depth + nesting).max(1) {
            offence(line, "reaches the top by `super`; write `crate::`".into());
        } else if let Some(owners) = owners(head)
            && !owners.iter().any(|owner| *owner == home || *owner == path)
        {
            offence(line, format!("{head} belongs to {}", owners.join(", ")));
        }
    }
    for (token, line) in &tokens {
        if let Token::Word(word) = token
            && floor == Ground
            && (word == "bevy" || word.starts_with("bevy_"))
        {
            offence(*line, format!("the ground floor does not say {word}"));
        }
    }
    for (library, owner) in LINK_OWNERS {
        if home != *owner
            && let Some(line) = position(&tokens, &["#", "[", "link", "(", "name", "=", &format!("\"{library}\"")])
        {
            offence(line, format!("the C library {library} belongs to {owner}"));
        }
    }
    // Tests may share the films that are made for them.
    for escape in [&["#", "[", "path"][..], &["include", "!"]].into_iter().filter(|_| !is_tests) {
        if let Some(line) = position(&tokens, escape) {
            offence(line, "brings in code by its file name, which the plan cannot see".into());
        }
    }
    if let Some(line) = position(&tokens, &["unsafe"])
        && position(&tokens, &["expect", "(", "unsafe_code"]).is_none()
    {
        offence(line, "unsafe without `#[expect(unsafe_code, reason = …)]` in the same file".into());
    }

    let doc: Vec<&str> = source.lines().take_while(|line| line.starts_with("//!")).collect();
    if (is_mod || inside.len() == 1 && home != "main") && doc.is_empty() {
        offence(1, "must begin with a `//!` doc".into());
    } else if is_mod && inside.len() == 2 && !doc.iter().any(|line| line.contains("Invariant")) {
        offence(1, "its doc needs an \"Invariant:\" line: what is deliberately absent here".into());
    }
    let lines = source.lines().count();
    if lines > LINES_MAX && !is_tests {
        offence(lines, format!("{lines} lines, more than {LINES_MAX}: cut it by concern"));
    }
    found.dedup();
    found
}

/// Unix-only calls stand in one file of the folder that needs them.
fn unix_words(files: &[(String, String)]) -> Vec<String> {
    let mut says: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (path, text) in files {
        let unix = |named: &Named| match named.segments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["rustix" | "libc", ..] => true,
            ["std", "os", system, ..] => matches!(system, "unix" | "fd" | "linux"),
            _ => false,
        };
        if paths(&lex(text)).iter().any(unix) {
            says.entry(path.split('/').next().unwrap_or(path)).or_default().insert(path);
        }
    }
    says.retain(|_, files| files.len() > 1);
    let tell = |(folder, files): (&str, BTreeSet<&str>)| {
        format!("src/{folder}: Unix-only words in {} files, one should have them all: {}", files.len(), Vec::from_iter(files).join(", "))
    };
    says.into_iter().map(tell).collect()
}

fn owners(krate: &str) -> Option<&'static [&'static str]> {
    let exact = OWNERS.iter().find(|(name, _)| *name == krate);
    let prefix = || OWNERS.iter().find(|(name, _)| name.strip_suffix('*').is_some_and(|start| krate.starts_with(start)));
    exact.or_else(prefix).map(|(_, owners)| *owners)
}

/// The names in the manifest's `[dependencies]` (all targets), as Rust spells them.
fn dependencies(manifest: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut inside = false;
    for line in manifest.lines() {
        if let Some(section) = line.strip_prefix('[') {
            inside = section.trim_end_matches(']').split('.').next_back() == Some("dependencies");
        } else if inside && line.starts_with(|c: char| c.is_ascii_lowercase()) {
            names.extend(line.split([' ', '=', '.']).next().map(|name| name.replace('-', "_")));
        }
    }
    names
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every `.rs` under `src`: its path with `/` and relative to `src`, and its text.
fn sources() -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut folders = vec![root().join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let inside: Vec<_> = path.strip_prefix(root().join("src")).unwrap().iter().map(|part| part.to_str().unwrap()).collect();
                files.push((inside.join("/"), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

/// What git keeps at the top level; without git (an unpacked archive), what lies there.
fn top_level() -> BTreeSet<String> {
    if let Ok(listing) = Command::new("git").arg("-C").arg(root()).args(["ls-files", "-z"]).output()
        && listing.status.success()
        && !listing.stdout.is_empty()
    {
        let listing = String::from_utf8_lossy(&listing.stdout).into_owned();
        return listing.split_terminator('\0').filter_map(|path| path.split('/').next()).map(str::to_owned).collect();
    }
    let names = fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    names.filter(|name| name != "target").collect()
}
