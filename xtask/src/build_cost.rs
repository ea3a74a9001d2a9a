//! `cargo xtask build-cost`: what a clean build costs, beside the crates that others use.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Args;

#[derive(Args)]
pub(crate) struct Options {
    /// How many times each is built; the fastest counts.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Build with optimization.
    #[arg(long)]
    release: bool,
}

/// What is compared: a name, and the dependencies of a package that uses it. `{root}` is our folder.
const CANDIDATES: [(&str, &str); 6] = [
    ("kvm-sys", "kvm-sys = { path = \"{root}/kvm-sys\" }"),
    (
        "kvm-sys, all-arches",
        "kvm-sys = { path = \"{root}/kvm-sys\", features = [\"all-arches\"] }",
    ),
    (
        "kvm-core and below",
        "kvm-core = { path = \"{root}/kvm-core\" }",
    ),
    (
        "the family",
        "kvm-mock = { path = \"{root}/kvm-mock\" }\nkvm-core = { path = \"{root}/kvm-core\" }",
    ),
    (
        "kvm-bindings + kvm-ioctls",
        "kvm-bindings = \"0.14\"\nkvm-ioctls = \"0.25\"",
    ),
    (
        "  with fam-wrappers, serde",
        "kvm-bindings = { version = \"0.14\", features = [\"fam-wrappers\", \"serde\"] }\n\
         kvm-ioctls = \"0.25\"",
    ),
];

pub(crate) fn run(options: &Options) -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("");
    println!(
        "{:28} {:>8} {:>8} {:>8}",
        "clean build of", "wall, s", "CPU, s", "crates"
    );
    for (name, dependencies) in CANDIDATES {
        let dir = tempfile::tempdir()?;
        let dependencies = dependencies.replace("{root}", &root.display().to_string());
        let manifest = format!(
            "[package]\nname = \"user\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
             [dependencies]\n{}\n",
            dependencies.replace("//", "/")
        );
        std::fs::write(dir.path().join("Cargo.toml"), manifest)?;
        std::fs::create_dir(dir.path().join("src"))?;
        std::fs::write(dir.path().join("src/lib.rs"), "")?;
        cargo(dir.path(), &["fetch", "--quiet"])
            .with_context(|| format!("no sources of {name}"))?;
        let lock = std::fs::read_to_string(dir.path().join("Cargo.lock"))?;
        let crates = lock.matches("[[package]]").count().saturating_sub(1);
        let mut best: Option<(f64, f64)> = None;
        for _ in 0..options.rounds.max(1) {
            let mut arguments = vec!["build", "--quiet", "--offline", "--target-dir", "target"];
            if options.release {
                arguments.push("--release");
            }
            let (started, before) = (Instant::now(), children()?);
            cargo(dir.path(), &arguments).with_context(|| format!("cannot build {name}"))?;
            let round = (started.elapsed().as_secs_f64(), children()? - before);
            if best.is_none_or(|best| round.1 < best.1) {
                best = Some(round);
            }
            std::fs::remove_dir_all(dir.path().join("target"))?;
        }
        let (wall, cpu) = best.context("nothing was built")?;
        println!("{name:28} {wall:8.1} {cpu:8.1} {crates:8}");
    }
    Ok(())
}

fn cargo(dir: &Path, arguments: &[&str]) -> Result<()> {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(arguments)
        .current_dir(dir)
        .env_remove("CARGO_TARGET_DIR")
        .stdin(Stdio::null())
        .output()
        .context("cannot run cargo")?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

/// CPU seconds that this process's finished children have used, and theirs.
fn children() -> Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").context("CPU time is read from /proc")?;
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let mut times = fields.split_whitespace().skip(13).take(2);
    let mut ticks = 0.0;
    for _ in 0..2 {
        ticks += times
            .next()
            .context("/proc/self/stat is cut short")?
            .parse::<f64>()?;
    }
    // The kernel's unit for users, whatever its own is.
    Ok(ticks / 100.0)
}
