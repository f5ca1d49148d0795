//! `tenant`: companies whose people sign in at identity providers of their own. A running server sees each change at the next
//! request.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use jiff::Timestamp;

use super::{CommandError, Data, email, print};
use crate::storage::sqlite::Sqlite;
use crate::storage::{
    Account, Deed, People, SignIns, Standing, Teams, Tenant as TenantRow, Tenants, Witness, together,
};
use crate::tenant::file::{self, tenant_name};
use crate::tenant::{IdentityProvider, Settings, TokenUse};

#[derive(Debug, Subcommand)]
pub(super) enum Tenant {
    /// Set a tenant up, or give it other settings, from a file.
    Set {
        #[command(flatten)]
        which: Which,
        /// The settings, in TOML.
        #[arg(long, value_name = "FILE")]
        file: PathBuf,
    },
    /// List the tenants.
    List {
        #[command(flatten)]
        data: Data,
    },
    /// Show a tenant's settings.
    Show {
        #[command(flatten)]
        which: Which,
    },
    /// Remove a tenant with its accounts and all of their projects.
    Remove {
        #[command(flatten)]
        which: Which,
        /// Really: nothing of it can be had back.
        #[arg(long)]
        yes: bool,
    },
    /// List a tenant's people: address, role, and whether they were removed.
    Members {
        #[command(flatten)]
        which: Which,
    },
    /// Remove somebody. Whatever they are signed in with is refused at once, and they stay out until `tenant allow`.
    RemoveMember {
        #[command(flatten)]
        whom: Whom,
    },
    /// Let somebody who was removed sign in again.
    Allow {
        #[command(flatten)]
        whom: Whom,
        /// They are somebody new at the identity provider: whoever signs in with this verified address next gets the account.
        #[arg(long)]
        new_identity: bool,
    },
}

#[derive(Debug, Args)]
pub(super) struct Which {
    /// The tenant's name, as people type it.
    #[arg(value_parser = tenant_name)]
    name: String,
    #[command(flatten)]
    data: Data,
}

#[derive(Debug, Args)]
pub(super) struct Whom {
    #[command(flatten)]
    which: Which,
    /// Their email address.
    #[arg(value_parser = email)]
    email: String,
}

impl Tenant {
    pub(super) fn run(self) -> Result<(), CommandError> {
        match self {
            Self::Set { which, file } => set(&which, &file),
            Self::List { data } => list(&Sqlite::open(&data.folder)?),
            Self::Show { which } => show(&which),
            Self::Remove { which, yes } => remove(&which, yes),
            Self::Members { which } => members(&which),
            Self::RemoveMember { whom } => remove_member(&whom),
            Self::Allow { whom, new_identity } => allow(&whom, new_identity),
        }
    }
}

impl Which {
    fn open(&self) -> Result<(Sqlite, TenantRow), CommandError> {
        let storage = Sqlite::open(&self.data.folder)?;
        match storage.tenant(&self.name)? {
            Some(tenant) => Ok((storage, tenant)),
            None => Err(CommandError::usage(
                format!("there is no tenant {}", self.name),
                "run `orkee-server tenant list --data DIR`",
            )),
        }
    }
}

impl Whom {
    fn open(&self) -> Result<(Sqlite, TenantRow, Account), CommandError> {
        let (storage, tenant) = self.which.open()?;
        match storage.tenant_account(tenant.key, &self.email)? {
            Some(account) => Ok((storage, tenant, account)),
            None => Err(CommandError::usage(
                format!("nobody of tenant {} has the address {}", tenant.name, self.email),
                format!("run `orkee-server tenant members {} --data DIR`", tenant.name),
            )),
        }
    }
}

fn settings(tenant: &TenantRow) -> Result<Settings, CommandError> {
    Settings::of(tenant).map_err(|_| {
        CommandError::usage(
            format!("the settings of tenant {} are of another version of orkee-server", tenant.name),
            "set them again with `orkee-server tenant set`",
        )
    })
}

fn set(which: &Which, path: &Path) -> Result<(), CommandError> {
    let settings = file::read(&read(path)?).map_err(|wrong| {
        let message = format!("{} cannot be used, {wrong}", path.display());
        CommandError::usage(message, "orkee-server/README.md describes the file and has a complete one")
    })?;
    let json = serde_json::to_string(&settings)
        .map_err(|e| CommandError::io("the settings cannot be kept")(e.into()))?;
    let storage = Sqlite::open(&which.data.folder)?;
    let now = Timestamp::now();
    let tenant = together(&storage, |storage| {
        let tenant = storage.set_tenant(&which.name, &json, now)?;
        note(storage, &tenant, "set-tenant", &tenant.name).map(|()| tenant)
    })?;
    print(&format!("tenant {} ({}) is set", tenant.name, settings.name))
}

