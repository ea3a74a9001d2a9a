//! Statistics: section 4.133.

use kvm_core::kvm_exit::IoOut;
use kvm_core::kvm_exit::X86_64;
use kvm_core::{Exit, Hypervisor, StatKind, StatUnit, Stats};

use super::guest::Guest;
use super::{Model, Outcome, Step};

/// Two writes to a port.
const WRITES: &[u8] = &[0xe6, 0x80, 0xe6, 0x80, 0xf4];

pub(crate) fn counted_script(model: &Model) {
    model.script(
        0,
        [
            Step::io_out(0x80, [0]),
            Step::io_out(0x80, [0]),
            Step::hlt(),
        ],
    );
}

/// Exits are counted, and what was counted can be read while the vCPU is there.
pub(crate) fn counted<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let mut guest = Guest::new(system, WRITES)?;
    let stats = guest.vcpu.stats()?;
    let before = value(&stats, "exits")?;
    for _ in 0..2 {
        let exit = guest.vcpu.run()?.0;
        assert!(
            matches!(exit, Exit::IoOut(IoOut { port: 0x80, .. })),
            "{exit}"
        );
    }
    // Some exits the kernel handles by itself.
    assert!(value(&stats, "exits")? >= before + 2);
    guest.halts()
}

fn value<H: Hypervisor<Guest = X86_64>>(
    stats: &Stats<H>,
    name: &str,
) -> Result<u64, Box<dyn std::error::Error>> {
    let values = stats.read()?;
    let values = values.get(name).ok_or(format!("no {name}"))?;
    Ok(*values.first().ok_or(format!("{name} without a value"))?)
}

/// What each statistic means.
pub(crate) fn described<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let guest = Guest::new(system, WRITES)?;
    let stats = guest.vcpu.stats()?;
    assert!(stats.id().starts_with("kvm-"), "{}", stats.id());
    assert!(stats.id().ends_with("/vcpu-0"), "{}", stats.id());
    let named = |name: &str| {
        let mut all = stats.descriptors().iter();
        all.find(|stat| stat.name() == name)
            .ok_or(format!("no {name}"))
    };
    let exits = named("exits")?;
    assert_eq!(
        (exits.kind(), exits.unit()),
        (StatKind::Cumulative, StatUnit::None)
    );
    assert_eq!((exits.len(), exits.exponent()), (1, 0));
    let waits = named("halt_wait_hist")?;
    assert_eq!(
        (waits.kind(), waits.unit()),
        (StatKind::LogHistogram, StatUnit::Seconds)
    );
    assert_eq!((waits.base(), waits.exponent(), waits.len()), (10, -9, 32));
    assert_eq!(waits.bucket(31), Some(1 << 30..=u64::MAX));
    let blocking = named("blocking")?;
    assert_eq!(
        (blocking.kind(), blocking.unit()),
        (StatKind::Instant, StatUnit::Boolean)
    );

    let of_vm = guest.vm.stats()?;
    assert!(of_vm.id().starts_with("kvm-"), "{}", of_vm.id());
    let values = of_vm.read()?;
    assert_eq!(values.iter().count(), of_vm.descriptors().len());
    assert!(
        values
            .iter()
            .all(|(stat, values)| stat.len() == values.len())
    );
    let rmap = of_vm
        .descriptors()
        .iter()
        .find(|stat| stat.name() == "max_mmu_rmap_size");
    assert_eq!(rmap.map(|stat| stat.kind()), Some(StatKind::Peak));
    // It outlives the other handles of its VM.
    drop(guest);
    of_vm.read()?;
    Ok(())
}
