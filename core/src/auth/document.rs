//! The token file's text: one section a login, everything else kept as it stands, comments included.

use jiff::Timestamp;
use toml_edit::{DocumentMut, Item, Table, TableLike, value};
use zeroize::Zeroizing;

use super::keyring::{Named, Secrets};
use super::method::Method;
use super::section::{Account, Login, Section};
use crate::net::Secret;

/// What a new file begins with.
const HEAD: &str = "# This file is managed automatically by `orkee cloud login`\n# Do not edit manually\n\n";

/// The API that a section without `api_url` is for: the one of the published file format.
const DEFAULT_API: &str = "https://api.orkee.ai";

/// Names the entry of the keyring that holds the secrets of a section.
const ENTRY: &str = "keyring";

/// How the access token of a bound login is sent where it is not bound itself.
const BEARER: &str = "Bearer";

/// The text is not TOML; where, counted from 1.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unreadable {
    pub(super) line: usize,
    pub(super) column: usize,
}

/// A parsed token file.
#[derive(Clone)]
pub(super) struct Document {
    toml: DocumentMut,
    head: &'static str,
}

impl Document {
    pub(super) fn new() -> Self {
        Self { toml: DocumentMut::new(), head: HEAD }
    }

    pub(super) fn parse(text: &str) -> Result<Self, Unreadable> {
        text.parse().map(|toml| Self { toml, head: "" }).map_err(|error: toml_edit::TomlError| {
            let end = error.span().map_or(0, |span| span.start).min(text.len());
            let before = text.get(..end).unwrap_or_default();
            let line_start = before.rfind('\n').map_or(0, |at| at + 1);
            Unreadable {
                line: before.matches('\n').count() + 1,
                column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
            }
        })
    }

