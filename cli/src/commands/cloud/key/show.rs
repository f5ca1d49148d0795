//! `orkee cloud key show`

use orkee_core::auth::Asking;
use orkee_core::seal::keys::{KeyError, KeyFile, KeyFileError, Keys, Met, read};
use orkee_core::seal::{Document, Recipient, RecipientKey};
use orkee_core::store::{Durability, Parked, Store, StoreError};
use serde::Serialize;

use super::desk::Desk;
use super::shown::{self, KeyView};
use crate::commands::cloud::connection::Connection;
use crate::commands::cloud::surroundings::{self, Cloud};
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};
use crate::output::table::Table;
use crate::output::text;

/// Show whether the account is sealed, and who has its key
///
/// Never shows the key or the recovery phrase. The check value is the same wherever the key is the same.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud key show
  orkee cloud key show --offline --json")]
pub(crate) struct Show {
    /// Ask no server; show what is known here
    #[arg(long)]
    offline: bool,
}

/// Whether an account is sealed, as far as this device knows.
pub(crate) struct Sealing {
    keys: Keys,
    file: KeyFile,
    /// What is known where the secrets of the key are locked.
    locked: Option<Document>,
}

#[derive(Serialize)]
struct Output<'a> {
    sealed: bool,
    /// Whether the account's key is on this device.
    key_here: bool,
    #[serde(flatten)]
    key: Option<KeyView>,
    /// `file`, `keyring` or `locked`.
    kept: Option<&'static str>,
    key_file: Option<String>,
    made: Option<Made<'a>>,
    recipients: Vec<RecipientView<'a>>,
    /// Projects that the cloud still holds in another form.
    left_to_reseal: Option<u64>,
    /// Those of them that no sync gets on with.
    stuck: Vec<StuckView>,
}

#[derive(Serialize)]
struct Made<'a> {
    at: &'a str,
    device: &'a str,
}

#[derive(Serialize)]
struct RecipientView<'a> {
    id: &'a str,
    kind: &'static str,
    name: Option<&'a str>,
    device: Option<&'a str>,
    added: &'a str,
    this_device: bool,
}

/// What a change over has before it.
struct Left {
    /// The epoch that all of it is to have; 0: plain.
    to: u32,
    count: u64,
    /// What no sync gets on with.
    stuck: Vec<Parked>,
}

/// A record that keeps the floor where it is.
#[derive(Serialize)]
struct StuckView {
    id: String,
    reason: String,
    from_cloud: bool,
}

impl StuckView {
    fn of(parked: Parked) -> Self {
        Self { id: parked.id, reason: parked.reason, from_cloud: parked.is_from_cloud }
    }
}

impl Left {
    /// As a person is told of it.
    fn print(&self, cx: &Context) -> Result<(), Failure> {
        if self.count == 0 {
            return Ok(());
        }
        let (count, older) = (shown::projects(self.count), older(self.to));
        cx.out.line(format_args!("Still in another form: {count}; orkee cloud sync goes on{older}"))?;
        for Parked { id, name, reason, is_from_cloud } in self.stuck.iter().take(SHOWN) {
            let name = name.as_deref().map(text::line).unwrap_or_default();
            let what = if *is_from_cloud { "cannot be read here" } else { "is not taken there" };
            let (id, reason) = (text::line(id), text::line(reason));
            cx.out.line(format_args!("  {id} {name} {what}: {reason}"))?;
        }
        if self.stuck.len() > SHOWN {
            cx.out.line(format_args!("  and {} more: orkee cloud parked", self.stuck.len() - SHOWN))?;
        }
        Ok(())
    }
}

/// What is believed until all is done.
fn older(to: u32) -> &'static str {
    match to {
        0 => "",
        1 => ". Until then, plain ones that the cloud shows are believed, too",
        _ => ". Until then, what is sealed under an older key is believed, too",
    }
}

/// So many are named.
const SHOWN: usize = 10;

