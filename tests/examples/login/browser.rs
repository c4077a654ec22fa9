//! The page, in Chromium: the steps are in `tests/login_browser`.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use std::{env, fs};

use tower_bearer_tests::npm;

use super::login_example::Example;

const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
/// For all steps together, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn the_page_in_a_browser() {
    // Node and browsers were seen to hang while they start, so they get another chance.
    let started = start().or_else(|_| start()).or_else(|_| start());
    let (_browser, example, steps) = match started {
        Ok(started) => started,
        Err(why) if env::var_os("CI").is_some() => panic!("no browser: {why}"),
        Err(why) => {
            eprintln!("\n!!! SKIPPED, nothing was tested in a browser: {why}\n");
            return;
        }
    };
    let deadline = Instant::now() + PATIENCE;
    let mut said = Vec::new();
    loop {
        match steps.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) if line == "done" => break,
            Ok(line) => said.push(line),
            Err(why) => panic!("{}\n{why}; the example:\n{}", said.join("\n"), example.log()),
        }
    }
    assert!(said.len() >= 16 && said.iter().all(|line| line.starts_with("ok: ")), "{said:#?}");
    example.has_logged("STOLEN", 2);
}

fn start() -> Result<(Program, Example, Program), String> {
    let directory =
        npm::install(env!("CARGO_TARGET_TMPDIR"), "examples/login_browser", &["steps.mjs"])?;
    let mut browser = browser()?;
    let address = browser.told("DevTools listening on ")?;
    let example = Example::start(&[("ACCESS_SECONDS", "1")]);
    let mut steps = Program::start(
        Command::new("node")
            .args(["steps.mjs", &address, &example.url])
            .current_dir(directory)
            .env("NO_PROXY", "*")
            .stdout(Stdio::piped()),
    )?;
    steps.told("started")?;
    Ok((browser, example, steps))
}

fn browser() -> Result<Program, String> {
    let there = |name: &&str| {
        let mut command = Command::new(name);
        command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let name = NAMES.into_iter().find(there).ok_or("there is no Chromium on the PATH")?;
    let profile = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("login_browser_{}", std::process::id()));
    let mut command = Command::new(name);
    command
        .args(["--headless=new", "--remote-debugging-port=0", "--no-first-run"])
        // It sees nothing but our own pages; as root it has no sandbox.
        .args(["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"])
        // Tabs in the background are as quick as the others.
        .args(["--disable-background-timer-throttling", "--disable-renderer-backgrounding"])
        .args(["--no-proxy-server", "--disable-background-networking", "--disable-sync"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg("about:blank");
    let mut browser = Program::start(command.stdout(Stdio::null()).stderr(Stdio::piped()))?;
    browser.profile = Some(profile);
    Ok(browser)
}

/// A program with its children, killed when this is dropped, and what it says.
struct Program {
    child: Child,
    lines: Receiver<String>,
    profile: Option<PathBuf>,
}

impl Program {
    /// What it says is on the one output that is piped.
    fn start(command: &mut Command) -> Result<Self, String> {
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(command, 0);
        let mut child = command
            .stdin(Stdio::null())
            .spawn()
            .map_err(|error| format!("{command:?}: {error}"))?;
        let output: Box<dyn Read + Send> = match (child.stdout.take(), child.stderr.take()) {
            (Some(output), None) => Box::new(output),
            (_, output) => Box::new(output.unwrap()),
        };
        let (tell, lines) = channel();
        // to the end, so that the program never waits for a reader
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let _ = tell.send(line);
            }
        });
        Ok(Self { child, lines, profile: None })
    }

    /// The rest of the first line that begins like this.
    fn told(&mut self, beginning: &str) -> Result<String, String> {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let rest = deadline.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(rest);
            let line = line.map_err(|error| format!("it never said {beginning:?}: {error}"))?;
            if let Some(rest) = line.strip_prefix(beginning) {
                return Ok(rest.to_owned());
            }
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // The group: a browser has many processes.
        #[cfg(unix)]
        {
            let group = format!("-{}", self.child.id());
            let _ = Command::new("kill").args(["-s", "KILL", "--", &group]).status();
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(profile) = &self.profile {
            let _ = fs::remove_dir_all(profile);
        }
    }
}
