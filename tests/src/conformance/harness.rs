//! Runs the suite as a test program: each scenario on each backend is a test of its own.

use std::cell::RefCell;
use std::io::{self, Write};
use std::panic;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use super::backends::Calls;
use super::{Backend, Scenario, expected, scenarios};
use crate::host::{Host, command};

/// A scenario that takes longer is stuck. The longest takes some milliseconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is expected to fail may also be stuck.
const PATIENCE_WITH_FAILURES: Duration = Duration::from_secs(3);

/// What the command line asks for.
#[derive(Debug, Default)]
struct Wanted {
    filters: Vec<String>,
    skip: Vec<String>,
    exact: bool,
    list: bool,
    ignored: bool,
    backends: Vec<Backend>,
    alone: Option<String>,
}

/// One scenario on one backend.
#[derive(Clone, Copy, Debug)]
struct Test {
    scenario: &'static Scenario,
    backend: Backend,
}

/// How a test failed.
struct Failed {
    reason: String,
    /// Its thread still runs, so the program has to end.
    stuck: bool,
}

/// How many calls before a failure are shown.
const LAST_CALLS: usize = 12;

/// Runs the tests that the command line asks for, on the backends that can be had. Understands
/// libtest's filters and `--list`; `--backend NAME`, which can be given several times, runs these backends only, and
/// fails when one can't be had. With `KVM_TESTS=require` in the environment all of them have to be there.
/// `--alone NAME` runs one test, whatever is expected of it.
pub fn main() -> ExitCode {
    let wanted = match Wanted::from_args(std::env::args().skip(1)) {
        Ok(wanted) => wanted,
        Err(problem) => {
            eprintln!("{problem}");
            return ExitCode::FAILURE;
        }
    };
    if wanted.list {
        for test in wanted.tests(&Backend::ALL) {
            println!("{}: test", test.name());
        }
        return ExitCode::SUCCESS;
    }
    panic::set_hook(Box::new(keep_panic));
    if let Some(name) = &wanted.alone {
        return alone(name);
    }
    let (backends, missing) = match wanted.backends() {
        Ok(found) => found,
        Err(problem) => {
            eprintln!("{problem}");
            return ExitCode::FAILURE;
        }
    };
    let tests = wanted.tests(&backends);
    for line in &missing {
        println!("{line}");
    }
    run(&tests, wanted.tests(&Backend::ALL).len(), &missing)
}

impl Wanted {
    fn from_args(args: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut wanted = Self::default();
        let mut args = args;
        while let Some(arg) = args.next() {
            let (name, value) = match arg.split_once('=') {
                Some((name, value)) if name.starts_with('-') => (name, Some(value.to_owned())),
                _ => (arg.as_str(), None),
            };
            let mut value = || value.clone().or_else(|| args.next());
            match name {
                "--list" => wanted.list = true,
                "--exact" => wanted.exact = true,
                "--ignored" => wanted.ignored = true,
                "--skip" => wanted.skip.extend(value()),
                "--backend" => wanted.backends.push(named(&value().unwrap_or_default())?),
                "--alone" => wanted.alone = value(),
                // They change what libtest prints, or how; here it is one way.
                "--format" | "--color" | "--test-threads" | "-Z" => drop(value()),
                "-q" | "--quiet" | "--nocapture" | "--no-capture" | "--show-output"
                | "--include-ignored" | "--test" => {}
                flag if flag.starts_with('-') => return Err(format!("unknown option {flag}")),
                _ => wanted.filters.push(arg),
            }
        }
        Ok(wanted)
    }

