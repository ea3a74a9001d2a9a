//! Programs that know nothing of these crates, and `kvmrec`, which runs them.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

/// What a program printed, and how it ended.
pub(crate) struct Ran {
    pub(crate) printed: String,
    /// Messages, of the program and of `kvmrec`.
    pub(crate) said: String,
    pub(crate) code: Option<i32>,
}

impl Ran {
    /// What it printed, if it succeeded.
    pub(crate) fn succeeded(self) -> String {
        assert_eq!(self.code, Some(0), "{}{}", self.printed, self.said);
        self.printed
    }
}

/// A file of this package.
pub(crate) fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// A file for this process, of the name `name`, that may be there or not.
pub(crate) fn scratch(name: &str) -> PathBuf {
    let folder =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("preload-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder.join(name)
}

/// A program in C, compiled.
pub(crate) fn compiled(name: &str) -> PathBuf {
    compiled_with(name, &[])
}

/// A program in C, compiled with options. Each is compiled once, as another test may be running it.
pub(crate) fn compiled_with(name: &str, options: &[&str]) -> PathBuf {
    static COMPILED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

    let program = scratch(&format!("{name}{}", options.concat().replace('/', "-")));
    // If one does not compile, the next test compiles and reports its own.
    let mut done = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    if done.insert(program.clone()) {
        let mut compiler = Command::new("cc");
        compiler
            .args(["-pthread", "-o"])
            .arg(&program)
            .args(options);
        compiler.arg(file(&format!("programs/{name}.c")));
        assert!(
            compiler.status().unwrap().success(),
            "{name} does not compile"
        );
    }
    program
}

/// Runs `kvmrec` with these arguments. The program that it runs is given `input`.
pub(crate) fn kvmrec<A: AsRef<OsStr>>(arguments: &[A], input: &str) -> Ran {
    let mut command = Command::new(tool());
    command.args(arguments);
    run(&mut command, input)
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command, input: &str) -> Ran {
    use std::io::Write;

    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A program that reads nothing may be gone.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    Ran {
        printed: String::from_utf8_lossy(&output.stdout).into_owned(),
        said: String::from_utf8_lossy(&output.stderr).into_owned(),
        code: output.status.code(),
    }
}

/// Where Cargo puts what it builds.
pub(crate) fn target() -> &'static Path {
    let temporary = Path::new(env!("CARGO_TARGET_TMPDIR"));
    temporary.parent().unwrap()
}

/// `kvmrec`, built with its library beside it.
pub(crate) fn tool() -> &'static Path {
    static TOOL: OnceLock<PathBuf> = OnceLock::new();
    TOOL.get_or_init(|| {
        // Cargo is done with it when it runs tests.
        let target = target();
        let mut build = Command::new(env!("CARGO"));
        build.args([
            "build",
            "--quiet",
            "--package",
            "kvm-preload",
            "--package",
            "kvm-mock",
        ]);
        build.args([
            "--features",
            "kvm-mock/kvmrec",
            "--lib",
            "--bin",
            "kvmrec",
            "--target-dir",
        ]);
        build.arg(target).current_dir(env!("CARGO_MANIFEST_DIR"));
        assert!(build.status().unwrap().success(), "kvmrec does not build");
        target.join("debug/kvmrec")
    })
}
