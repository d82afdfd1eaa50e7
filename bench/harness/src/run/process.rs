//! The server's process: started on its core, found listening, ended.

use super::Cores;
use anyhow::{Context, Result, bail};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_setaffinity};
use std::net::{TcpListener, TcpStream};
use std::ops::RangeInclusive;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

const START: Duration = Duration::from_secs(10);

/// A server that listens; dropped, it is killed.
pub(super) struct Running {
    child: Child,
    port: u16,
}

impl Running {
    /// Starts it on its cores and moves this thread to that of the clients.
    pub(super) fn start(command: &str, cores: Option<&Cores>) -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let command = command.replace("{port}", &port.to_string());
        if let Some(cores) = cores {
            pin(cores.server.clone())?;
        }
        // `exec`: the process whose time is read is the server, not a shell before it.
        let child = Command::new("sh")
            .args(["-c", &format!("exec {command}")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start `{command}`"))?;
        let mut running = Self { child, port };
        if let Some(cores) = cores {
            pin(cores.clients..=cores.clients)?;
        }
        running.wait().with_context(|| format!("`{command}`"))?;
        Ok(running)
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    fn wait(&mut self) -> Result<()> {
        let started = Instant::now();
        while started.elapsed() < START {
            if let Some(status) = self.child.try_wait()? {
                bail!("ended at once with {status}");
            }
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                // It has yet to see that this connection is gone.
                sleep(Duration::from_millis(50));
                return Ok(());
            }
            sleep(Duration::from_millis(10));
        }
        bail!("does not listen after {} s", START.as_secs())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Binds this thread, and the processes it starts from now on, to these cores.
fn pin(cores: RangeInclusive<usize>) -> Result<()> {
    let mut set = CpuSet::new();
    for core in cores.clone() {
        if core >= CpuSet::MAX_CPU {
            bail!("there is no core {core}");
        }
        set.set(core);
    }
    sched_setaffinity(None, &set).with_context(|| format!("cannot run on the cores {cores:?}"))
}

/// Raises the limit of open files to so many, or else as far as it goes, for this process and those
/// it starts; gives the limit.
#[must_use]
pub fn raise_open_files(wanted: u64) -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let maximum = limit.maximum.map(|maximum| maximum.max(wanted));
    // Beyond the maximum only the system's owner gets.
    if setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).is_err() {
        let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
    }
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}
