//! State of x86_64 vCPUs beyond the registers: it is got back as it was set.

use std::collections::BTreeSet;
use std::ops::Range;

use kvm_core::kvm_exit::X86_64;
use kvm_core::kvm_sys::x86_64::{
    KVM_VCPUEVENT_VALID_NMI_PENDING, VcpuEventFlags, kvm_cpuid_entry, kvm_msr_entry, kvm_x86_mce,
    kvm_xsave,
};
use kvm_core::{Errno, Hypervisor, Kvm, Xsave};
use zerocopy::IntoBytes;

use super::guest::{Guest, OUTPUT};
use super::{Model, Outcome, Step};

fn errno<T>(refused: Result<T, kvm_core::Error>) -> Option<Errno> {
    refused.err().map(|error| error.errno())
}

/// Where the area of `XSAVE` has MXCSR, and the register's value at reset with another rounding.
const MXCSR: usize = 24;
const ROUNDS_DOWN: u32 = 0x3f80;
/// Where its header says which components it has: x87 and SSE.
const COMPONENTS: usize = 512;

/// Sections 4.42, 4.43 and 4.134: all of the state, at the size that the VM says; shorter state is filled up.
pub(crate) fn xsave<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let vcpu = Kvm::with(system)?.create_vm()?.create_vcpu(0)?;
    let mut state = vcpu.get_xsave2()?;
    assert!(state.as_bytes().len() >= size_of::<kvm_xsave>());
    let put = |state: &mut Xsave, at: usize, bytes: &[u8]| {
        let to = state.as_mut_bytes().get_mut(at..at + bytes.len());
        to.map(|to| to.copy_from_slice(bytes))
            .ok_or("the state is shorter than that")
    };
    put(&mut state, COMPONENTS, &3_u64.to_le_bytes())?;
    put(&mut state, MXCSR, &ROUNDS_DOWN.to_le_bytes())?;
    vcpu.set_xsave2(&state)?;
    let got = vcpu.get_xsave2()?;
    assert_eq!(got.as_bytes().len(), state.as_bytes().len());
    let mxcsr = got.as_bytes().get(MXCSR..MXCSR + 4);
    assert_eq!(mxcsr, Some(&ROUNDS_DOWN.to_le_bytes()[..]));

    // The legacy area and the header are enough.
    let short = Xsave::from_bytes(state.as_bytes().get(..COMPONENTS + 64).unwrap_or_default());
    vcpu.set_xsave2(&short)?;
    assert_eq!(vcpu.get_xsave2()?, got);

    put(&mut state, MXCSR, &[0xff; 4])?;
    assert_eq!(errno(vcpu.set_xsave2(&state)), Some(Errno::EINVAL));
    put(&mut state, MXCSR, &ROUNDS_DOWN.to_le_bytes())?;
    put(&mut state, COMPONENTS, &(3_u64 | 1 << 62).to_le_bytes())?;
    assert_eq!(errno(vcpu.set_xsave2(&state)), Some(Errno::EINVAL));
    Ok(())
}

/// Sections 4.22 and 4.23.
pub(crate) fn fpu<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let vcpu = Kvm::with(system)?.create_vm()?.create_vcpu(0)?;
    let mut fpu = vcpu.get_fpu()?;
    assert_eq!(fpu.fcw, 0x37f, "at reset");
    fpu.fcw = 0x27f;
    fpu.xmm[3] = [0x5a; 16];
    vcpu.set_fpu(&fpu)?;
    let got = vcpu.get_fpu()?;
    assert_eq!((got.fcw, got.xmm), (fpu.fcw, fpu.xmm));
    Ok(())
}

/// Sections 4.131 and 4.132: a second view of the special registers.
pub(crate) fn sregs2<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let vcpu = Kvm::with(system)?.create_vm()?.create_vcpu(0)?;
    let mut sregs = vcpu.get_sregs2()?;
    sregs.cr3 = 0x7000;
    sregs.gdt.base = 0x5000;
    vcpu.set_sregs2(&sregs)?;
    assert_eq!(vcpu.get_sregs2()?, sregs);
    let other = vcpu.get_sregs()?;
    assert_eq!((other.cr3, other.gdt), (sregs.cr3, sregs.gdt));
    Ok(())
}

/// Section 4.15: without paging, linear addresses are physical ones.
pub(crate) fn translate<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let vcpu = Kvm::with(system)?.create_vm()?.create_vcpu(0)?;
    let translation = vcpu.translate_gva(0x1234)?;
    assert_eq!(
        (translation.valid, translation.physical_address),
        (1, 0x1234)
    );
    Ok(())
}

