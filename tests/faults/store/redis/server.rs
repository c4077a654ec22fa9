//! One `redis-server` with a directory of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use redis::{Client, FromRedisValue};

use crate::driver::process::{Guard, Process};

/// How an empty word is written.
const NOTHING: &str = "\"\"";

/// What is started: `redis-server`, or what the environment names, Valkey's say.
pub(super) fn binary() -> std::ffi::OsString {
    std::env::var_os("REDIS_SERVER").unwrap_or_else(|| "redis-server".into())
}

pub(super) struct Server {
    pub(super) port: u16,
    pub(super) dir: PathBuf,
    guard: Guard,
    process: Option<Process>,
}

impl Server {
    pub(super) fn new(guard: &Guard, dir: &Path) -> std::io::Result<Self> {
        std::fs::create_dir_all(dir)?;
        // free now; whoever takes it in between makes the start fail, not the run lie
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        Ok(Self { port, dir: dir.to_owned(), guard: guard.clone(), process: None })
    }

    /// One that is asked only.
    pub(super) fn at(guard: &Guard, port: u16) -> Self {
        Self { port, dir: PathBuf::new(), guard: guard.clone(), process: None }
    }

    /// Starts it anew, with what is in its directory, and waits until it takes commands.
    pub(super) async fn start(&mut self, extra: &[&str]) -> Result<(), String> {
        self.process = None;
        let port = self.port.to_string();
        let mut command = Command::new(binary());
        command
            .args(["--port", &port, "--bind", "127.0.0.1", "--save", "", "--loglevel", "warning"])
            .args(["--repl-diskless-sync-delay", "0", "--dir"])
            .arg(&self.dir)
            .args(extra)
            .stdout(Stdio::null())
            .stdin(Stdio::null());
        let process = Process::spawn(&self.guard, &mut command);
        self.process = Some(process.map_err(|error| format!("redis-server: {error}"))?);
        for _ in 0..1_000 {
            if self.process.as_mut().is_none_or(Process::has_ended) {
                return Err("redis-server ended at once".into());
            }
            if self.ask::<String>("PING").await.is_ok() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Err("redis-server does not start".into())
    }

    pub(super) fn kill(&mut self) {
        self.process = None;
    }

    pub(super) fn signal(&self, name: &str) {
        if let Some(process) = &self.process {
            process.signal(name);
        }
    }

    /// A command of an administrator's, given as words, of which `""` is the empty one.
    pub(super) async fn ask<T: FromRedisValue>(&self, words: &str) -> Result<T, String> {
        let words = words.split_whitespace().map(|word| if word == NOTHING { "" } else { word });
        self.run(&words.collect::<Vec<_>>()).await
    }

    /// One whose answer says nothing.
    pub(super) async fn tell(&self, words: &str) -> Result<(), String> {
        self.ask::<redis::Value>(words).await.map(drop)
    }

    async fn run<T: FromRedisValue>(&self, words: &[&str]) -> Result<T, String> {
        let client = Client::open(format!("redis://127.0.0.1:{}/", self.port));
        let client = client.map_err(|error| error.to_string())?;
        let mut command = redis::Cmd::new();
        for word in words {
            command.arg(word);
        }
        let ask = async {
            let mut connection = client.get_multiplexed_async_connection().await?;
            command.query_async::<T>(&mut connection).await
        };
        match tokio::time::timeout(Duration::from_secs(5), ask).await {
            Ok(answer) => answer.map_err(|error| format!("{words:?}: {error}")),
            Err(_) => Err(format!("{words:?}: no answer")),
        }
    }

    pub(super) async fn info(&self, section: &str, field: &str) -> Result<String, String> {
        let text: String = self.ask(&format!("INFO {section}")).await?;
        let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        Ok(line.unwrap_or_default().trim().to_owned())
    }

    pub(super) fn forget_files(&self) {
        let _ = std::fs::remove_dir_all(self.dir.join("appendonlydir"));
        let _ = std::fs::remove_file(self.dir.join("dump.rdb"));
    }
}
