//! A handler that reads and writes registers in the run page makes no system call: strace sees nothing but
//! `KVM_RUN`.
#![cfg(target_arch = "x86_64")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test without libtest, which is what clippy looks for"
)]

use std::path::Path;
use std::process::Command;

use kvm_core::kvm_sys::{SyncRegs, kvm_regs};
use kvm_core::{AnonymousMemory, Exit, GuestAddress, Slot};
use kvm_tests::checks::{self, NotRun};

/// Writes a port, for ever.
const CODE: &[u8] = &[
    0xe6, 0x10, // out %al, $0x10
    0xeb, 0xfc, // jmp back to the start
];

const EXITS: usize = 2000;
/// Has this program run the guest. Its value is the form of the handler.
const FORM: &str = "KVM_TESTS_FORM";
/// Names that are asked for before and after the loop, so that they are seen in the trace.
const MARKS: [&str; 2] = ["/kvm-tests-begin", "/kvm-tests-end"];

/// Runs the guest, with its registers read and written at each exit.
fn run(form: &str) {
    let vm = checks::kvm().unwrap().create_vm().unwrap();
    vm.set_tss_address(0xfffb_d000).unwrap();
    let ram = AnonymousMemory::new(0x4000).unwrap();
    vm.add_memory(Slot(0), GuestAddress(0), ram).unwrap();
    vm.write_memory(GuestAddress(0x1000), CODE).unwrap();
    let mut vcpu = vm.create_vcpu(0).unwrap();
    let mut sregs = vcpu.get_sregs().unwrap();
    (sregs.cs.base, sregs.cs.selector) = (0, 0);
    vcpu.set_sregs(&sregs).unwrap();
    let regs = kvm_regs {
        rip: 0x1000,
        rflags: 2,
        ..Default::default()
    };
    vcpu.set_regs(&regs).unwrap();
    vcpu.enable_sync_regs(SyncRegs::KVM_SYNC_X86_REGS).unwrap();
    let [begin, end] = MARKS.map(Path::new);
    // What is looked up once: the thread's number, and how to ask for files.
    vcpu.run_synced().unwrap();
    let _ = end.with_extension("never").metadata();
    let _ = begin.metadata();
    for turn in 0..EXITS {
        let turn = u64::try_from(turn).unwrap();
        let before = turn.wrapping_sub(1) & 0xff;
        match form {
            "synced" => {
                let (exit, mut synced) = vcpu.run_synced().unwrap();
                assert!(matches!(exit, Exit::IoOut(_)));
                let regs = synced.regs_mut().unwrap();
                assert!(
                    turn == 0 || regs.rax == before,
                    "{:#x} in turn {turn}",
                    regs.rax
                );
                regs.rax = turn & 0xff;
            }
            _ => {
                let (_, registers) = vcpu.run().unwrap();
                registers.set_regs(&registers.get_regs().unwrap()).unwrap();
            }
        }
    }
    let _ = end.metadata();
}

/// The system calls of the loop.
fn calls(form: &str) -> Result<Vec<String>, NotRun> {
    checks::kvm()?;
    let trace = std::env::temp_dir().join(format!("kvm-tests-{}-{form}", std::process::id()));
    let output = Command::new("strace")
        .args(["-f", "-qq", "-o"])
        .arg(&trace)
        .arg(std::env::current_exe().unwrap())
        .env(FORM, form)
        // A leak checker, if the test is built with one, traces the program itself, and fails where another does.
        .env("LSAN_OPTIONS", "detect_leaks=0")
        .output()
        .map_err(|error| NotRun::because(format_args!("strace: {error}")))?;
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = std::fs::read_to_string(&trace).unwrap();
    std::fs::remove_file(&trace).unwrap();
    let [begin, end] = MARKS;
    let (_, text) = text.split_once(begin).unwrap();
    let (text, _) = text.split_once(end).unwrap();
    let mut lines = text.lines().skip(1).map(str::to_owned);
    let lines: Vec<_> = lines.by_ref().collect();
    // The last is the beginning of the mark's own.
    Ok(lines.split_last().map(|(_, lines)| lines.to_vec()).unwrap())
}

fn synced_handlers_make_no_call() -> Result<(), NotRun> {
    let calls = calls("synced")?;
    let others: Vec<_> = calls
        .iter()
        .filter(|line| !line.contains("KVM_RUN"))
        .collect();
    assert!(others.is_empty(), "{others:?}");
    assert!(calls.len() >= EXITS, "{}", calls.len());
    Ok(())
}

/// Without it the check above could not fail.
fn other_handlers_are_seen_to_make_calls() -> Result<(), NotRun> {
    let calls = calls("calls")?;
    let others = calls.iter().filter(|line| !line.contains("KVM_RUN"));
    assert_eq!(others.count(), 2 * EXITS);
    Ok(())
}

fn main() {
    if let Ok(form) = std::env::var(FORM) {
        return run(&form);
    }
    checks::main(&[
        ("synced_handlers_make_no_call", synced_handlers_make_no_call),
        (
            "other_handlers_are_seen_to_make_calls",
            other_handlers_are_seen_to_make_calls,
        ),
    ]);
}
