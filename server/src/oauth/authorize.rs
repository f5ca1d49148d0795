//! `/oauth/authorize`: the sign-in page, then the question whether the client may; `/oauth/consent`: the answer.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;

use super::errand::Errand;
use super::pages::{self, Page};
use super::request::{AuthorizationRequest, Parameters, Refusal};
use super::session::Browser;
use super::{CODE_LIFETIME, MAX_FORM_BYTES};
use crate::http::body::Received;
use crate::http::{ApiError, App};
use crate::secret::Secret;
use crate::storage::NewCode;

/// The sign-in at the browser is over, be it by time or because the account was disabled.
pub(super) const ENDED: &str = "Your sign-in has expired. Please sign in again.";

/// Whatever a handler of the pages answers with.
pub(super) type Answer = Result<Response, ApiError>;

pub(super) async fn show(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Answer {
    let request = match AuthorizationRequest::parse(query.as_deref().unwrap_or_default()) {
        Ok(request) => request,
        Err(refusal) => return refuse(&app, refusal),
    };
    let Some(browser) = Browser::of(&app, &headers) else {
        let errand = Errand::Authorize(request);
        return sign_in_page(&app, &Browser::new(), &errand, "", None, StatusCode::OK);
    };
    match browser.account(&app).await? {
        Some(account) => {
            Ok(pages::consent::consent(&browser, &request, &account.email).respond(StatusCode::OK))
        }
        None => sign_in_page(&app, &browser, &Errand::Authorize(request), "", None, StatusCode::OK),
    }
}

/// The sign-in page, to a browser that keeps this cookie.
pub(super) fn sign_in_page(
    app: &App,
    browser: &Browser,
    errand: &Errand,
    email: &str,
    problem: Option<&str>,
    status: StatusCode,
) -> Answer {
    let page = pages::sign_in::sign_in(browser, errand, email, problem, app.settings.open_registration);
    with_cookie(page.respond(status), browser.cookie(app)?)
}

/// A reply that sets a cookie.
pub(super) fn with_cookie(mut response: Response, cookie: HeaderValue) -> Answer {
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    Ok(response)
}

/// Tells whoever may be told.
pub(super) fn refuse(app: &App, refusal: Refusal) -> Answer {
    match refusal {
        Refusal::Page(problem) => Ok(Page::problem(problem).respond(StatusCode::BAD_REQUEST)),
        Refusal::Back { redirect, state, error, description } => see_other(&redirect.with(&[
            ("error", Some(error)),
            ("error_description", Some(description).filter(|text| !text.is_empty())),
            ("state", state.as_deref()),
            ("iss", Some(&app.settings.public_url)),
        ])),
    }
}

/// To another address, with GET.
pub(super) fn see_other(location: &str) -> Answer {
    let location = HeaderValue::from_str(location).map_err(|e| ApiError::internal(&e))?;
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response())
}

/// The fields of a form.
pub(super) async fn form(headers: &HeaderMap, body: Body) -> Result<Parameters, ApiError> {
    let bytes = Received::read(headers, body, MAX_FORM_BYTES).await?.unpack()?;
    Ok(Parameters::parse(&bytes))
}

pub(super) async fn decide(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let request = match AuthorizationRequest::parse(query.as_deref().unwrap_or_default()) {
        Ok(request) => request,
        Err(refusal) => return refuse(&app, refusal),
    };
    let form = form(&headers, body).await?;
    let browser = Browser::of(&app, &headers).unwrap_or_else(Browser::new);
    let ended = |request| {
        let errand = Errand::Authorize(request);
        sign_in_page(&app, &browser, &errand, "", Some(ENDED), StatusCode::FORBIDDEN)
    };
    let Some(account) = browser.account(&app).await? else { return ended(request) };
    if !browser.gave(&pages::consent::purpose(&request), form.get("form")) {
        return Ok(
            Page::problem("This page was not the last one you were shown.").respond(StatusCode::FORBIDDEN)
        );
    }
    if form.get("decision") != Some("approve") {
        // The client knows what that means, and tells it in its own words.
        let description = "";
        let (redirect, state) = (request.redirect, request.state);
        return refuse(&app, Refusal::Back { redirect, state, error: "access_denied", description });
    }
    let code = Secret::new("");
    let hash = code.hash();
    let kept = request.clone();
    let made = app.storage(move |storage| {
        storage.create_code(&NewCode {
            hash,
            account: account.key,
            client: &kept.client,
            challenge: &kept.challenge,
            device: &kept.device,
            expires: Timestamp::now() + CODE_LIFETIME,
        })
    });
    if !made.await? {
        return ended(request);
    }
    see_other(&request.redirect.with(&[
        ("code", Some(code.expose())),
        ("state", request.state.as_deref()),
        ("iss", Some(&app.settings.public_url)),
    ]))
}
