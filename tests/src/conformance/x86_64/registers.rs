//! A vCPU's state: what it is at reset, and that what is set is got back.

use kvm_core::kvm_exit::X86_64;
use kvm_core::kvm_sys::x86_64::{
    KVM_MP_STATE_HALTED, KVM_MP_STATE_RUNNABLE, KVM_MP_STATE_UNINITIALIZED, kvm_cpuid_entry2,
    kvm_debugregs, kvm_msr_entry, kvm_regs,
};
use kvm_core::{Cause, Errno, Hypervisor, Kvm};

use super::guest::Guest;
use super::{Model, Outcome, Step};

/// The architecture's state at reset: real mode, 16 bytes below 4 GiB.
pub(crate) fn at_reset<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let vcpu = Kvm::with(system)?.create_vm()?.create_vcpu(0)?;
    let regs = vcpu.get_regs()?;
    // The processor's signature, which differs, is in rdx.
    let rdx = regs.rdx;
    let expected = kvm_regs {
        rdx,
        rip: 0xfff0,
        rflags: 2,
        ..Default::default()
    };
    assert_eq!(regs, expected);

    let sregs = vcpu.get_sregs()?;
    assert_eq!((sregs.cs.selector, sregs.cs.base), (0xf000, 0xffff_0000));
    assert_eq!(sregs.cs.limit, 0xffff);
    for segment in [sregs.ds, sregs.es, sregs.fs, sregs.gs, sregs.ss] {
        assert_eq!(
            (segment.selector, segment.base, segment.limit),
            (0, 0, 0xffff)
        );
    }
    for table in [sregs.gdt, sregs.idt] {
        assert_eq!((table.base, table.limit), (0, 0xffff));
    }
    assert_eq!(sregs.cr0, 0x6000_0010);
    assert_eq!((sregs.cr2, sregs.cr3, sregs.cr4, sregs.efer), (0, 0, 0, 0));

    let debugregs = vcpu.get_debug_regs()?;
    assert_eq!((debugregs.db, debugregs.dr7), ([0; 4], 0x400));
    assert_eq!(debugregs.dr6, 0xffff_0ff0);
    Ok(())
}

/// Sections 4.11 and 4.12.
pub(crate) fn general<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let vcpu = Kvm::with(system)?.create_vm()?.create_vcpu(0)?;
    let regs = kvm_regs {
        rax: 1,
        rbx: 2,
        rcx: 3,
        rdx: 4,
        rsi: 5,
        rdi: 6,
        rsp: 7,
        rbp: 8,
        r8: 9,
        r9: 10,
        r10: 11,
        r11: 12,
        r12: 13,
        r13: 14,
        r14: 15,
        r15: u64::MAX,
        rip: 0x1234,
        rflags: 0x246,
    };
    vcpu.set_regs(&regs)?;
    assert_eq!(vcpu.get_regs()?, regs);
    let handle = vcpu.registers().clone();
    drop(vcpu);
    assert_eq!(handle.get_regs()?, regs, "a handle keeps the vCPU");
    Ok(())
}

/// Sections 4.13 and 4.14.
pub(crate) fn special<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let vcpu = Kvm::with(system)?.create_vm()?.create_vcpu(0)?;
    let mut sregs = vcpu.get_sregs()?;
    sregs.cs.base = 0x1_2340;
    sregs.cs.selector = 0x1234;
    sregs.ds.limit = 0xfff;
    sregs.gdt.base = 0x5000;
    sregs.gdt.limit = 0x27;
    sregs.idt.base = 0x6000;
    sregs.cr2 = 0xdead_b000;
    sregs.cr3 = 0x7000;
    sregs.cr8 = 5;
    vcpu.set_sregs(&sregs)?;
    assert_eq!(vcpu.get_sregs()?, sregs);
    Ok(())
}

/// Sections 4.33 and 4.34: "The flags field is unused yet and must be cleared on entry."
pub(crate) fn debug<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let vcpu = Kvm::with(system)?.create_vm()?.create_vcpu(0)?;
    let mut regs = vcpu.get_debug_regs()?;
    regs.db = [0x1000, 0x2000, 0x3000, 0x4000];
    vcpu.set_debug_regs(&regs)?;
    assert_eq!(vcpu.get_debug_regs()?, regs);
    let wrong = |change: fn(&mut kvm_debugregs)| {
        let mut regs = regs;
        change(&mut regs);
        vcpu.set_debug_regs(&regs).err().map(|error| error.errno())
    };
    assert_eq!(wrong(|regs| regs.flags = 1), Some(Errno::EINVAL));
    assert_eq!(wrong(|regs| regs.dr6 |= 1 << 32), Some(Errno::EINVAL));
    assert_eq!(wrong(|regs| regs.dr7 |= 1 << 32), Some(Errno::EINVAL));
    assert_eq!(
        vcpu.get_debug_regs()?,
        regs,
        "what is refused changes nothing"
    );
    Ok(())
}

