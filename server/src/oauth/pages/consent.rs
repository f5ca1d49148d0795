//! The question whether a client on this computer may.

use super::{CHOICE, Page, RIGHTS, account_note, escape};
use crate::oauth::errand::Errand;
use crate::oauth::request::AuthorizationRequest;
use crate::oauth::session::Browser;

/// What the form's key is bound to: this very request.
pub(in crate::oauth) fn purpose(request: &AuthorizationRequest) -> String {
    format!("consent {}", request.to_query())
}

pub(in crate::oauth) fn consent(browser: &Browser, request: &AuthorizationRequest, email: &str) -> Page {
    let body = format!(
        r#"<h1>Let {who} sync your projects?</h1>
<p>It will be signed in to your account until you sign it out.</p>
{RIGHTS}
<form method="post" action="/oauth/consent?{query}">
<input type="hidden" name="form" value="{key}">
{CHOICE}
</form>
{account}"#,
        who = who(request),
        query = escape(&request.to_query()),
        key = browser.form_key(&purpose(request)),
        account = account_note(browser, &Errand::Authorize(request.clone()), email),
    );
    // Chromium holds the redirect that answers a form to `form-action` as well.
    let form_action = format!("'self' {}", request.redirect.csp_source());
    Page { title: "Allow access", body, foot: arrival(request), form_action }
}

/// Who asks, for a sentence.
pub(super) fn who(request: &AuthorizationRequest) -> String {
    match &request.device.name {
        Some(name) => format!("Orkee on <strong>{}</strong>", escape(name)),
        None => "Orkee on this computer".to_owned(),
    }
}

/// Where this ends.
pub(super) fn arrival(request: &AuthorizationRequest) -> String {
    format!("You will return to a program on this computer, at {}.", escape(&request.redirect.origin()))
}
