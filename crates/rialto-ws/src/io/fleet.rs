//! The connections of one runtime that have the same settings, and the task that watches them.
//!
//! No connection has a timer. One task per fleet, the sweeper, visits every connection once per
//! *beat*, a quarter of the shortest deadline, a slice of the list at a time so that neither its
//! work nor the pings come all at once. Deadlines are counted in visits, not read off a clock:
//! while this process or its runtime stands still, nobody is visited, and nothing counts against
//! a peer that nobody listened to.

use super::closing::Closing;
use super::writer::Shared;
use crate::budget::SharedBudget;
use crate::options::{Heartbeat, Options};
use parking_lot::Mutex;
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Weak};
use std::time::Duration;
use tokio::runtime::{Handle, Id};

/// Connections that one slice of a sweep visits, as long as the beat allows.
const SLICE: usize = 64;
/// Slices of one beat at most.
const SLICES: usize = 256;
/// The shortest and the longest beat.
const BEAT: (Duration, Duration) = (Duration::from_millis(1), Duration::from_secs(3600));
/// Visits within the time of one deadline: it is kept to a quarter, or to half at worst.
const VISITS: u32 = 4;

/// Visits within the longest deadline at most: they are counted in 16 bits.
const MOST_VISITS: u32 = 60_000;

/// What the connections of a fleet have in common: the part of the options that is used later.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Settings {
    pub(crate) send_budget: usize,
    pub(crate) close_timeout: Duration,
    heartbeat: Option<Heartbeat>,
    idle: Option<Duration>,
    stall: Option<Duration>,
    /// Which budget they share; the fleet holds it.
    shared: Option<usize>,
}

impl Settings {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            send_budget: options.send_budget,
            close_timeout: options.close_timeout,
            heartbeat: options.heartbeat,
            idle: options.idle_timeout,
            stall: options.stall_timeout,
            shared: options.shared_budget.as_ref().map(SharedBudget::id),
        }
    }

    /// The time between two visits of a connection; `None` if there is nothing to watch.
    fn beat(&self) -> Option<Duration> {
        let heartbeat = self.heartbeat.map(|heart| heart.interval.min(heart.timeout));
        let shortest = [heartbeat, self.idle, self.stall].into_iter().flatten().min()?;
        let heartbeat = self.heartbeat.map(|heart| heart.interval.max(heart.timeout));
        let longest = [heartbeat, self.idle, self.stall].into_iter().flatten().max()?;
        // Few connections have deadlines so far apart that the counters could overflow.
        Some((shortest / VISITS).max(longest / MOST_VISITS).clamp(BEAT.0, BEAT.1))
    }
}

/// The deadlines of a fleet, in visits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watch {
    pub(crate) heartbeat: Option<Beats>,
    pub(crate) idle: Option<u16>,
    pub(crate) stall: Option<u16>,
}

/// A heartbeat, in visits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Beats {
    /// Visits without a sign of life, after which a ping is sent.
    pub(crate) ping: u16,
    /// Visits without a sign of life after a ping, after which the peer is dead.
    pub(crate) dead: u16,
}

impl Watch {
    fn new(settings: &Settings, beat: Duration) -> Self {
        let visits = |time: Duration| {
            let visits = time.as_nanos().div_ceil(beat.as_nanos().max(1));
            u16::try_from(visits).unwrap_or(u16::MAX - 1)
        };
        Self {
            heartbeat: settings.heartbeat.map(|heart| Beats {
                // A connection that only pongs is pinged once per interval in this way.
                ping: visits(heart.interval / 2).max(1),
                dead: visits(heart.timeout),
            }),
            idle: settings.idle.map(visits),
            stall: settings.stall.map(visits),
        }
    }
}

/// The connections of one runtime with the same settings.
pub(crate) struct Fleet {
    pub(crate) settings: Settings,
    pub(crate) runtime: Handle,
    pub(crate) shared: Option<SharedBudget>,
    members: Mutex<Members>,
    pub(super) closing: Closing,
}

