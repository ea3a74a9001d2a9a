//! Whether a program can be served: whether it would load the library, and call what that takes over.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::{env, fmt};

/// Why a program can't be served, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    Static,
    Go,
    OtherArchitecture(u16),
    OtherLibrary(String),
    Privileged,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Static => f.write_str(
                "it is linked statically, and loads no library; link it dynamically (for Rust, a target whose name \
                 ends in gnu; for C, without -static)",
            ),
            Self::Go => f.write_str(
                "it is written in Go, whose programs make system calls of their own, which no library sees; record \
                 where it calls KVM through C, or run it on /dev/kvm",
            ),
            Self::OtherArchitecture(machine) => {
                let name = match *machine {
                    3 => "32-bit x86",
                    40 => "32-bit Arm",
                    62 => "x86_64",
                    183 => "aarch64",
                    243 => "riscv64",
                    _ => "another machine",
                };
                write!(f, "it is a program for {name}; use a kvmrec and a library for that")
            }
            Self::OtherLibrary(loader) => write!(
                f,
                "it is linked against another C library ({loader}) than this library is; build the library for that"
            ),
            Self::Privileged => f.write_str(
                "it is set-uid or set-gid, for which the system preloads nothing; run it as its owner, or a copy \
                 without the bit",
            ),
        }
    }
}

/// The file of a program, as a shell finds it.
pub(crate) fn find(program: &OsStr) -> Option<PathBuf> {
    if Path::new(program).components().count() > 1 {
        return Path::new(program).is_file().then(|| program.into());
    }
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

/// Looks at the file of a program, and at what runs it, if it is a script.
pub(crate) fn check(program: &Path) -> Result<(), Reason> {
    if is_privileged(program) {
        return Err(Reason::Privileged);
    }
    // What can't be read may be run all the same; then it tells itself.
    let Ok(start) = read(program) else {
        return Ok(());
    };
    if let Some(line) = start.strip_prefix(b"#!") {
        let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let line = String::from_utf8_lossy(line);
        let mut words = line.split_whitespace();
        let mut runs = words.next().map(PathBuf::from);
        if runs.as_ref().is_some_and(|runs| runs.ends_with("env")) {
            let named = words.find(|word| !word.starts_with('-'));
            runs = named.and_then(|named| find(OsStr::new(named)));
        }
        return match runs {
            Some(runs) if runs != program => check(&runs),
            _ => Ok(()),
        };
    }
    match Elf::read(&start) {
        Some(elf) => elf.check(),
        None => Ok(()),
    }
}

fn read(program: &Path) -> io::Result<Vec<u8>> {
    /// Headers and notes of programs are at their start.
    const ENOUGH: u64 = 1 << 16;

    let mut start = Vec::new();
    File::open(program)?.take(ENOUGH).read_to_end(&mut start)?;
    Ok(start)
}

#[cfg(unix)]
fn is_privileged(program: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;

    const SET_UID: u32 = 0o4000;
    const SET_GID: u32 = 0o2000;

    let Ok(about) = fs::metadata(program) else {
        return false;
    };
    // Who runs it is who owns what this process has.
    let own = fs::metadata("/proc/self")
        .map(|own| (own.uid(), own.gid()))
        .unwrap_or_default();
    about.mode() & SET_UID != 0 && about.uid() != own.0
        || about.mode() & SET_GID != 0 && about.gid() != own.1
}

#[cfg(not(unix))]
fn is_privileged(program: &Path) -> bool {
    fs::metadata(program).is_err()
}

/// What the headers of a program say.
struct Elf<'a> {
    bytes: &'a [u8],
    machine: u16,
    /// What loads it.
    interpreter: Option<&'a [u8]>,
    go: bool,
}

impl<'a> Elf<'a> {
    /// Gives nothing when it is none.
    fn read(bytes: &'a [u8]) -> Option<Self> {
        const INTERP: u32 = 3;
        const NOTE: u32 = 4;

        if !bytes.starts_with(b"\x7fELF") {
            return None;
        }
        let mut elf = Self {
            bytes,
            machine: elf_u16(bytes, 18)?,
            interpreter: None,
            go: false,
        };
        // The layout of 32 bits is another one, and no such program is served.
        if bytes.get(4) != Some(&2) {
            return Some(elf);
        }
        let table = elf_u64(bytes, 32)?;
        let (size, count) = (elf_u16(bytes, 54)?, elf_u16(bytes, 56)?);
        for n in 0..usize::from(count) {
            let header = bytes.get(table.checked_add(n * usize::from(size))?..)?;
            let kind = header.first_chunk().map(|kind| u32::from_le_bytes(*kind))?;
            let (offset, len) = (elf_u64(header, 8)?, elf_u64(header, 32)?);
            let part = bytes
                .get(offset..offset.checked_add(len)?)
                .unwrap_or_default();
            match kind {
                INTERP => elf.interpreter = Some(part.strip_suffix(b"\0").unwrap_or(part)),
                NOTE => elf.go |= part.windows(4).any(|name| name == b"Go\0\0"),
                _ => {}
            }
        }
        Some(elf)
    }

    fn check(&self) -> Result<(), Reason> {
        const WIDE: u8 = 2;

        let native = match env::consts::ARCH {
            "x86_64" => 62,
            "aarch64" => 183,
            "riscv64" => 243,
            _ => self.machine,
        };
        let wide = self.bytes.get(4) == Some(&WIDE);
        if self.machine != native || !wide {
            return Err(Reason::OtherArchitecture(self.machine));
        }
        if self.go {
            return Err(Reason::Go);
        }
        let interpreter = self.interpreter.ok_or(Reason::Static)?;
        let loader = String::from_utf8_lossy(interpreter);
        if loader.contains("ld-musl") {
            return Err(Reason::OtherLibrary(loader.into_owned()));
        }
        Ok(())
    }
}

fn elf_u16(bytes: &[u8], at: usize) -> Option<u16> {
    let bytes = bytes.get(at..)?.first_chunk()?;
    Some(u16::from_le_bytes(*bytes))
}

fn elf_u64(bytes: &[u8], at: usize) -> Option<usize> {
    let bytes = bytes.get(at..)?.first_chunk()?;
    usize::try_from(u64::from_le_bytes(*bytes)).ok()
}
