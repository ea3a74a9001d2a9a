//! Macros with parameters, as functions.

/// The type of an I/O interrupt in a `kvm_s390_interrupt`: whether it is an adapter's, and its subchannel.
pub const fn KVM_S390_INT_IO(ai: u32, cssid: u32, ssid: u32, schid: u32) -> u32 {
    schid | ssid << 16 | cssid << 18 | ai << 26
}
