//! `scripts/install` puts the program, its icon, its entry among the applications and the links where a desktop looks for them, and takes them away again.
//!
//! The script runs as it is. What it calls is pretended: a cargo that builds at once, a system that lacks no package, a desktop that writes down what it is told.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

struct Machine {
    folder: tempfile::TempDir,
}

impl Machine {
    fn new() -> Self {
        let machine = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir_all(machine.place("bin")).unwrap();
        // It says how it was called, and leaves a program that can be started.
        machine.pretend(
            "cargo",
            "echo \"$*\" >\"$TOLD/cargo\"\nmkdir -p \"$CARGO_TARGET_DIR/release\"\n\
             printf '#!/bin/sh\\necho \"it runs $*\"\\n' >\"$CARGO_TARGET_DIR/release/houselights\"",
        );
        machine.pretend("rustc", "echo 'rustc 99.0.0 (pretended)'");
        // Every package is there; nothing may be fetched.
        machine.pretend("dpkg-query", "shift 3\nfor name in \"$@\"; do echo \"installed $name\"; done");
        machine.pretend("apt-get", "echo \"$*\" >>\"$TOLD/apt-get\"; exit 1");
        for program in ["xdg-mime", "update-desktop-database", "gtk-update-icon-cache"] {
            machine.pretend(program, &format!("echo \"$*\" >>\"$TOLD/{program}\""));
        }
        machine
    }

    fn place(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn pretend(&self, name: &str, does: &str) {
        // Not written from here: another test may start a program meanwhile, which would hold it open.
        let mut shell = Command::new("sh");
        shell.args(["-c", "printf %s \"$1\" >\"$0\" && chmod 755 \"$0\""]).arg(self.place("bin").join(name));
        assert!(shell.arg(format!("#!/bin/sh\n{does}\n")).status().unwrap().success());
    }

    /// What one of the pretended programs was told, line by line; empty if it was not called.
    fn told(&self, program: &str) -> String {
        fs::read_to_string(self.place(program)).unwrap_or_default()
    }

    fn install(&self, words: &[&str], prefix: Option<&Path>) -> Output {
        let usual = env::var_os("PATH").unwrap();
        let paths = std::iter::once(self.place("bin")).chain(env::split_paths(&usual));
        let mut command = Command::new("bash");
        command.arg(root().join("scripts/install")).args(words).current_dir(self.folder.path());
        command.env("PATH", env::join_paths(paths).unwrap()).env("HOME", self.place("home")).env("TOLD", self.folder.path());
        command.env("CARGO_TARGET_DIR", self.place("target")).env_remove("HOUSELIGHTS_PREFIX");
        if let Some(prefix) = prefix {
            command.env("HOUSELIGHTS_PREFIX", prefix);
        }
        command.output().expect("this test needs bash")
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below a folder, relative to it.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(inside) = folders.pop() {
        for path in fs::read_dir(inside).into_iter().flatten().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

const INSTALLED: [&str; 3] =
    ["bin/houselights", "share/applications/houselights.desktop", "share/icons/hicolor/scalable/apps/houselights.svg"];

/// Program, icon, entry and links lie below `prefix` and nothing else does.
fn check_installed(machine: &Machine, prefix: &Path) {
    assert_eq!(files(prefix), INSTALLED);
    let program = prefix.join("bin/houselights");
    let runs = Command::new(&program).arg("here").output().unwrap();
    assert_eq!(String::from_utf8_lossy(&runs.stdout), "it runs here\n");
    let read = |path: PathBuf| fs::read_to_string(path).unwrap();
    assert_eq!(read(prefix.join(INSTALLED[2])), read(root().join("assets/icon.svg")));
    let entry = read(prefix.join(INSTALLED[1]));
    let says = |name: &str| entry.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('=')).map(str::to_owned);
    // A path with a space in it is one word for a desktop, and the link comes behind it.
    assert_eq!(says("Exec"), Some(format!("\"{}\" %u", program.display())));
    // The icon is named as its file is.
    assert_eq!((says("Type").as_deref(), says("Icon").as_deref()), (Some("Application"), Some("houselights")));
    let opens = says("MimeType").unwrap();
    assert!(opens.split(';').any(|kind| kind == "x-scheme-handler/houselights"), "{opens}");
    assert_eq!(machine.told("xdg-mime"), "default houselights.desktop x-scheme-handler/houselights\n");
    assert!(machine.told("update-desktop-database").contains(&*prefix.join("share/applications").to_string_lossy()));
    assert!(machine.told("gtk-update-icon-cache").contains(&*prefix.join("share/icons/hicolor").to_string_lossy()));
}

#[test]
fn the_program_its_icon_its_entry_and_its_links_are_installed_and_removed() {
    let machine = Machine::new();
    let prefix = machine.place("a place of one's own");
    let output = machine.install(&[], Some(&prefix));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("Houselights is installed") && said.contains("add "), "it says that the folder is not in PATH: {said}");
    assert!(machine.told("cargo").starts_with("build --release --locked"), "{}", machine.told("cargo"));
    assert_eq!(machine.told("apt-get"), "", "nothing is missing");
    check_installed(&machine, &prefix);
    assert_eq!(files(&machine.place("home")), [] as [&str; 0], "all of it lies where it was asked to");
    // Once more is no trouble.
    fs::remove_file(machine.place("xdg-mime")).unwrap();
    assert!(machine.install(&[], Some(&prefix)).status.success());
    check_installed(&machine, &prefix);
    let kept = prefix.join("share/applications/other.desktop");
    fs::write(&kept, "").unwrap();
    assert!(machine.install(&["--remove"], Some(&prefix)).status.success());
    assert_eq!(files(&prefix), ["share/applications/other.desktop"], "what is not Houselights' stays");
}

#[test]
fn without_a_place_it_is_installed_for_this_person() {
    let machine = Machine::new();
    let output = machine.install(&[], None);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    check_installed(&machine, &machine.place("home/.local"));
}

#[test]
fn what_cannot_be_built_or_is_asked_for_wrongly_installs_nothing_and_says_why() {
    let machine = Machine::new();
    let prefix = machine.place("prefix");
    let said = |output: Output| {
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(said(machine.install(&["--everything"], Some(&prefix))).contains("takes nothing, or --remove"));
    machine.pretend("cargo", "echo 'error: no such thing' >&2; exit 101");
    let failed = said(machine.install(&[], Some(&prefix)));
    assert!(failed.contains("no such thing") && failed.contains("could not be built"), "{failed}");
    assert_eq!(files(&prefix), [] as [&str; 0]);
}
