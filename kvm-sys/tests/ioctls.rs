//! The ioctl table of x86_64 against what is known without it, and against itself.
#![cfg(target_arch = "x86_64")]

use std::collections::BTreeMap;

use kvm_sys::ioctl::TABLE;
use kvm_sys::op::{Count, Dir, Fds, Field, Flex, Length, Op, Returns, Takes};
use kvm_sys::*;

#[test]
fn request_numbers_are_the_kernels() {
    assert_eq!(KVM_RUN.request(), 0xae80);
    assert_eq!(KVM_CREATE_VM.request(), 0xae01);
    assert_eq!(KVM_GET_REGS.request(), 0x8090_ae81);
    assert_eq!(KVM_SET_REGS.request(), 0x4090_ae82);
    assert_eq!(KVM_GET_SREGS.request(), 0x8138_ae83);
    assert_eq!(KVM_SET_USER_MEMORY_REGION.request(), 0x4020_ae46);
    assert_eq!(KVM_GET_SUPPORTED_CPUID.request(), 0xc008_ae05);
    assert_eq!(KVM_GET_XSAVE2.request(), 0x9000_aecf);
    assert_eq!(KVM_CREATE_DEVICE.request(), 0xc00c_aee0);
}

/// What the number itself says: direction bits and size, as `asm-generic/ioctl.h` packs them.
fn claims(op: &Op) -> (Option<Dir>, usize) {
    let dir = match op.request() >> 30 {
        0 => None,
        1 => Some(Dir::In),
        2 => Some(Dir::Out),
        _ => Some(Dir::InOut),
    };
    (dir, (op.request() >> 16 & 0x3fff) as usize)
}

#[test]
fn directions_differ_from_the_numbers_in_known_places_only() {
    let lies: Vec<_> = ALL
        .iter()
        .filter(|op| op.dir() != claims(op).0)
        .map(|op| op.name)
        .collect();
    assert_eq!(
        lies,
        [
            "KVM_SET_IRQCHIP",
            "KVM_GET_PIT",
            "KVM_SET_PIT",
            "KVM_REINJECT_CONTROL",
            "KVM_MEMORY_ENCRYPT_REG_REGION",
            "KVM_MEMORY_ENCRYPT_UNREG_REGION",
            "KVM_CLEAR_DIRTY_LOG",
            "KVM_CREATE_GUEST_MEMFD",
        ]
    );
}

#[test]
fn sizes_differ_from_the_numbers_in_known_places_only() {
    let odd: Vec<_> = ALL
        .iter()
        .filter(|op| op.size() != claims(op).1)
        .map(|op| op.name)
        .collect();
    assert_eq!(odd, ["KVM_REINJECT_CONTROL", "KVM_MEMORY_ENCRYPT_OP"]);
}

#[test]
fn no_descriptor_understands_one_number_in_two_ways() {
    for (index, op) in ALL.iter().enumerate() {
        for other in &ALL[..index] {
            assert_ne!(op, other);
            assert!(
                op.request() != other.request() || !op.fds.intersects(other.fds),
                "{op} and {other}"
            );
        }
    }
}

#[test]
fn banks_are_pairs_of_a_get_and_a_set_of_the_same_bytes() {
    let mut banks: BTreeMap<&str, Vec<&Op>> = BTreeMap::new();
    for op in ALL {
        if let Some(bank) = op.bank {
            banks.entry(bank).or_default().push(op);
        }
    }
    for (bank, ops) in &banks {
        let [first, second] = ops[..] else {
            panic!("{bank} is no pair: {ops:?}")
        };
        let (get, set) = if first.dir() == Some(Dir::Out) {
            (first, second)
        } else {
            (second, first)
        };
        assert_eq!(
            (get.dir(), set.dir()),
            (Some(Dir::Out), Some(Dir::In)),
            "{bank}"
        );
        assert_eq!((get.size(), get.fds), (set.size(), set.fds), "{bank}");
    }
    for bank in [
        "regs",
        "sregs",
        "fpu",
        "debugregs",
        "mp_state",
        "vcpu_events",
        "lapic",
        "xsave",
    ] {
        assert!(banks.contains_key(bank), "{bank}");
    }
}

