//! The pages a person sees: sign in, create an account, allow or decline, something is wrong.
//!
//! Plain forms and one style sheet inside the page, so that the policy can forbid scripts, images and every other address.
//! Whatever comes from outside goes through [`escape`], and attributes stand in double quotes.

use std::sync::LazyLock;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::request::AuthorizationRequest;
use super::session::Browser;

/// What the forms are for, as their keys are bound to it.
pub(super) const SIGN_IN: &str = "sign-in";
pub(super) const REGISTER: &str = "register";
pub(super) const SWITCH: &str = "switch";

const STYLE: &str = include_str!("style.css");
const MARK: &str = r#"<svg width="28" height="28" viewBox="0 0 28 28" fill="none" aria-hidden="true"><path d="M14 26V12" stroke="currentColor" stroke-width="2.4" stroke-linecap="round"/><path d="M14 18c0-4 2.6-6.6 7-7-.2 4.6-2.7 7-7 7Zm0-3.5c0-4-2.600-6.6-7-7 .2 4.6 2.7 7 7 7Z" fill="currentColor"/><path d="M14 9.5c-2.200-2-2.200-5 0-7.5 2.200 2.5 2.200 5.5 0 7.5Z" fill="currentColor"/></svg>"#;

/// The policy's name for the one style sheet.
static STYLE_SOURCE: LazyLock<String> =
    LazyLock::new(|| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(STYLE.as_bytes()))));

/// A page, and where its forms may lead.
pub(super) struct Page {
    title: &'static str,
    body: String,
    foot: String,
    form_action: String,
}

/// What the consent form's key is bound to: this very request.
pub(super) fn consent_purpose(request: &AuthorizationRequest) -> String {
    format!("consent {}", request.to_query())
}

pub(super) fn sign_in(
    browser: &Browser,
    request: &AuthorizationRequest,
    email: &str,
    problem: Option<&str>,
    open_registration: bool,
) -> Page {
    let query = escape(&request.to_query());
    let register = if open_registration {
        format!(r#"<p class="after">New here? <a href="/oauth/register?{query}">Create an account</a></p>"#)
    } else {
        String::new()
    };
    let body = format!(
        r#"<h1>Sign in to Orkee</h1>
<p>{who} wants to sync your projects.</p>
{problem}<form method="post" action="/oauth/login?{query}">
<input type="hidden" name="form" value="{key}">
<label>Email<input type="email" name="email" value="{email}" autocomplete="username" required autofocus></label>
<label>Password<input type="password" name="password" autocomplete="current-password" required></label>
<button type="submit">Sign in</button>
</form>
{register}"#,
        who = who(request),
        problem = problem_note(problem),
        key = browser.form_key(SIGN_IN),
        email = escape(email),
    );
    Page { title: "Sign in", body, foot: arrival(request), form_action: "'self'".to_owned() }
}

pub(super) fn register(
    browser: &Browser,
    request: &AuthorizationRequest,
    email: &str,
    problem: Option<&str>,
) -> Page {
    let body = format!(
        r#"<h1>Create an account</h1>
<p>Your projects stay on your machine. This account keeps a copy for your other devices.</p>
{problem}<form method="post" action="/oauth/register?{query}">
<input type="hidden" name="form" value="{key}">
<label>Email<input type="email" name="email" value="{email}" autocomplete="username" required autofocus></label>
<label>Password, at least 8 characters<input type="password" name="password" minlength="8" autocomplete="new-password" required></label>
<button type="submit">Create account</button>
</form>
<p class="after">You have one? <a href="/oauth/authorize?{query}">Sign in</a></p>"#,
        query = escape(&request.to_query()),
        problem = problem_note(problem),
        key = browser.form_key(REGISTER),
        email = escape(email),
    );
    Page { title: "Create an account", body, foot: arrival(request), form_action: "'self'".to_owned() }
}

pub(super) fn consent(browser: &Browser, request: &AuthorizationRequest, email: &str) -> Page {
    let query = escape(&request.to_query());
    let body = format!(
        r#"<h1>Let {who} sync your projects?</h1>
<p>It will be signed in to your account until you sign it out.</p>
<ul>
<li><strong>Your projects</strong>Read and change all of them</li>
<li><strong>Your account</strong>See its email address and plan</li>
</ul>
<form method="post" action="/oauth/consent?{query}">
<input type="hidden" name="form" value="{key}">
<div class="row">
<button type="submit" name="decision" value="approve">Allow</button>
<button type="submit" name="decision" value="deny" class="quiet">Decline</button>
</div>
</form>
<div class="who">
<form method="post" action="/oauth/switch?{query}">
<input type="hidden" name="form" value="{switch}">
Signed in as <strong>{email}</strong>. <button type="submit" class="link">Use another account</button>
</form>
</div>"#,
        who = who(request),
        key = browser.form_key(&consent_purpose(request)),
        switch = browser.form_key(SWITCH),
        email = escape(email),
    );
    // Chromium holds the redirect that answers a form to `form-action` as well.
    let form_action = format!("'self' {}", request.redirect.csp_source());
    Page { title: "Allow access", body, foot: arrival(request), form_action }
}

/// Who asks, for a sentence.
fn who(request: &AuthorizationRequest) -> String {
    match &request.device.name {
        Some(name) => format!("Orkee on <strong>{}</strong>", escape(name)),
        None => "The Orkee command line".to_owned(),
    }
}

/// Where this ends.
fn arrival(request: &AuthorizationRequest) -> String {
    format!("You will return to a program on this computer, at {}.", escape(&request.redirect.origin()))
}

fn problem_note(problem: Option<&str>) -> String {
    problem
        .map(|text| format!("<div class=\"problem\" role=\"alert\">{}</div>\n", escape(text)))
        .unwrap_or_default()
}

/// Text inside an element or a quoted attribute.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(c),
        }
    }
    escaped
}

impl Page {
    /// The request cannot go on, and the person is the only one to tell.
    pub(super) fn problem(problem: &str) -> Self {
        let body = format!(
            "<h1>This cannot go on</h1>\n<p>{}</p>\n<p>Nothing was allowed. Go back to your terminal and run \
             <strong>orkee cloud login</strong> again.</p>",
            escape(problem)
        );
        Self { title: "Something is wrong", body, foot: String::new(), form_action: "'none'".to_owned() }
    }

    /// The page as a reply.
    pub(super) fn respond(&self, status: StatusCode) -> Response {
        let Self { title, body, foot, form_action } = self;
        let html = format!(
            r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · Orkee Cloud</title>
<style>{STYLE}</style>
</head>
<body>
<header>{MARK}<span>Orkee Cloud</span></header>
<main>
{body}
</main>
<footer>{foot}</footer>
</body>
</html>
"#
        );
        let policy = format!(
            "default-src 'none'; style-src {}; form-action {form_action}; base-uri 'none'; frame-ancestors 'none'",
            *STYLE_SOURCE
        );
        let mut response = (status, Html(html)).into_response();
        let headers = response.headers_mut();
        if let Ok(policy) = HeaderValue::from_str(&policy) {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_outside_cannot_leave_its_quotes() {
        assert_eq!(escape("\"><script>'&"), "&quot;&gt;&lt;script&gt;&#39;&amp;");
    }
}
