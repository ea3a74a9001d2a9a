//! Exits that no x86_64 guest causes, as `decode.rs`: offsets written by hand, replies where the
//! kernel looks for them.

#[cfg(test)]
mod support;

use kvm_exit::kvm_sys::ArmSeaFlags;
use kvm_exit::{
    Aarch64, ArmLdst64b, ArmNisv, ArmSea, DcrRead, DcrWrite, Epr, Exit, Field, IocsrRead,
    IocsrWrite, Loongarch64, Malformed, Osi, PaprHcall, Powerpc64le, Riscv64, RiscvCsr, RiscvSbi,
    S390Sieic, S390Stsi, S390Tsch, S390Ucontrol, S390x,
};
use support::Page;

#[test]
fn arm_nisv_and_ldst64b() {
    let (esr_iss, fault_ipa) = (0x1_2345, 0x900_0000);
    let mut page = Page::new(28).u64s(32, &[esr_iss, fault_ipa]);
    let exit = Exit::ArmNisv(ArmNisv { esr_iss, fault_ipa });
    assert_eq!(page.page_of::<Aarch64>().decode(), Ok(exit));

    let mut page = Page::new(42).u64s(32, &[esr_iss, fault_ipa]);
    let exit = Exit::ArmLdst64b(ArmLdst64b { esr_iss, fault_ipa });
    assert_eq!(page.page_of::<Aarch64>().decode(), Ok(exit));
}

#[test]
fn arm_sea() {
    let mut page = Page::new(41).u64s(32, &[1, 0x8200_0010, 0xffff_0000, 0x4000_0000]);
    let abort = ArmSea {
        flags: ArmSeaFlags::KVM_EXIT_ARM_SEA_FLAG_GPA_VALID,
        esr: 0x8200_0010,
        gva: 0xffff_0000,
        gpa: 0x4000_0000,
    };
    assert_eq!(abort.address(), Some(0x4000_0000));
    assert_eq!(page.page_of::<Aarch64>().decode(), Ok(Exit::ArmSea(abort)));

    let mut page = Page::new(41).u64(56, 0x4000_0000);
    let Ok(Exit::ArmSea(abort)) = page.page_of::<Aarch64>().decode() else {
        panic!()
    };
    assert_eq!(abort.address(), None);
}

#[test]
fn riscv_sbi() {
    let mut page = Page::new(35).u64s(32, &[0x10, 3, 1, 2, 3, 4, 5, 6, 7, 8]);
    {
        let Ok(Exit::RiscvSbi(call)) = page.page_of::<Riscv64>().decode() else {
            panic!()
        };
        assert_eq!(
            call,
            RiscvSbi {
                extension_id: 0x10,
                function_id: 3,
                args: &[1, 2, 3, 4, 5, 6],
                ret: &mut [7, 8]
            }
        );
        *call.ret = [0x70, 0x80];
    }
    assert_eq!([96, 104].map(|at| page.get_u64(at)), [0x70, 0x80]);
}

#[test]
fn riscv_csr() {
    let mut page = Page::new(36).u64s(32, &[0x15, 0xff, 0x0f, 9]);
    {
        let Ok(Exit::RiscvCsr(access)) = page.page_of::<Riscv64>().decode() else {
            panic!()
        };
        assert_eq!(
            access,
            RiscvCsr {
                csr_num: 0x15,
                new_value: 0xff,
                write_mask: 0x0f,
                ret_value: &mut 9
            }
        );
        *access.ret_value = 0x90;
    }
    assert_eq!(page.get_u64(56), 0x90);
}

fn iocsr(len: u32, is_write: u8) -> Page {
    Page::new(38)
        .u64(32, 0x1040)
        .bytes(40, &[1, 2, 3, 4, 5, 6, 7, 8])
        .u32(48, len)
        .u8(52, is_write)
}

#[test]
fn iocsr_read_is_answered_in_place() {
    let mut page = iocsr(4, 0);
    {
        let Ok(Exit::IocsrRead(read)) = page.page_of::<Loongarch64>().decode() else {
            panic!()
        };
        assert_eq!(
            read,
            IocsrRead {
                addr: 0x1040,
                data: &mut [1, 2, 3, 4]
            }
        );
        read.data.fill(9);
    }
    assert_eq!(page.get_bytes(40, 8), [9, 9, 9, 9, 5, 6, 7, 8]);
}

#[test]
fn iocsr_write() {
    let mut page = iocsr(8, 1);
    let write = IocsrWrite {
        addr: 0x1040,
        data: &[1, 2, 3, 4, 5, 6, 7, 8],
    };
    assert_eq!(
        page.page_of::<Loongarch64>().decode(),
        Ok(Exit::IocsrWrite(write))
    );
}

