//! The optional parts: each answers with what it was asked.

use crate::EveryPart;
use crate::exports::orkee::sync::webhooks::{Endpoint, Registration};
use crate::exports::orkee::sync::{account, devices, listing, team, watch, webhooks};
use crate::orkee::sync::types::{Cursor, Failure};

impl account::Guest for EveryPart {
    fn whoami() -> Result<account::Profile, Failure> {
        Ok(account::Profile { id: "u1".into(), email: "ada@example.com".into(), plan: Some("Pro Plan".into()) })
    }
}

impl listing::Guest for EveryPart {
    fn browse(after: Option<String>, limit: u32) -> Result<listing::Page, Failure> {
        let entry = listing::Entry {
            id: "aaaaaaaa".into(),
            name: after,
            status: Some(limit.to_string()),
            updated_at: Some("2026-01-02T03:04:05Z".into()),
            bytes: 9,
        };
        Ok(listing::Page { entries: vec![entry], next: Some("next".into()) })
    }
}

impl devices::Guest for EveryPart {
    fn enumerate() -> Result<Vec<devices::Device>, Failure> {
        let device = devices::Device {
            id: "d1".into(),
            name: "Laptop".into(),
            platform: Some("linux".into()),
            last_seen: None,
            current: true,
        };
        Ok(vec![device])
    }

    fn revoke(id: String) -> Result<(), Failure> {
        Err(Failure::Forbidden(id))
    }
}

impl watch::Guest for EveryPart {
    fn wait(cursor: Cursor, wait_ms: u32) -> Result<bool, Failure> {
        match cursor.position.as_deref() {
            Some("old") => Ok(true),
            Some("new") => Ok(false),
            other => Err(Failure::Refused(format!("{other:?} {} {wait_ms}", cursor.head.is_some()))),
        }
    }
}

impl team::Guest for EveryPart {
    fn show() -> Result<team::Standing, Failure> {
        let member = |email: &str, role: &str| team::Member { email: email.into(), role: role.into() };
        let members = vec![
            member("ada@example.com", "owner"),
            member("bob@example.com", "read-only"),
            member("eve@example.com", "Reviewer (docs)"),
        ];
        let membership =
            team::Membership { id: "t1".into(), name: "Acme".into(), role: "owner".into(), members };
        let invitation = team::Invitation { team: "other".into(), role: "member".into() };
        Ok(team::Standing { membership: Some(membership), removed_from: None, invitations: vec![invitation] })
    }

    fn invite(email: String, role: String) -> Result<(), Failure> {
        Err(Failure::Forbidden(format!("{email} {role}")))
    }

    fn set_role(email: String, role: String) -> Result<(), Failure> {
        Err(Failure::Forbidden(format!("{email} {role}")))
    }

    fn remove(email: String) -> Result<(), Failure> {
        Err(Failure::Forbidden(email))
    }

    fn join(team: String) -> Result<(), Failure> {
        Err(Failure::Forbidden(team))
    }

    fn leave() -> Result<(), Failure> {
        Err(Failure::Forbidden("not now".into()))
    }
}

impl webhooks::Guest for EveryPart {
    fn enumerate() -> Result<Vec<Endpoint>, Failure> {
        Ok(vec![endpoint("https://a.example/".into(), Vec::new(), None)])
    }

    fn register(registration: Registration) -> Result<Endpoint, Failure> {
        Ok(endpoint(registration.url, registration.events, registration.description))
    }

    fn set_enabled(id: String, enabled: bool) -> Result<(), Failure> {
        Err(Failure::Forbidden(format!("{id} {enabled}")))
    }

    fn rotate_secret(id: String, _: String) -> Result<(), Failure> {
        Err(Failure::Forbidden(id))
    }

    fn remove(id: String) -> Result<(), Failure> {
        Err(Failure::Forbidden(id))
    }
}

fn endpoint(url: String, events: Vec<String>, description: Option<String>) -> Endpoint {
    let created_at = Some("2026-01-02T03:04:05Z".into());
    Endpoint { id: "e1".into(), url, events, description, enabled: true, created_at }
}
