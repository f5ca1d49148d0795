//! P01 and P60: components that were built against a published version of the contract, and are never built again. Those of the
//! host's track run; those of before are refused.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use orkee_core::diagnostic::Diagnostic;
use orkee_core::net::{Courier, CourierOptions, Secret};
use orkee_core::plugin::{
    Access, Algorithm, Attempt, Delivery, DeliveryQuery, DispatcherSetup, PartError, Registration, Role,
    SigningKey, Target, Terms, WasmDispatcher, WasmProvider,
};
use orkee_core::sync::provider::{
    Answer, Cursor, Failure, Mutation, Outcome, Position, Provider, ProviderError, RejectReason, Request,
};

use crate::rig::{Rig, alive};
use crate::server::{Server, reply};

/// Each published version of the host's track, with its component.
fn published() -> Vec<(String, Vec<u8>)> {
    let of_track: Vec<_> = all().into_iter().filter(|(version, _)| version.starts_with("1.")).collect();
    assert!(!of_track.is_empty());
    of_track
}

/// Each published version with its component.
fn all() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/published");
    let versions = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let versions: Vec<PathBuf> = versions.filter(|path| path.is_dir()).collect();
    assert!(!versions.is_empty());
    let read = |path: PathBuf| {
        let version = path.file_name().unwrap().to_string_lossy().into_owned();
        (version, std::fs::read(path.join("every-part.wasm")).unwrap())
    };
    versions.into_iter().map(read).collect()
}

async fn backend() -> Server {
    Server::start(|seen| match seen.target.as_str() {
        "/gone" => reply(410, &[], b""),
        "/busy" => reply(503, &[], b""),
        target => reply(200, &[], target.as_bytes()),
    })
    .await
}

#[tokio::test]
async fn p01_a_provider_of_each_published_version_exchanges_as_it_did() {
    let server = backend().await;
    let rig = Rig::new(&server.url);
    for (version, component) in published() {
        let provider = rig.open(&component, &[]).await.unwrap();
        assert_eq!(provider.description().id, "every-part", "{version}");
        assert!(provider.description().needs_sign_in);
        let ids = ["accepted", "conflict", "conflic0", "toolarge", "invalid0", "forbidde", "other000"];
        let mutation = |id: &str| Mutation { id: id.to_owned(), guard: None, envelope: b"bytes".to_vec() };
        let deleted =
            br#"{"v":1,"ancestry":{"w":1},"device":"d","at":"2026-01-02T03:04:05Z","deleted":true}"#;
        let tombstone = Mutation { envelope: [&deleted[..], b"\n"].concat(), ..mutation("deleted0") };
        let mutations = ids.into_iter().map(mutation).chain([tombstone]).collect();
        let request = Request { mutations, limit: 5, ..Request::default() };
        let Answer::Page(page) = alive(provider.exchange(request)).await.unwrap() else { panic!() };
        let told = page.cursor.position.unwrap().0;
        assert_eq!(told, "login true | v | 200 /one 200 /two 200 /three | true", "{version}");
        let rejected = |outcome: &Outcome, wanted| matches!(outcome, Outcome::Rejected { reason, .. } if *reason == wanted);
        assert!(matches!(&page.outcomes[0], Outcome::Accepted(revision) if revision.0 == "r2"));
        assert!(matches!(&page.outcomes[1], Outcome::Conflict(Some(stored)) if stored.envelope == b"bytes"));
        assert!(matches!(&page.outcomes[2], Outcome::Conflict(None)));
        for (at, reason) in
            [RejectReason::TooLarge, RejectReason::Invalid, RejectReason::Forbidden, RejectReason::Other]
                .into_iter()
                .enumerate()
        {
            assert!(rejected(&page.outcomes[3 + at], reason), "{:?}", page.outcomes);
        }
        assert!(
            matches!(&page.outcomes[7], Outcome::Accepted(revision) if revision.0 == "gone"),
            "{version}"
        );
        assert_eq!((page.changes.len(), page.cursor.head.unwrap().number), (1, 7));
        assert_eq!(page.written.unwrap().until.0, "p1");
    }
}

