//! What is done when the library is loaded, and when the program ends.
#![expect(unsafe_code, reason = "has functions called by the dynamic linker")]

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::table::{self, File};
use crate::{config, guard, path, process, report, system};

/// Whether anything is to be taken over.
static ACTIVE: AtomicBool = AtomicBool::new(false);

pub(crate) fn active() -> bool {
    ACTIVE.load(Ordering::Relaxed)
}

// SAFETY: the section holds the addresses of functions without arguments that matter, which the dynamic linker
// calls once the library can be used.
#[unsafe(link_section = ".init_array")]
#[used]
static BEGIN: extern "C" fn() = begin;

// SAFETY: as for `BEGIN`, when the program exits.
#[unsafe(link_section = ".fini_array")]
#[used]
static END: extern "C" fn() = end;

extern "C" fn begin() {
    let begun = || {
        if let Err(text) = config::read() {
            report::say(&text);
            return Ok(());
        }
        if config::get().is_some() {
            process::begin();
            report::event("loaded");
            inherit();
            ACTIVE.store(true, Ordering::Relaxed);
        }
        Ok(())
    };
    guard::answer(|| guard::own(begun), ());
}

/// The program ends: says what became of the run.
pub(crate) extern "C" fn end() {
    if active() && !process::borrowed() {
        let ended = || {
            system::end();
            Ok(())
        };
        guard::answer(|| guard::own(ended), ());
    }
}

/// Takes over descriptors that the program before this one left open.
fn inherit() {
    let Ok(entries) = fs::read_dir("/proc/self/fd") else {
        return;
    };
    let fds: Vec<i32> = entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    for fd in fds {
        if let Some(file) = stranger(fd) {
            table::insert(fd, file);
        }
    }
}

/// What a descriptor stands for that came from another process.
pub(crate) fn stranger(fd: i32) -> Option<File> {
    let name = path::name(fd)?;
    let name = name.to_str()?;
    let kernel = matches!(config::get()?.source, config::Source::Kernel);
    if kernel {
        // The kernel itself knows of the others whose they are.
        return (name == "/dev/kvm").then_some(File::Inherited);
    }
    let name = name.strip_prefix("/memfd:")?.strip_suffix(" (deleted)")?;
    match name {
        "kvm" => Some(File::Inherited),
        _ if name.starts_with("kvm-") => Some(File::Elsewhere),
        _ => None,
    }
}
