//! What safe code can break, or the kernel can make panic, in other wrappers of KVM: here it is refused, or
//! can't be written. Each test has the name of what goes wrong elsewhere. What the compiler refuses is in
//! the module `refused` of this package's library.
#![cfg(target_arch = "x86_64")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests, which clippy takes for other code"
)]

use kvm_core::kvm_exit::{Field, RunPage};
use kvm_core::kvm_sys::{
    KVM_CAP_HYPERV_ENLIGHTENED_VMCS, KVM_EXIT_IO, KVM_EXIT_MMIO, KVM_EXIT_SYSTEM_EVENT,
    KVM_EXIT_X86_RDMSR, KVM_MEM_LOG_DIRTY_PAGES, kvm_enable_cap, kvm_msr_entry,
};
use kvm_core::{AnonymousMemory, Cause, Errno, Exit, GuestAddress, Kvm, Slot, Vcpu};
use kvm_mock::{Model, PendingIo, Step};

const PAGE: usize = 4096;

fn kvm() -> Kvm<Model> {
    Kvm::with(Model::new()).unwrap()
}

/// A vCPU whose guest takes these steps.
fn vcpu(steps: impl IntoIterator<Item = Step>) -> Vcpu<Model> {
    let model = Model::new();
    model.pending_io(PendingIo::Readable);
    model.script(0, steps);
    let vm = Kvm::with(model).unwrap().create_vm().unwrap();
    vm.create_vcpu(0).unwrap()
}

/// A page with this reason, and these words at the start of the payload.
fn page(reason: kvm_core::kvm_sys::ExitReason, payload: &[u64]) -> Vec<u64> {
    let mut words = vec![0; (3 * PAGE - RunPage::OFFSET) / 8];
    words[0] = u64::from(reason.0);
    words[3..3 + payload.len()].copy_from_slice(payload);
    words
}

fn malformed(mut words: Vec<u64>) -> Field {
    let page = RunPage::from_words(&mut words).unwrap();
    page.decode().unwrap_err().field
}

/// Elsewhere the caller says how long the log is, and the kernel writes as many bits as the slot has pages.
#[test]
fn heap_overflow_by_a_dirty_log() {
    let vm = kvm().create_vm().unwrap();
    let memory = AnonymousMemory::new(64 << 20).unwrap();
    let (slot, flags) = (Slot(0), KVM_MEM_LOG_DIRTY_PAGES);
    vm.add_memory_with(slot, GuestAddress(0), memory, flags)
        .unwrap();
    let log = vm.get_dirty_log(slot).unwrap();
    assert_eq!(log.words().len() * 64, (64 << 20) / PAGE);
}

/// The kernel writes to the address in this capability's argument.
#[test]
fn arbitrary_write_by_a_capability() {
    let vcpu = vcpu([]);
    let mut enable = kvm_enable_cap {
        cap: KVM_CAP_HYPERV_ENLIGHTENED_VMCS,
        ..Default::default()
    };
    enable.args[0] = 0x1000;
    let refused = vcpu.enable_cap(&enable).unwrap_err();
    assert_eq!(refused.cause(), Cause::NotPlain);
}

/// A replay or a broken backend may say what no kernel says.
#[test]
fn unchecked_offset_of_port_data() {
    let io = |offset: u64| page(KVM_EXIT_IO, &[1 << 8 | 1 | 1 << 32, offset]);
    for offset in [0, 2351, 3 * PAGE as u64, u64::MAX] {
        let field = malformed(io(offset));
        assert!(
            matches!(field, Field::IoDataOffset | Field::IoDataEnd),
            "{offset:#x}: {field:?}"
        );
    }
    let mut words = io(PAGE as u64);
    let page = RunPage::from_words(&mut words).unwrap();
    assert!(matches!(page.decode(), Ok(Exit::IoOut(io)) if io.data.len() == 1));
}

