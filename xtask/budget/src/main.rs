//! `budget LOOP EXITS`: runs one loop, for `cargo xtask budget` to count its instructions.

mod kvm;
mod ours;
mod theirs;

use std::error::Error;

use kvm::Exits::{MmioWrite, PortOut};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(name), Some(exits)) = (arguments.next(), arguments.next()) else {
        return Err("usage: budget LOOP EXITS".into());
    };
    let exits: u64 = exits.parse()?;
    let total = match name.as_str() {
        "ours_mmio_write" => ours::ours_mmio_write(&mut ours::vcpu(MmioWrite)?, exits),
        "ours_port_out" => ours::ours_port_out(&mut ours::vcpu(PortOut)?, exits),
        "ours_registers" => ours::ours_registers(&mut ours::vcpu(PortOut)?, exits),
        "ours_ten_kinds_mmio" => ours::ours_ten_kinds(&mut ours::vcpu(MmioWrite)?, exits),
        "ours_ten_kinds_port" => ours::ours_ten_kinds(&mut ours::vcpu(PortOut)?, exits),
        "theirs_mmio_write" => theirs::theirs_mmio_write(&mut theirs::vcpu(MmioWrite)?, exits),
        "theirs_port_out" => theirs::theirs_port_out(&mut theirs::vcpu(PortOut)?, exits),
        "theirs_registers" => theirs::theirs_registers(&mut theirs::vcpu(PortOut)?, exits),
        "theirs_ten_kinds_mmio" => theirs::theirs_ten_kinds(&mut theirs::vcpu(MmioWrite)?, exits),
        "theirs_ten_kinds_port" => theirs::theirs_ten_kinds(&mut theirs::vcpu(PortOut)?, exits),
        name => return Err(format!("there is no loop {name}").into()),
    };
    // A loop that left early has counted less.
    if total < exits {
        return Err(format!("{name} left before its end").into());
    }
    println!("{total}");
    Ok(())
}
