//! Commands that can't see `/dev/kvm`, and commands that may hang.

use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{path::Path, thread};

use anyhow::{Context, Result};

/// How a command ended.
pub(super) struct Ended {
    /// Nothing when it had to be ended.
    pub(super) code: Option<i32>,
    pub(super) printed: String,
    pub(super) said: String,
}

impl Ended {
    pub(super) fn succeeded(&self) -> bool {
        self.code == Some(0)
    }
}

/// The same command where `/dev/kvm` is another file, which is no KVM device: in a mount namespace of its own.
pub(super) fn without_kvm(command: &Command) -> Command {
    if !Path::new("/dev/kvm").exists() {
        let mut same = Command::new(command.get_program());
        same.args(command.get_args());
        return same;
    }
    let root = is_root();
    let mut hidden = Command::new("unshare");
    hidden.arg(if root { "-m" } else { "-rm" });
    let script = "mount --bind /dev/null /dev/kvm && exec \"$@\"";
    hidden
        .args(["sh", "-c", script, "sh"])
        .arg(command.get_program())
        .args(command.get_args());
    hidden
}

/// Whether this process may mount.
fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;

    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// Runs a command, and ends it if it takes too long.
pub(super) fn run(command: &mut Command, most: Duration) -> Result<Ended> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("{command:?}"))?;
    let mut streams = (child.stdout.take(), child.stderr.take());
    let printed = thread::spawn(move || read(streams.0.as_mut()));
    let said = thread::spawn(move || read(streams.1.as_mut()));
    let begun = Instant::now();
    let code = loop {
        if let Some(status) = child.try_wait()? {
            break status.code();
        }
        if begun.elapsed() > most {
            child.kill()?;
            child.wait()?;
            break None;
        }
        thread::sleep(Duration::from_millis(2));
    };
    Ok(Ended {
        code,
        printed: printed.join().unwrap_or_default(),
        said: said.join().unwrap_or_default(),
    })
}

fn read(stream: Option<&mut impl Read>) -> String {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        // What there is until the end, or until it breaks.
        let _ = stream.read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
