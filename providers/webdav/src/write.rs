//! Carrying out mutations within a turn.

use orkee_provider_sdk::{
    Failure, Mutation, Outcome, RejectReason, Rejection, Request, Response, Stored, recall, remember,
    send_all,
};

use crate::dav::{self, AT_ONCE};
use crate::place::{self, Place};
use crate::record;
use crate::turn::Turn;

/// The folders of records that are known to be there.
const SHELVES: &str = "shelves";
/// Of held envelopes in one answer: more than any usual batch, far below the memory that a call may use.
const MAX_HELD: usize = 16 << 20;

/// What became of the mutations.
pub(crate) struct Written<'a> {
    place: &'a Place,
    names: Vec<String>,
    outcomes: Vec<Option<Outcome>>,
    /// The records that may be other than they were: to be listed at the turn's end.
    pub(crate) touched: Vec<String>,
    held: usize,
}

/// A write that is ready to be sent.
struct Ready {
    mutation: usize,
    revision: String,
    request: Request,
}

impl<'a> Written<'a> {
    pub(crate) fn nothing(place: &'a Place, mutations: &[Mutation]) -> Result<Self, Failure> {
        let names = mutations.iter().map(|mutation| place::name(&mutation.id)).collect::<Result<_, _>>()?;
        let outcomes = mutations.iter().map(|_| None).collect();
        Ok(Self { place, names, outcomes, touched: Vec::new(), held: 0 })
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    pub(crate) fn outcomes(self) -> Vec<Outcome> {
        self.outcomes.into_iter().flatten().collect()
    }

    /// Makes the folders that the records go to, where nobody has done so yet.
    pub(crate) fn make_shelves(&self) -> Result<(), Failure> {
        let mut known: String = recall(SHELVES).unwrap_or_default();
        let mut new: Vec<char> =
            self.names().map(place::first).filter(|first| !known.contains(*first)).collect();
        new.sort_unstable();
        new.dedup();
        if new.is_empty() {
            return Ok(());
        }
        dav::ensure(&new.iter().map(|first| self.place.shelf(*first)).collect::<Vec<_>>())?;
        known.extend(new);
        remember(SHELVES, &known);
        Ok(())
    }

    /// Carries out all of them, a portion at a time. What was sent without an answer is among `touched` too.
    pub(crate) fn carry_out(&mut self, turn: &Turn<'_>, mutations: &[Mutation]) -> Result<(), Failure> {
        for start in (0..mutations.len()).step_by(AT_ONCE) {
            if !turn.has_time() {
                return Err(Failure::TooLarge(
                    "the server is too slow for so many records at once".to_owned(),
                ));
            }
            let portion = start..mutations.len().min(start + AT_ONCE);
            let ready = self.prepare(portion.clone(), mutations)?;
            if !turn.has_time() {
                return Err(Failure::TooLarge(
                    "the server is too slow for so many records at once".to_owned(),
                ));
            }
            self.send(ready, mutations)?;
        }
        Ok(())
    }

    /// Compares what is held with the guards.
    fn prepare(
        &mut self,
        portion: std::ops::Range<usize>,
        mutations: &[Mutation],
    ) -> Result<Vec<Ready>, Failure> {
        let guarded: Vec<_> = portion.clone().filter(|n| mutations[*n].guard.is_some()).collect();
        let paths: Vec<_> = guarded.iter().map(|n| self.place.record(&self.names[*n])).collect();
        let mut files = guarded.iter().zip(dav::read(&paths)?);
        let mut ready = Vec::new();
        for n in portion {
            let mutation = &mutations[n];
            let path = self.place.record(&self.names[n]);
            let revision = record::fresh()?;
            let put = dav::put(&path, record::packed(&revision, &mutation.envelope));
            let Some(guard) = &mutation.guard else {
                ready.push(Ready { mutation: n, revision, request: dav::if_new(put) });
                continue;
            };
            let Some((_, Some(file))) = files.next() else {
                self.conflict(n, mutation, None)?;
                continue;
            };
            let etag = file.etag.clone();
            let held = dav::stored(&path, file)?;
            match etag {
                _ if held.revision != *guard => self.conflict(n, mutation, Some(held))?,
                Some(etag) => {
                    ready.push(Ready { mutation: n, revision, request: dav::if_still(put, &etag) });
                }
                None => return Err(Failure::Unsuitable("this server gives its files no ETag".to_owned())),
            }
        }
        Ok(ready)
    }

    fn send(&mut self, ready: Vec<Ready>, mutations: &[Mutation]) -> Result<(), Failure> {
        let (mut refused, mut failed) = (Vec::new(), None);
        let replies = send_all(ready.iter().map(|write| write.request.clone()));
        for (write, reply) in ready.into_iter().zip(replies) {
            let n = write.mutation;
            match reply.map(|reply| (reply.status, reply)) {
                Ok((412, _)) => refused.push(n),
                Ok((413, _)) => self.outcomes[n] = Some(rejected()),
                Ok((_, reply)) if dav::is_done(&reply) => {
                    self.touched.push(self.names[n].clone());
                    self.outcomes[n] = Some(Outcome::Accepted(write.revision));
                }
                Ok((_, reply)) => failed = Some(self.odd(&reply)),
                // It may have arrived.
                Err(failure) => {
                    self.touched.push(self.names[n].clone());
                    failed = Some(failure);
                }
            }
        }
        if let Some(failure) = failed {
            return Err(failure);
        }
        let paths: Vec<_> = refused.iter().map(|n| self.place.record(&self.names[*n])).collect();
        for ((n, path), file) in refused.into_iter().zip(&paths).zip(dav::read(&paths)?) {
            let held = file.map(|file| dav::stored(path, file)).transpose()?;
            self.conflict(n, &mutations[n], held)?;
        }
        Ok(())
    }

    fn odd(&self, reply: &Response) -> Failure {
        if matches!(reply.status, 404 | 409) {
            // The folder is gone: it is made when this is sent again.
            orkee_provider_sdk::forget(SHELVES);
            return Failure::Busy(Some(500));
        }
        dav::failure(reply, "write a file")
    }

    fn conflict(&mut self, n: usize, mutation: &Mutation, held: Option<Stored>) -> Result<(), Failure> {
        if let Some(held) = &held {
            self.held += held.envelope.len();
            if self.held > MAX_HELD {
                return Err(Failure::TooLarge("the server holds too much instead".to_owned()));
            }
            if held.envelope == mutation.envelope {
                // Ours, sent once before without an answer. Others may have missed it: it is told again.
                self.touched.push(self.names[n].clone());
            }
        }
        self.outcomes[n] = Some(Outcome::Conflict(held));
        Ok(())
    }
}

fn rejected() -> Outcome {
    Outcome::Rejected(Rejection {
        reason: RejectReason::TooLarge,
        message: "the server takes no file of this size".to_owned(),
    })
}
