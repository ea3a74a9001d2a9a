//! [`DevKvm`]: the kernel's KVM, through `/dev/kvm`.

#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(target_os = "linux")]
mod kick;
#[cfg(target_os = "linux")]
mod linux;

#[cfg(not(target_os = "linux"))]
pub use elsewhere::DevKvm;
#[cfg(target_os = "linux")]
pub use linux::DevKvm;
#[cfg(target_os = "linux")]
pub(crate) use linux::errno;
