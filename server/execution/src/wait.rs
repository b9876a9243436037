//! Waiting without a runtime: the few futures that handlers need.
//!
//! Handlers are async but name no runtime. They wait for a ticket, a signal or a timer, or let other
//! connections run; timers come from the process.

use parking_lot::Mutex;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

/// A boxed future, as handlers return it.
pub type Waiting<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Which of two futures was ready first.
pub enum Either<A, B> {
    First(A),
    Second(B),
}

/// Waits for the first of two futures; when both are ready the first one counts.
pub async fn race<A: Future, B: Future>(a: A, b: B) -> Either<A::Output, B::Output> {
    let mut a = pin!(a);
    let mut b = pin!(b);
    std::future::poll_fn(move |cx| {
        if let Poll::Ready(value) = a.as_mut().poll(cx) {
            return Poll::Ready(Either::First(value));
        }
        b.as_mut().poll(cx).map(Either::Second)
    })
    .await
}

/// Gives way once, so that a long computation does not starve other connections.
pub async fn give_way() {
    let mut given = false;
    std::future::poll_fn(move |cx: &mut Context<'_>| {
        if given {
            return Poll::Ready(());
        }
        given = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Something that happens again and again: who listens before it happens is woken by it.
#[derive(Debug, Default)]
pub struct Signal {
    state: Mutex<SignalState>,
}

#[derive(Debug, Default)]
struct SignalState {
    generation: u64,
    wakers: Vec<Waker>,
}

impl Signal {
    /// The number of times it has happened.
    pub fn generation(&self) -> u64 {
        self.state.lock().generation
    }

    /// Wakes all who wait.
    pub fn notify(&self) {
        let wakers = {
            let mut state = self.state.lock();
            state.generation += 1;
            std::mem::take(&mut state.wakers)
        };
        for waker in wakers {
            waker.wake();
        }
    }

    /// Waits until it has happened more often than `seen`.
    pub async fn changed_since(&self, seen: u64) {
        std::future::poll_fn(|cx| {
            let mut state = self.state.lock();
            if state.generation > seen {
                return Poll::Ready(());
            }
            if !state.wakers.iter().any(|waker| waker.will_wake(cx.waker())) {
                state.wakers.push(cx.waker().clone());
            }
            Poll::Pending
        })
        .await;
    }
}
