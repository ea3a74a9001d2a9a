//! Which programs run in the lab, as the command line names them.

use std::path::PathBuf;

use anyhow::{Context, Result};

use super::rust::{Kind, Target};

/// A program, with what the command line passes to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Program {
    pub(crate) source: Source,
    pub(crate) arguments: Vec<String>,
}

/// Where a program comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// Cargo builds it.
    Cargo(Target),
    /// It is there, and static.
    File(PathBuf),
}

impl Program {
    /// The suite of this project, on the kernel.
    pub(crate) fn conformance() -> Self {
        Self::test("conformance", &["--backend", "kvm"])
    }

    /// The tests of this project that call real KVM, whatever the architecture.
    pub(crate) fn callers() -> Vec<Self> {
        vec![
            Self::conformance(),
            Self::test("kvm_methods", &[]),
            Self::test("kvm_state_interrupts", &[]),
        ]
    }

    fn test(name: &str, arguments: &[&str]) -> Self {
        Self {
            source: Source::Cargo(Target {
                kind: Kind::Test,
                name: name.to_owned(),
            }),
            arguments: arguments.iter().map(|&word| word.to_owned()).collect(),
        }
    }

    /// The programs of a command line, with `--` between them.
    pub(crate) fn parse(words: &[String]) -> Result<Vec<Self>> {
        words.split(|word| word == "--").map(Self::one).collect()
    }

    fn one(words: &[String]) -> Result<Self> {
        let (name, arguments) = words
            .split_first()
            .context("there is no program after `--`")?;
        let kind = match name.split_once(':') {
            Some(("test", name)) => Some((Kind::Test, name)),
            Some(("bin", name)) => Some((Kind::Bin, name)),
            Some(("example", name)) => Some((Kind::Example, name)),
            Some(("lib", name)) => Some((Kind::Lib, name)),
            _ => None,
        };
        let source = match kind {
            Some((kind, name)) => Source::Cargo(Target {
                kind,
                name: name.to_owned(),
            }),
            None => Source::File(name.into()),
        };
        Ok(Self {
            source,
            arguments: arguments.to_vec(),
        })
    }

    /// As the command line names it.
    pub(crate) fn name(&self) -> String {
        match &self.source {
            Source::Cargo(Target { kind, name }) => {
                let kind = match kind {
                    Kind::Test => "test",
                    Kind::Bin => "bin",
                    Kind::Example => "example",
                    Kind::Lib => "lib",
                };
                format!("{kind}:{name}")
            }
            Source::File(path) => path.display().to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_programs_are_parted_by_dashes() {
        let words = [
            "test:vmm",
            "--exact",
            "a::b",
            "--",
            "./a:b",
            "--",
            "lib:kvm-core",
        ];
        let programs = Program::parse(&words.map(str::to_owned)).unwrap();
        let names: Vec<_> = programs.iter().map(Program::name).collect();
        assert_eq!(names, ["test:vmm", "./a:b", "lib:kvm-core"]);
        assert_eq!(programs[0].arguments, ["--exact", "a::b"]);
        assert!(matches!(&programs[1].source, Source::File(path) if path.as_os_str() == "./a:b"));
        assert!(Program::parse(&["--".to_owned()]).is_err());
    }
}
