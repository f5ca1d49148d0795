//! What the browser is shown at the end. Nothing is loaded from anywhere, no script runs, nothing is kept.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, LOCATION, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderValue, Response, StatusCode};
use sha2::{Digest, Sha256};

const STYLE: &str = "\
:root{color-scheme:light dark}\
body{margin:0;min-height:100vh;display:grid;place-items:center;font:16px/1.5 system-ui,sans-serif;background:light-dark(#f6f7f9,#14161a);color:light-dark(#1c2024,#e8eaed)}\
main{max-width:26rem;margin:1rem;padding:2rem 2.5rem;border-radius:12px;background:light-dark(#fff,#1d2026);box-shadow:0 1px 3px #0003}\
h1{font-size:1.25rem;margin:0 0 .5rem}p{margin:0;overflow-wrap:anywhere}";

/// Where the answer is taken out of the address bar, and how it ended is shown.
pub(super) const DONE: &str = "/done";

/// A page for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) status: StatusCode,
    pub(super) title: &'static str,
    /// Plain text; may come from a server.
    pub(super) text: String,
}

impl Page {
    pub(super) fn signed_in() -> Self {
        Self::ok("You are signed in", "You can close this page and go back to the terminal.")
    }

    pub(super) fn failed(error: &dyn std::error::Error) -> Self {
        Self::ok("You are not signed in", &format!("{error}. The terminal says more."))
    }

    pub(super) fn already_used() -> Self {
        Self::ok("Already used", "This sign-in has had its answer. You can close this page.")
    }

    pub(super) fn not_an_answer() -> Self {
        let text = "This is not the answer to a sign-in that is under way here. The terminal is still waiting for it.";
        Self { status: StatusCode::BAD_REQUEST, title: "Not expected", text: text.to_owned() }
    }

    pub(super) fn bare(status: StatusCode) -> Self {
        Self { status, title: status.canonical_reason().unwrap_or("Error"), text: String::new() }
    }

    fn ok(title: &'static str, text: &str) -> Self {
        Self { status: StatusCode::OK, title, text: text.to_owned() }
    }

    pub(super) fn into_response(self) -> Response<String> {
        let (title, text) = (escape(self.title), escape(&self.text));
        let html = format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
             content=\"width=device-width\"><title>{title} · Orkee</title><style>{STYLE}</style></head>\
             <body><main><h1>{title}</h1><p>{text}</p></main></body></html>"
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

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
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
