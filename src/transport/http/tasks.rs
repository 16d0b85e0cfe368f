//! hyper's helper tasks for HTTP/2, kept beside the connection instead of handed to the runtime.
//!
//! hyper drives an HTTP/2 socket from a task that it spawns. On the runtime that task would read
//! ahead of the exchange, and bytes would be stamped with the time of a later read.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The tasks of one connection, polled by whoever polls the connection.
#[derive(Clone, Default)]
pub(super) struct Tasks(Arc<Mutex<Vec<Task>>>);

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Tasks {
    fn execute(&self, task: F) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Box::pin(task));
    }
}

impl Tasks {
    /// Polls every task once, those too that came up meanwhile; whether all are over.
    pub(super) fn poll(&self, cx: &mut Context<'_>) -> bool {
        let mut left = Vec::new();
        loop {
            let mut round = std::mem::take(&mut *self.lock());
            if round.is_empty() {
                break;
            }
            round.retain_mut(|task| task.as_mut().poll(cx) == Poll::Pending);
            left.append(&mut round);
        }
        let over = left.is_empty();
        *self.lock() = left;
        over
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Task>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use hyper::rt::Executor as _;

    use super::*;

    #[test]
    fn a_task_born_of_a_task_is_polled_in_the_same_round() {
        let (tasks, done) = (Tasks::default(), Arc::new(AtomicUsize::new(0)));
        let (inner, counted) = (tasks.clone(), Arc::clone(&done));
        tasks.execute(async move {
            inner.execute(async move {
                counted.fetch_add(1, Ordering::Relaxed);
            });
        });
        tasks.execute(std::future::pending());

        let over = tasks.poll(&mut Context::from_waker(std::task::Waker::noop()));

        assert_eq!(done.load(Ordering::Relaxed), 1);
        assert!(!over, "one never is");
    }
}
