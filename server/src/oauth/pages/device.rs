//! A device's code: where it is typed, and the question whether the device may.

use jiff::{SignedDuration, Timestamp};

use super::{CHOICE, Page, RIGHTS, account_note, described, escape, problem_note};
use crate::oauth::device::{Asking, UserCode};
use crate::oauth::errand::Errand;
use crate::oauth::session::Browser;

/// What the form for a code is for.
pub(in crate::oauth) const ENTER: &str = "device code";

/// What the question's key is bound to: this very code.
pub(in crate::oauth) fn purpose(code: &UserCode) -> String {
    format!("device {code}")
}

/// `typed` is filled in: what the address brought, or what was wrong.
pub(in crate::oauth) fn enter(browser: &Browser, email: &str, typed: &str, problem: Option<&str>) -> Page {
    let lead = if typed.is_empty() || problem.is_some() {
        "Type the code that its terminal shows."
    } else {
        "Its terminal has to show exactly this code. Go on only if it does."
    };
    let body = format!(
        r#"<h1>Connect a device</h1>
<p>{lead}</p>
{problem}<form method="post" action="/device">
<input type="hidden" name="form" value="{key}">
<label>Code<input class="code" type="text" name="user_code" value="{typed}" maxlength="40" autocomplete="off" autocapitalize="characters" spellcheck="false"{described} required autofocus></label>
<button type="submit">Continue</button>
</form>
{account}"#,
        described = described(problem),
        problem = problem_note(problem),
        key = browser.form_key(ENTER),
        typed = escape(typed),
        account = account_note(browser, &Errand::Device(UserCode::parse(typed)), email),
    );
    let foot =
        "You started this yourself, a moment ago? If somebody sent you a code, close this page.".to_owned();
    Page { title: "Connect a device", body, foot, form_action: "'self'".to_owned() }
}

/// `here` is the address that this browser comes from.
pub(in crate::oauth) fn confirm(
    browser: &Browser,
    email: &str,
    code: &UserCode,
    asking: &Asking,
    here: &str,
) -> Page {
    let name = asking.device.name.as_deref().unwrap_or("an unnamed device");
    let platform = asking.device.platform.as_deref();
    let platform = platform.map(|p| format!("<dt>System</dt><dd>{}</dd>\n", escape(p))).unwrap_or_default();
    let body = format!(
        r#"<h1>Let Orkee on <strong>{name}</strong> sync your projects?</h1>
<p>It will be signed in to your account until you sign it out.</p>
<dl>
<dt>Code</dt><dd>{code}</dd>
{platform}<dt>Asked from</dt><dd>{from}{elsewhere}</dd>
<dt>Asked</dt><dd>{when}</dd>
</dl>
<p class="warning"><strong>Is this your device?</strong> Allow it only if you started the sign-in yourself. Whoever
sent you the code, or a link to this page, would read and change your projects.</p>
{RIGHTS}
<form method="post" action="/device/decision">
<input type="hidden" name="form" value="{key}">
<input type="hidden" name="user_code" value="{code}">
{CHOICE}
</form>
{account}"#,
        name = escape(name),
        from = escape(&asking.address),
        elsewhere = if asking.address == here { "" } else { ", which is not where this browser is" },
        when = when(asking.at, Timestamp::now()),
        key = browser.form_key(&purpose(code)),
        account = account_note(browser, &Errand::Device(Some(code.clone())), email),
    );
    Page { title: "Connect a device", body, foot: String::new(), form_action: "'self'".to_owned() }
}

/// How long ago, for people.
fn when(at: Timestamp, now: Timestamp) -> String {
    let ago = now.duration_since(at).max(SignedDuration::ZERO);
    match ago.as_mins() {
        0 => "less than a minute ago".to_owned(),
        1 => "a minute ago".to_owned(),
        minutes => format!("{minutes} minutes ago"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_in_minutes() {
        let at = Timestamp::UNIX_EPOCH;
        let after = |seconds| when(at, at + SignedDuration::from_secs(seconds));
        assert_eq!([after(-5), after(59)], ["less than a minute ago", "less than a minute ago"]);
        assert_eq!([after(119), after(600)], ["a minute ago", "10 minutes ago"]);
    }
}
