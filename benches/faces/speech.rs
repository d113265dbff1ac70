use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// Somebody who talks without taking breath, for so long at least, as a file for a microphone.
///
/// # Errors
/// In words.
pub(crate) fn speech(folder: &Path, name: &str, voice: &str, seconds: usize) -> Result<PathBuf, String> {
    let file = folder.join(name);
    // Without full stops there are no pauses.
    let text = WORDS.repeat(seconds / LEAST_SECONDS + 1);
    let output = Command::new("espeak-ng").args(["-v", voice, "-w"]).arg(&file).arg(text).output();
    let output = output.map_err(|error| format!("espeak-ng cannot be run ({error}): scripts/rivals."))?;
    if !output.status.success() {
        return Err(format!("espeak-ng: {}", String::from_utf8_lossy(&output.stderr)));
    }
    Ok(file)
}

const WORDS: &str = "the curtain opens slowly while everybody in the third row still whispers about the film they saw last week and somebody behind them \
                     passes a bag of popcorn along the seats until the lights are down and the first picture appears on the screen ";
/// The words take longer than that.
const LEAST_SECONDS: usize = 10;
