//! Faults as text, as a command line has them.

use std::str::FromStr;

use kvm_core::{Errno, ops};
use kvm_sys::op::Op;

use super::fault::Fault;

/// Why a text is no [`Fault`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FaultSyntax {
    /// It does not begin with a call and an errno.
    #[error("a fault is CALL=ERRNO, as in KVM_SET_REGS=EINVAL or open=EMFILE,nth=2")]
    Form,
    /// There is no such call.
    #[error("there is no call {0}: it is open, mmap, read, any, or an ioctl by its name")]
    Call(String),
    /// There is no such errno.
    #[error("there is no errno {0}")]
    Errno(String),
    /// What stands behind the errno is none of the conditions.
    #[error("{0} says nothing: it is nth=N, first=N, from=N, every=N or vcpu=ID")]
    Condition(String),
}

/// `CALL=ERRNO`, and behind it, each after a comma, `nth=N`, `first=N`, `from=N` or `every=N`, and `vcpu=ID`. Calls are
/// `open`, `mmap`, `read`, `any` and the names of ioctls, errnos names or numbers.
///
/// ```
/// use kvm_mock::{Fault, FaultSyntax};
///
/// let fault: Fault = "KVM_RUN=EINTR,every=2,vcpu=0".parse()?;
/// # let plan = kvm_mock::FaultPlan::new();
/// # plan.add(fault);
/// let unknown = "KVM_RUM=EINTR".parse::<Fault>().unwrap_err();
/// assert_eq!(unknown, FaultSyntax::Call("KVM_RUM".into()));
/// # Ok::<(), FaultSyntax>(())
/// ```
impl FromStr for Fault {
    type Err = FaultSyntax;

    fn from_str(text: &str) -> Result<Self, FaultSyntax> {
        let mut parts = text.split(',');
        let what = parts.next().and_then(|what| what.split_once('='));
        let (call, errno) = what.ok_or(FaultSyntax::Form)?;
        let errno = errno_of(errno).ok_or_else(|| FaultSyntax::Errno(errno.to_owned()))?;
        let mut fault = match call {
            "any" => Self::any(errno),
            _ => {
                let op = op(call).ok_or_else(|| FaultSyntax::Call(call.to_owned()))?;
                Self::errno(op, errno)
            }
        };
        for part in parts {
            let condition = part.split_once('=');
            let condition = condition.and_then(|(name, n)| Some((name, n.parse().ok()?)));
            fault = match condition {
                Some(("nth", n)) => fault.nth(n),
                Some(("first", n)) => fault.first(n),
                Some(("from", n)) => fault.from(n),
                Some(("every", n)) => fault.every(n),
                Some(("vcpu", id)) => fault.vcpu(id),
                _ => return Err(FaultSyntax::Condition(part.to_owned())),
            };
        }
        Ok(fault)
    }
}

fn op(name: &str) -> Option<&'static Op> {
    match name {
        "open" => Some(&ops::OPEN),
        "mmap" => Some(&ops::MMAP),
        "read" => Some(&ops::READ),
        _ => kvm_sys::ioctl::TABLE
            .iter()
            .find(|op| op.name == name)
            .copied(),
    }
}

/// By name or number.
fn errno_of(text: &str) -> Option<Errno> {
    /// The largest that the kernel has.
    const MOST: u16 = 4095;

    if let Ok(number @ 1..=MOST) = text.parse() {
        return Some(Errno(number));
    }
    (1..=MOST)
        .map(Errno)
        .find(|errno| errno.name() == Some(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_nothing_is_refused_with_the_reason() {
        let refused = |text: &str| text.parse::<Fault>().unwrap_err();
        assert_eq!(refused("KVM_RUN"), FaultSyntax::Form);
        assert_eq!(refused("close=EIO"), FaultSyntax::Call("close".into()));
        assert_eq!(refused("open=EWHAT"), FaultSyntax::Errno("EWHAT".into()));
        assert_eq!(refused("open=0"), FaultSyntax::Errno("0".into()));
        for condition in ["nth", "nth=x", "last=1", "vcpu=-1"] {
            let text = format!("open=EIO,{condition}");
            assert_eq!(refused(&text), FaultSyntax::Condition(condition.into()));
        }
    }

    #[test]
    fn conditions_are_those_of_the_methods() {
        let fault: Fault = "KVM_GET_REGS=14,from=3,vcpu=1".parse().unwrap();
        let same = Fault::errno(&kvm_sys::KVM_GET_REGS, Errno::EFAULT)
            .from(3)
            .vcpu(1);
        assert_eq!(format!("{fault:?}"), format!("{same:?}"));
    }
}
