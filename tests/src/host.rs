//! [`Host`]: the kernel and the processor that tests run on.

use std::fmt;

/// The command that runs one of this package's test programs where it runs now, up to its arguments. The lab says how
/// in `LAB_RUN`.
pub fn command(test: &str) -> String {
    match std::env::var("LAB_RUN") {
        Ok(run) => format!("{run} -- test:{test}"),
        Err(_) => format!("cargo test -p kvm-tests --test {test} --"),
    }
}

/// The kernel and the processor.
#[derive(Debug)]
pub struct Host {
    /// Such as `6.12.9-cloud-arm64`.
    release: String,
    /// What `/proc/cpuinfo` says of the processors.
    cpu: String,
    emulated: bool,
}

impl Host {
    /// This one.
    #[allow(clippy::new_without_default, reason = "it looks at the machine")]
    pub fn new() -> Self {
        let read = |file| std::fs::read_to_string(file).unwrap_or_default();
        // Of qemu's machines: with firmware tables, and with a device tree.
        let product = read("/sys/class/dmi/id/sys_vendor") + &read("/proc/device-tree/compatible");
        Self {
            release: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            cpu: read("/proc/cpuinfo"),
            emulated: ["QEMU", "linux,dummy-virt", "riscv-virtio"]
                .iter()
                .any(|name| product.contains(name)),
        }
    }

    /// Whether KVM does without the processor's virtualization: x86_64 only, and there one says so that has it.
    pub fn is_software(&self) -> bool {
        let mut words = self.cpu.split_whitespace();
        cfg!(target_arch = "x86_64") && !words.any(|word| word == "svm" || word == "vmx")
    }

    /// Whether the processor runs guests by SVM.
    pub fn has_svm(&self) -> bool {
        self.cpu.split_whitespace().any(|word| word == "svm")
    }

    /// Whether the machine is an emulated one.
    pub fn is_emulated(&self) -> bool {
        self.emulated
    }

    /// Whether the kernel is one of this series, such as `6.1`.
    pub fn has_kernel(&self, series: &str) -> bool {
        let rest = self.release.strip_prefix(series);
        rest.is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_digit()))
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
        write!(f, "{os} {} {arch}", self.release)?;
        if self.is_emulated() {
            f.write_str(", emulated")?;
        }
        if self.is_software() {
            f.write_str(", KVM in software")?;
        }
        Ok(())
    }
}
