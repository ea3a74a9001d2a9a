//! Filters of MSRs: section 4.97.

use kvm_core::kvm_exit::MsrRead;
use kvm_core::kvm_exit::X86_64;
use kvm_core::kvm_sys::x86_64::{
    KVM_MSR_EXIT_REASON_FILTER, KVM_MSR_FILTER_DEFAULT_DENY, KVM_MSR_FILTER_MAX_RANGES,
    KVM_MSR_FILTER_READ, MsrFilterFlags, MsrFilterRangeFlags,
};
use kvm_core::{Cause, Errno, Exit, Hypervisor, Kvm, MsrFilterRange};

use super::guest::{Guest, OUTPUT};
use super::{Model, Outcome, Step, unexpected};

/// The target of `syscall`.
const LSTAR: u32 = 0xc000_0082;

/// mov ecx, LSTAR; rdmsr; mov [OUTPUT], eax; hlt
const READS: &[u8] = &[
    0x66, 0xb9, 0x82, 0x00, 0x00, 0xc0, 0x0f, 0x32, 0x66, 0xa3, 0x00, 0x30, 0xf4,
];

const ANSWER: u64 = 0x1122_3344_5566_7788;

fn deny_reads(bitmap: &[u8], msr_count: u32) -> MsrFilterRange<'_> {
    MsrFilterRange {
        flags: KVM_MSR_FILTER_READ,
        base: LSTAR,
        msr_count,
        bitmap,
    }
}

pub(crate) fn denied_read_script(model: &Model) {
    let read = Step::exit(|page| {
        page.encode(&Exit::X86Rdmsr(MsrRead {
            index: LSTAR,
            reason: KVM_MSR_EXIT_REASON_FILTER,
            data: &mut 0,
            error: &mut 0,
        }))
    });
    let low = 0x5566_7788_u32.to_le_bytes();
    model.script(
        0,
        [
            read.answered(|exit| matches!(exit, Exit::X86Rdmsr(msr) if *msr.data == ANSWER)),
            Step::hlt().writes_memory(OUTPUT, low),
        ],
    );
}

/// "If an MSR access is not permitted through the filtering, it generates a #GP inside the guest", or with
/// `KVM_CAP_X86_USER_SPACE_MSR` an exit.
pub(crate) fn denied_read<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let mut guest = Guest::new(system, READS)?;
    guest.vm.enable_msr_exits(KVM_MSR_EXIT_REASON_FILTER)?;
    let denied = deny_reads(&[0], 1);
    guest
        .vm
        .set_msr_filter(MsrFilterFlags::empty(), &[denied])?;
    match guest.vcpu.run()?.0 {
        Exit::X86Rdmsr(msr) => {
            assert_eq!((msr.index, msr.reason), (LSTAR, KVM_MSR_EXIT_REASON_FILTER));
            *msr.data = ANSWER;
        }
        other => return unexpected("a read of the MSR", other),
    }
    guest.halts()?;
    assert_eq!(guest.output(), Ok(0x5566_7788_u32.to_le_bytes()));
    Ok(())
}

/// The kernel reads a bitmap in whole words, whatever its length: one that is too short never reaches it.
pub(crate) fn bitmaps_are_never_read_past_their_end<H: Hypervisor<Guest = X86_64>>(
    system: H,
) -> Outcome {
    let vm = Kvm::with(system)?.create_vm()?;
    let flags = MsrFilterFlags::empty();
    let cause = |ranges: &[MsrFilterRange<'_>]| {
        let refused = vm.set_msr_filter(flags, ranges).err();
        refused.map(|error| (error.errno(), error.cause()))
    };
    let short = Some((Errno::EINVAL, Cause::Bitmap));
    assert_eq!(cause(&[deny_reads(&[], 1)]), short);
    assert_eq!(cause(&[deny_reads(&[0], 9)]), short);
    assert_eq!(
        cause(&[deny_reads(&[0; 8], 8), deny_reads(&[0; 8], 65)]),
        short
    );
    let many = Some((Errno::EINVAL, Cause::Count));
    assert_eq!(cause(&[deny_reads(&[], u32::MAX)]), many);
    let ranges = [deny_reads(&[0], 1); KVM_MSR_FILTER_MAX_RANGES + 1];
    assert_eq!(cause(&ranges), many);

    // As long as they have to be, to the byte.
    assert_eq!(cause(&[deny_reads(&[0], 8)]), None);
    assert_eq!(cause(&[deny_reads(&[0; 2], 9)]), None);
    assert_eq!(cause(&ranges[1..]), None);
    Ok(())
}

/// Denying by default needs a range; a range needs a kind of access.
pub(crate) fn refused<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let vm = Kvm::with(system)?.create_vm()?;
    let errno = |flags, ranges: &[MsrFilterRange<'_>]| {
        let refused = vm.set_msr_filter(flags, ranges).err();
        refused.map(|error| error.errno())
    };
    let invalid = Some(Errno::EINVAL);
    let deny = KVM_MSR_FILTER_DEFAULT_DENY;
    assert_eq!(errno(deny, &[]), invalid);
    assert_eq!(errno(deny, &[deny_reads(&[1], 1)]), None);
    let no_access = MsrFilterRange {
        flags: MsrFilterRangeFlags::empty(),
        ..deny_reads(&[0], 1)
    };
    assert_eq!(errno(deny, &[no_access]), invalid);
    assert_eq!(errno(MsrFilterFlags::from_bits_retain(2), &[]), invalid);
    assert_eq!(errno(MsrFilterFlags::empty(), &[]), None);
    Ok(())
}
