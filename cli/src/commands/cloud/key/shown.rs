//! What a person is shown of a key: the recovery phrase, once, and what can be said of a key without telling it.

use orkee_core::seal::Document;
use orkee_core::seal::keys::Keys;
use serde::Serialize;

use super::error::KeyCommandError;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::text;
use crate::prompt;

/// Words of a phrase in a line.
const WORDS: usize = 6;

/// What can be said of the key in use.
#[derive(Serialize)]
pub(super) struct KeyView {
    pub(super) key_id: String,
    pub(super) epoch: u32,
    pub(super) floor: u32,
    /// Two people who hold the same key see the same. None: it is locked on this device.
    pub(super) check: Option<String>,
}

impl KeyView {
    /// None: there is no key here.
    pub(super) fn of(keys: &Keys) -> Option<Self> {
        let (document, epochs) = keys.document().zip(keys.epochs())?;
        Some(Self { check: Some(epochs.current().1.check_value()), ..Self::locked(&document) })
    }

    /// Of one whose secrets are locked.
    pub(super) fn locked(document: &Document) -> Self {
        let key_id = document.id().to_string();
        Self { key_id, epoch: document.epoch(), floor: document.floor(), check: None }
    }

    /// In a line.
    pub(super) fn line(&self) -> String {
        let check = match &self.check {
            Some(check) => format!("check value {check}"),
            None => "locked on this device".to_owned(),
        };
        format!("key {}, epoch {}, {check}", &self.key_id[..8], self.epoch)
    }
}

#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    key: Option<KeyView>,
    sealed: bool,
    /// The one time that it is told; none where it did not change.
    phrase: Option<&'a str>,
    /// Projects that the cloud still holds in another form.
    left_to_reseal: Option<u64>,
}

/// Shows the recovery phrase, if there is one that nobody has seen; after that it is kept nowhere. A person who did not write it down
/// can be shown it again. A script is told by [`document`], when all is done.
pub(super) fn phrase(cx: &Context, keys: &Keys, yes: bool) -> Result<(), Failure> {
    let Some(phrase) = keys.phrase()?.filter(|_| !cx.out.is_json()) else { return Ok(()) };
    for line in phrase.words().chunks(WORDS) {
        cx.out.line(line.join(" "))?;
    }
    // On standard output before it is forgotten.
    taken(cx)?;
    cx.out.note("These 24 words are shown this once. Write them down, in this order, and keep them where only you find them:");
    cx.out.note("another device is given the key with them, and without them a lost key is lost for good.");
    if !yes && prompt::possible(cx) && !prompt::confirm(cx, "Have you written them down?")? {
        cx.out.note(
            "They are kept on this device until you have: run `orkee cloud key init` to see them again",
        );
        return Ok(());
    }
    Ok(keys.set_phrase(None)?)
}

/// The one document that a script gets, with the phrase if there is one that nobody has seen.
pub(super) fn document(cx: &Context, keys: &Keys, left_to_reseal: Option<u64>) -> Result<(), Failure> {
    let phrase = keys.phrase()?;
    let revealed = phrase.as_ref().map(|phrase| phrase.reveal());
    let (key, sealed) = (KeyView::of(keys), keys.standing().seals);
    let phrase = revealed.as_ref().map(|phrase| phrase.as_str());
    let is_shown = phrase.is_some();
    cx.out.document(&Shown { key, sealed, phrase, left_to_reseal })?;
    if !is_shown {
        return Ok(());
    }
    taken(cx)?;
    Ok(keys.set_phrase(None)?)
}

/// What was written is with whoever reads it.
fn taken(cx: &Context) -> Result<(), Failure> {
    cx.out.finish()?;
    if cx.out.is_closed() { Err(KeyCommandError::PhraseNotTaken.into()) } else { Ok(()) }
}

/// Who has the key, as one line.
pub(super) fn recipient(recipient: &orkee_core::seal::Recipient, is_this: bool) -> String {
    let name = recipient.name.as_deref().map(text::line).unwrap_or_default();
    let this = if is_this { " (this device)" } else { "" };
    format!("{name}{this}")
}

/// A number with its word.
pub(super) fn projects(count: u64) -> String {
    if count == 1 { "1 project".to_owned() } else { format!("{count} projects") }
}
