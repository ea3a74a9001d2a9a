//! A guest of riscv64 on the model, recorded and replayed: on any host.
#![allow(
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod common;

use std::mem::offset_of;

use common::Shared;
use kvm_core::kvm_exit::{Riscv64, RiscvSbi};
use kvm_core::kvm_sys::riscv64::*;
use kvm_core::riscv64::register;
use kvm_core::{Errno, Error, Exit, Hypervisor, Kvm, Vm};
use kvm_mock::{Model, Outcome, PendingIo, Recorder, Replay, Step};

fn errno<T>(result: Result<T, Error>) -> Option<Errno> {
    result.err().map(|error| error.errno())
}

fn vm() -> Vm<Model<Riscv64>> {
    Kvm::with(Model::default()).unwrap().create_vm().unwrap()
}

#[test]
fn a_vcpu_starts_in_supervisor_mode_with_its_id() {
    let vm = vm();
    let [first, second] = [3, 4].map(|id| vm.create_vcpu(id).unwrap());
    assert_eq!(first.get_reg::<u64>(register::A0).unwrap(), 3);
    let mode: u64 = first.get_reg(register::MODE).unwrap();
    assert_eq!(mode, u64::from(KVM_RISCV_MODE_S));
    assert_eq!(first.get_mp_state().unwrap(), KVM_MP_STATE_RUNNABLE);
    assert_eq!(second.get_mp_state().unwrap(), KVM_MP_STATE_STOPPED);
    second.set_mp_state(KVM_MP_STATE_RUNNABLE).unwrap();
    let halted = second.set_mp_state(KVM_MP_STATE_HALTED);
    assert_eq!(errno(halted), Some(Errno::EINVAL));
}

#[test]
fn every_register_of_the_list_can_be_had_and_set_again() {
    let vcpu = vm().create_vcpu(0).unwrap();
    let ids = vcpu.get_reg_list().unwrap();
    // More than fit into the room that is asked for first.
    assert!(ids.len() > 64, "{}", ids.len());
    for id in ids {
        let mut value = vec![0; usize::try_from(KVM_REG_SIZE(id)).unwrap()];
        vcpu.get_one_reg(id, &mut value).unwrap();
        vcpu.set_one_reg(id, &value).unwrap();
    }
}

#[test]
fn ids_are_those_of_the_families() {
    assert_eq!(register::PC, 0x8030_0000_0200_0000);
    assert_eq!(register::MODE, 0x8030_0000_0200_0020);
    assert_eq!(register::fp_f(3), 0x8020_0000_0500_0003);
    assert_eq!(register::FP_F_FCSR, 0x8020_0000_0500_0020);
    assert_eq!(register::fp_d(3), 0x8030_0000_0600_0003);
    assert_eq!(register::FP_D_FCSR, 0x8020_0000_0600_0020);
    assert_eq!(
        register::isa_ext(KVM_RISCV_ISA_EXT_C),
        0x8030_0000_0700_0000 | u64::from(KVM_RISCV_ISA_EXT_C.0)
    );
    assert_eq!(
        register::sbi_ext(KVM_RISCV_SBI_EXT_TIME),
        0x8030_0000_0800_0000 | u64::from(KVM_RISCV_SBI_EXT_TIME.0)
    );
    assert_eq!(
        register::aia_csr(offset_of!(kvm_riscv_aia_csr, iprio1)),
        0x8030_0000_0301_0001
    );
    // Vectors of 16 bytes; the control registers come first.
    assert_eq!(register::vector(1, 16), 0x8040_0000_0900_0007);
    assert_eq!(
        register::sbi_sta(offset_of!(kvm_riscv_sbi_sta, shmem_hi)),
        0x8030_0000_0a00_0001
    );
}

#[test]
fn what_a_vcpu_is_can_be_changed_until_it_runs() {
    let model = Model::<Riscv64>::default();
    model.script(0, [Step::mmio_write(0x1000_0000, [0])]);
    let vm = Kvm::with(model).unwrap().create_vm().unwrap();
    let mut vcpu = vm.create_vcpu(0).unwrap();
    let compressed = register::isa_ext(KVM_RISCV_ISA_EXT_C);
    vcpu.set_reg(compressed, &0u64).unwrap();
    assert_eq!(errno(vcpu.set_reg(compressed, &2u64)), Some(Errno::EINVAL));
    let base = register::isa_ext(KVM_RISCV_ISA_EXT_I);
    assert_eq!(errno(vcpu.set_reg(base, &0u64)), Some(Errno::EINVAL));
    let missing = register::isa_ext(KVM_RISCV_ISA_EXT_V);
    assert_eq!(errno(vcpu.get_reg::<u64>(missing)), Some(Errno::ENOENT));
    let frequency = register::timer(offset_of!(kvm_riscv_timer, frequency));
    assert_eq!(errno(vcpu.set_reg(frequency, &1u64)), Some(Errno::EINVAL));
    let foreign = vcpu.get_reg::<u64>(kvm_core::aarch64::register::PC);
    assert_eq!(errno(foreign), Some(Errno::ENOENT));
    vcpu.run().unwrap();
    assert_eq!(errno(vcpu.set_reg(compressed, &1u64)), Some(Errno::EBUSY));
    vcpu.set_reg(compressed, &0u64).unwrap();
}

/// Runs a guest that makes an SBI call, and tells what it did.
fn boot<H: Hypervisor<Guest = Riscv64>>(system: H) -> Result<Vec<String>, Error> {
    let mut vcpu = Kvm::with(system)?.create_vm()?.create_vcpu(0)?;
    vcpu.set_reg(register::PC, &0x8020_0000u64)?;
    let mut told = Vec::new();
    for _ in 0..2 {
        let (exit, regs) = vcpu.run()?;
        let a0: u64 = regs.get_reg(register::A0)?;
        told.push(format!("{exit}, a0 {a0:#x}"));
        if let Exit::RiscvSbi(call) = exit {
            *call.ret = [0, 7];
        }
    }
    Ok(told)
}

#[test]
fn a_recorded_guest_replays_on_any_host() {
    let model = Model::<Riscv64>::default();
    model.pending_io(PendingIo::Readable);
    model.script(
        0,
        [
            Step::exit(|page| {
                page.encode(&Exit::RiscvSbi(RiscvSbi {
                    extension_id: 0x10,
                    function_id: 3,
                    args: &[1, 0, 0, 0, 0, 0],
                    ret: &mut [0, 0],
                }))
            })
            .with_register(register::A0, 1u64)
            .register_then(register::A0, 0u64)
            .answered(|exit| matches!(exit, Exit::RiscvSbi(call) if *call.ret == [0, 7])),
            Step::mmio_write(0x1000_0000, *b"h"),
        ],
    );
    let file = Shared::default();
    let recorder = Recorder::to_writer(model.clone(), file.clone()).unwrap();
    let handle = recorder.handle();
    let told = boot(recorder).unwrap();
    handle.finish().unwrap();
    model.verify().unwrap();
    assert!(told[1].ends_with("a0 0x0"), "{told:?}");

    let replay = Replay::<Riscv64>::guest_from_bytes(file.bytes()).unwrap();
    assert_eq!(boot(replay.clone()).unwrap(), told);
    assert_eq!(replay.outcome(), Outcome::Complete);
}