fn read(path: &Path) -> Result<String, CommandError> {
    let unread = || CommandError::io(format!("{} cannot be read", path.display()));
    let mut text = String::new();
    let file = File::open(path).map_err(unread())?;
    file.take(file::MAX_BYTES as u64 + 1).read_to_string(&mut text).map_err(unread())?;
    Ok(text)
}

fn list(storage: &Sqlite) -> Result<(), CommandError> {
    for tenant in storage.tenants()? {
        let people = storage.members(tenant.team.key)?.len();
        print(&format!("{}\t{}\t{people} members", tenant.name, settings(&tenant)?.name))?;
    }
    Ok(())
}

fn show(which: &Which) -> Result<(), CommandError> {
    let (_, tenant) = which.open()?;
    let settings = settings(&tenant)?;
    print(&format!("{}\t{}", tenant.name, settings.name))?;
    settings.identity_providers.iter().try_for_each(show_provider)?;
    for (group, role) in &settings.groups {
        print(&format!("group {group}\t{}", role.0.as_str()))?;
    }
    let others = settings.default_role.map_or("may not sign in", |role| role.0.as_str());
    print(&format!("everybody else\t{others}"))?;
    let policy = serde_json::to_string(&settings.policy)
        .map_err(|e| CommandError::io("the settings cannot be shown")(e.into()))?;
    print(&format!("policy\t{policy}"))
}

fn show_provider(provider: &IdentityProvider) -> Result<(), CommandError> {
    let usage = match provider.token {
        TokenUse::Exchange => "its ID tokens are exchanged",
        TokenUse::Direct => "its access tokens are used directly",
    };
    print(&format!(
        "identity provider {}\t{}\t{}\tclient {}\t{usage}",
        provider.id, provider.name, provider.issuer, provider.client_id
    ))
}

fn remove(which: &Which, yes: bool) -> Result<(), CommandError> {
    let (storage, tenant) = which.open()?;
    if !yes {
        let people = storage.tenant_accounts(tenant.key)?.len();
        return Err(CommandError::usage(
            format!("tenant {} has {people} accounts, whose projects would be deleted with it", tenant.name),
            "say --yes if that is meant; nothing of it can be had back",
        ));
    }
    together(&storage, |storage| {
        storage.remove_tenant(&tenant.name)?;
        note(storage, &tenant, "remove-tenant", &tenant.name)
    })?;
    print(&format!("tenant {} is removed", tenant.name))
}

fn members(which: &Which) -> Result<(), CommandError> {
    let (storage, tenant) = which.open()?;
    for account in storage.tenant_accounts(tenant.key)? {
        let state = match storage.standing(account.key)? {
            _ if account.disabled => "removed",
            Standing::In(team, role) if team.key == tenant.team.key => role.as_str(),
            _ => "no member",
        };
        print(&format!("{}\t{state}", account.email))?;
    }
    Ok(())
}

/// One transaction: a sign-in that is under way comes before all of it, and what it gave ends here, or after it, and is refused.
fn remove_member(whom: &Whom) -> Result<(), CommandError> {
    let (storage, tenant, account) = whom.open()?;
    let now = Timestamp::now();
    together(&storage, |storage| {
        storage.set_disabled(account.key, Some(now))?;
        storage.set_tokens_since(account.key, now)?;
        storage.remove_member(tenant.team.key, account.key, now)?;
        note(storage, &tenant, "remove-member", &account.email)
    })?;
    print(&format!("{} is removed from tenant {}", account.email, tenant.name))
}

fn allow(whom: &Whom, new_identity: bool) -> Result<(), CommandError> {
    let (storage, tenant, account) = whom.open()?;
    together(&storage, |storage| {
        if new_identity {
            storage.end_grants(account.key, Timestamp::now())?;
            storage.forget_identities(account.key)?;
            note(storage, &tenant, "forget-identity", &account.email)?;
        }
        storage.set_disabled(account.key, None)?;
        note(storage, &tenant, "allow-member", &account.email)
    })?;
    print(&format!("{} may sign in to tenant {} again", account.email, tenant.name))
}

fn note(storage: &dyn People, tenant: &TenantRow, action: &str, subject: &str) -> Result<(), CommandError> {
    let by = Witness {
        tenant: Some(tenant.name.clone()),
        team: Some(tenant.team.name.clone()),
        ..Witness::default()
    };
    let deed =
        Deed { action: action.to_owned(), subject: Some(subject.to_owned()), outcome: "done".to_owned() };
    Ok(storage.note(&by, &deed, Timestamp::now())?)
}
