//! `orkee cloud provider list`

use orkee_core::plugin::Registry;
use serde::Serialize;

use super::view::ProviderView;
use crate::commands::cloud::builtin;
use crate::context::Context;
use crate::failure::{CommandResult, Exit};
use crate::output::table::Table;
use crate::output::text;

/// List the providers and dispatchers that there are
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud provider list
  orkee cloud provider list --json")]
pub(crate) struct List {}

#[derive(Serialize)]
struct Document {
    providers: Vec<ProviderView>,
}

impl List {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        let built_in = builtin::all().map(|built_in| ProviderView::built_in(cx, built_in));
        let mut providers = built_in.collect::<Result<Vec<_>, _>>()?;
        let registry = Registry::open(cx.home()?);
        if let Ok(registry) = &registry {
            providers.extend(registry.installed().map(|installed| ProviderView::of(cx, registry, installed)));
        }
        if cx.out.is_json() {
            registry?;
            cx.out.document(&Document { providers })?;
            return Ok(Exit::DONE);
        }
        let mut table = Table::new(&["NAME", "VERSION", "ACTIVE", "TENANTS", "REACHES", "SOURCE"]);
        for provider in &providers {
            let reaches = match provider.hosts.len() {
                _ if !provider.syncs() => "each webhook's address".to_owned(),
                0 => "its API URL".to_owned(),
                1 => "its API URL, 1 host".to_owned(),
                n => format!("its API URL, {n} hosts"),
            };
            let tenants =
                if provider.tenants.is_empty() { "–".to_owned() } else { provider.tenants.join(", ") };
            let active = if provider.active { "yes" } else { "" }.to_owned();
            let cells = [&provider.name, &provider.version, &active, &tenants, &reaches, &provider.source];
            table.row(cells.map(|cell| text::line(cell)).to_vec());
        }
        cx.out.table(&table)?;
        for ProviderView { name, contract, remedy, .. } in &providers {
            if let (Some(contract), Some(remedy)) = (contract, remedy) {
                let sentence = format!("{name} is built for {contract}, and does not run; {remedy}");
                cx.out.line(text::line(&sentence))?;
            }
        }
        // What is part of the program is there whatever the grants file holds.
        registry?;
        Ok(Exit::DONE)
    }
}
