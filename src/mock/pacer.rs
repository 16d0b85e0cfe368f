//! One thread that wakes sleepers on time.
//!
//! tokio's timer wheel ticks once a millisecond, so a stream paced by it emits its tokens late and
//! in bunches. The pacer keeps absolute deadlines, sleeps until shortly before the next one and
//! spins the rest. There is one for the whole process, however many servers run.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::task::AtomicWaker;

use crate::clock::Clock;
use crate::units::Nanos;

/// The kernel's default timer slack is 50 µs; the last 60 µs are spun.
const SPIN: Nanos = Nanos(60_000);

/// With more sleepers than this the spinning would take a whole core; then the kernel's 50 µs of
/// slack are accepted.
const SPIN_SLEEPERS_MAX: usize = 64;

static PACER: LazyLock<Pacer> = LazyLock::new(Pacer::start);

struct Pacer {
    clock: Clock,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    entries: BinaryHeap<Reverse<Entry>>,
    entered: u64,
}

struct Entry {
    due: Nanos,
    order: u64,
    bell: Arc<Bell>,
}

#[derive(Default)]
struct Bell {
    rung: AtomicBool,
    left: AtomicBool,
    waker: AtomicWaker,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.due, self.order).cmp(&(other.due, other.order))
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pacer {
    fn start() -> Self {
        let pacer = Self { clock: Clock::system(), shared: Arc::default() };
        let (clock, shared) = (pacer.clock.clone(), Arc::clone(&pacer.shared));
        std::thread::Builder::new()
            .name("mock-pacer".to_owned())
            .spawn(move || ring_forever(&clock, &shared))
            .expect("a process can start one thread");
        pacer
    }
}

fn ring_forever(clock: &Clock, shared: &Shared) {
    let mut due_now = Vec::new();
    let mut queue = shared.lock();
    loop {
        let now = clock.now();
        while queue
            .entries
            .peek()
            .is_some_and(|Reverse(next)| next.due <= now || next.bell.left.load(Ordering::Relaxed))
        {
            due_now.extend(queue.entries.pop());
        }
        if !due_now.is_empty() {
            drop(queue);
            for Reverse(entry) in due_now.drain(..) {
                entry.bell.rung.store(true, Ordering::Release);
                entry.bell.waker.wake();
            }
            queue = shared.lock();
            continue;
        }
        let Some(Reverse(next)) = queue.entries.peek() else {
            queue = shared.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
            continue;
        };
        let (due, wait) = (next.due, next.due.since(now));
        let spin = if queue.entries.len() > SPIN_SLEEPERS_MAX { Nanos(0) } else { SPIN };
        if wait > spin {
            let wait = Duration::from(wait - spin);
            queue = match shared.changed.wait_timeout(queue, wait) {
                Ok((queue, _)) => queue,
                Err(poisoned) => poisoned.into_inner().0,
            };
        } else {
            drop(queue);
            while clock.now() < due {
                std::hint::spin_loop();
            }
            queue = shared.lock();
        }
    }
}

/// Time on the pacer's clock.
pub(crate) fn now() -> Nanos {
    PACER.clock.now()
}

/// Waits until the pacer's clock shows `due`.
pub(crate) fn until(due: Nanos) -> Sleep {
    Sleep { due, bell: None }
}

/// A wait for a point on the pacer's clock.
#[must_use]
pub(crate) struct Sleep {
    due: Nanos,
    bell: Option<Arc<Bell>>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let pacer = &*PACER;
        let Some(bell) = &self.bell else {
            if self.due <= pacer.clock.now() {
                return Poll::Ready(());
            }
            let bell = Arc::new(Bell::default());
            bell.waker.register(cx.waker());
            let due = self.due;
            self.bell = Some(Arc::clone(&bell));
            let mut queue = pacer.shared.lock();
            let order = queue.entered;
            queue.entered += 1;
            queue.entries.push(Reverse(Entry { due, order, bell }));
            let first = queue.entries.peek().is_some_and(|Reverse(next)| next.order == order);
            drop(queue);
            if first {
                pacer.shared.changed.notify_one();
            }
            return Poll::Pending;
        };
        bell.waker.register(cx.waker());
        if bell.rung.load(Ordering::Acquire) { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(bell) = &self.bell {
            bell.left.store(true, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn sleepers_wake_in_the_order_of_their_deadlines_and_never_early() {
        let start = now();
        let (woken, mut order) = tokio::sync::mpsc::unbounded_channel();
        for ahead in [9, 3, 6] {
            let woken = woken.clone();
            tokio::spawn(async move {
                let due = start + Nanos::from_millis(ahead);
                until(due).await;
                woken.send((ahead, now() >= due)).unwrap();
            });
        }

        let mut seen = Vec::new();
        for _ in 0..3 {
            seen.push(order.recv().await.unwrap());
        }

        assert!(seen.iter().all(|(_, on_time)| *on_time), "{seen:?}");
        assert_eq!(seen.len(), 3);
    }

    #[tokio::test]
    async fn a_sleeper_that_left_is_forgotten() {
        drop(until(now() + Nanos::from_millis(1)));
        let mut sleep = Box::pin(until(now() + Nanos::from_millis(60_000)));
        assert!(futures_util::poll!(sleep.as_mut()).is_pending());
        drop(sleep);

        until(now() + Nanos::from_millis(2)).await;

        // A heap keeps a dead entry until it comes first; a new one behind it is still served.
        assert!(now() > Nanos(0));
    }
}
