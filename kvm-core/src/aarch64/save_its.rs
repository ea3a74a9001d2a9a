//! What the state of an interrupt translation service consists of. Offsets are those of the specification of GICv3
//! and GICv4.

use crate::device::Plan;
use crate::device::aarch64::vgic_its::{RESTORE_TABLES, SAVE_TABLES, register};

const GITS_CTLR: u64 = 0x0;
const GITS_IIDR: u64 = 0x4;
const GITS_CBASER: u64 = 0x80;
const GITS_CWRITER: u64 = 0x88;
const GITS_CREADR: u64 = 0x90;
const GITS_BASER: u64 = 0x100;

/// `Documentation/virt/kvm/devices/arm-vgic-its.rst`, "ITS Restore Sequence": `GITS_CBASER` comes before
/// `GITS_CREADR`, which it resets; `GITS_IIDR`, which says how the tables are laid out, before the tables; and
/// `GITS_CTLR` last.
pub(super) fn plan() -> Plan {
    let mut plan = Plan::default();
    plan.before_saving(SAVE_TABLES);
    for offset in [GITS_IIDR, GITS_CBASER, GITS_CREADR, GITS_CWRITER] {
        plan.long(register(offset));
    }
    for n in 0..8 {
        plan.long(register(GITS_BASER + 8 * n));
    }
    plan.when_restored(RESTORE_TABLES);
    plan.long(register(GITS_CTLR));
    plan
}
