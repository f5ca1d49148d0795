//! `/device`: the page where a person types the code, and the question that follows.
//!
//! `GET` changes nothing and tells nothing of a code, also where the address holds one: it is filled in, and the person
//! compares and sends it.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use jiff::Timestamp;

use super::super::authorize::{Answer, ENDED, form, sign_in_page};
use super::super::errand::Errand;
use super::super::pages::{self, Page};
use super::super::request::Parameters;
use super::super::session::Browser;
use super::poll::as_client;
use super::{Decision, UserCode};
use crate::http::App;
use crate::http::caller::Address;
use crate::storage::{Account, NewCode};

/// Where it is.
pub(crate) const ADDRESS: &str = "/device";

const UNKNOWN: &str = "No device is waiting with that code. Compare it with the one in your terminal; a code is good for a few minutes.";
const OFTEN: &str = "Too many codes were tried. Please wait a few minutes.";
const STALE: &str = "That form was out of date. Please try again.";

pub(crate) async fn show(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Answer {
    let query = Parameters::parse(query.unwrap_or_default().as_bytes());
    let code = query.get("user_code").and_then(UserCode::parse);
    match signed_in(&app, &headers, code.as_ref(), None).await? {
        Ok((browser, account)) => {
            let typed = code.as_ref().map(ToString::to_string).unwrap_or_default();
            Ok(pages::device::enter(&browser, &account.email, &typed, None).respond(StatusCode::OK))
        }
        Err(page) => Ok(page),
    }
}

pub(crate) async fn typed(
    State(app): State<Arc<App>>,
    address: Address,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let fields = form(&headers, body).await?;
    let typed = fields.get("user_code").unwrap_or_default();
    let code = UserCode::parse(typed);
    let (browser, account) = match signed_in(&app, &headers, code.as_ref(), Some(STALE)).await? {
        Ok(known) => known,
        Err(page) => return Ok(page),
    };
    let again = |problem, status| {
        let shown: String = typed.chars().take(40).collect();
        Ok(pages::device::enter(&browser, &account.email, &shown, Some(problem)).respond(status))
    };
    if !browser.gave(pages::device::ENTER, fields.get("form")) {
        return again(STALE, StatusCode::FORBIDDEN);
    }
    if !may_try(&app, &address, &account) {
        return again(OFTEN, StatusCode::TOO_MANY_REQUESTS);
    }
    let found =
        code.and_then(|code| Some((app.devices.show(&code, browser.hash(), Timestamp::now())?, code)));
    let Some((asking, code)) = found else {
        return again(UNKNOWN, StatusCode::NOT_FOUND);
    };
    let page = pages::device::confirm(&browser, &account.email, &code, &asking, &address.text);
    Ok(page.respond(StatusCode::OK))
}

/// Counts a code that somebody names; whether they may.
fn may_try(app: &App, address: &Address, account: &Account) -> bool {
    let may = app.code_addresses.take(address.network.clone()).is_ok()
        && app.code_accounts.take(account.key).is_ok();
    if !may {
        tracing::warn!(address = address.text, account = account.id, "too many device codes were tried");
    }
    may
}

pub(crate) async fn decide(
    State(app): State<Arc<App>>,
    address: Address,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let fields = form(&headers, body).await?;
    let code = fields.get("user_code").and_then(UserCode::parse);
    let (browser, account) = match signed_in(&app, &headers, code.as_ref(), Some(STALE)).await? {
        Ok(known) => known,
        Err(page) => return Ok(page),
    };
    let again = |problem, status| {
        Ok(pages::device::enter(&browser, &account.email, "", Some(problem)).respond(status))
    };
    // No other site has the key.
    let Some(code) = code.filter(|code| browser.gave(&pages::device::purpose(code), fields.get("form")))
    else {
        return again(STALE, StatusCode::FORBIDDEN);
    };
    let decision = match fields.get("decision") {
        Some("approve") => Decision::Approve,
        _ => Decision::Decline,
    };
    let Some(claim) = app.devices.decide(&code, browser.hash(), decision, Timestamp::now()) else {
        // Whoever makes a form for a code that they were not shown learns nothing of it, and has tried a code all the same.
        return match may_try(&app, &address, &account) {
            true => again(UNKNOWN, StatusCode::NOT_FOUND),
            false => again(OFTEN, StatusCode::TOO_MANY_REQUESTS),
        };
    };
    if decision == Decision::Decline {
        return Ok(Page::device_declined().respond(StatusCode::OK));
    }
    let device_code = claim.device_code;
    let made = app.storage(move |storage| {
        storage.create_code(&NewCode {
            hash: claim.device_code,
            account: account.key,
            client: &as_client(),
            challenge: "",
            device: &claim.device,
            expires: claim.expires,
        })
    });
    if !made.await? {
        app.devices.withdraw(device_code);
        return sign_in_page(&app, &browser, &Errand::Device(None), "", Some(ENDED), StatusCode::FORBIDDEN);
    }
    app.devices.confirm(device_code);
    Ok(Page::device_connected().respond(StatusCode::OK))
}

/// The browser and who is signed in at it, or the sign-in page.
async fn signed_in(
    app: &App,
    headers: &HeaderMap,
    code: Option<&UserCode>,
    problem: Option<&str>,
) -> Result<Result<(Browser, Account), Response>, crate::http::ApiError> {
    let known = Browser::of(app, headers);
    let account = match &known {
        Some(browser) => browser.account(app).await?,
        None => None,
    };
    match (known, account) {
        (Some(browser), Some(account)) => Ok(Ok((browser, account))),
        (known, _) => {
            let browser = known.unwrap_or_else(Browser::new);
            let errand = Errand::Device(code.cloned());
            let status = if problem.is_some() { StatusCode::FORBIDDEN } else { StatusCode::OK };
            sign_in_page(app, &browser, &errand, "", problem, status).map(Err)
        }
    }
}
