//! What the browser is shown at the end. Nothing is loaded from anywhere, no script runs, nothing is kept.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, LOCATION, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderValue, Response, StatusCode};
use sha2::{Digest, Sha256};

use crate::html::escape;

const STYLE: &str = include_str!("pages.css");
const MARK: &str = r#"<svg width="28" height="28" viewBox="0 0 28 28" fill="none" aria-hidden="true"><path d="M14 26V12" stroke="currentColor" stroke-width="2.4" stroke-linecap="round"/><path d="M14 18c0-4 2.6-6.6 7-7-.2 4.6-2.7 7-7 7Zm0-3.5c0-4-2.6-6.6-7-7 .2 4.6 2.7 7 7 7Z" fill="currentColor"/><path d="M14 9.5c-2.2-2-2.2-5 0-7.5 2.2 2.5 2.2 5.5 0 7.5Z" fill="currentColor"/></svg>"#;

/// Where the answer is taken out of the address bar, and how it ended is shown.
pub(super) const DONE: &str = "/done";

/// A page for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) status: StatusCode,
    pub(super) title: &'static str,
    /// Plain text; may come from a server.
    pub(super) text: String,
    /// It says that something went wrong.
    is_problem: bool,
}

impl Page {
    pub(super) fn signed_in() -> Self {
        Self::ok("You are signed in", "You can close this page and go back to the terminal.")
    }

    pub(super) fn failed(error: &dyn std::error::Error) -> Self {
        let page =
            Self::ok("You are not signed in", &format!("{}. The terminal says more.", sentence(error)));
        Self { is_problem: true, ..page }
    }

    pub(super) fn already_used() -> Self {
        Self::ok("Already used", "This sign-in has had its answer. You can close this page.")
    }

    pub(super) fn not_an_answer() -> Self {
        let text = "This is not the answer to a sign-in that is under way here. The terminal is still waiting for it.";
        Self {
            status: StatusCode::BAD_REQUEST,
            title: "Not expected",
            text: text.to_owned(),
            is_problem: true,
        }
    }

    pub(super) fn bare(status: StatusCode) -> Self {
        Self {
            status,
            title: status.canonical_reason().unwrap_or("Error"),
            text: String::new(),
            is_problem: true,
        }
    }

    fn ok(title: &'static str, text: &str) -> Self {
        Self { status: StatusCode::OK, title, text: text.to_owned(), is_problem: false }
    }

    /// A failure is read out at once.
    fn role(&self) -> &'static str {
        if self.is_problem { " class=\"problem\" role=\"alert\"" } else { "" }
    }

    pub(super) fn into_response(self) -> Response<String> {
        let (title, text) = (escape(self.title), escape(&self.text));
        let text = if text.is_empty() { String::new() } else { format!("<p{}>{text}</p>\n", self.role()) };
        let html = format!(
            r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · Orkee</title>
<style>{STYLE}</style>
</head>
<body>
<header>{MARK}<span>Orkee</span></header>
<main>
<h1>{title}</h1>
{text}</main>
</body>
</html>
"#
        );
        let mut response = guarded(html);
        *response.status_mut() = self.status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        response
    }
}

/// Sends the browser on, so that the code does not stay in its address bar and history.
pub(super) fn to_done() -> Response<String> {
    let mut response = guarded(String::new());
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().insert(LOCATION, HeaderValue::from_static(DONE));
    response
}

fn guarded(body: String) -> Response<String> {
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        BASE64_STANDARD.encode(Sha256::digest(STYLE))
    );
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    let fixed: [(HeaderName, &'static str); 3] =
        [(CACHE_CONTROL, "no-store"), (REFERRER_POLICY, "no-referrer"), (X_CONTENT_TYPE_OPTIONS, "nosniff")];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// An error's message as a sentence begins.
fn sentence(error: &dyn std::error::Error) -> String {
    let message = error.to_string();
    let mut rest = message.chars();
    rest.next().map(|first| first.to_uppercase().chain(rest).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::AuthError;

    #[test]
    fn a14_a_page_escapes_what_a_server_said() {
        let error = AuthError::Declined { description: "<script>alert('x')</script>&".to_owned() };
        let body = Page::failed(&error).into_response().into_body();
        assert!(!body.contains("<script"));
        assert!(body.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;"));
    }

    #[test]
    fn a17_every_answer_is_guarded_and_loads_nothing() {
        for response in [Page::signed_in().into_response(), Page::not_an_answer().into_response(), to_done()]
        {
            let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
            assert_eq!(header("cache-control"), "no-store");
            assert_eq!(header("referrer-policy"), "no-referrer");
            assert!(header("content-security-policy").starts_with("default-src 'none'; style-src 'sha256-"));
            let body = response.body();
            assert!(
                !["src=", "href=", "url(", "@import", "<script"].iter().any(|remote| body.contains(remote))
            );
        }
    }
}
