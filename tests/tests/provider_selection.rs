//! Which provider loads for which tenant, where its API is, and that nothing of one tenant reaches another.

#![allow(clippy::unwrap_used)]

use orkee_tests::guests;
use orkee_tests::mock::{Answer, Mock, Request};
use orkee_tests::server::Server;
use orkee_tests::tenants::TenantDevice;

/// A tenant that a server of Orkee's looks after.
fn orkee_tenant(name: &str, server: &str) -> String {
    format!("[tenants.{name}]\nprovider = \"orkee-cloud\"\napi_url = \"{server}\"\n")
}

/// A manifest for the guest that does what its option `do` says.
fn rogue(name: &str, more: &str) -> String {
    let options =
        ["do", "credential", "url", "memory"].map(|option| format!("[options.{option}]\n")).concat();
    format!("name = \"{name}\"\nversion = \"1\"\n{more}\n{options}")
}

#[test]
fn p50_a_tenants_own_api_url_is_used_and_the_environments_goes_before_it() {
    let (mine, acme) = (Server::start(), Server::start());
    let config = format!("[cloud]\napi_url = \"{}\"\n", mine.url) + &orkee_tenant("acme", &acme.url);
    let device = TenantDevice::new(&config);
    for (tenant, server) in [("", &mine), ("acme", &acme)] {
        device.feed(tenant, &["cloud", "login", "--with-token"], &server.token()).success();
        device.run(tenant, &["cloud", "sync"]).success();
        let status = device.json(tenant, &["cloud", "status"]);
        assert_eq!(status["provider"], "orkee-cloud");
        assert_eq!(status["api_url"].as_str().unwrap().trim_end_matches('/'), server.url);
    }
    let mut overruled = device.orkee("acme", &["cloud", "status"]);
    overruled.env("ORKEE_CLOUD_API_URL", &mine.url);
    let ran = orkee_tests::home::finish(overruled, &[]).exits(4);
    assert!(ran.stdout.contains("the sign-in is for"), "{ran}");
}

#[test]
fn p50_a_name_that_leads_nowhere_is_refused_and_told_what_there_is() {
    let server = Server::start();
    let device = TenantDevice::new(&format!(
        "[cloud]\napi_url = \"{}\"\n[tenants.lost]\nprovider = \"nextcloud\"\n",
        server.url
    ));
    device.install(guests::plain(), "name = \"notes\"\nversion = \"1\"\n");
    for args in [&["cloud", "sync"][..], &["cloud", "status"], &["cloud", "login"], &["cloud", "list"]] {
        let unknown = device.run("acme", args).fails(2, "E-PLUGIN-011").says("`acme`");
        let named = device.run("lost", args).fails(2, "E-PLUGIN-012").says("`nextcloud`");
        for ran in [unknown, named] {
            ran.says("built in: orkee-cloud").says("installed: notes").says("tenants in config.toml: lost");
        }
    }
    device.run("lost", &["projects", "list"]).success();
}

#[test]
fn p50_an_installed_provider_loads_for_the_tenant_that_it_claims_and_two_claims_are_refused() {
    let device = TenantDevice::new("");
    let manifest = |name: &str| {
        format!(
            "name = \"{name}\"\nversion = \"1\"\ntenants = [\"acme\"]\napi-url = \"http://127.0.0.1:9\"\n"
        )
    };
    device.install(guests::plain(), &manifest("notes"));
    device.run("acme", &["cloud", "sync"]).success();
    let status = device.run("acme", &["cloud", "status"]).success();
    for line in
        ["Provider: notes (it is installed for the tenant `acme`)", "Tenant: acme (set by ORKEE_CLOUD_TENANT"]
    {
        assert!(status.stdout.contains(line), "{status}");
    }

    device.install(guests::plain(), &manifest("files"));
    let refused = device.run("acme", &["cloud", "sync"]).fails(2, "E-PLUGIN-016");
    refused.says("files, notes").says("[tenants.acme]").says("provider = \"files\"");
    device.configure("[tenants.acme]\nprovider = \"notes\"\n");
    let status = device.json("acme", &["cloud", "status"]);
    assert_eq!(status["provider"], "notes");
    assert_eq!(status["provider_because"], "[tenants.acme] in config.toml names it");
}

