//! [`Mutex`]: the system's where there is one, else a lock that spins.

#[cfg(feature = "std")]
pub(crate) use with_std::Mutex;
#[cfg(not(feature = "std"))]
pub(crate) use without_std::Mutex;

#[cfg(feature = "std")]
mod with_std {
    extern crate std;

    use std::sync::{MutexGuard, PoisonError};

    /// A lock that a panic does not poison: what it guards here is never left half changed.
    #[derive(Debug, Default)]
    pub(crate) struct Mutex<T>(std::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }
}

#[cfg(not(feature = "std"))]
mod without_std {
    #![expect(unsafe_code, reason = "implements a lock where the system has none")]

    use core::cell::UnsafeCell;
    use core::hint;
    use core::ops::{Deref, DerefMut};
    use core::sync::atomic::{AtomicBool, Ordering};

    /// A lock that spins. It is held across single calls on memory slots only.
    #[derive(Debug, Default)]
    pub(crate) struct Mutex<T> {
        held: AtomicBool,
        value: UnsafeCell<T>,
    }

    // SAFETY: the value is reached through a guard only, and one guard exists at a time; so sharing
    // the lock moves the value between threads, which `T: Send` allows.
    unsafe impl<T: Send> Sync for Mutex<T> {}

    impl<T> Mutex<T> {
        pub(crate) fn lock(&self) -> Guard<'_, T> {
            while self
                .held
                .compare_exchange_weak(false, true, Ordering::Acquire, Ordering::Relaxed)
                .is_err()
            {
                hint::spin_loop();
            }
            Guard(self)
        }
    }

    pub(crate) struct Guard<'a, T>(&'a Mutex<T>);

    impl<T> Deref for Guard<'_, T> {
        type Target = T;

        fn deref(&self) -> &T {
            // SAFETY: this guard exists, so `held` is ours, and no other guard reaches the value.
            unsafe { &*self.0.value.get() }
        }
    }

    impl<T> DerefMut for Guard<'_, T> {
        fn deref_mut(&mut self) -> &mut T {
            // SAFETY: as in `deref`, and `&mut self` is the only use of this guard.
            unsafe { &mut *self.0.value.get() }
        }
    }

    impl<T> Drop for Guard<'_, T> {
        fn drop(&mut self) {
            self.0.held.store(false, Ordering::Release);
        }
    }
}
