//! Waiting for what others write, through the providers that Orkee ships and a real server: an account, a team, a company's tenant.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use orkee_core::net::{ApiUrl, Http, HttpOptions};
use orkee_core::plugin::{Grants, Host, Limits, Setup, WasmProvider};
use orkee_core::sync::provider::{Answer, Cursor, Failure, Provider, Request};
use orkee_tests::credentials::Bearer;
use orkee_tests::guests;
use orkee_tests::http;
use orkee_tests::idp::Idp;
use orkee_tests::server::Server;
use orkee_tests::tenancy::{GROUPS, Tenancy, access};
use serde_json::json;
use url::Url;

/// Far more than it takes, and far less than the wait: who answers within it was woken.
const SOON: Duration = Duration::from_secs(25);
const WAIT: Duration = Duration::from_secs(60);

/// A provider that Orkee ships, signed in with a token, with limits that a call may not exceed otherwise.
async fn open(home: &Path, name: &str, url: &str, token: &str, settings: &[(&str, &str)]) -> WasmProvider {
    let package = if name == "orkee-cloud" { "orkee-provider-cloud" } else { "orkee-provider-enterprise" };
    let component = guests::shipped(name, package, &[]);
    let limits = Limits { wall_clock: Duration::from_secs(5), ..Limits::default() };
    let plugin =
        Host::new(Some(home.join("cache"))).unwrap().load(name, &component, limits.component).unwrap();
    let api_url = ApiUrl::parse(url).unwrap();
    let setup = Setup {
        tenant: None,
        grants: Grants::built_in(&api_url),
        limits,
        api_url,
        credentials: Arc::new(Bearer::new(token)),
        state_folder: home.to_owned(),
        settings: settings
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect::<BTreeMap<_, _>>(),
        http: Http::new(HttpOptions::default()).unwrap(),
    };
    WasmProvider::open(&plugin, setup).await.unwrap()
}

/// Where a device stands that has listed all.
async fn up_to_date(provider: &WasmProvider) -> Cursor {
    let request = Request { limit: 100, ..Request::default() };
    match provider.exchange(request).await.unwrap() {
        Answer::Page(page) => page.cursor,
        other => panic!("{other:?}"),
    }
}

/// Writes while the provider waits, and sees that it is woken for it: longer than a call may take otherwise, and not when the time is
/// over.
async fn is_woken(
    provider: &WasmProvider,
    cursor: &Cursor,
    after: Duration,
    write: impl FnOnce() + Send + 'static,
) {
    let begun = Instant::now();
    let later = tokio::task::spawn_blocking(move || {
        std::thread::sleep(after);
        write();
    });
    let (woken, wrote) = tokio::join!(provider.watch(cursor.clone(), WAIT), later);
    wrote.unwrap();
    assert!(woken.unwrap(), "it is told");
    assert!(begun.elapsed() >= after && begun.elapsed() < after + SOON, "{:?}", begun.elapsed());
}

fn publish(url: &str, token: &str, space: &str, id: &str) {
    let url = Url::parse(&format!("{url}/v1/sync")).unwrap();
    let bearer = format!("Bearer {token}");
    let headers =
        [("Authorization", bearer.as_str()), ("Content-Type", "application/json"), ("orkee-space", space)];
    let body = json!({ "projects": [{ "id": id, "name": "theirs" }] }).to_string();
    let reply = http::send("POST", &url, &headers, body.as_bytes()).unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text());
}

/// What the server holds of records, commits and deeds.
fn written(server: &Server) -> String {
    let database = rusqlite::Connection::open(server.data().join("orkee-server.db")).unwrap();
    let sql =
        "SELECT (SELECT group_concat(newest) FROM spaces) || ' ' || (SELECT count(*) FROM records) || ' ' ||
               (SELECT count(*) FROM audit)";
    database.query_row(sql, [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn p62_a_device_that_waits_is_woken_by_another_ones_push_and_nothing_is_changed_by_it() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start();
    let token = server.token();
    let provider = open(home.path(), "orkee-cloud", &server.url, &token, &[]).await;
    assert!(provider.can_watch());
    let cursor = up_to_date(&provider).await;
    let before = written(&server);
    assert!(!provider.watch(cursor.clone(), Duration::from_secs(1)).await.unwrap(), "nothing is new");
    assert_eq!(written(&server), before, "a wait writes nothing");
    let (url, other) = (server.url.clone(), token.clone());
    // Longer than a call of this provider may take otherwise.
    let late = Duration::from_secs(6);
    is_woken(&provider, &cursor, late, move || publish(&url, &other, "personal", "aaaaaaaa")).await;
    assert!(provider.watch(cursor.clone(), WAIT).await.unwrap(), "as long as nobody asked for a page");
    assert_ne!(up_to_date(&provider).await, cursor);
}

#[tokio::test]
async fn p62_a_member_of_a_team_is_woken_by_the_teams_projects_alone() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start();
    let (ann, ben) = (server.account("ann@example.com"), server.account("ben@example.com"));
    server.command(&["team", "create", "acme", "--owner", "ann@example.com"]).success();
    server.command(&["team", "add", "acme", "ben@example.com", "--role", "read-only"]).success();
    let team = open(home.path(), "orkee-cloud", &server.url, &ben, &[("space", "team")]).await;
    let own = open(home.path(), "orkee-cloud", &server.url, &ben, &[]).await;
    let (shared, alone) = (up_to_date(&team).await, up_to_date(&own).await);
    let url = server.url.clone();
    let write = move || publish(&url, &ann, "team", "aaaaaaaa");
    is_woken(&team, &shared, Duration::from_millis(300), write).await;
    assert!(!own.watch(alone, Duration::from_secs(1)).await.unwrap());
    server.command(&["team", "remove", "acme", "ben@example.com"]).success();
    let error = team.watch(up_to_date(&own).await, WAIT).await.unwrap_err();
    assert_eq!(error.failure, Failure::Forbidden, "{error}");
}

#[tokio::test]
async fn p62_a_companys_people_are_woken_and_whoever_is_put_out_waits_no_more() {
    let home = tempfile::tempdir().unwrap();
    let idp = Idp::start();
    let tenancy = Tenancy::exchanging(&idp, GROUPS);
    let ann = tenancy.sign_in(&idp, "ann@acme.example", &["engineering"]);
    let ben = tenancy.sign_in(&idp, "ben@acme.example", &["engineering"]);
    let settings = [("tenant", "acme"), ("space", "team")];
    let url = tenancy.server.url.clone();
    let provider = open(home.path(), "enterprise", &url, access(&ben), &settings).await;
    assert!(provider.can_watch());
    let cursor = up_to_date(&provider).await;
    let token = access(&ann).to_owned();
    let tenancy = Arc::new(tenancy);
    let writing = Arc::clone(&tenancy);
    let write =
        move || drop(writing.push(&token, "team", &[("aaaaaaaa", br#"{"id":"aaaaaaaa","name":"theirs"}"#)]));
    is_woken(&provider, &cursor, Duration::from_millis(300), write).await;
    let cursor = up_to_date(&provider).await;
    let putting_out = tokio::task::spawn_blocking(move || {
        std::thread::sleep(Duration::from_millis(300));
        tenancy.admin(&["tenant", "remove-member", "acme", "ben@acme.example"]).success();
        tenancy
    });
    let begun = Instant::now();
    let (ended, _tenancy) = tokio::join!(provider.watch(cursor, WAIT), putting_out);
    let error = ended.unwrap_err();
    assert_eq!(error.failure, Failure::Auth, "{error}");
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
}
