//! Extended processor state: sections 4.42, 4.43 and 4.134.

use kvm_core::kvm_sys::x86_64::{KVM_CAP_XSAVE2, kvm_fpu, kvm_xsave};
use kvm_core::{Arg, Errno};
use zerocopy::IntoBytes;

use crate::model::banks::Banks;
use crate::model::vcpu::Vcpu;
use crate::model::{args, lock};

const BANK: &str = "xsave";

/// Where the header says which components there are, and those that every processor has: x87 and SSE.
const COMPONENTS: usize = 512;
const EVERYWHERE: u64 = 0b11;
/// Those and AVX.
const CONTROLLED: u64 = 0b111;
/// The x87's control word: no exceptions, the most precise.
const FCW_AT_RESET: u16 = 0x37f;
/// The rest of the header.
const FORMAT: usize = 520;
const HEADER_END: usize = 576;
/// Where MXCSR is, and its bits.
const MXCSR: usize = 24;
const MXCSR_END: usize = 28;
const KNOWN_MXCSR: u32 = 0xffff;

impl Vcpu {
    /// Those that the host's CPUID has in leaf 0xd.
    fn components(&self) -> u64 {
        let mut leaves = self.vm().system().profile().cpuid.iter();
        let leaf = leaves.find(|leaf| (leaf.function, leaf.index) == (0xd, 0));
        let more = leaf.map_or(0, |leaf| u64::from(leaf.edx) << 32 | u64::from(leaf.eax));
        more | EVERYWHERE
    }

    fn xsave_len(&self) -> usize {
        (self.vm().cap(KVM_CAP_XSAVE2) as usize).max(size_of::<kvm_xsave>())
    }

    /// As many bytes as the capability says.
    pub(super) fn get_xsave2(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let to = args::bytes_mut(arg)?.get_mut(..self.xsave_len());
        lock(&self.state)
            .banks
            .get_bytes(BANK, to.ok_or(Errno::EFAULT)?);
        Ok(0)
    }

    /// As many bytes as the capability says. What the processor does not have is refused.
    pub(super) fn set_xsave(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let bytes = args::bytes(arg)?.get(..self.xsave_len());
        let bytes = bytes.ok_or(Errno::EFAULT)?;
        let components = bytes.get(COMPONENTS..).and_then(<[u8]>::first_chunk);
        let mxcsr = bytes.get(MXCSR..).and_then(<[u8]>::first_chunk);
        let components = components.map_or(u64::MAX, |bits| u64::from_le_bytes(*bits));
        let mxcsr = mxcsr.map_or(u32::MAX, |bits| u32::from_le_bytes(*bits));
        // The kernel takes the control bits only when one of the components that they belong to is in use.
        let bad_control = components & CONTROLLED != 0 && mxcsr & !KNOWN_MXCSR != 0;
        // No format but the standard one, and nothing behind.
        let header = bytes.get(FORMAT..HEADER_END).unwrap_or_default();
        let other_format = header.iter().any(|byte| *byte != 0);
        if components & !self.components() != 0 || bad_control || other_format {
            return Err(Errno::EINVAL);
        }
        let mut bytes = bytes.to_vec();
        let mut state = lock(&self.state);
        if components & CONTROLLED == 0 {
            let mut before = vec![0; MXCSR_END];
            state.banks.get_bytes(BANK, &mut before);
            let kept = before.get(MXCSR..MXCSR_END);
            if let (Some(kept), Some(to)) = (kept, bytes.get_mut(MXCSR..MXCSR_END)) {
                to.copy_from_slice(kept);
            }
        }
        forget_unused(&mut bytes, components);
        state.banks.set_bytes(BANK, &bytes);
        let mut fpu: kvm_fpu = state.banks.get("fpu");
        for (area, field) in legacy(&mut fpu, components) {
            if let Some(from) = bytes.get(area..area + field.len()) {
                field.copy_from_slice(from);
            }
        }
        state.banks.set("fpu", &fpu);
        Ok(0)
    }
}

/// A component of the first two that is not in use is as after a reset, whatever stands in its place.
fn forget_unused(bytes: &mut [u8], components: u64) {
    let mut unused = kvm_fpu {
        fcw: FCW_AT_RESET,
        ..Default::default()
    };
    for (area, field) in legacy(&mut unused, !components) {
        if let Some(to) = bytes.get_mut(area..area + field.len()) {
            to.copy_from_slice(field);
        }
    }
}

/// What `KVM_SET_FPU` set is also in the area's components, if they are in use.
pub(super) fn follow_fpu(banks: &mut Banks) {
    let mut fpu: kvm_fpu = banks.get("fpu");
    let mut bytes = banks.all_bytes(BANK);
    let components = bytes.get(COMPONENTS..).and_then(<[u8]>::first_chunk);
    let components = components.map_or(0, |bits| u64::from_le_bytes(*bits));
    for (area, field) in legacy(&mut fpu, components) {
        if let Some(to) = bytes.get_mut(area..area + field.len()) {
            to.copy_from_slice(field);
        }
    }
    banks.set_bytes(BANK, &bytes);
}

/// Where in the area the fields are that `KVM_GET_FPU` gives too, those of the components that are in use.
fn legacy(fpu: &mut kvm_fpu, components: u64) -> impl Iterator<Item = (usize, &mut [u8])> {
    const X87: u64 = 1 << 0;
    const SSE: u64 = 1 << 1;

    let kvm_fpu {
        fcw,
        fsw,
        ftwx,
        last_opcode,
        last_ip,
        last_dp,
        fpr,
        xmm,
        ..
    } = fpu;
    let fields = [
        (X87, 0, fcw.as_mut_bytes()),
        (X87, 2, fsw.as_mut_bytes()),
        (X87, 4, ftwx.as_mut_bytes()),
        (X87, 6, last_opcode.as_mut_bytes()),
        (X87, 8, last_ip.as_mut_bytes()),
        (X87, 16, last_dp.as_mut_bytes()),
        (X87, 32, fpr.as_mut_bytes()),
        (SSE, 160, xmm.as_mut_bytes()),
    ];
    let used = fields
        .into_iter()
        .filter(move |(component, ..)| components & component != 0);
    used.map(|(_, area, field)| (area, field))
}
