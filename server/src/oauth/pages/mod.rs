//! The pages a person sees: sign in, create an account, allow or decline, type a device's code, how it ended, something is wrong.
//!
//! Plain forms and one style sheet inside the page, so that the policy can forbid scripts, images and every other address.
//! Whatever comes from outside goes through [`escape`], and attributes stand in double quotes.

pub(super) mod consent;
pub(super) mod device;
pub(super) mod sign_in;

use std::sync::LazyLock;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use orkee_core::html::escape;
use sha2::{Digest, Sha256};

use super::errand::Errand;
use super::session::Browser;

/// What the form to become somebody else is for, as its key is bound to it.
pub(super) const SWITCH: &str = "switch";

const STYLE: &str = include_str!("style.css");
const MARK: &str = r#"<svg width="28" height="28" viewBox="0 0 28 28" fill="none" aria-hidden="true"><path d="M14 26V12" stroke="currentColor" stroke-width="2.4" stroke-linecap="round"/><path d="M14 18c0-4 2.6-6.6 7-7-.2 4.6-2.7 7-7 7Zm0-3.5c0-4-2.6-6.6-7-7 .2 4.6 2.7 7 7 7Z" fill="currentColor"/><path d="M14 9.5c-2.2-2-2.2-5 0-7.5 2.2 2.5 2.2 5.5 0 7.5Z" fill="currentColor"/></svg>"#;

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

/// Who is signed in, and the way to become somebody else.
fn account_note(browser: &Browser, errand: &Errand, email: &str) -> String {
    format!(
        r#"<div class="who">
<form method="post" action="/oauth/switch?{query}">
<input type="hidden" name="form" value="{key}">
Signed in as <strong>{email}</strong>. <button type="submit" class="link">Use another account</button>
</form>
</div>"#,
        query = escape(&errand.to_query()),
        key = browser.form_key(SWITCH),
        email = escape(email),
    )
}

/// What a device that is let in may do.
const RIGHTS: &str = "<ul>
<li><strong>Your projects</strong>Read and change all of them</li>
<li><strong>Your account</strong>See its email address and plan</li>
</ul>";

/// Yes and no. The first stands first for the keyboard.
const CHOICE: &str = r#"<div class="row">
<button type="submit" name="decision" value="approve">Allow</button>
<button type="submit" name="decision" value="deny" class="quiet">Decline</button>
</div>"#;

/// What went wrong with a form; its fields name it as their description.
fn problem_note(problem: Option<&str>) -> String {
    problem
        .map(|text| format!("<div class=\"problem\" role=\"alert\" id=\"problem\">{}</div>\n", escape(text)))
        .unwrap_or_default()
}

/// The attribute by which a field names the problem.
fn described(problem: Option<&str>) -> &'static str {
    if problem.is_some() { " aria-describedby=\"problem\"" } else { "" }
}

impl Page {
    /// The request cannot go on, and the person is the only one to tell.
    pub(super) fn problem(problem: &str) -> Self {
        let body = format!(
            "<h1>This cannot go on</h1>\n<p>{}</p>\n<p class=\"last\">Nothing was allowed. Go back to your terminal and run \
             <strong>orkee cloud login</strong> again.</p>",
            escape(problem)
        );
        Self { title: "Something is wrong", body, foot: String::new(), form_action: "'none'".to_owned() }
    }

    /// A device was let in.
    pub(super) fn device_connected() -> Self {
        Self::end(
            "Your device is connected",
            "Go back to its terminal: it goes on by itself within a few seconds. You can close this page.",
        )
    }

    /// A device was turned away.
    pub(super) fn device_declined() -> Self {
        Self::end(
            "Nothing was allowed",
            "The device is told that you declined. If somebody sent you its code, tell them nothing more. You can close this page.",
        )
    }

    fn end(title: &'static str, text: &str) -> Self {
        let body = format!("<h1>{title}</h1>\n<p class=\"last\">{text}</p>");
        Self { title, body, foot: String::new(), form_action: "'none'".to_owned() }
    }

    /// The page as a reply.
    pub(super) fn respond(&self, status: StatusCode) -> Response {
        let Self { title, body, foot, form_action } = self;
        let foot = if foot.is_empty() { String::new() } else { format!("<footer>{foot}</footer>\n") };
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
{foot}</body>
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
