//! Tenants and the people who sign in at their identity providers.

use super::{Bench, account, start};
use crate::storage::{Accounts, Identity, Role, Standing, Storage, StorageError, Teams, Tenant, Tenants};

fn tenant(storage: &impl Storage, name: &str) -> Tenant {
    storage.set_tenant(name, "{}", start()).unwrap()
}

fn at<'a>(tenant: &Tenant, subject: &'a str) -> Identity<'a> {
    Identity { tenant: tenant.key, issuer: "https://idp.example", subject }
}

pub(crate) fn a_tenant_keeps_its_team_when_its_settings_change(bench: &impl Bench) {
    let storage = bench.open();
    let made = tenant(&storage, "acme");
    let changed = storage.set_tenant("acme", r#"{"a":1}"#, start()).unwrap();
    assert_eq!(changed, Tenant { settings: r#"{"a":1}"#.to_owned(), ..made.clone() });
    assert_eq!(storage.tenant("acme").unwrap(), Some(changed));
    assert_eq!((made.team.name.as_str(), made.team.tenant.as_deref()), ("acme", Some("acme")));
    storage.create_team("taken", start()).unwrap();
    assert!(matches!(storage.set_tenant("taken", "{}", start()), Err(StorageError::TeamExists(_))));
    assert_eq!(storage.tenant("taken").unwrap(), None, "and nothing is left of it");
    tenant(&storage, "aaa");
    let names: Vec<String> = storage.tenants().unwrap().into_iter().map(|tenant| tenant.name).collect();
    assert_eq!(names, ["aaa", "acme"]);
}

pub(crate) fn an_identity_is_one_tenants_and_its_account_has_no_password(bench: &impl Bench) {
    let storage = bench.open();
    let own = account(&storage, "ann");
    let (acme, other) = (tenant(&storage, "acme"), tenant(&storage, "other"));
    let email = "ann@example.com";
    let made = storage.create_identity_account(at(&acme, "1"), email, "Acme", start()).unwrap();
    assert_eq!((made.tenant, made.email.as_str()), (Some(acme.key), email));
    assert_ne!(made.space, own.space);
    assert_eq!(storage.account_by_identity(at(&acme, "1")).unwrap().as_ref(), Some(&made));
    assert_eq!(storage.account_by_identity(at(&acme, "2")).unwrap(), None);
    assert_eq!(storage.account_by_identity(at(&other, "1")).unwrap(), None);
    assert_eq!(storage.tenant_account(acme.key, email).unwrap().as_ref(), Some(&made));
    assert_eq!(storage.tenant_account(other.key, email).unwrap(), None);
    assert_eq!(storage.account_by_email(email).unwrap().unwrap().0, own, "a password opens its own alone");
    let again = storage.create_identity_account(at(&acme, "2"), email, "Acme", start());
    assert!(matches!(again, Err(StorageError::AccountExists(_))));
    assert_eq!(storage.account_by_identity(at(&acme, "2")).unwrap(), None);
    storage.create_identity_account(at(&other, "1"), email, "Other", start()).unwrap();
}

pub(crate) fn a_removed_tenant_takes_its_accounts_along_and_no_others(bench: &impl Bench) {
    let storage = bench.open();
    let own = account(&storage, "ann");
    let acme = tenant(&storage, "acme");
    let made = storage.create_identity_account(at(&acme, "1"), "bob@example.com", "Acme", start()).unwrap();
    storage.set_member(acme.team.key, made.key, Role::Member, start()).unwrap();
    storage.set_member(acme.team.key, own.key, Role::Owner, start()).unwrap();
    assert!(storage.remove_tenant("acme").unwrap());
    assert!(!storage.remove_tenant("acme").unwrap());
    assert_eq!(storage.team("acme").unwrap(), None);
    assert_eq!(storage.account_by_identity(at(&acme, "1")).unwrap(), None);
    assert_eq!(storage.standing(own.key).unwrap(), Standing::Alone);
    assert!(storage.account_by_email("ann@example.com").unwrap().is_some());
}
