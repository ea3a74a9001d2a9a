//! Xen's services to its guests.
#![expect(unsafe_code, reason = "some attributes take addresses")]

use kvm_exit::X86_64;
use kvm_sys::op::Op;
use kvm_sys::x86_64;
use kvm_sys::x86_64::{
    KVM_XEN_ATTR_TYPE_EVTCHN, KVM_XEN_ATTR_TYPE_RUNSTATE_UPDATE_FLAG, KVM_XEN_EVTCHN_DEASSIGN,
    KVM_XEN_EVTCHN_RESET, KVM_XEN_HVM_CONFIG, KVM_XEN_VCPU_ATTR_TYPE_UPCALL_VECTOR,
    kvm_irq_routing_xen_evtchn, kvm_xen_hvm_attr, kvm_xen_hvm_config, kvm_xen_vcpu_attr,
};
use zerocopy::IntoBytes;

use crate::error::Cause;
use crate::typed::{Set, Update};
use crate::{Arg, Descriptor, Errno, Error, Hypervisor, Registers, Vm};

const XEN_HVM_GET_ATTR: Update<kvm_xen_hvm_attr> = Update::new(&x86_64::KVM_XEN_HVM_GET_ATTR);
const XEN_HVM_SET_ATTR: Set<kvm_xen_hvm_attr> = Set::new(&x86_64::KVM_XEN_HVM_SET_ATTR);
const XEN_VCPU_GET_ATTR: Update<kvm_xen_vcpu_attr> = Update::new(&x86_64::KVM_XEN_VCPU_GET_ATTR);
const XEN_VCPU_SET_ATTR: Set<kvm_xen_vcpu_attr> = Set::new(&x86_64::KVM_XEN_VCPU_SET_ATTR);
const XEN_HVM_EVTCHN_SEND: Set<kvm_irq_routing_xen_evtchn> =
    Set::new(&x86_64::KVM_XEN_HVM_EVTCHN_SEND);

/// What goes to the kernel only if it is no address, no descriptor and nothing unknown.
fn plain(is: bool, op: &'static Op, type_: u16) -> Result<(), Error> {
    let refused = Error::with(op, Errno::EINVAL, Cause::NotPlain, type_.into());
    if is { Ok(()) } else { Err(refused) }
}

impl<H: Hypervisor<Guest = X86_64>> Vm<H> {
    /// Sets up the guest's hypercall page and how its hypercalls leave. Section 4.28; needs
    /// `KVM_CAP_XEN_HVM`, whose value says which flags there are.
    ///
    /// ```
    /// use kvm_core::kvm_sys::{KVM_XEN_HVM_CONFIG_INTERCEPT_HCALL, kvm_xen_hvm_config};
    ///
    /// let vm = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?;
    /// let config = kvm_xen_hvm_config {
    ///     flags: KVM_XEN_HVM_CONFIG_INTERCEPT_HCALL,
    ///     msr: 0x4000_0000,
    ///     ..Default::default()
    /// };
    /// vm.xen_hvm_config(&config)?;
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `EINVAL` for unknown flags; [`Cause::NotPlain`] for a hypercall page in this process's memory, which
    /// [`ioctl`](Self::ioctl) can set.
    pub fn xen_hvm_config(&self, config: &kvm_xen_hvm_config) -> Result<(), Error> {
        let op = &KVM_XEN_HVM_CONFIG;
        let blobs = [config.blob_addr_32, config.blob_addr_64];
        let sizes = [config.blob_size_32, config.blob_size_64];
        plain(blobs == [0; 2] && sizes == [0; 2], op, 0)?;
        // SAFETY: the argument is the row's structure, and the addresses that it may have are none.
        unsafe { self.backend().ioctl(op, &mut Arg::In(config.as_bytes())) }
            .map(|_| ())
            .map_err(|errno| Error::new(op, errno))
    }

    /// What the attribute that `attr.type_` names is set to. Section 4.127; needs `KVM_CAP_XEN_HVM`.
    ///
    /// # Errors
    ///
    /// `EINVAL` when the attribute is unknown or can't be read.
    pub fn xen_hvm_get_attr(&self, attr: &mut kvm_xen_hvm_attr) -> Result<(), Error> {
        XEN_HVM_GET_ATTR.call(self.backend(), attr).map(|_| ())
    }

    /// Sets an attribute. Section 4.126; needs `KVM_CAP_XEN_HVM`.
    ///
    /// ```
    /// use kvm_core::Cause;
    /// use kvm_core::kvm_sys::{
    ///     KVM_XEN_ATTR_TYPE_LONG_MODE, KVM_XEN_ATTR_TYPE_SHARED_INFO_HVA, kvm_xen_hvm_attr,
    /// };
    ///
    /// let vm = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?;
    /// let mut attr = kvm_xen_hvm_attr { type_: KVM_XEN_ATTR_TYPE_LONG_MODE, ..Default::default() };
    /// *attr.u.as_long_mode_mut() = 1;
    /// vm.xen_hvm_set_attr(&attr)?;
    /// vm.xen_hvm_get_attr(&mut attr)?;
    /// assert_eq!(*attr.u.as_long_mode(), 1);
    ///
    /// // The kernel would write to this address from then on.
    /// attr.type_ = KVM_XEN_ATTR_TYPE_SHARED_INFO_HVA;
    /// assert_eq!(vm.xen_hvm_set_attr(&attr).unwrap_err().cause(), Cause::NotPlain);
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `EINVAL` when the attribute or its value is unknown; [`Cause::NotPlain`] for a shared page by its
    /// address in this process, for an event channel that leads to an eventfd (see
    /// [`xen_hvm_set_evtchn_eventfd`](Self::xen_hvm_set_evtchn_eventfd)), and for attributes newer than this
    /// crate. [`ioctl`](Self::ioctl) can set those.
    pub fn xen_hvm_set_attr(&self, attr: &kvm_xen_hvm_attr) -> Result<(), Error> {
        let is_plain = match attr.type_ {
            KVM_XEN_ATTR_TYPE_EVTCHN => {
                let channel = attr.u.as_evtchn();
                let ends = KVM_XEN_EVTCHN_DEASSIGN | KVM_XEN_EVTCHN_RESET;
                channel.flags.intersects(ends) || channel.deliver.as_port().port != 0
            }
            type_ => type_ <= KVM_XEN_ATTR_TYPE_RUNSTATE_UPDATE_FLAG,
        };
        plain(is_plain, &x86_64::KVM_XEN_HVM_SET_ATTR, attr.type_)?;
        XEN_HVM_SET_ATTR.call(self.backend(), attr).map(|_| ())
    }

