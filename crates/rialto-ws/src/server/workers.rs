//! [`Workers`]: threads that each run a runtime of one thread, for servers that use several cores.

use super::endpoint::Endpoint;
use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::io;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// Threads for blocking work of all workers together, as one runtime of tokio's has, and the
/// least that each of them has.
const BLOCKING: (usize, usize) = (512, 32);
/// How often a worker that is no longer needed looks whether its last task has ended.
const LOOK: Duration = Duration::from_millis(100);
/// How long a worker that is at work may hold up the end of accepting.
const LET_GO: Duration = Duration::from_secs(1);
/// Until an accept loop that has panicked begins again.
const AGAIN: Duration = Duration::from_millis(100);

/// Threads with a current-thread runtime each: a server's cores, without work stealing.
///
/// [`Serve::workers`](crate::Serve::workers) has them. Use them by yourself for accept loops of
/// your own: [`Workers::bind`] gives each its listener, [`Workers::attend`] runs the loops.
///
/// A connection stays with the worker that accepted it, and so does what its handler spawns:
/// nothing moves from one core to another, and a handler that blocks its thread holds up every
/// other connection of that worker. `tokio::task::block_in_place` panics there.
///
/// When this is dropped, each thread ends as soon as the last task on it has: what was accepted
/// is served to its end, as on a runtime of the application's own.
///
/// ```no_run
/// # async fn example() -> rialto_ws::Result<()> {
/// use rialto_ws::Workers;
///
/// let workers = Workers::start(0)?;
/// let listeners = workers.bind("127.0.0.1:8080").await?;
/// let stop = std::future::pending();
/// workers
///     .attend(listeners, stop, |listener| async move {
///         while let Ok((stream, _)) = listener.accept().await {
///             // On this worker, as everything that the task spawns.
///             tokio::spawn(async move { rialto_ws::accept(stream).await });
///         }
///     })
///     .await;
/// # Ok(())
/// # }
/// ```
pub struct Workers(Vec<Worker>);

struct Worker {
    runtime: Handle,
    /// Dropped when the worker is no longer needed.
    _needed: oneshot::Sender<()>,
}

impl Workers {
    /// Starts so many threads; 0 is one for each core that this process may use
    /// ([`std::thread::available_parallelism`]).
    ///
    /// # Errors
    /// If the system has no thread or no descriptor left.
    pub fn start(workers: usize) -> io::Result<Self> {
        let workers = match workers {
            0 => thread::available_parallelism().map_or(1, NonZeroUsize::get),
            workers => workers,
        };
        let started: io::Result<_> = (0..workers).map(|i| Worker::start(i, workers)).collect();
        started.map(Self)
    }

    /// The runtimes of the workers.
    pub fn runtimes(&self) -> impl ExactSizeIterator<Item = &Handle> {
        self.0.iter().map(|worker| &worker.runtime)
    }

    /// Binds an address once for each worker, in their order; all share its port.
    ///
    /// On Linux each worker has a socket of its own (`SO_REUSEPORT`): the kernel chooses one for
    /// each client by a hash of the addresses and ports, whatever the workers have to do. With so
    /// few clients that this matters, some workers have none. Elsewhere, and for a listener that
    /// is bound already, all wait at the same socket, and whoever is first gets the client.
    ///
    /// A port on which anybody else listens is an error, unless [`Endpoint::reuse_port`] allows it.
    ///
    /// # Errors
    /// If the address cannot be bound, or is a Unix socket.
    pub async fn bind(&self, address: impl Into<Endpoint>) -> io::Result<Vec<TcpListener>> {
        let runtimes: Vec<_> = self.runtimes().cloned().collect();
        address.into().bind_tcp_on(&runtimes).await
    }

    /// Runs `task` on each worker until `stop` is ready, with the listener of that worker.
    /// Then the tasks are dropped, and with them the listeners.
    ///
    /// A task that panics is run again, so that no worker goes deaf. Tasks that a worker does not
    /// let go of within a second, because something blocks its thread, are left to end later.
    ///
    /// Cancel safe: the tasks are dropped when this is.
    pub async fn attend<L, F>(
        &self,
        listeners: Vec<L>,
        stop: impl Future<Output = ()>,
        task: impl Fn(Arc<L>) -> F,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        attend(self.runtimes().cloned().zip(listeners).collect(), stop, task).await;
    }
}

impl fmt::Debug for Workers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Workers").field(&self.0.len()).finish()
    }
}

impl Worker {
    fn start(number: usize, of: usize) -> io::Result<Self> {
        let (needed, done) = oneshot::channel();
        let (tell, told) = mpsc::sync_channel(1);
        thread::Builder::new().name(format!("rialto-worker{number}")).spawn(move || {
            // Made here, because where it is made it must also be dropped.
            match build(of) {
                Ok(runtime) => {
                    drop(tell.send(Ok(runtime.handle().clone())));
                    runtime.block_on(serve_out(done));
                }
                Err(error) => drop(tell.send(Err(error))),
            }
        })?;
        let runtime = told.recv().map_err(io::Error::other)??;
        Ok(Self { runtime, _needed: needed })
    }
}

fn build(workers: usize) -> io::Result<Runtime> {
    let blocking = (BLOCKING.0 / workers).max(BLOCKING.1);
    Builder::new_current_thread().enable_all().max_blocking_threads(blocking).build()
}

/// Ready when the worker is not needed and nothing runs on it.
async fn serve_out(done: oneshot::Receiver<()>) {
    // Nothing is ever sent: what is waited for is that the other end is dropped.
    drop(done.await);
    while Handle::current().metrics().num_alive_tasks() > 0 {
        sleep(LOOK).await;
    }
}

type Post<L> = (Handle, Arc<L>);

/// See [`Workers::attend`]; for any runtimes.
pub(super) async fn attend<L, F>(
    posts: Vec<(Handle, L)>,
    stop: impl Future<Output = ()>,
    task: impl Fn(Arc<L>) -> F,
) where
    F: Future<Output = ()> + Send + 'static,
{
    let posts: Vec<_> = posts.into_iter().map(|(on, what)| (on, Arc::new(what))).collect();
    let mut tasks = JoinSet::new();
    let mut running = HashMap::new();
    let start = |tasks: &mut JoinSet<()>, post: &Post<L>, pause| {
        tasks.spawn_on(after(pause, task(Arc::clone(&post.1))), &post.0).id()
    };
    for post in &posts {
        running.insert(start(&mut tasks, post, Duration::ZERO), post);
    }
    let mut stop = pin!(stop);
    loop {
        let ended = tokio::select! {
            () = &mut stop => break,
            Some(ended) = tasks.join_next_with_id() => ended,
        };
        if let Err(error) = ended
            && let Some(post) = running.remove(&error.id())
            && error.is_panic()
        {
            tracing::error!(%error, "accepting panicked and begins again");
            running.insert(start(&mut tasks, post, AGAIN), post);
        }
    }
    drop(posts);
    // What is left is dropped, with its listener, when its thread comes to it.
    let _ = timeout(LET_GO, tasks.shutdown()).await;
}

async fn after(pause: Duration, task: impl Future<Output = ()>) {
    if !pause.is_zero() {
        sleep(pause).await;
    }
    task.await;
}
