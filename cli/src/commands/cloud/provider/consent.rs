//! What a person sees before the question: who made it, which bytes, what it may reach. A few lines, and nothing that reads as a
//! threat; of a newer version, what is more and what is less.

use std::fmt::Display;

use orkee_core::net::ApiUrl;
use orkee_core::plugin::{
    Assessment, Candidate, Difference, HostPattern, LoginKind, Manifest, Network, Release, Roles,
};

use super::view;
use crate::context::Context;
use crate::output::{Paint, text};
use crate::terminal;

/// Columns of a label and of the marks before a line's text.
const INDENT: usize = 14;
const WIDEST: usize = 80;

/// Another installed provider that claims the same tenant.
pub(super) struct Rival {
    pub(super) tenant: String,
    pub(super) provider: String,
}

/// Lines on standard error.
struct Screen<'a> {
    cx: &'a Context,
    /// It was agreed to beforehand, so that `-q` may leave it out.
    is_agreed: bool,
}

/// Before a line's text: it is as it was, more, or less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Same,
    More,
    Less,
}

/// A candidate, beside what it would replace.
pub(super) fn show(
    cx: &Context,
    candidate: &Candidate,
    assessment: &Assessment,
    rivals: &[Rival],
    is_agreed: bool,
) {
    let screen = Screen { cx, is_agreed };
    let wishes = candidate.manifest();
    let before = assessment.current.as_ref();
    screen.title(wishes, before.map(|release| release.granted.version.as_str()));
    screen.field("Source", Mark::Same, candidate.source());
    screen.digest(before, &candidate.sha256());
    screen.publisher(candidate, before.is_none());
    screen.grant(before, &assessment.granted, &assessment.difference);
    for Rival { tenant, provider } in rivals {
        let text = format!(
            "{tenant} is claimed by {provider} already: [tenants.{tenant}] in config.toml has to say whose it is"
        );
        screen.field("", Mark::Same, &text);
    }
    screen.end(before.is_some(), &assessment.granted, &assessment.difference);
}

/// An earlier version that would come back with more than the present one has.
pub(super) fn show_return(
    cx: &Context,
    now: &Release,
    then: &Release,
    difference: &Difference,
    is_agreed: bool,
) {
    let screen = Screen { cx, is_agreed };
    screen.title(&then.granted, Some(&now.granted.version));
    screen.field("Source", Mark::Same, &then.source);
    screen.digest(Some(now), &then.sha256);
    screen.grant(Some(now), &then.granted, difference);
    screen.end(true, &then.granted, difference);
}

