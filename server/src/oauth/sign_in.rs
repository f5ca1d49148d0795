//! `/oauth/login`, `/oauth/register`, `/oauth/switch`: becoming somebody at the browser, and ceasing to be.
//!
//! Attempts are counted by account and address, and by address alone; wrong passwords by account too, wherever they come from. An
//! account that does not exist takes as long to refuse as a wrong password.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use jiff::Timestamp;

use super::authorize::{Answer, form, refuse, see_other, sign_in_page, with_cookie};
use super::errand::Errand;
use super::pages::{self, Page};
use super::request::Parameters;
use super::session::Browser;
use crate::http::caller::Address;
use crate::http::{ApiError, App};
use crate::password;
use crate::storage::{Account, NewAccount, Storage, StorageError};

const DEFAULT_PLAN: &str = "Pro Plan";
const STALE: &str = "That form was out of date. Please try again.";
const OFTEN: &str = "Too many attempts. Please wait a few minutes.";

/// An address as it is kept: trimmed, in lower case, with one @ inside.
pub(crate) fn email(text: &str) -> Option<String> {
    let email = text.trim().to_lowercase();
    let (name, domain) = email.split_once('@')?;
    let odd = |c: char| c.is_whitespace() || c.is_control() || c == '@' || c == ',';
    let good = !name.is_empty()
        && !domain.is_empty()
        && email.len() <= 254
        && !name.contains(odd)
        && !domain.contains(odd);
    good.then_some(email)
}

pub(super) async fn sign_in(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    address: Address,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let errand = match Errand::parse(query.as_deref().unwrap_or_default()) {
        Ok(errand) => errand,
        Err(refusal) => return refuse(&app, refusal),
    };
    let fields = form(&headers, body).await?;
    let browser = Browser::of(&app, &headers).unwrap_or_else(Browser::new);
    let typed = fields.get("email").unwrap_or_default();
    let again = |problem, status| sign_in_page(&app, &browser, &errand, typed, Some(problem), status);
    if !browser.gave(pages::sign_in::SIGN_IN, fields.get("form")) {
        return again(STALE, StatusCode::FORBIDDEN);
    }
    if !may_try(&app, typed, &address) || app.passwords.take(account_of(typed)).is_err() {
        return again(OFTEN, StatusCode::TOO_MANY_REQUESTS);
    }
    match verify(&app, &fields).await? {
        Some(account) => {
            app.sign_ins.forgive(&attempt(typed, &address));
            app.passwords.give_back(&account_of(typed));
            welcome(&app, &account, &errand).await
        }
        None => {
            tracing::warn!(address = address.text, "a sign-in was refused");
            again("That email and password do not match.", StatusCode::FORBIDDEN)
        }
    }
}

/// Counts an attempt; whether it may be made.
fn may_try(app: &App, typed: &str, address: &Address) -> bool {
    app.addresses.take(address.network.clone()).is_ok() && app.sign_ins.take(attempt(typed, address)).is_ok()
}

/// What attempts are counted by.
fn attempt(typed: &str, address: &Address) -> (String, String) {
    (account_of(typed), address.network.clone())
}

/// The account that somebody means, whether there is one or not.
fn account_of(typed: &str) -> String {
    typed.trim().to_lowercase().chars().take(254).collect()
}

async fn verify(app: &App, fields: &Parameters) -> Result<Option<Account>, ApiError> {
    let password = fields.get("password").unwrap_or_default().to_owned();
    if password.len() > password::MAX_LEN {
        return Ok(None);
    }
    let email = fields.get("email").and_then(email);
    let _turn = app.hashing.acquire().await.map_err(|e| ApiError::internal(&e))?;
    app.storage(move |storage| {
        let known = match &email {
            Some(email) => storage.account_by_email(email)?,
            None => None,
        };
        let matches = password::matches(&password, known.as_ref().and_then(|(_, hash)| hash.as_deref()));
        let account = known.filter(|_| matches).map(|(account, _)| account);
        Ok::<_, StorageError>(account.filter(|account| !account.disabled))
    })
    .await
}

