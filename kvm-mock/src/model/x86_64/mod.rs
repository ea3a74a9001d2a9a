//! What only x86_64 has: calls of VMs and vCPUs, and what it lets them enable.

mod capability;
mod tsc;
