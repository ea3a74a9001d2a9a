//! One run of a machine: boots it, passes on what its programs print, and finds out how they ended.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::machine::{Boot, CONSOLE, STATUS};

/// How long a machine may take to power off once its programs are done.
const SHUTDOWN: Duration = Duration::from_secs(10);

/// What the first process ends a line with before a program runs.
const MARK: char = '\u{1e}';

/// How a run of a machine ended.
#[derive(Debug)]
pub(crate) struct Run {
    /// What each program printed, line by line. The last line of one that was ended may be cut.
    pub(crate) output: Vec<Vec<String>>,
    /// What the kernel said.
    pub(crate) console: String,
    pub(crate) status: Status,
    pub(crate) timed_out: bool,
    /// What qemu complained about.
    pub(crate) complaints: String,
    pub(crate) took: Duration,
}

/// What the first process said.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Status {
    /// The kernel's version.
    pub(crate) kernel: Option<String>,
    pub(crate) ended: Vec<Ended>,
    /// Whether it came to its end.
    pub(crate) done: bool,
}

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Exit(u8),
    Signal(i32),
    /// It could not be started.
    NotStarted(String),
}

impl Run {
    /// Whether it was the machine that failed, rather than a program.
    pub(crate) fn is_fault(&self) -> bool {
        !self.timed_out && !self.status.done
    }
}

#[cfg(test)]
impl Run {
    /// A run without programs, for tests.
    pub(crate) fn ended(done: bool, timed_out: bool) -> Self {
        Self {
            output: Vec::new(),
            console: String::new(),
            status: Status {
                done,
                ..Status::default()
            },
            timed_out,
            complaints: String::new(),
            took: Duration::from_secs(2),
        }
    }
}

impl Status {
    fn parse(text: &str) -> Self {
        let mut status = Self::default();
        for line in text.lines() {
            let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
            let (how, value) = rest.split_once(' ').unwrap_or((rest, ""));
            match (first, how) {
                ("kernel", _) => status.kernel = Some(rest.to_owned()),
                ("done", _) => status.done = true,
                (_, "exit") => status.ended.extend(value.parse().ok().map(Ended::Exit)),
                (_, "signal") => status.ended.extend(value.parse().ok().map(Ended::Signal)),
                (_, "error") => status.ended.push(Ended::NotStarted(value.to_owned())),
                _ => {}
            }
        }
        status
    }
}

/// Boots a machine whose programs have these names, and ends it after `timeout`.
pub(crate) fn run(
    emulators: &Path,
    boot: &Boot<'_>,
    names: &[String],
    timeout: Duration,
) -> Result<Run> {
    let begun = Instant::now();
    let stderr = std::fs::File::create(boot.dir.join("stderr"))?;
    let mut child = command(emulators, boot)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(stderr)
        .spawn()
        .context("cannot run setpriv")?;
    let lines = lines(&mut child)?;
    let mut output = Output::new(names);
    let mut timed_out = false;
    loop {
        match lines.recv_timeout(timeout.saturating_sub(begun.elapsed())) {
            Ok(line) => output.add(&line),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                timed_out = true;
                break;
            }
        }
    }
    if timed_out || !ends(&mut child)? {
        child.kill()?;
    }
    child.wait()?;
    // What was begun and not ended.
    while let Ok(line) = lines.recv_timeout(SHUTDOWN) {
        output.add(&line);
    }
    let read = |name: &str| -> Result<String> {
        Ok(String::from_utf8_lossy(&std::fs::read(boot.dir.join(name))?).into_owned())
    };
    Ok(Run {
        output: output.programs,
        console: read(CONSOLE)?.replace('\r', ""),
        status: Status::parse(&read(STATUS)?),
        timed_out,
        complaints: read("stderr")?,
        took: begun.elapsed(),
    })
}

/// Passes on what the programs print, and keeps it.
struct Output<'a> {
    names: &'a [String],
    programs: Vec<Vec<String>>,
}

