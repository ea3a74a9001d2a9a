//! stub
#![no_std]
#![allow(missing_docs)]
use kvm_sys::ExitReason;
#[repr(C)]
#[derive(Debug, zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable, zerocopy::KnownLayout)]
pub struct RunPage { head: [u64; 293], tail: [u64] }
#[derive(Debug, PartialEq, Clone, Copy)] pub struct MemoryFault { pub flags: u64, pub gpa: u64, pub size: u64 }
#[derive(Debug, PartialEq)] #[non_exhaustive]
pub enum Exit<'a> { Interrupted, Again, MemoryFault(MemoryFault), Raw(&'a mut [u8]) }
#[derive(Debug, PartialEq, Eq, Clone, Copy)] pub enum Field { A }
impl core::fmt::Display for Field { fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result { f.write_str("a") } }
#[derive(Debug)]
pub struct Malformed;
impl Malformed { pub fn field(&self) -> Field { Field::A } }
impl RunPage {
    pub const OFFSET: usize = 8;
    pub fn elements(private: usize) -> Option<usize> { if private < 2352 || private % 8 != 0 { None } else { Some((private - 2352)/8) } }
    pub fn decode(&mut self) -> Result<Exit<'_>, Malformed> { Err(Malformed) }
    pub fn exit_reason(&self) -> ExitReason { ExitReason(0) }
    pub fn clear_exit_reason(&mut self) {}
}
