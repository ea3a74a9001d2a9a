//! A recorder over a replay: what belongs to an exit is taken from the replay's recording, as no call would give it.

use kvm_core::Hypervisor;

use super::Recorder;
use crate::format::{Kind, Record, Registers};
use crate::handed;
use crate::registers;

impl<H: Hypervisor> Recorder<H> {
    /// Writes down what was recorded with the exit, and was asked for.
    pub(super) fn handed(&self) {
        let mut room = Vec::new();
        while let Some((kind, body)) = handed::take(&*self.inner, &mut room) {
            let wanted = match kind {
                Kind::Memory | Kind::Pages => self.options.has_memory(),
                Kind::Registers => self.options.registers,
                Kind::Doorbell => self.options.eventfds,
                _ => true,
            };
            if !wanted {
                continue;
            }
            let mut record = Record::new();
            if kind == Kind::Registers {
                let Some(set) = Registers::read(body) else {
                    continue;
                };
                let Some(op) = usize::try_from(set.op)
                    .ok()
                    .and_then(|n| registers::SETS.get(n))
                else {
                    continue;
                };
                let op = self.tape().name(op);
                Registers { op, ..set }.write(&mut record);
            } else {
                record.put(body);
            }
            self.tape().append(kind, self.stream, &mut record);
        }
    }
}
