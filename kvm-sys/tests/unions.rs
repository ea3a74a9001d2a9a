//! Unions: words with a view for each member, both ways.
#![cfg(target_arch = "x86_64")]

use kvm_sys::*;
use zerocopy::IntoBytes;

#[test]
fn every_view_begins_at_the_first_byte() {
    let mut payload = kvm_run_payload::default();
    for (byte, value) in payload.as_mut_bytes().iter_mut().zip(0..=255) {
        *byte = value;
    }
    let bytes = payload.as_bytes();
    macro_rules! same {
        ($($view:ident),*) => { $(
            let view = payload.$view().as_bytes();
            assert_eq!(view, &bytes[..view.len()], stringify!($view));
        )* };
    }
    // Sizes of every kind: dividing 256, not dividing it, no multiple of a word.
    same!(
        as_hw,
        as_io,
        as_mmio,
        as_hypercall,
        as_dcr,
        as_internal,
        as_emulation_failure,
        as_osi
    );
    same!(
        as_papr_hcall,
        as_s390_tsch,
        as_epr,
        as_system_event,
        as_eoi,
        as_hyperv,
        as_msr,
        as_xen
    );
    same!(
        as_notify,
        as_memory_fault,
        as_tdx,
        as_snp_req_certs,
        as_s390_reset_flags
    );
}

#[test]
fn what_is_written_through_one_view_is_read_through_another() {
    let mut run = kvm_run::default();
    *run.payload.as_io_mut() = kvm_run_io {
        direction: KVM_EXIT_IO_OUT,
        size: 1,
        port: 0x3f8,
        count: 5,
        data_offset: 4096,
    };
    assert_eq!(
        run.payload.0[0],
        u64::from_le_bytes([1, 1, 0xf8, 3, 5, 0, 0, 0])
    );
    assert_eq!(run.payload.as_io().port, 0x3f8);

    run.payload.as_mmio_mut().data = [0, 0, 0, 0, 0, 0, 0, 0xab];
    assert_eq!(run.payload.0[1], 0xab << 56);

    run.s.as_regs_mut().regs.rip = 0xfff0;
    assert_eq!(run.s.0[16], 0xfff0);
    assert_eq!(run.s.as_regs().regs.rip, 0xfff0);
}

#[test]
fn unions_inside_unions_and_in_arrays_have_views_too() {
    let mut chip = kvm_irqchip {
        chip_id: KVM_IRQCHIP_IOAPIC,
        ..Default::default()
    };
    let entry = &mut chip.chip.as_ioapic_mut().redirtbl[23];
    entry.as_fields_mut().vector = 0x31;
    entry.as_fields_mut().set_mask(1);
    entry.as_fields_mut().set_delivery_mode(0xff);
    assert_eq!(*entry.as_bits(), 0x1_0731);
    assert_eq!(chip.chip.0[3 + 23], 0x1_0731);

    let mut tdx = kvm_run_tdx::default();
    tdx.u.as_get_quote_mut().gpa = 7;
    assert_eq!(tdx.u.as_unknown().data[0], 7);
}

#[test]
fn bit_fields_do_not_touch_their_neighbours() {
    let mut fields = kvm_ioapic_state_redirtbl_fields::default();
    fields.set_trig_mode(1);
    fields.set_delivery_mode(5);
    fields.set_dest_mode(1);
    fields.set_trig_mode(0);
    assert_eq!(fields.bits0, 0b1101);
    assert_eq!(
        (
            fields.delivery_mode(),
            fields.dest_mode(),
            fields.trig_mode()
        ),
        (5, 1, 0)
    );
}
