//! `cargo xtask guests`: assembles the guests of the examples and tests, whose bytes are committed
//! beside their sources so that nobody needs an assembler to run them.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;

#[derive(Args)]
pub(crate) struct Options {
    /// Only compare the committed bytes with what the sources give.
    #[arg(long)]
    check: bool,
}

/// A guest, and how its source is assembled.
struct Guest {
    /// Below `tests/guests`, without an extension.
    path: &'static str,
    /// What the names of its architecture's tools begin with.
    tools: &'static str,
    /// The assembler's option for the object format. Real-mode code is in 32-bit objects.
    format: &'static str,
    /// The linker's name of the same format.
    emulation: &'static str,
    /// The address that the VMM loads, or maps, the first byte at.
    address: &'static str,
}

const GUESTS: [Guest; 10] = [
    Guest {
        path: "x86_64/hello",
        tools: "",
        format: "--32",
        emulation: "elf_i386",
        address: "0x1000",
    },
    Guest {
        path: "x86_64/long_mode",
        tools: "",
        format: "--64",
        emulation: "elf_x86_64",
        address: "0xffffffff80000000",
    },
    Guest {
        path: "x86_64/single_step",
        tools: "",
        format: "--32",
        emulation: "elf_i386",
        address: "0x1000",
    },
    Guest {
        path: "x86_64/state",
        tools: "",
        format: "--64",
        emulation: "elf_x86_64",
        address: "0x1000",
    },
    Guest {
        path: "aarch64/state",
        tools: "aarch64-linux-gnu-",
        format: "-EL",
        emulation: "aarch64linux",
        address: "0x40001000",
    },
    Guest {
        path: "riscv64/state",
        tools: "riscv64-linux-gnu-",
        format: "-march=rv64gc",
        emulation: "elf64lriscv",
        address: "0x80001000",
    },
    Guest {
        path: "x86_64/timer",
        tools: "",
        format: "--32",
        emulation: "elf_i386",
        address: "0x1000",
    },
    Guest {
        path: "aarch64/timer",
        tools: "aarch64-linux-gnu-",
        format: "-EL",
        emulation: "aarch64linux",
        address: "0x40001000",
    },
    Guest {
        path: "aarch64/messages",
        tools: "aarch64-linux-gnu-",
        format: "-EL",
        emulation: "aarch64linux",
        address: "0x40001000",
    },
    Guest {
        path: "riscv64/timer",
        tools: "riscv64-linux-gnu-",
        format: "-march=rv64gc",
        emulation: "elf64lriscv",
        address: "0x80001000",
    },
];

pub(crate) fn run(options: &Options) -> Result<()> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("tests/guests");
    let mut differences = unknown(&dir)?;
    for guest in &GUESTS {
        let assembled = assemble(guest, &dir)?;
        let path = committed(guest, &dir);
        if options.check {
            let found = std::fs::read(&path).unwrap_or_default();
            differences.push_str(&difference(guest, &found, &assembled)?);
        } else {
            std::fs::write(&path, assembled)
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
    }
    if !differences.is_empty() {
        eprint!("{differences}");
        bail!("the guests are not what their sources give; run `cargo xtask guests`");
    }
    Ok(())
}

fn source(guest: &Guest, dir: &Path) -> PathBuf {
    dir.join(guest.path).with_extension("S")
}

fn committed(guest: &Guest, dir: &Path) -> PathBuf {
    dir.join(guest.path).with_extension("bin")
}

/// Names the files in `dir` that belong to no guest, which nothing would ever assemble or compare.
fn unknown(dir: &Path) -> Result<String> {
    let mut text = String::new();
    for arch in read_dir(dir)? {
        for file in read_dir(&arch)? {
            if !GUESTS
                .iter()
                .any(|guest| file == source(guest, dir) || file == committed(guest, dir))
            {
                writeln!(text, "{} belongs to no guest in xtask", file.display())?;
            }
        }
    }
    Ok(text)
}

fn read_dir(dir: &Path) -> Result<Vec<PathBuf>> {
    let entries =
        std::fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))?;
    entries.map(|entry| Ok(entry?.path())).collect()
}

/// Assembles, links and strips down to the bytes of the code.
fn assemble(guest: &Guest, dir: &Path) -> Result<Vec<u8>> {
    let source = source(guest, dir);
    let scratch = tempfile::tempdir()?;
    let object = scratch.path().join("guest.o");
    let image = scratch.path().join("guest.elf");
    let bytes = scratch.path().join("guest.bin");
    let tool = |name| Command::new(format!("{}{name}", guest.tools));
    let mut assembler = tool("as");
    assembler
        .args([guest.format, "--fatal-warnings", "-o"])
        .args([&object, &source]);
    let mut linker = tool("ld");
    linker
        .args(["-m", guest.emulation, "--build-id=none", "-Ttext"])
        .args([guest.address, "-o"])
        .args([&image, &object]);
    let mut stripper = tool("objcopy");
    stripper
        .args(["-O", "binary", "-j", ".text"])
        .args([&image, &bytes]);
    for command in [&mut assembler, &mut linker, &mut stripper] {
        succeed(command).with_context(|| format!("while assembling {}", source.display()))?;
    }
    std::fs::read(&bytes).with_context(|| format!("{} gives no bytes", source.display()))
}

fn succeed(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .with_context(|| format!("cannot run `{program}`; are the GNU binutils installed?"))?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr);
        bail!("`{program}` failed: {}", message.trim());
    }
    Ok(())
}

/// A line about the first byte that differs; none if all are the same.
fn difference(guest: &Guest, committed: &[u8], assembled: &[u8]) -> Result<String> {
    let mut text = String::new();
    if committed != assembled {
        let same = committed
            .iter()
            .zip(assembled)
            .take_while(|(committed, assembled)| committed == assembled)
            .count();
        writeln!(
            text,
            "{}.bin: {} bytes committed, {} assembled, different from byte {same:#x} on",
            guest.path,
            committed.len(),
            assembled.len()
        )?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_byte_and_a_missing_one_are_told_by_their_offset() {
        let guest = &GUESTS[0];
        assert_eq!(difference(guest, &[1, 2], &[1, 2]).unwrap(), "");
        let changed = difference(guest, &[1, 2, 3], &[1, 9, 3]).unwrap();
        assert!(changed.contains("from byte 0x1 on"), "{changed}");
        let cut = difference(guest, &[1], &[1, 2]).unwrap();
        assert!(
            cut.contains("1 bytes committed, 2 assembled, different from byte 0x1"),
            "{cut}"
        );
    }

    #[test]
    fn a_source_that_does_not_assemble_is_named_with_the_reason() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("x86_64")).unwrap();
        std::fs::write(source(&GUESTS[0], dir.path()), "no_such_instruction\n").unwrap();
        let error = format!("{:#}", assemble(&GUESTS[0], dir.path()).unwrap_err());
        assert!(
            error.contains("hello.S") && error.contains("no_such_instruction"),
            "{error}"
        );
    }

    #[test]
    fn a_file_of_no_guest_is_named() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("x86_64")).unwrap();
        std::fs::write(source(&GUESTS[0], dir.path()), "").unwrap();
        assert_eq!(unknown(dir.path()).unwrap(), "");
        std::fs::write(dir.path().join("x86_64/old.bin"), "").unwrap();
        assert!(unknown(dir.path()).unwrap().contains("old.bin"));
    }
}
