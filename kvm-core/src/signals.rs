//! [`SignalSet`], and which signals a thread lets in while it runs a guest.
#![expect(
    unsafe_code,
    reason = "one call takes no argument where its row has a structure"
)]

use core::fmt;

use crate::typed::SetList;
use crate::{Arg, Error, Hypervisor, Registers};

const SET_SIGNAL_MASK: SetList<u8> = SetList::new(&kvm_sys::KVM_SET_SIGNAL_MASK);

/// A set of signals, by their numbers: 1 to 64.
///
/// ```
/// use kvm_core::SignalSet;
///
/// /// The kernel's first real-time signal: what C libraries call `SIGRTMIN` comes behind it.
/// const SIGNAL: i32 = 32;
/// let blocked = SignalSet::ALL.without(SIGNAL);
/// assert!(blocked.contains(10) && !blocked.contains(SIGNAL));
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct SignalSet(u64);

impl SignalSet {
    /// No signal.
    pub const EMPTY: Self = Self(0);
    /// All signals.
    pub const ALL: Self = Self(!0);

    /// This set and the signal. A number that no signal has changes nothing.
    #[must_use]
    pub const fn with(self, signal: i32) -> Self {
        Self(self.0 | Self::bit(signal))
    }

    /// This set without the signal.
    #[must_use]
    pub const fn without(self, signal: i32) -> Self {
        Self(self.0 & !Self::bit(signal))
    }

    /// Whether the signal is in the set.
    pub const fn contains(self, signal: i32) -> bool {
        self.0 & Self::bit(signal) != 0
    }

    const fn bit(signal: i32) -> u64 {
        match signal {
            1..=64 => 1 << (signal - 1),
            _ => 0,
        }
    }
}

impl fmt::Debug for SignalSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries((1..=64).filter(|signal| self.contains(*signal)))
            .finish()
    }
}

impl<H: Hypervisor> Registers<H> {
    /// Says which signals are blocked while a thread runs this vCPU, instead of those that the thread itself
    /// blocks. With `None` it is those again. Section 4.21.
    ///
    /// A thread that blocks a signal, and lets it in here only, is interrupted by it inside a run and nowhere
    /// else: none arrives in the moment before the run begins, where it would go unnoticed. The run gives
    /// [`Exit::Interrupted`](crate::Exit::Interrupted), and as the thread blocks the signal no handler has
    /// run: it stays pending, and ends each run, until the thread takes it (`sigtimedwait`, a `signalfd`).
    /// [`Kicker`](crate::Kicker) needs none of this; its signal is to be blocked neither here nor by the
    /// thread.
    ///
    /// ```
    /// use kvm_core::{Kvm, SignalSet};
    ///
    /// let vcpu = Kvm::with(kvm_mock::Model::new())?.create_vm()?.create_vcpu(0)?;
    /// vcpu.set_signal_mask(Some(SignalSet::EMPTY.with(10)))?;
    /// vcpu.set_signal_mask(None)?;
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What the backend answers.
    pub fn set_signal_mask(&self, blocked: Option<SignalSet>) -> Result<(), Error> {
        let done = match blocked {
            // As the kernel has it on all architectures of this crate: a bit for each signal, in one word.
            Some(SignalSet(bits)) => SET_SIGNAL_MASK.call(self.backend(), &bits.to_ne_bytes()),
            None => {
                let op = &kvm_sys::KVM_SET_SIGNAL_MASK;
                // SAFETY: section 4.21's call takes a null pointer for "no mask", and then reads nothing.
                unsafe { self.backend().ioctl(op, &mut Arg::None) }
                    .map_err(|errno| Error::new(op, errno))
            }
        };
        done.map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use std::format;

    use super::*;

    #[test]
    fn numbers_that_no_signal_has_are_in_no_set() {
        for signal in [i32::MIN, -1, 0, 65, i32::MAX] {
            assert_eq!(SignalSet::EMPTY.with(signal), SignalSet::EMPTY);
            assert!(!SignalSet::ALL.contains(signal));
        }
        let ends = SignalSet::EMPTY.with(1).with(64);
        assert_eq!(format!("{ends:?}"), "{1, 64}");
        assert_eq!(ends.without(1).without(64), SignalSet::EMPTY);
    }
}