/// Signed in, with a new cookie, and on to the question.
async fn welcome(app: &App, account: &Account, errand: &Errand) -> Answer {
    let browser = Browser::signed_in(app, account.key).await?;
    with_cookie(see_other(&errand.address())?, browser.cookie(app)?)
}

pub(super) async fn show_registration(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Answer {
    let errand = match Errand::parse(query.as_deref().unwrap_or_default()) {
        Ok(errand) => errand,
        Err(refusal) => return refuse(&app, refusal),
    };
    let browser = Browser::of(&app, &headers).unwrap_or_else(Browser::new);
    registration_page(&app, &browser, &errand, "", None, StatusCode::OK)
}

fn registration_page(
    app: &App,
    browser: &Browser,
    errand: &Errand,
    email: &str,
    problem: Option<&str>,
    status: StatusCode,
) -> Answer {
    if !app.settings.open_registration {
        return Ok(
            Page::problem("Whoever runs this server makes its accounts.").respond(StatusCode::FORBIDDEN)
        );
    }
    with_cookie(
        pages::sign_in::register(browser, errand, email, problem).respond(status),
        browser.cookie(app)?,
    )
}

pub(super) async fn register(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    address: Address,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let errand = match Errand::parse(query.as_deref().unwrap_or_default()) {
        Ok(errand) => errand,
        Err(refusal) => return refuse(&app, refusal),
    };
    let fields = form(&headers, body).await?;
    let browser = Browser::of(&app, &headers).unwrap_or_else(Browser::new);
    let typed = fields.get("email").unwrap_or_default();
    let again = |problem, status| registration_page(&app, &browser, &errand, typed, Some(problem), status);
    if !app.settings.open_registration || !browser.gave(pages::sign_in::REGISTER, fields.get("form")) {
        return again(STALE, StatusCode::FORBIDDEN);
    }
    if !may_try(&app, typed, &address) {
        return again(OFTEN, StatusCode::TOO_MANY_REQUESTS);
    }
    let Some(email) = email(typed) else {
        return again("That is not an email address.", StatusCode::UNPROCESSABLE_ENTITY);
    };
    let password = fields.get("password").unwrap_or_default().to_owned();
    if !(password::MIN_LEN..=password::MAX_LEN).contains(&password.len()) {
        return again("A password has at least 8 characters.", StatusCode::UNPROCESSABLE_ENTITY);
    }
    let turn = app.hashing.acquire().await.map_err(|e| ApiError::internal(&e))?;
    let created = app.storage(move |storage| create(storage, &email, &password)).await?;
    drop(turn);
    match created {
        Some(account) => welcome(&app, &account, &errand).await,
        None => again("There is already an account for that address.", StatusCode::CONFLICT),
    }
}

/// None: there is an account for the address.
fn create(storage: &dyn Storage, email: &str, password: &str) -> Result<Option<Account>, ApiError> {
    let hash = password::hash(password).map_err(|e| ApiError::internal(&e))?;
    let new = NewAccount { email, password: Some(&hash), plan: DEFAULT_PLAN };
    match storage.create_account(&new, Timestamp::now()) {
        Ok(account) => Ok(Some(account)),
        Err(StorageError::AccountExists(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn switch(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let errand = match Errand::parse(query.as_deref().unwrap_or_default()) {
        Ok(errand) => errand,
        Err(refusal) => return refuse(&app, refusal),
    };
    let fields = form(&headers, body).await?;
    if let Some(browser) = Browser::of(&app, &headers)
        && browser.gave(pages::SWITCH, fields.get("form"))
    {
        browser.sign_out(&app).await?;
    }
    with_cookie(see_other(&errand.address())?, Browser::new().cookie(&app)?)
}
