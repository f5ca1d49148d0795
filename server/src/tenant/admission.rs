//! Letting somebody in whom their identity provider vouches for: the account, made when it is first needed; its address and its
//! role, which follow the provider with each sign-in.
//!
//! An account is found by issuer and subject, which the provider never gives to anybody else; an address can be. Somebody whom
//! an administrator removed stays out until an administrator lets them in again; whoever is somebody new at the provider, since
//! it was replaced or they were, gets their account back only where an administrator said so.
//!
//! The newest token of somebody says what they may. An older one that comes later, since nobody had brought it before or
//! another device still has it, lets its owner in where the newest one does, and changes nothing. A judgement and what follows
//! of it are one transaction, so that a removal comes before all of it or after.

use jiff::Timestamp;
use thiserror::Error;

use super::{Proof, Settings};
use crate::storage::{
    Account, Deed, Identity, People, Role, Standing, Storage, StorageError, Tenant, Witness, together,
};

/// Why somebody is not let in.
#[derive(Debug, Error)]
pub(crate) enum Denied {
    /// No group of theirs is mapped, and there is no role for others.
    #[error("none of the groups that the identity provider names is one that may use {0}")]
    NoRole(String),
    /// An administrator removed them.
    #[error("{0} was removed from the tenant: whoever runs it can let them in again")]
    Removed(String),
    /// They were removed after the token was issued, or somebody else at the identity provider has signed in since.
    #[error("the token was issued before its owner was removed: sign in again")]
    Old,
    /// The token was exchanged before.
    #[error("the ID token was exchanged before")]
    Spent,
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

/// Lets the owner of a proof in, or says why not; `then` is carried out with it or not at all.
pub(crate) fn admit<T>(
    storage: &dyn Storage,
    tenant: &Tenant,
    settings: &Settings,
    proof: &Proof,
    request_id: Option<&str>,
    now: Timestamp,
    then: impl FnOnce(&dyn People, &Account) -> Result<T, Denied>,
) -> Result<(Account, T), Denied> {
    together(storage, |people| {
        let door = Door { people, tenant, settings, proof, request_id, now };
        match door.open().and_then(|account| Ok((then(people, &account)?, account))) {
            Ok((done, account)) => Ok(Ok((account, done))),
            // That their groups let them in no more is kept.
            Err(Denied::NoRole(name)) => Ok(Err(Denied::NoRole(name))),
            Err(denied) => Err(denied),
        }
    })?
}

/// The account of a proof that was judged before and says nothing new: whoever asks often is let in without a word being
/// written.
pub(crate) fn known(
    storage: &dyn Storage,
    tenant: &Tenant,
    settings: &Settings,
    proof: &Proof,
) -> Result<Option<Account>, StorageError> {
    let identity = Identity { tenant: tenant.key, issuer: &proof.issuer, subject: &proof.subject };
    let Some(account) = storage.account_by_identity(identity)?.filter(|account| !account.disabled) else {
        return Ok(None);
    };
    if storage.tokens_since(account.key)?.is_some_and(|since| proof.issued < since) {
        return Ok(None);
    }
    let Standing::In(team, role) = storage.standing(account.key)? else { return Ok(None) };
    let judged = storage.judged_at(account.key)?;
    let says_the_same = || {
        settings.role(&proof.group_names()) == Some(role)
            && proof.email.as_ref().is_none_or(|email| *email == account.email)
    };
    let is_known = team.key == tenant.team.key
        && judged.is_some_and(|judged| proof.issued < judged || proof.issued == judged && says_the_same());
    Ok(Some(account).filter(|_| is_known))
}

struct Door<'a> {
    people: &'a dyn People,
    tenant: &'a Tenant,
    settings: &'a Settings,
    proof: &'a Proof,
    request_id: Option<&'a str>,
    now: Timestamp,
}

impl Door<'_> {
    fn open(&self) -> Result<Account, Denied> {
        let Proof { issuer, subject, .. } = self.proof;
        let identity = Identity { tenant: self.tenant.key, issuer, subject };
        match (self.people.account_by_identity(identity)?, self.settings.role(&self.proof.group_names())) {
            (Some(account), role) => self.returning(account, role),
            (None, Some(role)) => {
                let account = self.newcomer(identity)?;
                self.give_role(&account, role)?;
                Ok(account)
            }
            (None, None) => Err(self.no_role()),
        }
    }

    fn no_role(&self) -> Denied {
        Denied::NoRole(self.settings.name.clone())
    }

    fn returning(&self, mut account: Account, role: Option<Role>) -> Result<Account, Denied> {
        if account.disabled {
            return Err(Denied::Removed(account.email));
        }
        if self.people.tokens_since(account.key)?.is_some_and(|since| self.proof.issued < since) {
            return Err(Denied::Old);
        }
        if self.people.judged_at(account.key)?.is_some_and(|judged| self.proof.issued < judged) {
            return match self.people.standing(account.key)? {
                Standing::In(team, _) if team.key == self.tenant.team.key => Ok(account),
                _ => Err(self.no_role()),
            };
        }
        let Some(role) = role else {
            self.end_membership(&account)?;
            return Err(self.no_role());
        };
        if let Some(email) = self.proof.email.as_ref().filter(|email| **email != account.email) {
            match self.people.set_email(account.key, email) {
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
        self.give_role(&account, role)?;
        Ok(account)
    }

    fn newcomer(&self, identity: Identity<'_>) -> Result<Account, Denied> {
        let email = self.proof.email.as_deref().ok_or(Denied::NoEmail)?;
        if let Some(account) = self.people.adopt(identity, email)? {
            if account.disabled {
                return Err(Denied::Removed(account.email));
            }
            // A token of whoever had the account before does not take it back.
            let since = self.people.tokens_since(account.key)?.max(self.people.judged_at(account.key)?);
            if since.is_some_and(|since| self.proof.issued < since) {
                return Err(Denied::Old);
            }
            self.note(&account, "new-identity", "done")?;
            return Ok(account);
        }
        match self.people.create_identity_account(identity, email, &self.settings.name, self.now) {
            Err(StorageError::AccountExists(email)) => Err(Denied::AddressTaken(email)),
            made => Ok(made?),
        }
    }

    /// The groups that let somebody in are theirs no longer: what they were let in for ends as well.
    fn end_membership(&self, account: &Account) -> Result<(), Denied> {
        self.people.set_judged_at(account.key, self.proof.issued)?;
        self.people.end_grants(account.key, self.now)?;
        if self.people.remove_member(self.tenant.team.key, account.key, self.now)? {
            self.note(account, "remove-member", "no group of theirs is mapped")?;
        }
        Ok(())
    }

    fn give_role(&self, account: &Account, role: Role) -> Result<(), Denied> {
        self.people.set_judged_at(account.key, self.proof.issued)?;
        if let Standing::In(team, has) = self.people.standing(account.key)?
            && team.key == self.tenant.team.key
            && has == role
        {
            return Ok(());
        }
        match self.people.set_member(self.tenant.team.key, account.key, role, self.now) {
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
        Ok(self.people.note(&by, &deed, self.now)?)
    }
}
