/*
 * Every exit, as C writes it: PAGE(name, reason, fields), each field F(member of kvm_run, value).
 * Included twice, once for the values and once for where they are. The values differ from field to
 * field; kvm-exit/tests/truth.rs has the same ones.
 */
PAGE(unknown, KVM_EXIT_UNKNOWN, F(hw.hardware_exit_reason, 0x0102030405060708))
PAGE(exception, KVM_EXIT_EXCEPTION, F(ex.exception, 13) F(ex.error_code, 0x18))
PAGE(io_in, KVM_EXIT_IO,
	F(io.direction, KVM_EXIT_IO_IN) F(io.size, 2) F(io.port, 0x1f0) F(io.count, 3)
	F(io.data_offset, 4096))
PAGE(io_out, KVM_EXIT_IO,
	F(io.direction, KVM_EXIT_IO_OUT) F(io.size, 4) F(io.port, 0xcf8) F(io.count, 1)
	F(io.data_offset, 4096))
PAGE(hypercall, KVM_EXIT_HYPERCALL,
	F(hypercall.nr, 12) F(hypercall.args[0], 1) F(hypercall.args[5], 6) F(hypercall.ret, 7)
	F(hypercall.flags, 1))
PAGE(hlt, KVM_EXIT_HLT,)
PAGE(mmio_read, KVM_EXIT_MMIO,
	F(mmio.phys_addr, 0xd0000000) F(mmio.data[0], 1) F(mmio.data[3], 4) F(mmio.len, 4))
PAGE(mmio_write, KVM_EXIT_MMIO,
	F(mmio.phys_addr, 0xd0000008) F(mmio.data[0], 1) F(mmio.data[7], 8) F(mmio.len, 8)
	F(mmio.is_write, 1))
PAGE(irq_window_open, KVM_EXIT_IRQ_WINDOW_OPEN,)
PAGE(shutdown, KVM_EXIT_SHUTDOWN,)
PAGE(fail_entry, KVM_EXIT_FAIL_ENTRY,
	F(fail_entry.hardware_entry_failure_reason, 0x80000021) F(fail_entry.cpu, 3))
PAGE(intr, KVM_EXIT_INTR,)
PAGE(set_tpr, KVM_EXIT_SET_TPR,)
PAGE(tpr_access, KVM_EXIT_TPR_ACCESS, F(tpr_access.rip, 0xffff8000) F(tpr_access.is_write, 1))
PAGE(s390_sieic, KVM_EXIT_S390_SIEIC,
	F(s390_sieic.icptcode, 4) F(s390_sieic.ipa, 0xb233) F(s390_sieic.ipb, 0x10203040))
PAGE(s390_reset, KVM_EXIT_S390_RESET, F(s390_reset_flags, 0x0102030405060708))
PAGE(dcr_read, KVM_EXIT_DCR, F(dcr.dcrn, 0x10) F(dcr.data, 0x11))
PAGE(dcr_write, KVM_EXIT_DCR, F(dcr.dcrn, 0x12) F(dcr.data, 0x13) F(dcr.is_write, 1))
PAGE(nmi, KVM_EXIT_NMI,)
PAGE(internal_error, KVM_EXIT_INTERNAL_ERROR,
	F(internal.suberror, KVM_INTERNAL_ERROR_DELIVERY_EV) F(internal.ndata, 2)
	F(internal.data[0], 0x30) F(internal.data[1], 0x31))
PAGE(emulation_failure, KVM_EXIT_INTERNAL_ERROR,
	F(emulation_failure.suberror, KVM_INTERNAL_ERROR_EMULATION) F(emulation_failure.ndata, 3)
	F(emulation_failure.flags, KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES)
	F(emulation_failure.insn_size, 2) F(emulation_failure.insn_bytes[0], 0x0f)
	F(emulation_failure.insn_bytes[1], 0x0b))
PAGE(osi, KVM_EXIT_OSI, F(osi.gprs[0], 0x20) F(osi.gprs[31], 0x3f))
PAGE(papr_hcall, KVM_EXIT_PAPR_HCALL,
	F(papr_hcall.nr, 0x58) F(papr_hcall.ret, 0x59) F(papr_hcall.args[0], 1)
	F(papr_hcall.args[8], 9))
PAGE(s390_ucontrol, KVM_EXIT_S390_UCONTROL,
	F(s390_ucontrol.trans_exc_code, 0x123456789000) F(s390_ucontrol.pgm_code, 0x10))
PAGE(watchdog, KVM_EXIT_WATCHDOG,)
PAGE(s390_tsch, KVM_EXIT_S390_TSCH,
	F(s390_tsch.subchannel_id, 1) F(s390_tsch.subchannel_nr, 2) F(s390_tsch.io_int_parm, 3)
	F(s390_tsch.io_int_word, 4) F(s390_tsch.ipb, 5) F(s390_tsch.dequeued, 1))
