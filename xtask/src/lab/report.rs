//! What is said of a run at its end: how each program ended, and how to run alone what failed.

use std::fmt;
use std::process::ExitCode;

use super::machine::{Arch, Kernel};
use super::programs::Program;
use super::run::{Ended, Run};

/// How many of the last lines are shown of a machine that failed.
const LAST: usize = 30;

/// How the programs ended on one machine.
pub(crate) struct Report {
    arch: Arch,
    kernel: Kernel,
    programs: Vec<Program>,
    run: Run,
}

impl Report {
    pub(crate) fn new(arch: Arch, kernel: Kernel, programs: &[Program], run: Run) -> Self {
        Self {
            arch,
            kernel,
            programs: programs.to_vec(),
            run,
        }
    }

    pub(crate) fn is_success(&self) -> bool {
        let ended = &self.run.status.ended;
        self.run.status.done
            && ended.len() == self.programs.len()
            && ended.iter().all(|ended| *ended == Ended::Exit(0))
    }

    /// The status of the first program that failed, as a shell has it.
    pub(crate) fn code(&self) -> ExitCode {
        if self.is_success() {
            return ExitCode::SUCCESS;
        }
        let failed = self
            .run
            .status
            .ended
            .iter()
            .find(|ended| **ended != Ended::Exit(0));
        match failed {
            Some(Ended::Exit(code)) => ExitCode::from(*code),
            Some(Ended::Signal(signal)) => {
                ExitCode::from(u8::try_from(128 + signal).unwrap_or(u8::MAX))
            }
            _ => ExitCode::FAILURE,
        }
    }

    /// The command that runs one test of a program.
    fn alone(&self, program: &Program, test: &str) -> String {
        let (arch, kernel, name) = (self.arch, self.kernel, program.name());
        format!("cargo xtask lab run --arch {arch} --kernel {kernel} -- {name} --exact {test}")
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kernel = match &self.run.status.kernel {
            Some(version) => version.as_str(),
            None => self.kernel.name(),
        };
        let machine = format!("{}, Linux {kernel}", self.arch);
        let seconds = self.run.took.as_secs_f64();
        if self.is_success() {
            return write!(f, "lab: {machine}: passed in {seconds:.1} s");
        }
        for (index, program) in self.programs.iter().enumerate() {
            let name = program.name();
            let how = match self.run.status.ended.get(index) {
                Some(Ended::Exit(0)) => continue,
                Some(Ended::Exit(code)) => format!("ended with status {code}"),
                Some(Ended::Signal(signal)) => format!("was killed by signal {signal}"),
                Some(Ended::NotStarted(why)) => format!("could not be started: {why}"),
                None if self.run.timed_out => format!("was not done after {seconds:.0} s"),
                None => "did not come to its end".to_owned(),
            };
            writeln!(f, "lab: {machine}: FAILED: {name} {how}")?;
        }
        for (program, test) in self.failed_tests() {
            writeln!(f, "lab: {machine}: FAILED: {test}")?;
            writeln!(f, "    alone: {}", self.alone(program, test))?;
        }
        if self.run.timed_out || self.run.is_fault() {
            write!(f, "{}", fault(&self.run))?;
        }
        Ok(())
    }
}

impl Report {
    /// The tests that failed, and the program that each is in, if that can be told.
    fn failed_tests(&self) -> Vec<(&Program, &str)> {
        let failed = self.run.output.iter().filter_map(|line| failed_test(line));
        match self.programs.as_slice() {
            [program] => failed.map(|test| (program, test)).collect(),
            _ => Vec::new(),
        }
    }
}

/// The test of a line `test NAME ... FAILED`.
fn failed_test(line: &str) -> Option<&str> {
    line.strip_prefix("test ")?.strip_suffix(" ... FAILED")
}

/// What is known of a machine that did not come to its end.
pub(crate) fn fault(run: &Run) -> String {
    let last = |text: &str| -> String {
        let lines: Vec<_> = text.lines().collect();
        let from = lines.len().saturating_sub(LAST);
        let lines = lines.get(from..).unwrap_or_default();
        lines.iter().map(|line| format!("    {line}\n")).collect()
    };
    let mut text = String::new();
    if let Some(line) = run.output.last() {
        text.push_str(&format!("lab: the last line of a program: {line}\n"));
    }
    for (what, said) in [("kernel", &run.console), ("emulator", &run.complaints)] {
        if !said.trim().is_empty() {
            text.push_str(&format!("lab: what the {what} said last:\n{}", last(said)));
        }
    }
    text
}
