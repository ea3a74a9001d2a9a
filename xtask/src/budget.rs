//! `cargo xtask budget`: how many instructions an exit costs outside the system call.
//!
//! Counted, not timed: each loop runs under `valgrind --tool=callgrind` over a run page that says the same
//! exit again and again, with a short `ioctl` in place of the C library's. What a loop in C takes that only
//! makes the call and looks at its result is not counted.
//!
//! What ours have above the loops in C, which check nothing and know no threads:
//!
//! * 4, any exit: comparing the thread that enters with the last one, so that a kick finds it;
//! * 1, any exit: loading the reason, which is compared more than once;
//! * 2, MMIO: the reason is compared with port I/O before;
//! * 4, MMIO: its length is 1 to 8;
//! * 4, port I/O: width (with the direction, in one comparison) and count;
//! * 5, port I/O: the byte is behind the structure and before the end of the page;
//! * 2, any exit: how the compiler turns the loop.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;

#[derive(Args)]
pub(crate) struct Options {
    /// Only print the counts, whatever they are.
    #[arg(long)]
    no_limits: bool,
}

/// A loop, and the most instructions that ours may take for an exit: what it took when it was last made
/// better.
struct Loop {
    name: &'static str,
    says: &'static str,
    limit: u64,
}

const LOOPS: [Loop; 5] = [
    Loop {
        name: "mmio_write",
        says: "MMIO write, run",
        limit: 17,
    },
    Loop {
        name: "port_out",
        says: "port out, run",
        limit: 21,
    },
    Loop {
        name: "ten_kinds_mmio",
        says: "ten kinds, MMIO write, run_with",
        limit: 17,
    },
    Loop {
        name: "ten_kinds_port",
        says: "ten kinds, port out, run_with",
        limit: 21,
    },
    Loop {
        name: "registers",
        says: "port out, registers read and written",
        limit: 24,
    },
];

/// How many exits each loop takes; what comes once vanishes in the rounding.
const EXITS: u64 = 10_000;

pub(crate) fn run(options: &Options) -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("budget");
    let dir = tempfile::tempdir()?;
    let rust = build_rust(&folder)?;
    let c = build_c(&folder, dir.path())?;

    let call = count(&c, "c_nothing", dir.path())?;
    let mut over = Vec::new();
    println!(
        "{:38}{:>6}{:>12}{:>4}",
        "instructions per exit", "ours", "kvm-ioctls", "C"
    );
    let less = |exit: u64| exit.checked_sub(call).context("less than the call alone");
    for Loop { name, says, limit } in LOOPS {
        let ours = less(count(&rust, &format!("ours_{name}"), dir.path())?)?;
        let theirs = less(count(&rust, &format!("theirs_{name}"), dir.path())?)?;
        let c = less(count(&c, &format!("c_{name}"), dir.path())?)?;
        println!("{says:38}{ours:>6}{theirs:>12}{c:>4}");
        if ours > limit {
            over.push(format!("{says}: {ours}, more than {limit}"));
        }
    }
    if !over.is_empty() && !options.no_limits {
        bail!("over the budget:\n{}", over.join("\n"));
    }
    Ok(())
}

fn build_rust(folder: &Path) -> Result<PathBuf> {
    let target = folder.join("target");
    let status = Command::new(env!("CARGO"))
        .current_dir(folder)
        .args(["build", "--release", "--quiet", "--target-dir"])
        .arg(&target)
        .status()?;
    if !status.success() {
        bail!("the loops don't build");
    }
    Ok(target.join("release/budget"))
}

fn build_c(folder: &Path, dir: &Path) -> Result<PathBuf> {
    let program = dir.join("budget_c");
    let status = Command::new("cc")
        .args(["-O2", "-o"])
        .arg(&program)
        .arg(folder.join("c/loops.c"))
        .arg(folder.join("src/ioctl.s"))
        .status()
        .context("cannot run `cc`; is a C compiler installed?")?;
    if !status.success() {
        bail!("the loops in C don't build");
    }
    Ok(program)
}

/// The instructions of an exit in this loop, those of the call among them.
fn count(program: &Path, name: &str, dir: &Path) -> Result<u64> {
    let file = dir.join("callgrind.out");
    let function = name.trim_end_matches("_mmio").trim_end_matches("_port");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--error-exitcode=0"])
        .arg(format!("--toggle-collect={function}"))
        .arg(format!("--callgrind-out-file={}", file.display()))
        .arg(program)
        .args([name, &EXITS.to_string()])
        .output()
        .context("cannot run `valgrind`; it is in the Debian package of that name")?;
    if !output.status.success() {
        bail!(
            "{name} failed:\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let text = std::fs::read_to_string(&file)?;
    let total: u64 = text
        .lines()
        .find_map(|line| line.strip_prefix("summary: "))
        .context("callgrind says no sum")?
        .trim()
        .parse()?;
    // Rounded to the nearest.
    Ok((total + EXITS / 2) / EXITS)
}