/// A slot keeps its place until its connection is gone; a free one holds no address.
#[derive(Default)]
struct Members {
    slots: Vec<Weak<Shared>>,
    free: Vec<u32>,
    /// The sweeper runs.
    swept: bool,
}

type Key = (Id, Settings);

static FLEETS: LazyLock<Mutex<HashMap<Key, Weak<Fleet>>>> = LazyLock::new(Mutex::default);

thread_local! {
    /// The fleet that was asked for last: on a server it is asked for again.
    static LAST: RefCell<Option<(Key, Weak<Fleet>)>> = const { RefCell::new(None) };
}

impl Fleet {
    /// The fleet of the current runtime for these settings, which name this budget.
    pub(crate) fn of(settings: Settings, shared: Option<&SharedBudget>) -> Arc<Self> {
        let runtime = Handle::current();
        let key = (runtime.id(), settings);
        let last = LAST.with_borrow(|last| match last {
            Some((known, fleet)) if *known == key => fleet.upgrade(),
            _ => None,
        });
        last.unwrap_or_else(|| {
            let fleet = Self::look_up(key, runtime, shared);
            LAST.set(Some((key, Arc::downgrade(&fleet))));
            fleet
        })
    }

    fn look_up(key: Key, runtime: Handle, shared: Option<&SharedBudget>) -> Arc<Self> {
        let mut fleets = FLEETS.lock();
        if let Some(fleet) = fleets.get(&key).and_then(Weak::upgrade) {
            return fleet;
        }
        fleets.retain(|_, fleet| fleet.strong_count() > 0);
        let (members, closing) = (Mutex::default(), Closing::default());
        let shared = shared.cloned();
        let fleet = Arc::new(Self { settings: key.1, runtime, shared, members, closing });
        fleets.insert(key, Arc::downgrade(&fleet));
        fleet
    }

    /// Enters a connection; the answer is its place, to be given to [`Fleet::leave`].
    pub(crate) fn join(self: &Arc<Self>, member: Weak<Shared>) -> u32 {
        let Some(beat) = self.settings.beat() else { return u32::MAX };
        let mut members = self.members.lock();
        if !members.swept {
            members.swept = true;
            self.runtime.spawn(sweep(Arc::clone(self), beat));
        }
        if let Some(place) = members.free.pop() {
            if let Some(slot) = members.slots.get_mut(place as usize) {
                *slot = member;
            }
            return place;
        }
        // More connections than that no machine has; one without a place is not watched.
        let Ok(place) = u32::try_from(members.slots.len()) else { return u32::MAX };
        members.slots.push(member);
        place
    }

    /// Frees the place of a connection that is gone.
    pub(crate) fn leave(&self, place: u32) {
        let mut members = self.members.lock();
        let Some(slot) = members.slots.get_mut(place as usize) else { return };
        *slot = Weak::new();
        members.free.push(place);
        if members.free.len() == members.slots.len() {
            members.slots = Vec::new();
            members.free = Vec::new();
        }
    }
}

impl Members {
    /// How a sweep that begins now is cut: slices, and connections in each.
    fn slices(&self, beat: Duration) -> (usize, usize) {
        let most = usize::try_from(beat.as_millis()).unwrap_or(SLICES).clamp(1, SLICES);
        let slices = self.slots.len().div_ceil(SLICE).clamp(1, most);
        (slices, self.slots.len().div_ceil(slices))
    }
}

