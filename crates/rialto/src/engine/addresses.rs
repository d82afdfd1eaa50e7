//! How many sessions come from one address.

use super::driver::{Client, Fault};
use parking_lot::Mutex;
use rialto_protocol::CloseReason;
use rialto_ws::MessageRef;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

/// Sessions by address: those open, and those whose admission is being decided.
///
/// It holds no more entries than there are such sessions.
pub(super) struct Addresses {
    most: usize,
    counts: Mutex<HashMap<IpAddr, usize>>,
}

/// A session of an address; dropping it takes it off the count.
pub(super) struct Place {
    addresses: Arc<Addresses>,
    address: IpAddr,
}

/// The address has all the sessions that it may have.
#[derive(Debug)]
pub(super) struct Crowded;

impl Addresses {
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, counts: Mutex::default() })
    }

    /// Counts a session.
    pub(super) fn enter(self: &Arc<Self>, peer: SocketAddr) -> Result<Place, Crowded> {
        let address = network(peer.ip());
        let mut counts = self.counts.lock();
        let before = counts.get(&address).copied().unwrap_or_default();
        if before >= self.most {
            return Err(Crowded);
        }
        counts.insert(address, before + 1);
        Ok(Place { addresses: Arc::clone(self), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.addresses.counts.lock();
        if let Some(count) = counts.get_mut(&self.address) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}

/// What one customer has, as in `rialto-ws`: an IPv4 address, or 64 bits of IPv6.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

/// A client that is counted until its session's task ends: others pay nothing for it.
pub(super) struct Counted {
    pub(super) client: Box<dyn Client>,
    pub(super) _place: Place,
}

impl Client for Counted {
    fn receive(
        &mut self,
        message: MessageRef<'_>,
        cx: &mut Context<'_>,
        now: Instant,
    ) -> Result<(), Fault> {
        self.client.receive(message, cx, now)
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.client.poll(cx)
    }

    fn wants_more(&self) -> bool {
        self.client.wants_more()
    }

    fn peer(&self) -> Option<SocketAddr> {
        self.client.peer()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.client.poll_timeout()
    }

    fn heard(&mut self, now: Instant) {
        self.client.heard(now);
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), Fault> {
        self.client.handle_timeout(now)
    }

    fn closed(&mut self, reason: CloseReason, cx: &mut Context<'_>) {
        self.client.closed(reason, cx);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_places_and_a_network_of_ipv6_is_one() {
        let addresses = Addresses::new(2);
        let enter = |text: &str| addresses.enter(SocketAddr::new(text.parse().unwrap(), 9));
        let first = enter("10.0.0.1").unwrap();
        let mapped = enter("::ffff:10.0.0.1").unwrap();
        assert!(enter("10.0.0.1").is_err());
        let others = ["10.0.0.2", "2001:db8:1:2::1", "2001:db8:1:2:ffff::9"]
            .map(|text| enter(text).unwrap());
        assert!(enter("2001:db8:1:2::1").is_err());
        assert!(enter("2001:db8:1:3::1").is_ok());
        drop(first);
        assert!(enter("10.0.0.1").is_ok(), "refusals take no place");
        drop((mapped, others));
        assert!(addresses.counts.lock().is_empty());
    }
}