/// Sections 4.57 and 4.58.
pub(crate) fn lapic<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    const TASK_PRIORITY: usize = 0x80;
    const SPURIOUS: usize = 0xf0;

    let kvm = Kvm::with(system)?;
    let vm = kvm.create_vm()?;
    vm.create_irq_chip()?;
    let vcpu = vm.create_vcpu(0)?;
    let mut lapic = vcpu.get_lapic()?;
    lapic.regs[TASK_PRIORITY] = 0x20;
    lapic.regs[SPURIOUS..SPURIOUS + 2].copy_from_slice(&[0xff, 1]);
    vcpu.set_lapic(&lapic)?;
    let got = vcpu.get_lapic()?;
    assert_eq!(got.regs[TASK_PRIORITY], 0x20);
    assert_eq!(got.regs[SPURIOUS..SPURIOUS + 2], [0xff, 1]);

    let without = kvm.create_vm()?.create_vcpu(0)?;
    assert_eq!(errno(without.get_lapic()), Some(Errno::EINVAL));
    assert_eq!(errno(without.set_lapic(&lapic)), Some(Errno::EINVAL));
    vcpu.set_tpr_access_reporting(true)?;
    vcpu.set_tpr_access_reporting(false)?;
    Ok(())
}

/// Sections 4.31, 4.32 and 4.64.
pub(crate) fn events<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let vcpu = Kvm::with(system)?.create_vm()?.create_vcpu(0)?;
    assert_eq!(vcpu.get_vcpu_events()?.nmi.pending, 0);
    vcpu.nmi()?;
    let mut events = vcpu.get_vcpu_events()?;
    assert_eq!(events.nmi.pending, 1);
    assert!(events.flags.contains(KVM_VCPUEVENT_VALID_NMI_PENDING));

    events.nmi.pending = 0;
    events.nmi.masked = 1;
    vcpu.set_vcpu_events(&events)?;
    let got = vcpu.get_vcpu_events()?;
    assert_eq!((got.nmi.pending, got.nmi.masked), (0, 1));

    events.flags = VcpuEventFlags::from_bits_retain(1 << 31);
    assert_eq!(errno(vcpu.set_vcpu_events(&events)), Some(Errno::EINVAL));
    Ok(())
}

/// Sections 4.104 to 4.106: a machine check needs a bank, and what is valid.
pub(crate) fn machine_checks<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    const VALID: u64 = 1 << 63;

    let kvm = Kvm::with(system)?;
    let supported = kvm.get_mce_cap_supported()?;
    let vcpu = kvm.create_vm()?.create_vcpu(0)?;
    let invalid = Some(Errno::EINVAL);
    assert_eq!(errno(vcpu.setup_mce(supported)), invalid, "no bank");
    assert_eq!(errno(vcpu.setup_mce(supported | 0xff)), invalid);
    assert_eq!(errno(vcpu.setup_mce(1 << 40 | 4)), invalid);
    vcpu.setup_mce(supported | 4)?;
    let check = |bank, status| {
        let check = kvm_x86_mce {
            bank,
            status,
            ..Default::default()
        };
        errno(vcpu.set_mce(&check))
    };
    assert_eq!(check(4, VALID), invalid);
    assert_eq!(check(3, 0), invalid);
    assert_eq!(check(3, VALID), None);
    Ok(())
}

/// A leaf of the hypervisor's own, with no meaning to KVM.
const LEAF: u32 = 0x4000_0100;
/// mov eax, LEAF; cpuid; mov [OUTPUT], ebx; hlt
const ASKS: &[u8] = &[
    0x66, 0xb8, 0x00, 0x01, 0x00, 0x40, 0x0f, 0xa2, 0x66, 0x89, 0x1e, 0x00, 0x30, 0xf4,
];
const ANSWER: u32 = 0x1357_9bdf;

pub(crate) fn cpuid_script(model: &Model) {
    model.script(0, [Step::hlt().writes_memory(OUTPUT, ANSWER.to_le_bytes())]);
}

/// Section 4.20: a guest sees the leaves that it was given.
pub(crate) fn cpuid<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let mut guest = Guest::new(system, ASKS)?;
    let leaf = kvm_cpuid_entry {
        function: LEAF,
        ebx: ANSWER,
        ..Default::default()
    };
    guest.vcpu.set_cpuid(&[leaf])?;
    let [got] = guest.vcpu.get_cpuid2()?[..] else {
        return Err("one leaf was set".into());
    };
    assert_eq!((got.function, got.index, got.ebx), (LEAF, 0, ANSWER));
    guest.halts()?;
    assert_eq!(guest.output(), Ok(ANSWER.to_le_bytes()));
    Ok(())
}