/// Section 4.46: the supported leaves can be given to a vCPU, with some of them changed.
pub(crate) fn cpuid<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    /// The first of the leaves with the processor's name, in which KVM has no interest.
    const NAME: u32 = 0x8000_0002;

    let kvm = Kvm::with(system)?;
    let mut leaves = kvm.get_supported_cpuid()?;
    let vcpu = kvm.create_vm()?.create_vcpu(0)?;
    assert_eq!(vcpu.get_cpuid2()?, [], "none before the first call");
    let name = leaves.iter_mut().find(|leaf| leaf.function == NAME);
    let name = name.ok_or("a processor has a name")?;
    (name.eax, name.edx) = (0x6d76_6b5b, 0x5d);
    let name = *name;
    vcpu.set_cpuid2(&leaves)?;
    let got = vcpu.get_cpuid2()?;
    assert_eq!(got.len(), leaves.len());
    assert!(got.contains(&name));
    let functions = |leaves: &[kvm_cpuid_entry2]| -> Vec<(u32, u32)> {
        leaves
            .iter()
            .map(|leaf| (leaf.function, leaf.index))
            .collect()
    };
    assert_eq!(functions(&got), functions(&leaves));
    Ok(())
}

/// A guest that has nothing to do.
const HALT: &[u8] = &[0xf4];

pub(crate) fn cpuid_after_run_script(model: &Model) {
    model.script(0, [Step::hlt()]);
}

/// What a guest may have seen does not change under it.
pub(crate) fn cpuid_after_run<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let mut guest = Guest::new(system, HALT)?;
    let leaf = |function| kvm_cpuid_entry2 {
        function,
        ..Default::default()
    };
    guest.vcpu.set_cpuid2(&[leaf(0), leaf(1)])?;
    guest.vcpu.set_cpuid2(&[leaf(0)])?;
    guest.halts()?;
    guest.vcpu.set_cpuid2(&[leaf(0)])?;
    let refused = guest.vcpu.set_cpuid2(&[leaf(0), leaf(7)]).err();
    assert_eq!(refused.map(|error| error.errno()), Some(Errno::EINVAL));
    assert_eq!(guest.vcpu.get_cpuid2()?, [leaf(0)]);
    Ok(())
}

/// The target of `syscall`, and the base that `swapgs` loads: plain 64-bit values.
const LSTAR: u32 = 0xc000_0082;
const KERNEL_GS_BASE: u32 = 0xc000_0102;
/// An MSR that no processor has.
const UNKNOWN: u32 = 0x00ba_dbad;

/// Sections 4.18 and 4.19: the calls stop at the first MSR that they can't serve; those before it count.
pub(crate) fn msrs<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let kvm = Kvm::with(system)?;
    let known = kvm.get_msr_index_list()?;
    assert!(
        [LSTAR, KERNEL_GS_BASE]
            .iter()
            .all(|msr| known.contains(msr))
    );
    assert!(!known.contains(&UNKNOWN));
    let vcpu = kvm.create_vm()?.create_vcpu(0)?;
    let entry = |index, data| kvm_msr_entry {
        index,
        data,
        ..Default::default()
    };
    vcpu.set_msrs(&[
        entry(LSTAR, 0x1111_0000),
        entry(KERNEL_GS_BASE, 0x2222_0000),
    ])?;
    let mut got = [entry(KERNEL_GS_BASE, 0), entry(LSTAR, 0)];
    vcpu.get_msrs(&mut got)?;
    assert_eq!(got.map(|entry| entry.data), [0x2222_0000, 0x1111_0000]);

    let stopped = vcpu.set_msrs(&[
        entry(LSTAR, 0x3333_0000),
        entry(UNKNOWN, 0),
        entry(KERNEL_GS_BASE, 0x4444_0000),
    ]);
    let error = stopped.err().ok_or("an unknown MSR")?;
    assert_eq!((error.cause(), error.detail()), (Cause::Msr, UNKNOWN));
    vcpu.get_msrs(&mut got)?;
    assert_eq!(got.map(|entry| entry.data), [0x2222_0000, 0x3333_0000]);

    let mut partly = [entry(LSTAR, 0), entry(UNKNOWN, 7), entry(LSTAR, 7)];
    let error = vcpu.get_msrs(&mut partly).err().ok_or("an unknown MSR")?;
    assert_eq!((error.cause(), error.detail()), (Cause::Msr, UNKNOWN));
    assert_eq!(
        partly.map(|entry| entry.data),
        [0x3333_0000, partly[1].data, 7]
    );
    Ok(())
}

/// Sections 4.38 and 4.39: without a local APIC in the kernel there is only one state; with them, all vCPUs
/// but the first wait to be started.
pub(crate) fn mp_state<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let kvm = Kvm::with(system)?;
    let plain = kvm.create_vm()?.create_vcpu(0)?;
    assert_eq!(plain.get_mp_state()?, KVM_MP_STATE_RUNNABLE);
    plain.set_mp_state(KVM_MP_STATE_RUNNABLE)?;
    let refused = plain.set_mp_state(KVM_MP_STATE_HALTED).err();
    assert_eq!(refused.map(|error| error.errno()), Some(Errno::EINVAL));

    let vm = kvm.create_vm()?;
    vm.create_irq_chip()?;
    let (first, second) = (vm.create_vcpu(0)?, vm.create_vcpu(1)?);
    assert_eq!(first.get_mp_state()?, KVM_MP_STATE_RUNNABLE);
    assert_eq!(second.get_mp_state()?, KVM_MP_STATE_UNINITIALIZED);
    for state in [KVM_MP_STATE_HALTED, KVM_MP_STATE_RUNNABLE] {
        second.set_mp_state(state)?;
        assert_eq!(second.get_mp_state()?, state);
    }
    Ok(())
}
