//! State of the model that is saved and restored, and state that somebody has changed meanwhile.
#![allow(clippy::unwrap_used, reason = "also in what the tests share")]

use kvm_core::kvm_sys::op::{Fds, Op};
use kvm_core::kvm_sys::{KVM_GET_CLOCK, KVM_GET_LAPIC, KVM_GET_REGS, KVM_GET_XSAVE2, kvm_regs};
use kvm_core::{Cause, Exit, Kvm, SavedState, Vcpu, Vm};
use kvm_mock::{Model, Step};

fn machine(model: &Model, with_irqchip: bool) -> (Vm<Model>, Vcpu<Model>) {
    let vm = Kvm::with(model.clone()).unwrap().create_vm().unwrap();
    if with_irqchip {
        vm.create_irq_chip().unwrap();
    }
    let vcpu = vm.create_vcpu(0).unwrap();
    (vm, vcpu)
}

/// The pending read is finished first, and its result is in the state.
#[test]
fn pending_io_is_finished_before_state_is_saved() {
    let read = kvm_regs {
        rax: 7,
        rip: 0x1002,
        rflags: 2,
        ..Default::default()
    };
    let model = Model::new();
    model.script(0, [Step::io_in(0x60, [7]).regs_then(read)]);
    let (vm, mut vcpu) = machine(&model, true);
    match vcpu.run().unwrap().0 {
        Exit::IoIn(io) => io.data.fill(7),
        other => panic!("{other}"),
    }
    let (vcpu_state, vm_state) = (vcpu.save().unwrap(), vm.save().unwrap());
    model.verify().unwrap();

    let (other_vm, mut other) = machine(&Model::new(), true);
    other.restore(&vcpu_state).unwrap();
    other_vm.restore(&vm_state).unwrap();
    assert_eq!(other.get_regs().unwrap(), read);
    assert_eq!(other.save().unwrap(), vcpu_state);
    assert_eq!(still(&other_vm.save().unwrap()), still(&vm_state));
}

/// All but the clock, which goes on.
fn still(state: &SavedState) -> Vec<(Option<&'static Op>, Option<&[u8]>)> {
    let pieces = state.pieces().map(|piece| (piece.op(), piece.bytes()));
    pieces
        .filter(|(op, _)| *op != Some(&KVM_GET_CLOCK))
        .collect()
}

#[test]
fn an_access_that_goes_on_has_to_be_answered_first() {
    let model = Model::new();
    let steps = [
        Step::mmio_write(0xd000_0ffe, [1, 2]).goes_on(),
        Step::mmio_write(0xd000_1000, [3, 4]),
    ];
    model.script(0, steps);
    let (_, mut vcpu) = machine(&model, false);
    vcpu.run().unwrap();
    assert_eq!(vcpu.save().unwrap_err().cause(), Cause::Unanswered);
    // The exit is in the page, to be answered.
    let exit = vcpu.run_page_mut().decode().unwrap();
    assert!(matches!(exit, Exit::MmioWrite(mmio) if mmio.data == [3, 4]));
    vcpu.save().unwrap();
    model.verify().unwrap();
}

#[test]
fn what_the_host_lacks_is_said() {
    let (_, mut vcpu) = machine(&Model::new(), false);
    let state = vcpu.save().unwrap();
    let pieces: Vec<_> = state
        .pieces()
        .map(|piece| (piece.op(), piece.bytes()))
        .collect();
    assert!(pieces.contains(&(Some(&KVM_GET_LAPIC), None)));
    let lengths = state
        .pieces()
        .filter(|piece| piece.op() == Some(&KVM_GET_REGS));
    let lengths: Vec<_> = lengths
        .map(|piece| piece.bytes().map(<[u8]>::len))
        .collect();
    assert_eq!(lengths, [Some(size_of::<kvm_regs>())]);
    assert!(pieces.iter().any(|(op, _)| *op == Some(&KVM_GET_XSAVE2)));
}

#[test]
fn state_of_another_object_is_refused() {
    let (vm, mut vcpu) = machine(&Model::new(), true);
    let (vm_state, vcpu_state) = (vm.save().unwrap(), vcpu.save().unwrap());
    assert_eq!((vm_state.of(), vcpu_state.of()), (Fds::VM, Fds::VCPU));
    assert_eq!(
        vcpu.restore(&vm_state).unwrap_err().cause(),
        Cause::StateOfOther
    );
    assert_eq!(
        vm.restore(&vcpu_state).unwrap_err().cause(),
        Cause::StateOfOther
    );
}

/// CRC-32C, as the state has it at its end.
fn crc(bytes: &[u8]) -> u32 {
    let mut crc = !0_u32;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ ((crc & 1) * 0x82f6_3b78);
        }
    }
    !crc
}

/// State whose checksum was made to fit is restored as far as it goes, or refused; it never does more than that.
#[test]
fn forged_state_is_restored_or_refused() {
    let (_, mut vcpu) = machine(&Model::new(), true);
    let good = vcpu.save().unwrap().into_bytes();
    let end = good.len() - 4;
    let (mut restored, mut refused) = (0, 0);
    // Each byte of the first pieces, and one in so many of the rest.
    for at in (8..600).chain((600..end).step_by(97)) {
        let mut forged = good.clone();
        forged[at] ^= 0xff;
        let sum = crc(&forged[..end]);
        forged[end..].copy_from_slice(&sum.to_le_bytes());
        let Ok(state) = SavedState::from_bytes(forged) else {
            refused += 1;
            continue;
        };
        let (_, mut other) = machine(&Model::new(), true);
        match other.restore(&state) {
            Ok(()) => restored += 1,
            Err(_) => refused += 1,
        }
    }
    assert!(
        restored > 0 && refused > 0,
        "{restored} restored, {refused} refused"
    );
}