    pub(super) fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("{}{}", self.head, self.toml))
    }

    /// Nothing is left that anybody would miss.
    pub(super) fn is_empty(&self) -> bool {
        self.toml.iter().all(|(name, item)| {
            matches!(name, "environments" | "tenants")
                && item.as_table_like().is_some_and(TableLike::is_empty)
        })
    }

    /// Every login's section, the default one first.
    pub(super) fn sections(&self) -> Vec<Section> {
        let mut sections = Vec::new();
        if self.table(&Section::Default).is_some() {
            sections.push(Section::Default);
        }
        for (group, make) in
            [("environments", Section::Environment as fn(String) -> Section), ("tenants", Section::Tenant)]
        {
            let names = self.toml.get(group).and_then(Item::as_table_like);
            sections.extend(names.into_iter().flat_map(|t| t.iter()).map(|(name, _)| make(name.to_owned())));
        }
        sections
    }

    /// The login of a section. A value of a wrong type counts as missing.
    pub(super) fn login(&self, section: &Section) -> Option<Login> {
        let table = self.table(section)?;
        let text = |key: &str| {
            table.get(key).and_then(Item::as_str).filter(|t| !t.is_empty()).map(ToOwned::to_owned)
        };
        let api = text("api_url").unwrap_or_else(|| DEFAULT_API.to_owned());
        let method = match table.get("kind") {
            None => Some(Method::Oauth),
            Some(kind) => kind.as_str().and_then(Method::from_text),
        };
        // A secret of a kind that nobody knows, or not of its kind's form, could be sent in no right way.
        let fits = |secret: &String| match method {
            Some(Method::Oauth) => true,
            Some(method) => method.check(secret).is_ok(),
            None => false,
        };
        let renewed = |key| text(key).filter(|_| method == Some(Method::Oauth));
        Some(Login {
            method: method.unwrap_or_default(),
            provider: text("provider"),
            client_id: text("client_id"),
            issuer: text("issuer").unwrap_or_else(|| api.clone()),
            api,
            token: text("token").filter(fits).map(Secret::from),
            expires_at: renewed("expires_at").and_then(|t| t.parse().ok()),
            refresh_token: renewed("refresh_token").map(Secret::from),
            bound_to: renewed("bound_to"),
            bearer: text("token_type").is_some_and(|kind| kind.eq_ignore_ascii_case(BEARER)),
            account: text("account").map(|email| Account { email, plan: text("subscription") }),
            identity_provider: text("identity_provider"),
            signed_in_at: text("signed_in_at").and_then(|t| t.parse().ok()),
            ends_at: text("ends_at").and_then(|t| t.parse().ok()),
        })
    }

    /// Writes a login into its section. Keys that it does not know stay, and so does what stands around them.
    pub(super) fn put(&mut self, section: &Section, login: &Login) {
        let Some(table) = self.table_mut(section) else {
            return;
        };
        set(table, "kind", Some(login.method).filter(|m| *m != Method::Oauth).map(Method::as_str));
        set(table, "provider", login.provider.as_deref());
        set(table, "client_id", login.client_id.as_deref());
        set(table, "token", login.token.as_ref().map(Secret::expose));
        set(table, "expires_at", login.expires_at.map(seconds).as_deref());
        set(table, "refresh_token", login.refresh_token.as_ref().map(Secret::expose));
        set(table, "api_url", Some(&login.api));
        set(table, "issuer", Some(&login.issuer));
        set(table, "bound_to", login.bound_to.as_deref());
        set(table, "token_type", Some(BEARER).filter(|_| login.bearer));
        set(table, "identity_provider", login.identity_provider.as_deref());
        set(table, "signed_in_at", login.signed_in_at.map(seconds).as_deref());
        set(table, "ends_at", login.ends_at.map(seconds).as_deref());
        if let Some(account) = &login.account {
            set(table, "account", Some(&account.email));
            set(table, "subscription", account.plan.as_deref());
        }
    }

    /// When this machine's clock said that the login's token came. None: nobody noted it.
    pub(super) fn issued_at(&self, section: &Section) -> Option<Timestamp> {
        self.table(section)?.get("issued_at")?.as_str()?.parse().ok()
    }

    /// Notes when the login's token came.
    pub(super) fn note_issue(&mut self, section: &Section, at: Timestamp) {
        if let Some(table) = self.table_mut(section) {
            set(table, "issued_at", Some(&seconds(at)));
        }
    }

    /// The secrets that stand in a section.
    pub(super) fn secrets(&self, section: &Section) -> Secrets {
        let text = |key: &str| self.table(section)?.get(key)?.as_str().map(Secret::new);
        Secrets { token: text("token"), refresh_token: text("refresh_token") }
    }

    /// Puts secrets into a section.
    pub(super) fn give(&mut self, section: &Section, secrets: &Secrets) {
        if let Some(table) = self.table_mut(section) {
            set(table, "token", secrets.token.as_ref().map(Secret::expose));
            set(table, "refresh_token", secrets.refresh_token.as_ref().map(Secret::expose));
        }
    }

    /// The entry of the keyring that a section names.
    pub(super) fn entry(&self, section: &Section) -> Option<String> {
        self.table(section)?.get(ENTRY)?.as_str().map(str::to_owned)
    }

    /// Every entry of the keyring that it names.
    pub(super) fn named(&self) -> Vec<Named> {
        let named = |section: Section| self.entry(&section).map(|name| (section, name));
        self.sections().into_iter().filter_map(named).collect()
    }

    /// Names no entry of the keyring any more: the secrets stand in the section, or there are none.
    pub(super) fn drop_entry(&mut self, section: &Section) {
        if self.entry(section).is_some()
            && let Some(table) = self.table_mut(section)
        {
            table.remove(ENTRY);
        }
    }

    /// Names an entry of the keyring in the place of the secrets.
    pub(super) fn name(&mut self, section: &Section, entry: &str) {
        self.give(section, &Secrets::default());
        if let Some(table) = self.table_mut(section) {
            set(table, ENTRY, Some(entry));
        }
    }

    /// Forgets who the login belongs to: another person may have signed in.
    pub(super) fn forget_account(&mut self, section: &Section) {
        if let Some(table) = self.table_mut(section) {
            table.remove("account");
            table.remove("subscription");
        }
    }

    /// Removes a section.
    pub(super) fn remove(&mut self, section: &Section) {
        let (group, name) = section.path();
        match group {
            None => {
                self.toml.remove(name);
            }
            Some(group) => {
                let Some(table) = self.toml.get_mut(group).and_then(Item::as_table_like_mut) else {
                    return;
                };
                table.remove(name);
                if table.is_empty() {
                    self.toml.remove(group);
                }
            }
        }
    }

    fn table(&self, section: &Section) -> Option<&dyn TableLike> {
        let (group, name) = section.path();
        match group {
            None => self.toml.get(name)?.as_table_like(),
            Some(group) => self.toml.get(group)?.as_table_like()?.get(name)?.as_table_like(),
        }
    }

    /// The section's table, made if it is not there, in the place of anything that is no table.
    fn table_mut(&mut self, section: &Section) -> Option<&mut dyn TableLike> {
        let (group, name) = section.path();
        let parent: &mut dyn TableLike = match group {
            None => self.toml.as_table_mut(),
            Some(group) => table_at(self.toml.as_table_mut(), group, true)?,
        };
        table_at(parent, name, false)
    }
}

