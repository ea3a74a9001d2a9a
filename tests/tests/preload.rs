//! Programs in C and Python on a model and on recordings, by `kvmrec` and the library that it preloads.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod preload_support;

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use kvm_core::{AnonymousMemory, Exit, GuestAddress, Kvm, Slot};
use kvm_mock::{Model, Recorder, Step};
use preload_support::{compiled, compiled_with, file, kvmrec, run, scratch, target, tool};

fn arguments(options: &[&str], program: &[&Path]) -> Vec<OsString> {
    let options = options.iter().map(OsString::from);
    let program = program.iter().map(OsString::from);
    options
        .chain([OsString::from("--")])
        .chain(program)
        .collect()
}

/// Records a guest that does this, then halts.
fn recording<const N: usize>(name: &str, does: [Step; N]) -> String {
    let path = scratch(name);
    let model = Model::new();
    model.script(0, does.into_iter().chain([Step::hlt()]));
    let kvm = Kvm::with(Recorder::create(model, &path).unwrap()).unwrap();
    let vm = kvm.create_vm().unwrap();
    let memory = AnonymousMemory::new(0x1000).unwrap();
    vm.add_memory(Slot(0), GuestAddress(0x1000), memory)
        .unwrap();
    let mut vcpu = vm.create_vcpu(0).unwrap();
    vcpu.set_sregs(&vcpu.get_sregs().unwrap()).unwrap();
    while vcpu.run().unwrap().0 != Exit::Hlt {}
    path.to_str().unwrap().to_owned()
}

#[test]
fn programs_in_c_and_python_run_on_a_recording() {
    let recording = recording(
        "first.kvmrec",
        [Step::io_out(0x3f8, *b"4"), Step::io_out(0x3f8, *b"\n")],
    );
    let (c, raw) = (compiled("first"), compiled_with("first", &["-DRAW"]));
    let python = file("programs/first.py");
    for program in [&[&*c][..], &[&*raw], &[Path::new("python3"), &*python]] {
        let ran = kvmrec(
            &arguments(&["replay", "--by-exit", &recording], program),
            "",
        );
        assert!(
            ran.said.contains("the run did what was recorded"),
            "{}",
            ran.said
        );
        assert_eq!(ran.succeeded(), "4\nKVM_EXIT_HLT\n");
    }
}

#[test]
fn a_run_that_leaves_its_recording_says_where_and_fails() {
    let recording = recording("left.kvmrec", []);
    let options = ["replay", &recording];
    // The recorded program asked for other things than this one does.
    let ran = kvmrec(&arguments(&options, &[&compiled("first")]), "");
    assert_eq!(ran.code, Some(1), "the program's own code");
    assert!(ran.said.contains("another call: recorded"), "{}", ran.said);
    // A shell swallows what its program returned.
    let swallow = format!("{} || true", compiled("first").display());
    let shell = ["sh", "-c", &swallow].map(Path::new);
    assert_eq!(kvmrec(&arguments(&options, &shell), "").code, Some(3));
}

#[test]
fn a_fault_is_the_errno_that_the_program_gets() {
    for (fault, said) in [
        ("open=EMFILE", "open: Too many open files"),
        (
            "KVM_SET_REGS=ENOMEM",
            "KVM_SET_REGS: Cannot allocate memory",
        ),
        (
            "mmap=EAGAIN",
            "mmap of the vCPU: Resource temporarily unavailable",
        ),
    ] {
        let ran = kvmrec(
            &arguments(&["run", "--model", "--fault", fault], &[&compiled("first")]),
            "",
        );
        assert!(ran.said.contains(said), "{fault}: {}", ran.said);
        assert_eq!(ran.code, Some(1));
    }
}

#[test]
fn hostile_use_gets_the_kernels_errnos_from_a_model() {
    let ran = kvmrec(&arguments(&["run", "--model"], &[&compiled("hostile")]), "");
    assert!(!ran.said.contains("panicked"), "{}", ran.said);
    let expected = std::fs::read_to_string(file("expected/hostile.txt")).unwrap();
    assert_eq!(ran.succeeded(), expected);
}

#[test]
fn an_idle_guest_is_kicked_as_the_kernel_has_it() {
    let begun = Instant::now();
    let ran = kvmrec(&arguments(&["run", "--model"], &[&compiled("kicks")]), "");
    let expected = std::fs::read_to_string(file("expected/kicks.txt")).unwrap();
    assert_eq!(ran.succeeded(), expected);
    assert!(begun.elapsed() < Duration::from_secs(60));
}