PAGE(epr, KVM_EXIT_EPR, F(epr.epr, 0x31))
PAGE(system_event, KVM_EXIT_SYSTEM_EVENT,
	F(system_event.type, KVM_SYSTEM_EVENT_SEV_TERM) F(system_event.ndata, 2)
	F(system_event.data[0], 0x40) F(system_event.data[1], 0x41))
PAGE(s390_stsi, KVM_EXIT_S390_STSI,
	F(s390_stsi.addr, 0x2000) F(s390_stsi.ar, 1) F(s390_stsi.fc, 3) F(s390_stsi.sel1, 2)
	F(s390_stsi.sel2, 4))
PAGE(ioapic_eoi, KVM_EXIT_IOAPIC_EOI, F(eoi.vector, 0x31))
PAGE(hyperv_synic, KVM_EXIT_HYPERV,
	F(hyperv.type, KVM_EXIT_HYPERV_SYNIC) F(hyperv.u.synic.msr, 0x40000083)
	F(hyperv.u.synic.control, 1) F(hyperv.u.synic.evt_page, 0x2001)
	F(hyperv.u.synic.msg_page, 0x3001))
PAGE(hyperv_hcall, KVM_EXIT_HYPERV,
	F(hyperv.type, KVM_EXIT_HYPERV_HCALL) F(hyperv.u.hcall.input, 0x5c)
	F(hyperv.u.hcall.result, 0x5d) F(hyperv.u.hcall.params[0], 0x1000)
	F(hyperv.u.hcall.params[1], 0x2000))
PAGE(hyperv_syndbg, KVM_EXIT_HYPERV,
	F(hyperv.type, KVM_EXIT_HYPERV_SYNDBG) F(hyperv.u.syndbg.msr, 0x400000f1)
	F(hyperv.u.syndbg.control, 1) F(hyperv.u.syndbg.status, 2)
	F(hyperv.u.syndbg.send_page, 0x3000) F(hyperv.u.syndbg.recv_page, 0x4000)
	F(hyperv.u.syndbg.pending_page, 0x5000))
PAGE(arm_nisv, KVM_EXIT_ARM_NISV, F(arm_nisv.esr_iss, 0x40) F(arm_nisv.fault_ipa, 0x9000000))
PAGE(arm_ldst64b, KVM_EXIT_ARM_LDST64B,
	F(arm_nisv.esr_iss, 0x41) F(arm_nisv.fault_ipa, 0x9000040))
PAGE(rdmsr, KVM_EXIT_X86_RDMSR,
	F(msr.error, 1) F(msr.reason, KVM_MSR_EXIT_REASON_FILTER) F(msr.index, 0x1a0)
	F(msr.data, 0x850089))
PAGE(wrmsr, KVM_EXIT_X86_WRMSR,
	F(msr.reason, KVM_MSR_EXIT_REASON_UNKNOWN) F(msr.index, 0x1a1) F(msr.data, 0x85008a))
PAGE(dirty_ring_full, KVM_EXIT_DIRTY_RING_FULL,)
PAGE(ap_reset_hold, KVM_EXIT_AP_RESET_HOLD,)
PAGE(bus_lock, KVM_EXIT_X86_BUS_LOCK,)
PAGE(xen, KVM_EXIT_XEN,
	F(xen.type, KVM_EXIT_XEN_HCALL) F(xen.u.hcall.longmode, 1) F(xen.u.hcall.cpl, 3)
	F(xen.u.hcall.input, 0x11) F(xen.u.hcall.result, 0x12) F(xen.u.hcall.params[0], 0x13)
	F(xen.u.hcall.params[5], 0x18))
PAGE(riscv_sbi, KVM_EXIT_RISCV_SBI,
	F(riscv_sbi.extension_id, 0x10) F(riscv_sbi.function_id, 3) F(riscv_sbi.args[0], 1)
	F(riscv_sbi.args[5], 6) F(riscv_sbi.ret[0], 7) F(riscv_sbi.ret[1], 8))
PAGE(riscv_csr, KVM_EXIT_RISCV_CSR,
	F(riscv_csr.csr_num, 0x15) F(riscv_csr.new_value, 0xff) F(riscv_csr.write_mask, 0x0f)
	F(riscv_csr.ret_value, 9))
PAGE(notify, KVM_EXIT_NOTIFY, F(notify.flags, KVM_NOTIFY_CONTEXT_INVALID))
PAGE(iocsr_read, KVM_EXIT_LOONGARCH_IOCSR,
	F(iocsr_io.phys_addr, 0x1040) F(iocsr_io.data[0], 1) F(iocsr_io.data[3], 4)
	F(iocsr_io.len, 4))
