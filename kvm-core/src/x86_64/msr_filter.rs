//! [`MsrFilter`]: which MSRs a guest may access.
#![expect(unsafe_code, reason = "the argument has pointers to bitmaps in it")]

use alloc::vec::Vec;
use core::mem::offset_of;

use kvm_exit::X86_64;
use kvm_sys::x86_64::{
    KVM_MSR_FILTER_MAX_BITMAP_SIZE, KVM_MSR_FILTER_MAX_RANGES, KVM_X86_SET_MSR_FILTER,
    MsrFilterFlags, MsrFilterRangeFlags, kvm_msr_filter, kvm_msr_filter_range,
};
use zerocopy::IntoBytes;

use crate::error::Cause;
use crate::{Arg, Errno, Error, Hypervisor, Part, PartBytes, Vm};

/// Where the first range has its pointer.
const FIRST_POINTER: usize =
    offset_of!(kvm_msr_filter, ranges) + offset_of!(kvm_msr_filter_range, bitmap);

/// A range of MSRs with a bit for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MsrFilterRange<'a> {
    /// Which accesses the bits are about.
    pub flags: MsrFilterRangeFlags,
    /// The first MSR.
    pub base: u32,
    /// How many MSRs there are.
    pub msr_count: u32,
    /// A bit for each, from the lowest of the first byte on: 1 allows what `flags` names, 0 denies it.
    pub bitmap: &'a [u8],
}

impl MsrFilterRange<'_> {
    /// The bits, in as many whole words as the kernel reads.
    fn words(&self) -> Result<Vec<u64>, Error> {
        let op = &KVM_X86_SET_MSR_FILTER;
        let refused = |cause| Error::with(op, Errno::EINVAL, cause, self.msr_count);
        let count = self.msr_count as usize;
        if count > KVM_MSR_FILTER_MAX_BITMAP_SIZE * 8 {
            return Err(refused(Cause::Count));
        }
        let bits = self.bitmap.get(..count.div_ceil(8));
        let bits = bits.ok_or(refused(Cause::Bitmap))?;
        let mut words = alloc::vec![0_u64; count.div_ceil(64)];
        // No longer than the words are.
        let _ = bits.write_to_prefix(words.as_mut_bytes());
        Ok(words)
    }
}

impl<H: Hypervisor<Guest = X86_64>> Vm<H> {
    /// Replaces the ranges of MSRs that the guest may or may not access. What no range covers is allowed, or
    /// denied with [`KVM_MSR_FILTER_DEFAULT_DENY`](kvm_sys::KVM_MSR_FILTER_DEFAULT_DENY); no ranges and no
    /// flags turn filtering off. The x2APIC's MSRs are never filtered. Section 4.97; needs
    /// `KVM_CAP_X86_MSR_FILTER`.
    ///
    /// A denied access is a fault in the guest or, with `KVM_CAP_X86_USER_SPACE_MSR` enabled for
    /// [`KVM_MSR_EXIT_REASON_FILTER`](kvm_sys::KVM_MSR_EXIT_REASON_FILTER), an exit.
    ///
    /// ```
    /// use kvm_core::MsrFilterRange;
    /// use kvm_core::kvm_sys::{KVM_MSR_FILTER_READ, MsrFilterFlags};
    ///
    /// const IA32_TSC: u32 = 0x10;
    ///
    /// let vm = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?;
    /// let deny = MsrFilterRange { flags: KVM_MSR_FILTER_READ, base: IA32_TSC, msr_count: 1, bitmap: &[0] };
    /// vm.set_msr_filter(MsrFilterFlags::empty(), &[deny])?;
    ///
    /// // The kernel would read past the end of this bitmap.
    /// let short = MsrFilterRange { msr_count: 9, ..deny };
    /// let refused = vm.set_msr_filter(MsrFilterFlags::empty(), &[short]);
    /// assert_eq!(refused.unwrap_err().cause(), kvm_core::Cause::Bitmap);
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `EINVAL` for unknown flags, a range with none, or denying all by default without a range;
    /// [`Cause::Bitmap`] when a bitmap has fewer bits than its range has MSRs; [`Cause::Count`] for more than 16
    /// ranges, or more MSRs in one than the kernel takes.
    pub fn set_msr_filter(
        &self,
        flags: MsrFilterFlags,
        ranges: &[MsrFilterRange<'_>],
    ) -> Result<(), Error> {
        let op = &KVM_X86_SET_MSR_FILTER;
        if ranges.len() > KVM_MSR_FILTER_MAX_RANGES {
            let count = u32::try_from(ranges.len()).unwrap_or(u32::MAX);
            return Err(Error::with(op, Errno::EINVAL, Cause::Count, count));
        }
        let mut filter = kvm_msr_filter {
            flags,
            ..Default::default()
        };
        let mut bitmaps = Vec::new();
        for (to, range) in filter.ranges.iter_mut().zip(ranges) {
            *to = kvm_msr_filter_range {
                flags: range.flags,
                nmsrs: range.msr_count,
                base: range.base,
                ..Default::default()
            };
            bitmaps.push(range.words()?);
        }
        let mut parts: Vec<Part<'_>> = (FIRST_POINTER..)
            .step_by(size_of::<kvm_msr_filter_range>())
            .zip(&bitmaps)
            .map(|(offset, words)| Part {
                offset,
                bytes: PartBytes::In(words.as_bytes()),
            })
            .collect();
        let mut arg = Arg::Parts {
            head: filter.as_mut_bytes(),
            parts: &mut parts,
        };
        // SAFETY: the head is the row's structure. The row has a pointer in each range, in their order, to a
        // bit for each MSR in whole words of 64, as `words` makes them; ranges without a part have
        // no MSR.
        unsafe { self.backend().ioctl(op, &mut arg) }
            .map(|_| ())
            .map_err(|errno| Error::new(op, errno))
    }
}
