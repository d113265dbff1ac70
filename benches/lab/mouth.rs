//! People who talk: words of a speech synthesiser played into their microphones, and what the others hear of them.

use std::{
    ops::Range,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use houselights::trace::mono_ns;

use super::{
    Lab,
    correlate::RATE,
    ear::{end, mouth},
    spaces::bound,
    tool::run,
    track::Noise,
    word::{LONGEST, PAUSE, late, words},
};

/// How somebody talks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manner {
    /// From the beginning of a word to that of the next.
    pub(crate) every_s: f64,
    /// Before the first one.
    pub(crate) waits_s: f64,
    /// 0 to 99.
    pub(crate) pitch: u32,
}

/// Somebody who talks until dropped.
pub(crate) struct Mouth(Child);

impl Mouth {
    /// In this participant's place, for so long at most.
    ///
    /// # Errors
    /// In a sentence.
    pub(crate) fn open(lab: &Lab, place: usize, manner: Manner, longest_s: usize) -> Result<Self, String> {
        let file = lab.folder().join(format!("speech{place}.raw"));
        let speech = speech(lab.folder(), manner, longest_s)?;
        std::fs::write(&file, speech).map_err(|error| format!("Speech cannot be written: {error}."))?;
        let mut command = bound(&["pacat", "--playback", "--raw", "--rate=48000", "--channels=1", "--format=s16le", "-d", &mouth(place)]);
        lab.ear()?.give_to(&mut command);
        let command = command.arg(file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().map(Self).map_err(|error| format!("pacat cannot be run ({error}): scripts/rivals."))
    }
}

impl Drop for Mouth {
    fn drop(&mut self) {
        end(&mut self.0);
    }
}

/// Waits until a word from this mouth is heard by that ear; answers the sample from when on it is so.
///
/// # Errors
/// In a sentence, after a minute.
pub(crate) fn until_heard(lab: &Lab, mouth: usize, ear: usize) -> Result<usize, String> {
    let from = lab.ear()?.tape().length();
    let until_ns = mono_ns() + 60_000_000_000;
    while mono_ns() < until_ns {
        // The recorder waits while the tape is looked at: it is copied first.
        let (speech, heard, to) = {
            let tape = lab.ear()?.tape();
            (tape.speech(mouth), tape.sound(ear), tape.length())
        };
        // What was said longer ago was looked at before.
        if delays_ms(&speech, &heard, from.max(to.saturating_sub(RECENT))..to).iter().any(|delay_ms| delay_ms.is_finite()) {
            return Ok(to);
        }
        std::thread::sleep(Duration::from_millis(250));
    }
    Err(format!("Nobody heard participant {mouth} in the place of {ear} within a minute."))
}

/// Waits until so much is recorded.
///
/// # Errors
/// If the recording stands.
pub(crate) fn until_recorded(lab: &Lab, length: usize) -> Result<(), String> {
    let ear = lab.ear()?;
    let (mut last, mut grew_ns) = (ear.tape().length(), mono_ns());
    while last < length {
        std::thread::sleep(Duration::from_millis(50));
        let now = ear.tape().length();
        if now > last {
            (last, grew_ns) = (now, mono_ns());
        } else if mono_ns() - grew_ns > 5_000_000_000 {
            return Err("The recording stands still.".to_owned());
        }
    }
    Ok(())
}

/// How long each word that was said in this span took from the mouth to the ear, in milliseconds: infinitely long if it was lost.
///
/// A word counts once there is as much of the recording behind it as it may take.
pub(crate) fn delays_ms(speech: &[f32], heard: &[f32], span: Range<usize>) -> Vec<f64> {
    let to = span.end.min(speech.len());
    let said = words(speech.get(span.start..to).unwrap_or_default()).into_iter().map(|word| word.start + span.start..word.end + span.start);
    // What begins with the span may have begun before it.
    let whole = said.filter(|word| word.start > span.start + PAUSE && word.end + LONGEST <= to);
    whole.map(|word| late(&speech[word.clone()], &heard[word.start..]).map_or(f64::INFINITY, |samples| samples / RATE * 1e3)).collect()
}

/// Words again and again, with the hiss that every microphone has: mono, 16 bits.
fn speech(folder: &Path, manner: Manner, seconds: usize) -> Result<Vec<u8>, String> {
    let vocabulary = WORDS.iter().map(|word| synthesise(folder, word, manner.pitch)).collect::<Result<Vec<_>, _>>()?;
    let mut noise = Noise(0x9E37_79B9 + u64::from(manner.pitch));
    let mut samples: Vec<f32> = (0..seconds * RATE as usize).map(|_| noise.next() * HISS).collect();
    for (index, word) in vocabulary.iter().cycle().enumerate() {
        let from = ((manner.waits_s + index as f64 * manner.every_s) * RATE) as usize;
        let Some(place) = samples.get_mut(from..from + word.len()) else { break };
        place.iter_mut().zip(word).for_each(|(sample, word)| *sample += word);
    }
    Ok(samples.iter().flat_map(|sample| ((sample.clamp(-1.0, 1.0) * 32_767.0) as i16).to_le_bytes()).collect())
}

/// One word at 48 kHz; above 11 kHz there is nothing in it, see [`super::correlate::Ruler::beside_voices`].
fn synthesise(folder: &Path, word: &str, pitch: u32) -> Result<Vec<f32>, String> {
    let file = folder.join("word.wav");
    run(Command::new("espeak-ng").args(["-v", "en", "-s", "190", "-p", &pitch.to_string(), "-w"]).arg(&file).arg(word))?;
    let mut command = Command::new("ffmpeg");
    command
        .args(["-hide_banner", "-loglevel", "error", "-nostdin", "-i"])
        .arg(&file)
        .args(["-ar", "48000", "-ac", "1", "-f", "s16le", "-"]);
    let bytes = run(&mut command)?;
    Ok(bytes.chunks_exact(2).map(|sample| f32::from(i16::from_le_bytes([sample[0], sample[1]])) / 32_768.0).collect())
}

/// Two words that are a while apart.
const RECENT: usize = 5 * RATE as usize;
/// Hard and soft beginnings, short and long.
const WORDS: [&str; 8] = ["popcorn", "midnight", "wonderful", "seventeen", "camera", "yellow", "darling", "theater"];
/// −70 dB.
const HISS: f32 = 5.5e-4;
