//! QEMU with a boot sector, recorded, and replayed with `/dev/kvm` hidden.
//!
//! Its stock firmware wants more of a KVM than every host has; a firmware of one jump, to the boot sector, does not.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};

use super::Tools;
use super::hidden::{run, without_kvm};

const PATIENCE: Duration = Duration::from_secs(60);
const PACKAGE: &str = "qemu-system-x86";

/// What the boot sector prints.
const HELLO: &str = "Hello from a boot sector\r\n";

/// Prints what follows it, up to a zero, to the first serial port; then has QEMU exit.
const CODE: [u8; 23] = [
    0x31, 0xc0, // xor ax, ax
    0x8e, 0xd8, // mov ds, ax
    0xbe, 0x17, 0x7c, // mov si, 0x7c17
    0xba, 0xf8, 0x03, // mov dx, 0x3f8
    0xac, // next: lodsb
    0x84, 0xc0, // test al, al
    0x74, 0x03, // jz end
    0xee, // out dx, al
    0xeb, 0xf8, // jmp next
    0xb0, 0x00, // end: mov al, 0
    0xe6, 0xf4, // out 0xf4, al
    0xf4, // hlt
];

pub(super) fn run_qemu(tools: &Tools, install: bool) -> Result<()> {
    if !tools.kvm {
        println!("\nQEMU: NOT RUN: there is no KVM here to record it on");
        return Ok(());
    }
    let mut version = Command::new("qemu-system-x86_64");
    if version.arg("--version").output().is_err() {
        if !install {
            println!("\nQEMU: NOT RUN: there is no qemu-system-x86_64 (--install gets it)");
            return Ok(());
        }
        apt_get(&["update"])?;
        apt_get(&["install", "--yes", "--no-install-recommends", PACKAGE])?;
    }
    let folder = tools.scratch.path();
    let (firmware, sector) = (folder.join("firmware"), folder.join("sector"));
    fs::write(&firmware, firmware_bytes())?;
    fs::write(&sector, [&CODE, HELLO.as_bytes(), b"\0"].concat())?;
    let recording = folder.join("qemu.kvmrec");
    let file = recording.to_string_lossy();
    // The device's exit code for 0.
    const EXITED: Option<i32> = Some(1);

    let plain = run(&mut qemu(&firmware, &sector), PATIENCE)?;
    let mut record = tools.kvmrec(&["record", "-o", &file, "--"]);
    let recorded = run(behind(&mut record, &qemu(&firmware, &sector)), PATIENCE)?;
    let mut replay = tools.kvmrec(&["replay", &file, "--"]);
    let mut replay = without_kvm(behind(&mut replay, &qemu(&firmware, &sector)));
    let replayed = run(&mut replay, PATIENCE)?;
    for (how, ended) in [
        ("as it is", &plain),
        ("recorded", &recorded),
        ("replayed", &replayed),
    ] {
        if ended.printed != HELLO || ended.code != EXITED {
            bail!(
                "QEMU, {how}, printed {:?}, code {:?}:\n{}",
                ended.printed,
                ended.code,
                ended.said
            );
        }
    }
    if !replayed.said.contains("the run did what was recorded") {
        bail!("QEMU's replay:\n{}", replayed.said);
    }
    println!(
        "\nQEMU: recorded, and replayed call by call with /dev/kvm hidden: {:?} each time",
        HELLO.trim_end()
    );
    let shown = run(&mut tools.kvmrec(&["show", &file]), PATIENCE)?;
    let timeline = folder.join("timeline.html");
    let timeline = timeline.to_string_lossy();
    let drawn = run(
        &mut tools.kvmrec(&["timeline", "-o", &timeline, &file]),
        PATIENCE,
    )?;
    if !shown.succeeded() || !drawn.succeeded() {
        bail!(
            "kvmrec can't show the recording:\n{}{}",
            shown.said,
            drawn.said
        );
    }
    let lines: Vec<&str> = shown.printed.lines().collect();
    println!("  {} lines in kvmrec show, the last of them", lines.len());
    for line in lines.iter().rev().take(3).rev() {
        println!("  {line}");
    }
    Ok(())
}

fn apt_get(arguments: &[&str]) -> Result<()> {
    let mut apt = Command::new("apt-get");
    apt.env("DEBIAN_FRONTEND", "noninteractive").arg("-qq");
    if !apt.args(arguments).status()?.success() {
        bail!("{PACKAGE} can't be installed");
    }
    Ok(())
}

/// A megabyte's last 64 KiB: at the reset vector a jump to 0:0x7c00.
fn firmware_bytes() -> Vec<u8> {
    const VECTOR: usize = 0xfff0;
    const JUMP: [u8; 5] = [0xea, 0x00, 0x7c, 0x00, 0x00];

    let mut bytes = vec![0; VECTOR];
    bytes.extend(JUMP);
    bytes.resize(0x1_0000, 0);
    bytes
}

fn qemu(firmware: &Path, sector: &Path) -> Command {
    let mut command = Command::new("qemu-system-x86_64");
    command.args([
        "-accel",
        "kvm",
        "-M",
        "pc",
        "-cpu",
        "qemu64",
        "-m",
        "16",
        "-nodefaults",
    ]);
    command
        .args(["-display", "none", "-serial", "stdio"])
        .arg("-bios")
        .arg(firmware);
    let loader = format!("loader,file={},addr=0x7c00,force-raw=on", sector.display());
    command.args(["-device", &loader, "-device", "isa-debug-exit,iobase=0xf4"]);
    command
}

/// `command` with another one behind it.
fn behind<'a>(command: &'a mut Command, other: &Command) -> &'a mut Command {
    command.arg(other.get_program()).args(other.get_args())
}