#[test]
fn a_recording_has_what_was_asked_for() {
    let path = scratch("asked.kvmrec");
    let path = path.to_str().unwrap();
    let program = compiled("kicks");
    let recorded = |options: &[&str]| {
        let start = ["record", "--model", "-o", path];
        let options: Vec<_> = start.iter().chain(options).copied().collect();
        kvmrec(&arguments(&options, &[&program]), "").succeeded();
        let shown = kvmrec(&["show", path], "").succeeded();
        let memory = kvmrec(&["stats", path], "").succeeded();
        (
            shown.contains("  kvm_regs {"),
            memory.contains(", guest memory"),
        )
    };
    assert_eq!(recorded(&[]), (false, false));
    assert_eq!(recorded(&["--registers", "--eventfds"]), (true, false));
    assert_eq!(recorded(&["--memory"]), (false, true));
    assert_eq!(recorded(&["--dirty-log", "--registers"]), (true, true));
    let both = ["record", "--memory", "--dirty-log", "-o", path];
    let ran = kvmrec(&arguments(&both, &[&program]), "");
    assert!(
        ran.code == Some(2) && ran.said.contains("cannot be used with"),
        "{}",
        ran.said
    );
}

#[test]
fn a_run_page_may_be_written_to_while_its_vcpu_runs() {
    const LEFT_ALONE: &str = "once it is left alone: EINTR\n";

    let program = compiled("scribble");
    let path = scratch("scribbled.kvmrec");
    let path = path.to_str().unwrap();
    for options in [&["run", "--model"][..], &["record", "--model", "-o", path]] {
        let ran = kvmrec(&arguments(options, &[&program]), "");
        assert_eq!(ran.succeeded(), LEFT_ALONE, "{options:?}");
    }
    kvmrec(&["check", path], "").succeeded();
}

#[test]
fn statistics_are_read_as_a_file() {
    let ran = kvmrec(&arguments(&["run", "--model"], &[&compiled("stats")]), "");
    let expected = std::fs::read_to_string(file("expected/stats.txt")).unwrap();
    assert_eq!(ran.succeeded(), expected);
}

#[test]
fn processes_that_make_starts_have_a_recording_each() {
    let (program, makefile) = (compiled("stats"), scratch("Makefile"));
    let rules = format!(
        "check: one two\n.PHONY: one two\none:\n\t{0}\ntwo: one\n\t{0} && {0}\n",
        program.display()
    );
    std::fs::write(&makefile, rules).unwrap();
    let first = scratch("made.kvmrec");
    let numbered = |number| first.with_extension(format!("kvmrec.{number}"));
    let record = ["record", "--model", "-o", first.to_str().unwrap()];
    let make = ["make", "-sf", makefile.to_str().unwrap(), "check"].map(Path::new);
    let recorded = kvmrec(&arguments(&record, &make), "");
    assert_eq!(recorded.said.matches("kvmrec: recorded ").count(), 3);
    assert!(numbered(3).exists() && !numbered(4).exists());
    let expected = std::fs::read_to_string(file("expected/stats.txt")).unwrap();
    assert_eq!(recorded.succeeded(), expected.repeat(3));

    let replay = ["replay", first.to_str().unwrap()];
    let replayed = kvmrec(&arguments(&replay, &make), "");
    let complete = replayed.said.matches("the run did what was recorded");
    assert_eq!(complete.count(), 3, "{}", replayed.said);
    assert_eq!(replayed.succeeded(), expected.repeat(3));

    // A process more than there were has nothing to run on.
    let again = format!("{0} && {0} && {0} && {0}", program.display());
    let more = kvmrec(
        &arguments(&replay, &["sh", "-c", &again].map(Path::new)),
        "",
    );
    let missing = format!("{}: ", numbered(4).display());
    assert!(more.said.contains(&missing), "{}", more.said);
    assert_eq!(more.code, Some(3), "the program does not look at errors");

    // A run of one process leaves no recordings of another run's.
    kvmrec(&arguments(&record, &[&program]), "").succeeded();
    assert!(first.exists() && !numbered(2).exists());
}

#[test]
fn a_process_that_leaves_at_once_ends_its_recording() {
    const LEAVES: &str = "import fcntl, os
fcntl.ioctl(os.open('/dev/kvm', os.O_RDWR), 0xae01, 0)
os._exit(7)";

    let path = scratch("leaves.kvmrec");
    let path = path.to_str().unwrap();
    let leaves = ["python3", "-c", LEAVES].map(Path::new);
    let ran = kvmrec(&arguments(&["record", "--model", "-o", path], &leaves), "");
    assert_eq!(ran.code, Some(7));
    assert!(ran.said.contains("recorded "), "{}", ran.said);
    kvmrec(&["check", path], "").succeeded();
}

