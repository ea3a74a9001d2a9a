//! [`Host`]: which KVM is compared with the model.

use std::fmt;
use std::path::Path;

/// A kind of KVM: what it runs guests by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// AMD's SVM.
    Svm,
    /// Intel's VMX.
    Vmx,
    /// Page tables alone.
    Pvm,
    /// Arm's EL2.
    Arm,
    /// RISC-V's hypervisor extension.
    Riscv,
}

/// The KVM of this machine.
#[derive(Clone, Copy, Debug)]
pub(super) struct Host {
    pub(super) kind: Kind,
    /// The first two numbers of the kernel's version.
    pub(super) kernel: (u32, u32),
}

impl Host {
    /// Asks the kernel.
    pub(super) fn this() -> Self {
        let uname = rustix::system::uname();
        let release = uname.release().to_string_lossy();
        let mut numbers = release
            .split(|c: char| !c.is_ascii_digit())
            .map(|n| n.parse().unwrap_or(0));
        let mut next = || numbers.next().unwrap_or(0);
        let has = |module| Path::new("/sys/module").join(module).exists();
        let kind = if cfg!(target_arch = "aarch64") {
            Kind::Arm
        } else if cfg!(target_arch = "riscv64") {
            Kind::Riscv
        } else if has("kvm_amd") {
            Kind::Svm
        } else if has("kvm_pvm") {
            Kind::Pvm
        } else {
            Kind::Vmx
        };
        Self {
            kind,
            kernel: (next(), next()),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (major, minor) = self.kernel;
        write!(f, "{:?} of Linux {major}.{minor}", self.kind)
    }
}
