//! Test vectors of others, read from beside the project.
//!
//! They are looked for in the folder that `VECTORS_DIR` names, and else in `../shared/vectors`,
//! as seen from the root of the repository.

use std::path::{Path, PathBuf};

use serde_json::Value;

/// The folder of this name; `None`, and a line that says so, if there is none. With `CI` set, its
/// absence fails the test.
pub(crate) fn folder(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("VECTORS_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors"),
        PathBuf::from,
    );
    let folder = root.join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    let missing = format!("no test vectors in {}: set VECTORS_DIR", folder.display());
    assert!(std::env::var_os("CI").is_none(), "{missing}");
    eprintln!("SKIPPED: {missing}");
    None
}

/// One file of vectors.
pub(crate) fn read(folder: &Path, name: &str) -> Value {
    let path = folder.join(name);
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
