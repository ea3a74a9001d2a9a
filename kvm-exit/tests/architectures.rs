//! What differs between architectures: debug payloads, where the exit is, and what stands beside it.

#[cfg(test)]
mod support;

use kvm_exit::kvm_sys::Arch;
use kvm_exit::{
    Aarch64, Aarch64Debug, AnyDebug, AnyPage, BadPage, DebugExit, Exit, Field, GuestArch,
    Loongarch64, Malformed, Mips64el, MipsDebug, NoDebug, Page as PageOf, Powerpc64le,
    PowerpcDebug, Riscv64, RunPage, S390Debug, S390x, Unencodable, X86_64,
};
use support::Page;

#[test]
fn each_debug_payload() {
    let mut arm = Page::new(4).u32(32, 0xc600_0000).u32(36, 1).u64(40, 0x1000);
    let debug = Aarch64Debug {
        hsr: 0xc600_0000,
        hsr_high: 1,
        far: 0x1000,
    };
    let page = arm.page_of::<Aarch64>();
    assert_eq!(page.decode(), Ok(Exit::Debug(debug)));
    assert_eq!(
        page.decode().unwrap().to_string(),
        "debug hsr 0xc6000000 high 0x1 far 0x1000"
    );

    let mut powerpc = Page::new(4).u64(32, 0x1000).u32(40, 2);
    let debug = PowerpcDebug {
        address: 0x1000,
        status: 2,
    };
    let page = powerpc.page_of::<Powerpc64le>();
    assert_eq!(page.decode(), Ok(Exit::Debug(debug)));
    assert_eq!(
        page.decode().unwrap().to_string(),
        "debug at 0x1000 status 0x2"
    );

    let mut s390 = Page::new(4).u64(48, 0x1000).u8(56, 4);
    let debug = S390Debug {
        addr: 0x1000,
        kind: 4,
    };
    let page = s390.page_of::<S390x>();
    assert_eq!(page.decode(), Ok(Exit::Debug(debug)));
    assert_eq!(page.decode().unwrap().to_string(), "debug type 4 at 0x1000");

    let mut mips = Page::new(4).u64(32, 0x1000);
    let page = mips.page_of::<Mips64el>();
    assert_eq!(page.decode(), Ok(Exit::Debug(MipsDebug { epc: 0x1000 })));
    assert_eq!(page.decode().unwrap().to_string(), "debug at 0x1000");

    let mut none = Page::new(4);
    assert_eq!(none.page_of::<Riscv64>().decode(), Ok(Exit::Debug(NoDebug)));
    assert_eq!(
        none.page_of::<Loongarch64>().decode().unwrap().to_string(),
        "debug event"
    );
}

#[test]
fn the_length_of_the_structure() {
    fn len<A: GuestArch>() -> (usize, Option<usize>, Option<usize>) {
        let len = PageOf::<A>::STRUCT_LEN;
        (
            len,
            PageOf::<A>::elements(len),
            PageOf::<A>::elements(len - 8),
        )
    }
    assert_eq!(len::<S390x>(), (2368, Some(0), None));
    for len in [
        len::<X86_64>(),
        len::<Aarch64>(),
        len::<Riscv64>(),
        len::<Powerpc64le>(),
        len::<Mips64el>(),
        len::<Loongarch64>(),
    ] {
        assert_eq!(len, (2352, Some(0), None));
    }
    let short = PageOf::<S390x>::from_words(&mut [0; 294]).err();
    let error = BadPage::Length {
        len: 2352,
        least: 2360,
    };
    assert_eq!(short, Some(error));
}

#[test]
fn beside_the_exit_on_s390() {
    let mut page = Page::new(5)
        .u16(14, 0x0f0f)
        .u64(32, 0x0705_0001)
        .u64(40, 0x1_0000)
        .u64(304, 3)
        .u64(312, 6)
        .u64(320, 0x2000)
        .u64(2360, 0x2360);
    let page = page.page_of::<S390x>();
    assert_eq!(page.state().flags, 0x0f0f);
    assert_eq!(page.state().psw_mask, 0x0705_0001);
    assert_eq!(page.state().psw_addr, 0x1_0000);
    assert_eq!((page.sync().valid, page.sync().dirty), (3, 6));
    assert_eq!(page.sync().words[0], 0x2000);
    assert_eq!(page.sync().words[255], 0x2360);
}

#[test]
fn beside_the_exit_on_arm() {
    let mut page = Page::new(5).u64(304, 5);
    let (_, beside) = page.page_of::<Aarch64>().split();
    assert_eq!(beside.sync.device_irq_level, 5);
    beside.sync.valid = 1;
    beside.sync.dirty = 2;
    beside.state.flags = 3;
    assert_eq!([288, 296].map(|at| page.get_u64(at)), [1, 2]);
    assert_eq!(page.get_bytes(14, 2), 3_u16.to_ne_bytes());
}

#[test]
fn port_data_inside_the_structure_is_refused_by_its_own_length() {
    let io = |offset| {
        Page::new(2)
            .u8(48, 1)
            .u8(49, 1)
            .u32(52, 1)
            .u64(56, offset)
            .u8(2368, 7)
    };
    let inside = Malformed {
        field: Field::IoDataOffset,
        value: 2367,
        limit: 2368,
    };
    assert_eq!(io(2367).page_of::<S390x>().decode(), Err(inside));
    let mut page = io(2368);
    let Ok(Exit::IoOut(io)) = page.page_of::<S390x>().decode() else {
        panic!()
    };
    assert_eq!(io.data, [7]);
}

#[test]
fn at_run_time_pages_read_the_same() {
    for of in Arch::ALL {
        let mut page = Page::new(5);
        let mut page = AnyPage::from_words(of, page.words()).unwrap();
        assert_eq!(page.arch(), of);
        assert_eq!(page.exit_reason().0, 5);
        assert_eq!(page.decode(), Ok(Exit::Hlt));
    }
    assert_eq!(AnyPage::WORDS_4K, RunPage::WORDS_4K);

    let mut page = Page::new(4).u64(48, 0x1000).u8(56, 4);
    let mut page = AnyPage::from_words(Arch::S390x, page.words()).unwrap();
    let debug = S390Debug {
        addr: 0x1000,
        kind: 4,
    };
    assert_eq!(page.decode(), Ok(Exit::Debug(AnyDebug::S390x(debug))));
}

#[test]
fn a_debug_payload_goes_into_its_own_page_only() {
    let debug = AnyDebug::X86_64(DebugExit {
        exception: 1,
        pc: 2,
        dr6: 3,
        dr7: 4,
    });
    for of in Arch::ALL {
        let mut page = Page::new(5);
        let mut page = AnyPage::from_words(of, page.words()).unwrap();
        let expected = match of {
            Arch::X86_64 => Ok(()),
            _ => Err(Unencodable::Arch),
        };
        assert_eq!(page.encode(&Exit::Debug(debug)), expected);
    }
}

#[cfg(feature = "s390x")]
#[test]
fn the_registers_that_s390_shares() {
    // prefix, and the second of the general-purpose registers
    let mut page = Page::new(5).u64(320, 0x2000).u64(336, 7);
    let sync = page.page_of::<S390x>().sync_mut();
    assert_eq!((sync.regs().prefix, sync.regs().gprs[1]), (0x2000, 7));
    sync.regs_mut().diag318 = 9;
    assert_eq!(page.get_u64(320 + 1536), 9);
}
