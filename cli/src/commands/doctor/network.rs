//! Each step of the way to the server: its name, the proxy, the certificate, the answer, the time it says. All are taken at once, and
//! no sign-in is sent.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use orkee_core::net::{Http, HttpOptions, NetError, Reply, STEP_WITHIN, Scheme, Way};
use serde::Deserialize;

use super::Network;
use super::check::Check;
use crate::commands::cloud::examined::Examined;
use crate::commands::cloud::surroundings;

/// A certificate that ends within this time is told beforehand.
const SOON: SignedDuration = SignedDuration::from_hours(14 * 24);
/// Clocks that are set by themselves differ by less.
const CLOSE: SignedDuration = SignedDuration::from_secs(60);
/// With more, tokens are renewed too early or too late.
const FAR: SignedDuration = SignedDuration::from_mins(5);

/// Of a version, what is shown: a server may say anything.
const LONGEST_VERSION: usize = 40;

/// What a server of Orkee says of itself.
#[derive(Deserialize)]
struct Health {
    version: String,
}

/// Asks the server, unless nobody wants it or nothing shows that it is in use.
pub(super) fn examine(examined: &Examined, network: Network) -> Vec<Check> {
    match network {
        Network::Never => return vec![Check::skipped("server", "No server was asked")],
        Network::IfInUse if !examined.is_in_use() => {
            let message = format!("{} was not asked, since nobody is signed in there", examined.api);
            let hint = "`orkee doctor --online` asks it all the same".to_owned();
            return vec![Check::skipped("server", message).hint(hint)];
        }
        _ => {}
    }
    let options =
        HttpOptions { connect_timeout: STEP_WITHIN, timeout: STEP_WITHIN, ..HttpOptions::from_env() };
    let http = match Http::new(options) {
        Ok(http) => http,
        Err(error) => return vec![Check::error("proxy", &error)],
    };
    let path = if examined.tells_health { "/health" } else { "/" };
    match surroundings::run(async { Ok(http.survey(&examined.api, path).await) }) {
        Ok(Some(way)) => told(examined, &way, http.server_clock_ahead()),
        Ok(None) => vec![Check::failed("server", format!("{} has no URL to ask", examined.api))],
        Err(failure) => vec![Check::error("server", failure.diagnostic())],
    }
}

fn told(examined: &Examined, way: &Way, ahead: Option<SignedDuration>) -> Vec<Check> {
    let host = examined.api.origin().host().to_string();
    let mut checks = Vec::new();
    checks.extend(name(&host, way));
    checks.extend(proxy(way));
    checks.push(certificate(examined, way, Timestamp::now()));
    checks.push(server(examined, way));
    checks.push(clock(&host, ahead));
    checks
}

fn name(host: &str, way: &Way) -> Option<Check> {
    Some(match way.name.as_ref()? {
        Ok(addresses) => {
            let more = if addresses.len() > 1 { format!(" and {} more", addresses.len() - 1) } else { String::new() };
            let first = addresses.first().map(ToString::to_string).unwrap_or_default();
            Check::ok("dns", format!("The name {host} is known: {first}{more}"))
        }
        Err(error) => Check::failed("dns", format!("the name {host} cannot be looked up: {error}")).hint(format!(
            "check the connection, and the host in ORKEE_CLOUD_API_URL; `getent hosts {host}` asks the same"
        )),
    })
}

fn proxy(way: &Way) -> Option<Check> {
    let step = way.proxy.as_ref()?;
    let proxy = &step.authority;
    Some(match &step.taken {
        Ok(()) => Check::ok("proxy", format!("The proxy {proxy} takes connections")),
        Err(error) => Check::failed("proxy", format!("the proxy {proxy} takes no connection: {error}")).hint(
            "check HTTPS_PROXY and ALL_PROXY; without them, or with the host in NO_PROXY, no proxy is used"
                .to_owned(),
        ),
    })
}

fn certificate(examined: &Examined, way: &Way, now: Timestamp) -> Check {
    const NAME: &str = "tls";
    let origin = examined.api.origin();
    if origin.scheme() == Scheme::Http {
        return Check::skipped(NAME, "Plain http to this machine has no certificate");
    }
    let host = origin.host();
    match (&way.reply, way.certificate_ends) {
        (Err(error @ NetError::Tls { .. }), _) => Check::error(NAME, error),
        (_, Some(ends)) => {
            let date = ends.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M UTC");
            if ends.duration_since(now) < SOON {
                Check::warning(NAME, format!("the certificate of {host} is valid until {date} only"))
                    .hint("tell whoever runs the server, so that it is renewed in time".to_owned())
            } else {
                Check::ok(NAME, format!("The certificate of {host} is good, until {date}"))
            }
        }
        (Ok(_), None) => Check::ok(NAME, format!("The certificate of {host} is good")),
        (Err(_), None) => Check::skipped(NAME, format!("The certificate of {host} was not seen")),
    }
}

fn server(examined: &Examined, way: &Way) -> Check {
    const NAME: &str = "server";
    let api = &examined.api;
    let took = way.took.as_millis();
    let Reply { status, body, .. } = match &way.reply {
        Ok(reply) => reply,
        Err(NetError::Tls { .. }) => {
            return Check::skipped(NAME, format!("{api} was not asked: there is no secure connection"));
        }
        Err(error) => return Check::error(NAME, error),
    };
    let status = status.as_u16();
    if status >= 500 {
        return Check::failed(NAME, format!("{api} answers that it does not work: status {status}"))
            .hint("try again later; if it stays so, tell whoever runs the server".to_owned());
    }
    if !examined.tells_health {
        return Check::ok(NAME, format!("{api} answers, in {took} ms"));
    }
    match serde_json::from_slice::<Health>(body).ok().filter(|_| status == 200) {
        Some(Health { version }) => {
            let version: String = version.chars().take(LONGEST_VERSION).collect();
            Check::ok(NAME, format!("{api} answers: version {version}, in {took} ms"))
        }
        None => Check::warning(NAME, format!("{api} answers, and does not say how it is: status {status}"))
            .hint("check the host and the path in ORKEE_CLOUD_API_URL: it may be another server".to_owned()),
    }
}

fn clock(host: &str, ahead: Option<SignedDuration>) -> Check {
    const NAME: &str = "clock";
    let Some(ahead) = ahead else {
        return Check::skipped(NAME, "No server said what time it is");
    };
    let off = ahead.abs();
    if off <= CLOSE {
        return Check::ok(NAME, format!("This machine's clock agrees with that of {host}"));
    }
    let side = if ahead.is_positive() { "behind" } else { "ahead of" };
    let by = SignedDuration::from_secs(off.as_secs());
    let message = format!("this machine's clock is {by:#} {side} that of {host}");
    let hint =
        "set it right, best by NTP: sign-ins may seem expired, and edits younger or older than they are";
    let check = if off > FAR { Check::failed(NAME, message) } else { Check::warning(NAME, message) };
    check.hint(hint.to_owned())
}