    /// The backends to run, and what to say of those that are missing.
    fn backends(&self) -> Result<(Vec<Backend>, Vec<String>), String> {
        let required = std::env::var_os("KVM_TESTS").is_some_and(|value| value == "require");
        let (mut usable, mut missing) = (Vec::new(), Vec::new());
        for backend in Backend::ALL {
            if !self.backends.is_empty() && !self.backends.contains(&backend) {
                continue;
            }
            match backend.usable() {
                Ok(()) => usable.push(backend),
                Err(error) if required || !self.backends.is_empty() => {
                    return Err(format!("backend {backend} can't be had: {error}"));
                }
                Err(error) => {
                    missing.push(format!("*** NOT COVERED: backend {backend}: {error}"));
                }
            }
        }
        let names: Vec<_> = usable.iter().map(|backend| backend.name()).collect();
        println!("backends covered: {}", names.join(", "));
        Ok((usable, missing))
    }

    fn tests(&self, backends: &[Backend]) -> Vec<Test> {
        let all = scenarios().flat_map(|scenario| {
            let on = move |&backend| Test { scenario, backend };
            backends.iter().map(on)
        });
        all.filter(|test| test.exists() && self.wants(&test.name()))
            .collect()
    }

    fn wants(&self, name: &str) -> bool {
        let fits = |filter: &String| {
            if self.exact {
                name == filter
            } else {
                name.contains(filter.as_str())
            }
        };
        !self.ignored
            && (self.filters.is_empty() || self.filters.iter().any(fits))
            && !self.skip.iter().any(fits)
    }
}

fn named(name: &str) -> Result<Backend, String> {
    let found = Backend::ALL
        .into_iter()
        .find(|backend| backend.name() == name);
    found.ok_or_else(|| {
        let names = Backend::ALL.map(Backend::name).join(", ");
        format!("unknown backend {name}; there are {names}")
    })
}