#[test]
fn p50_without_a_tenant_nothing_that_is_installed_is_asked() {
    let server = Server::start();
    let device = TenantDevice::new(&format!("[cloud]\napi_url = \"{}\"\n", server.url));
    device.install(guests::plain(), "name = \"notes\"\nversion = \"1\"\n");
    std::fs::write(device.home().join("plugins/grants.toml"), "nonsense").unwrap();
    device.feed("", &["cloud", "login", "--with-token"], &server.token()).success();
    device.run("", &["cloud", "sync"]).success();
    let status = device.run("", &["cloud", "status"]).success();
    assert!(status.stdout.contains("Provider: orkee-cloud (no tenant is set)"), "{status}");
    assert!(status.stdout.contains("Tenant: none"), "{status}");
}

#[test]
fn p50_what_is_set_wrongly_for_a_tenant_is_refused_before_any_request() {
    let server = Mock::start(|_| Answer::empty(500));
    let device = TenantDevice::new("");
    device.install(
        guests::rogue(),
        &rogue("notes", "[options.folder]\nabout = \"Where they are\"\nrequired = true"),
    );
    let table = format!("[tenants.acme]\nprovider = \"notes\"\napi_url = \"{}\"\n", server.url);
    for (more, code, told) in [
        ("limts = 1\n", "E-CONFIG-007", "write `limits`"),
        ("limits = 1\n", "E-CONFIG-004", "set by tenants.acme.limits in config.toml"),
        ("[tenants.acme.limits]\nmemory = \"much\"\n", "E-CONFIG-004", "such as `128 MiB`"),
        ("[tenants.acme.options]\nfoldr = \"x\"\n", "E-PLUGIN-014", "write `folder`"),
        ("", "E-PLUGIN-015", "`folder` (Where they are)"),
    ] {
        device.configure(&format!("{table}{more}"));
        for args in [&["cloud", "sync"][..], &["cloud", "list"]] {
            device.run("acme", args).fails(2, code).says(told);
        }
    }
    device.configure("[tenants.acme]\nprovider = \"notes\"\n[tenants.acme.options]\nfolder = \"x\"\n");
    device.run("acme", &["cloud", "sync"]).fails(2, "E-PLUGIN-017").says("api_url = ");
    device.configure(
        "[tenants.\"acme corp\"]\nprovider = \"notes\"\n[tenants.\"acme corp\".options]\nfolder = \"x\"\n",
    );
    let ran = device.run("acme corp", &["cloud", "sync"]).fails(2, "E-PLUGIN-017");
    drop(ran.says("under [tenants.\"acme corp\"] in config.toml"));
    device.configure("[tenants.acme]\nprovider = \"notes\"\napi_url = \"http://example.com\"\n");
    device
        .run("acme", &["cloud", "sync"])
        .fails(2, "E-NET-010")
        .says("set by tenants.acme.api_url in config.toml");
    assert_eq!(server.connections(), 0);
}

#[test]
fn p20_p25_a_configuration_lowers_what_a_provider_may_use() {
    let device = TenantDevice::new("");
    device.install(
        guests::rogue(),
        &rogue("notes", "api-url = \"http://127.0.0.1:9\"\n[limits]\nhost-calls = 2000"),
    );
    let config = |way: &str, limit: &str| {
        format!(
            "[tenants.acme]\nprovider = \"notes\"\n[tenants.acme.options]\ndo = \"{way}\"\n[tenants.acme.limits]\n{limit}\n"
        )
    };
    for (way, limit, told) in [
        ("eat-memory", "memory = \"8 MiB\"", "8 MiB of memory"),
        ("call-the-host", "", "2000 host calls"),
        ("call-the-host", "host-calls = 50", "50 host calls"),
        ("call-the-host", "host-calls = 5000", "2000 host calls"),
    ] {
        device.configure(&config(way, limit));
        device.run("acme", &["cloud", "sync"]).exits(1).says(told);
    }
}

#[test]
fn p04_a_command_that_needs_what_the_provider_lacks_says_that_it_cannot() {
    let device = TenantDevice::new("[tenants.acme]\nprovider = \"notes\"\n");
    device.install(guests::plain(), "name = \"notes\"\nversion = \"1\"\napi-url = \"http://127.0.0.1:9\"\n");
    let ran = device.run("acme", &["cloud", "list"]).exits(2);
    ran.says("error[E-PLUGIN-006]: the provider `notes` cannot list what its backend holds");
    device.run("acme", &["cloud", "devices"]).exits(2).says("the provider `notes` cannot");
    let webhook = ["cloud", "webhook", "add", "https://example.com/hook"];
    device.run("acme", &webhook).fails(2, "E-HOOK-041").says("the provider `notes` sends no events");
    device.run("acme", &["cloud", "login"]).fails(2, "E-AUTH-008").says("needs no sign-in");
    let status = device.run("acme", &["cloud", "status"]).success();
    assert!(status.stdout.contains("notes at http://127.0.0.1:9 needs no sign-in"), "{status}");
}

