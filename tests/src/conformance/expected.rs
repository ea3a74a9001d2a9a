//! What can't work on a host, or on a recording, by name: such a scenario is run, has to fail, and fails the run once it works.

use kvm_core::kvm_sys::Arch;

use super::{Backend, Scenario};
use crate::host::Host;

/// Scenarios that fail on a host.
#[derive(Debug)]
struct Expected {
    /// Its name without the backend.
    scenario: &'static str,
    arch: Arch,
    on: fn(&Host) -> bool,
    why: &'static str,
}

/// All that is known.
const EXPECTED: &[Expected] = &[
    Expected {
        scenario: "exits::hypercall",
        arch: Arch::X86_64,
        on: Host::is_software,
        why: "a KVM in software does not come back from the instruction",
    },
    Expected {
        scenario: "exits::fail_entry",
        arch: Arch::X86_64,
        on: Host::is_software,
        why: "a KVM in software has no entries that fail",
    },
    Expected {
        scenario: "apic::priority",
        arch: Arch::X86_64,
        on: Host::is_software,
        why: "a KVM in software does not tell of CR8",
    },
    Expected {
        scenario: "smm::entered",
        arch: Arch::X86_64,
        on: Host::is_software,
        why: "a KVM in software is built without system management mode",
    },
    Expected {
        scenario: "nested::goes_on",
        arch: Arch::X86_64,
        on: |host| !host.has_svm(),
        why: "the guest runs its own by SVM, which this processor does not have",
    },
    Expected {
        scenario: "private_memory::files",
        arch: Arch::X86_64,
        on: |host| host.has_kernel("6.1") || host.has_kernel("6.12"),
        why: "this kernel gives no guest_memfd to VMs of the default type",
    },
    Expected {
        scenario: "private_memory::slots",
        arch: Arch::X86_64,
        on: |host| host.has_kernel("6.1") || host.has_kernel("6.12"),
        why: "this kernel gives no guest_memfd to VMs of the default type",
    },
    Expected {
        scenario: "private_memory::other_vm",
        arch: Arch::X86_64,
        on: |host| host.has_kernel("6.1") || host.has_kernel("6.12"),
        why: "this kernel gives no guest_memfd to VMs of the default type",
    },
    Expected {
        scenario: "vm::exits_disabled_too_late",
        arch: Arch::X86_64,
        on: |host| host.has_kernel("6.1") || host.has_kernel("6.12"),
        why: "this kernel takes it when there are vCPUs, too",
    },
    Expected {
        scenario: "coalesced::full",
        arch: Arch::X86_64,
        on: |host| host.has_kernel("6.1"),
        why: "this kernel takes the ring to be full when half of it is",
    },
    Expected {
        scenario: "coalesced::coalesced_ring_has_one_consumer",
        arch: Arch::X86_64,
        on: |host| host.has_kernel("6.1"),
        why: "this kernel takes the ring to be full when half of it is",
    },
    Expected {
        scenario: "calls::timer",
        arch: Arch::X86_64,
        on: |host| host.has_kernel("6.1"),
        why: "this kernel makes a PIT without interrupt controllers",
    },
    Expected {
        scenario: "vm::first_timer",
        arch: Arch::X86_64,
        on: |host| host.has_kernel("6.1"),
        why: "this kernel makes a PIT without interrupt controllers",
    },
    Expected {
        scenario: "vm::split_irqchip",
        arch: Arch::X86_64,
        on: |host| host.has_kernel("6.1"),
        why: "this kernel makes a PIT without interrupt controllers",
    },
    Expected {
        scenario: "vm::capabilities",
        arch: Arch::X86_64,
        on: |host| host.has_kernel("6.1"),
        why: "this kernel does not let the frequency of the APIC's bus be set",
    },
    Expected {
        scenario: "coalesced::full",
        arch: Arch::Aarch64,
        on: |host| host.has_kernel("6.1"),
        why: "this kernel takes the ring to be full when half of it is",
    },
    Expected {
        scenario: "coalesced::coalesced_ring_has_one_consumer",
        arch: Arch::Aarch64,
        on: |host| host.has_kernel("6.1"),
        why: "this kernel takes the ring to be full when half of it is",
    },
    Expected {
        scenario: "dirty_ring::full",
        arch: Arch::Aarch64,
        on: |host| host.has_kernel("6.1"),
        why: "this kernel has no dirty rings on Arm",
    },
    Expected {
        scenario: "slots::initially_set",
        arch: Arch::Riscv64,
        on: |host| host.has_kernel("6.12"),
        why: "KVM on riscv64 has the capability without this flag",
    },
    Expected {
        scenario: "sbi::put",
        arch: Arch::Riscv64,
        on: |host| host.has_kernel("6.12"),
        why: "Debian's kernel is built without calls of SBI 0.1",
    },
];

/// Scenarios that fail on recordings, whatever the guest and the host, and why.
const ON_REPLAYS: &[(&str, &str)] = &[(
    "signals::resample",
    "KVM signals the eventfd when an interrupt ends, which no recorder sees",
)];

/// Why the scenario fails on this backend, if it does. Models and their recordings know no host.
pub(super) fn failure(scenario: &Scenario, backend: Backend, host: &Host) -> Option<&'static str> {
    let mut on_replays = ON_REPLAYS.iter();
    if let Some((_, why)) =
        on_replays.find(|(name, _)| backend.is_replay() && *name == scenario.name)
    {
        return Some(why);
    }
    let of_host = matches!(backend, Backend::Kvm | Backend::KvmReplay);
    let found = EXPECTED.iter().find(|expected| {
        of_host
            && (expected.scenario, expected.arch) == (scenario.name, scenario.arch)
            && (expected.on)(host)
    });
    found.map(|expected| expected.why)
}

/// Entries that name no scenario.
pub(super) fn unknown() -> Vec<&'static str> {
    let known = |expected: &&Expected| {
        super::scenarios()
            .any(|scenario| (expected.scenario, expected.arch) == (scenario.name, scenario.arch))
    };
    let unknown = EXPECTED.iter().filter(|expected| !known(expected));
    let unknown = unknown.map(|expected| expected.scenario);
    let named = |name: &&str| super::scenarios().any(|scenario| scenario.name == *name);
    let on_replays = ON_REPLAYS.iter().map(|(name, _)| *name);
    unknown
        .chain(on_replays.filter(|name| !named(name)))
        .collect()
}