impl Screen<'_> {
    fn line(&self, line: impl Display) {
        match self.is_agreed {
            true => self.cx.out.note(line),
            false => self.cx.out.error_line(line),
        }
    }

    fn paint(&self, paint: Paint, text: &str) -> String {
        self.cx.out.err_paint(paint, text)
    }

    fn title(&self, manifest: &Manifest, before: Option<&str>) {
        let version = &manifest.version;
        let version = before.map_or(version.clone(), |before| format!("{before} → {version}"));
        self.line(self.paint(Paint::Strong, &format!("{} {version}", manifest.name)));
        if let Some(description) = &manifest.description {
            for line in text::wrap(&text::line(description), self.width()) {
                self.line(line);
            }
        }
        self.line("");
    }

    fn width(&self) -> usize {
        terminal::width().min(WIDEST)
    }

    /// A line under a label, wrapped under itself.
    fn field(&self, label: &str, mark: Mark, value: &str) {
        let pieces = text::wrap(&text::line(value), self.width().saturating_sub(INDENT).max(20));
        for (index, piece) in pieces.iter().enumerate() {
            let label = if index == 0 { label } else { "" };
            let label = self.paint(Paint::Dim, &format!("{label:<9}"));
            let line = match (mark, index) {
                (Mark::More, 0) => self.paint(Paint::Cause, &format!("+ {piece}")),
                (Mark::Less, 0) => self.paint(Paint::Dim, &format!("- {piece}")),
                _ => format!("  {piece}"),
            };
            self.line(format!("  {label} {line}").trim_end());
        }
    }

    /// Several lines under one label.
    fn fields(&self, label: &str, lines: &[(Mark, String)]) {
        for (index, (mark, line)) in lines.iter().enumerate() {
            self.field(if index == 0 { label } else { "" }, *mark, line);
        }
    }

    fn digest(&self, before: Option<&Release>, now: &impl Display) {
        let now = now.to_string();
        match before.map(|release| release.sha256.to_string()).filter(|before| *before != now) {
            Some(before) => self.fields("SHA-256", &[(Mark::Less, before), (Mark::More, now)]),
            None => self.field("SHA-256", Mark::Same, &now),
        }
    }

    fn publisher(&self, candidate: &Candidate, is_first: bool) {
        let publisher = candidate.manifest().publisher.as_deref();
        match (publisher, candidate.signer()) {
            (publisher, Some(key)) => {
                self.field("Publisher", Mark::Same, publisher.unwrap_or("not named"));
                let from_now_on = if is_first { " (later versions have to be, too)" } else { "" };
                self.field("Signed by", Mark::Same, &format!("{key}{from_now_on}"));
            }
            (Some(publisher), None) => {
                self.field("Publisher", Mark::Same, &format!("{publisher} (not signed: nothing proves it)"));
            }
            (None, None) => self.field("Publisher", Mark::Same, "not named, and not signed"),
        }
    }

    /// What it may reach, name, claim and use.
    fn grant(&self, before: Option<&Release>, granted: &Manifest, difference: &Difference) {
        self.roles(before, granted, difference);
        if granted.roles.syncs() {
            self.sync(before, granted, difference);
        }
        match (&difference.limits, before) {
            (Some((was, now)), Some(_)) => {
                let limits =
                    [(Mark::Less, was), (Mark::More, now)].map(|(mark, some)| (mark, some.to_string()));
                self.fields(
                    "Limits",
                    &limits
                        .map(|(mark, text)| (mark, if text.is_empty() { "the usual".into() } else { text })),
                );
            }
            _ if granted.limits.is_empty() => {}
            _ => self.field("Limits", Mark::Same, &format!("{} (more than usual)", granted.limits)),
        }
    }

    /// What it is, where it is more than a provider, and what it gets as that.
    fn roles(&self, before: Option<&Release>, granted: &Manifest, difference: &Difference) {
        let is = |roles: Roles| format!("{}: it delivers events to webhooks", roles.describe());
        match (difference.roles, before) {
            (Some((was, now)), Some(_)) => self.fields(
                "Is a",
                &[(Mark::Less, was.describe().to_owned()), (Mark::More, now.describe().to_owned())],
            ),
            _ if granted.roles.delivers() => self.field("Is a", Mark::Same, &is(granted.roles)),
            _ => {}
        }
        if granted.roles.delivers() {
            for (label, value) in view::DELIVERY {
                self.field(label, Mark::Same, value);
            }
        }
    }

    /// What it may do as a provider.
    fn sync(&self, before: Option<&Release>, granted: &Manifest, difference: &Difference) {
        // Of something new, everything is new, and marks would say nothing.
        let marked = |is_more: bool| if is_more && before.is_some() { Mark::More } else { Mark::Same };
        let mut reach = vec![(marked(difference.api_url.is_some()), api(granted.api_url.as_ref()))];
        if let (Some((was, _)), Some(_)) = (&difference.api_url, before) {
            reach.insert(0, (Mark::Less, api(was.as_ref())));
        }
        reach.extend(granted.hosts.iter().map(|h| (marked(difference.hosts_added.contains(h)), host(h))));
        reach.extend(difference.hosts_removed.iter().map(|h| (Mark::Less, host(h))));
        self.fields("May reach", &reach);
        let login = |login: &Option<LoginKind>| login.as_ref().map_or("none".to_owned(), sign_in);
        let mut sign_ins = Vec::new();
        if let (Some((was @ Some(_), _)), Some(_)) = (&difference.login, before) {
            sign_ins.push((Mark::Less, login(was)));
        }
        // Where one is dropped, that line says it all.
        if granted.login.is_some() || sign_ins.is_empty() {
            sign_ins.push((marked(difference.login.is_some()), login(&granted.login)));
        }
        self.fields("Sign-in", &sign_ins);
        let env = "or ORKEE_CLOUD_TOKEN of the environment, for the server of ORKEE_CLOUD_API_URL".to_owned();
        match difference.env_token {
            Some((true, false)) => self.field("", Mark::Less, &env),
            Some((false, true)) => self.field("", marked(true), &env),
            _ if granted.env_token => self.field("", Mark::Same, &env),
            _ => {}
        }
        let mut tenants: Vec<_> = granted
            .tenants
            .iter()
            .map(|t| (marked(difference.tenants_added.contains(t)), t.clone()))
            .collect();
        tenants.extend(difference.tenants_removed.iter().map(|t| (Mark::Less, t.clone())));
        self.fields("Tenants", &tenants);
    }

    fn end(&self, is_replacing: bool, granted: &Manifest, difference: &Difference) {
        self.line("");
        if is_replacing && difference.is_empty() {
            self.line("It may do what the present version may do, no more and no less.");
        } else if !granted.roles.syncs() {
            self.line("It gets events, not your projects, and syncs nothing. It can reach nothing else,");
            self.line("read no file, start no program, and never sees a sign-in.");
        } else {
            self.line("It gets the projects that you sync through it. It can reach nothing else, read");
            self.line("no file, start no program, and never sees a sign-in: Orkee sends that for it.");
        }
        self.line("");
    }
}

fn api(url: Option<&ApiUrl>) -> String {
    match url {
        Some(url) => format!("the API URL: {url}, unless you set another"),
        None => "the API URL that you set for a tenant".to_owned(),
    }
}

fn host(host: &HostPattern) -> String {
    match host.network() {
        Network::Public => host.to_string(),
        Network::Private => format!("{host} (in private networks, too)"),
    }
}

fn sign_in(login: &LoginKind) -> String {
    match login {
        LoginKind::Oauth { issuer, client_id, scopes } => {
            let at = issuer.as_ref().map(|issuer| format!(" at {issuer}")).unwrap_or_default();
            let client = client_id.as_ref().map(|id| format!(" as the client {id}")).unwrap_or_default();
            let scopes =
                scopes.as_ref().map(|scopes| format!(" for {}", scopes.join(" "))).unwrap_or_default();
            format!("in the browser{at}{client}{scopes}; the token goes to the API URL alone")
        }
        LoginKind::Token | LoginKind::Password => {
            format!("{}, sent to the API URL alone", login.describe())
        }
        LoginKind::AwsKeys { service } => {
            let what = login.describe();
            format!(
                "{what}; it signs requests for {service} to the API URL alone, for all that the key opens there"
            )
        }
    }
}
