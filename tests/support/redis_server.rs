//! A `redis-server` of a test's own: on a free port, in a directory of its own, gone when dropped.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use redis::{Client, Connection};

/// What is started: `redis-server`, or what `REDIS_SERVER` in the environment names, Valkey's say.
fn binary() -> std::ffi::OsString {
    std::env::var_os("REDIS_SERVER").unwrap_or_else(|| "redis-server".into())
}

pub struct RedisServer {
    port: u16,
    dir: PathBuf,
    options: Vec<String>,
    /// Whether it speaks TLS only.
    tls: bool,
    /// The configuration of a sentinel.
    sentinel: Option<PathBuf>,
    process: Option<Child>,
}

impl RedisServer {
    /// `None`, said loudly, if there is no `redis-server` here.
    ///
    /// # Panics
    ///
    /// If there is none and the environment says `CI`, or it does not start.
    pub fn start(options: &[&str]) -> Option<Self> {
        let mut server = Self::prepare(options)?;
        server.restart();
        Some(server)
    }

    /// One that speaks TLS only, with this certificate and key, in PEM. `None`, said loudly, if the
    /// `redis-server` here cannot.
    ///
    /// # Panics
    ///
    /// As for [`start`](Self::start).
    pub fn start_tls(certificate: &str, key: &str) -> Option<Self> {
        let mut server = Self::prepare(&["--tls-auth-clients", "no"])?;
        server.tls = true;
        for (name, pem) in [("cert", certificate), ("key", key)] {
            let file = server.dir.join(name);
            fs::write(&file, pem).unwrap();
            let option = format!("--tls-{name}-file");
            server.options.extend([option, file.to_str().unwrap().to_owned()]);
        }
        if !server.starts() {
            assert!(
                std::env::var_os("CI").is_none(),
                "this redis-server has no TLS, and this is CI"
            );
            eprintln!("SKIPPED: the redis-server here has no TLS, so this was NOT tested");
            return None;
        }
        Some(server)
    }

    /// A sentinel with this configuration. `None`, said loudly, if there is no `redis-server`.
    ///
    /// # Panics
    ///
    /// As for [`start`](Self::start).
    pub fn start_sentinel(configuration: &str) -> Option<Self> {
        let mut server = Self::prepare(&[])?;
        let file = server.dir.join("sentinel.conf");
        let dir = server.dir.display();
        fs::write(&file, format!("port {}\ndir {dir}\n{configuration}", server.port)).unwrap();
        server.sentinel = Some(file);
        server.restart();
        Some(server)
    }

    fn prepare(options: &[&str]) -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let there = Command::new(binary()).arg("--version").output();
        if there.is_err() {
            assert!(std::env::var_os("CI").is_none(), "no redis-server here, and this is CI");
            eprintln!("SKIPPED: there is no redis-server on the PATH, so this was NOT tested");
            return None;
        }
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("tower-bearer-{}-{number}", std::process::id());
        let dir = std::env::temp_dir().join(name);
        fs::create_dir_all(&dir).unwrap();
        // The port is free now; whoever takes it in between makes the start fail, not the test lie.
        let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        // In a cluster, the port 10,000 above is taken as well.
        let port = (0..1000).map(|_| free()).find(|port| *port < 55_000).unwrap();
        let options = options.iter().map(ToString::to_string).collect();
        Some(Self { port, dir, options, tls: false, sentinel: None, process: None })
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn url(&self) -> String {
        let scheme = if self.tls { "rediss" } else { "redis" };
        format!("{scheme}://127.0.0.1:{}/", self.port)
    }

    /// Kills it without giving it time to save anything.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            self.signal_to(&process, "CONT");
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// Starts it, empty, after it was killed.
    pub fn restart(&mut self) {
        assert!(self.starts(), "redis-server does not start");
    }

    fn starts(&mut self) -> bool {
        self.kill();
        let port = self.port.to_string();
        let plain = if self.tls { "0" } else { &port };
        let mut command = Command::new(binary());
        if let Some(file) = &self.sentinel {
            command.arg(file).args(["--sentinel", "--loglevel", "warning"]);
            return self.spawns(command);
        }
        command
            .args(["--port", plain, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            // Without TLS it does not know the option, not even to say that it is off.
            .args(self.tls.then_some(["--tls-port", &port]).into_iter().flatten())
            .args(["--loglevel", "warning", "--dir"])
            .arg(&self.dir)
            .args(&self.options);
        self.spawns(command)
    }

    fn spawns(&mut self, mut command: Command) -> bool {
        let process = command.stdout(Stdio::null()).spawn().unwrap();
        let process = self.process.insert(process);
        let patience = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            if process.try_wait().unwrap().is_some() || Instant::now() > patience {
                return false;
            }
            sleep(Duration::from_millis(10));
        }
        true
    }

    /// Stops the process where it is, as a machine does that is swapping or cut off.
    pub fn freeze(&self) {
        self.signal("STOP");
    }

    pub fn thaw(&self) {
        self.signal("CONT");
    }

    fn signal(&self, signal: &str) {
        self.signal_to(self.process.as_ref().unwrap(), signal);
    }

    fn signal_to(&self, process: &Child, signal: &str) {
        let id = process.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &id]).status().unwrap().success());
    }

    /// Runs a command of an administrator's, given as words.
    pub fn command(&self, words: &str) -> redis::Value {
        let mut words = words.split_whitespace();
        let mut command = redis::cmd(words.next().unwrap());
        words.for_each(|word| {
            command.arg(word);
        });
        command.query(&mut self.connection()).unwrap()
    }

    fn connection(&self) -> Connection {
        let client = Client::open(self.url()).unwrap();
        client.get_connection_with_timeout(Duration::from_secs(10)).unwrap()
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
        let _ = fs::remove_dir_all(&self.dir);
    }
}
