//! A WebDAV server in memory, as strict as the standard lets one be, with faults on demand.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use orkee_provider_sdk::Response;
use orkee_provider_sdk::rehearsal::{Error, Sent};

use super::clock;

/// What stands under a path; folders end with a slash.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) body: Vec<u8>,
    etag: String,
    pub(crate) modified: u64,
}

/// Asked before a request is carried out: an answer of its own, or none.
pub(crate) type Hook = Box<dyn FnMut(&Sent) -> Option<Result<Response, Error>>>;

#[derive(Default)]
pub(crate) struct Inner {
    pub(crate) nodes: BTreeMap<String, Node>,
    pub(crate) asked: Vec<String>,
    pub(crate) hook: Option<Hook>,
    /// Conditions are not looked at, as some servers do.
    pub(crate) ignores_conditions: bool,
    /// A folder can be made twice.
    pub(crate) makes_twice: bool,
    writes: u64,
}

#[derive(Clone, Default)]
pub(crate) struct Server(pub(crate) Rc<RefCell<Inner>>);

thread_local! {
    static MEANWHILE: RefCell<Vec<Box<dyn FnOnce()>>> = const { RefCell::new(Vec::new()) };
}

/// Has this happen when the provider next waits.
pub(crate) fn meanwhile(happens: impl FnOnce() + 'static) {
    MEANWHILE.with_borrow_mut(|all| all.push(Box::new(happens)));
}

pub(crate) fn somebody_else_goes_on() {
    let next = MEANWHILE.with_borrow_mut(|all| if all.is_empty() { None } else { Some(all.remove(0)) });
    if let Some(happens) = next {
        happens();
    }
}

impl Server {
    pub(crate) fn answer(&self, sent: &Sent) -> Result<Response, Error> {
        let hook = self.0.borrow_mut().hook.take();
        if let Some(mut hook) = hook {
            let answer = hook(sent);
            self.0.borrow_mut().hook.get_or_insert(hook);
            if let Some(answer) = answer {
                return answer;
            }
        }
        self.0.borrow_mut().asked.push(format!("{} {}", sent.method, sent.url));
        assert_eq!(sent.credential.as_deref(), Some("login"));
        Ok(self.0.borrow_mut().carry_out(sent))
    }

    /// What it was asked since the last time.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.0.borrow_mut().asked)
    }

    pub(crate) fn hook(&self, hook: impl FnMut(&Sent) -> Option<Result<Response, Error>> + 'static) {
        self.0.borrow_mut().hook = Some(Box::new(hook));
    }

    pub(crate) fn calm(&self) {
        self.0.borrow_mut().hook = None;
    }
}

fn reply(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Response {
    let date = http_date(clock::now().as_secs());
    let headers = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
    Response { status, headers: headers.chain([("date".to_owned(), date)]).collect(), body: body.to_vec() }
}

impl Inner {
    fn carry_out(&mut self, sent: &Sent) -> Response {
        let path = sent.url.clone();
        match sent.method.as_str() {
            "GET" => match self.nodes.get(&path) {
                Some(node) => reply(200, &[("etag", &node.etag)], &node.body),
                None => reply(404, &[], b""),
            },
            "PUT" => self.put(path, sent),
            "MKCOL" => {
                let path = format!("{}/", path.trim_end_matches('/'));
                match (self.nodes.contains_key(&path) && !self.makes_twice, self.has_parent(&path)) {
                    (true, _) => reply(405, &[], b""),
                    (false, false) => reply(409, &[], b""),
                    (false, true) => {
                        self.store(path, Vec::new());
                        reply(201, &[], b"")
                    }
                }
            }
            "DELETE" => {
                let before = self.nodes.len();
                self.nodes
                    .retain(|known, _| *known != path && !(path.ends_with('/') && known.starts_with(&path)));
                reply(if self.nodes.len() < before { 204 } else { 404 }, &[], b"")
            }
            "PROPFIND" => self.list(&path),
            other => panic!("{other} {path}"),
        }
    }

    fn has_parent(&self, path: &str) -> bool {
        let parent = path.trim_end_matches('/').rsplit_once('/').map_or("", |(parent, _)| parent);
        parent.is_empty() || self.nodes.contains_key(&format!("{parent}/"))
    }

    fn put(&mut self, path: String, sent: &Sent) -> Response {
        let held = self.nodes.get(&path).map(|node| node.etag.clone());
        let header = |name: &str| sent.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
        let is_met = match (header("if-none-match"), header("if-match"), header("if")) {
            (Some(_), ..) => held.is_none(),
            (_, Some(etag), _) => !etag.starts_with("W/") && held == Some(etag),
            (.., Some(etags)) => held.is_some_and(|held| etags == format!("([{held}])")),
            _ => true,
        };
        if !self.has_parent(&path) {
            return reply(409, &[], b"");
        }
        if !is_met && !self.ignores_conditions {
            return reply(412, &[], b"");
        }
        let status = if self.nodes.contains_key(&path) { 204 } else { 201 };
        self.store(path, sent.body.clone());
        reply(status, &[], b"")
    }

    fn store(&mut self, path: String, body: Vec<u8>) {
        self.writes += 1;
        // As Apache's: weak, and made of a size and a time that two writes may share... but for the number, which no test counts on.
        let weak = if self.writes.is_multiple_of(2) { "W/" } else { "" };
        let etag = format!("{weak}\"{:x}-{:x}\"", body.len(), self.writes);
        self.nodes.insert(path, Node { body, etag, modified: clock::now().as_secs() });
    }

    fn list(&self, path: &str) -> Response {
        if path != "/" && !self.nodes.contains_key(path) {
            return reply(404, &[], b"");
        }
        let mut body = String::from(r#"<?xml version="1.0"?><D:multistatus xmlns:D="DAV:">"#);
        body.push_str(&shown(path, clock::now().as_secs()));
        for (known, node) in
            self.nodes.range(path.to_owned()..).take_while(|(known, _)| known.starts_with(path))
        {
            let rest = known[path.len()..].trim_end_matches('/');
            if !rest.is_empty() && !rest.contains('/') {
                body.push_str(&shown(known, node.modified));
            }
        }
        body.push_str("</D:multistatus>");
        reply(207, &[], body.as_bytes())
    }
}

fn shown(path: &str, modified: u64) -> String {
    let kind = if path.ends_with('/') { "<D:collection/>" } else { "" };
    format!(
        "<D:response><D:href>/dav{path}</D:href><D:propstat><D:prop><D:resourcetype>{kind}</D:resourcetype>\
         <D:getlastmodified>{}</D:getlastmodified></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>",
        http_date(modified)
    )
}

/// As HTTP writes it; the weekday, which nobody reads, is always the same.
fn http_date(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400 + 719_468, seconds % 86_400);
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let names = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let name = names[usize::try_from(month - 1).unwrap()];
    format!("Mon, {day:02} {name} {year} {:02}:{:02}:{:02} GMT", rest / 3600, rest / 60 % 60, rest % 60)
}
