//! Profiles as text, which [`parse`](super::parse) reads.

use std::fmt::{self, Display, Formatter};

use kvm_core::kvm_sys::op::{Dir, Op, Takes};
use kvm_core::kvm_sys::x86_64::kvm_cpuid_entry2;
use kvm_core::kvm_sys::{Cap, DeviceType};

use super::{Profile, VERSION};
use crate::model::guest::{ModelGuest, Platform};
use crate::model::host::Host;

/// How many bytes of a bank stand on one line.
const LINE: usize = 16;

/// The text that [`Profile::parse`] reads.
impl<G: ModelGuest> Display for Profile<G> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let platform = G::platform();
        let host = &self.host;
        writeln!(f, "kvm-profile {VERSION}")?;
        writeln!(f, "arch {}", platform.arch.name())?;
        writeln!(f, "name {}", host.name)?;
        if host.synthetic {
            writeln!(f, "\n# Not taken from a machine.\nsynthetic")?;
        }
        numbers(host, f)?;
        capabilities(host, f)?;
        x86(host, f)?;
        arm(host, f)?;
        registers(host, f)?;
        banks(host, platform, f)
    }
}

/// A comment above the lines that it is about, if there are any.
fn about(f: &mut Formatter<'_>, is_empty: bool, comment: &str) -> fmt::Result {
    if is_empty {
        Ok(())
    } else {
        writeln!(f, "\n# {comment}")
    }
}

fn numbers(host: &Host, f: &mut Formatter<'_>) -> fmt::Result {
    about(f, false, "Sizes are in bytes.")?;
    writeln!(f, "api-version {}", host.api_version)?;
    writeln!(f, "page-size {}", host.page_size)?;
    writeln!(f, "vcpu-mmap-size {}", host.vcpu_mmap_size)
}

fn capabilities(host: &Host, f: &mut Formatter<'_>) -> fmt::Result {
    let answers = "What KVM_CHECK_EXTENSION answers, where that is not 0.";
    about(f, host.caps.is_empty(), answers)?;
    for (cap, value) in &host.caps {
        writeln!(f, "cap {} {value}", CapName(*cap))?;
    }
    let differ = "Where a VM answers otherwise than the system.";
    about(f, host.vm_caps.is_empty(), differ)?;
    for (cap, value) in &host.vm_caps {
        writeln!(f, "vm-cap {} {value}", CapName(*cap))?;
    }
    let devices = "What KVM_CREATE_DEVICE makes.";
    about(f, host.devices.is_empty(), devices)?;
    for kind in &host.devices {
        writeln!(f, "device {}", DeviceName(*kind))?;
    }
    Ok(())
}

fn x86(host: &Host, f: &mut Formatter<'_>) -> fmt::Result {
    if host.tsc_khz != 0 {
        about(f, false, "The frequency of the time stamp counter.")?;
        writeln!(f, "tsc-khz {}", host.tsc_khz)?;
    }
    if host.mce_cap != 0 {
        about(f, false, "KVM_X86_GET_MCE_CAP_SUPPORTED.")?;
        writeln!(f, "mce-cap {:#x}", host.mce_cap)?;
    }
    for (keyword, comment, leaves) in [
        ("cpuid", "KVM_GET_SUPPORTED_CPUID", &host.cpuid),
        (
            "emulated-cpuid",
            "KVM_GET_EMULATED_CPUID",
            &host.emulated_cpuid,
        ),
        ("hv-cpuid", "KVM_GET_SUPPORTED_HV_CPUID", &host.hv_cpuid),
    ] {
        let columns = format!("{comment}: leaf, index, flags, eax, ebx, ecx, edx.");
        about(f, leaves.is_empty(), &columns)?;
        for leaf in leaves {
            writeln!(f, "{keyword} {}", Leaf(leaf))?;
        }
    }
    let msrs = "KVM_GET_MSR_INDEX_LIST, and the values of a new vCPU: those that count are left 0.";
    about(f, host.msrs.is_empty(), msrs)?;
    for (index, value) in &host.msrs {
        writeln!(f, "msr {index:#010x} {value:#x}")?;
    }
    let unlisted = "MSRs that vCPUs have beside the list.";
    about(f, host.unlisted_msrs.is_empty(), unlisted)?;
    for (index, value) in &host.unlisted_msrs {
        writeln!(f, "unlisted-msr {index:#010x} {value:#x}")?;
    }
    let features = "KVM_GET_MSR_FEATURE_INDEX_LIST, and what KVM_GET_MSRS of the system gives.";
    about(f, host.feature_msrs.is_empty(), features)?;
    for (index, value) in &host.feature_msrs {
        writeln!(f, "feature-msr {index:#010x} {value:#x}")?;
    }
    Ok(())
}

