//! A browser without eyes: it follows redirects, keeps cookies, fills in login forms and says yes.

use std::collections::BTreeMap;
use std::io;

use url::Url;

use crate::http::{self, Reply};

/// Who signs in, and what they answer when they are asked.
#[derive(Debug, Clone)]
pub struct Person {
    /// For inputs named `email` or `login`.
    pub email: String,
    /// For inputs named `password`.
    pub password: String,
    /// For inputs named `user_code`; empty: as they are filled in.
    pub code: String,
    /// For buttons named `decision`.
    pub decision: String,
}

impl Person {
    /// Who says yes.
    pub fn new(email: &str, password: &str) -> Self {
        let decision = "approve".to_owned();
        Self { email: email.to_owned(), password: password.to_owned(), code: String::new(), decision }
    }

    /// The same, who types the code that a device shows.
    pub fn typing(self, code: &str) -> Self {
        Self { code: code.to_owned(), ..self }
    }

    /// The same, who says no.
    pub fn declining(self) -> Self {
        Self { decision: "deny".to_owned(), ..self }
    }
}

/// A page that the browser shows, and where.
#[derive(Debug, Clone)]
pub struct Page {
    /// Its address.
    pub url: Url,
    /// Itself.
    pub reply: Reply,
}

/// More steps than any sign-in has.
const MAX_STEPS: usize = 30;

/// One profile: its cookies, and where it has been.
#[derive(Debug, Default)]
pub struct Browser {
    cookies: BTreeMap<(String, String), String>,
    /// Every address that was requested, in order.
    pub visited: Vec<Url>,
}

impl Browser {
    /// Goes through a sign-in from the authorize URL to the last page, the program's own pages included.
    pub fn sign_in(&mut self, authorize: &Url, person: &Person) -> io::Result<Page> {
        self.follow(authorize, person, |_| false)
    }

    /// Goes through a sign-in and stops before the program's callback, whose address it returns.
    pub fn sign_in_up_to_callback(&mut self, authorize: &Url, person: &Person) -> io::Result<Url> {
        let redirect =
            authorize.query_pairs().find(|(name, _)| name == "redirect_uri").unwrap().1.into_owned();
        let page = self.follow(authorize, person, |url| url.as_str().starts_with(&redirect))?;
        Ok(page.url)
    }

    /// Follows redirects and submits forms until a page has none, or until an address is one to stop at.
    fn follow(&mut self, start: &Url, person: &Person, stop: impl Fn(&Url) -> bool) -> io::Result<Page> {
        let mut url = start.clone();
        let mut reply = self.request("GET", &url, b"")?;
        for _ in 0..MAX_STEPS {
            let next = match reply.header("location").filter(|_| (300..400).contains(&reply.status)) {
                Some(location) => Some((url.join(location).unwrap(), None)),
                None => form(&url, &reply.text(), person).map(|(action, body)| (action, Some(body))),
            };
            let Some((address, body)) = next else {
                return Ok(Page { url, reply });
            };
            if stop(&address) {
                return Ok(Page { url: address, reply });
            }
            url = address;
            reply = match body {
                Some(body) => self.request("POST", &url, body.as_bytes())?,
                None => self.request("GET", &url, b"")?,
            };
        }
        Err(io::Error::other(format!("still not through at {url}")))
    }

    fn request(&mut self, method: &str, url: &Url, body: &[u8]) -> io::Result<Reply> {
        self.visited.push(url.clone());
        let host = http::authority(url);
        let cookies: Vec<_> = self
            .cookies
            .iter()
            .filter(|((of, _), _)| *of == host)
            .map(|((_, name), value)| format!("{name}={value}"))
            .collect();
        let cookies = cookies.join("; ");
        let mut headers = vec![("Accept", "text/html"), ("User-Agent", "fake-browser")];
        if !cookies.is_empty() {
            headers.push(("Cookie", &cookies));
        }
        if method == "POST" {
            headers.push(("Content-Type", "application/x-www-form-urlencoded"));
        }
        let reply = http::send(method, url, &headers, body)?;
        for (_, cookie) in reply.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let pair = cookie.split(';').next().unwrap_or_default();
            if let Some((name, value)) = pair.split_once('=') {
                self.cookies.insert((host.clone(), name.trim().to_owned()), value.trim().to_owned());
            }
        }
        Ok(reply)
    }
}

/// The first form of a page that is posted, filled in: where it goes and its body.
fn form(page: &Url, html: &str, person: &Person) -> Option<(Url, String)> {
    let from = html.split_once("<form")?.1;
    let (form_tag, rest) = from.split_once('>')?;
    let inside = rest.split_once("</form>").map_or(rest, |(inside, _)| inside);
    if !attribute(form_tag, "method").is_some_and(|m| m.eq_ignore_ascii_case("post")) {
        return None;
    }
    let action = attribute(form_tag, "action").filter(|a| !a.is_empty());
    let action = action.map_or_else(|| Some(page.clone()), |action| page.join(&action).ok())?;
    let mut body = url::form_urlencoded::Serializer::new(String::new());
    for tag in tags(inside, "input") {
        let Some(name) = attribute(tag, "name") else {
            continue;
        };
        let value = match name.as_str() {
            "email" | "login" => person.email.clone(),
            "password" => person.password.clone(),
            "user_code" if !person.code.is_empty() => person.code.clone(),
            _ => attribute(tag, "value").unwrap_or_default(),
        };
        body.append_pair(&name, &value);
    }
    for tag in tags(inside, "button") {
        let (name, value) = (attribute(tag, "name"), attribute(tag, "value"));
        if let (Some(name), Some(value)) = (name, value)
            && value == person.decision
        {
            body.append_pair(&name, &value);
        }
    }
    Some((action, body.finish()))
}

fn tags<'a>(html: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
    let opening = format!("<{name}");
    html.match_indices(&opening)
        .map(|(at, _)| &html[at..])
        .filter_map(|from| from.split_once('>').map(|(tag, _)| tag))
        .collect::<Vec<_>>()
        .into_iter()
}

/// The value of a quoted attribute.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let after = tag.split_once(&format!(" {name}="))?.1;
    let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let value = after[1..].split_once(quote)?.0;
    Some(
        value
            .replace("&quot;", "\"")
            .replace("&#39;", "'")
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&amp;", "&"),
    )
}
