//! Runs the example `login` as a process of its own.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

/// An instance that runs until this is dropped.
pub(crate) struct Example {
    child: Child,
    pub(crate) url: String,
    log: Arc<Mutex<String>>,
}

impl Example {
    /// On a free port, with these settings.
    pub(crate) fn start(settings: &[(&str, &str)]) -> Self {
        let mut child = command(settings).env("PORT", "0").spawn().unwrap();
        let (tell, told) = mpsc::channel();
        read(child.stdout.take().unwrap(), move |line| {
            let url = line.strip_prefix("Serving on ").and_then(|line| line.split_once(". "));
            if let Some((url, _)) = url {
                let _ = tell.send(url.to_owned());
            }
        });
        let log = Arc::new(Mutex::new(String::new()));
        let logged = Arc::clone(&log);
        read(child.stderr.take().unwrap(), move |line| {
            let mut log = logged.lock().unwrap();
            log.push_str(&line);
            log.push('\n');
        });
        let url = told.recv_timeout(Duration::from_secs(30));
        let mut example = Self { child, url: String::new(), log };
        example.url = url.unwrap_or_else(|_| panic!("it does not serve: {}", example.log()));
        example
    }

    /// What it says when it cannot start with these settings.
    pub(crate) fn refuses(settings: &[(&str, &str)]) -> String {
        let Output { status, stderr, .. } = command(settings).output().unwrap();
        assert!(!status.success());
        String::from_utf8(stderr).unwrap()
    }

    /// Waits until it has logged this so many times: the answer to a request may be here earlier.
    pub(crate) fn has_logged(&self, text: &str, times: usize) {
        let patience = Instant::now() + Duration::from_secs(20);
        while self.log().matches(text).count() != times {
            assert!(Instant::now() < patience, "{text:?} not {times} times: {}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// What it has logged until now.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(settings: &[(&str, &str)]) -> Command {
    // target/debug/deps/<this test>, target/debug/examples/login
    let this = std::env::current_exe().unwrap();
    let built = this.ancestors().nth(2).unwrap().join("examples");
    let program: PathBuf = built.join(format!("login{}", std::env::consts::EXE_SUFFIX));
    assert!(
        program.exists(),
        "`cargo test --workspace` builds the example, `--test examples` alone does not: \
         cargo build --workspace --all-features --example login"
    );
    let mut command = Command::new(program);
    for name in ["PORT", "ACCESS_SECONDS", "STORE", "SIGNING_KEY_FILE"] {
        command.env_remove(name);
    }
    // Each test has its own.
    command.env("STORE", "memory").envs(settings.iter().copied());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// To the end, so that the process never waits for a reader.
fn read(output: impl Read + Send + 'static, mut line: impl FnMut(String) + Send + 'static) {
    std::thread::spawn(move || {
        BufReader::new(output).lines().map_while(Result::ok).for_each(&mut line);
    });
}