#[test]
fn panic_on_a_long_mmio_access() {
    assert_eq!(
        malformed(page(KVM_EXIT_MMIO, &[0x1000, 0, 9])),
        Field::MmioLen
    );
}

#[test]
fn panic_on_many_words_of_a_system_event() {
    let words = page(KVM_EXIT_SYSTEM_EVENT, &[1 | 17 << 32]);
    assert_eq!(malformed(words), Field::SystemEventNdata);
}

/// Bits that this crate does not know stay.
#[test]
fn reasons_of_an_msr_exit_are_dropped() {
    let mut words = page(KVM_EXIT_X86_RDMSR, &[0, 0x8000_0000 | 0x10 << 32]);
    let page = RunPage::from_words(&mut words).unwrap();
    let Ok(Exit::X86Rdmsr(msr)) = page.decode() else {
        unreachable!("{page:?}");
    };
    assert_eq!((msr.index, msr.reason.bits()), (0x10, 0x8000_0000));
}

/// Elsewhere the count that says so is easily ignored.
#[test]
fn msrs_that_are_silently_not_set() {
    let vcpu = vcpu([]);
    let (known, unknown) = (0x174, 0x4b56_6eff);
    let entry = |index| kvm_msr_entry {
        index,
        data: 1,
        ..Default::default()
    };
    let refused = vcpu.set_msrs(&[entry(known), entry(unknown)]).unwrap_err();
    assert_eq!(
        (refused.cause(), refused.detail()),
        (Cause::Msr, unknown),
        "{refused}"
    );
}

/// A kick that comes before the run, or in the middle of it, or while another thread has the flag, ends
/// a run: the flag is no field of a page that somebody borrows.
#[test]
fn immediate_exit_races_with_a_run() {
    let mut vcpu = vcpu([]);
    let kickers: Vec<_> = (0..4).map(|_| vcpu.kicker()).collect();
    kickers[0].kick();
    assert_eq!(vcpu.run().unwrap().0, Exit::Interrupted);
    let threads: Vec<_> = kickers
        .into_iter()
        .map(|kicker| std::thread::spawn(move || kicker.kick()))
        .collect();
    assert_eq!(vcpu.run().unwrap().0, Exit::Interrupted);
    for thread in threads {
        thread.join().unwrap();
    }
}

/// The width of an access is not lost when several come at once.
#[test]
fn width_of_string_io_is_lost() {
    let mut words = page(KVM_EXIT_IO, &[2 << 8 | 0x1f0 << 16 | 6 << 32, PAGE as u64]);
    let page = RunPage::from_words(&mut words).unwrap();
    let Ok(Exit::IoIn(io)) = page.decode() else {
        unreachable!("{page:?}");
    };
    assert_eq!((io.size, io.count(), io.data.len()), (2, 6, 12));
}

/// What an exit asks for is answered while registers are read and set: the two halves are apart.
#[test]
fn registers_out_of_reach_while_an_exit_is_handled() {
    let mut vcpu = vcpu([Step::io_in(0x60, [0x1c]), Step::hlt()]);
    let (exit, regs) = vcpu.run().unwrap();
    let Exit::IoIn(io) = exit else {
        unreachable!("{exit}");
    };
    let rip = regs.get_regs().unwrap().rip;
    io.data.fill(0x1c);
    assert_eq!(regs.get_regs().unwrap().rip, rip);
    assert_eq!(vcpu.run().unwrap().0, Exit::Hlt);
}

/// The reason of an earlier exit is not taken for one when a run fails.
#[test]
fn stale_reason_of_a_failed_run() {
    let mut vcpu = vcpu([Step::errno(Errno::EFAULT), Step::hlt()]);
    vcpu.run_page_mut().set_exit_reason(KVM_EXIT_MMIO);
    let failed = vcpu.run().unwrap_err();
    assert_eq!(failed.errno(), Errno::EFAULT);
    assert_eq!(vcpu.run().unwrap().0, Exit::Hlt);
}
