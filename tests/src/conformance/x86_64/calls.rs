//! Rules that the typed layer leaves no way to break.

use std::mem::size_of;

use kvm_core::kvm_exit::X86_64;
use kvm_core::kvm_sys::op::{Dir, Fds, Op};
use kvm_core::kvm_sys::x86_64::{
    ALL, Cap, KVM_CAP_IRQCHIP, KVM_CHECK_EXTENSION, KVM_CREATE_IRQCHIP, KVM_CREATE_PIT2,
    KVM_CREATE_VCPU, KVM_CREATE_VM, KVM_GET_CPUID2, KVM_GET_MSR_INDEX_LIST, KVM_GET_PIT2,
    KVM_GET_REGS, KVM_GET_SUPPORTED_CPUID, KVM_INTERRUPT, KVM_MEM_LOG_DIRTY_PAGES,
    KVM_MEM_READONLY, KVM_NR_INTERRUPTS, KVM_SET_BOOT_CPU_ID, KVM_SET_CPUID2,
    KVM_SET_IDENTITY_MAP_ADDR, KVM_SET_PIT2, KVM_SET_TSS_ADDR, MemFlags, kvm_cpuid_entry2,
    kvm_cpuid2, kvm_msr_list, kvm_pit_config, kvm_pit_state2, kvm_regs,
};
use kvm_core::{AnonymousMemory, Errno, Hypervisor, Memory, ops};

use super::Outcome;
use crate::conformance::raw::{self, Raw};

fn vm<H: Hypervisor<Guest = X86_64>>(system: H) -> Result<(Raw<H>, Raw<H>), Errno> {
    let system = Raw::new(system);
    let vm = system.create(&KVM_CREATE_VM, 0)?;
    Ok((system, vm))
}

fn refused<T>(result: Result<T, Errno>) -> Option<Errno> {
    result.err()
}

/// Calls of another object are none of this one, and change nothing. Kernels say `ENOTTY` or `EINVAL`.
pub(crate) fn of_another_object<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let (system, vm) = vm(system)?;
    let vcpu = vm.create(&KVM_CREATE_VCPU, 0)?;
    let mut regs = [0; size_of::<kvm_regs>()];
    let answers = [
        system.value(&KVM_CREATE_IRQCHIP, 0),
        vcpu.value(&KVM_SET_TSS_ADDR, 0),
        vm.create(&KVM_CREATE_VM, 0).map(|_| 0),
        system.bytes(&KVM_GET_REGS, &mut regs),
        vm.bytes(&KVM_GET_REGS, &mut regs),
    ];
    for answer in answers {
        assert!(
            matches!(answer, Err(Errno::ENOTTY | Errno::EINVAL)),
            "{answer:?}"
        );
    }
    vcpu.bytes(&KVM_GET_REGS, &mut regs)?;
    Ok(())
}

/// Section 4.35: what a slot may be, and how one that exists may change.
pub(crate) fn slots<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let (system, mut vm) = vm(system)?;
    let page = u64::from(system.value(&ops::PAGE_SIZE, 0)?);
    let none = MemFlags::empty();
    let memory = || -> Result<Memory, Box<dyn std::error::Error>> {
        Ok(AnonymousMemory::new(usize::try_from(4 * page)?)?.into())
    };
    let (one, two) = (memory()?, memory()?);
    let whole = 4 * page;

    let invalid = Err(Errno::EINVAL);
    assert_eq!(vm.region(0, none, page / 2, &one, whole), invalid);
    assert_eq!(vm.region(0, none, 0, &one, page / 2), invalid);
    assert_eq!(vm.region(0, none, 0, &one, 0), invalid, "nothing to remove");
    assert_eq!(
        vm.region(0, MemFlags::from_bits_retain(1 << 30), 0, &one, whole),
        invalid
    );
    assert_eq!(
        vm.region(0, none, 0_u64.wrapping_sub(page), &one, whole),
        invalid
    );

    vm.region(0, none, 0, &one, whole)?;
    vm.region(0, none, 0, &one, whole)?;
    assert_eq!(vm.region(0, none, 0, &one, page), invalid, "not resized");
    assert_eq!(
        vm.region(0, none, 0, &two, whole),
        invalid,
        "nor backed by another"
    );
    assert_eq!(vm.region(0, KVM_MEM_READONLY, 0, &one, whole), invalid);
    vm.region(0, KVM_MEM_LOG_DIRTY_PAGES, 0, &one, whole)?;
    vm.region(0, none, 16 * page, &one, whole)?;

    vm.region(1, none, 0, &two, whole)?;
    let exists = Err(Errno::EEXIST);
    assert_eq!(
        vm.region(0, none, page, &one, whole),
        exists,
        "not moved onto another"
    );
    vm.region(0, none, 17 * page, &one, whole)?;
    vm.region(1, none, 0, &two, 0)?;
    vm.region(0, none, 0, &one, whole)?;
    vm.region(0, none, 0, &one, 0)?;
    assert_eq!(vm.region(0, none, 0, &one, 0), invalid, "gone already");
    Ok(())
}