#[test]
fn a_launcher_that_is_killed_leaves_nothing_behind() {
    let folder = scratch("temporary");
    std::fs::create_dir_all(&folder).unwrap();
    let mut launcher = Command::new(tool());
    launcher.args(["run", "--model", "--", "sh", "-c", "echo begun; read end"]);
    launcher.env("TMPDIR", &folder);
    launcher.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut launcher = launcher.spawn().unwrap();
    let mut printed = BufReader::new(launcher.stdout.take().unwrap());
    let mut line = String::new();
    printed.read_line(&mut line).unwrap();
    assert_eq!(line, "begun\n");
    launcher.kill().unwrap();
    launcher.wait().unwrap();
    // The program has ended, too, when nobody can write any more.
    assert_eq!(printed.read_line(&mut line).unwrap(), 0);
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
}

#[test]
fn what_cannot_be_served_is_told() {
    let told = |program: &Path, anyway: bool| {
        let mut options = vec!["run", "--model"];
        options.extend(anyway.then_some("--anyway"));
        let ran = kvmrec(&arguments(&options, &[program]), "");
        (ran.code, ran.said)
    };
    let alone = compiled_with("first", &["-static"]);
    let (code, said) = told(&alone, false);
    assert_eq!(code, Some(2));
    assert!(
        said.contains("linked statically") && said.contains("link it dynamically"),
        "{said}"
    );
    let (_, said) = told(&alone, true);
    assert!(said.contains("did not load the library"), "{said}");
    let (code, said) = told(Path::new("no-such-program"), false);
    assert!(
        code == Some(2) && said.contains("there is no program"),
        "{said}"
    );
    let (code, said) = told(Path::new("true"), false);
    assert!(
        code == Some(0) && said.contains("opened no /dev/kvm"),
        "{said}"
    );
}

/// Compiled, but for other systems.
#[test]
fn programs_of_other_systems_are_told() {
    const MACHINE: usize = 18;
    const CLASS: usize = 4;

    let changed = |name: &str, change: fn(&mut [u8])| {
        let path = scratch(name);
        let mut bytes = std::fs::read(compiled("first")).unwrap();
        change(&mut bytes);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let script = scratch("script");
    let musl = compiled_with("first", &["-Wl,--dynamic-linker=/lib/ld-musl-x86_64.so.1"]);
    std::fs::write(&script, format!("#!{}\n", musl.display())).unwrap();
    let programs = [
        (
            changed("arm", |bytes| bytes[MACHINE] = 183),
            "a program for aarch64",
        ),
        (
            changed("narrow", |bytes| (bytes[MACHINE], bytes[CLASS]) = (3, 1)),
            "a program for 32-bit x86",
        ),
        (changed("go", make_go), "written in Go"),
        (musl, "another C library (/lib/ld-musl-x86_64.so.1)"),
        (script, "another C library (/lib/ld-musl-x86_64.so.1)"),
        (set_uid(), "set-uid or set-gid"),
    ];
    for (program, reason) in programs {
        let ran = kvmrec(&arguments(&["run", "--model"], &[&program]), "");
        assert!(
            ran.code == Some(2) && ran.said.contains(reason),
            "{reason}: {}",
            ran.said
        );
    }
}

/// Gives the notes the name that Go's linker gives them.
fn make_go(program: &mut [u8]) {
    let note = program.windows(4).position(|bytes| bytes == b"GNU\0");
    let name = program
        .get_mut(note.unwrap()..)
        .and_then(|rest| rest.get_mut(..4));
    name.unwrap().copy_from_slice(b"Go\0\0");
}

/// A program that another user owns and that runs as that one: of this test's making, or, as not everybody can make
/// one, the system's.
fn set_uid() -> PathBuf {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};

    const SET_UID: u32 = 0o4755;
    const NOBODY: u32 = 65534;

    if std::fs::metadata("/proc/self").unwrap().uid() != 0 {
        return "/bin/su".into();
    }
    let program = scratch("set-uid");
    std::fs::copy(compiled("first"), &program).unwrap();
    chown(&program, Some(NOBODY), None).unwrap();
    std::fs::set_permissions(&program, PermissionsExt::from_mode(SET_UID)).unwrap();
    program
}

#[test]
fn without_a_launcher_the_library_does_nothing() {
    let library = target().join("debug/libkvm_preload.so");
    kvmrec(&["--version"], "").succeeded();
    let plain = run(Command::new("ls").arg("/dev"), "").succeeded();
    let mut preloaded = Command::new("ls");
    preloaded.arg("/dev").env("LD_PRELOAD", library);
    assert_eq!(run(&mut preloaded, "").succeeded(), plain);
}
