//! A small VMM bears every fault that there can be, and leaves nothing behind.
#![cfg(target_arch = "x86_64")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::ptr::NonNull;
use std::sync::Arc;

use kvm_core::kvm_exit::X86_64;
use kvm_core::kvm_sys::KVM_RUN;
use kvm_core::{AnonymousMemory, Backing, Errno, Error, Exit, GuestAddress, Hypervisor, Kvm, Slot};
use kvm_mock::{Fault, FaultPlan, Model, Step, Sweep};

/// Guest memory, of which one can ask whether it is still there.
struct Ram {
    memory: AnonymousMemory,
    _alive: Arc<()>,
}

// SAFETY: the bytes are those of `memory`, which promises the same, and is neither changed nor given away.
#[expect(unsafe_code, reason = "passes a promise on")]
unsafe impl Backing for Ram {
    fn start(&self) -> NonNull<u8> {
        self.memory.start()
    }

    fn len(&self) -> usize {
        self.memory.len()
    }
}

/// What is to be tested: two vCPUs, an interrupt controller, memory, and a loop that a signal does not end.
/// Gives what the guest wrote.
fn vmm<H: Hypervisor<Guest = X86_64>>(system: H, alive: &Arc<()>) -> Result<Vec<u8>, Error> {
    let vm = Kvm::with(system)?.create_vm()?;
    vm.create_irq_chip()?;
    for slot in [0, 1] {
        let ram = Ram {
            memory: AnonymousMemory::new(0x1_0000)?,
            _alive: Arc::clone(alive),
        };
        vm.add_memory(Slot(slot), GuestAddress(0x1_0000 * u64::from(slot)), ram)?;
    }
    let mut written = Vec::new();
    for id in [0, 1] {
        let mut vcpu = vm.create_vcpu(id)?;
        let mut regs = vcpu.get_regs()?;
        regs.rip = 0x1000;
        vcpu.set_regs(&regs)?;
        loop {
            match vcpu.run()? {
                (Exit::IoOut(io), _) => written.extend_from_slice(io.data),
                (Exit::IoIn(io), _) => io.data.fill(0x1c),
                (Exit::Hlt, _) => break,
                (Exit::Interrupted, _) => {}
                (other, _) => panic!("{other}"),
            }
        }
    }
    Ok(written)
}

fn model() -> Model {
    let model = Model::new();
    model.allow_unread(); // a VMM that is told of a fault gives up
    model.script(
        0,
        [
            Step::io_out(0x3f8, *b"a"),
            Step::io_in(0x60, [0x1c]),
            Step::hlt(),
        ],
    );
    model.script(1, [Step::io_out(0x3f8, *b"b"), Step::hlt()]);
    model
}

/// One run. Says what a VMM does wrong that does not tell of the fault, or keeps memory.
fn run(plan: &FaultPlan) -> Result<(), String> {
    let alive = Arc::new(());
    let model = model();
    let ran = plan
        .open(|| Ok(model.clone()))
        .and_then(|system| vmm(system, &alive));
    if Arc::strong_count(&alive) > 1 {
        return Err("guest memory was not given back".to_owned());
    }
    match (ran, plan.hits().first()) {
        (Err(error), Some(hit)) if error.op() == hit.op => Ok(()),
        (Err(error), _) => Err(error.to_string()),
        (Ok(written), None) if written == b"ab" => {
            model.verify().map_err(|error| error.to_string())
        }
        (Ok(_), Some(hit)) if hit.op == &KVM_RUN => Ok(()),
        (Ok(written), hit) => Err(format!("{written:?} after {hit:?}")),
    }
}

#[test]
fn each_call_fails_once_and_nothing_leaks() {
    for errno in [Errno::ENOMEM, Errno::EINVAL, Errno::EIO, Errno::EMFILE] {
        let points = Sweep::new(errno).run(run).unwrap();
        assert!(points > 20, "{points} calls failed");
    }
}

#[test]
fn a_signal_at_any_entry_changes_nothing() {
    let points = Sweep::new(Errno::EINTR).only(&KVM_RUN).run(run).unwrap();
    assert_eq!(points, 5);
}

#[test]
fn a_storm_of_signals_changes_nothing() {
    let plan = FaultPlan::new();
    plan.add(Fault::interruption().first(100));
    plan.add(Fault::interruption().every(2));
    let alive = Arc::new(());
    let model = model();
    let written = vmm(plan.wrap(model.clone()), &alive).unwrap();
    assert_eq!(written, b"ab");
    model.verify().unwrap();
    assert!(plan.hits().len() > 100);
    assert!(plan.live().is_empty());
}