#[tokio::test]
async fn p01_each_answer_and_failure_of_a_published_version_is_understood() {
    let rig = Rig::offline();
    for (version, component) in published() {
        let ask = async |say: &str| -> Result<Answer, ProviderError> {
            let provider: WasmProvider = rig.open(&component, &[("say", say)]).await.unwrap();
            let mut request = Request { limit: 5, ..Request::default() };
            request.cursor.position = Some(Position("1".to_owned()));
            alive(provider.exchange(request)).await
        };
        assert_eq!(ask("expired").await.unwrap(), Answer::Expired, "{version}");
        assert_eq!(ask("new-epoch").await.unwrap(), Answer::NewEpoch, "{version}");
        for (say, failure) in [
            ("auth-required", Failure::Auth),
            ("forbidden", Failure::Forbidden),
            ("busy", Failure::Busy(Some(Duration::from_millis(1500)))),
            ("http", Failure::Backend),
            ("protocol", Failure::Backend),
            ("backend", Failure::Backend),
            ("too-large", Failure::TooLarge),
            ("unsuitable", Failure::Unsuitable),
            ("refused", Failure::Refused),
        ] {
            assert_eq!(ask(say).await.unwrap_err().failure, failure, "{version} {say}");
        }
    }
}

#[tokio::test]
async fn p01_the_optional_parts_of_each_published_version_answer() {
    let rig = Rig::offline();
    for (version, component) in published() {
        let provider = rig.open(&component, &[]).await.unwrap();
        let profile = provider.whoami().await.unwrap();
        assert_eq!(
            (profile.email.as_str(), profile.plan.as_deref()),
            ("ada@example.com", Some("Pro Plan")),
            "{version}"
        );
        let page = provider.browse(Some("after"), 3).await.unwrap();
        assert_eq!(
            (page.entries[0].name.as_deref(), page.entries[0].status.as_deref()),
            (Some("after"), Some("3"))
        );
        assert_eq!(page.next.as_deref(), Some("next"));
        let devices = provider.devices().await.unwrap();
        assert!(devices[0].current && devices[0].platform.as_deref() == Some("linux"));
        let refused = |ended: Result<(), PartError>, words: &str| {
            let error = ended.unwrap_err();
            assert!(
                matches!(&error, PartError::Failed(error) if error.failure == Failure::Forbidden),
                "{error}"
            );
            assert!(error.to_string().ends_with(words), "{error}");
        };
        refused(provider.revoke_device("d1").await, "d1");
        let team = provider.team().await.unwrap();
        let membership = team.membership.unwrap();
        assert_eq!((membership.id.as_str(), &membership.role), ("t1", &Role::Owner), "{version}");
        let roles: Vec<&Role> = membership.members.iter().map(|member| &member.role).collect();
        assert_eq!(roles, [&Role::Owner, &Role::ReadOnly, &Role::Other("Reviewer (docs)".to_owned())]);
        assert_eq!(team.invitations[0].role, Role::Member);
        assert_eq!(team.invitations[0].team, "other");
        refused(provider.invite("eve@a", &Role::Member).await, "eve@a member");
        refused(provider.set_member_role("bob@a", &Role::ReadOnly).await, "bob@a read-only");
        refused(provider.remove_member("bob@a").await, "bob@a");
        refused(provider.join_team("other").await, "other");
        refused(provider.leave_team().await, "not now");
        assert_eq!(provider.webhooks().await.unwrap()[0].url, "https://a.example/");
        let secret = Secret::new("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
        let registration = Registration {
            url: "https://b.example/".to_owned(),
            events: vec!["project.updated".to_owned()],
            description: Some("mine".to_owned()),
        };
        let endpoint = provider.register_webhook(registration.clone(), &secret).await.unwrap();
        assert_eq!((endpoint.events, endpoint.description), (registration.events, registration.description));
        refused(provider.set_webhook_enabled("e1", true).await, "e1 true");
        refused(provider.rotate_webhook_secret("e1", &secret).await, "e1");
        refused(provider.remove_webhook("e1").await, "e1");
    }
}

#[tokio::test]
async fn p01_each_published_version_tells_a_request_that_did_not_arrive_from_a_reply_that_cannot_be_read() {
    let server = Server::start(|_| reply(200, &[("content-encoding", "zstd")], b"no zstd")).await;
    for (version, component) in published() {
        for (url, told) in [(server.url.as_str(), true), ("http://127.0.0.1:9", false)] {
            let provider = Rig::new(url).open(&component, &[]).await.unwrap();
            let error = crate::rig::found(&provider).await.unwrap_err();
            assert_eq!(error.message.contains("broken: "), told, "{version} {error}");
        }
    }
}

#[tokio::test]
async fn p01_a_provider_of_each_published_version_waits_as_it_did() {
    let rig = Rig::offline();
    for (version, component) in published() {
        let provider = rig.open(&component, &[]).await.unwrap();
        assert!(provider.can_watch(), "{version}");
        let ask = async |position: &str, seconds| {
            let position = Some(Position(position.to_owned()));
            alive(provider.watch(Cursor { position, head: None }, Duration::from_secs(seconds))).await
        };
        assert!(ask("old", 1).await.unwrap() && !ask("new", 1).await.unwrap(), "{version}");
        for (seconds, told) in [(7, "Some(\"x\") false 7000"), (9999, "Some(\"x\") false 300000")] {
            let error = ask("x", seconds).await.unwrap_err();
            assert_eq!(error.failure, Failure::Refused);
            assert!(error.to_string().ends_with(told), "{version}: {error}");
        }
    }
}

#[test]
fn p60_a_component_of_a_version_before_the_first_that_lasts_is_refused_and_told_what_to_do() {
    let before: Vec<_> = all().into_iter().filter(|(version, _)| version.starts_with("0.")).collect();
    let versions: Vec<&str> = before.iter().map(|(version, _)| version.as_str()).collect();
    assert_eq!(
        {
            let mut sorted = versions.clone();
            sorted.sort_unstable();
            sorted
        },
        ["0.1.0", "0.1.1", "0.1.2"]
    );
    for (version, component) in &before {
        let error = Rig::offline().host.load("fixture", component, 32 << 20).err().unwrap();
        let words = format!(
            "the plugin `fixture` is built for `orkee:sync@{version}`, this Orkee runs orkee:sync 1.x"
        );
        assert_eq!((error.to_string(), error.code(), error.kind().exit_code()), (words, "E-PLUGIN-003", 2));
        let hint = "update the plugin; its author builds it anew against the WIT package orkee:sync 1.x";
        assert_eq!(error.hint().as_deref(), Some(hint));
    }
}

#[tokio::test]
async fn p01_what_each_published_version_tells_of_deliveries_is_understood() {
    let rig = Rig::offline();
    for (version, component) in published() {
        let provider = rig.open(&component, &[]).await.unwrap();
        let states = provider.endpoint_states().await.unwrap();
        let at = Some("2026-01-02T03:04:05Z");
        assert_eq!((states[0].failing_since.as_deref(), states[0].rotating_until.as_deref()), (at, at));
        let secret = Secret::new("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
        let terms = Terms { dispatcher: "slack".to_owned(), ordered: false, pulled: true };
        let id =
            provider.register_with(Registration::to("https://b.example/"), terms, &secret).await.unwrap();
        assert_eq!(id, "https://b.example/ slack false true", "{version}");
        let words = |ended: Result<(), PartError>| ended.unwrap_err().to_string();
        let rotated = provider.rotate_with("e1", &secret, Duration::from_secs(60)).await;
        assert!(words(rotated).ends_with("e1 60"));
        assert!(words(provider.enable_with("e1", true).await).ends_with("e1 true"));
        let query = DeliveryQuery {
            endpoint: Some("e1".to_owned()),
            id: Some("msg_1".to_owned()),
            since: at.map(str::to_owned),
            after: Some("mark".to_owned()),
            failed: true,
            limit: 7,
        };
        let page = provider.deliveries(&query).await.unwrap();
        let told = &page.deliveries[0];
        assert_eq!((told.id.as_str(), told.endpoint.as_str(), told.state.as_str()), ("msg_1", "e1", "dead"));
        assert_eq!((told.project_id.as_deref(), told.reason.as_deref()), (Some("mark"), Some("7")));
        assert_eq!((told.at.as_str(), page.next.as_deref()), ("2026-01-02T03:04:05Z", Some("next")));
        let attempt = provider.test_endpoint("e1").await.unwrap();
        assert_eq!(
            (attempt.status, attempt.duration_ms, attempt.reply.as_deref()),
            (Some(503), 7, Some("e1"))
        );
        assert_eq!((attempt.tls.as_deref(), attempt.next_retry_at.as_deref()), (Some("TLSv1.3"), at));
        let ids = ["msg_1".to_owned(), "msg_2".to_owned()];
        assert_eq!(provider.redeliver(Some("e1"), &ids).await.unwrap(), 102);
        let events = provider.pull("e1", &ids, 9).await.unwrap();
        assert_eq!(events[0].body, b"e1 msg_1,msg_2 9");
    }
}

#[tokio::test]
async fn p01_a_dispatcher_of_each_published_version_delivers() {
    let server = backend().await;
    let rig = Rig::offline();
    for (version, component) in published() {
        let plugin = rig.host.load("fixture", &component, rig.limits.component).unwrap();
        let setup = DispatcherSetup {
            tenant: None,
            limits: rig.limits.clone(),
            state_folder: rig.home.path().to_owned(),
            settings: [].into(),
            courier: Courier::new(CourierOptions::default()),
        };
        let dispatcher = WasmDispatcher::open(&plugin, setup).await.unwrap();
        assert_eq!(dispatcher.description().id, "every-part", "{version}");
        let secret = Secret::new("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
        let key = SigningKey::new("k", Algorithm::HmacSha256, &secret).unwrap();
        let access = Access { loopback: true, ..Access::default() };
        let deliver = async |path: &str| {
            let target = Target::parse(&format!("{}{path}", server.url), &access).unwrap();
            let (id, event, body) = ("msg_1".to_owned(), "project.updated".to_owned(), b"{}".to_vec());
            let (keys, headers) = (vec![key.clone()], Vec::new());
            let delivery = Delivery { id, event, timestamp: 1, attempt: 1, target, body, keys, headers };
            alive(dispatcher.deliver(delivery)).await.map(|delivered| delivered.attempt)
        };
        assert_eq!(deliver("/fine").await.unwrap(), Attempt::Delivered { status: 200 }, "{version}");
        assert_eq!(server.seen().pop().unwrap().header("x-signature").unwrap().len(), 64);
        assert_eq!(deliver("/gone").await.unwrap(), Attempt::Gone);
        let busy = deliver("/busy").await.unwrap();
        let wait = Some(Duration::from_secs(2));
        assert_eq!(busy, Attempt::Failed { status: Some(503), reason: "refused".to_owned(), wait });
    }
}

/// None of what was published is left out by the tests above: the component has all of it.
#[test]
fn p01_each_kept_component_exports_and_imports_all_that_was_published() {
    for (version, component) in all() {
        let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit/published").join(&version);
        let mut resolve = wit_parser::Resolve::default();
        let source = std::fs::read_to_string(wit.join("orkee-sync.wit")).unwrap();
        let package = resolve.push_str("orkee-sync.wit", &source).unwrap();
        let world = resolve.packages[package].worlds["every-part"];
        let names =
            |items: &wit_parser::IndexMap<wit_parser::WorldKey, wit_parser::WorldItem>| -> Vec<String> {
                items.keys().map(|key| resolve.name_world_key(key)).collect()
            };
        let contract = Contract::of(&component);
        let world = &resolve.worlds[world];
        let all =
            [("imports", &world.imports, &contract.imports), ("exports", &world.exports, &contract.exports)];
        for (kind, published, has) in all {
            let mut published = names(published);
            published.sort();
            assert_eq!(has, &published, "{version}: {kind}");
        }
        assert!(component.len() < 200 << 10, "{version}: {} bytes", component.len());
        assert!(Arc::new(contract).imports.iter().all(|name| name.ends_with(&format!("@{version}"))));
    }
}

/// What of the contract a component imports and exports.
struct Contract {
    imports: Vec<String>,
    exports: Vec<String>,
}

impl Contract {
    fn of(component: &[u8]) -> Self {
        let engine = wasmtime::Engine::default();
        let component = wasmtime::component::Component::from_binary(&engine, component).unwrap();
        let kind = component.component_type();
        let ours = |names: Vec<String>| {
            let mut ours: Vec<String> =
                names.into_iter().filter(|name| name.starts_with("orkee:sync/")).collect();
            ours.sort();
            ours
        };
        Self {
            imports: ours(kind.imports(&engine).map(|(name, _)| name.to_owned()).collect()),
            exports: ours(kind.exports(&engine).map(|(name, _)| name.to_owned()).collect()),
        }
    }
}
