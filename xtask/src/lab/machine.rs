//! The machines of the lab: which kernel, which KVM, and the command that boots it.

use std::ffi::OsString;
use std::fmt;
use std::path::Path;

use clap::ValueEnum;

/// An architecture that the lab has a machine of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Arch {
    #[value(name = "x86_64")]
    X86_64,
    Aarch64,
    Riscv64,
}

/// A kernel release that the lab boots. Debian rotates the versions within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kernel {
    #[value(name = "6.1")]
    V6_1,
    #[value(name = "6.12")]
    V6_12,
}

impl Arch {
    pub(crate) const ALL: [Self; 3] = [Self::X86_64, Self::Aarch64, Self::Riscv64];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Aarch64 => "aarch64",
            Self::Riscv64 => "riscv64",
        }
    }

    /// What Debian calls it.
    pub(crate) fn debian(self) -> &'static str {
        match self {
            Self::X86_64 => "amd64",
            Self::Aarch64 => "arm64",
            Self::Riscv64 => "riscv64",
        }
    }

    /// The package that depends on the newest kernel of a release. The cloud flavour is small.
    pub(crate) fn kernel_package(self) -> &'static str {
        match self {
            Self::X86_64 => "linux-image-cloud-amd64",
            Self::Aarch64 => "linux-image-cloud-arm64",
            Self::Riscv64 => "linux-image-riscv64",
        }
    }

    /// The modules that KVM is in, each after those that it needs.
    pub(crate) fn modules(self) -> &'static [&'static str] {
        match self {
            Self::X86_64 => &["irqbypass", "kvm", "kvm-amd"],
            Self::Aarch64 => &[],
            Self::Riscv64 => &["irqbypass", "kvm"],
        }
    }

    /// The Rust target of programs that run in it.
    pub(crate) fn target(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64-unknown-linux-gnu",
            Self::Aarch64 => "aarch64-unknown-linux-gnu",
            Self::Riscv64 => "riscv64gc-unknown-linux-gnu",
        }
    }

    /// The GNU target of its linker.
    pub(crate) fn gnu(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64-linux-gnu",
            Self::Aarch64 => "aarch64-linux-gnu",
            Self::Riscv64 => "riscv64-linux-gnu",
        }
    }

    /// What it needs on the kernel's command line. On a busy host an emulated timer may be too late for the
    /// check that it ticks at all, and for the one that the time stamp counter is stable: without that KVM
    /// computes the offsets of vCPUs anew at each call.
    fn parameters(self) -> &'static str {
        match self {
            Self::X86_64 => "console=ttyS0 no_timer_check tsc=reliable",
            Self::Aarch64 => "console=ttyAMA0",
            Self::Riscv64 => "console=ttyS0",
        }
    }

    /// One thread for all CPUs on x86_64: with several, the machine itself panics now and then.
    fn cpus(self) -> &'static [&'static str] {
        match self {
            Self::X86_64 => &[
                "-accel",
                "tcg,thread=single",
                "-machine",
                "q35",
                "-cpu",
                "EPYC",
            ],
            Self::Aarch64 => &[
                "-accel",
                "tcg",
                "-machine",
                "virt,virtualization=on,gic-version=3",
                "-cpu",
                "neoverse-n1",
            ],
            Self::Riscv64 => &[
                "-accel",
                "tcg",
                "-machine",
                "virt,aia=aplic-imsic,aia-guests=4",
                "-cpu",
                "rv64,h=true",
            ],
        }
    }
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Kernel {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::V6_1 => "6.1",
            Self::V6_12 => "6.12",
        }
    }

    /// The Debian release that has it.
    pub(crate) fn release(self) -> &'static str {
        match self {
            Self::V6_1 => "bookworm",
            Self::V6_12 => "trixie",
        }
    }

    /// The modules that the ports which lead out of the machine are in, each after those that it needs.
    pub(crate) fn modules(self) -> &'static [&'static str] {
        match self {
            Self::V6_1 => &[
                "virtio",
                "virtio_ring",
                "virtio_pci_legacy_dev",
                "virtio_pci_modern_dev",
                "virtio_pci",
                "virtio_console",
            ],
            Self::V6_12 => &[],
        }
    }

    /// The oldest of Debian's kernels for riscv64 is 6.12.
    pub(crate) fn exists_for(self, arch: Arch) -> bool {
        !(self == Self::V6_1 && arch == Arch::Riscv64)
    }
}

impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a machine boots, and where what it says goes.
pub(crate) struct Boot<'a> {
    pub(crate) arch: Arch,
    pub(crate) kernel: &'a Path,
    pub(crate) initramfs: &'a Path,
    /// In MB.
    pub(crate) memory: u64,
    /// A folder for the files [`CONSOLE`], [`STATUS`] and [`FILES`].
    pub(crate) dir: &'a Path,
}

/// What the kernel says.
pub(crate) const CONSOLE: &str = "console";
/// What PID 1 says of the programs.
pub(crate) const STATUS: &str = "status";
/// An archive of what the programs left.
pub(crate) const FILES: &str = "files";

impl Boot<'_> {
    /// The arguments of qemu. What the programs print is its standard output.
    pub(crate) fn arguments(&self) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = Vec::new();
        let mut add = |words: &[&str]| arguments.extend(words.iter().map(OsString::from));
        add(self.arch.cpus());
        add(&["-smp", "2", "-m", &self.memory.to_string()]);
        add(&["-display", "none", "-nodefaults", "-no-reboot"]);
        let append = format!("{} quiet panic=-1", self.arch.parameters());
        add(&["-append", &append, "-device", "virtio-serial-pci"]);
        // Not qemu's own kind for this: it hangs up where the standard input ends.
        add(&["-chardev", "file,id=output,path=/dev/stdout"]);
        add(&["-device", "virtserialport,chardev=output,name=lab.output"]);
        for name in [STATUS, FILES] {
            add(&["-chardev", &self.file(name)]);
            add(&[
                "-device",
                &format!("virtserialport,chardev={name},name=lab.{name}"),
            ]);
        }
        add(&["-chardev", &self.file(CONSOLE)]);
        add(&["-serial", &format!("chardev:{CONSOLE}")]);
        for (option, path) in [("-kernel", self.kernel), ("-initrd", self.initramfs)] {
            arguments.push(option.into());
            arguments.push(path.into());
        }
        arguments
    }

    fn file(&self, name: &str) -> String {
        format!("file,id={name},path={}", self.dir.join(name).display())
    }
}
