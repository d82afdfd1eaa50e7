//! Broadcasts under way: which have been published, and how many receivers still wait for each.

use anyhow::{Result, bail};

/// The account of every message in flight.
pub(super) struct Deliveries {
    receivers: usize,
    published: u64,
    /// The oldest number that somebody waits for.
    oldest: u64,
    /// Receivers that wait for a number, by its place in the ring. All in flight fit.
    missing: Vec<usize>,
}

impl Deliveries {
    /// At most `depth` messages in flight, each to so many receivers.
    pub(super) fn new(receivers: usize, depth: usize) -> Self {
        Self { receivers, published: 0, oldest: 0, missing: vec![0; depth] }
    }

    fn place(&self, number: u64) -> usize {
        usize::try_from(number % self.missing.len() as u64).unwrap_or(0)
    }

    /// One message more is published; gives its number, from 0.
    pub(super) fn publish(&mut self) -> u64 {
        let (number, place) = (self.published, self.place(self.published));
        self.missing[place] = self.receivers;
        self.published += 1;
        number
    }

    /// One receiver has that message.
    ///
    /// # Errors
    /// When every receiver had it before, or nobody has published it.
    pub(super) fn delivered(&mut self, number: u64) -> Result<()> {
        let place = self.place(number);
        let missing = &mut self.missing[place];
        if number >= self.published || number < self.oldest || *missing == 0 {
            bail!("a subscriber got a message twice");
        }
        *missing -= 1;
        Ok(())
    }

    /// How many messages have reached everybody since the last call.
    pub(super) fn complete(&mut self) -> usize {
        let mut count = 0;
        while self.oldest < self.published && self.missing[self.place(self.oldest)] == 0 {
            self.oldest += 1;
            count += 1;
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_complete_when_everybody_has_it() {
        let mut deliveries = Deliveries::new(2, 2);
        assert_eq!([deliveries.publish(), deliveries.publish()], [0, 1]);
        for (number, complete) in [(0, 0), (1, 0), (1, 0), (0, 2)] {
            deliveries.delivered(number).unwrap();
            assert_eq!(deliveries.complete(), complete);
        }
        for never in [0, 1, 2] {
            assert!(deliveries.delivered(never).is_err());
        }
    }
}
