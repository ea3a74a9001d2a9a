//! Payloads that the kernel never writes, each with what is said about it.

#[cfg(test)]
mod support;

use kvm_exit::{BadPage, Field, Malformed, RunPage};
use support::Page;

fn io(direction: u8, size: u8, count: u32, data_offset: u64) -> Page {
    Page::new(2)
        .u8(32, direction)
        .u8(33, size)
        .u32(36, count)
        .u64(40, data_offset)
}

#[test]
fn each_with_its_message() {
    let ndata = |reason, ndata| Page::new(reason).u32(32, 1).u32(36, ndata);
    for (mut page, field, value, limit, message) in [
        (
            io(2, 1, 1, 4096),
            Field::IoDirection,
            2,
            1,
            "KVM_EXIT_IO: direction is 2, neither 0 nor 1",
        ),
        (
            io(0, 0, 1, 4096),
            Field::IoSize,
            0,
            4,
            "KVM_EXIT_IO: size is 0, not 1, 2 or 4",
        ),
        (
            io(1, 3, 1, 4096),
            Field::IoSize,
            3,
            4,
            "KVM_EXIT_IO: size is 3, not 1, 2 or 4",
        ),
        (
            io(1, 8, 1, 4096),
            Field::IoSize,
            8,
            4,
            "KVM_EXIT_IO: size is 8, not 1, 2 or 4",
        ),
        (
            io(1, 1, 0, 4096),
            Field::IoCount,
            0,
            1,
            "KVM_EXIT_IO: count is 0",
        ),
        (
            io(1, 1, 1, 2351),
            Field::IoDataOffset,
            2351,
            2352,
            "KVM_EXIT_IO: data_offset 2351 is inside the run structure, which ends at 2352",
        ),
        (
            io(1, 4, 1, 8189),
            Field::IoDataEnd,
            8193,
            8192,
            "KVM_EXIT_IO: data ends at 8193, past the page's 8192",
        ),
        (
            io(0, 4, u32::MAX, 4096),
            Field::IoDataEnd,
            17_179_873_276,
            8192,
            "KVM_EXIT_IO: data ends at 17179873276, past the page's 8192",
        ),
        (
            io(0, 1, 1, u64::MAX),
            Field::IoDataEnd,
            u64::MAX,
            8192,
            "KVM_EXIT_IO: data ends at 18446744073709551615, past the page's 8192",
        ),
        (
            Page::new(6).u32(48, 0),
            Field::MmioLen,
            0,
            8,
            "KVM_EXIT_MMIO: len is 0, not 1 to 8",
        ),
        (
            Page::new(6).u32(48, 9),
            Field::MmioLen,
            9,
            8,
            "KVM_EXIT_MMIO: len is 9, not 1 to 8",
        ),
        (
            Page::new(6).u32(48, u32::MAX).u8(52, 1),
            Field::MmioLen,
            u32::MAX.into(),
            8,
            "KVM_EXIT_MMIO: len is 4294967295, not 1 to 8",
        ),
        (
            ndata(17, 17),
            Field::InternalErrorNdata,
            17,
            16,
            "KVM_EXIT_INTERNAL_ERROR: ndata is 17, more than 16",
        ),
        (
            ndata(17, 3).u64(40, 1).u8(48, 16),
            Field::EmulationFailureInsnSize,
            16,
            15,
            "KVM_EXIT_INTERNAL_ERROR: insn_size is 16, more than 15",
        ),
        (
            ndata(24, u32::MAX),
            Field::SystemEventNdata,
            u32::MAX.into(),
            16,
            "KVM_EXIT_SYSTEM_EVENT: ndata is 4294967295, more than 16",
        ),
    ] {
        let error = page.decode().unwrap_err();
        let expected = Malformed {
            field,
            value,
            limit,
        };
        assert_eq!(error, expected);
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn a_malformed_page_keeps_its_bytes() {
    let mut page = Page::new(6).u64(32, 0xd000_0000).u32(48, 9);
    let (exit, _) = page.page().split();
    assert_eq!(exit.reason().0, 6);
    assert_eq!(exit.payload()[..8], 0xd000_0000_u64.to_ne_bytes());
    assert!(exit.decode().is_err());
}

#[test]
fn malformed_is_small() {
    assert!(size_of::<Malformed>() <= 16);
    assert_eq!(size_of::<Field>(), 1);
}

#[test]
fn pages_of_every_length_and_alignment() {
    let mut words = [0u64; RunPage::WORDS_4K];
    // From byte 8 on: the structure alone takes 2344.
    for (len, good) in [
        (0, false),
        (2336, false),
        (2343, false),
        (2344, true),
        (2345, false),
        (2352, true),
        (8184, true),
    ] {
        let bytes = &mut zerocopy::IntoBytes::as_mut_bytes(&mut words[..])[..len];
        assert_eq!(RunPage::from_bytes_ref(bytes).is_ok(), good, "{len}");
        let page = RunPage::from_bytes(bytes);
        assert_eq!(
            page.err(),
            (!good).then_some(BadPage::Length { len, least: 2344 })
        );
        assert_eq!(RunPage::elements(8 + len).is_some(), good, "{len}");
    }
    let bytes = zerocopy::IntoBytes::as_mut_bytes(&mut words[..]);
    for start in 1..8 {
        let error = RunPage::from_bytes(&mut bytes[start..start + 2344]).err();
        assert_eq!(error, Some(BadPage::Misaligned));
    }
    assert_eq!(
        BadPage::Length {
            len: 7,
            least: 2344
        }
        .to_string(),
        "a run page of 7 bytes: from byte 8 on it has at least 2344, in whole words"
    );
}

#[test]
fn a_page_without_room_for_data_has_no_port_access() {
    let mut page = io(1, 1, 1, 2352);
    let error = page.first(2352).decode().unwrap_err();
    let expected = Malformed {
        field: Field::IoDataEnd,
        value: 2353,
        limit: 2352,
    };
    assert_eq!(error, expected);
}