#[test]
fn iocsr_of_no_length() {
    for len in [0, 9, u32::MAX] {
        let error = Malformed {
            field: Field::IocsrLen,
            value: len.into(),
            limit: 8,
        };
        assert_eq!(iocsr(len, 0).page_of::<Loongarch64>().decode(), Err(error));
        assert_eq!(
            error.to_string(),
            format!("KVM_EXIT_LOONGARCH_IOCSR: len is {len}, not 1 to 8")
        );
    }
}

#[test]
fn dcr() {
    let mut page = Page::new(15).u32(32, 0x10).u32(36, 7).u8(40, 0);
    {
        let Ok(Exit::DcrRead(read)) = page.page_of::<Powerpc64le>().decode() else {
            panic!()
        };
        assert_eq!(
            read,
            DcrRead {
                dcrn: 0x10,
                data: &mut 7
            }
        );
        *read.data = 0x70;
    }
    assert_eq!(page.get_bytes(36, 4), 0x70_u32.to_ne_bytes());

    let mut page = page.u8(40, 1);
    let write = DcrWrite {
        dcrn: 0x10,
        data: 0x70,
    };
    assert_eq!(
        page.page_of::<Powerpc64le>().decode(),
        Ok(Exit::DcrWrite(write))
    );
}

#[test]
fn osi() {
    let gprs: Vec<u64> = (1..=32).collect();
    let mut page = Page::new(18).u64s(32, &gprs).u64(288, 99);
    {
        let Ok(Exit::Osi(Osi { gprs })) = page.page_of::<Powerpc64le>().decode() else {
            panic!()
        };
        assert_eq!((gprs[0], gprs[31]), (1, 32));
        gprs[31] = 0x320;
    }
    assert_eq!([280, 288].map(|at| page.get_u64(at)), [0x320, 99]);
}

#[test]
fn papr_hcall() {
    let mut page = Page::new(19).u64s(32, &[0x58, 7, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    {
        let Ok(Exit::PaprHcall(call)) = page.page_of::<Powerpc64le>().decode() else {
            panic!()
        };
        assert_eq!(
            call,
            PaprHcall {
                nr: 0x58,
                ret: &mut 7,
                args: &mut [1, 2, 3, 4, 5, 6, 7, 8, 9]
            }
        );
        *call.ret = 0x70;
        call.args[8] = 0x90;
    }
    assert_eq!([40, 112].map(|at| page.get_u64(at)), [0x70, 0x90]);
}

#[test]
fn epr() {
    let mut page = Page::new(23).u64(32, u64::MAX);
    {
        let Ok(Exit::Epr(Epr { epr })) = page.page_of::<Powerpc64le>().decode() else {
            panic!()
        };
        *epr = 0x31;
    }
    assert_eq!(page.get_bytes(32, 4), 0x31_u32.to_ne_bytes());
    assert_eq!(page.get_bytes(36, 4), [0xff; 4]);
}

#[test]
fn s390_sieic() {
    let mut page = Page::new(13).u8(48, 4).u16(50, 0xb233).u32(52, 0x1000_0000);
    let intercept = S390Sieic {
        icptcode: 4,
        ipa: 0xb233,
        ipb: 0x1000_0000,
    };
    assert_eq!(
        page.page_of::<S390x>().decode(),
        Ok(Exit::S390Sieic(intercept))
    );
}

#[test]
fn s390_reset() {
    let mut page = Page::new(14).u64(48, 18);
    assert_eq!(page.page_of::<S390x>().decode(), Ok(Exit::S390Reset(18)));
}

#[test]
fn s390_ucontrol() {
    let mut page = Page::new(20).u64(48, 0x1234_5678_9000).u32(56, 0x10);
    let fault = S390Ucontrol {
        trans_exc_code: 0x1234_5678_9000,
        pgm_code: 0x10,
    };
    assert_eq!(
        page.page_of::<S390x>().decode(),
        Ok(Exit::S390Ucontrol(fault))
    );
}

#[test]
fn s390_tsch() {
    let mut page = Page::new(22)
        .u16(48, 1)
        .u16(50, 2)
        .u32(52, 3)
        .u32(56, 4)
        .u32(60, 5)
        .u8(64, 1);
    let tsch = S390Tsch {
        subchannel_id: 1,
        subchannel_nr: 2,
        io_int_parm: 3,
        io_int_word: 4,
        ipb: 5,
        dequeued: true,
    };
    assert_eq!(page.page_of::<S390x>().decode(), Ok(Exit::S390Tsch(tsch)));
}

#[test]
fn s390_stsi() {
    let mut page = Page::new(25)
        .u64(48, 0x2000)
        .u8(56, 1)
        .u8(57, 0xff)
        .u8(58, 3)
        .u8(59, 2)
        .u16(60, 4);
    let stsi = S390Stsi {
        addr: 0x2000,
        ar: 1,
        fc: 3,
        sel1: 2,
        sel2: 4,
    };
    assert_eq!(page.page_of::<S390x>().decode(), Ok(Exit::S390Stsi(stsi)));
}
