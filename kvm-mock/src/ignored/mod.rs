//! Bytes of arguments that KVM does not look at: padding, and fields that other fields leave out.
//!
//! A program in C leaves them as its stack had them, so they differ from run to run. They are recorded as zero, and not
//! compared. Fields that have to be zero are not among them: KVM looks at those.

mod x86_64;

use kvm_sys::common::{
    KVM_IOEVENTFD_FLAG_DATAMATCH, KVM_MSI_VALID_DEVID, kvm_enable_cap, kvm_ioeventfd, kvm_irqfd,
    kvm_msi,
};
use kvm_sys::op::{Dir, Op};
use kvm_sys::{KVM_ENABLE_CAP, KVM_IOEVENTFD, KVM_IRQFD, KVM_SIGNAL_MSI};
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// A call, and what makes zero of what is ignored in its argument.
type Rule = (&'static Op, fn(&mut [u8]));

static RULES: [Rule; 4] = [
    (&KVM_ENABLE_CAP, |head| {
        edit(head, |cap: &mut kvm_enable_cap| cap.pad.fill(0));
    }),
    (&KVM_IOEVENTFD, |head| edit(head, ioeventfd)),
    (&KVM_IRQFD, |head| {
        edit(head, |irqfd: &mut kvm_irqfd| irqfd.pad.fill(0));
    }),
    (&KVM_SIGNAL_MSI, |head| edit(head, msi)),
];

/// Makes zero of what the call ignores of what it is given.
pub(crate) fn clear(op: &Op, head: &mut [u8]) {
    if op.dir() != Some(Dir::In) {
        return;
    }
    let rule = RULES.iter().chain(&x86_64::RULES);
    if let Some((_, clear)) = rule.into_iter().find(|(of, _)| *of == op) {
        clear(head);
    }
}

/// Changes the structure that the bytes begin with, if there are so many.
fn edit<T: FromBytes + IntoBytes + Immutable>(bytes: &mut [u8], change: impl FnOnce(&mut T)) {
    if let Ok((mut value, _)) = T::read_from_prefix(bytes) {
        change(&mut value);
        // As many bytes as it was read from.
        let _ = value.write_to_prefix(bytes);
    }
}

fn ioeventfd(ioeventfd: &mut kvm_ioeventfd) {
    ioeventfd.pad.fill(0);
    if !ioeventfd.flags.contains(KVM_IOEVENTFD_FLAG_DATAMATCH) {
        ioeventfd.datamatch = 0;
    }
}

fn msi(msi: &mut kvm_msi) {
    msi.pad.fill(0);
    if !msi.flags.contains(KVM_MSI_VALID_DEVID) {
        msi.devid = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ignored_becomes_zero_and_the_rest_stays() {
        for (op, _) in RULES.iter().chain(&x86_64::RULES) {
            let mut head = vec![0xff; op.size()];
            clear(op, &mut head);
            assert!(head.contains(&0xff), "{}: all of it", op.name);
            let short = &mut [0xff];
            clear(op, short);
            assert_eq!(short, &[0xff], "{}", op.name);
        }
        let mut given = kvm_ioeventfd {
            datamatch: 1,
            addr: 2,
            pad: [3; 36],
            ..Default::default()
        };
        let mut matching = given;
        matching.flags = KVM_IOEVENTFD_FLAG_DATAMATCH;
        clear(&KVM_IOEVENTFD, given.as_mut_bytes());
        clear(&KVM_IOEVENTFD, matching.as_mut_bytes());
        assert_eq!((given.datamatch, given.addr, given.pad), (0, 2, [0; 36]));
        assert_eq!((matching.datamatch, matching.pad), (1, [0; 36]));
    }
}
