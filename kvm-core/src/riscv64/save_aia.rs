//! What the state of an advanced interrupt architecture consists of. Offsets and numbers are those of its
//! specification.

use kvm_exit::Riscv64;

use crate::device::riscv64::aia::{IDS, SRCS, aplic, imsic};
use crate::device::{Device, DeviceAttributes, Plan};
use crate::{Error, Hypervisor, Registers};

const DOMAINCFG: u64 = 0x0;
/// Of source 1; there is no source 0.
const SOURCECFG: u64 = 0x4;
const SETIP: u64 = 0x1c00;
const CLRIP: u64 = 0x1d00;
const SETIE: u64 = 0x1e00;
const CLRIE: u64 = 0x1f00;
/// Of source 1.
const TARGET: u64 = 0x3004;

const EIDELIVERY: u64 = 0x70;
const EITHRESHOLD: u64 = 0x72;
const EIP: u64 = 0x80;
const EIE: u64 = 0xc0;

/// Sources are set up before they are pending, and nothing is delivered before the domain is enabled. The IMSICs,
/// to which it delivers, come last. `GENMSI` is left out: to write to it is to send its message.
pub(super) fn plan<H: Hypervisor<Guest = Riscv64>>(
    device: &Device<H>,
    vcpus: &[(u64, Option<Registers<H>>)],
) -> Result<Plan, Error> {
    let mut plan = Plan::default();
    let sources: u64 = device.get_device_attr(&SRCS)?.into();
    for n in 0..sources {
        plan.word(aplic(SOURCECFG + 4 * n));
        plan.word(aplic(TARGET + 4 * n));
    }
    if sources != 0 {
        // Source 0 has a bit.
        for n in 0..(sources + 1).div_ceil(32) {
            plan.set_bits(aplic(CLRIE + 4 * n), aplic(SETIE + 4 * n));
            plan.set_bits(aplic(CLRIP + 4 * n), aplic(SETIP + 4 * n));
        }
        plan.word(aplic(DOMAINCFG));
    }
    let identities: u64 = device.get_device_attr(&IDS)?.into();
    for (vcpu, _) in vcpus {
        plan.long(imsic(*vcpu, EIDELIVERY));
        plan.long(imsic(*vcpu, EITHRESHOLD));
        // Identity 0 has a bit. Registers of 64 bits have even numbers.
        for n in (0..(identities + 1).div_ceil(64)).map(|n| 2 * n) {
            plan.long(imsic(*vcpu, EIP + n));
            plan.long(imsic(*vcpu, EIE + n));
        }
    }
    Ok(plan)
}
