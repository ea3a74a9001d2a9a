//! KVM without a kernel: backends that answer for it, and wrappers that watch it.

mod page;
mod wait;