/// Visits every connection of the fleet once per beat, until there is none.
async fn sweep(fleet: Arc<Fleet>, beat: Duration) {
    let watch = Watch::new(&fleet.settings, beat);
    let mut batch: Vec<Arc<Shared>> = Vec::new();
    loop {
        let (slices, size) = fleet.members.lock().slices(beat);
        let pause = beat / u32::try_from(slices).unwrap_or(1);
        for slice in 0..slices {
            tokio::time::sleep(pause).await;
            let from = slice * size;
            {
                let mut members = fleet.members.lock();
                if members.slots.is_empty() {
                    members.swept = false;
                    return;
                }
                // The last slice takes those that have come since the sweep began.
                let to = if slice + 1 == slices { usize::MAX } else { from + size };
                let to = to.min(members.slots.len());
                let slots = members.slots.get(from..to).unwrap_or_default();
                batch.extend(slots.iter().filter_map(Weak::upgrade));
            }
            // Not under the lock: whoever drops a connection here leaves the fleet.
            for shared in batch.drain(..) {
                shared.visit(&watch);
            }
        }
        batch.shrink_to(SLICE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(heartbeat: Option<(u64, u64)>, idle: Option<u64>, stall: Option<u64>) -> Settings {
        let seconds = Duration::from_secs;
        let heartbeat = heartbeat.map(|(i, t)| Heartbeat::new(seconds(i), seconds(t)));
        Settings {
            send_budget: 1,
            close_timeout: seconds(1),
            heartbeat,
            idle: idle.map(seconds),
            stall: stall.map(seconds),
            shared: None,
        }
    }

    #[test]
    fn the_shortest_deadline_sets_the_beat_and_all_are_rounded_up() {
        let settings = settings(Some((30, 20)), Some(61), Some(30));
        let beat = settings.beat().unwrap();
        assert_eq!(beat, Duration::from_secs(5));
        let watch = Watch::new(&settings, beat);
        let heartbeat = watch.heartbeat.unwrap();
        assert_eq!((heartbeat.ping, heartbeat.dead), (3, 4));
        assert_eq!((watch.idle, watch.stall), (Some(13), Some(6)));
    }

    #[test]
    fn without_deadlines_nothing_is_watched() {
        assert_eq!(settings(None, None, None).beat(), None);
        assert_eq!(settings(None, None, Some(4)).beat(), Some(Duration::from_secs(1)));
        assert_eq!(settings(None, Some(0), None).beat(), Some(BEAT.0));
        let apart = settings(Some((1, 1)), Some(100_000), None);
        let watch = Watch::new(&apart, apart.beat().unwrap());
        assert!((60_000..60_010).contains(&watch.idle.unwrap()));
    }

    #[tokio::test(start_paused = true)]
    async fn places_are_used_again_and_the_sweeper_ends_with_the_last() {
        let fleet = Fleet::of(settings(None, Some(4), None), None);
        assert!(
            Arc::ptr_eq(&fleet, &Fleet::of(fleet.settings, None)),
            "one fleet for the same settings"
        );
        let places: Vec<_> = (0..3).map(|_| fleet.join(Weak::new())).collect();
        assert_eq!(places, [0, 1, 2]);
        fleet.leave(1);
        assert_eq!(fleet.join(Weak::new()), 1);
        for place in places {
            fleet.leave(place);
        }
        assert!(fleet.members.lock().swept);
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert!(!fleet.members.lock().swept, "nobody is left to be watched");
        assert_eq!(Arc::strong_count(&fleet), 1);
    }

    #[test]
    fn each_runtime_has_its_own_fleet_and_lets_it_go() {
        let settings = settings(None, None, Some(7));
        let fleet = || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.unwrap();
            let fleet = runtime.block_on(async {
                let fleet = Fleet::of(settings, None);
                fleet.join(Weak::new());
                Arc::downgrade(&fleet)
            });
            assert!(fleet.upgrade().is_some(), "the sweeper holds it");
            drop(runtime);
            assert!(fleet.upgrade().is_none(), "nothing of a runtime outlives it");
            fleet
        };
        assert!(!Weak::ptr_eq(&fleet(), &fleet()));
    }

    #[test]
    fn a_large_fleet_is_visited_in_many_slices_and_a_short_beat_in_few() {
        let members = |count| Members {
            slots: std::iter::repeat_with(Weak::new).take(count).collect(),
            ..Members::default()
        };
        assert_eq!(members(1).slices(Duration::from_secs(5)), (1, 1));
        assert_eq!(members(10_000).slices(Duration::from_secs(5)), (157, 64));
        assert_eq!(members(1_000_000).slices(Duration::from_secs(5)), (256, 3907));
        assert_eq!(members(10_000).slices(Duration::from_millis(2)), (2, 5000));
    }
}
