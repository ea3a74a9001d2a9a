//! The calls that aarch64 has, and the ids of its registers.

mod id_registers;
mod init;
mod limits;
mod mte;
pub mod register;
mod save;
mod save_its;
mod save_vgic_v2;
mod save_vgic_v3;
mod setup;

pub use id_registers::IdRegisterMasks;

use kvm_exit::Aarch64;
use kvm_sys::aarch64::kvm_vcpu_events;

use crate::EventsGuest;
use crate::debug::debug_guest;

debug_guest!(Aarch64, aarch64);

impl EventsGuest for Aarch64 {
    type Events = kvm_vcpu_events;
}