PAGE(iocsr_write, KVM_EXIT_LOONGARCH_IOCSR,
	F(iocsr_io.phys_addr, 0x1048) F(iocsr_io.data[0], 1) F(iocsr_io.data[7], 8)
	F(iocsr_io.len, 8) F(iocsr_io.is_write, 1))
PAGE(memory_fault, KVM_EXIT_MEMORY_FAULT,
	F(memory_fault.flags, KVM_MEMORY_EXIT_FLAG_PRIVATE) F(memory_fault.gpa, 0x100000)
	F(memory_fault.size, 0x1000))
PAGE(tdx_info, KVM_EXIT_TDX,
	F(tdx.flags, 0x60) F(tdx.nr, 0x10000) F(tdx.get_tdvmcall_info.ret, 0x61)
	F(tdx.get_tdvmcall_info.leaf, 0x62) F(tdx.get_tdvmcall_info.r11, 0x63)
	F(tdx.get_tdvmcall_info.r14, 0x66))
PAGE(tdx_quote, KVM_EXIT_TDX,
	F(tdx.nr, 0x10002) F(tdx.get_quote.ret, 0x67) F(tdx.get_quote.gpa, 0x68)
	F(tdx.get_quote.size, 0x69))
PAGE(tdx_notify, KVM_EXIT_TDX,
	F(tdx.nr, 0x10004) F(tdx.setup_event_notify.ret, 0x6a)
	F(tdx.setup_event_notify.vector, 0x6b))
PAGE(tdx_other, KVM_EXIT_TDX,
	F(tdx.nr, 0x10001) F(tdx.unknown.ret, 0x6c) F(tdx.unknown.data[0], 0x6d)
	F(tdx.unknown.data[4], 0x71))
PAGE(arm_sea, KVM_EXIT_ARM_SEA,
	F(arm_sea.flags, KVM_EXIT_ARM_SEA_FLAG_GPA_VALID) F(arm_sea.esr, 0x82000010)
	F(arm_sea.gva, 0xffff0000) F(arm_sea.gpa, 0x40000000))
PAGE(snp_req_certs, KVM_EXIT_SNP_REQ_CERTS,
	F(snp_req_certs.gpa, 0x7000) F(snp_req_certs.npages, 2) F(snp_req_certs.ret, 5))
#if defined(__x86_64__)
PAGE(debug, KVM_EXIT_DEBUG,
	F(debug.arch.exception, 1) F(debug.arch.pc, 0x1000) F(debug.arch.dr6, 0x4ff0)
	F(debug.arch.dr7, 0x400))
PAGE(beside, KVM_EXIT_HLT,
	F(ready_for_interrupt_injection, 1) F(if_flag, 2) F(flags, KVM_RUN_X86_SMM) F(cr8, 3)
	F(apic_base, 4) F(kvm_valid_regs, KVM_SYNC_X86_REGS) F(kvm_dirty_regs, KVM_SYNC_X86_EVENTS)
	F(s.regs.regs.rax, 5) F(s.regs.events.flags, 6))
#elif defined(__aarch64__)
PAGE(debug, KVM_EXIT_DEBUG,
	F(debug.arch.hsr, 0x82000022) F(debug.arch.hsr_high, 1) F(debug.arch.far, 0x1000))
PAGE(beside, KVM_EXIT_HLT, F(s.regs.device_irq_level, KVM_ARM_DEV_PMU))
#elif defined(__powerpc__)
PAGE(debug, KVM_EXIT_DEBUG,
	F(debug.arch.address, 0x1000) F(debug.arch.status, KVMPPC_DEBUG_WATCH_READ))
PAGE(beside, KVM_EXIT_HLT,
	F(ready_for_interrupt_injection, 1) F(flags, KVM_RUN_PPC_NMI_DISP_LIMITED_RECOV))
#elif defined(__s390x__)
PAGE(debug, KVM_EXIT_DEBUG, F(debug.arch.addr, 0x1000) F(debug.arch.type, KVM_SINGLESTEP))
PAGE(beside, KVM_EXIT_HLT,
	F(psw_mask, 1) F(psw_addr, 2) F(kvm_valid_regs, KVM_SYNC_PREFIX)
	F(kvm_dirty_regs, KVM_SYNC_GPRS) F(s.regs.prefix, 3) F(s.regs.diag318, 4))
#elif defined(__mips__)
PAGE(debug, KVM_EXIT_DEBUG, F(debug.arch.epc, 0x1000))
#else
PAGE(debug, KVM_EXIT_DEBUG,)
#endif
