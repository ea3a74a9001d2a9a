//! x86_64: Xen's services to its guests.

use kvm_core::kvm_sys::x86_64::{
    KVM_CAP_XEN_HVM, KVM_IRQ_ROUTING_XEN_EVTCHN_PRIO_2LEVEL, KVM_XEN_ATTR_TYPE_LONG_MODE,
    KVM_XEN_ATTR_TYPE_SHARED_INFO, KVM_XEN_HVM_CONFIG_EVTCHN_SEND,
    KVM_XEN_HVM_CONFIG_INTERCEPT_HCALL, KVM_XEN_VCPU_ATTR_TYPE_VCPU_ID,
    KVM_XEN_VCPU_ATTR_TYPE_VCPU_INFO, XenHvmConfigFlags, kvm_irq_routing_xen_evtchn,
    kvm_xen_hvm_attr, kvm_xen_hvm_config, kvm_xen_vcpu_attr,
};
use kvm_core::{Errno, GuestAddress, Vcpu, Vm};
use kvm_tests::checks::NotRun;

use super::{RAM, errno, event, guest};

/// A guest, and whether KVM has these services.
fn xen_guest() -> Result<(Vm, Vcpu, bool), NotRun> {
    let (vm, vcpu) = guest()?;
    let has = vm.check_extension(KVM_CAP_XEN_HVM).unwrap();
    let sends = XenHvmConfigFlags::from_bits_retain(has).contains(KVM_XEN_HVM_CONFIG_EVTCHN_SEND);
    if sends {
        vm.xen_hvm_config(&kvm_xen_hvm_config {
            flags: KVM_XEN_HVM_CONFIG_INTERCEPT_HCALL | KVM_XEN_HVM_CONFIG_EVTCHN_SEND,
            msr: 0x4000_0000,
            ..kvm_xen_hvm_config::default()
        })
        .unwrap();
    }
    Ok((vm, vcpu, sends))
}

/// Sections 4.126 to 4.129: what was set is got.
pub(super) fn attributes() -> Result<(), NotRun> {
    let (vm, vcpu, is_there) = xen_guest()?;
    let mut mode = kvm_xen_hvm_attr {
        type_: KVM_XEN_ATTR_TYPE_LONG_MODE,
        ..kvm_xen_hvm_attr::default()
    };
    let mut id = kvm_xen_vcpu_attr {
        type_: KVM_XEN_VCPU_ATTR_TYPE_VCPU_ID,
        ..kvm_xen_vcpu_attr::default()
    };
    if !is_there {
        assert_eq!(errno(vm.xen_hvm_get_attr(&mut mode)), Errno::ENOTTY);
        assert_eq!(errno(vcpu.xen_vcpu_get_attr(&mut id)), Errno::EINVAL);
        return Ok(());
    }
    *mode.u.as_long_mode_mut() = 1;
    vm.xen_hvm_set_attr(&mode).unwrap();
    *mode.u.as_long_mode_mut() = 0;
    vm.xen_hvm_get_attr(&mut mode).unwrap();
    assert_eq!(*mode.u.as_long_mode(), 1);
    *id.u.as_vcpu_id_mut() = 7;
    vcpu.xen_vcpu_set_attr(&id).unwrap();
    *id.u.as_vcpu_id_mut() = 0;
    vcpu.xen_vcpu_get_attr(&mut id).unwrap();
    assert_eq!(*id.u.as_vcpu_id(), 7);
    Ok(())
}

/// Sections 4.126 and 4.135: an event that is sent is pending in the page that the guest shares with its host.
pub(super) fn events() -> Result<(), NotRun> {
    const SHARED: u64 = RAM + 0x4000;
    const VCPU_INFO: u64 = RAM + 0x5000;
    /// Where in the shared page the bits of pending ports begin.
    const PENDING: u64 = 0x800;
    const INTERDOMAIN: u32 = 2;
    let (vm, vcpu, is_there) = xen_guest()?;
    let signal = event();
    let channel = kvm_irq_routing_xen_evtchn {
        port: 3,
        vcpu: 0,
        priority: KVM_IRQ_ROUTING_XEN_EVTCHN_PRIO_2LEVEL,
    };
    if !is_there {
        let sent = vm.xen_hvm_evtchn_send(&channel);
        assert_eq!(errno(sent), Errno::ENOTTY);
        let set = vm.xen_hvm_set_evtchn_eventfd(5, INTERDOMAIN, &signal);
        assert_eq!(errno(set), Errno::ENOTTY);
        return Ok(());
    }
    let mut shared = kvm_xen_hvm_attr {
        type_: KVM_XEN_ATTR_TYPE_SHARED_INFO,
        ..kvm_xen_hvm_attr::default()
    };
    *shared.u.as_shared_info_mut().as_gfn_mut() = SHARED >> 12;
    vm.xen_hvm_set_attr(&shared).unwrap();
    let mut info = kvm_xen_vcpu_attr {
        type_: KVM_XEN_VCPU_ATTR_TYPE_VCPU_INFO,
        ..kvm_xen_vcpu_attr::default()
    };
    *info.u.as_gpa_mut() = VCPU_INFO;
    vcpu.xen_vcpu_set_attr(&info).unwrap();
    vm.xen_hvm_evtchn_send(&channel).unwrap();
    let mut pending = [0];
    vm.read_memory(GuestAddress(SHARED + PENDING), &mut pending)
        .unwrap();
    assert_eq!(pending, [1 << 3]);

    vm.xen_hvm_set_evtchn_eventfd(5, INTERDOMAIN, &signal)
        .unwrap();
    let again = vm.xen_hvm_set_evtchn_eventfd(5, INTERDOMAIN, &signal);
    assert_eq!(errno(again), Errno::EEXIST);
    Ok(())
}
