//! The messages of one client that wait for their reply.

use anyhow::{Result, bail};

/// Which numbers are in flight.
pub(super) struct Window {
    /// By the number's place in the ring; 0: nothing.
    waiting: Vec<u64>,
    /// How many wait.
    count: usize,
    /// How many waited in vain.
    lost: u64,
}

impl Window {
    /// Room for that many, and as many again before one that waits counts as lost.
    pub(super) fn new(depth: usize) -> Self {
        Self { waiting: vec![0; depth * 2], count: 0, lost: 0 }
    }

    fn place(&mut self, number: u64) -> &mut u64 {
        let place = usize::try_from(number % self.waiting.len() as u64).unwrap_or(0);
        &mut self.waiting[place]
    }

    /// That number is sent.
    pub(super) fn open(&mut self, number: u64) {
        match std::mem::replace(self.place(number), number) {
            0 => self.count += 1,
            _ => self.lost += 1,
        }
    }

    /// That number is answered.
    ///
    /// # Errors
    /// When nothing waited for it.
    pub(super) fn close(&mut self, number: u64) -> Result<()> {
        let place = self.place(number);
        if *place != number {
            bail!("a reply came twice, or far too late");
        }
        *place = 0;
        self.count -= 1;
        Ok(())
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        self.count
    }

    /// How many never came, once nothing comes any more.
    pub(super) fn lost(&self) -> u64 {
        self.lost + self.count as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_too_long_is_lost() {
        let mut window = Window::new(1);
        window.open(10);
        window.open(11);
        window.close(11).unwrap();
        window.open(12);
        assert_eq!((window.waiting(), window.lost()), (1, 2));
        window.close(12).unwrap();
        assert_eq!((window.waiting(), window.lost()), (0, 1));
    }

    #[test]
    fn nothing_is_answered_twice() {
        let mut window = Window::new(4);
        window.open(10);
        window.close(10).unwrap();
        assert!(window.close(10).is_err());
        assert!(window.close(18).is_err());
    }
}