impl<'a> Output<'a> {
    fn new(names: &'a [String]) -> Self {
        Self {
            names,
            programs: Vec::new(),
        }
    }

    fn add(&mut self, line: &str) {
        let (text, mark) = match line.strip_suffix(MARK) {
            Some(text) => (text, true),
            None => (line, false),
        };
        if !(mark && text.is_empty()) {
            self.print(text);
            if let Some(lines) = self.programs.last_mut() {
                lines.push(text.to_owned());
            }
        }
        if mark {
            if let (true, Some(name)) = (self.names.len() > 1, self.names.get(self.programs.len()))
            {
                self.print(&format!("--- {name} ---"));
            }
            self.programs.push(Vec::new());
        }
    }

    /// A closed pipe ends the run of whoever closed it, not that of the machine.
    fn print(&self, line: &str) {
        let _ = writeln!(std::io::stdout(), "{line}");
    }
}

/// The emulator, which runs with the C library that it was built with, and dies with this process.
fn command(emulators: &Path, boot: &Boot<'_>) -> Command {
    let usr = emulators.join("usr");
    let libraries = usr.join("lib/x86_64-linux-gnu");
    let mut command = Command::new("setpriv");
    command
        .args(["--pdeathsig", "KILL"])
        .arg(usr.join("lib64/ld-linux-x86-64.so.2"))
        .arg("--library-path")
        .arg(&libraries)
        .arg(usr.join("bin").join(format!("qemu-system-{}", boot.arch)))
        .env("QEMU_MODULE_DIR", libraries.join("qemu"))
        .arg("-L")
        .arg(usr.join("share/qemu"))
        .arg("-L")
        .arg(usr.join("share/seabios"))
        .args(boot.arguments());
    command
}

/// What the machine's programs print, from a thread of its own.
fn lines(child: &mut Child) -> Result<mpsc::Receiver<String>> {
    let stdout = child.stdout.take().context("no output")?;
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut reader = BufReader::new(stdout);
        let mut line = Vec::new();
        while reader
            .read_until(b'\n', &mut line)
            .is_ok_and(|read| read > 0)
        {
            let text = String::from_utf8_lossy(&line);
            if sender.send(text.trim_end_matches('\n').to_owned()).is_err() {
                break;
            }
            line.clear();
        }
    });
    Ok(receiver)
}

fn ends(child: &mut Child) -> Result<bool> {
    let begun = Instant::now();
    while begun.elapsed() < SHUTDOWN {
        if child.try_wait()?.is_some() {
            return Ok(true);
        }
        thread::sleep(Duration::from_millis(10));
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read() {
        let text = "kernel 6.12.1+deb13-cloud-amd64\n0 exit 101\n1 signal 11\n2 error No such file\ndone\n";
        let status = Status::parse(text);
        assert_eq!(status.kernel.as_deref(), Some("6.12.1+deb13-cloud-amd64"));
        let missing = Ended::NotStarted("No such file".to_owned());
        assert_eq!(status.ended, [Ended::Exit(101), Ended::Signal(11), missing]);
        assert!(status.done);
    }

    #[test]
    fn what_programs_print_is_told_apart() {
        let names = ["a".to_owned(), "b".to_owned()];
        let mut output = Output::new(&names);
        for line in ["\u{1e}", "one", "not ended\u{1e}", "two", "test x ... "] {
            output.add(line);
        }
        assert_eq!(
            output.programs,
            [vec!["one", "not ended"], vec!["two", "test x ... "]]
        );
    }

    #[test]
    fn a_status_that_was_cut_is_no_success() {
        let status = Status::parse("kernel 6.12\n0 exit 0\n1 ex");
        assert_eq!(status.ended, [Ended::Exit(0)]);
        assert!(!status.done);
        assert_eq!(Status::parse(""), Status::default());
    }
}
