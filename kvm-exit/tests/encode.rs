//! What the encoder writes beyond what decodes again, and what it refuses.

#[cfg(test)]
mod support;

use kvm_exit::kvm_sys::{self, ExitReason, HypervExit, XenExit};
use kvm_exit::{
    Exit, Field, Hyperv, HypervOther, InternalError, IoIn, IoOut, Malformed, MmioWrite, Other,
    SystemEvent, Tdx, TdxCall, TdxOther, Unencodable, Xen, XenOther,
};
use support::Page;

fn encode(exit: &Exit<'_>) -> Result<(), Unencodable> {
    Page::new(0).page().encode(exit)
}

#[test]
fn a_refused_exit_leaves_the_reason() {
    let mut page = Page::new(5);
    assert!(page.page().encode(&Exit::Again).is_err());
    assert_eq!(page.decode(), Ok(Exit::Hlt));
}

#[test]
fn the_rest_of_the_union_becomes_zero() {
    let mut page = Page::new(5).bytes(8, &[0xff; 400]);
    page.page().encode(&Exit::IoapicEoi(7)).unwrap();
    let expected = Page::new(26)
        .bytes(12, &[0xff; 20])
        .u8(32, 7)
        .bytes(288, &[0xff; 120]);
    assert_eq!(page.get_bytes(8, 8184), expected.get_bytes(8, 8184));
}

#[test]
fn what_no_page_can_say() {
    assert_eq!(encode(&Exit::Interrupted), Err(Unencodable::NoExit));
    assert_eq!(encode(&Exit::Again), Err(Unencodable::NoExit));
    for (size, len) in [(1, 0), (2, 3), (4, 5841), (1, 8192), (4, 5844)] {
        let data = &vec![0; len][..];
        assert_eq!(
            encode(&Exit::IoOut(IoOut {
                port: 0,
                size,
                data
            })),
            Err(Unencodable::Data { len, unit: size })
        );
    }
    let malformed = |field, value, limit| {
        Err(Unencodable::Malformed(Malformed {
            field,
            value,
            limit,
        }))
    };
    for size in [0, 3, 8] {
        assert_eq!(
            encode(&Exit::IoIn(IoIn {
                port: 0,
                size,
                data: &mut [0; 24]
            })),
            malformed(Field::IoSize, size.into(), 4)
        );
    }
    for len in [0, 9] {
        let data = &vec![0; len][..];
        assert_eq!(
            encode(&Exit::MmioWrite(MmioWrite { addr: 0, data })),
            malformed(Field::MmioLen, len as u64, 8)
        );
    }
    let suberror = kvm_sys::InternalError(1);
    assert_eq!(
        encode(&Exit::InternalError(InternalError {
            suberror,
            data: &[2; 17]
        })),
        malformed(Field::InternalErrorNdata, 17, 16)
    );
    assert_eq!(
        encode(&Exit::InternalError(InternalError {
            suberror,
            data: &[1, u64::MAX, 0]
        })),
        malformed(Field::EmulationFailureInsnSize, 255, 15)
    );
    assert_eq!(
        encode(&Exit::SystemEvent(SystemEvent {
            kind: kvm_sys::SystemEvent(1),
            data: &[0; 17]
        })),
        malformed(Field::SystemEventNdata, 17, 16)
    );
}

#[test]
fn an_other_is_not_what_has_a_variant() {
    for reason in 0..44 {
        let payload = &mut [0; 256];
        let exit = Exit::Other(Other {
            reason: ExitReason(reason),
            payload,
        });
        assert_eq!(encode(&exit), Err(Unencodable::Known), "{reason}");
    }
    for kind in 1..=3 {
        let other = HypervOther {
            kind: HypervExit(kind),
            words: &mut [0; 6],
        };
        let exit = Exit::Hyperv(Hyperv::Other(other));
        assert_eq!(encode(&exit), Err(Unencodable::Known));
    }
    let other = XenOther {
        kind: XenExit(1),
        words: &mut [0; 9],
    };
    assert_eq!(
        encode(&Exit::Xen(Xen::Other(other))),
        Err(Unencodable::Known)
    );
    for nr in [0x10000, 0x10002, 0x10004] {
        let other = TdxOther {
            nr,
            ret: &mut 0,
            data: &mut [0; 5],
        };
        let call = TdxCall::Other(other);
        let exit = Exit::Tdx(Tdx { flags: 0, call });
        assert_eq!(encode(&exit), Err(Unencodable::Known));
    }
}

#[test]
fn port_data_go_to_the_second_page_or_behind_the_structure() {
    let mut page = Page::new(0);
    for (len, offset) in [(4096, 4096), (4097, 2352), (5840, 2352)] {
        let data = &vec![1; len][..];
        let out = IoOut {
            port: 0,
            size: 1,
            data,
        };
        page.page().encode(&Exit::IoOut(out)).unwrap();
        assert_eq!(page.get_u64(40), offset);
        assert_eq!(page.decode(), Ok(Exit::IoOut(out)));
    }
}

#[test]
fn unencodable_says_why() {
    for (error, text) in [
        (Unencodable::NoExit, "a failed KVM_RUN writes no exit"),
        (
            Unencodable::Data { len: 3, unit: 2 },
            "KVM_EXIT_IO: 3 bytes of data are no accesses of 2 that fit the page",
        ),
        (
            Unencodable::Known,
            "an Other with the number of what has a variant of its own",
        ),
        (
            Unencodable::Malformed(Malformed {
                field: Field::MmioLen,
                value: 9,
                limit: 8,
            }),
            "KVM_EXIT_MMIO: len is 9, not 1 to 8",
        ),
    ] {
        assert_eq!(error.to_string(), text);
    }
}
