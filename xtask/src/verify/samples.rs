//! Function-like macros at sample arguments: architecture, Rust, C.

pub(crate) const SAMPLES: &[(&str, &str, &str)] = &[
    (
        "x86_64",
        "KVM_REG_SIZE(0x2040_0000_0000_0000)",
        "KVM_REG_SIZE(0x2040000000000000ULL)",
    ),
    (
        "aarch64",
        "KVM_REG_SIZE(0x6080_0000_0000_0000)",
        "KVM_REG_SIZE(0x6080000000000000ULL)",
    ),
    (
        "aarch64",
        "KVM_VM_TYPE_ARM_IPA_SIZE(0x1234)",
        "KVM_VM_TYPE_ARM_IPA_SIZE(0x1234)",
    ),
    (
        "x86_64",
        "KVM_X86_KVM_REG_SIZE(0)",
        "KVM_X86_KVM_REG_SIZE(0)",
    ),
    (
        "x86_64",
        "KVM_X86_KVM_REG_SIZE(7)",
        "KVM_X86_KVM_REG_SIZE(7)",
    ),
    (
        "x86_64",
        "KVM_X86_REG_TYPE_SIZE(2, 9)",
        "KVM_X86_REG_TYPE_SIZE(2, 9)",
    ),
    ("x86_64", "KVM_X86_REG_ID(3, 0)", "KVM_X86_REG_ID(3, 0)"),
    (
        "x86_64",
        "KVM_X86_REG_MSR(0xc000_0080)",
        "KVM_X86_REG_MSR(0xc0000080)",
    ),
    ("x86_64", "KVM_X86_REG_KVM(0)", "KVM_X86_REG_KVM(0)"),
    ("x86_64", "KVM_X86_REG_KVM(5)", "KVM_X86_REG_KVM(5)"),
    (
        "x86_64",
        "KVM_PMU_ENCODE_MASKED_ENTRY(0xfc4, 0x1f3, 0x2aa, true)",
        "KVM_PMU_ENCODE_MASKED_ENTRY(0xfc4, 0x1f3, 0x2aa, 1)",
    ),
    (
        "x86_64",
        "KVM_PMU_ENCODE_MASKED_ENTRY(0x123, 0, 0xff, false)",
        "KVM_PMU_ENCODE_MASKED_ENTRY(0x123, 0, 0xff, 0)",
    ),
    (
        "x86_64",
        "KVM_MAP_GPA_RANGE_ENC_STAT(1)",
        "KVM_MAP_GPA_RANGE_ENC_STAT(1)",
    ),
    (
        "aarch64",
        "ARM64_SYS_REG(3, 3, 14, 3, 2)",
        "ARM64_SYS_REG(3, 3, 14, 3, 2)",
    ),
    (
        "aarch64",
        "ARM64_SYS_REG(2, 7, 15, 15, 7)",
        "ARM64_SYS_REG(2, 7, 15, 15, 7)",
    ),
    (
        "aarch64",
        "KVM_REG_ARM_CORE_REG(offset_of!(kvm_regs, fp_regs))",
        "KVM_REG_ARM_CORE_REG(fp_regs)",
    ),
    (
        "aarch64",
        "KVM_REG_ARM_FW_REG(0x1_0003)",
        "KVM_REG_ARM_FW_REG(0x10003)",
    ),
    (
        "aarch64",
        "KVM_REG_ARM_FW_FEAT_BMAP_REG(2)",
        "KVM_REG_ARM_FW_FEAT_BMAP_REG(2)",
    ),
    (
        "aarch64",
        "KVM_REG_ARM64_SVE_ZREG(33, 34)",
        "KVM_REG_ARM64_SVE_ZREG(33, 34)",
    ),
    (
        "aarch64",
        "KVM_REG_ARM64_SVE_PREG(17, 3)",
        "KVM_REG_ARM64_SVE_PREG(17, 3)",
    ),
    (
        "aarch64",
        "KVM_REG_ARM64_SVE_FFR(35)",
        "KVM_REG_ARM64_SVE_FFR(35)",
    ),
    ("aarch64", "KVM_PSCI_FN(3).into()", "KVM_PSCI_FN(3)"),
    (
        "aarch64",
        "KVM_ARM_FEATURE_ID_RANGE_IDX(3, 1, 0, 5, 6)",
        "KVM_ARM_FEATURE_ID_RANGE_IDX(3, 1, 0, 5, 6)",
    ),
    (
        "aarch64",
        "KVM_ARM_FEATURE_ID_RANGE_IDX(3, 3, 0, 9, 7)",
        "KVM_ARM_FEATURE_ID_RANGE_IDX(3, 3, 0, 9, 7)",
    ),
    (
        "riscv64",
        "KVM_REG_RISCV_CONFIG_REG(offset_of!(kvm_riscv_config, mimpid))",
        "KVM_REG_RISCV_CONFIG_REG(mimpid)",
    ),
    (
        "riscv64",
        "KVM_REG_RISCV_CORE_REG(offset_of!(kvm_riscv_core, mode))",
        "KVM_REG_RISCV_CORE_REG(mode)",
    ),
    (
        "riscv64",
        "KVM_REG_RISCV_CSR_REG(offset_of!(kvm_riscv_csr, scounteren))",
        "KVM_REG_RISCV_CSR_REG(scounteren)",
    ),
    (
        "riscv64",
        "KVM_REG_RISCV_CSR_AIA_REG(offset_of!(kvm_riscv_aia_csr, iprio2h))",
        "KVM_REG_RISCV_CSR_AIA_REG(iprio2h)",
    ),
    (
        "riscv64",
        "KVM_REG_RISCV_CSR_SMSTATEEN_REG(offset_of!(kvm_riscv_smstateen_csr, sstateen0))",
        "KVM_REG_RISCV_CSR_SMSTATEEN_REG(sstateen0)",
    ),
    (
        "riscv64",
        "KVM_REG_RISCV_CSR_ZICFISS_REG(offset_of!(kvm_riscv_zicfiss_csr, ssp))",
        "KVM_REG_RISCV_CSR_ZICFISS_REG(ssp)",
    ),
    (
        "riscv64",
        "KVM_REG_RISCV_TIMER_REG(offset_of!(kvm_riscv_timer, state))",
        "KVM_REG_RISCV_TIMER_REG(state)",
    ),
    (
        "riscv64",
        "KVM_REG_RISCV_FP_F_REG(offset_of!(__riscv_f_ext_state, fcsr))",
        "KVM_REG_RISCV_FP_F_REG(fcsr)",
    ),
    (
        "riscv64",
        "KVM_REG_RISCV_FP_D_REG(offset_of!(__riscv_d_ext_state, fcsr))",
        "KVM_REG_RISCV_FP_D_REG(fcsr)",
    ),
    (
        "riscv64",
        "KVM_REG_RISCV_ISA_MULTI_REG(RiscvIsaExt(79))",
        "KVM_REG_RISCV_ISA_MULTI_REG(79)",
    ),
    (
        "riscv64",
        "KVM_REG_RISCV_ISA_MULTI_MASK(RiscvIsaExt(79))",
        "KVM_REG_RISCV_ISA_MULTI_MASK(79)",
    ),
    (
        "riscv64",
        "KVM_REG_RISCV_SBI_MULTI_REG(RiscvSbiExt(65))",
        "KVM_REG_RISCV_SBI_MULTI_REG(65)",
    ),
    (
        "riscv64",
        "KVM_REG_RISCV_SBI_MULTI_MASK(RiscvSbiExt(65))",
        "KVM_REG_RISCV_SBI_MULTI_MASK(65)",
    ),
    (
        "riscv64",
        "KVM_REG_RISCV_VECTOR_CSR_REG(offset_of!(__riscv_v_ext_state, vlenb))",
        "KVM_REG_RISCV_VECTOR_CSR_REG(vlenb)",
    ),
    (
        "riscv64",
        "KVM_REG_RISCV_VECTOR_REG(31)",
        "KVM_REG_RISCV_VECTOR_REG(31)",
    ),
    (
        "riscv64",
        "KVM_REG_RISCV_SBI_STA_REG(offset_of!(kvm_riscv_sbi_sta, shmem_hi))",
        "KVM_REG_RISCV_SBI_STA_REG(shmem_hi)",
    ),
    (
        "riscv64",
        "KVM_REG_RISCV_SBI_FWFT_REG(offset_of!(kvm_riscv_sbi_fwft, pointer_masking))",
        "KVM_REG_RISCV_SBI_FWFT_REG(pointer_masking)",
    ),
    (
        "riscv64",
        "KVM_DEV_RISCV_AIA_ADDR_IMSIC(6)",
        "KVM_DEV_RISCV_AIA_ADDR_IMSIC(6)",
    ),
    (
        "riscv64",
        "KVM_DEV_RISCV_AIA_IMSIC_MKATTR(3, 0x1234)",
        "KVM_DEV_RISCV_AIA_IMSIC_MKATTR(3, 0x1234)",
    ),
    (
        "riscv64",
        "KVM_DEV_RISCV_AIA_IMSIC_GET_ISEL(0x5123)",
        "KVM_DEV_RISCV_AIA_IMSIC_GET_ISEL(0x5123)",
    ),
    (
        "riscv64",
        "KVM_DEV_RISCV_AIA_IMSIC_GET_VCPU(0x5123)",
        "KVM_DEV_RISCV_AIA_IMSIC_GET_VCPU(0x5123)",
    ),
    (
        "s390x",
        "KVM_S390_INT_IO(1, 3, 2, 0x1234).into()",
        "KVM_S390_INT_IO(1, 3, 2, 0x1234)",
    ),
    (
        "powerpc64le",
        "KVM_HCALL_TOKEN(4).into()",
        "KVM_HCALL_TOKEN(4)",
    ),
    ("powerpc64le", "KVM_REG_PPC_FPR(31)", "KVM_REG_PPC_FPR(31)"),
    ("powerpc64le", "KVM_REG_PPC_VR(31)", "KVM_REG_PPC_VR(31)"),
    ("powerpc64le", "KVM_REG_PPC_VSR(31)", "KVM_REG_PPC_VSR(31)"),
    (
        "powerpc64le",
        "KVM_REG_PPC_TM_GPR(31)",
        "KVM_REG_PPC_TM_GPR(31)",
    ),
    (
        "powerpc64le",
        "KVM_REG_PPC_TM_VSR(63)",
        "KVM_REG_PPC_TM_VSR(63)",
    ),
    (
        "loongarch64",
        "LOONGARCH_REG_64(1 << 16, 5)",
        "LOONGARCH_REG_64(1ULL << 16, 5)",
    ),
    (
        "loongarch64",
        "KVM_IOC_CSRID(0x181)",
        "KVM_IOC_CSRID(0x181)",
    ),
    ("loongarch64", "KVM_IOC_CPUCFG(20)", "KVM_IOC_CPUCFG(20)"),
    (
        "mips64el",
        "KVM_REG_MIPS_CP0_MAAR(3)",
        "KVM_REG_MIPS_CP0_MAAR(3)",
    ),
    (
        "mips64el",
        "KVM_REG_MIPS_FPR_32(31)",
        "KVM_REG_MIPS_FPR_32(31)",
    ),
    (
        "mips64el",
        "KVM_REG_MIPS_FPR_64(31)",
        "KVM_REG_MIPS_FPR_64(31)",
    ),
    (
        "mips64el",
        "KVM_REG_MIPS_VEC_128(31)",
        "KVM_REG_MIPS_VEC_128(31)",
    ),
];

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::SAMPLES;
    use crate::verify::names::Module;

    #[test]
    fn every_function_has_a_sample() {
        let src = Path::new(env!("CARGO_MANIFEST_DIR"))
            .with_file_name("kvm-sys")
            .join("src");
        let mut modules: Vec<_> = SAMPLES.iter().map(|(arch, ..)| *arch).collect();
        modules.push("common");
        modules.sort_unstable();
        modules.dedup();
        assert_eq!(modules.len(), 8);
        for module in modules {
            for function in Module::read(&src, module).unwrap().functions {
                let call = format!("{function}(");
                let sampled = |(arch, rust, _): &(&str, &str, &str)| {
                    (module == "common" || *arch == module) && rust.starts_with(&call)
                };
                assert!(SAMPLES.iter().any(sampled), "{module}: {function}");
            }
        }
    }
}