impl Sealing {
    /// Of the place that the store was last synced with.
    pub(crate) fn of(cx: &Context, tenant: &str, remote: &str) -> Result<Self, KeyError> {
        let home = cx.home().map_err(|_| KeyError::Missing)?;
        let file = KeyFile::of(home, tenant, remote);
        Ok(Self { keys: Keys::open(&file)?, file, locked: None })
    }

    /// What can be opened with.
    pub(crate) fn into_keys(self) -> Keys {
        self.keys
    }

    /// The same where the key is locked: what is no secret is in the file.
    fn or_locked(file: KeyFile) -> Result<Self, KeyError> {
        match Keys::open(&file) {
            Ok(keys) => Ok(Self { keys, file, locked: None }),
            Err(KeyError::File(KeyFileError::Locked)) => {
                Ok(Self { keys: Keys::none(), locked: file.document()?, file })
            }
            Err(error) => Err(error),
        }
    }

    fn key(&self) -> Option<KeyView> {
        KeyView::of(&self.keys).or_else(|| self.locked.as_ref().map(KeyView::locked))
    }

    /// In a line; none: nothing is known of a key.
    pub(crate) fn line(&self) -> Option<String> {
        if self.keys.is_unconfirmed() {
            return Some(
                "a key was made, and the account may not have it yet: orkee cloud key init".to_owned(),
            );
        }
        let key = self.key()?;
        let (seals, floor) = match &self.locked {
            Some(document) => (document.seals(), document.floor()),
            None => (self.keys.standing().seals, self.keys.standing().floor),
        };
        Some(match floor {
            _ if !seals => format!("off again ({})", key.line()),
            0 => format!("begun ({}); orkee cloud sync goes on", key.line()),
            _ => format!("on ({})", key.line()),
        })
    }

    /// Whether what is sent is sealed.
    pub(crate) fn is_on(&self) -> bool {
        self.keys.standing().seals
    }
}

impl Show {
    pub(super) fn run(self, cx: &Context) -> CommandResult {
        let mut store = cx.store()?;
        let asking = if self.offline { Asking::Never } else { Asking::IfOld };
        let cloud = Cloud::open_asking(cx, None, asking)?;
        let tenant = cloud.tenant.as_deref().unwrap_or_default();
        let (sealing, there) = if self.offline {
            let remote = store.space_state()?.0.remote.unwrap_or_default();
            (Sealing::or_locked(KeyFile::of(cx.home()?, tenant, &remote))?, None)
        } else {
            surroundings::run(async {
                let mut connection = Connection::open(cx, &cloud).await?;
                connection.enter_team().await?;
                let remote = connection.remote().await?;
                let desk = Desk::at(cx, &cloud, &connection, &remote).await?;
                let sealing = Sealing::or_locked(desk.file.clone())?;
                let there = there(&desk, &sealing.keys).await?;
                Ok((sealing, there))
            })?
        };
        let own = sealing.keys.document().is_some().then(|| sealing.keys.recipient()).transpose()?;
        if let (Some(there), Some(known)) = (&there, sealing.keys.document())
            && there.number() > known.number()
        {
            cx.out.warn("the account's key document is newer than what this device knows; orkee cloud sync follows it");
        }
        let document = sealing.keys.document().or_else(|| sealing.locked.clone()).or(there);
        if cx.out.is_json() {
            let output = sealing.output(document.as_ref(), own, &mut store)?;
            cx.out.document(&output)?;
        } else {
            sealing.print(cx, document.as_ref(), own, &mut store, !self.offline)?;
        }
        Ok(Exit::DONE)
    }
}

