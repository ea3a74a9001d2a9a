//! What is said of a run at its end: how each program ended, and how to run alone what failed.

use std::fmt;
use std::process::ExitCode;
use std::time::Duration;

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
    /// The command that runs programs on this machine as these ran, up to their names.
    command: String,
    run: Run,
}

impl Report {
    pub(crate) fn new(
        arch: Arch,
        kernel: Kernel,
        programs: &[Program],
        command: String,
        run: Run,
    ) -> Self {
        Self {
            arch,
            kernel,
            programs: programs.to_vec(),
            command,
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
        format!("{} -- {} --exact {test}", self.command, program.name())
    }
}

/// How long it all took, and apart from that the downloads in it.
pub(crate) fn time(all: Duration, downloads: Duration) -> String {
    let own = all.saturating_sub(downloads).as_secs_f64();
    if downloads.is_zero() {
        return format!("lab: {own:.1} s in all");
    }
    let downloads = downloads.as_secs_f64();
    format!("lab: {own:.1} s in all, and {downloads:.1} s of downloads")
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kernel = match &self.run.status.kernel {
            Some(version) => version.as_str(),
            None => self.kernel.name(),
        };
        let machine = format!("{}, Linux {kernel}", self.arch);
        let seconds = self.run.took.as_secs_f64();
        for line in self.run.console.lines().filter(|line| is_complaint(line)) {
            writeln!(f, "lab: {machine}: the kernel complained: {line}")?;
        }
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
        if let Some((program, test)) = self.unfinished_test() {
            writeln!(f, "lab: {machine}: NOT DONE: {test}")?;
            writeln!(f, "    alone: {}", self.alone(program, test))?;
        }
        if self.run.timed_out || self.run.is_fault() {
            write!(f, "{}", fault(&self.run))?;
        }
        Ok(())
    }
}

impl Report {
    /// The tests that failed, and the program that each is in.
    fn failed_tests(&self) -> impl Iterator<Item = (&Program, &str)> {
        let programs = self.programs.iter().zip(&self.run.output);
        programs.flat_map(|(program, lines)| {
            let failed = lines.iter().filter_map(|line| failed_test(line));
            failed.map(move |test| (program, test))
        })
    }

    /// The test that ran when the machine ended.
    fn unfinished_test(&self) -> Option<(&Program, &str)> {
        let mut programs = self.programs.iter().zip(&self.run.output);
        let (program, lines) = programs.next_back()?;
        let line = lines.last()?;
        let test = line.strip_prefix("test ")?.strip_suffix(" ... ")?;
        Some((program, test))
    }
}

/// The test of a line `test NAME ... FAILED`.
fn failed_test(line: &str) -> Option<&str> {
    line.strip_prefix("test ")?.strip_suffix(" ... FAILED")
}

/// Whether the kernel says that something is wrong with itself.
fn is_complaint(line: &str) -> bool {
    ["BUG:", "WARNING:", "Oops", "Kernel panic"]
        .iter()
        .any(|word| line.contains(word))
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
    if let Some(line) = run.output.iter().flatten().last() {
        text.push_str(&format!("lab: the last line of a program: {line}\n"));
    }
    for (what, said) in [("kernel", &run.console), ("emulator", &run.complaints)] {
        if !said.trim().is_empty() {
            text.push_str(&format!("lab: what the {what} said last:\n{}", last(said)));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::run::Status;
    use super::*;

    fn report(ended: Vec<Ended>, done: bool, output: &[&str]) -> Report {
        let run = Run {
            output: vec![output.iter().map(|&line| line.to_owned()).collect()],
            console: "[ 1.0] WARNING: CPU: 0 PID: 1\n[ 1.1] fine\n".to_owned(),
            status: Status {
                kernel: Some("6.12.1-cloud".to_owned()),
                ended,
                done,
            },
            ..Run::ended(done, false)
        };
        let programs = [Program::conformance()];
        Report::new(
            Arch::Aarch64,
            Kernel::V6_12,
            &programs,
            "cargo xtask lab run --arch aarch64".to_owned(),
            run,
        )
    }

    #[test]
    fn a_failed_test_is_named_with_the_machine_and_the_way_to_run_it_alone() {
        let output = ["test kvm::a::b ... ok", "test kvm::a::c ... FAILED"];
        let text = report(vec![Ended::Exit(1)], true, &output).to_string();
        for part in [
            "aarch64, Linux 6.12.1-cloud: FAILED: test:conformance ended with status 1",
            "aarch64, Linux 6.12.1-cloud: FAILED: kvm::a::c",
            "alone: cargo xtask lab run --arch aarch64 -- test:conformance --exact kvm::a::c",
            "the kernel complained: [ 1.0] WARNING",
        ] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
        assert!(!text.contains("a::b") && !text.contains("fine"), "{text}");
    }

    #[test]
    fn downloads_are_told_apart() {
        let seconds = Duration::from_secs;
        assert_eq!(time(seconds(9), seconds(0)), "lab: 9.0 s in all");
        let some = time(seconds(9), seconds(5));
        assert_eq!(some, "lab: 4.0 s in all, and 5.0 s of downloads");
    }

    #[test]
    fn a_run_without_an_end_is_no_success() {
        assert!(report(vec![Ended::Exit(0)], true, &[]).is_success());
        for (ended, done) in [
            (vec![Ended::Exit(0)], false),
            (vec![], true),
            (vec![Ended::Signal(9)], true),
        ] {
            let report = report(ended, done, &["starting"]);
            assert!(!report.is_success());
            assert_eq!(report.run.is_fault(), !done);
        }
        let mut hung = report(vec![], false, &["test kvm::a::b ... "]);
        hung.run.timed_out = true;
        let hung = hung.to_string();
        assert!(hung.contains("was not done after 2 s"), "{hung}");
        let cut = report(vec![], false, &["test kvm::a::b ... "]).to_string();
        for part in [
            "did not come to its end",
            "NOT DONE: kvm::a::b\n    alone: cargo",
        ] {
            assert!(cut.contains(part), "{part} is not in {cut}");
        }
    }
}
