//! [`Example`]: a program that runs on `/dev/kvm` and on a recording of itself.

use std::io::Write;

use kvm_core::{Hypervisor, Kvm};
use kvm_mock::ModelGuest;

/// What makes an example fail.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A program that runs the same on `/dev/kvm` and on a recording of itself.
pub trait Example {
    /// Its name, and that of the recording that comes with it.
    const NAME: &'static str;

    /// The architecture of its guest.
    type Guest: ModelGuest;

    /// Runs it on `kvm`, and prints to `out`.
    ///
    /// # Errors
    ///
    /// When a call fails, the guest does what it should not, or `out` can't be written to.
    fn run<H: Hypervisor<Guest = Self::Guest>>(
        &self,
        kvm: &Kvm<H>,
        out: &mut dyn Write,
    ) -> Result<(), Failure>;
}
