//! [`Changed`]: a model that answers as another KVM would.
#![expect(unsafe_code, reason = "a backend")]

use std::marker::PhantomData;

use kvm_core::kvm_sys::op::Op;
use kvm_core::{Arg, Errno, Hypervisor, Mapping, Region};
use kvm_mock::Model;

/// What it does otherwise.
pub(crate) trait Change: Send + Sync {
    /// What it lends where the model lends this.
    fn mapped(mapping: Mapping) -> Mapping {
        mapping
    }

    /// Changes the model's answer to a call whose argument was `given`.
    fn answered(_op: &Op, _given: &[u8], _answer: &mut [u8]) {}
}

/// The model.
pub(crate) struct Changed<C>(Model, PhantomData<C>);

impl<C> Changed<C> {
    pub(crate) fn new(model: Model) -> Self {
        Self(model, PhantomData)
    }
}

// SAFETY: all goes to the model, which keeps the contract; `Change::mapped` gives a mapping that does, as they are made by
// `unsafe` code only, and `Change::answered` a slice of what the caller lent.
unsafe impl<C: Change> Hypervisor for Changed<C> {
    type Guest = <Model as Hypervisor>::Guest;

    unsafe fn ioctl(&self, op: &'static Op, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let given = match arg {
            Arg::Mut(bytes) => bytes.to_vec(),
            _ => Vec::new(),
        };
        // SAFETY: the caller's promise.
        let answer = unsafe { self.0.ioctl(op, arg) };
        if let (Ok(_), Arg::Mut(bytes)) = (&answer, arg) {
            C::answered(op, &given, bytes);
        }
        answer
    }

    unsafe fn create(&self, op: &'static Op, arg: &mut Arg<'_>) -> Result<Self, Errno> {
        // SAFETY: the caller's promise.
        unsafe { self.0.create(op, arg) }.map(Self::new)
    }

    fn map(&self, region: Region) -> Result<Mapping, Errno> {
        self.0.map(region).map(C::mapped)
    }

    unsafe fn enter(&self) -> Result<(), Errno> {
        // SAFETY: the caller's promise.
        unsafe { self.0.enter() }
    }

    fn read(&self, offset: u64, buf: &mut [u8]) -> Result<usize, Errno> {
        self.0.read(offset, buf)
    }

    fn number(&self) -> i32 {
        self.0.number()
    }
}
