//! Becoming somebody: sign in, or create an account.

use super::{Page, described, escape, problem_note};
use crate::oauth::errand::Errand;
use crate::oauth::session::Browser;

/// What the forms are for, as their keys are bound to it.
pub(in crate::oauth) const SIGN_IN: &str = "sign-in";
pub(in crate::oauth) const REGISTER: &str = "register";

pub(in crate::oauth) fn sign_in(
    browser: &Browser,
    errand: &Errand,
    email: &str,
    problem: Option<&str>,
    open_registration: bool,
) -> Page {
    let query = escape(&errand.to_query());
    let register = if open_registration {
        format!(r#"<p class="after">New here? <a href="/oauth/register?{query}">Create an account</a></p>"#)
    } else {
        String::new()
    };
    let body = format!(
        r#"<h1>Sign in to Orkee</h1>
<p>{why}</p>
{problem}<form method="post" action="/oauth/login?{query}">
<input type="hidden" name="form" value="{key}">
<label>Email<input type="email" name="email" value="{email}" autocomplete="username"{described} required autofocus></label>
<label>Password<input type="password" name="password" autocomplete="current-password"{described} required></label>
<button type="submit">Sign in</button>
</form>
{register}"#,
        why = why(errand),
        described = described(problem),
        problem = problem_note(problem),
        key = browser.form_key(SIGN_IN),
        email = escape(email),
    );
    Page { title: "Sign in", body, foot: next(errand), form_action: "'self'".to_owned() }
}

pub(in crate::oauth) fn register(
    browser: &Browser,
    errand: &Errand,
    email: &str,
    problem: Option<&str>,
) -> Page {
    let body = format!(
        r#"<h1>Create an account</h1>
<p>Your projects stay on your machine. This account keeps a copy for your other devices.</p>
{problem}<form method="post" action="/oauth/register?{query}">
<input type="hidden" name="form" value="{key}">
<label>Email<input type="email" name="email" value="{email}" autocomplete="username"{described} required autofocus></label>
<label>Password, at least 8 characters<input type="password" name="password" minlength="8" autocomplete="new-password"{described} required></label>
<button type="submit">Create account</button>
</form>
<p class="after">You have one? <a href="{sign_in}">Sign in</a></p>"#,
        query = escape(&errand.to_query()),
        sign_in = escape(&errand.address()),
        described = described(problem),
        problem = problem_note(problem),
        key = browser.form_key(REGISTER),
        email = escape(email),
    );
    Page { title: "Create an account", body, foot: next(errand), form_action: "'self'".to_owned() }
}

/// Why somebody should sign in. Of a device nothing is told before they have.
fn why(errand: &Errand) -> String {
    match errand {
        Errand::Authorize(request) => {
            format!("{} wants to sync your projects.", super::consent::who(request))
        }
        Errand::Device(_) => "To connect a device with the code that it shows.".to_owned(),
    }
}

/// What comes after it.
fn next(errand: &Errand) -> String {
    match errand {
        Errand::Authorize(request) => super::consent::arrival(request),
        Errand::Device(_) => "You will see which device it is before anything is allowed.".to_owned(),
    }
}
