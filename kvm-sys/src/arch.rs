//! The architectures whose KVM interface this crate knows.

bitflags::bitflags! {
    /// A set of architectures.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Arches: u8 {
        /// See [`Arch::X86_64`].
        const X86_64 = 1;
        /// See [`Arch::Aarch64`].
        const AARCH64 = 2;
        /// See [`Arch::Riscv64`].
        const RISCV64 = 4;
        /// See [`Arch::S390x`].
        const S390X = 8;
        /// See [`Arch::Powerpc64le`].
        const POWERPC64LE = 16;
        /// See [`Arch::Loongarch64`].
        const LOONGARCH64 = 32;
        /// See [`Arch::Mips64el`].
        const MIPS64EL = 64;
    }
}

/// An architecture, as a module of this crate is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Arch {
    /// x86, 64 bits.
    X86_64,
    /// Arm, 64 bits, little-endian.
    Aarch64,
    /// RISC-V, 64 bits.
    Riscv64,
    /// IBM Z.
    S390x,
    /// Power, 64 bits, little-endian.
    Powerpc64le,
    /// LoongArch, 64 bits.
    Loongarch64,
    /// MIPS, 64 bits, little-endian.
    Mips64el,
}

impl Arch {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::X86_64,
        Self::Aarch64,
        Self::Riscv64,
        Self::S390x,
        Self::Powerpc64le,
        Self::Loongarch64,
        Self::Mips64el,
    ];

    /// The architecture whose names the crate's root has: the one compiled for, or [`Arch::X86_64`]
    /// where that has no KVM that this crate knows.
    pub const NATIVE: Self = if cfg!(all(target_arch = "aarch64", target_endian = "little")) {
        Self::Aarch64
    } else if cfg!(target_arch = "riscv64") {
        Self::Riscv64
    } else if cfg!(target_arch = "s390x") {
        Self::S390x
    } else if cfg!(all(target_arch = "powerpc64", target_endian = "little")) {
        Self::Powerpc64le
    } else if cfg!(target_arch = "loongarch64") {
        Self::Loongarch64
    } else if cfg!(all(target_arch = "mips64", target_endian = "little")) {
        Self::Mips64el
    } else {
        Self::X86_64
    };

    /// The set of this one.
    pub const fn bit(self) -> Arches {
        match self {
            Self::X86_64 => Arches::X86_64,
            Self::Aarch64 => Arches::AARCH64,
            Self::Riscv64 => Arches::RISCV64,
            Self::S390x => Arches::S390X,
            Self::Powerpc64le => Arches::POWERPC64LE,
            Self::Loongarch64 => Arches::LOONGARCH64,
            Self::Mips64el => Arches::MIPS64EL,
        }
    }

    /// The name of its module and feature.
    pub const fn name(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Aarch64 => "aarch64",
            Self::Riscv64 => "riscv64",
            Self::S390x => "s390x",
            Self::Powerpc64le => "powerpc64le",
            Self::Loongarch64 => "loongarch64",
            Self::Mips64el => "mips64el",
        }
    }
}
