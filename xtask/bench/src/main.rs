//! `bench LIBRARY CASE TIMES`: does one thing so many times, and prints how many nanoseconds that took, or bytes, for
//! `cargo xtask bench`.

mod ours;
mod recordings;
mod theirs;

use std::error::Error;
use std::time::{Duration, Instant};

use kvm_mock::RecorderOptions;

type Outcome = Result<Duration, Box<dyn Error>>;

/// Where the guest's code is.
const CODE: u64 = 0x1000;
/// Bytes of memory, from 0 on.
const RAM: usize = 0x4000;

/// `out %al, $0x80; jmp` back
const PORT_OUT: &[u8] = &[0xe6, 0x80, 0xeb, 0xfc];
/// `mov %al, 0x8000; jmp` back
const MMIO_WRITE: &[u8] = &[0xa2, 0x00, 0x80, 0xeb, 0xfb];

/// Exits before the clock starts.
const WARM_UP: u64 = 200;

/// Times `times` calls, some others before them.
fn time(
    times: u64,
    mut exit: impl FnMut() -> Result<(), Box<dyn Error>>,
) -> Result<Duration, Box<dyn Error>> {
    for _ in 0..WARM_UP {
        exit()?;
    }
    let begun = Instant::now();
    for _ in 0..times {
        exit()?;
    }
    Ok(begun.elapsed())
}

/// The processor time that this thread took so far. Without a system to wait for, that is what a program
/// takes on a core of its own, whoever else is on the machine.
fn processor_time() -> Duration {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is writable for the call.
    let _ = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [library, case, times] = arguments.as_slice() else {
        return Err("usage: bench LIBRARY CASE TIMES".into());
    };
    let times = times.parse()?;
    let took = match (library.as_str(), case.as_str()) {
        ("ours", "port_out") => ours::port_out(times),
        ("ours", "mmio_write") => ours::mmio_write(times),
        ("ours", "registers_ioctl") => ours::registers_ioctl(times),
        ("ours", "registers_sync") => ours::registers_sync(times),
        ("ours", "first_exit") => ours::first_exit(times),
        ("theirs", "port_out") => theirs::port_out(times),
        ("theirs", "mmio_write") => theirs::mmio_write(times),
        ("theirs", "registers_ioctl") => theirs::registers_ioctl(times),
        ("theirs", "registers_sync") => theirs::registers_sync(times),
        ("theirs", "first_exit") => theirs::first_exit(times),
        ("ours", "replay") => recordings::replay(times),
        ("ours", "recording_bytes") => recordings::bytes(times),
        ("ours", "overhead") => recordings::overhead(RecorderOptions::new(), times),
        ("ours", "overhead_memory") => {
            recordings::overhead(RecorderOptions::new().dirty_log(true), times)
        }
        _ => Err("no such library or case".into()),
    };
    println!("{}", took?.as_nanos());
    Ok(())
}
