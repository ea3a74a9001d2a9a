//! [`Attr`]: an attribute, and the type of its value.
#![expect(
    unsafe_code,
    reason = "the kernel writes as many bytes as an attribute has"
)]

use core::fmt;
use core::marker::PhantomData;

use kvm_sys::{Arch, DeviceType};

/// What has an attribute. The same numbers mean something else on another object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// The system of an architecture. Needs `KVM_CAP_SYS_ATTRIBUTES`.
    System(Arch),
    /// A VM of an architecture. Needs `KVM_CAP_VM_ATTRIBUTES`.
    Vm(Arch),
    /// A vCPU of an architecture. Needs `KVM_CAP_VCPU_ATTRIBUTES`.
    Vcpu(Arch),
    /// A device.
    Device(DeviceType),
}

/// An attribute whose value is a `T`; `()` where it has none and setting it does something.
///
/// Those that are known are constants and functions of the modules beside this type:
/// `x86_64`, `aarch64` and `riscv64`.
pub struct Attr<T> {
    pub(super) on: On,
    pub(super) group: u32,
    pub(super) attr: u64,
    value: PhantomData<fn() -> T>,
}

impl<T> Attr<T> {
    /// The attribute with these numbers.
    ///
    /// ```
    /// use kvm_core::device::{Attr, On};
    /// use kvm_sys::KVM_DEV_TYPE_XICS;
    ///
    /// /// The state of an interrupt source.
    /// const fn source(number: u64) -> Attr<u64> {
    ///     // SAFETY: `Documentation/virt/kvm/devices/xics.rst`: group 1, 64 bits each.
    ///     unsafe { Attr::new(On::Device(KVM_DEV_TYPE_XICS), 1, number) }
    /// }
    /// # let _ = source(16);
    /// ```
    ///
    /// # Safety
    ///
    /// On that object, the kernel reads and writes no more bytes than a `T` has for this attribute, and
    /// takes none of them for an address or for a descriptor.
    pub const unsafe fn new(on: On, group: u32, attr: u64) -> Self {
        Self {
            on,
            group,
            attr,
            value: PhantomData,
        }
    }

    /// What has it.
    ///
    /// ```
    /// use kvm_core::device::{On, aarch64::vgic_v3};
    /// use kvm_core::kvm_sys::KVM_DEV_TYPE_ARM_VGIC_V3;
    ///
    /// let attr = vgic_v3::ADDR_REDIST;
    /// assert_eq!(attr.on(), On::Device(KVM_DEV_TYPE_ARM_VGIC_V3));
    /// assert_eq!((attr.group(), attr.attr()), (0, 3));
    /// ```
    pub const fn on(&self) -> On {
        self.on
    }

    /// Number of its group.
    pub const fn group(&self) -> u32 {
        self.group
    }

    /// Its number in the group.
    pub const fn attr(&self) -> u64 {
        self.attr
    }
}

impl<T> Clone for Attr<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Attr<T> {}

impl<T> fmt::Debug for Attr<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attr")
            .field("on", &self.on)
            .field("group", &self.group)
            .field("attr", &self.attr)
            .finish()
    }
}

/// The attributes of an object: a constant for each, a function where the number has parts.
///
/// Expands to `unsafe`: who writes a line answers for the type of the value, by the kernel's document that
/// the module names.
macro_rules! attributes {
    ($on:expr;
        $($(#[$const_doc:meta])* $name:ident: $value:ty = $group:expr, $attr:expr;)*
        $({ $($(#[$fn_doc:meta])*
            fn $function:ident($($arg:ident: $arg_type:ty),*) -> $fn_value:ty = $fn_group:expr, $fn_attr:expr;)*
        })?
    ) => {
        $(
            $(#[$const_doc])*
            // SAFETY: the type is what the kernel's document has for this attribute, as the line says.
            pub const $name: Attr<$value> = unsafe { Attr::new($on, $group, $attr) };
        )*
        $($(
            $(#[$fn_doc])*
            pub const fn $function($($arg: $arg_type),*) -> Attr<$fn_value> {
                // SAFETY: as for the constants.
                unsafe { Attr::new($on, $fn_group, $fn_attr) }
            }
        )*)?
    };
}
pub(super) use attributes;
