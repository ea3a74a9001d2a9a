//! [`ExitTable`]: counts exits by their kind.

use std::fmt;

use kvm_core::Exit;

/// The exits that a program handled: how many of each kind, and how many bytes they carried.
///
/// ```
/// use kvm_core::Exit;
/// use kvm_core::kvm_exit::IoOut;
///
/// let mut exits = kvm_tests::ExitTable::default();
/// exits.count(&Exit::IoOut(IoOut { port: 0x3f8, size: 1, data: b"Hi" }));
/// exits.count(&Exit::Hlt);
/// assert_eq!(exits.to_string(), "\
/// exit         kind        count  bytes
/// KVM_EXIT_IO  io out          1      2
/// KVM_EXIT_HLT hlt             1      0
/// ");
/// ```
#[derive(Debug, Default)]
pub struct ExitTable(Vec<Row>);

#[derive(Debug)]
struct Row {
    name: &'static str,
    kind: &'static str,
    count: usize,
    bytes: usize,
}

impl ExitTable {
    /// Adds an exit.
    pub fn count(&mut self, exit: &Exit<'_>) {
        let (name, kind, bytes) = (exit.name(), exit.kind(), data(exit).len());
        match self.0.iter_mut().find(|row| row.kind == kind) {
            Some(row) => {
                row.count += 1;
                row.bytes += bytes;
            }
            None => self.0.push(Row {
                name,
                kind,
                count: 1,
                bytes,
            }),
        }
    }
}

/// What the guest writes, or where its answer goes.
fn data<'a>(exit: &'a Exit<'_>) -> &'a [u8] {
    match exit {
        Exit::IoIn(io) => io.data,
        Exit::IoOut(io) => io.data,
        Exit::MmioRead(mmio) => mmio.data,
        Exit::MmioWrite(mmio) => mmio.data,
        _ => &[],
    }
}

/// One line for each kind, in the order in which they came first.
impl fmt::Display for ExitTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.0.iter().map(|row| row.name.len());
        let width = names.max().unwrap_or(0).max("KVM_EXIT_HLT".len());
        writeln!(
            f,
            "{:width$} {:10} {:>6} {:>6}",
            "exit", "kind", "count", "bytes"
        )?;
        for row in &self.0 {
            let Row {
                name,
                kind,
                count,
                bytes,
            } = row;
            writeln!(f, "{name:width$} {kind:10} {count:>6} {bytes:>6}")?;
        }
        Ok(())
    }
}
