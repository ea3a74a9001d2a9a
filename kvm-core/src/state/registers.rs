//! Registers that are had one by one, as state.

use alloc::vec;
use alloc::vec::Vec;

use kvm_sys::{KVM_GET_ONE_REG, KVM_REG_SIZE, KVM_SET_ONE_REG};

use super::{SavedState, Writer, length};
use crate::error::Cause;
use crate::{Error, Hypervisor, Registers};

/// Saves all registers that the vCPU has.
pub(crate) fn save_registers<H: Hypervisor>(
    vcpu: &Registers<H>,
    to: &mut Writer,
) -> Result<(), Error> {
    for id in vcpu.get_reg_list()? {
        to.put_two(&KVM_GET_ONE_REG, &id, &read(vcpu, id)?)?;
    }
    Ok(())
}

/// Restores them, those of a lower `turn` first, and of the same in the order in which they were saved.
pub(crate) fn restore_registers<H: Hypervisor>(
    vcpu: &Registers<H>,
    from: &SavedState,
    turn: fn(u64) -> u32,
) -> Result<(), Error> {
    let mut registers = from
        .all(&KVM_GET_ONE_REG)
        .map(parse)
        .collect::<Result<Vec<_>, _>>()?;
    registers.sort_by_key(|(id, _)| turn(*id));
    for (id, value) in registers {
        write(vcpu, id, value)?;
    }
    Ok(())
}

/// The register that a piece is of, and its value.
fn parse(piece: &[u8]) -> Result<(u64, &[u8]), Error> {
    let wrong = length(&KVM_GET_ONE_REG, piece);
    let (id, value) = piece.split_first_chunk().ok_or(wrong)?;
    let id = u64::from_ne_bytes(*id);
    if value.len() as u64 == KVM_REG_SIZE(id) {
        Ok((id, value))
    } else {
        Err(wrong)
    }
}

fn read<H: Hypervisor>(vcpu: &Registers<H>, id: u64) -> Result<Vec<u8>, Error> {
    // At most 32 KiB: the size has four bits in the id.
    let len = usize::try_from(KVM_REG_SIZE(id)).unwrap_or_default();
    let mut value = vec![0; len];
    vcpu.get_one_reg(id, &mut value)?;
    Ok(value)
}

/// Writes a register. One that can't be written, but has the value, is none the worse: some are fixed by the
/// host, or by how the vCPU was set up.
fn write<H: Hypervisor>(vcpu: &Registers<H>, id: u64, value: &[u8]) -> Result<(), Error> {
    let Err(error) = vcpu.set_one_reg(id, value) else {
        return Ok(());
    };
    if read(vcpu, id).is_ok_and(|there| there == value) {
        return Ok(());
    }
    // What the id has above these bits, all registers of this architecture and size have.
    let low = u32::try_from(id & u64::from(u32::MAX)).unwrap_or_default();
    Err(Error::with(
        &KVM_SET_ONE_REG,
        error.errno(),
        Cause::Register,
        low,
    ))
}
