//! Letting somebody in whom their identity provider vouches for: the account, made when it is first needed; its address and its
//! role, which follow the provider with each sign-in.
//!
//! An account is found by issuer and subject, which the provider never gives to anybody else; an address can be. Somebody whom
//! an administrator removed stays out until an administrator lets them in again; whoever is somebody new at the provider, since
//! it was replaced or they were, gets their account back only where an administrator said so.

use jiff::Timestamp;
use thiserror::Error;

use super::{Proof, Settings};
use crate::storage::{Account, Deed, Identity, Role, Standing, Storage, StorageError, Tenant, Witness};

/// Why somebody is not let in.
#[derive(Debug, Error)]
pub(crate) enum Denied {
    /// No group of theirs is mapped, and there is no role for others.
    #[error("none of the groups that the identity provider names is one that may use {0}")]
    NoRole(String),
    /// An administrator removed them.
    #[error("{0} was removed from the tenant: whoever runs it can let them in again")]
    Removed(String),
    /// They were removed after the token was issued.
    #[error("the token was issued before its owner was removed: sign in again")]
    Old,
    /// There is no address to know them by.
    #[error("the identity provider gives no email address that it has verified")]
    NoEmail,
    /// Somebody else has the address.
    #[error("{0} is another person of the tenant already")]
    AddressTaken(String),
    /// They are in a team that is not the tenant's.
    #[error("the account is in another team: {0}")]
    OtherTeam(String),
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Lets the owner of a proof in, or says why not.
pub(crate) fn admit(
    storage: &dyn Storage,
    tenant: &Tenant,
    settings: &Settings,
    proof: &Proof,
    request_id: Option<&str>,
    now: Timestamp,
) -> Result<Account, Denied> {
    let door = Door { storage, tenant, settings, proof, request_id, now };
    let identity = Identity { tenant: tenant.key, issuer: &proof.issuer, subject: &proof.subject };
    let groups: Vec<&str> = proof.groups.iter().map(String::as_str).collect();
    let role = settings.role(&groups);
    let account = match (storage.account_by_identity(identity)?, role) {
        (Some(account), _) => door.returning(account, role)?,
        (None, Some(_)) => door.newcomer(identity)?,
        (None, None) => return Err(Denied::NoRole(settings.name.clone())),
    };
    let role = role.ok_or_else(|| Denied::NoRole(settings.name.clone()))?;
    door.give_role(&account, role)?;
    Ok(account)
}

struct Door<'a> {
    storage: &'a dyn Storage,
    tenant: &'a Tenant,
    settings: &'a Settings,
    proof: &'a Proof,
    request_id: Option<&'a str>,
    now: Timestamp,
}

impl Door<'_> {
    fn returning(&self, mut account: Account, role: Option<Role>) -> Result<Account, Denied> {
        if account.disabled {
            return Err(Denied::Removed(account.email));
        }
        if self.storage.tokens_since(account.key)?.is_some_and(|since| self.proof.issued < since) {
            return Err(Denied::Old);
        }
        if role.is_none() {
            self.end_membership(&account)?;
            return Err(Denied::NoRole(self.settings.name.clone()));
        }
        if let Some(email) = self.proof.email.as_ref().filter(|email| **email != account.email) {
            match self.storage.set_email(account.key, email) {
                Ok(()) => account.email.clone_from(email),
                // The old one stays until an administrator has sorted out who is who.
                Err(StorageError::AccountExists(_)) => {
                    tracing::warn!(
                        tenant = self.tenant.name,
                        "an address that the identity provider changed is taken"
                    );
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(account)
    }

    fn newcomer(&self, identity: Identity<'_>) -> Result<Account, Denied> {
        let email = self.proof.email.as_deref().ok_or(Denied::NoEmail)?;
        if let Some(account) = self.storage.adopt(identity, email)? {
            self.note(&account, "new-identity", "done")?;
            return match account.disabled {
                true => Err(Denied::Removed(account.email)),
                false => Ok(account),
            };
        }
        match self.storage.create_identity_account(identity, email, &self.settings.name, self.now) {
            Err(StorageError::AccountExists(email)) => Err(Denied::AddressTaken(email)),
            made => Ok(made?),
        }
    }

    /// The groups that let somebody in are theirs no longer: what they were let in for ends as well.
    fn end_membership(&self, account: &Account) -> Result<(), Denied> {
        self.storage.end_grants(account.key)?;
        if self.storage.remove_member(self.tenant.team.key, account.key, self.now)? {
            self.note(account, "remove-member", "no group of theirs is mapped")?;
        }
        Ok(())
    }

    fn give_role(&self, account: &Account, role: Role) -> Result<(), Denied> {
        if let Standing::In(team, has) = self.storage.standing(account.key)?
            && team.key == self.tenant.team.key
            && has == role
        {
            return Ok(());
        }
        match self.storage.set_member(self.tenant.team.key, account.key, role, self.now) {
            Err(StorageError::InAnotherTeam(team)) => Err(Denied::OtherTeam(team)),
            set => {
                set?;
                self.note(account, "set-role", role.as_str())
            }
        }
    }

    fn note(&self, account: &Account, action: &str, outcome: &str) -> Result<(), Denied> {
        let by = Witness {
            tenant: Some(self.tenant.name.clone()),
            team: Some(self.tenant.team.name.clone()),
            account: Some(account.email.clone()),
            request_id: self.request_id.map(str::to_owned),
            ..Witness::default()
        };
        let deed = Deed {
            action: action.to_owned(),
            subject: Some(account.email.clone()),
            outcome: outcome.to_owned(),
        };
        Ok(self.storage.note(&by, &deed, self.now)?)
    }
}