/// Sections 4.3 and 4.18: what the system lists, it reads.
pub(crate) fn feature_msrs<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let kvm = Kvm::with(system)?;
    let listed = kvm.get_msr_feature_index_list()?;
    assert_eq!(
        listed.iter().collect::<BTreeSet<_>>().len(),
        listed.len(),
        "each once"
    );
    let entry = |index| kvm_msr_entry {
        index,
        ..Default::default()
    };
    let mut features: Vec<_> = listed.iter().copied().map(entry).collect();
    kvm.get_msrs(&mut features)?;
    let unknown = kvm.get_msrs(&mut [entry(0x00ba_dbad)]).err();
    assert_eq!(unknown.map(|error| error.detail()), Some(0x00ba_dbad));
    Ok(())
}

/// More MSRs than the kernel takes at once are read and written in pieces.
pub(crate) fn many_msrs<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    const LSTAR: u32 = 0xc000_0082;

    let vcpu = Kvm::with(system)?.create_vm()?.create_vcpu(0)?;
    let entry = |data| kvm_msr_entry {
        index: LSTAR,
        data,
        ..Default::default()
    };
    let mut entries: Vec<_> = (0..600).map(|n| entry(n << 12)).collect();
    vcpu.set_msrs(&entries)?;
    vcpu.get_msrs(&mut entries)?;
    assert_eq!(entries, [entry(599 << 12); 600]);
    Ok(())
}

/// Sections 4.55 and 4.56.
pub(crate) fn tsc_khz<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let kvm = Kvm::with(system)?;
    let vm = kvm.create_vm()?;
    let khz = vm.get_tsc_khz()?;
    assert_ne!(khz, 0);
    assert_eq!(vm.create_vcpu(0)?.get_tsc_khz()?, khz);
    // 0 is the host's, which is the default.
    let vm = kvm.create_vm()?;
    vm.set_tsc_khz(0)?;
    assert_eq!(vm.get_tsc_khz()?, khz);
    Ok(())
}

/// Sections 4.42 to 4.45: the form of 4096 bytes, where that is all, and XCR0.
pub(crate) fn one_page_of_xsave<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let vcpu = Kvm::with(system)?.create_vm()?.create_vcpu(0)?;
    let xsave = vcpu.get_xsave()?;
    vcpu.set_xsave(&xsave)?;
    assert_eq!(
        vcpu.get_xsave2()?.as_bytes().get(..size_of_val(&xsave)),
        Some(xsave.as_bytes())
    );
    let xcrs = vcpu.get_xcrs()?;
    vcpu.set_xcrs(&xcrs)?;
    assert_eq!(vcpu.get_xcrs()?, xcrs);
    Ok(())
}

/// Sections 4.22, 4.23, 4.42 and 4.43: the registers of the x87 and of SSE are in both forms, and where a component is not in
/// use, nothing of what stands in its place.
pub(crate) fn fpu_in_xsave<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    const XMM: Range<usize> = 160..176;
    const COMPONENTS: Range<usize> = 512..520;
    const X87_AND_SSE: u64 = 0b11;

    let vcpu = Kvm::with(system)?.create_vm()?.create_vcpu(0)?;
    let set = |components: u64, xmm: Option<u8>| -> Result<(), kvm_core::Error> {
        let mut state = vcpu.get_xsave2()?;
        let bytes = state.as_mut_bytes();
        if let (Some(xmm), Some(place)) = (xmm, bytes.get_mut(XMM)) {
            place.fill(xmm);
        }
        if let Some(place) = bytes.get_mut(COMPONENTS) {
            place.copy_from_slice(&components.to_le_bytes());
        }
        vcpu.set_xsave2(&state)
    };
    set(X87_AND_SSE, Some(0xfa))?;
    assert_eq!(vcpu.get_fpu()?.xmm.first(), Some(&[0xfa; 16]));
    set(0, Some(0xfb))?;
    assert_eq!(vcpu.get_xsave2()?.as_bytes().get(XMM), Some(&[0; 16][..]));
    set(X87_AND_SSE, None)?;
    assert_eq!(vcpu.get_fpu()?.xmm.first(), Some(&[0; 16]));
    Ok(())
}
