//! What stands beside the exit, at offsets written by hand.

#[cfg(test)]
mod support;

use kvm_exit::kvm_sys::{ExitReason, RunFlags, SyncRegs};
use kvm_exit::{Exit, RunPage};
use support::Page;

#[test]
fn every_field_is_where_the_kernel_has_it() {
    let mut page = Page::new(5)
        .u8(12, 1)
        .u8(13, 2)
        .u16(14, 5)
        .u64(16, 0x16)
        .u64(24, 0x24)
        .u64(288, 3)
        .u64(296, 6)
        .u64(304, 0x304);
    let page = page.page();
    assert_eq!(page.exit_reason(), ExitReason(5));
    assert!(page.ready_for_interrupt_injection());
    assert!(page.if_flag());
    assert_eq!(
        page.flags(),
        RunFlags::KVM_RUN_X86_SMM | RunFlags::KVM_RUN_X86_GUEST_MODE
    );
    assert_eq!(page.cr8(), 0x16);
    assert_eq!(page.apic_base(), 0x24);
    assert_eq!(page.valid_regs(), SyncRegs::from_bits_retain(3));
    assert_eq!(page.dirty_regs(), SyncRegs::from_bits_retain(6));
    assert_eq!(page.sync_regs().regs.rax, 0x304);
    assert_eq!(
        format!("{page:?}"),
        format!(
            "Page {{ of: X86_64, state: {:?}, len: 8192, .. }}",
            page.state()
        )
    );
}

#[test]
fn every_setter_writes_its_field_alone() {
    let mut page = Page::new(0);
    let ours = page.page();
    ours.set_exit_reason(ExitReason(0x0102_0304));
    ours.set_cr8(0x16);
    ours.set_apic_base(0x24);
    ours.set_valid_regs(SyncRegs::KVM_SYNC_X86_REGS);
    ours.set_dirty_regs(SyncRegs::KVM_SYNC_X86_EVENTS);
    ours.sync_regs_mut().regs.rflags = 0x304;

    let expected = Page::new(0x0102_0304)
        .u64(16, 0x16)
        .u64(24, 0x24)
        .u64(288, 1)
        .u64(296, 4)
        // rax, rbx, rcx, rdx, rsi, rdi, rsp, rbp, r8 to r15, rip, rflags
        .u64(304 + 17 * 8, 0x304);
    assert_eq!(page.get_bytes(8, 8184), expected.get_bytes(8, 8184));
}

#[test]
fn registers_and_flags_are_writable_while_an_exit_is_held() {
    let mut page = Page::new(6).u32(48, 2);
    let (exit, beside) = page.page().split();
    let Ok(Exit::MmioRead(read)) = exit.decode() else {
        panic!()
    };
    beside.sync.dirty = SyncRegs::KVM_SYNC_X86_REGS;
    beside.sync.regs.regs.rip = 0x1002;
    beside.state.cr8 = 1;
    read.data.copy_from_slice(&[1, 2]);
    assert_eq!(
        [16, 296, 304 + 16 * 8].map(|at| page.get_u64(at)),
        [1, 1, 0x1002]
    );
    assert_eq!(page.get_bytes(40, 2), [1, 2]);
}

#[test]
fn lengths_for_raw_pointers() {
    assert_eq!(RunPage::OFFSET, 8);
    assert_eq!(RunPage::STRUCT_LEN, 2352);
    for private_len in [2352, 8192, 2 * 16384, 2 * 65536] {
        let elements = RunPage::elements(private_len).unwrap();
        let mut words = vec![0u64; (private_len - RunPage::OFFSET) / 8];
        let page = RunPage::from_words(&mut words).unwrap();
        assert_eq!(size_of_val(page), private_len - 8);
        assert_eq!(elements, (private_len - 2352) / 8);
    }
    assert_eq!(RunPage::elements(0), None);
    assert_eq!(RunPage::elements(8188), None);
    assert_eq!(RunPage::elements(8191), None);
}
