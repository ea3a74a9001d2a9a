//! `cargo xtask lab`: runs programs on real KVM, on emulated machines of each architecture.

mod image;
mod machine;
mod methods;
mod packages;
mod profile;
mod programs;
mod report;
mod run;
mod rust;
mod uncalled;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand, ValueEnum};

use image::Image;
use machine::{Arch, Boot, FILES, Kernel};
use packages::Store;
use programs::{Program, Source};
use report::Report;
use run::Run;
use rust::{Cargo, Kind, Target};
use uncalled::Uncalled;

/// The compiler's flags that make a program count what it ran.
const COVERAGE: &str = "-Cinstrument-coverage -Cllvm-args=-enable-name-compression=false";

#[derive(Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    command: Cmd,
}

#[derive(Subcommand)]
enum Cmd {
    /// Fetch what the lab is made of into the cache, where it is not there yet.
    Setup(SetupOptions),
    /// Run programs on the KVM of an emulated machine.
    Run(RunOptions),
    /// List the methods of kvm-core that no test calls on real KVM, and check that each has a reason.
    Methods(SetupOptions),
}

#[derive(Args)]
struct SetupOptions {
    #[arg(long, default_value = "all")]
    arch: Which,
    #[arg(long, default_value = "6.12")]
    kernel: Kernel,
}

#[derive(Args)]
struct RunOptions {
    /// The machine, or `all`, one after the other.
    #[arg(long)]
    arch: Which,
    #[arg(long, default_value = "6.12")]
    kernel: Kernel,
    /// How many seconds a machine may take.
    #[arg(long, default_value_t = 300)]
    timeout: u64,
    /// The workspace or package that cargo builds programs of; this one if there is none.
    #[arg(long)]
    manifest_path: Option<PathBuf>,
    /// A file or folder that the programs find in /in.
    #[arg(long = "in")]
    into: Vec<PathBuf>,
    /// A folder for what the programs leave in /out; with `all`, for a folder of each architecture.
    #[arg(long)]
    out: Option<PathBuf>,
    /// A variable of the programs' environment.
    #[arg(long, value_name = "NAME=VALUE")]
    env: Vec<String>,
    /// The programs, each with its arguments, and `--` between them: `test:NAME`, `bin:NAME`, `example:NAME` or
    /// `lib:PACKAGE` of the workspace, or the path of a static binary. Without any, the conformance suite.
    #[arg(last = true)]
    programs: Vec<String>,
}

impl RunOptions {
    /// The command that runs programs on one of the machines as these options say, up to the programs' names.
    fn command(&self, arch: Arch) -> String {
        let mut command = format!("cargo xtask lab run --arch {arch} --kernel {}", self.kernel);
        let mut add = |option: &str, value: &str| {
            let plain = |c: char| c.is_ascii_alphanumeric() || "/._-=+:,".contains(c);
            let value = match value.chars().all(plain) {
                true => value.to_owned(),
                false => format!("'{}'", value.replace('\'', r"'\''")),
            };
            command.push_str(&format!(" --{option} {value}"));
        };
        if let Some(path) = &self.manifest_path {
            add("manifest-path", &path.to_string_lossy());
        }
        for path in &self.into {
            add("in", &path.to_string_lossy());
        }
        for variable in &self.env {
            add("env", variable);
        }
        command
    }
}

/// One architecture or all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Which {
    #[value(name = "x86_64")]
    X86_64,
    Aarch64,
    Riscv64,
    All,
}

impl Which {
    fn arches(self) -> &'static [Arch] {
        match self {
            Self::X86_64 => &[Arch::X86_64],
            Self::Aarch64 => &[Arch::Aarch64],
            Self::Riscv64 => &[Arch::Riscv64],
            Self::All => &Arch::ALL,
        }
    }
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        bail!("the lab's tools are those of an x86_64 Linux");
    }
    match &options.command {
        Cmd::Setup(options) => setup(options),
        Cmd::Run(options) => run_all(options),
        Cmd::Methods(options) => list_methods(options),
    }
}

fn setup(options: &SetupOptions) -> Result<ExitCode> {
    let begun = Instant::now();
    let downloads = fetch(options.arch, options.kernel)?;
    println!("{}", report::time(begun.elapsed(), downloads));
    Ok(ExitCode::SUCCESS)
}

