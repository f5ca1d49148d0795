//! Removing the logins of a provider that is taken away: another one of its name must not find them.

use super::Auth;
use super::error::AuthError;
use super::section::Section;
use crate::store::{AuditAction, AuditOutcome};

impl Auth {
    /// Removes every login that is for an installed provider of this name, from this machine alone; which those were. No server is told.
    pub async fn forget_provider(&self, provider: &str) -> Result<Vec<Section>, AuthError> {
        let is_for = |login: super::Login| login.provider.as_deref() == Some(provider);
        let of = |document: &super::document::Document| -> Vec<Section> {
            let sections = document.sections().into_iter();
            sections.filter(|section| document.login(section).is_some_and(is_for)).collect()
        };
        if of(&self.read()?.document).is_empty() {
            return Ok(Vec::new());
        }
        let mut locked = self.lock().await?;
        let sections = of(&locked.logins.document);
        let logins = sections.iter().map(|section| locked.logins.document.login(section)).collect::<Vec<_>>();
        sections.iter().for_each(|section| locked.logins.document.remove(section));
        if locked.logins.document.is_empty() {
            locked.delete()?;
        } else {
            let room = locked.make_room()?;
            locked.write(room)?;
        }
        for login in logins.iter().flatten() {
            locked.forget_key(login.bound_to.as_deref());
        }
        let _ = locked.lock.finish();
        for (section, login) in sections.iter().zip(logins) {
            tracing::info!(target: "orkee::cloud::auth", %section, provider, "the login was removed with its provider");
            if let Some(login) = login {
                self.note(AuditAction::Logout, (section, &login), (AuditOutcome::Partial, None), None);
            }
        }
        Ok(sections)
    }
}
