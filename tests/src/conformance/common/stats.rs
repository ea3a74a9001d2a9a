//! Statistics: section 4.133.

use kvm_core::{Hypervisor, StatKind, StatUnit, Stats};
use kvm_mock::Model;

use super::Outcome;
use super::machine::{Guest, MMIO, Machine};
use super::program::{Op, play};

/// Two exits.
const WRITES: &[Op] = &[Op::Write(MMIO, &[1]), Op::Write(MMIO, &[2])];

pub(crate) fn counted_script<G: Machine>(model: &Model<G>) {
    play(model, WRITES);
}

/// Exits are counted, and what was counted can be read while the vCPU is there.
pub(crate) fn counted<H: Hypervisor<Guest: Machine>>(system: H) -> Outcome {
    let mut guest = Guest::new(system, WRITES)?;
    let stats = guest.vcpu.stats()?;
    let before = value(&stats, "exits")?;
    guest.writes(MMIO, &[1])?;
    guest.writes(MMIO, &[2])?;
    // Some exits the kernel handles by itself.
    assert!(value(&stats, "exits")? >= before + 2);
    guest.ends()
}

fn value<H: Hypervisor>(stats: &Stats<H>, name: &str) -> Result<u64, Box<dyn std::error::Error>> {
    let values = stats.read()?;
    let values = values.get(name).ok_or(format!("no {name}"))?;
    Ok(*values.first().ok_or(format!("{name} without a value"))?)
}

/// What each statistic means.
pub(crate) fn described<H: Hypervisor<Guest: Machine>>(system: H) -> Outcome {
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
    // It outlives the other handles of its VM.
    drop(guest);
    of_vm.read()?;
    Ok(())
}