/// Fetches what is not there, and tells how long the downloads took.
fn fetch(arch: Which, kernel: Kernel) -> Result<Duration> {
    let mut downloads = Duration::ZERO;
    for &arch in arch.arches() {
        downloads += Store::with(arch, kernel, !rust::has_library(arch)?)?.downloads;
    }
    Ok(downloads)
}

fn run_all(options: &RunOptions) -> Result<ExitCode> {
    let programs = if options.programs.is_empty() {
        vec![Program::conformance()]
    } else {
        Program::parse(&options.programs)?
    };
    let begun = Instant::now();
    let downloads = fetch(options.arch, options.kernel)?;
    let mut reports = Vec::new();
    for &arch in options.arch.arches() {
        let out = options.out.as_ref().map(|out| match options.arch {
            Which::All => out.join(arch.name()),
            _ => out.clone(),
        });
        reports.push(run_on(arch, options, &programs, out.as_deref(), "")?);
    }
    for report in &reports {
        println!("{report}");
    }
    println!("{}", report::time(begun.elapsed(), downloads));
    Ok(match reports.as_slice() {
        [report] => report.code(),
        reports if reports.iter().all(Report::is_success) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

fn list_methods(options: &SetupOptions) -> Result<ExitCode> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let src = own.with_file_name("kvm-core/src");
    let reasons = Uncalled::read(&own.join("lab/uncalled.toml"))?;
    let mut success = true;
    for &arch in options.arch.arches() {
        let out = tempfile::tempdir()?;
        let run = RunOptions {
            arch: options.arch,
            kernel: options.kernel,
            timeout: 600,
            manifest_path: None,
            into: Vec::new(),
            out: None,
            env: vec!["LLVM_PROFILE_FILE=/out/%p.profraw".to_owned()],
            programs: Vec::new(),
        };
        let report = run_on(arch, &run, &Program::callers(), Some(out.path()), COVERAGE)?;
        println!("{report}");
        success &= report.is_success();
        let all = methods::of(arch, &src)?;
        let called = methods::called(out.path())?;
        let missing = all.difference(&called).count();
        println!(
            "{arch}: {} of {} methods called on real KVM",
            all.len() - missing,
            all.len()
        );
        let judged = reasons.judge(arch, &all, &called);
        print!("{judged}");
        success &= judged.is_success();
    }
    Ok(if success {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Runs a machine, and once more if it was the machine that failed.
fn again_if_it_failed(mut run: impl FnMut() -> Result<Run>) -> Result<Run> {
    let first = run()?;
    if !first.is_fault() {
        return Ok(first);
    }
    println!("{}", report::fault(&first));
    println!("lab: the machine failed, not a program; once more");
    run()
}

/// Runs the programs on a machine, and once more if it was the machine that failed.
fn run_on(
    arch: Arch,
    options: &RunOptions,
    programs: &[Program],
    out: Option<&Path>,
    flags: &str,
) -> Result<Report> {
    let own_compiler = !rust::has_library(arch)?;
    let store = Store::with(arch, options.kernel, own_compiler)?;
    let cargo = Cargo::new(&store, arch, own_compiler, flags)?;
    let scratch = tempfile::tempdir()?;
    let image = scratch.path().join("initramfs");
    let plain = Cargo::new(&store, arch, own_compiler, "")?;
    let init = first_process(&plain)?;
    let modules = arch.modules().iter().chain(options.kernel.modules());
    let mut machine = Image::new(&init, modules, &store.kernel(arch, options.kernel))?;
    fill(&mut machine, arch, &cargo, options, programs)?;
    let bytes = machine.finish()?;
    std::fs::write(&image, &bytes)?;
    let size = u64::try_from(bytes.len())?;
    let boot = Boot {
        arch,
        kernel: &kernel_file(&store.kernel(arch, options.kernel))?,
        initramfs: &image,
        // Files may fill half of what the image itself leaves free.
        memory: 256 + 4 * size.div_ceil(1 << 20),
        dir: scratch.path(),
    };
    let timeout = Duration::from_secs(options.timeout);
    println!("=== {arch}, Linux {} ===", options.kernel);
    let names: Vec<_> = programs.iter().map(Program::name).collect();
    let run = again_if_it_failed(|| run::run(&store.emulators(), &boot, &names, timeout))?;
    if let Some(out) = out {
        std::fs::create_dir_all(out)?;
        let archive = std::fs::File::open(scratch.path().join(FILES))?;
        tar::Archive::new(archive)
            .unpack(out)
            .with_context(|| format!("cannot unpack what was left into {}", out.display()))?;
    }
    let command = options.command(arch);
    Ok(Report::new(arch, options.kernel, programs, command, run))
}

fn first_process(cargo: &Cargo) -> Result<PathBuf> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("lab/init/Cargo.toml");
    let target = Target {
        kind: Kind::Bin,
        name: "lab-init".to_owned(),
    };
    let built = cargo.build(&manifest, &["--quiet", "--release"], &[target])?;
    built.into_iter().next().context("cargo built no lab-init")
}

/// Builds the programs and adds them, and all that they need.
fn fill(
    image: &mut Image,
    arch: Arch,
    cargo: &Cargo,
    options: &RunOptions,
    programs: &[Program],
) -> Result<()> {
    let targets: Vec<Target> = programs
        .iter()
        .filter_map(|program| match &program.source {
            Source::Cargo(target) => Some(target.clone()),
            Source::File(_) => None,
        })
        .collect();
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("Cargo.toml");
    let manifest = options.manifest_path.as_ref().unwrap_or(&own);
    let mut built = match targets.as_slice() {
        [] => Vec::new(),
        targets => cargo.build(manifest, &[], targets)?,
    }
    .into_iter();
    for (index, program) in programs.iter().enumerate() {
        let file = match &program.source {
            Source::Cargo(_) => built.next().context("cargo built too little")?,
            Source::File(path) => path.clone(),
        };
        let name = file
            .file_name()
            .context("a program has no name")?
            .to_string_lossy();
        let place = format!("bin/{index}/{name}");
        image.add(Path::new(&place), &file)?;
        let mut words = vec![format!("/{place}")];
        words.extend(program.arguments.iter().cloned());
        // With leading zeros, as the machine runs them in the order of their names.
        image.words(Path::new(&format!("lab/programs/{index:04}")), &words)?;
    }
    for path in &options.into {
        let name = path
            .file_name()
            .with_context(|| format!("{} has no name", path.display()))?;
        image.add(&Path::new("in").join(name), path)?;
    }
    let mut environment: Vec<String> = [
        "PATH=/bin",
        "HOME=/tmp",
        "RUST_BACKTRACE=1",
        "KVM_TESTS=require",
    ]
    .map(str::to_owned)
    .to_vec();
    // What a program says of how to run it again.
    environment.push(format!("LAB_RUN={}", options.command(arch)));
    environment.extend(options.env.iter().cloned());
    image.words(Path::new("lab/env"), &environment)
}

/// The kernel that a package has.
fn kernel_file(package: &Path) -> Result<PathBuf> {
    let boot = package.join("boot");
    let entries =
        std::fs::read_dir(&boot).with_context(|| format!("cannot read {}", boot.display()))?;
    entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("vmlinuz-") || name.starts_with("vmlinux-")
        })
        .with_context(|| format!("{} has no kernel", boot.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_that_failed_is_booted_once_more_and_one_that_hung_is_not() {
        let times = |done, timed_out| {
            let mut times = 0;
            let run = || {
                times += 1;
                Ok(Run::ended(done, timed_out))
            };
            again_if_it_failed(run).unwrap();
            times
        };
        assert_eq!(times(true, false), 1);
        assert_eq!(times(false, false), 2);
        assert_eq!(times(false, true), 1);
    }

    #[test]
    fn a_command_can_be_given_to_a_shell_again() {
        let options = RunOptions {
            arch: Which::All,
            kernel: Kernel::V6_1,
            timeout: 1,
            manifest_path: Some("../a/Cargo.toml".into()),
            into: vec!["./b c".into()],
            out: None,
            env: vec!["D='$E'".to_owned()],
            programs: Vec::new(),
        };
        assert_eq!(
            options.command(Arch::Aarch64),
            r"cargo xtask lab run --arch aarch64 --kernel 6.1 --manifest-path ../a/Cargo.toml --in './b c' --env 'D='\''$E'\'''"
        );
    }
}