/// What the account has. Nothing here changes: a sync may be under way.
async fn there(desk: &Desk<'_>, keys: &Keys) -> Result<Option<Document>, Failure> {
    let Some(stored) = desk.fetch().await? else {
        return if keys.standing().has_key { Err(KeyError::Gone.into()) } else { Ok(None) };
    };
    let document = read(&stored.envelope)?;
    if keys.standing().has_key
        && let Met::Older(got) = keys.compare(&stored.envelope)?
    {
        return Err(KeyError::RolledBack { have: keys.standing().number, got }.into());
    }
    Ok(Some(document))
}

impl Sealing {
    /// What the other side still holds in another form, where this device changes it over.
    fn left(&self, store: &mut Store) -> Result<Option<Left>, Failure> {
        let Some(to) = super::change_over(&self.keys)? else { return Ok(None) };
        let floor = self.keys.standing().floor;
        Ok(Some(store.write::<_, StoreError>(Durability::Refetchable, |tx| {
            Ok(Left { to, count: tx.count_below(floor, to)?, stuck: tx.stuck_below(floor, to)? })
        })?))
    }

    fn output<'a>(
        &self,
        document: Option<&'a Document>,
        own: Option<RecipientKey>,
        store: &mut Store,
    ) -> Result<Output<'a>, Failure> {
        let kept = self.file.keeping().map_err(KeyError::from)?;
        let recipients = document.map(Document::recipients).unwrap_or_default();
        let left = self.left(store)?;
        let view = |one: &'a Recipient| RecipientView {
            id: &one.id,
            kind: one.kind.name(),
            name: one.name.as_deref(),
            device: one.device.as_deref(),
            added: &one.added,
            this_device: own == Some(one.key),
        };
        Ok(Output {
            sealed: document.is_some_and(Document::seals),
            key_here: self.keys.standing().has_key || self.locked.is_some(),
            key: self.key(),
            kept: kept.map(|kept| kept.as_str()),
            key_file: kept.map(|_| self.file.path().display().to_string()),
            made: document.map(|document| {
                let made = document.made();
                Made { at: &made.at, device: &made.device }
            }),
            recipients: recipients.iter().map(view).collect(),
            left_to_reseal: left.as_ref().map(|left| left.count),
            stuck: left.into_iter().flat_map(|left| left.stuck).map(StuckView::of).collect(),
        })
    }

    fn print(
        &self,
        cx: &Context,
        document: Option<&Document>,
        own: Option<RecipientKey>,
        store: &mut Store,
        is_asked: bool,
    ) -> Result<(), Failure> {
        if let Some(line) = self.line() {
            cx.out.line(format_args!("End-to-end encryption: {line}"))?;
        }
        let Some(document) = document else {
            if self.line().is_none() && !is_asked {
                cx.out.line("End-to-end encryption: no key here; the server was not asked whether the account has one")?;
            } else if self.line().is_none() {
                cx.out.line("End-to-end encryption: off")?;
                cx.out.note("Seal the account's projects with: orkee cloud key init");
            }
            return Ok(());
        };
        let made = document.made();
        if own.is_none() && self.locked.is_none() {
            let state = if document.seals() { "on" } else { "off again" };
            cx.out.line(format_args!("End-to-end encryption: {state}; the key is not on this device"))?;
            cx.out.note("Give it the key with: orkee cloud key recover");
        }
        let (device, at) = (text::line(&made.device), text::minute(&made.at));
        cx.out.line(format_args!("Made: {at} on {device}"))?;
        if let Some(kept) = self.file.keeping().map_err(KeyError::from)? {
            let path = self.file.path();
            cx.out.line(format_args!("Kept: {} ({})", path.display(), kept.as_str()))?;
        }
        if let Some(left) = self.left(store)? {
            left.print(cx)?;
        }
        let mut table = Table::new(&["RECIPIENT", "KIND", "NAME", "ADDED"]);
        for one in document.recipients() {
            table.row(vec![
                text::line(&one.id),
                one.kind.name().to_owned(),
                shown::recipient(one, own == Some(one.key)),
                text::minute(&one.added),
            ]);
        }
        Ok(cx.out.table(&table)?)
    }
}
