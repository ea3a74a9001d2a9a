//! Saving and restoring what an x86_64 VM has beside its vCPUs and memory.

use kvm_exit::X86_64;
use kvm_sys::Arch;
use kvm_sys::op::{Fds, Op};
use kvm_sys::x86_64::{
    ClockFlags, KVM_CAP_ADJUST_CLOCK, KVM_CAP_PIT_STATE2, KVM_GET_CLOCK, KVM_GET_IRQCHIP,
    KVM_GET_PIT2, KVM_SET_CLOCK, KVM_SET_PIT2, kvm_clock_data, kvm_irqchip, kvm_pit_state2,
};

use crate::state::{Bank, Writer, value};
use crate::typed::Set;
use crate::{Errno, Error, Hypervisor, SavedState, Vm};

const PIT: Bank<kvm_pit_state2> = Bank::new(&KVM_GET_PIT2, &KVM_SET_PIT2);
const CLOCK: Bank<kvm_clock_data> = Bank::new(&KVM_GET_CLOCK, &KVM_SET_CLOCK);
const SET_CLOCK: Set<kvm_clock_data> = Set::new(&KVM_SET_CLOCK);

/// What the state of a VM consists of.
const PIECES: [&Op; 3] = [&KVM_GET_IRQCHIP, &KVM_GET_PIT2, &KVM_GET_CLOCK];

/// The two PICs and the I/O APIC.
const CHIPS: [u32; 3] = [0, 1, 2];

/// The state of the VM.
pub(super) fn save<H: Hypervisor<Guest = X86_64>>(vm: &Vm<H>) -> Result<SavedState, Error> {
    let on = vm.backend();
    let mut state = Writer::new(Arch::X86_64, Fds::VM);
    for chip_id in CHIPS {
        let mut chip = kvm_irqchip {
            chip_id,
            ..Default::default()
        };
        match vm.get_irqchip(&mut chip) {
            Ok(()) => state.put(&KVM_GET_IRQCHIP, &chip)?,
            Err(error) if is_absent(error) => state.absent(&KVM_GET_IRQCHIP),
            Err(error) => return Err(error),
        }
    }
    let has_state = vm.inner().has(KVM_CAP_PIT_STATE2)?;
    match PIT.save(on, has_state, &mut state) {
        Err(error) if is_absent(error) => state.absent(&KVM_GET_PIT2),
        saved => saved?,
    }
    let has_clock = vm.inner().has(KVM_CAP_ADJUST_CLOCK)?;
    CLOCK.save(on, has_clock, &mut state)?;
    Ok(state.finish())
}

/// Gives the VM a saved state.
pub(super) fn restore<H: Hypervisor<Guest = X86_64>>(
    vm: &Vm<H>,
    state: &SavedState,
) -> Result<(), Error> {
    state.check(Arch::X86_64, Fds::VM, &PIECES)?;
    for chip in state.all(&KVM_GET_IRQCHIP) {
        vm.set_irqchip(&value(&KVM_GET_IRQCHIP, chip)?)?;
    }
    PIT.restore(vm.backend(), state)?;
    if let Some(clock) = state.get::<kvm_clock_data>(&KVM_GET_CLOCK)? {
        let clock = kvm_clock_data {
            // They say how it was read; given back, they ask for corrections.
            flags: ClockFlags::empty(),
            ..clock
        };
        SET_CLOCK.call(vm.backend(), &clock)?;
    }
    Ok(())
}

/// What KVM says of a controller or timer that a VM has not got in the kernel.
fn is_absent(error: Error) -> bool {
    // `ENOTTY` where the kernel has no such call at all.
    matches!(error.errno(), Errno::ENXIO | Errno::ENOTTY)
}
