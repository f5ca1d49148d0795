//! Whether the audit trails are as they were written.

use orkee_core::store::{Store, StoreError};

use super::check::Check;

const NAME: &str = "audit";

/// Goes along every tenant's trail.
pub(super) fn examine(store: &Store) -> Result<Vec<Check>, StoreError> {
    let trails = store.verify_audit()?;
    let rows: u64 = trails.iter().map(|trail| trail.rows).sum();
    let mut checks = Vec::new();
    for trail in trails {
        let tenant = Some(trail.tenant).filter(|tenant| !tenant.is_empty());
        let of = tenant.as_ref().map(|tenant| format!(" of the tenant {tenant}")).unwrap_or_default();
        checks.extend(trail.problems.iter().map(|problem| {
            let check = Check::failed(NAME, format!("the audit trail{of}: {problem}"));
            Check { tenant: tenant.clone(), ..check.hint("see `orkee audit verify`".to_owned()) }
        }));
    }
    if checks.is_empty() {
        let word = if rows == 1 { "row" } else { "rows" };
        checks.push(Check::ok(NAME, format!("The audit trail is as it was written: {rows} {word}")));
    }
    Ok(checks)
}
