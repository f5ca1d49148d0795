//! Who goes next. One request is under way at a time, so that a run depends on its seed alone.

use std::sync::mpsc::{Receiver, Sender, channel};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Carried,
    Lost,
    ReplyLost,
    /// Lost, and so is whatever this call asks later: the process was killed.
    Last,
}

enum Said {
    Waits(usize),
    Left(usize),
}

pub(super) struct Turns {
    said: Receiver<Said>,
    go: Vec<Sender<Fate>>,
    waits: Vec<bool>,
    left: Vec<bool>,
}

/// A device's place in it.
pub(super) struct Seat {
    number: usize,
    said: Sender<Said>,
    go: Receiver<Fate>,
}

impl Turns {
    pub(super) fn new(devices: usize) -> (Self, Vec<Seat>) {
        let (sender, said) = channel();
        let (mut go, mut seats) = (Vec::new(), Vec::new());
        for number in 0..devices {
            let (to, from) = channel();
            go.push(to);
            seats.push(Seat { number, said: sender.clone(), go: from });
        }
        (Self { said, go, waits: vec![false; devices], left: vec![false; devices] }, seats)
    }

    /// Those that wait, once nobody is under way. None: all have left.
    pub(super) fn waiting(&mut self) -> Option<Vec<usize>> {
        while self.waits.iter().zip(&self.left).any(|(waits, left)| !waits && !left) {
            match self.said.recv() {
                Ok(Said::Waits(number)) => self.waits[number] = true,
                Ok(Said::Left(number)) => (self.left[number], self.waits[number]) = (true, false),
                Err(_) => return None,
            }
        }
        let waiting: Vec<_> = (0..self.waits.len()).filter(|number| self.waits[*number]).collect();
        (!waiting.is_empty()).then_some(waiting)
    }

    pub(super) fn go(&mut self, number: usize, fate: Fate) {
        self.waits[number] = false;
        self.go[number].send(fate).unwrap();
    }
}

impl Seat {
    pub(super) fn wait(&self) -> Fate {
        self.said.send(Said::Waits(self.number)).unwrap();
        self.go.recv().unwrap()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let _ = self.said.send(Said::Left(self.number));
    }
}