/// Section 4.71: the timer needs the interrupt controllers, and is created once; section 4.72: its state needs
/// it.
pub(crate) fn timer<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let (_, vm) = vm(system)?;
    let mut config = [0; size_of::<kvm_pit_config>()];
    let mut state = [0; size_of::<kvm_pit_state2>()];
    assert_eq!(vm.bytes(&KVM_CREATE_PIT2, &mut config), Err(Errno::ENOENT));
    vm.value(&KVM_CREATE_IRQCHIP, 0)?;
    assert_eq!(vm.bytes(&KVM_GET_PIT2, &mut state), Err(Errno::ENXIO));
    vm.bytes(&KVM_CREATE_PIT2, &mut config)?;
    assert_eq!(vm.bytes(&KVM_CREATE_PIT2, &mut config), Err(Errno::EEXIST));
    vm.bytes(&KVM_GET_PIT2, &mut state)?;
    vm.bytes(&KVM_SET_PIT2, &mut state)?;
    Ok(())
}

/// Sections 4.40 and 4.41: what has to be said before there is a vCPU.
pub(crate) fn before_vcpus<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let (_, vm) = vm(system)?;
    let mut identity_map = 0xfffb_c000_u64.to_ne_bytes();
    vm.bytes(&KVM_SET_IDENTITY_MAP_ADDR, &mut identity_map)?;
    vm.value(&KVM_SET_BOOT_CPU_ID, 3)?;
    let _vcpu = vm.create(&KVM_CREATE_VCPU, 0)?;
    let late = vm.bytes(&KVM_SET_IDENTITY_MAP_ADDR, &mut identity_map);
    assert_eq!(late, Err(Errno::EINVAL));
    assert_eq!(vm.value(&KVM_SET_BOOT_CPU_ID, 0), Err(Errno::EBUSY));
    Ok(())
}

/// Section 4.16: interrupts are injected where there is no controller, and have a vector.
pub(crate) fn interrupt<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let (system, plain) = vm(system)?;
    let mut no_vector = u32::try_from(KVM_NR_INTERRUPTS)?.to_ne_bytes();
    let mut timer = 0x20_u32.to_ne_bytes();
    let vcpu = plain.create(&KVM_CREATE_VCPU, 0)?;
    assert_eq!(
        vcpu.bytes(&KVM_INTERRUPT, &mut no_vector),
        Err(Errno::EINVAL)
    );
    vcpu.bytes(&KVM_INTERRUPT, &mut timer)?;

    let vm = system.create(&KVM_CREATE_VM, 0)?;
    vm.value(&KVM_CREATE_IRQCHIP, 0)?;
    let vcpu = vm.create(&KVM_CREATE_VCPU, 0)?;
    assert_eq!(vcpu.bytes(&KVM_INTERRUPT, &mut timer), Err(Errno::ENXIO));
    Ok(())
}

fn cpuid(room: usize) -> Result<Vec<u8>, std::num::TryFromIntError> {
    list(size_of::<kvm_cpuid2>(), size_of::<kvm_cpuid_entry2>(), room)
}

