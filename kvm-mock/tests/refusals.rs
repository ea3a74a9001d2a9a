//! Calls that kvm-core refuses before a backend sees them, and the causes it gives.
#![expect(unsafe_code, reason = "one of the tests lends a part of a mapping")]
#![allow(
    clippy::unwrap_used,
    reason = "a helper of tests, which clippy takes for other code"
)]

mod changed;

use std::sync::Arc;

use kvm_core::kvm_sys::{
    GUEST_MEMFD_FLAG_INIT_SHARED, GUEST_MEMFD_FLAG_MMAP, GuestMemfdFlags, KVM_CAP_DIRTY_LOG_RING,
    KVM_CAP_DIRTY_LOG_RING_ACQ_REL, KVM_CAP_DIRTY_LOG_RING_WITH_BITMAP, KVM_DEV_TYPE_VFIO,
    kvm_enable_cap,
};
use kvm_core::{Cause, Errno, Error, Guard, Kvm, Mapping, Vm};
use kvm_mock::Model;

use changed::{Change, Changed};

/// Bytes that hold no run page.
const SHORT: usize = 0x800;

fn vm() -> Vm<Model> {
    Kvm::with(Model::new()).unwrap().create_vm().unwrap()
}

/// The errno, the cause and what belongs to it.
fn why<T>(refused: Result<T, Error>) -> Option<(Errno, Cause, u32)> {
    let error = refused.err()?;
    Some((error.errno(), error.cause(), error.detail()))
}

#[test]
fn a_guest_memfd_is_mapped_only_if_made_for_it() {
    let vm = vm();
    for flags in [
        GuestMemfdFlags::empty(),
        GUEST_MEMFD_FLAG_MMAP,
        GUEST_MEMFD_FLAG_INIT_SHARED,
    ] {
        let file = vm.create_guest_memfd(0x4000, flags).unwrap();
        let refused = Some((Errno::ENODEV, Cause::NotShared, 0));
        assert_eq!(why(file.map()), refused, "{flags:?}");
    }
    let both = GUEST_MEMFD_FLAG_MMAP | GUEST_MEMFD_FLAG_INIT_SHARED;
    let file = vm.create_guest_memfd(0x4000, both).unwrap();
    assert_eq!(file.map().unwrap().len(), 0x4000);
}

#[test]
fn dirty_rings_are_enabled_by_their_own_method() {
    let vm = vm();
    for cap in [
        KVM_CAP_DIRTY_LOG_RING,
        KVM_CAP_DIRTY_LOG_RING_ACQ_REL,
        KVM_CAP_DIRTY_LOG_RING_WITH_BITMAP,
    ] {
        let enable = kvm_enable_cap {
            cap,
            args: [0x1000, 0, 0, 0],
            ..Default::default()
        };
        let refused = Some((Errno::EINVAL, Cause::OwnMethod, cap.0));
        assert_eq!(why(vm.enable_cap(&enable)), refused);
    }
}

#[test]
fn devices_without_state_say_so() {
    let vm = vm();
    let vfio = vm.create_device(KVM_DEV_TYPE_VFIO).unwrap();
    let kind = KVM_DEV_TYPE_VFIO.0;
    let refused = Some((Errno::EOPNOTSUPP, Cause::DeviceKind, kind));
    assert_eq!(why(vfio.save()), refused);
}

/// Run pages that are too short.
struct Short;

impl Change for Short {
    fn mapped(whole: Mapping) -> Mapping {
        let (start, len) = (whole.start(), whole.len().min(SHORT));
        // SAFETY: these are bytes of `whole`, private to the vCPU there, and `Kept` has it.
        unsafe { Mapping::new(start, len, len, Arc::new(Kept(whole))) }
    }
}

/// What keeps the bytes of a mapping, of which another one lends the first.
struct Kept(Mapping);

impl Guard for Kept {
    fn wake(&self) {
        self.0.wake();
    }
}

#[test]
fn a_mapping_too_short_for_a_run_page_makes_no_vcpu() {
    let kvm = Kvm::with(Changed::<Short>::new(Model::new())).unwrap();
    let refused = kvm.create_vm().unwrap().create_vcpu(0);
    let len = u32::try_from(SHORT).unwrap();
    assert_eq!(why(refused), Some((Errno::EPROTO, Cause::Mapping, len)));
}
