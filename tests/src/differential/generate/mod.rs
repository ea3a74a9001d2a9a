//! [`sequence`]: random sequences of calls, from a seed.

mod aarch64;
mod aia;
mod gic;
mod interrupts;
mod memory;
mod objects;
mod riscv64;
mod x86_64;

use fastrand::Rng;
use kvm_core::kvm_exit::GuestArch;
use kvm_core::kvm_sys::op::Op;

use super::step::{Does, Given, Looks, On, Step};

/// Adds steps of one kind.
type Kind = fn(&mut Draft);

/// An architecture that there are sequences for.
pub(super) trait Sequences: GuestArch {
    /// The kinds of step that only it has, each with its weight.
    const KINDS: &'static [(u32, Kind)];
    /// The steps that most sequences begin with.
    fn begin(draft: &mut Draft);
}

/// The kinds of step that all have.
const KINDS: &[(u32, Kind)] = &[
    (12, memory::slot),
    (3, memory::slot2),
    (4, memory::get_dirty_log),
    (4, memory::clear_dirty_log),
    (1, memory::attributes),
    (3, memory::coalesced),
    (4, interrupts::irqfd),
    (5, interrupts::ioeventfd),
    (3, interrupts::routing),
    (2, interrupts::message),
    (2, interrupts::line),
    (3, objects::vcpu),
    (1, objects::forget),
    (1, objects::vm_type),
    (2, objects::device),
    (2, objects::attribute),
    (3, objects::extension),
    (1, objects::system),
    (2, objects::wrong_object),
    (1, objects::statistics),
    (1, objects::mp_state),
    (1, objects::signal_mask),
    (1, objects::one_reg),
];

/// The sequence of a seed.
pub(super) fn sequence<G: Sequences>(seed: u64, length: usize) -> Vec<Step> {
    let mut draft = Draft {
        rng: Rng::with_seed(seed),
        steps: Vec::new(),
        vcpus: Vec::new(),
        devices: 0,
    };
    G::begin(&mut draft);
    let kinds = || KINDS.iter().chain(G::KINDS);
    let all = kinds().map(|(weight, _)| weight).sum();
    while draft.steps.len() < length {
        let mut at = draft.rng.u32(0..all);
        let kind = kinds().find(|(weight, _)| {
            let found = at < *weight;
            at = at.saturating_sub(*weight);
            found
        });
        if let Some((_, add)) = kind {
            add(&mut draft);
        }
    }
    draft.steps.truncate(length);
    draft.steps
}

/// A sequence in the making.
pub(super) struct Draft {
    rng: Rng,
    steps: Vec<Step>,
    /// The ids of vCPUs that were asked for.
    vcpus: Vec<u64>,
    /// How many devices were asked for.
    devices: u8,
}

impl Draft {
    fn chance(&mut self, percent: u32) -> bool {
        self.rng.u32(0..100) < percent
    }

    /// One of these, of which there has to be one.
    fn one_of<T: Copy + Default>(&mut self, these: &[T]) -> T {
        let at = self.rng.usize(0..these.len().max(1));
        these.get(at).copied().unwrap_or_default()
    }

    /// One of these most of the time, else one of those.
    fn mostly<T: Copy + Default>(&mut self, percent: u32, these: &[T], those: &[T]) -> T {
        if self.chance(percent) {
            self.one_of(these)
        } else {
            self.one_of(those)
        }
    }

    /// A number in which few bits are set, or nearly all.
    fn number(&mut self) -> u64 {
        match self.rng.u32(0..6) {
            0 => 0,
            1 => 1 << self.rng.u32(0..64),
            2 => u64::MAX,
            3 => self.rng.u64(0..0x100),
            4 => u64::MAX << self.rng.u32(0..64),
            _ => self.rng.u64(..),
        }
    }

    /// A vCPU that was asked for.
    fn a_vcpu(&mut self) -> On {
        let ids = self.vcpus.clone();
        On::Vcpu(self.one_of(&ids))
    }

    fn call(&mut self, on: On, op: &'static Op, given: Given, looks: Looks) {
        let does = Does::Call { op, given, looks };
        self.steps.push(Step { on, does });
    }

    fn create(&mut self, on: On, op: &'static Op, given: Given, made: Option<On>) {
        let does = Does::Create { op, given, made };
        self.steps.push(Step { on, does });
    }

    /// Sets a state to what it is, but for some fields, and looks at it.
    fn set(
        &mut self,
        on: On,
        (get, set): (&'static Op, &'static Op),
        changes: impl IntoIterator<Item = super::step::Change>,
        looks: Looks,
    ) {
        self.call(on, set, Given::changed(get, changes), Looks::SUCCESS);
        self.call(on, get, Given::room(get.size()), looks);
    }
}
