//! Keys of a file that is replaced while the service runs.
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use tower_bearer::key::{Algorithm, FileKeys, KeyErrorKind};
use tower_bearer::testing::TestIssuer;

const SHORT: Duration = Duration::from_millis(10);

/// A directory that goes away with the test.
struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> Self {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn jwks(kid: &str) -> String {
    TestIssuer::with_algorithm(Algorithm::ES256).unwrap().key_id(kid).jwks().to_string()
}

fn until(what: &str, done: impl Fn() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < Duration::from_secs(10), "not {what} within 10 seconds");
        std::thread::sleep(SHORT);
    }
}

fn ids(keys: &FileKeys) -> Vec<String> {
    keys.status().key_ids
}

#[test]
fn a_file_that_is_written_over_gone_broken_and_back() {
    let dir = Dir::new("written-over");
    let file = dir.file("jwks.json");
    assert_eq!(FileKeys::jwks(&file).open().unwrap_err().kind(), KeyErrorKind::Unreadable);
    fs::write(&file, r#"{"keys":[]}"#).unwrap();
    assert_eq!(FileKeys::jwks(&file).open().unwrap_err().kind(), KeyErrorKind::NoUsableKey);

    let first = jwks("a");
    fs::write(&file, &first).unwrap();
    let keys = FileKeys::jwks(&file).check_every(SHORT).open().unwrap();
    assert_eq!(ids(&keys), ["a"]);
    let epoch = keys.status().epoch;
    for (broken, kind) in [
        ("", KeyErrorKind::Malformed),
        ("{\"keys\":[", KeyErrorKind::Malformed),
        (r#"{"keys":[]}"#, KeyErrorKind::NoUsableKey),
    ] {
        fs::write(&file, broken).unwrap();
        until("noticed", || keys.status().last_error.is_some_and(|error| error.kind() == kind));
        assert_eq!((ids(&keys), keys.status().epoch), (vec!["a".to_owned()], epoch));
    }
    fs::remove_file(&file).unwrap();
    let gone =
        || keys.status().last_error.is_some_and(|error| error.kind() == KeyErrorKind::Unreadable);
    until("gone", gone);
    fs::write(&file, " ".repeat(2 << 20)).unwrap();
    until("too long", gone);
    fs::write(&file, &first).unwrap();
    until("back", || keys.status().last_error.is_none());
    assert_eq!(keys.status().epoch, epoch, "the same content is the same set");
    fs::write(&file, jwks("b")).unwrap();
    until("replaced", || ids(&keys) == ["b"]);
    assert_ne!(keys.status().epoch, epoch);
}

#[cfg(unix)]
#[test]
fn a_link_that_is_switched_as_mounted_secrets_are() {
    let dir = Dir::new("switched");
    for (version, kid) in [("v1", "a"), ("v2", "b")] {
        fs::create_dir(dir.file(version)).unwrap();
        fs::write(dir.file(version).join("jwks.json"), jwks(kid)).unwrap();
    }
    let link = dir.file("data");
    std::os::unix::fs::symlink("v1", &link).unwrap();
    let keys = FileKeys::jwks(link.join("jwks.json")).check_every(SHORT).open().unwrap();
    assert_eq!(ids(&keys), ["a"]);
    std::os::unix::fs::symlink("v2", dir.file("data.new")).unwrap();
    fs::rename(dir.file("data.new"), &link).unwrap();
    until("switched", || ids(&keys) == ["b"]);
}

#[test]
fn a_pem_file() {
    let dir = Dir::new("pem");
    let file = dir.file("key.pem");
    let pem = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";
    fs::write(&file, pem).unwrap();
    let keys = FileKeys::pem(Algorithm::EdDSA, &file).check_every(SHORT).open().unwrap();
    assert_eq!(keys.current().iter().next().unwrap().algorithm(), Algorithm::EdDSA);
    assert_eq!(
        FileKeys::pem(Algorithm::ES256, &file).open().unwrap_err().kind(),
        KeyErrorKind::Mismatch
    );
}

#[cfg(target_os = "linux")]
#[test]
fn the_thread_ends_with_the_last_handle() {
    let all = || fs::read_dir("/proc/self/task").unwrap().count();
    let dir = Dir::new("thread");
    let file = dir.file("jwks.json");
    fs::write(&file, jwks("a")).unwrap();
    let handles: Vec<_> = (0..20)
        .map(|_| FileKeys::jwks(&file).check_every(Duration::from_secs(3600)).open().unwrap())
        .collect();
    let with = all();
    let clone = handles[0].clone();
    drop(handles);
    until("ended", || all() + 15 <= with);
    assert_eq!(ids(&clone), ["a"]);
}