#[test]
fn fields_lie_inside_their_structure() {
    for op in TABLE {
        let Takes::Struct {
            size,
            flex,
            inner,
            opaque,
            ..
        } = op.takes
        else {
            continue;
        };
        if let Some(Flex { element, count }) = flex {
            assert!(element > 0, "{op}");
            if let Count::Elements(field) | Count::AllBytes(field) = count {
                assert!([4, 8].contains(&field.len), "{op}");
                assert!(field.offset + field.len <= size, "{op}");
            }
        }
        for field in opaque {
            assert!(field.offset + field.len <= size, "{op}");
        }
        for pointer in inner {
            // What a pointer holds is good in one process only.
            assert!(
                opaque
                    .iter()
                    .any(|field| (field.offset, field.len) == (pointer.offset, 8)),
                "{op}"
            );
            if let Length::Bytes(field)
            | Length::Bits(field)
            | Length::Tags(field)
            | Length::Register(field)
            | Length::Slot(field) = pointer.len
            {
                assert!([4, 8].contains(&field.len), "{op}");
                assert!(field.offset + field.len <= size, "{op}");
            }
        }
        if let Returns::DescriptorAt(at) = op.returns {
            assert!(opaque.iter().any(|field| field.offset == at), "{op}");
        }
    }
}

#[test]
fn rows_say_what_numbers_do_not() {
    assert_eq!(KVM_CREATE_VCPU.returns, Returns::Descriptor);
    assert_eq!(KVM_CREATE_DEVICE.returns, Returns::DescriptorAt(4));
    assert_eq!(KVM_CHECK_EXTENSION.takes, Takes::Value);
    assert_eq!(KVM_CHECK_EXTENSION.fds, Fds::SYSTEM | Fds::VM);
    assert_eq!(KVM_SET_USER_MEMORY_REGION.opaque()[0].offset, 24);
    assert_eq!(
        KVM_SET_USER_MEMORY_REGION.capability,
        Some("KVM_CAP_USER_MEMORY")
    );
    assert_eq!(KVM_GET_REGS.section, "4.11");
    let Takes::Struct {
        flex: Some(flex), ..
    } = KVM_SET_MSRS.takes
    else {
        panic!()
    };
    let four = |offset| Field { offset, len: 4 };
    assert_eq!(flex.element, 16);
    assert_eq!(flex.count, Count::Elements(four(0)));
    let counts = |op: &Op| match op.takes {
        Takes::Struct { flex, .. } => flex.map(|flex| flex.count),
        _ => None,
    };
    assert_eq!(
        counts(&KVM_GET_REG_LIST),
        Some(Count::Elements(Field { offset: 0, len: 8 }))
    );
    assert_eq!(
        counts(&KVM_GET_NESTED_STATE),
        Some(Count::AllBytes(four(4)))
    );
    assert_eq!(
        counts(&KVM_GET_XSAVE2),
        Some(Count::Capability("KVM_CAP_XSAVE2"))
    );
    let Takes::Struct { inner, .. } = KVM_X86_SET_MSR_FILTER.takes else {
        panic!()
    };
    assert_eq!(inner.len(), KVM_MSR_FILTER_MAX_RANGES);
    assert_eq!(inner[15].offset, 384);
    assert_eq!(inner[15].len, Length::Bits(four(372)));
    let Takes::Struct { dir, inner, .. } = KVM_GET_DIRTY_LOG.takes else {
        panic!()
    };
    assert_eq!((dir, inner[0].dir), (Dir::In, Dir::Out));
    assert_eq!(inner[0].len, Length::Slot(four(0)));
}

#[test]
fn requests_of_other_architectures_are_not_here() {
    assert!(
        ALL.iter()
            .all(|op| !op.name.contains("S390") && !op.name.contains("PPC"))
    );
    assert_eq!((ALL.len(), TABLE.len()), (106, 152));
}