#[test]
fn p51_switching_between_tenants_mixes_neither_projects_nor_sign_ins_nor_cursors() {
    let servers = [Server::start(), Server::start(), Server::start()];
    let [mine, acme, beta] = &servers;
    let config = format!("[cloud]\napi_url = \"{}\"\n", mine.url)
        + &orkee_tenant("acme", &acme.url)
        + &orkee_tenant("beta", &beta.url);
    let spaces = [("", mine), ("acme", acme), ("beta", beta)];
    let (device, other) = (TenantDevice::new(&config), TenantDevice::new(&config));
    for (tenant, server) in spaces {
        for device in [&device, &other] {
            device.feed(tenant, &["cloud", "login", "--with-token"], &server.token()).success();
        }
    }
    let label = |tenant: &str| if tenant.is_empty() { "mine".to_owned() } else { tenant.to_owned() };
    let names = |tenant: &str, rounds: usize| -> Vec<String> {
        (0..rounds).map(|round| format!("{} {round}", label(tenant))).collect()
    };
    let sorted = |mut names: Vec<String>| {
        names.sort();
        names
    };
    for round in 0..3 {
        for (tenant, _) in spaces {
            device
                .run(tenant, &["projects", "add", "--name", &format!("{} {round}", label(tenant))])
                .success();
            let synced = device.json(tenant, &["cloud", "sync"]);
            assert_eq!((&synced["pushed"], &synced["pulled"]), (&1.into(), &0.into()), "{tenant} {round}");
            assert_eq!(sorted(device.projects(tenant)), names(tenant, round + 1));
        }
        for (tenant, _) in spaces.iter().rev() {
            let synced = other.json(tenant, &["cloud", "sync"]);
            assert_eq!((&synced["pushed"], &synced["pulled"]), (&0.into(), &1.into()), "{tenant} {round}");
            assert_eq!(sorted(other.projects(tenant)), names(tenant, round + 1));
        }
    }
    for (tenant, _) in spaces {
        let listed = device.json(tenant, &["cloud", "list"]);
        let listed =
            listed["projects"].as_array().unwrap().iter().map(|p| p["name"].as_str().unwrap().to_owned());
        assert_eq!(sorted(listed.collect()), names(tenant, 3));
    }

    // Signing out of one leaves the others as they are.
    device.run("acme", &["cloud", "logout"]).success();
    device.run("acme", &["cloud", "sync"]).fails(4, "E-AUTH-001");
    for tenant in ["", "beta"] {
        device.run(tenant, &["cloud", "sync"]).success();
    }
}

#[test]
fn p51_the_sign_in_of_a_tenant_is_sent_to_its_own_server_alone() {
    let account =
        || Answer::json(200, &serde_json::json!({"id": "1", "email": "a@example.com", "plan": null}));
    let asks = |request: &Request| request.target.starts_with("/.well-known/orkee-tenant/");
    let answer = move |request: &Request| if asks(request) { Answer::empty(404) } else { account() };
    let servers = [(); 2].map(|()| Mock::start(answer));
    let config = orkee_tenant("acme", &servers[0].url) + &orkee_tenant("beta", &servers[1].url);
    let device = TenantDevice::new(&config);
    for (tenant, token) in [("acme", "orkee_of_acme"), ("beta", "orkee_of_beta")] {
        device.feed(tenant, &["cloud", "login", "--with-token"], token).success();
    }
    for tenant in ["acme", "beta", "acme", "beta"] {
        device.run(tenant, &["cloud", "status"]).success();
    }
    for (server, token) in servers.iter().zip(["Bearer orkee_of_acme", "Bearer orkee_of_beta"]) {
        let (asked, seen): (Vec<_>, Vec<_>) = server.requests().into_iter().partition(asks);
        assert!(asked.iter().all(|request| request.header("authorization").is_none()), "{asked:?}");
        assert!(seen.len() >= 3, "{seen:?}");
        assert!(seen.iter().all(|request| request.header("authorization") == Some(token)), "{seen:?}");
    }
}

