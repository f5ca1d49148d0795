//! Whether the audit trails are as they were written.

use orkee_core::store::{AuditProblem, Store, StoreError};

use super::View;
use crate::context::Context;
use crate::failure::CliError;
use crate::output::text;

/// A tenant (none: the person's own trail), and what is wrong with its trail.
pub(super) type Broken = (Option<String>, AuditProblem);

/// What is wrong with any trail.
pub(super) fn broken(store: &Store) -> Result<Vec<Broken>, StoreError> {
    let problems = store.verify_audit()?.into_iter().flat_map(|trail| {
        let tenant = Some(trail.tenant).filter(|tenant| !tenant.is_empty());
        trail.problems.into_iter().map(move |problem| (tenant.clone(), problem))
    });
    Ok(problems.collect())
}

pub(super) fn show(cx: &Context, broken: &[Broken]) -> Result<(), CliError> {
    for (tenant, problem) in broken {
        let of = tenant.as_ref().map(|tenant| format!(" of the tenant {}", text::line(tenant)));
        let of = of.unwrap_or_default();
        cx.out.line(format_args!("{} the audit trail{of}: {problem}", cx.out.mark(false)))?;
    }
    if !broken.is_empty() {
        cx.out.note("hint: see `orkee audit verify`");
    }
    Ok(())
}

pub(super) fn view((tenant, problem): Broken) -> View {
    View { tenant, id: None, problem: format!("the audit trail: {problem}"), mended_by: None }
}
