//! Filling requests with what waits to be sent.
//!
//! The records that wait are found by their index, from the row where the last look ended, so that a request costs what it
//! carries. What leaves is marked as sent first: if no answer comes, the same version goes again before anything newer.

use orkee_wire::KEYS_ID;

use super::{BATCH, IN_FLIGHT, PARCEL, Sent, Session, SyncError};
use crate::seal::keys::Keys;
use crate::store::{Durability, Store, Tx, Waiting, names_damaged};
use crate::sync::event::{Event, What};
use crate::sync::options::Push;
use crate::sync::provider::Mutation;

impl Session {
    /// Whether a request may carry mutations now.
    pub(super) fn may_push(&self) -> bool {
        let in_flight = if self.options.in_flight == 0 { IN_FLIGHT } else { self.options.in_flight };
        // The first request goes alone: it may turn out that the cursor is of no use any more.
        let has_room = self.flights.len() < if self.is_met { in_flight } else { 1 };
        has_room
            && self.held.is_none()
            && !self.lists_first
            && self.waiting.is_empty()
            && !self.holds_back
            && !self.options.dry_run
            && self.options.push != Push::Nothing
    }

    /// The next records to send, marked as sent.
    pub(super) fn fill(&mut self, store: &mut Store) -> Result<Vec<(Sent, Mutation)>, SyncError> {
        if !store.has_waiting()? {
            return Ok(Vec::new());
        }
        // The mark must survive whatever the request does: without it our own version could come back as a stranger.
        self.transact_as(Durability::Full, store, |session, tx| {
            let mut batch = session.fill_from(tx, session.swept)?;
            if batch.is_empty() && session.swept > 0 {
                batch = session.fill_from(tx, 0)?;
            }
            session.swept = batch.last().map_or(0, |(sent, _)| sent.row);
            for (sent, _) in &batch {
                tx.mark_sent(sent.row, sent.number)?;
                session.busy.insert(sent.row);
            }
            Ok(batch)
        })
    }

    fn fill_from(&mut self, tx: &mut Tx<'_>, after: i64) -> Result<Vec<(Sent, Mutation)>, SyncError> {
        let most = match self.options.batch {
            0 => self.limits.max_mutations.min(BATCH),
            batch => batch.min(self.limits.max_mutations),
        };
        let (mut batch, mut bytes, mut unsendable) = (Vec::new(), 0u64, Vec::new());
        tx.visit_waiting(
            after,
            |row| self.busy.contains(&row),
            |waiting| {
                if !self.options.push.takes(waiting.id) {
                    return true;
                }
                let (sent, envelope) =
                    match outgoing(waiting, &self.options.keys, self.options.author.as_deref()) {
                        Ok(outgoing) => outgoing,
                        Err((sent, reason)) => {
                            unsendable.push((sent, reason));
                            return true;
                        }
                    };
                let size = envelope.len() as u64;
                if size > self.limits.max_record_bytes.min(self.limits.max_bytes) {
                    unsendable.push((
                        sent.0,
                        format!("it has {size} bytes, the cloud takes {}", self.limits.max_record_bytes),
                    ));
                    return true;
                }
                bytes += size;
                if bytes > self.limits.max_bytes.min(PARCEL) {
                    return false;
                }
                self.summary.resumed += u64::from(sent.1);
                let sent = sent.0;
                let mutation = Mutation { id: sent.id.to_string(), guard: sent.guard.clone(), envelope };
                batch.push((sent, mutation));
                batch.len() < most.max(1) as usize
            },
        )?;
        for (sent, reason) in unsendable {
            self.set_aside_ours(tx, &sent, &reason)?;
        }
        Ok(batch)
    }

    /// Ours cannot be sent: it is set aside, and stops nothing else.
    pub(super) fn set_aside_ours(&mut self, tx: &Tx<'_>, sent: &Sent, reason: &str) -> Result<(), SyncError> {
        tx.park(sent.row, sent.number, reason)?;
        self.tell(sent, What::Parked { reason: reason.to_owned() });
        Ok(())
    }

    pub(super) fn tell(&mut self, sent: &Sent, what: What) {
        self.events.push(Event { id: sent.id.to_string(), name: sent.name.clone(), what });
    }

    /// Tells what would be sent.
    pub(super) fn plan_pushes(&mut self, store: &mut Store) -> Result<(), SyncError> {
        self.transact(store, |session, tx| {
            let mut planned = Vec::new();
            tx.visit_waiting(
                0,
                |_| false,
                |waiting| {
                    if session.options.push.takes(waiting.id) {
                        let what =
                            if waiting.version.payload.is_none() { What::PushedDelete } else { What::Pushed };
                        planned.push(Event { id: waiting.id.to_string(), name: waiting.name, what });
                    }
                    true
                },
            )?;
            session.events.append(&mut planned);
            Ok(())
        })
    }
}

/// What leaves, whether it left before, and its envelope.
type Outgoing = ((Sent, bool), Vec<u8>);

/// A waiting version in its envelope, ready to leave, and whether it left before; or why it cannot leave.
fn outgoing(waiting: Waiting, keys: &Keys, author: Option<&str>) -> Result<Outgoing, (Sent, String)> {
    let damaged = waiting.version.payload.as_deref().and_then(names_damaged);
    let written = if waiting.id.as_str() == KEYS_ID {
        Err("its id is that of the account's key document".to_owned())
    } else if let Some(fields) = damaged {
        Err(format!("the locked text of {fields} is damaged on this device"))
    } else {
        keys.write(waiting.id, &waiting.version, author).map_err(|why| why.to_string())
    };
    let sent = |epoch| Sent {
        row: waiting.row,
        id: waiting.id,
        name: waiting.name,
        is_tombstone: waiting.version.payload.is_none(),
        number: waiting.number,
        guard: waiting.guard,
        epoch,
    };
    match written {
        Ok((envelope, epoch)) => Ok(((sent(epoch), waiting.is_resent), envelope)),
        Err(why) => Err((sent(0), why)),
    }
}
