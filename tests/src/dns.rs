//! A name server that answers by a script, and may answer otherwise each time it is asked.

use std::net::{Ipv4Addr, UdpSocket};
use std::sync::{Arc, Mutex};
use std::thread;

/// The server, for as long as the test runs.
pub struct Dns {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    names: Mutex<Vec<Name>>,
}

/// A name, and what is answered one time after the other; the last for all times after that.
struct Name {
    name: String,
    answers: Vec<Vec<Ipv4Addr>>,
    asked: usize,
}

/// Types of records, and the answers to what is not there.
const A: u16 = 1;
const IN: u16 = 1;
const NO_SUCH_NAME: u16 = 3;
/// An answer, authoritative.
const ANSWER: u16 = 0x8400;

impl Dns {
    /// A server at this address that knows no name yet.
    pub fn at(address: &str) -> Self {
        let socket = UdpSocket::bind(address).unwrap();
        let shared = Arc::new(Shared::default());
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            let mut packet = [0; 1500];
            while let Ok((length, from)) = socket.recv_from(&mut packet) {
                if let Some(answer) = serving.answer(&packet[..length]) {
                    let _ = socket.send_to(&answer, from);
                }
            }
        });
        Self { shared }
    }

    /// Answers these addresses to who asks for the name, one list after the other; the last one from then on. No answer may be kept.
    pub fn script(&self, name: &str, answers: &[&[&str]]) {
        let answers: Vec<Vec<Ipv4Addr>> =
            answers.iter().map(|list| list.iter().map(|ip| ip.parse().unwrap()).collect()).collect();
        assert!(!answers.is_empty(), "a script without an answer");
        let mut names = self.shared.names.lock().unwrap();
        names.retain(|known| known.name != name);
        names.push(Name { name: name.to_owned(), answers, asked: 0 });
    }

    /// How often addresses of the name were asked for since it got its script.
    pub fn asked(&self, name: &str) -> usize {
        self.shared
            .names
            .lock()
            .unwrap()
            .iter()
            .find(|known| known.name == name)
            .map_or(0, |known| known.asked)
    }
}

impl Shared {
    /// The answer to a query with one question.
    fn answer(&self, query: &[u8]) -> Option<Vec<u8>> {
        let (name, end) = question(query)?;
        let kind = u16::from_be_bytes(query.get(end..end + 2)?.try_into().ok()?);
        let mut names = self.names.lock().unwrap();
        let known = names.iter_mut().find(|known| known.name == name);
        let code = if known.is_some() { 0 } else { NO_SUCH_NAME };
        let addresses = match known {
            Some(known) if kind == A => {
                let turn = known.asked.min(known.answers.len() - 1);
                known.asked += 1;
                known.answers[turn].clone()
            }
            _ => Vec::new(),
        };
        let mut packet = query.get(..2)?.to_vec();
        for number in [ANSWER | code, 1, addresses.len() as u16, 0, 0] {
            packet.extend_from_slice(&number.to_be_bytes());
        }
        packet.extend_from_slice(query.get(12..end + 4)?);
        for address in addresses {
            // The name stands in the question, at byte 12; it holds for no second.
            packet.extend_from_slice(&[0xc0, 12]);
            for number in [A, IN, 0, 0, 4] {
                packet.extend_from_slice(&number.to_be_bytes());
            }
            packet.extend_from_slice(&address.octets());
        }
        Some(packet)
    }
}

/// The name that is asked for, and where it ends.
fn question(query: &[u8]) -> Option<(String, usize)> {
    let (mut labels, mut at) = (Vec::new(), 12);
    loop {
        let length = usize::from(*query.get(at)?);
        at += 1;
        if length == 0 {
            return Some((labels.join("."), at));
        }
        labels.push(String::from_utf8_lossy(query.get(at..at + length)?).to_ascii_lowercase());
        at += length;
    }
}
