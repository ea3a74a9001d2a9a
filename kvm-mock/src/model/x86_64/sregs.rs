//! What KVM refuses of the special registers. Sections 4.14 and 4.132 leave it open: the rules are those of the
//! architecture that the kernel looks at.

use kvm_core::kvm_sys::x86_64::{
    KVM_MP_STATE_RUNNABLE, KVM_SREGS2_FLAGS_PDPTRS_VALID, kvm_cpuid_entry2, kvm_lapic_state,
    kvm_mp_state, kvm_regs, kvm_sregs, kvm_sregs2,
};
use kvm_core::{Arg, Errno};
use zerocopy::{Immutable, IntoBytes};

use super::vcpu::TPR;
use crate::model::vcpu::{State, Vcpu};
use crate::model::{args, lock};

const CR0_PE: u64 = 1;
const CR0_NW: u64 = 1 << 29;
const CR0_CD: u64 = 1 << 30;
const CR0_PG: u64 = 1 << 31;
const CR4_PAE: u64 = 1 << 5;
const EFER_LME: u64 = 1 << 8;
const EFER_LMA: u64 = 1 << 10;
/// Bits of CR4 that every processor has, up to the one of SSE's exceptions, and that of UMIP, which the kernel emulates.
const CR4_EVERYWHERE: u64 = 0xfff;
/// The others: the bit, the leaf of CPUID that tells of it, whether in ecx or in ebx, and which bit there.
const CR4_FEATURES: [(u32, u32, bool, u32); 9] = [
    (12, 7, true, 16),
    (13, 1, true, 5),
    (16, 7, false, 0),
    (17, 1, true, 17),
    (18, 1, true, 26),
    (20, 7, false, 7),
    (21, 7, false, 20),
    (22, 7, true, 3),
    (23, 7, true, 7),
];
/// Of the local APIC's base: those that are reserved whatever the processor, x2APIC and whether it is on.
const APIC_RESERVED: u64 = 0x2ff;
const APIC_X2APIC: u64 = 1 << 10;
const APIC_ON: u64 = 1 << 11;

/// The processor's bits of physical addresses, where CPUID does not say.
const LEAST_ADDRESS_BITS: u32 = 36;

impl Vcpu {
    pub(super) fn set_sregs(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let sregs: kvm_sregs = args::read(arg)?;
        self.set_special("sregs", &sregs, &sregs)
    }

    pub(super) fn set_sregs2(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let sregs2: kvm_sregs2 = args::read(arg)?;
        if KVM_SREGS2_FLAGS_PDPTRS_VALID
            .complement()
            .intersects(sregs2.flags)
        {
            return Err(Errno::EINVAL);
        }
        // Begins as the other form does.
        self.set_special("sregs2", &sregs2, &args::read(arg)?)
    }

    fn set_special<T: IntoBytes + Immutable>(
        &self,
        bank: &'static str,
        given: &T,
        sregs: &kvm_sregs,
    ) -> Result<u32, Errno> {
        let mut state = lock(&self.state);
        let host = self.vm().system().profile();
        if !valid(sregs, &state) || sregs.cr4 & reserved(&host.cpuid) != 0 {
            return Err(Errno::EINVAL);
        }
        state.banks.set(bank, given);
        if self.vm().has_irqchip() {
            let mut lapic: kvm_lapic_state = state.banks.get("lapic");
            if let Some(priority) = lapic.regs.get_mut(TPR) {
                let [low, ..] = sregs.cr8.to_le_bytes();
                *priority = low << 4;
            }
            state.banks.set("lapic", &lapic);
        }
        let boots = lock(&self.vm().state).boot_cpu == self.id;
        if boots && is_at_reset(&state) {
            let mp_state = KVM_MP_STATE_RUNNABLE;
            state.banks.set("mp_state", &kvm_mp_state { mp_state });
        }
        Ok(0)
    }
}

/// Whether a vCPU takes them.
fn valid(sregs: &kvm_sregs, state: &State) -> bool {
    let &kvm_sregs {
        cr0,
        cr3,
        cr4,
        efer,
        apic_base,
        ..
    } = sregs;
    let reserved = u64::MAX.checked_shl(address_bits(state)).unwrap_or(0);
    let long = efer & EFER_LME != 0 && cr0 & CR0_PG != 0;
    let mode = if long {
        cr4 & CR4_PAE != 0 && efer & EFER_LMA != 0 && cr3 & reserved == 0
    } else {
        efer & EFER_LMA == 0 && sregs.cs.l == 0
    };
    let protected = cr0 & CR0_PG == 0 || cr0 & CR0_PE != 0;
    let cached = cr0 & CR0_NW == 0 || cr0 & CR0_CD != 0;
    let x2apic = apic_base & APIC_X2APIC != 0;
    mode && protected
        && cached
        && cr0 >> 32 == 0
        && apic_base & (reserved | APIC_RESERVED) == 0
        && (!x2apic || apic_base & APIC_ON != 0 && feature(state, 1, |ecx| ecx & 1 << 21))
}

/// Bits of CR4 that a processor with this CPUID does not have.
fn reserved(cpuid: &[kvm_cpuid_entry2]) -> u64 {
    let has = |function, in_ecx, bit: u32| {
        let leaf = cpuid
            .iter()
            .find(|leaf| (leaf.function, leaf.index) == (function, 0));
        leaf.is_some_and(|leaf| (if in_ecx { leaf.ecx } else { leaf.ebx }) >> bit & 1 != 0)
    };
    let features = CR4_FEATURES.iter();
    let present = features.filter(|(_, function, in_ecx, bit)| has(*function, *in_ecx, *bit));
    !present.fold(CR4_EVERYWHERE, |bits, (bit, ..)| bits | 1 << bit)
}

fn feature(state: &State, function: u32, bit: fn(u32) -> u32) -> bool {
    let mut leaves = state.cpuid.iter();
    leaves.any(|leaf| leaf.function == function && bit(leaf.ecx) != 0)
}

/// Leaf 0x8000_0008.
fn address_bits(state: &State) -> u32 {
    let mut leaves = state.cpuid.iter();
    let leaf = leaves.find(|leaf| leaf.function == 0x8000_0008);
    leaf.map_or(LEAST_ADDRESS_BITS, |leaf| leaf.eax & 0xff)
}

/// The kernel starts a boot CPU that is put back there, for VMMs that don't do it themselves.
fn is_at_reset(state: &State) -> bool {
    let sregs: kvm_sregs = state.banks.get("sregs");
    let regs: kvm_regs = state.banks.get("regs");
    (regs.rip, sregs.cs.selector, sregs.cs.base) == (0xfff0, 0xf000, 0xffff_0000)
        && sregs.cr0 & CR0_PE == 0
}
