//! A Postgres of a test's own: `initdb` into a folder, a free port, gone when dropped and when the
//! test's process ends in whatever way.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Where the programs are. `None` if there are none.
static PROGRAMS: OnceLock<Option<PathBuf>> = OnceLock::new();

pub(crate) struct Postgres {
    port: u16,
    folder: PathBuf,
    options: String,
    /// A shell that waits for this process to end, and for Postgres.
    process: Mutex<Option<Child>>,
}

/// Where `initdb` and `postgres` are: Debian keeps them off the PATH.
fn programs() -> Option<&'static Path> {
    let find = || {
        let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        let mut found: Vec<_> = versions.map(|version| version.path().join("bin")).collect();
        found.sort();
        let path = std::env::var_os("PATH").unwrap_or_default();
        found.splice(0..0, std::env::split_paths(&path));
        found.into_iter().rev().find(|folder| folder.join("initdb").exists())
    };
    let found = PROGRAMS.get_or_init(find).as_deref();
    if found.is_none() {
        assert!(std::env::var_os("CI").is_none(), "no Postgres here, and this is CI");
        eprintln!("SKIPPED: there is no Postgres (initdb) here, so this was NOT tested");
    }
    found
}

/// A command that runs as a user that Postgres accepts: it refuses root.
fn as_user(program: &str) -> Command {
    let id = Command::new("id").arg("-u").output().unwrap();
    if id.stdout.trim_ascii() != b"0" {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", program]);
    command
}

impl Postgres {
    /// `None`, said loudly, if there is no Postgres here. Options are lines of `postgresql.conf`.
    pub(crate) fn start(options: &[&str]) -> Option<Self> {
        let programs = programs()?;
        let server = Self::prepare(options);
        // Once for all servers of this process.
        static TEMPLATE: OnceLock<PathBuf> = OnceLock::new();
        let template = TEMPLATE.get_or_init(|| {
            let template = server.folder.with_file_name("template");
            let mut initdb = as_user(programs.join("initdb").to_str().unwrap());
            initdb.args(["--username=app", "--auth=trust", "--no-locale", "--encoding=UTF8"]);
            initdb.arg("--no-sync").arg("-D").arg(&template).stdout(Stdio::null());
            assert!(initdb.status().unwrap().success(), "initdb failed");
            template
        });
        let mut copy = as_user("cp");
        copy.arg("-r").arg(template).arg(&server.folder);
        assert!(copy.status().unwrap().success());
        server.restart();
        Some(server)
    }

    fn prepare(options: &[&str]) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let all = std::env::temp_dir().join(format!("tower-bearer-pg-{}", std::process::id()));
        assert!(as_user("mkdir").arg("-p").arg(&all).status().unwrap().success());
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Self {
            port,
            folder: all.join(number.to_string()),
            options: options.join("\n"),
            process: Mutex::default(),
        }
    }

    /// A standby that follows this one, by this name.
    pub(crate) fn standby(&self, name: &str) -> Self {
        let standby = Self::prepare(&[]);
        let mut backup = as_user(programs().unwrap().join("pg_basebackup").to_str().unwrap());
        let primary = format!("host=127.0.0.1 port={} user=app application_name={name}", self.port);
        backup.args(["-R", "--checkpoint=fast", "--no-sync", "-d", &primary, "-D"]);
        assert!(backup.arg(&standby.folder).status().unwrap().success(), "pg_basebackup failed");
        standby.restart();
        standby
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://app@127.0.0.1:{}/postgres", self.port)
    }

    /// Starts it with what it has, after it was killed.
    pub(crate) fn restart(&self) {
        self.kill();
        let programs = programs().unwrap();
        // What reads from the pipe ends when this process does, and then everything goes.
        let script = format!(
            "'{}/postgres' -D '{}' & server=$!; cat; kill -QUIT $server; wait $server; rm -rf '{}'",
            programs.display(),
            self.folder.display(),
            self.folder.parent().unwrap().display()
        );
        let configuration = format!(
            "port = {}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\n\
             max_connections = 60\nshared_buffers = 32MB\nlog_min_messages = fatal\n{}\n",
            self.port, self.options
        );
        let mut write = as_user("tee");
        write.arg("-a").arg(self.folder.join("postgresql.conf"));
        let mut write = write.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        use std::io::Write;
        write.stdin.take().unwrap().write_all(configuration.as_bytes()).unwrap();
        assert!(write.wait().unwrap().success());
        let mut command = as_user("sh");
        command.args(["-c", &script]).stdin(Stdio::piped());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        *self.lock() = Some(command.spawn().unwrap());
        let patience = Instant::now() + Duration::from_secs(60);
        let mut ready = Command::new(programs.join("pg_isready"));
        ready.args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()]);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err()
            || !ready.status().unwrap().success()
        {
            assert!(
                Instant::now() < patience,
                "Postgres does not start: {}",
                self.folder.display()
            );
            sleep(Duration::from_millis(20));
        }
    }

    /// Ends it at once, as a crash does: nothing is written any more.
    pub(crate) fn kill(&self) {
        let process = self.lock().take();
        if let Some(mut process) = process {
            // The shell first, or it would clear away.
            let _ = process.kill();
            self.signal_all("-9");
            drop(process.stdin.take());
            let _ = process.wait();
            // Its children notice that it is gone.
            let patience = Instant::now() + Duration::from_secs(20);
            while self.is_there() && Instant::now() < patience {
                sleep(Duration::from_millis(10));
            }
            let _ = as_user("rm").arg("-f").arg(self.folder.join("postmaster.pid")).status();
        }
    }

    /// Stops all of its processes where they are, as a machine does that hangs.
    pub(crate) fn freeze(&self) {
        self.signal_all("-STOP");
    }

    pub(crate) fn thaw(&self) {
        self.signal_all("-CONT");
    }

    /// Makes a standby a primary.
    pub(crate) fn promote(&self) {
        let mut promote = as_user(programs().unwrap().join("pg_ctl").to_str().unwrap());
        promote.args(["promote", "--wait", "-D"]).arg(&self.folder).stdout(Stdio::null());
        assert!(promote.status().unwrap().success());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Child>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn postmaster(&self) -> Option<String> {
        let file = fs::read_to_string(self.folder.join("postmaster.pid")).ok()?;
        file.lines().next().map(ToOwned::to_owned)
    }

    fn signal(&self, signal: &str) {
        if let Some(id) = self.postmaster() {
            let _ = Command::new("kill").args([signal, &id]).status();
        }
    }

    /// The postmaster, and what it has started.
    fn signal_all(&self, signal: &str) {
        let Some(id) = self.postmaster() else { return };
        self.signal(signal);
        let _ = Command::new("pkill").args([signal, "-P", &id]).status();
    }

    fn is_there(&self) -> bool {
        let Some(id) = self.postmaster() else { return false };
        // One that has ended and was not waited for is not there any more.
        let status = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        !status.is_empty() && !status.contains(") Z ")
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.kill();
        let _ = as_user("rm").arg("-rf").arg(&self.folder).status();
    }
}
