//! The first success of several attempts, each begun a while after the one before.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until};

type Attempt<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

/// Runs attempts side by side: the next begins when the one before has failed, or has taken
/// longer than `delay` (RFC 8305 §5). Gives the first success, or all failures in their order.
///
/// Dropping the future drops every attempt.
pub(crate) async fn race<T, E>(
    attempts: impl Iterator<Item = Attempt<T, E>>,
    delay: Duration,
) -> Result<T, Vec<E>> {
    let mut race = Race { attempts, running: Vec::new(), failures: Vec::new(), delay };
    let next = sleep_until(Instant::now());
    tokio::pin!(next);
    poll_fn(|cx| race.poll(next.as_mut(), cx)).await
}

struct Race<I, T, E> {
    attempts: I,
    running: Vec<Attempt<T, E>>,
    failures: Vec<E>,
    delay: Duration,
}

impl<T, E, I: Iterator<Item = Attempt<T, E>>> Race<I, T, E> {
    fn poll(&mut self, mut next: Pin<&mut Sleep>, cx: &mut Context<'_>) -> Poll<Result<T, Vec<E>>> {
        loop {
            let failed = match self.poll_running(cx) {
                Some(Ok(success)) => return Poll::Ready(Ok(success)),
                Some(Err(())) => true,
                None => false,
            };
            let due = failed || next.as_mut().poll(cx).is_ready() || self.running.is_empty();
            if !due {
                return Poll::Pending;
            }
            match self.attempts.next() {
                Some(attempt) => {
                    self.running.push(attempt);
                    next.as_mut().reset(Instant::now() + self.delay);
                }
                None if self.running.is_empty() => {
                    return Poll::Ready(Err(std::mem::take(&mut self.failures)));
                }
                None => return Poll::Pending,
            }
        }
    }

    /// The first success; `Err` if one has failed.
    fn poll_running(&mut self, cx: &mut Context<'_>) -> Option<Result<T, ()>> {
        let mut failed = None;
        let mut index = 0;
        while let Some(attempt) = self.running.get_mut(index) {
            match attempt.as_mut().poll(cx) {
                Poll::Pending => index += 1,
                Poll::Ready(Ok(success)) => return Some(Ok(success)),
                Poll::Ready(Err(error)) => {
                    self.failures.push(error);
                    drop(self.running.remove(index));
                    failed = Some(Err(()));
                }
            }
        }
        failed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::time::sleep;

    const DELAY: Duration = Duration::from_millis(250);

    /// Takes so many milliseconds, then succeeds or fails with its name.
    fn attempt(name: u8, millis: u64, succeeds: bool) -> Attempt<u8, u8> {
        Box::pin(async move {
            sleep(Duration::from_millis(millis)).await;
            if succeeds { Ok(name) } else { Err(name) }
        })
    }

    async fn run(attempts: Vec<Attempt<u8, u8>>) -> (Result<u8, Vec<u8>>, u128) {
        let start = Instant::now();
        let result = race(attempts.into_iter(), DELAY).await;
        (result, start.elapsed().as_millis())
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_address_costs_its_delay_and_a_refusing_one_nothing() {
        let silent = vec![attempt(1, 60_000, false), attempt(2, 10, true)];
        assert_eq!(run(silent).await, (Ok(2), 260));
        let refusing = vec![attempt(1, 5, false), attempt(2, 5, false), attempt(3, 10, true)];
        assert_eq!(run(refusing).await, (Ok(3), 20));
        let slow_first = vec![attempt(1, 300, true), attempt(2, 100, true)];
        assert_eq!(run(slow_first).await, (Ok(1), 300));
        assert_eq!(run(vec![attempt(1, 1_000, true)]).await, (Ok(1), 1_000));
    }

    #[tokio::test(start_paused = true)]
    async fn all_failures_are_told_and_no_attempts_are_a_failure() {
        let failing = vec![attempt(1, 400, false), attempt(2, 100, false), attempt(3, 1, false)];
        assert_eq!(run(failing).await, (Err(vec![2, 3, 1]), 400));
        assert_eq!(run(Vec::new()).await.0, Err(Vec::new()));
    }

    #[tokio::test(start_paused = true)]
    async fn dropping_the_race_drops_every_attempt() {
        struct Counted(Arc<AtomicUsize>);
        impl Drop for Counted {
            fn drop(&mut self) {
                self.0.fetch_sub(1, Ordering::SeqCst);
            }
        }
        let alive = Arc::new(AtomicUsize::new(0));
        let made = Arc::clone(&alive);
        let attempts = (0..3).map(move |_| -> Attempt<(), ()> {
            made.fetch_add(1, Ordering::SeqCst);
            let counted = Counted(Arc::clone(&made));
            Box::pin(async move {
                let _counted = counted;
                std::future::pending().await
            })
        });
        let racing = tokio::time::timeout(DELAY * 10, race(attempts, DELAY));
        assert!(racing.await.is_err());
        assert_eq!(alive.load(Ordering::SeqCst), 0);
    }
}