#[test]
fn p51_a_provider_has_a_state_for_each_tenant_and_none_sees_anothers() {
    let device = TenantDevice::new("");
    device.install(guests::rogue(), &rogue("notes", "api-url = \"http://127.0.0.1:9\""));
    let tenant = |name: &str| {
        format!(
            "[tenants.{name}]\nprovider = \"notes\"\n[tenants.{name}.options]\ndo = \"remember\"\nmemory = \"of {name}\"\n"
        )
    };
    device.configure(&(tenant("acme") + &tenant("beta")));
    let position = |tenant: &str| {
        device.run(tenant, &["cloud", "sync"]).success();
        let database = rusqlite::Connection::open(device.home().join("orkee.db")).unwrap();
        let sql = "SELECT position FROM spaces WHERE tenant = ?";
        database.query_row(sql, [tenant], |row| row.get::<_, String>(0)).unwrap()
    };
    // What the guest was told last time is the position that it answers with.
    for (tenant, told) in [
        ("acme", "nothing"),
        ("beta", "nothing"),
        ("acme", "of acme"),
        ("beta", "of beta"),
        ("acme", "of acme"),
    ] {
        assert_eq!(position(tenant), told, "{tenant}");
    }
    let states = device.home().join("plugins/notes");
    for tenant in ["acme", "beta"] {
        assert!(states.join(format!("tenant-{tenant}.json")).exists());
    }
}

#[test]
fn p51_another_place_or_another_provider_of_a_tenant_is_another_backend_and_not_taken_silently() {
    let device = TenantDevice::new("");
    let manifest = |name: &str| {
        format!(
            "name = \"{name}\"\nversion = \"1\"\napi-url = \"http://127.0.0.1:9\"\n[options.folder]\ndefault = \"orkee\"\nplace = true\n[options.colour]\n"
        )
    };
    device.install(guests::plain(), &manifest("notes"));
    device.install(guests::plain(), &manifest("files"));
    let config = |provider: &str, options: &str| {
        device.configure(&format!(
            "[tenants.acme]\nprovider = \"{provider}\"\n[tenants.acme.options]\n{options}\n"
        ));
    };
    config("notes", "");
    device.run("acme", &["cloud", "sync"]).success();
    config("notes", "folder = \"orkee\"\ncolour = \"red\"");
    device.run("acme", &["cloud", "sync"]).success();
    config("notes", "folder = \"elsewhere\"");
    device.run("acme", &["cloud", "sync"]).fails(5, "E-SYNC-002").says("folder = \"elsewhere\"");
    config("files", "");
    device.run("acme", &["cloud", "sync"]).fails(5, "E-SYNC-002").says("through files");
}

#[test]
fn p12_the_api_url_of_a_manifest_reaches_no_private_network_that_was_not_granted() {
    let server = Server::start();
    let device = TenantDevice::new("");
    let url = &server.url;
    let ask = "[options.do]\ndefault = \"send-and-fail\"\n[options.url]\ndefault = \"/\"\n";
    let manifest = |granted: &str| {
        format!(
            "name = \"rogue\"\nversion = \"1\"\ntenants = [\"acme\"]\napi-url = \"{url}\"\n{granted}{ask}"
        )
    };
    let sync = || device.run("acme", &["cloud", "sync"]);
    device.install(guests::rogue(), &manifest(""));
    sync().fails(1, "E-PLUGIN-001").says("a private address").says("--private-network");
    device.install(guests::rogue(), &manifest(&format!("private-network = [\"{url}\"]\n")));
    sync().fails(6, "E-NET-004").says("status 404");
}

#[test]
fn p15a_the_sign_in_of_orkee_cloud_is_not_made_for_another_server() {
    let (orkee, other) = (Server::start(), Server::start());
    let device = TenantDevice::new(&format!("[cloud]\napi_url = \"{}\"\n", orkee.url));
    for (issuer, client) in [
        (orkee.url.as_str(), "mine"),
        ("https://api.orkee.ai", "mine"),
        ("https://id.example.com", "orkee-cli"),
    ] {
        let login = format!("[login]\nkind = \"oauth\"\nissuer = \"{issuer}\"\nclient-id = \"{client}\"\n");
        let manifest = format!(
            "name = \"plain\"\nversion = \"1\"\ntenants = [\"acme\"]\napi-url = \"{0}\"\nprivate-network = [\"{0}\"]\n{login}",
            other.url
        );
        device.install(guests::plain(), &manifest);
        for command in [&["cloud", "login", "--no-browser"][..], &["cloud", "sync"]] {
            device.run("acme", command).fails(2, "E-PLUGIN-019").says("wants the sign-in of");
        }
    }
}
