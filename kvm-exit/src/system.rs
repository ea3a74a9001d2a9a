//! `KVM_EXIT_SYSTEM_EVENT`: something that concerns the whole machine.

use kvm_sys::kvm_run_system_event;

use crate::member::{Member, Union};
use crate::{Field, Malformed};

/// The guest asked for something that concerns the whole machine, or something has become of it.
/// Nothing is a reply.
///
/// ```
/// use kvm_exit::{SystemEvent, kvm_sys::KVM_SYSTEM_EVENT_RESET};
///
/// fn wants_reset(event: SystemEvent<'_>) -> bool {
///     event.kind == KVM_SYSTEM_EVENT_RESET
/// }
///
/// assert!(wants_reset(SystemEvent { kind: KVM_SYSTEM_EVENT_RESET, data: &[] }));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SystemEvent<'a> {
    /// What: `KVM_SYSTEM_EVENT_*`.
    pub kind: kvm_sys::SystemEvent,
    /// Words that say more, at most 16; what they are depends on `kind`.
    pub data: &'a [u64],
}

impl<'a> SystemEvent<'a> {
    pub(crate) fn decode(payload: &'a mut Union) -> Result<Self, Malformed> {
        let member = kvm_run_system_event::of(payload);
        match usize::try_from(member.ndata)
            .ok()
            .and_then(|ndata| member.data.get(..ndata))
        {
            Some(data) => Ok(Self {
                kind: member.type_,
                data,
            }),
            None => Err(too_many(member.ndata.into())),
        }
    }

    pub(crate) fn encode(&self, payload: &mut Union) -> Result<(), Malformed> {
        let member = kvm_run_system_event::of(payload);
        let (Some(data), Ok(ndata)) = (
            member.data.get_mut(..self.data.len()),
            u32::try_from(self.data.len()),
        ) else {
            return Err(too_many(self.data.len() as u64));
        };
        data.copy_from_slice(self.data);
        member.ndata = ndata;
        member.type_ = self.kind;
        Ok(())
    }
}

fn too_many(ndata: u64) -> Malformed {
    Malformed::new(Field::SystemEventNdata, ndata, 16)
}
