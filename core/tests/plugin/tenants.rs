//! P17: what one tenant signed in with is nothing to another.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use orkee_core::auth::{Auth, Purpose};
use orkee_core::clock::SystemClock;
use orkee_core::home::Home;
use orkee_core::net::CredentialSource;

use crate::guests;
use crate::rig::{Rig, found};
use crate::server::{Server, reply};

#[tokio::test]
async fn p17_a_tenants_sign_in_is_not_anothers() {
    let server = Server::start(|_| reply(200, &[], b"welcome")).await;
    let rig = Rig::new(&server.url);
    let login = |name: &str| {
        format!(
            "[tenants.{name}]\napi_url = \"{}\"\nissuer = \"{0}\"\ntoken = \"orkee_{name}\"\n",
            server.url
        )
    };
    let file = rig.home.path().join("auth.toml");
    std::fs::write(&file, login("acme") + &login("beta")).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let auth =
        Auth::new(&Home::at(rig.home.path()).unwrap(), rig.http.clone(), Arc::new(SystemClock), |_| {});
    let send = [("do", "send-and-fail"), ("credential", "login")];
    for (tenant, sent) in [
        (Some("acme"), Some("Bearer orkee_acme")),
        (Some("beta"), Some("Bearer orkee_beta")),
        (Some("gamma"), None),
        (None, None),
    ] {
        let before = server.seen().len();
        let purpose = Purpose::orkee_cloud(rig.api_url.clone(), tenant.map(str::to_owned));
        let tokens: Arc<dyn CredentialSource> = Arc::new(auth.tokens(purpose, None));
        let provider = rig.open_with(guests::rogue(), &send, tokens).await.unwrap();
        found(&provider).await.unwrap_err();
        let seen = server.seen();
        assert_eq!(seen.get(before).map(|seen| seen.header("authorization")), sent.map(Some), "{tenant:?}");
    }
}
