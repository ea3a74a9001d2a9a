//! Saving a vCPU, and restoring it into another VM.

use kvm_core::{GuestAddress, Hypervisor, Kvm, StateGuest};
use kvm_mock::Model;

use super::Outcome;
use super::machine::{Guest, MMIO, Machine, OUTPUT, RAM, vm_with};
use super::program::{Op, play, steps};

/// A read, whose answer is told.
const READ: &[Op] = &[
    Op::Read(MMIO, &[0x42, 0x43]),
    Op::Keep(OUTPUT),
    Op::Tell(MMIO + 8),
];

/// What is left of it then, and what it read stands where it is kept.
const AFTER: &[Op] = &[
    Op::Poke(OUTPUT, &[0x42, 0x43]),
    Op::Write(MMIO + 8, &[0x42, 0x43]),
];

pub(crate) fn goes_on_script<G: Machine>(model: &Model<G>) {
    play(model, READ);
    // The other VM's vCPU has read already.
    model.script(1, steps(AFTER));
}

/// A read is finished before the vCPU is saved, so the other VM's goes on behind it, with what it read, and so does the
/// one that was saved.
pub(crate) fn goes_on<H: Hypervisor<Guest: Machine + StateGuest>>(system: H) -> Outcome {
    let kvm = Kvm::with(system)?;
    let vm = vm_with(&kvm, READ)?;
    let vcpu = H::Guest::vcpu(&vm, 0)?;
    let mut guest = Guest { vm, vcpu };
    guest.reads(MMIO, &[0x42, 0x43])?;
    let state = guest.vcpu.save()?;
    let of_vm = guest.vm.save()?;

    let other = vm_with(&kvm, READ)?;
    let mut memory = vec![0; usize::try_from(RAM)?];
    guest.vm.read_memory(GuestAddress(0), &mut memory)?;
    other.write_memory(GuestAddress(0), &memory)?;
    // The id is the VMM's name for it: what the guest sees of it comes with the state.
    let mut restored = other.create_vcpu(1)?;
    restored.restore(&state)?;
    other.restore(&of_vm)?;
    assert_eq!(H::Guest::pc(&restored)?, H::Guest::pc(&guest.vcpu)?);
    let names = |state: &kvm_core::SavedState| -> Vec<_> {
        state
            .pieces()
            .map(|piece| (piece.op(), piece.bytes().map(<[u8]>::len)))
            .collect()
    };
    assert_eq!(names(&restored.save()?), names(&state));

    let restored = Guest {
        vm: other,
        vcpu: restored,
    };
    for mut guest in [restored, guest] {
        guest.writes(MMIO + 8, &[0x42, 0x43])?;
        guest.ends()?;
        assert_eq!(guest.output()?, [0x42, 0x43]);
    }
    Ok(())
}