    /// Makes the events that the guest sends on a port go to an eventfd. Section 4.126; needs `KVM_CAP_XEN_HVM`
    /// with `KVM_XEN_HVM_CONFIG_EVTCHN_SEND`.
    ///
    /// `kind` is Xen's own number for the kind of channel, between domains say.
    ///
    /// ```
    /// use rustix::event::{EventfdFlags, eventfd};
    ///
    /// let vm = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?;
    /// let notify = eventfd(0, EventfdFlags::CLOEXEC)?;
    /// const INTERDOMAIN: u32 = 2;
    /// vm.xen_hvm_set_evtchn_eventfd(5, INTERDOMAIN, &notify)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `EEXIST` when the port leads somewhere already, `EINVAL` when there is no such port, kind or eventfd.
    pub fn xen_hvm_set_evtchn_eventfd<'fd>(
        &self,
        send_port: u32,
        kind: u32,
        eventfd: impl Into<Descriptor<'fd>>,
    ) -> Result<(), Error> {
        let eventfd = eventfd.into();
        let mut attr = kvm_xen_hvm_attr {
            type_: KVM_XEN_ATTR_TYPE_EVTCHN,
            ..Default::default()
        };
        let channel = attr.u.as_evtchn_mut();
        (channel.send_port, channel.type_) = (send_port, kind);
        channel.deliver.as_eventfd_mut().fd = eventfd.number();
        XEN_HVM_SET_ATTR.call(self.backend(), &attr).map(|_| ())
    }

    /// Raises an event channel of a vCPU. Section 4.135; needs `KVM_CAP_XEN_HVM` with
    /// `KVM_XEN_HVM_CONFIG_EVTCHN_SEND`.
    ///
    /// ```
    /// use kvm_core::kvm_sys::{KVM_IRQ_ROUTING_XEN_EVTCHN_PRIO_2LEVEL, kvm_irq_routing_xen_evtchn};
    ///
    /// let vm = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?;
    /// let _vcpu = vm.create_vcpu(0)?;
    /// let priority = KVM_IRQ_ROUTING_XEN_EVTCHN_PRIO_2LEVEL;
    /// vm.xen_hvm_evtchn_send(&kvm_irq_routing_xen_evtchn { port: 1, vcpu: 0, priority })?;
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `EINVAL` when there is no such port, vCPU or priority.
    pub fn xen_hvm_evtchn_send(&self, channel: &kvm_irq_routing_xen_evtchn) -> Result<(), Error> {
        XEN_HVM_EVTCHN_SEND
            .call(self.backend(), channel)
            .map(|_| ())
    }
}

impl<H: Hypervisor<Guest = X86_64>> Registers<H> {
    /// What the attribute that `attr.type_` names is set to. Section 4.129; needs `KVM_CAP_XEN_HVM`.
    ///
    /// # Errors
    ///
    /// `EINVAL` when the attribute is unknown or can't be read.
    pub fn xen_vcpu_get_attr(&self, attr: &mut kvm_xen_vcpu_attr) -> Result<(), Error> {
        XEN_VCPU_GET_ATTR.call(self.backend(), attr).map(|_| ())
    }

    /// Sets an attribute. Section 4.128; needs `KVM_CAP_XEN_HVM`.
    ///
    /// ```
    /// use kvm_core::kvm_sys::{KVM_XEN_VCPU_ATTR_TYPE_VCPU_ID, kvm_xen_vcpu_attr};
    ///
    /// let vcpu = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?.create_vcpu(0)?;
    /// let mut attr = kvm_xen_vcpu_attr { type_: KVM_XEN_VCPU_ATTR_TYPE_VCPU_ID, ..Default::default() };
    /// *attr.u.as_vcpu_id_mut() = 7;
    /// vcpu.xen_vcpu_set_attr(&attr)?;
    /// attr.u = Default::default();
    /// vcpu.xen_vcpu_get_attr(&mut attr)?;
    /// assert_eq!(*attr.u.as_vcpu_id(), 7);
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `EINVAL` when the attribute or its value is unknown; [`Cause::NotPlain`] for a page by its address in
    /// this process and for attributes newer than this crate, which [`ioctl`](Self::ioctl) can set.
    pub fn xen_vcpu_set_attr(&self, attr: &kvm_xen_vcpu_attr) -> Result<(), Error> {
        let is_plain = attr.type_ <= KVM_XEN_VCPU_ATTR_TYPE_UPCALL_VECTOR;
        plain(is_plain, &x86_64::KVM_XEN_VCPU_SET_ATTR, attr.type_)?;
        XEN_VCPU_SET_ATTR.call(self.backend(), attr).map(|_| ())
    }
}