/// Runs one test, and says by the status how it ended.
fn alone(name: &str) -> ExitCode {
    let all = Wanted::default().tests(&Backend::ALL);
    let Some(test) = all.iter().find(|test| test.name() == name) else {
        eprintln!("there is no test {name}");
        return ExitCode::FAILURE;
    };
    match test.run(&Host::new()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failed { reason, .. }) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the tests one after the other, and prints what libtest would. There are `all` tests that the
/// command line asks for, on any backend; `missing` says which backends are not there.
fn run(tests: &[Test], all: usize, missing: &[String]) -> ExitCode {
    let host = Host::new();
    println!("host: {host}\n\nrunning {} tests", tests.len());
    let begun = Instant::now();
    let (mut passed, mut expected) = (0, 0);
    let mut failures: Vec<_> = expected::unknown()
        .into_iter()
        .map(|name| {
            (
                name.to_owned(),
                "expected to fail, and there is none".to_owned(),
            )
        })
        .collect();
    for test in tests {
        let name = test.name();
        print!("test {name} ... ");
        // So that the name is there if the process ends.
        let _ = io::stdout().flush();
        let why = expected::failure(test.scenario, test.backend, &host);
        let ended = match why {
            Some(why) => fails(&name, why),
            None => test.run(&host),
        };
        match (ended, why) {
            (Ok(()), None) => {
                println!("ok");
                passed += 1;
            }
            (Ok(()), Some(why)) => {
                println!("fails as expected: {why}");
                expected += 1;
            }
            (Err(Failed { reason, stuck }), _) => {
                println!("FAILED");
                failures.push((name, reason));
                if stuck {
                    break;
                }
            }
        }
    }
    let run = passed + expected + failures.len();
    if run < tests.len() {
        let reason = format!("{} tests were not run", tests.len() - run);
        failures.push(("the whole run".to_owned(), reason));
    }
    println!();
    for (name, reason) in &failures {
        println!("---- {name} ----\n{reason}\n");
    }
    // Once more, where it is seen.
    for line in missing {
        println!("{line}");
    }
    let failed = failures.len();
    let (word, code) = match failed {
        0 => ("ok", ExitCode::SUCCESS),
        _ => ("FAILED", ExitCode::FAILURE),
    };
    println!(
        "test result: {word}. {passed} passed; {failed} failed; {expected} failed as expected; {} filtered \
         out; finished in {:.2}s\n",
        all - tests.len(),
        begun.elapsed().as_secs_f64(),
    );
    code
}

/// Runs a test that is expected to fail in a process of its own, which can be ended if it never does by itself.
fn fails(name: &str, why: &str) -> Result<(), Failed> {
    let failed = |reason| Failed {
        reason,
        stuck: false,
    };
    let worked = || {
        failed(format!(
            "it works now, and was expected to fail: {why}; it can be taken out of `expected.rs`"
        ))
    };
    let start = || -> io::Result<Child> {
        Command::new(std::env::current_exe()?)
            .args(["--alone", name])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
    };
    let mut child = start().map_err(|error| failed(error.to_string()))?;
    let end = Instant::now() + PATIENCE_WITH_FAILURES;
    while Instant::now() < end {
        match child.try_wait() {
            Ok(None) => thread::sleep(Duration::from_millis(10)),
            Ok(Some(status)) if status.success() => return Err(worked()),
            Ok(Some(_)) => return Ok(()),
            Err(error) => return Err(failed(error.to_string())),
        }
    }
    // What is stuck in the kernel ends when it can.
    let _ = child.kill();
    Ok(())
}

impl Test {
    fn exists(self) -> bool {
        self.backend.has_guests_of(self.scenario.arch)
    }

    fn name(self) -> String {
        let Scenario { name, arch, .. } = self.scenario;
        format!("{}::{}::{name}", self.backend, arch.name())
    }

    /// Runs on a thread of its own, as a guest can't be trusted to end.
    fn run(self, host: &Host) -> Result<(), Failed> {
        let calls = Calls::default();
        let (done, result) = mpsc::channel();
        let run = {
            let calls = calls.clone();
            move || {
                let result = (self.scenario.run)(self.backend, &calls);
                // Nobody listens any more when this took too long.
                let _ = done.send(result.map_err(|error| error.to_string()));
            }
        };
        let thread = thread::Builder::new().name(self.name()).spawn(move || {
            panic::catch_unwind(panic::AssertUnwindSafe(run)).map_err(|_| last_panic())
        });
        let failed = |stuck, reason| Failed {
            reason: self.explain(reason, &calls, host),
            stuck,
        };
        let thread = thread.map_err(|error| failed(false, error.to_string()))?;
        match result.recv_timeout(PATIENCE) {
            Ok(result) => result.map_err(|reason| failed(false, reason)),
            Err(RecvTimeoutError::Timeout) => Err(failed(
                true,
                format!(
                    "stuck: not done after {PATIENCE:?}; its thread can't be ended, so the tests behind \
                     it were not run"
                ),
            )),
            Err(RecvTimeoutError::Disconnected) => {
                let panicked = thread.join().unwrap_or_else(|_| Err(last_panic()));
                Err(failed(false, panicked.err().unwrap_or_default()))
            }
        }
    }

    /// Adds to the reason of a failure where it was, what went before, and how to see it again.
    fn explain(self, reason: String, calls: &Calls, host: &Host) -> String {
        let Self { scenario, backend } = self;
        let mut text = format!(
            "{reason}\n\nscenario {}, guest {}, backend {backend}, host {host}\nthe last calls:\n",
            scenario.name,
            scenario.arch.name(),
        );
        for call in calls.last(LAST_CALLS) {
            text.push_str(&format!("    {call}\n"));
        }
        text.push_str(&format!(
            "alone: {} --exact {}",
            command("conformance"),
            self.name()
        ));
        text
    }
}

thread_local! {
    /// What this thread's last panic said.
    static PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Keeps what a panic says, to print it with the test that it ended.
fn keep_panic(info: &panic::PanicHookInfo<'_>) {
    PANIC.with(|kept| *kept.borrow_mut() = info.to_string());
}

fn last_panic() -> String {
    PANIC.with(|kept| kept.take())
}
