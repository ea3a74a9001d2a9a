//! Interrupts: from eventfds, lines, messages, and where they lead.

mod controller;
mod ioeventfd;
mod irqfd;
mod line;
mod msi;
mod queue;
mod routing;

pub use ioeventfd::{IoEvent, IoEventAddress};
pub use line::IrqStatus;
pub use routing::{Route, RoutingEntry};
