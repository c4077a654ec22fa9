//! Processes and directories that are gone when the program is, however it ends.
//!
//! A guard, the same program once more, waits for the end of its standard input: that comes when the
//! driver ends, be it killed. Then it kills what is left, frozen or not.

use std::collections::HashSet;
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

/// Tells the guard.
#[derive(Clone)]
pub struct Guard(Arc<Inner>);

struct Inner {
    pipe: Mutex<Option<ChildStdin>>,
    process: Mutex<Child>,
    dir: PathBuf,
}

impl Guard {
    pub fn start() -> std::io::Result<Self> {
        let dir = std::env::temp_dir().join(format!("tower-bearer-faults-{}", std::process::id()));
        std::fs::create_dir_all(&dir)?;
        let mut process = Command::new(std::env::current_exe()?)
            .arg("--guard")
            .arg(&dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()?;
        let pipe = Mutex::new(process.stdin.take());
        Ok(Self(Arc::new(Inner { pipe, process: Mutex::new(process), dir })))
    }

    /// A directory that is removed at the end.
    pub fn dir(&self) -> &Path {
        &self.0.dir
    }

    pub fn started(&self, pid: u32) {
        self.tell(&format!("+{pid}"));
    }

    /// To be told before the process is waited for, while its id is still its own.
    pub fn ends(&self, pid: u32) {
        self.tell(&format!("-{pid}"));
    }

    fn tell(&self, line: &str) {
        let mut pipe = self.0.pipe.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pipe) = pipe.as_mut() {
            let _ = writeln!(pipe, "{line}").and_then(|()| pipe.flush());
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        *self.pipe.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let _ = self.process.lock().unwrap_or_else(PoisonError::into_inner).wait();
    }
}

/// What the guard process does.
pub fn guard(dir: &Path) {
    let mut alive = HashSet::new();
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        match line.split_at_checked(1) {
            Some(("+", pid)) => drop(alive.insert(pid.to_owned())),
            Some((_, pid)) => drop(alive.remove(pid)),
            None => {}
        }
    }
    for pid in alive {
        signal(&pid, "KILL");
    }
    // what was just killed may still be writing
    for _ in 0..50 {
        if std::fs::remove_dir_all(dir).is_ok() || !dir.exists() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

pub fn signal(pid: &str, name: &str) {
    let quiet = (Stdio::null(), Stdio::null());
    let _ = Command::new("kill").args(["-s", name, pid]).stdout(quiet.0).stderr(quiet.1).status();
}

/// A process that the guard knows. Killed when dropped.
pub struct Process {
    child: Child,
    guard: Guard,
}

impl Process {
    pub fn spawn(guard: &Guard, command: &mut Command) -> std::io::Result<Self> {
        let child = command.spawn()?;
        guard.started(child.id());
        Ok(Self { child, guard: guard.clone() })
    }

    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    pub fn signal(&self, name: &str) {
        signal(&self.child.id().to_string(), name);
    }

    pub fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        self.guard.ends(self.child.id());
        let _ = self.child.wait();
    }
}
