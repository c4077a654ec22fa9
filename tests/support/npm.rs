//! Programs of npm that tests run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Copies these files of a directory of `tests` into one of the same path under `target`, which is
/// the build's own (`CARGO_TARGET_TMPDIR`), and installs there what its `package.json` names. Only one
/// at a time in one directory.
pub fn install(target: &str, name: &str, files: &[&str]) -> Result<PathBuf, String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    let directory = Path::new(target).join(name);
    fs::create_dir_all(&directory).map_err(|error| error.to_string())?;
    for file in files.iter().copied().chain(["package.json"]) {
        fs::copy(source.join(file), directory.join(file)).map_err(|error| error.to_string())?;
    }
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let output = Command::new(npm)
        .args(["install", "--no-package-lock", "--no-audit", "--no-fund", "--prefer-offline"])
        .current_dir(&directory)
        .output()
        .map_err(|error| format!("npm cannot be started: {error}"))?;
    if output.status.success() { Ok(directory) } else { Err("npm install failed".to_owned()) }
}
