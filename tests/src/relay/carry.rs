//! A request on its way to the server, and the reply on its way back.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::sleep;
use std::time::Duration;

use url::Url;

use super::alter::unpacked;
use super::bytes::{misstated, path, read_request};
use super::{Copy, Seen, Shared, Way};
use crate::http::connect;

/// So long a reply waits to be overtaken. Where no other is under way, none will come.
const OVERTAKEN_WITHIN: Duration = Duration::from_millis(100);

impl Shared {
    pub(super) fn serve(&self, mut client: TcpStream) {
        let Some(request) = read_request(&mut client) else {
            return;
        };
        let way = self.way(&request);
        let reply = self.carry(&request, &way, &mut client);
        let _ = client.write_all(&reply.unwrap_or_default());
        *self.answered.lock().unwrap() += 1;
        self.was_answered.notify_all();
    }

    /// What is left to answer, if anything.
    fn carry(&self, request: &[u8], way: &Way, client: &mut TcpStream) -> Option<Vec<u8>> {
        match way {
            Way::Through => self.ask(request),
            Way::Held => {
                let reply = self.ask(request);
                self.keep();
                reply
            }
            Way::CutShort(bytes) => {
                self.ask(request).map(|reply| reply[..reply.len().saturating_sub(*bytes)].to_vec())
            }
            Way::Ignored => {
                self.keep();
                None
            }
            Way::Late(by) => {
                sleep(*by);
                let reply = self.ask(request);
                sleep(*by);
                reply
            }
            Way::RequestCut(bytes) => {
                let mut server = self.server()?;
                server.write_all(&request[..(*bytes).min(request.len() - 1)]).ok()?;
                None
            }
            Way::ReplyCut(bytes) => {
                self.ask(request).map(|reply| reply[..(*bytes).min(reply.len().saturating_sub(1))].to_vec())
            }
            Way::Stalled(bytes) => self.stall(request, *bytes, client),
            Way::Twice(copy) => {
                let (first, second) = (self.ask(request), self.ask(request));
                match copy {
                    Copy::First => first,
                    Copy::Second => second,
                }
            }
            Way::Overtaken => {
                let reply = self.ask(request);
                self.let_another_pass();
                reply
            }
            Way::Misstated(by) => self.ask(request).map(|reply| misstated(&reply, *by)),
            Way::Altered(by) => self.ask(&unpacked(request)).map(|reply| by.of(&reply)),
            Way::Answered(reply) => Some(reply.clone()),
            Way::Flooded(head) => {
                let _ = client.write_all(head);
                while client.write_all(&[0; 8192]).is_ok() {}
                None
            }
        }
    }

    fn way(&self, request: &[u8]) -> Way {
        let path = path(request);
        let rule = Arc::clone(&self.rule.lock().unwrap());
        let mut seen = self.seen.lock().unwrap();
        let earlier = seen.iter().filter(|before| **before == path).count();
        seen.push(path.clone());
        rule(&Seen { path, earlier })
    }

    fn server(&self) -> Option<TcpStream> {
        let url = Url::parse(&self.server.lock().unwrap()).unwrap();
        connect(&url).ok()
    }

    /// The server's reply, byte for byte; none where it cannot be reached.
    fn ask(&self, request: &[u8]) -> Option<Vec<u8>> {
        let mut server = self.server()?;
        server.write_all(request).ok()?;
        let mut reply = Vec::new();
        server.read_to_end(&mut reply).ok()?;
        if let Some(carried) = self.carried.lock().unwrap().as_mut() {
            carried.extend([request.to_vec(), reply.clone()]);
        }
        Some(reply)
    }

    /// Gives the beginning of the reply, and its rest when all is let go.
    fn stall(&self, request: &[u8], bytes: usize, client: &mut TcpStream) -> Option<Vec<u8>> {
        let reply = self.ask(request)?;
        let (begin, rest) = reply.split_at(bytes.min(reply.len().saturating_sub(1)));
        let _ = client.write_all(begin);
        self.keep();
        Some(rest.to_vec())
    }

    fn keep(&self) {
        let number = self.kept.fetch_add(1, Ordering::SeqCst) + 1;
        let released = self.released.lock().unwrap();
        drop(self.release.wait_while(released, |released| *released < number).unwrap());
    }

    fn let_another_pass(&self) {
        let answered = self.answered.lock().unwrap();
        let before = *answered;
        let waiting = |now: &mut usize| *now == before;
        drop(self.was_answered.wait_timeout_while(answered, OVERTAKEN_WITHIN, waiting).unwrap());
    }
}
