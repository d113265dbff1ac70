use std::process::Command;

/// Runs a program to its end; what it printed.
///
/// # Errors
/// In a sentence, with what it complained about.
pub(crate) fn run(command: &mut Command) -> Result<Vec<u8>, String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("{program} cannot be run ({error}): scripts/rivals."))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(format!("{program}: {}", String::from_utf8_lossy(&output.stderr).trim()))
}
