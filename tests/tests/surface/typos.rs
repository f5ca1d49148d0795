//! What was mistyped is told with what was meant, and nothing is guessed.

use orkee_tests::home::Home;

#[test]
fn s03_whatever_is_mistyped_is_told_with_what_was_meant() {
    let home = Home::new();
    let id = home.add("shop");
    let config = "[environments.staging]\napi_url = \"https://stage.example.com\"\n";
    std::fs::write(home.orkee().join("config.toml"), config).unwrap();
    let webhook = ["cloud", "webhook", "add", "https://hooks.example.com/a", "--local"];
    let webhook = home.json(webhook)["webhook"]["id"].as_str().unwrap().to_owned();
    let like = |text: &str| text.chars().rev().skip(1).collect::<String>().chars().rev().collect::<String>();
    let (near_id, near_webhook) = (like(&id), like(&webhook));
    for (typed, error, meant) in [
        (&["projcts", "list"][..], "E-CLI-001", "projects"),
        (&["projects", "lst"], "E-CLI-001", "list"),
        (&["projects", "list", "--serach", "x"], "E-CLI-001", "--search"),
        (&["projects", "list", "--status", "bulding"], "E-CLI-001", "did you mean building?"),
        (&["projects", "show", "shpo"], "E-STORE-010", "(shop)"),
        (&["projects", "show", &near_id], "E-STORE-010", &id),
        (
            &["cloud", "webhook", "add", "https://a.example", "--local", "--event", "project.creatd"],
            "E-HOOK-001",
            "project.created",
        ),
        (&["cloud", "webhook", "remove", &near_webhook, "--yes"], "E-HOOK-043", &webhook),
        (&["cloud", "login", "--env", "stagign"], "E-CONFIG-006", "did you mean `staging`?"),
        (&["config", "get", "cloud.tenat"], "E-CONFIG-008", "cloud.tenant"),
        (&["cloud", "provider", "info", "s33"], "E-PLUGIN-012", "did you mean `s3`?"),
        (&["help", "exit-code"], "E-CLI-001", "exit-codes"),
        (&["help", "projects", "ad"], "E-CLI-001", "add"),
    ] {
        let ran = home.run(typed).fails(2, error);
        let hint = ran.stderr.lines().any(|line| {
            (line.starts_with("hint: ") || line.contains("did you mean")) && line.contains(meant)
        });
        assert!(hint, "no {meant:?}: {ran}");
    }
}

#[test]
fn s03_whoever_takes_a_deletion_back_by_name_is_told_which_ids_went_last() {
    let home = Home::new();
    let id = home.add("shop");
    home.run(["projects", "restore", "shop"]).fails(2, "E-PROJECT-002");
    home.ok(["projects", "delete", "shop", "--yes"]);
    home.run(["projects", "restore", "shop"]).fails(2, "E-CLI-001").says(&format!("deleted last: {id} (2"));
    home.ok(["projects", "restore", &id]);
}

#[test]
fn s03_the_first_letters_of_a_command_are_no_command() {
    let home = Home::new();
    for typed in
        [&["proj", "list"][..], &["projects", "li"], &["conf", "list"], &["projects", "list", "--lim", "1"]]
    {
        home.run(typed).fails(2, "E-CLI-001");
    }
}