/// Zeroed bytes for a list with room for so many elements.
fn list(header: usize, element: usize, room: usize) -> Result<Vec<u8>, std::num::TryFromIntError> {
    let mut bytes = vec![0; header + element * room];
    let count = u32::try_from(room)?.to_ne_bytes();
    bytes.splice(..count.len(), count);
    Ok(bytes)
}

fn count(list: &[u8]) -> usize {
    let count = list.first_chunk().copied().map(u32::from_ne_bytes);
    count.unwrap_or(0) as usize
}

/// Sections 4.3, 4.46: a list that does not fit is `E2BIG`; where there is room the count is adjusted.
pub(crate) fn lists<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let (system, vm) = vm(system)?;
    let vcpu = vm.create(&KVM_CREATE_VCPU, 0)?;
    let too_big = Some(Errno::E2BIG);

    let mut none = list(size_of::<kvm_msr_list>(), 4, 0)?;
    assert_eq!(
        refused(system.bytes(&KVM_GET_MSR_INDEX_LIST, &mut none)),
        too_big
    );
    let msrs = count(&none);
    assert!(msrs > 0, "the call says how many there are");
    let mut all = list(size_of::<kvm_msr_list>(), 4, msrs)?;
    system.bytes(&KVM_GET_MSR_INDEX_LIST, &mut all)?;
    assert_eq!(count(&all), msrs);

    let mut short = cpuid(1)?;
    assert_eq!(
        refused(system.bytes(&KVM_GET_SUPPORTED_CPUID, &mut short)),
        too_big
    );
    let mut long = cpuid(256)?;
    system.bytes(&KVM_GET_SUPPORTED_CPUID, &mut long)?;
    let entries = count(&long);
    assert!(1 < entries && entries < 256);

    vcpu.bytes(&KVM_SET_CPUID2, &mut long)?;
    assert_eq!(refused(vcpu.bytes(&KVM_GET_CPUID2, &mut short)), too_big);
    let mut exact = cpuid(entries)?;
    vcpu.bytes(&KVM_GET_CPUID2, &mut exact)?;
    assert_eq!(count(&exact), entries);
    let mut too_many = cpuid(257)?;
    assert_eq!(refused(vcpu.bytes(&KVM_SET_CPUID2, &mut too_many)), too_big);
    Ok(())
}

/// What the GET of a pair gave, its SET takes: that is how state is saved and restored.
pub(crate) fn pairs<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let (system, vm) = vm(system)?;
    assert!(system.value(&KVM_CHECK_EXTENSION, KVM_CAP_IRQCHIP.0.into())? > 0);
    vm.value(&KVM_CREATE_IRQCHIP, 0)?;
    let vcpu = vm.create(&KVM_CREATE_VCPU, 0)?;
    let mut tried = 0;
    for get in ALL.iter().filter(|op| op.dir() == Some(Dir::Out)) {
        let mut state = vec![0; get.size()];
        // But for `xsave`, whose setter takes as much as the VM's CPUs have.
        let set =
            |op: &&&Op| op.bank == get.bank && op.dir() == Some(Dir::In) && raw::enough(op, &state);
        let Some(set) = ALL.iter().find(set).filter(|_| get.bank.is_some()) else {
            continue;
        };
        if !get.fds.contains(Fds::VCPU) || !offered(&system, get)? {
            continue;
        }
        let got = vcpu.bytes(get, &mut state);
        assert!(got.is_ok(), "{get}: {got:?}");
        let took = vcpu.bytes(set, &mut state);
        assert!(took.is_ok(), "{set}: {took:?}");
        tried += 1;
    }
    assert!(tried >= 9, "only {tried} pairs");
    Ok(())
}

/// Whether the system has the capability that the call needs.
fn offered<H: Hypervisor<Guest = X86_64>>(system: &Raw<H>, op: &Op) -> Result<bool, Errno> {
    let Some(needed) = op.capability else {
        return Ok(true);
    };
    let cap = Cap::NAMES.iter().find(|(_, name)| *name == needed);
    let Some((cap, _)) = cap else {
        return Ok(false);
    };
    Ok(system.value(&KVM_CHECK_EXTENSION, cap.0.into())? > 0)
}