fn arm(host: &Host, f: &mut Formatter<'_>) -> fmt::Result {
    if host.target != Default::default() {
        let target = "KVM_ARM_PREFERRED_TARGET: the target, and seven words of features.";
        about(f, false, target)?;
        write!(f, "target {}", host.target.target)?;
        for word in host.target.features {
            write!(f, " {word:#x}")?;
        }
        writeln!(f)?;
    }
    let masks = "KVM_ARM_GET_REG_WRITABLE_MASKS: register, and the bits that may be changed.";
    about(f, host.writable.is_empty(), masks)?;
    for (id, mask) in &host.writable {
        writeln!(f, "writable {id:#018x} {mask:#x}")?;
    }
    Ok(())
}

fn registers(host: &Host, f: &mut Formatter<'_>) -> fmt::Result {
    let list = "KVM_GET_REG_LIST, and the values of a new vCPU: those that count are left 0.";
    about(f, host.registers.ids().next().is_none(), list)?;
    for (id, value) in host.registers.iter() {
        writeln!(f, "reg {id:#018x} {}", Number(value))?;
    }
    Ok(())
}

fn banks(host: &Host, platform: &Platform, f: &mut Formatter<'_>) -> fmt::Result {
    let state =
        "The state of a new vCPU, as each call gives it: offset and bytes; the others are 0.";
    about(f, host.resets.is_empty(), state)?;
    for (bank, bytes) in &host.resets {
        let Some(op) = gets(platform).find(|op| op.bank == Some(bank)) else {
            continue;
        };
        writeln!(f, "bank {op}")?;
        let bytes = bytes.get(..op.size()).unwrap_or(bytes);
        for (at, line) in bytes.chunks(LINE).enumerate() {
            if line.iter().any(|byte| *byte != 0) {
                writeln!(f, "  +{:#05x}{}", at * LINE, Bytes(line))?;
            }
        }
    }
    Ok(())
}

/// The calls that get a bank, in a structure with nothing else to it.
pub(super) fn gets(platform: &Platform) -> impl Iterator<Item = &'static Op> {
    let rows = platform.rows.iter().copied();
    rows.filter(|op| op.bank.is_some())
        .filter(|op| match op.takes {
            Takes::Struct {
                dir: Dir::Out,
                flex: None,
                inner: [],
                opaque: [],
                ..
            } => true,
            Takes::Struct { .. } | Takes::Nothing | Takes::Value => false,
        })
}

struct CapName(Cap);

impl Display for CapName {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "{}", self.0.0),
        }
    }
}

struct DeviceName(DeviceType);

impl Display for DeviceName {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "{}", self.0.0),
        }
    }
}

struct Leaf<'a>(&'a kvm_cpuid_entry2);

impl Display for Leaf<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let kvm_cpuid_entry2 {
            function,
            index,
            flags,
            eax,
            ebx,
            ecx,
            edx,
            ..
        } = self.0;
        write!(f, "{function:#010x} {index:#04x} {}", flags.bits())?;
        for register in [eax, ebx, ecx, edx] {
            write!(f, " {register:#010x}")?;
        }
        Ok(())
    }
}

/// A number of any length, as its bytes are on this host.
pub(crate) struct Number<'a>(pub(crate) &'a [u8]);

impl Display for Number<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("0x")?;
        let mut bytes = self.0.to_vec();
        if cfg!(target_endian = "little") {
            bytes.reverse();
        }
        let mut bytes = bytes.iter().skip_while(|byte| **byte == 0);
        write!(f, "{:x}", bytes.next().unwrap_or(&0))?;
        bytes.try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// In groups of eight.
struct Bytes<'a>(&'a [u8]);

impl Display for Bytes<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.chunks(8).try_for_each(|group| {
            f.write_str(" ")?;
            group.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
        })
    }
}
