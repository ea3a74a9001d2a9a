//! Where GSIs lead.

use alloc::vec::Vec;

use kvm_sys::{
    KVM_IRQ_ROUTING_HV_SINT, KVM_IRQ_ROUTING_IRQCHIP, KVM_IRQ_ROUTING_MSI,
    KVM_IRQ_ROUTING_S390_ADAPTER, KVM_IRQ_ROUTING_XEN_EVTCHN, KVM_MSI_VALID_DEVID,
    kvm_irq_routing_entry, kvm_irq_routing_hv_sint, kvm_irq_routing_irqchip, kvm_irq_routing_msi,
    kvm_irq_routing_s390_adapter, kvm_irq_routing_xen_evtchn,
};

use crate::typed::SetList;
use crate::{Error, Hypervisor, Vm};

const SET_GSI_ROUTING: SetList<kvm_irq_routing_entry> = SetList::new(&kvm_sys::KVM_SET_GSI_ROUTING);

/// A GSI, and what it leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoutingEntry {
    /// The number that irqfds and interrupt lines have.
    pub gsi: u32,
    /// What it leads to.
    pub route: Route,
}

/// What a GSI leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// A pin of an interrupt controller in the kernel.
    Irqchip {
        /// Which controller: on x86_64 [`KVM_IRQCHIP_IOAPIC`](kvm_sys::x86_64::KVM_IRQCHIP_IOAPIC) or one
        /// of the PICs, elsewhere 0.
        irqchip: u32,
        /// Which of its pins.
        pin: u32,
    },
    /// A message.
    Msi {
        /// Where it is written to.
        address: u64,
        /// What is written.
        data: u32,
        /// Id of the device that sends it, where `KVM_CAP_MSI_DEVID` asks for one (arm64 with an ITS).
        devid: Option<u32>,
    },
    /// An adapter interrupt of s390.
    S390Adapter(kvm_irq_routing_s390_adapter),
    /// A synthetic interrupt source of Hyper-V. Needs `KVM_CAP_HYPERV_SYNIC`.
    HvSint(kvm_irq_routing_hv_sint),
    /// A Xen event channel. Needs `KVM_CAP_XEN_HVM` with `KVM_XEN_HVM_CONFIG_EVTCHN_2LEVEL`.
    XenEvtchn(kvm_irq_routing_xen_evtchn),
}

impl From<RoutingEntry> for kvm_irq_routing_entry {
    fn from(RoutingEntry { gsi, route }: RoutingEntry) -> Self {
        let mut entry = Self {
            gsi,
            ..Self::default()
        };
        match route {
            Route::Irqchip { irqchip, pin } => {
                entry.type_ = KVM_IRQ_ROUTING_IRQCHIP;
                *entry.u.as_irqchip_mut() = kvm_irq_routing_irqchip { irqchip, pin };
            }
            Route::Msi {
                address,
                data,
                devid,
            } => {
                entry.type_ = KVM_IRQ_ROUTING_MSI;
                if devid.is_some() {
                    entry.flags = KVM_MSI_VALID_DEVID.bits();
                }
                #[expect(clippy::cast_possible_truncation, reason = "takes the lower half")]
                let address_lo = address as u32;
                *entry.u.as_msi_mut() = kvm_irq_routing_msi {
                    address_lo,
                    address_hi: (address >> 32) as u32,
                    data,
                    devid: devid.unwrap_or(0),
                };
            }
            Route::S390Adapter(adapter) => {
                entry.type_ = KVM_IRQ_ROUTING_S390_ADAPTER;
                *entry.u.as_adapter_mut() = adapter;
            }
            Route::HvSint(sint) => {
                entry.type_ = KVM_IRQ_ROUTING_HV_SINT;
                *entry.u.as_hv_sint_mut() = sint;
            }
            Route::XenEvtchn(channel) => {
                entry.type_ = KVM_IRQ_ROUTING_XEN_EVTCHN;
                *entry.u.as_xen_evtchn_mut() = channel;
            }
        }
        entry
    }
}

impl<H: Hypervisor> Vm<H> {
    /// Says what each GSI leads to, and forgets what was said before. Section 4.52; needs
    /// `KVM_CAP_IRQ_ROUTING`, whose value is how many entries there may be.
    ///
    /// On x86_64 `KVM_CREATE_IRQCHIP` sets it up so that the pins of the PICs and the I/O APIC are the GSIs
    /// 0 to 23.
    ///
    /// ```
    /// use kvm_core::{Route, RoutingEntry};
    ///
    /// let vm = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?;
    /// vm.create_irq_chip()?;
    /// let route = Route::Msi { address: 0xfee0_0000, data: 0x41, devid: None };
    /// vm.set_gsi_routing(&[RoutingEntry { gsi: 24, route }])?;
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `EINVAL` when the VM has no interrupt controller in the kernel, there are too many entries, one
    /// names what does not exist, or the same GSI has two that exclude each other.
    pub fn set_gsi_routing(&self, entries: &[RoutingEntry]) -> Result<(), Error> {
        let entries: Vec<_> = entries.iter().map(|entry| (*entry).into()).collect();
        SET_GSI_ROUTING.call(self.backend(), &entries).map(|_| ())
    }
}
