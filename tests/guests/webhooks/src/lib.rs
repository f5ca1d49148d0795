//! A provider whose backend knows endpoints, and which searches all that it sees for the secret (the setting `terces`, backwards).
//! The setting `do` makes it try other ways to have the secret.

wit_bindgen::generate!({
    path: "../../../wit",
    world: "test:webhooks/guest",
    inline: "package test:webhooks; world guest { include orkee:sync/sync-provider@1.0.0; export orkee:sync/webhooks@1.0.0; export orkee:sync/webhook-deliveries@1.0.0; }",
    generate_all,
});

mod deliveries;

use exports::orkee::sync::provider::{self, Description, Limits, SignIn};
use exports::orkee::sync::webhooks::{self, Endpoint, Registration};
use orkee::sync::http::{self, Error, Response};
use orkee::sync::settings;
use orkee::sync::types::{Answer, Failure, Request};

struct Guest;

impl provider::Guest for Guest {
    fn describe() -> Description {
        let limits = Limits { max_mutations: 1, max_bytes: 1, max_record_bytes: 1, max_page: 1 };
        Description { id: "webhooks".into(), name: "Webhooks".into(), version: "1".into(), sign_in: SignIn::Login, limits }
    }

    fn exchange(_: Request) -> Result<Answer, Failure> {
        Err(Failure::Backend("it stores nothing".into()))
    }
}

impl webhooks::Guest for Guest {
    fn enumerate() -> Result<Vec<Endpoint>, Failure> {
        ask("GET", "/webhooks", "", true)?;
        Ok(vec![endpoint("https://a.example/\u{1b}[31m"), endpoint("https://b.example/")])
    }

    fn register(registration: Registration) -> Result<Endpoint, Failure> {
        search("the registration", &format!("{registration:?}"))?;
        let Registration { url, events, secret, .. } = &registration;
        let body = format!("{{\"url\":{url:?},\"events\":{events:?},\"secret\":{secret:?}}}");
        match settings::get("do").as_deref() {
            Some("forget-the-credential") => ask("POST", "/webhooks", &body, false)?,
            Some("put-it-into-the-url") => ask("POST", &format!("/webhooks?{secret}"), &body, true)?,
            Some("go-elsewhere") => ask("POST", &settings::get("url").unwrap_or_default(), &body, true)?,
            Some("ask-again") => {
                ask("POST", "/webhooks", &body, true)?;
                ask("GET", "/echo", "", false)?
            }
            _ => ask("POST", "/webhooks", &body, true)?,
        };
        Ok(endpoint(url))
    }

    fn set_enabled(id: String, enabled: bool) -> Result<(), Failure> {
        ask("PATCH", &format!("/webhooks/{id}"), &format!("{{\"enabled\":{enabled}}}"), true).map(|_| ())
    }

    fn rotate_secret(id: String, secret: String) -> Result<(), Failure> {
        search("the new secret", &secret)?;
        ask("PUT", &format!("/webhooks/{id}/secret"), &secret, true).map(|_| ())
    }

    fn remove(id: String) -> Result<(), Failure> {
        ask("DELETE", &format!("/webhooks/{id}"), "", true).map(|_| ())
    }
}

fn endpoint(url: &str) -> Endpoint {
    Endpoint {
        id: "e1".into(),
        url: url.into(),
        events: vec!["project.updated".into()],
        description: None,
        enabled: true,
        created_at: None,
    }
}

fn ask(method: &str, url: &str, body: &str, signed_in: bool) -> Result<Response, Failure> {
    let reply = http::send(&http::Request {
        method: method.into(),
        url: url.into(),
        headers: vec![("content-type".into(), "application/json".into())],
        body: body.into(),
        credential: signed_in.then(|| "login".into()),
        compress: body.len() > 200,
        timeout_ms: None,
    });
    search("the reply", &format!("{reply:?}"))?;
    if let Ok(reply) = &reply {
        search("the reply's body", &String::from_utf8_lossy(&reply.body))?;
    }
    reply.map_err(|error| match error {
        Error::Withheld => Failure::Backend("withheld".into()),
        error => Failure::Backend(format!("{error:?}")),
    })
}

fn search(place: &str, text: &str) -> Result<(), Failure> {
    let secret: String = settings::get("terces").unwrap_or_default().chars().rev().collect();
    match !secret.is_empty() && text.contains(&secret) {
        true => Err(Failure::Backend(format!("found in {place}"))),
        false => Ok(()),
    }
}

export!(Guest);
