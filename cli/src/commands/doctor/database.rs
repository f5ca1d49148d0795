//! Whether the database is sound: the file, each project, what sync knows of it, and the audit trail.

use std::collections::BTreeSet;

use orkee_core::store::{Damage, Finding, Options, Store, StoreError};

use super::check::Check;
use super::trails;
use crate::context::Context;
use crate::failure::Failure;

const NAME: &str = "database";

/// Reads all of it. With settings that cannot be read, nobody knows which tenant is meant, and the file is looked at all the same.
pub(super) fn examine(cx: &Context, settings_are_readable: bool) -> Vec<Check> {
    let opened = if settings_are_readable { cx.store() } else { open(cx) };
    let mut store = match opened {
        Ok(store) => store,
        Err(failure) => return vec![Check::error(NAME, failure.diagnostic())],
    };
    let mut checks = match projects(&mut store) {
        Ok(checks) => checks,
        Err(error) => return vec![Check::error(NAME, &error)],
    };
    match trails::examine(&store) {
        Ok(found) => checks.extend(found),
        Err(error) => checks.push(Check::error("audit", &error)),
    }
    checks
}

fn open(cx: &Context) -> Result<Store, Failure> {
    cx.uses_database();
    Ok(Options::default().open(&cx.home()?.database())?)
}

fn projects(store: &mut Store) -> Result<Vec<Check>, StoreError> {
    let findings = store.examine()?;
    if findings.is_empty() {
        let (count, schema) = (store.count()?, store.schema()?);
        let projects = if count == 1 { "project" } else { "projects" };
        return Ok(vec![Check::ok(
            NAME,
            format!("The database is sound: {count} {projects}, schema {schema}"),
        )]);
    }
    let last = findings.len() - 1;
    let hint = hint(&findings);
    let checks = findings.into_iter().enumerate().map(|(n, finding)| {
        // What to do is the same for all: it is said once, below the last.
        let check = Check::failed(NAME, finding.to_string()).hint(Some(hint.clone()).filter(|_| n == last));
        Check {
            mended_by: finding.damage.is_mendable().then(|| mend(&finding)),
            tenant: Some(finding.tenant).filter(|tenant| !tenant.is_empty()),
            id: finding.id,
            ..check
        }
    });
    Ok(checks.collect())
}

/// The command that mends it: each sync looks after the projects of one tenant.
fn mend(finding: &Finding) -> String {
    let command = "orkee cloud sync --force";
    match finding.tenant.as_str() {
        "" => command.to_owned(),
        tenant => format!("ORKEE_CLOUD_TENANT={tenant} {command}"),
    }
}

fn hint(findings: &[Finding]) -> String {
    let (endpoints, findings): (Vec<&Finding>, Vec<&Finding>) =
        findings.iter().partition(|finding| finding.damage == Damage::Endpoint);
    let mut hints = Vec::new();
    if !endpoints.is_empty() {
        hints.push("take the endpoint away with `orkee cloud webhook remove ID`, and add it anew".to_owned());
    }
    let (locked, findings): (Vec<&Finding>, Vec<&Finding>) =
        findings.into_iter().partition(|finding| matches!(finding.damage, Damage::Locked(_)));
    if let Some(one) = locked.first() {
        let (force, id) = (mend(one), one.id.as_deref().unwrap_or("ID"));
        hints.push(format!(
            "`{force}` takes a locked text that is damaged from the cloud; `orkee projects history {id}` shows what it was before, and `orkee projects edit {id}` writes another"
        ));
    }
    if !findings.is_empty() {
        hints.push(if findings.iter().all(|finding| finding.damage.is_mendable()) {
            let commands: BTreeSet<String> = findings.iter().map(|one| format!("`{}`", mend(one))).collect();
            let commands = Vec::from_iter(commands).join(" and ");
            let build = if cfg!(feature = "cloud") { "" } else { " (in a build with cloud support)" };
            format!("run {commands}{build}, which mends it; nothing that you wrote is lost")
        } else {
            "run `orkee projects export --output FILE`, move orkee.db away, then `orkee projects import FILE`"
                .to_owned()
        });
    }
    hints.join("; ")
}
