//! Saved state from anywhere: damage, other versions, other hosts.

use std::string::ToString;
use std::vec::Vec;

use kvm_sys::op::Fds;
use kvm_sys::{Arch, KVM_GET_FPU, KVM_GET_MP_STATE, KVM_GET_REGS};

use super::crc::crc;
use super::*;
use crate::{Cause, Errno};

fn small() -> SavedState {
    let mut state = Writer::new(Arch::X86_64, Fds::VCPU);
    state.put(&KVM_GET_REGS, &[1_u64, 2, 3]).unwrap();
    state.absent(&KVM_GET_FPU);
    state.put(&KVM_GET_MP_STATE, &[0_u8; 0]).unwrap();
    state.finish()
}

/// `bytes` with a checksum that fits, as somebody who means harm would make it.
fn forged(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.truncate(bytes.len() - 4);
    let crc = crc(&bytes);
    bytes.extend_from_slice(&crc.to_le_bytes());
    bytes
}

fn cause(bytes: Vec<u8>) -> Cause {
    SavedState::from_bytes(bytes).unwrap_err().cause()
}

#[test]
fn what_is_written_is_read() {
    let state = small();
    let read = SavedState::from_bytes(state.as_bytes()).unwrap();
    assert_eq!(read, state);
    assert_eq!((read.arch(), read.of()), (Arch::X86_64, Fds::VCPU));
    let pieces: Vec<_> = read
        .pieces()
        .map(|piece| std::format!("{piece:?}"))
        .collect();
    assert_eq!(
        pieces,
        [
            "KVM_GET_REGS: 24 bytes",
            "KVM_GET_FPU: absent",
            "KVM_GET_MP_STATE: 0 bytes"
        ]
    );
    assert_eq!(read.get::<[u64; 3]>(&KVM_GET_REGS), Ok(Some([1, 2, 3])));
    assert_eq!(
        read.list::<u64>(&KVM_GET_REGS),
        Ok(Some(Vec::from([1, 2, 3])))
    );
    assert_eq!(read.get::<u8>(&KVM_GET_FPU), Ok(None));
}

#[test]
fn every_prefix_is_refused() {
    let bytes = small().into_bytes();
    for len in 0..bytes.len() {
        assert_eq!(cause(bytes[..len].to_vec()), Cause::Damaged, "{len} bytes");
    }
    let mut longer = bytes;
    longer.push(0);
    assert_eq!(cause(longer), Cause::Damaged);
}

#[test]
fn every_flipped_bit_is_found() {
    let bytes = small().into_bytes();
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let expected = match bit / 8 {
            8 | 9 => Cause::StateVersion,
            _ => Cause::Damaged,
        };
        assert_eq!(cause(flipped), expected, "bit {bit}");
    }
}

/// A checksum is no signature: what passes it is still only bytes.
#[test]
fn forged_state_is_an_error_or_other_state() {
    let bytes = small().into_bytes();
    for bit in 0..(bytes.len() - 4) * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let Ok(state) = SavedState::from_bytes(forged(flipped)) else {
            continue;
        };
        let of = (state.arch(), state.of());
        let known = [&KVM_GET_REGS, &KVM_GET_FPU, &KVM_GET_MP_STATE];
        let same = state.check(Arch::X86_64, Fds::VCPU, &known).is_ok();
        assert!(!same || of == (Arch::X86_64, Fds::VCPU));
        assert!(state.pieces().count() <= bytes.len() / 8, "bit {bit}");
    }
    for len in 4..bytes.len() {
        let cut = forged(bytes[..len].to_vec());
        assert!(
            SavedState::from_bytes(cut).is_err() || [20, 52, 60].contains(&len),
            "{len} bytes"
        );
    }
}

#[test]
fn refusals_say_why() {
    let state = small();
    let error = state.check(Arch::Aarch64, Fds::VCPU, &[]).unwrap_err();
    assert_eq!(
        (error.cause(), error.errno()),
        (Cause::ForeignState, Errno::EOPNOTSUPP)
    );
    let error = state.check(Arch::X86_64, Fds::VM, &[]).unwrap_err();
    assert_eq!(error.cause(), Cause::StateOfOther);
    let error = state
        .check(Arch::X86_64, Fds::VCPU, &[&KVM_GET_FPU])
        .unwrap_err();
    let number = KVM_GET_REGS.requests.on(Arch::X86_64).unwrap();
    assert_eq!(
        (error.cause(), error.detail()),
        (Cause::StateUnknown, number)
    );
    let error = state.require::<u64>(&KVM_GET_REGS).unwrap_err();
    assert_eq!(
        error.to_string(),
        "KVM_GET_REGS: a piece of 24 bytes in the saved state, not as many as it has"
    );
    let error = state.require::<u8>(&KVM_GET_FPU).unwrap_err();
    assert_eq!(
        error.to_string(),
        "KVM_GET_FPU: the saved state has no such piece"
    );
}
