//! How many connections come from one address.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

/// Connections by address: those open, in their handshake, and being refused.
///
/// It holds no more entries than there are connections.
pub(super) struct Addresses {
    cap: usize,
    counts: Mutex<HashMap<IpAddr, Count>>,
}

#[derive(Clone, Copy, Default)]
struct Count {
    admitted: usize,
    refused: usize,
}

/// A connection of an address; dropping it takes it off the count.
pub(super) struct Entry {
    addresses: Arc<Addresses>,
    address: IpAddr,
    over: bool,
}

impl Addresses {
    pub(super) fn new(cap: usize) -> Self {
        Self { cap, counts: Mutex::default() }
    }

    /// Counts a connection. `None` if even its refusal would be too much: as many as the cap
    /// are being refused already.
    pub(super) fn enter(self: &Arc<Self>, address: IpAddr) -> Option<Entry> {
        let address = network(address);
        let mut counts = self.counts.lock();
        let count = counts.entry(address).or_default();
        let over = count.admitted >= self.cap;
        if !over {
            count.admitted += 1;
        } else if count.refused < self.cap.max(1) {
            count.refused += 1;
        } else {
            return None;
        }
        Some(Entry { addresses: Arc::clone(self), address, over })
    }
}

impl Entry {
    /// True if it came when its address had all the connections it may have.
    pub(super) fn is_over(&self) -> bool {
        self.over
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut counts = self.addresses.counts.lock();
        if let Some(count) = counts.get_mut(&self.address) {
            let part = if self.over { &mut count.refused } else { &mut count.admitted };
            *part = part.saturating_sub(1);
            if count.admitted + count.refused == 0 {
                counts.remove(&self.address);
            }
        }
    }
}

/// What one customer has: an IPv4 address, or 64 bits of IPv6.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_refused_beyond_its_cap_and_cut_beyond_as_many_refusals() {
        let addresses = Arc::new(Addresses::new(2));
        let enter = |text: &str| addresses.enter(text.parse().unwrap());
        let first = enter("10.0.0.1").unwrap();
        let mapped = enter("::ffff:10.0.0.1").unwrap();
        assert!(!first.is_over() && !mapped.is_over());
        let refused: Vec<_> = (0..2).map(|_| enter("10.0.0.1").unwrap()).collect();
        assert!(refused.iter().all(Entry::is_over));
        assert!(enter("10.0.0.1").is_none());
        assert!(!enter("10.0.0.2").unwrap().is_over());
        drop(first);
        assert!(!enter("10.0.0.1").unwrap().is_over(), "refusals take no place");
        drop((mapped, refused));
        assert!(addresses.counts.lock().is_empty());
    }

    #[test]
    fn an_ipv6_customer_is_a_network_of_64_bits() {
        let addresses = Arc::new(Addresses::new(1));
        let enter = |text: &str| addresses.enter(text.parse().unwrap());
        let _first = enter("2001:db8:1:2::1").unwrap();
        assert!(enter("2001:db8:1:2:ffff::9").unwrap().is_over());
        assert!(!enter("2001:db8:1:3::1").unwrap().is_over());
    }
}
