//! The first process of a machine of the lab: loads KVM, runs the programs, says how they ended, and
//! powers off.
//!
//! The host put all that it needs into the initramfs: modules in `/lab/modules`, in the order of their names, a
//! list of arguments for each program in `/lab/programs`, and the environment in `/lab/env`. Three virtual ports
//! lead back: `lab.output` is what the programs print, with a [`MARK`] before each, `lab.status` how they ended, and
//! `lab.files` an archive of what they left in `/out`.

use std::error::Error;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::mount::{MountFlags, mount};
use rustix::system::{RebootCommand, finit_module, reboot, uname};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A module's file is compressed: the kernel unpacks it. The kernel's `MODULE_INIT_COMPRESSED_FILE`.
const COMPRESSED: i32 = 4;

/// Before what each program prints, on a line that ends here. ASCII's record separator, which text has none of.
const MARK: &str = "\u{1e}\n";

/// How long the ports may take to appear.
const PATIENCE: Duration = Duration::from_secs(10);

fn main() {
    if let Err(error) = run() {
        // The host finds no status, and shows what the console said.
        eprintln!("lab-init: {error}");
    }
    // Nothing is left to do if this fails: the host's patience ends it.
    let _ = reboot(RebootCommand::PowerOff);
    loop {
        sleep(PATIENCE);
    }
}

fn run() -> Result<()> {
    mounts()?;
    modules()?;
    let mut status = port("lab.status")?;
    writeln!(status, "kernel {}", uname().release().to_string_lossy())?;
    let mut output = port("lab.output")?;
    let environment = words(Path::new("/lab/env"))?;
    for program in sorted("/lab/programs")? {
        let name = program.file_name().unwrap_or_default().to_string_lossy();
        let words = words(&program)?;
        output.write_all(MARK.as_bytes())?;
        match execute(&words, &environment, &output) {
            Ok(ended) => writeln!(status, "{name} {}", how(ended))?,
            Err(error) => writeln!(status, "{name} error {error}")?,
        }
    }
    let mut archive = tar::Builder::new(port("lab.files")?);
    archive.append_dir_all(".", "/out")?;
    archive.into_inner()?.flush()?;
    writeln!(status, "done")?;
    Ok(())
}

fn mounts() -> Result<()> {
    for (kind, place) in [
        ("devtmpfs", "/dev"),
        ("proc", "/proc"),
        ("sysfs", "/sys"),
        ("debugfs", "/sys/kernel/debug"),
        ("devpts", "/dev/pts"),
        ("tmpfs", "/dev/shm"),
        ("tmpfs", "/tmp"),
    ] {
        fs::create_dir_all(place)?;
        mount(kind, place, kind, MountFlags::empty(), None)
            .map_err(|error| format!("cannot mount {place}: {error}"))?;
    }
    fs::create_dir_all("/out")?;
    Ok(())
}

fn modules() -> Result<()> {
    for module in sorted("/lab/modules")? {
        let compressed = module
            .extension()
            .is_some_and(|extension| extension != "ko");
        let flags = if compressed { COMPRESSED } else { 0 };
        finit_module(File::open(&module)?, c"", flags)
            .map_err(|error| format!("cannot load {}: {error}", module.display()))?;
    }
    Ok(())
}

fn sorted(dir: &str) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    let entries = fs::read_dir(dir).map_err(|error| format!("cannot read {dir}: {error}"))?;
    for entry in entries {
        paths.push(entry?.path());
    }
    paths.sort();
    Ok(paths)
}

/// The words of a file, each of which ends with a zero byte.
fn words(path: &Path) -> Result<Vec<String>> {
    let text = fs::read_to_string(path)?;
    Ok(text.split_terminator('\0').map(str::to_owned).collect())
}

/// Opens the port of a name once the kernel has found it.
fn port(name: &str) -> Result<File> {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        // The folder, too, may be late.
        for entry in fs::read_dir("/sys/class/virtio-ports")
            .into_iter()
            .flatten()
        {
            let entry = entry?;
            if fs::read_to_string(entry.path().join("name")).is_ok_and(|found| found.trim() == name)
            {
                let device = Path::new("/dev").join(entry.file_name());
                return Ok(OpenOptions::new().write(true).open(device)?);
            }
        }
        sleep(Duration::from_millis(10));
    }
    Err(format!("there is no port {name}").into())
}

fn execute(words: &[String], environment: &[String], output: &File) -> Result<ExitStatus> {
    let (program, arguments) = words.split_first().ok_or("no program")?;
    let variables = environment.iter().filter_map(|word| word.split_once('='));
    let status = Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(variables)
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output.try_clone()?)
        .status()?;
    Ok(status)
}

fn how(ended: ExitStatus) -> String {
    match (ended.code(), ended.signal()) {
        (Some(code), _) => format!("exit {code}"),
        (_, Some(signal)) => format!("signal {signal}"),
        _ => "error unknown".to_owned(),
    }
}