fn table_at<'a>(parent: &'a mut dyn TableLike, name: &str, implicit: bool) -> Option<&'a mut dyn TableLike> {
    if !parent.get(name).is_some_and(Item::is_table_like) {
        let mut table = Table::new();
        table.set_implicit(implicit);
        parent.insert(name, Item::Table(table));
    }
    parent.get_mut(name)?.as_table_like_mut()
}

/// Sets or removes a text, keeping the comment beside it.
fn set(table: &mut dyn TableLike, key: &str, text: Option<&str>) {
    let Some(text) = text else {
        table.remove(key);
        return;
    };
    let mut item = value(text);
    if let (Some(new), Some(old)) = (item.as_value_mut(), table.get(key).and_then(Item::as_value)) {
        *new.decor_mut() = old.decor().clone();
    }
    match table.get_mut(key) {
        Some(old) => *old = item,
        None => {
            table.insert(key, item);
        }
    }
}

/// As the published file has it: `2024-12-31T23:59:59Z`.
fn seconds(at: Timestamp) -> String {
    format!("{at:.0}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLISHED: &str = r#"# This file is managed automatically by `orkee cloud login`
# Do not edit manually

[orkee_cloud]
token = "orkee_abc123..."
expires_at = "2024-12-31T23:59:59Z"
refresh_token = "orkee_refresh_xyz..."
"#;

    fn login() -> Login {
        Login {
            method: Method::Oauth,
            provider: None,
            client_id: None,
            api: "https://api.orkee.ai".to_owned(),
            issuer: "https://api.orkee.ai".to_owned(),
            token: Some(Secret::new("orkee_new")),
            expires_at: Some("2025-01-01T00:00:00.7Z".parse().unwrap()),
            refresh_token: Some(Secret::new("orkee_refresh_new")),
            account: None,
            bound_to: None,
            bearer: false,
            identity_provider: None,
            signed_in_at: None,
            ends_at: None,
        }
    }

    #[test]
    fn a_file_written_exactly_as_published_is_a_login_for_the_default_api() {
        let document = Document::parse(PUBLISHED).unwrap();
        let login = document.login(&Section::Default).unwrap();
        assert_eq!(login.token.unwrap().expose(), "orkee_abc123...");
        assert_eq!(login.expires_at.unwrap().to_string(), "2024-12-31T23:59:59Z");
        assert_eq!(login.refresh_token.unwrap().expose(), "orkee_refresh_xyz...");
        assert_eq!(login.api, "https://api.orkee.ai");
        assert_eq!(document.sections(), [Section::Default]);
    }

    #[test]
    fn a_new_file_begins_as_published() {
        let mut document = Document::new();
        document.put(&Section::Default, &login());
        assert_eq!(
            document.to_text().as_str(),
            "# This file is managed automatically by `orkee cloud login`\n# Do not edit manually\n\n[orkee_cloud]\n\
             token = \"orkee_new\"\nexpires_at = \"2025-01-01T00:00:00Z\"\nrefresh_token = \"orkee_refresh_new\"\n\
             api_url = \"https://api.orkee.ai\"\nissuer = \"https://api.orkee.ai\"\n"
        );
    }

    #[test]
    fn a53_comments_unknown_keys_and_other_sections_are_kept() {
        let text = "# mine\ntop = 1\n\n[orkee_cloud] # here\n# above\ntoken = \"old\" # beside\nnote = \"stay\"\n\n[other]\nx = [1, 2] # y\n# end\n";
        let mut document = Document::parse(text).unwrap();
        document.put(&Section::Default, &login());
        let new = document.to_text();
        for kept in [
            "# mine\ntop = 1\n",
            "[orkee_cloud] # here\n# above\ntoken = \"orkee_new\" # beside\nnote = \"stay\"\n",
            "[other]\nx = [1, 2] # y\n# end\n",
        ] {
            assert!(new.contains(kept), "{}", new.as_str());
        }
        assert!(!new.contains("old"));
    }

    #[test]
    fn environments_and_tenants_have_sections_of_their_own() {
        let mut document = Document::new();
        let sections = [
            Section::Default,
            Section::Environment("development".to_owned()),
            Section::Tenant("acme corp".to_owned()),
        ];
        for section in &sections {
            document.put(section, &login());
        }
        let text = document.to_text();
        assert!(text.contains("\n[environments.development]\n"), "{}", text.as_str());
        assert!(text.contains("\n[tenants.\"acme corp\"]\n"), "{}", text.as_str());
        let mut again = Document::parse(&text).unwrap();
        assert_eq!(again.sections(), sections);
        for section in &sections {
            assert!(!again.is_empty());
            again.remove(section);
            assert!(again.login(section).is_none());
        }
        assert!(again.is_empty());
    }

    #[test]
    fn a54_what_is_wrong_is_told_by_line_and_column_alone() {
        let text = "[orkee_cloud]\ntoken = \"orkee_canary\nrefresh_token = 1\n";
        let error = Document::parse(text).err().unwrap();
        assert_eq!(error.line, 2);
        assert!(!format!("{error:?}").contains("canary"));
        assert!(Document::parse("[a").is_err());
    }

    #[test]
    fn values_of_a_wrong_type_are_as_good_as_missing() {
        let document = Document::parse(
            "orkee_cloud = 5\n[environments]\nx = \"y\"\n[tenants.a]\ntoken = 7\nexpires_at = \"soon\"\n",
        )
        .unwrap();
        assert!(document.login(&Section::Default).is_none());
        assert!(document.login(&Section::Environment("x".to_owned())).is_none());
        let login = document.login(&Section::Tenant("a".to_owned())).unwrap();
        assert!(login.token.is_none() && login.expires_at.is_none());
    }

    #[test]
    fn a_secret_of_another_kind_is_kept_with_its_kind_and_provider() {
        let mut document = Document::new();
        let section = Section::Tenant("nas".to_owned());
        let password = Login {
            method: Method::Password,
            provider: Some("webdav".to_owned()),
            token: Some(Secret::new("alice:pass: word")),
            expires_at: None,
            refresh_token: None,
            ..login()
        };
        document.put(&section, &password);
        let text = document.to_text();
        assert!(
            text.contains("[tenants.nas]\nkind = \"password\"\nprovider = \"webdav\"\n"),
            "{}",
            text.as_str()
        );
        let read = Document::parse(&text).unwrap().login(&section).unwrap();
        assert_eq!((read.method, read.provider.as_deref()), (Method::Password, Some("webdav")));
        assert_eq!(read.token.as_ref().unwrap().expose(), "alice:pass: word");
        assert_eq!(read.holder(), Some("alice"));
        document.put(&section, &login());
        assert!(!document.to_text().contains("webdav"), "another sign-in leaves nothing of the former");
    }

    #[test]
    fn the_sign_in_at_an_identity_provider_is_kept_with_its_end() {
        let mut document = Document::new();
        let section = Section::Tenant("acme".to_owned());
        let at = "2026-01-01T08:00:00Z".parse().unwrap();
        let (signed_in_at, ends_at) = (Some(at), Some(at + jiff::SignedDuration::from_hours(8)));
        let sso = Login { identity_provider: Some("okta".to_owned()), signed_in_at, ends_at, ..login() };
        document.put(&section, &sso);
        let text = document.to_text();
        let kept = "identity_provider = \"okta\"\nsigned_in_at = \"2026-01-01T08:00:00Z\"\nends_at = \"2026-01-01T16:00:00Z\"\n";
        assert!(text.contains(kept), "{}", text.as_str());
        let read = Document::parse(&text).unwrap().login(&section).unwrap();
        assert_eq!((read.identity_provider.as_deref(), read.ends_at), (Some("okta"), ends_at));
        document.put(&section, &login());
        assert!(!document.to_text().contains("okta"), "another sign-in leaves nothing of the former");
    }

    #[test]
    fn a_secret_of_an_unknown_kind_or_a_wrong_form_is_as_good_as_missing() {
        let section = Section::Tenant("nas".to_owned());
        for (kind, token) in [
            ("\"pasword\"", "alice:canary"),
            ("7", "alice:canary"),
            ("\"password\"", "canary"),
            ("\"aws-keys\"", "AKIA:"),
            ("\"token\"", "can ary"),
        ] {
            let text = format!("[tenants.nas]\nkind = {kind}\ntoken = \"{token}\"\n");
            let login = Document::parse(&text).unwrap().login(&section).unwrap();
            assert!(login.token.is_none(), "{text}");
        }
        let text = "[tenants.nas]\nkind = \"token\"\ntoken = \"t\"\nrefresh_token = \"r\"\n";
        let login = Document::parse(text).unwrap().login(&section).unwrap();
        assert!(login.token.is_some() && login.refresh_token.is_none(), "only what was issued is renewed");
    }

    #[test]
    fn a_section_is_made_where_something_else_stood() {
        let mut document = Document::parse("orkee_cloud = 5\nenvironments = 1\n").unwrap();
        document.put(&Section::Default, &login());
        document.put(&Section::Environment("dev".to_owned()), &login());
        assert!(document.login(&Section::Default).is_some());
        assert!(document.login(&Section::Environment("dev".to_owned())).is_some());
        Document::parse(&document.to_text()).unwrap();
    }
}
