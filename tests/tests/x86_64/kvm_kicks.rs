//! Kicks from other threads at running vCPUs, in great number: none is lost, and nothing hangs.
//!
//! `KVM_KICKS` in the environment says how many there are in all; without it there are some thousand.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test without libtest, which is what clippy looks for"
)]

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use kvm_core::kvm_sys::kvm_regs;
use kvm_core::{AnonymousMemory, Exit, GuestAddress, Kicker, Slot, Vcpu};
use kvm_tests::checks::{self, NotRun};

/// A kick that is not answered for so long is lost.
const PATIENCE: Duration = Duration::from_secs(20);
/// Threads that kick one vCPU.
const KICKERS: u8 = 3;

/// A guest, and the code of it.
const GUESTS: [(&str, &[u8]); 3] = [
    // jmp $
    ("spins", &[0xeb, 0xfe]),
    // out %al, $0x80; jmp back
    ("exits all the time", &[0xe6, 0x80, 0xeb, 0xfc]),
    // hlt; jmp back: with a controller in the kernel, it waits there
    ("halts", &[0xf4, 0xeb, 0xfd]),
];

fn vcpu(code: &[u8]) -> Result<Vcpu, NotRun> {
    let vm = checks::kvm()?.create_vm().unwrap();
    vm.set_tss_address(0xfffb_d000).unwrap();
    vm.create_irq_chip().unwrap();
    let ram = AnonymousMemory::new(0x4000).unwrap();
    vm.add_memory(Slot(0), GuestAddress(0), ram).unwrap();
    vm.write_memory(GuestAddress(0x1000), code).unwrap();
    let vcpu = vm.create_vcpu(0).unwrap();
    let mut sregs = vcpu.get_sregs().unwrap();
    (sregs.cs.base, sregs.cs.selector) = (0, 0);
    vcpu.set_sregs(&sregs).unwrap();
    let regs = kvm_regs {
        rip: 0x1000,
        rflags: 2,
        ..Default::default()
    };
    vcpu.set_regs(&regs).unwrap();
    Ok(vcpu)
}

/// How many kicks each of the six parts has: at least a sixth, and as many for each thread.
fn share() -> u64 {
    let all: u64 = std::env::var("KVM_KICKS").map_or(6000, |all| all.parse().unwrap());
    all.div_ceil(6).next_multiple_of(KICKERS.into())
}

/// Runs the vCPU until `over`, and gives how many runs were interrupted; `answer` is called for each.
fn run(vcpu: &mut Vcpu, over: &AtomicBool, mut answer: impl FnMut()) -> u64 {
    let mut interrupted = 0;
    while !over.load(Ordering::SeqCst) {
        match vcpu.run().unwrap().0 {
            Exit::Interrupted => {
                interrupted += 1;
                answer();
            }
            Exit::IoOut(_) => {}
            other => panic!("{other}"),
        }
    }
    interrupted
}

/// Waits until it is so. A thread that is to answer needs a CPU, which this one gives back after a while.
fn until(so: impl Fn() -> bool, what: &str) {
    let begun = Instant::now();
    let mut spins = 0_u32;
    while !so() {
        spins += 1;
        if spins % 64 == 0 {
            thread::yield_now();
            assert!(begun.elapsed() < PATIENCE, "lost: {what}");
        }
        std::hint::spin_loop();
    }
}

/// Each kick is sent once the one before was answered: then at least as many runs are interrupted as there were kicks.
fn one_by_one() -> Result<(), NotRun> {
    for (name, code) in GUESTS {
        let (mut vcpu, kicks) = (vcpu(code)?, share());
        let kicker = vcpu.kicker();
        let (answers, over) = (AtomicU64::new(0), AtomicBool::new(false));
        let begun = Instant::now();
        let interrupted = thread::scope(|scope| {
            scope.spawn(|| {
                for kick in 1..=kicks {
                    let before = answers.load(Ordering::SeqCst);
                    kicker.kick();
                    let answered = || answers.load(Ordering::SeqCst) > before;
                    until(answered, &format!("kick {kick} at a guest that {name}"));
                    // Another moment each time.
                    (0..kick % 512).for_each(|_| std::hint::spin_loop());
                }
                over.store(true, Ordering::SeqCst);
                // So that the last run ends.
                kicker.kick();
            });
            run(&mut vcpu, &over, || {
                answers.fetch_add(1, Ordering::SeqCst);
            })
        });
        // The signal of a kick whose flag was seen in time may come late, and interrupt once more.
        assert!(
            (kicks..=2 * kicks + 1).contains(&interrupted),
            "{interrupted} interruptions by {kicks} kicks, {name}"
        );
        println!(
            "{kicks} kicks, one by one, at a guest that {name}: {:.1?}",
            begun.elapsed()
        );
    }
    Ok(())
}

/// Several threads kick at once, and each waits for an interruption that began after its own kick was asked
/// for.
fn many_at_once() -> Result<(), NotRun> {
    for (name, code) in GUESTS {
        let (mut vcpu, kicks) = (vcpu(code)?, share());
        let wanted = [const { AtomicBool::new(false) }; KICKERS as usize];
        let (left, over) = (AtomicU64::new(KICKERS.into()), AtomicBool::new(false));
        let begun = Instant::now();
        let kicker = vcpu.kicker();
        let kick_all = |kicker: &Kicker, mine: &AtomicBool| {
            for kick in 0..kicks / u64::from(KICKERS) {
                mine.store(true, Ordering::SeqCst);
                kicker.kick();
                // Half of the time others are left to answer for it.
                if kick % 2 == 0 {
                    let answered = || !mine.load(Ordering::SeqCst);
                    until(answered, &format!("kick {kick} at a guest that {name}"));
                }
            }
            until(
                || !mine.load(Ordering::SeqCst),
                &format!("the last kick at a guest that {name}"),
            );
            if left.fetch_sub(1, Ordering::SeqCst) == 1 {
                over.store(true, Ordering::SeqCst);
                kicker.kick();
            }
        };
        let interrupted = thread::scope(|scope| {
            for mine in &wanted {
                let (kicker, kick_all) = (&kicker, &kick_all);
                scope.spawn(move || kick_all(kicker, mine));
            }
            run(&mut vcpu, &over, || {
                for flag in &wanted {
                    flag.store(false, Ordering::SeqCst);
                }
            })
        });
        assert!((1..=kicks + 1).contains(&interrupted));
        println!(
            "{kicks} kicks by {KICKERS} threads at a guest that {name}: {interrupted} interruptions, {:.1?}",
            begun.elapsed()
        );
    }
    Ok(())
}

/// A kick that comes when nobody runs the vCPU is for the next run, whichever thread makes it.
fn threads_take_turns() -> Result<(), NotRun> {
    let mut vcpu = vcpu(GUESTS[0].1)?;
    let kicker = vcpu.kicker();
    for turn in 0..100 {
        thread::scope(|scope| {
            let vcpu = &mut vcpu;
            let running =
                scope.spawn(move || vcpu.run().map(|(exit, _)| exit == Exit::Interrupted));
            if turn % 2 == 0 {
                thread::yield_now();
            }
            kicker.kick();
            assert!(running.join().unwrap().unwrap(), "turn {turn}");
        });
    }
    // The kicks are used up: complete does not see one.
    assert_eq!(vcpu.complete().unwrap(), None);
    Ok(())
}

pub(crate) fn main() {
    checks::main(&[
        ("one_by_one", one_by_one),
        ("many_at_once", many_at_once),
        ("threads_take_turns", threads_take_turns),
    ]);
}
