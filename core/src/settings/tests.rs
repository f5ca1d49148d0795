use super::*;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn with(self, name: &str, text: &str) -> Self {
        fs::write(self.0.path().join(name), text).unwrap();
        self
    }

    fn load(&self, environment: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        let home = Home::at(self.0.path()).unwrap();
        let variables: BTreeMap<String, OsString> =
            environment.iter().map(|(name, value)| ((*name).to_owned(), OsString::from(value))).collect();
        Settings::load_with(&home, |name| variables.get(name).cloned())
    }
}

#[test]
fn the_environment_outranks_the_home_env_which_outranks_config_which_outranks_the_default() {
    let set = [("ORKEE_CLOUD_API_URL", "https://environment")];
    let config = "[cloud]\napi_url = \"https://config\"\n";
    let url = |folder: &Folder, set: &[(&str, &str)]| folder.load(set).unwrap().api_url(None).unwrap();

    let all = Folder::new().with(".env", "ORKEE_CLOUD_API_URL=https://dotenv").with("config.toml", config);
    assert_eq!(url(&all, &set).value, "https://environment");
    assert_eq!(url(&all, &[]).origin, Origin::HomeEnv("ORKEE_CLOUD_API_URL"));
    assert_eq!(url(&all, &[("ORKEE_CLOUD_API_URL", "")]).value, "https://dotenv", "an empty value is none");

    let config_only = Folder::new().with("config.toml", config);
    assert_eq!(url(&config_only, &[]).origin, Origin::Config("cloud.api_url".to_owned()));
    assert_eq!(
        url(&Folder::new(), &[]),
        Setting { value: "https://api.orkee.ai".to_owned(), origin: Origin::Default }
    );
}

#[test]
fn a_named_environment_comes_from_config_unless_the_variable_is_set() {
    let home = Folder::new().with("config.toml", "[environments.stage]\napi_url = \"https://stage\"\n");
    let settings = home.load(&[]).unwrap();
    assert_eq!(settings.api_url(Some("stage")).unwrap().value, "https://stage");
    assert_eq!(settings.api_url(Some("development")).unwrap().value, "https://dev-api.orkee.ai");
    let unknown = settings.api_url(Some("prod")).unwrap_err();
    assert!(
        matches!(&unknown, SettingsError::NoEnvironment { known, .. } if known == &["stage", "development"]),
        "{unknown:?}"
    );
    let set = home.load(&[("ORKEE_CLOUD_API_URL", "https://x")]).unwrap();
    assert_eq!(set.api_url(Some("stage")).unwrap().value, "https://x");
}

#[test]
fn a_folders_env_decides_automatic_sync_and_nothing_else() {
    let repository = Folder::new().with(
        ".env",
        "ORKEE_CLOUD_AUTO_SYNC=true\nORKEE_CLOUD_SYNC_INTERVAL=0\nORKEE_CLOUD_API_URL=https://evil\nHTTPS_PROXY=evil\nnot a line\n",
    );
    let mut settings = Folder::new().load(&[]).unwrap();
    let ignored = settings.read_folder(repository.0.path());
    assert_eq!(
        ignored,
        ["HTTPS_PROXY", "ORKEE_CLOUD_API_URL", "ORKEE_CLOUD_SYNC_INTERVAL"],
        "a value that cannot be is left aside too"
    );
    assert!(settings.flag(Key::AutoSync).unwrap().value);
    assert_eq!(settings.sync_interval().unwrap().value, Duration::from_secs(300));
    assert_eq!(settings.api_url(None).unwrap().origin, Origin::Default);
}

#[test]
fn a_folders_env_decides_only_where_the_user_set_nothing_and_asks_for_no_haste() {
    let repository = Folder::new().with(
        ".env",
        "ORKEE_CLOUD_AUTO_SYNC=true\nORKEE_CLOUD_SYNC_ON_UPDATE=true\nORKEE_CLOUD_SYNC_INTERVAL=1\n",
    );
    let here = |home: &Folder, environment: &[(&str, &str)]| {
        let mut settings = home.load(environment).unwrap();
        assert_eq!(settings.read_folder(repository.0.path()), [] as [&str; 0]);
        settings
    };
    let alone = here(&Folder::new(), &[]);
    assert!(alone.flag(Key::AutoSync).unwrap().value && alone.flag(Key::SyncOnUpdate).unwrap().value);
    assert_eq!(
        alone.sync_interval().unwrap(),
        Setting { value: Duration::from_secs(60), origin: Origin::FolderEnv("ORKEE_CLOUD_SYNC_INTERVAL") }
    );
    let off = "ORKEE_CLOUD_AUTO_SYNC";
    let homes = [
        here(&Folder::new().with("config.toml", "[cloud]\nauto_sync = false\n"), &[]),
        here(&Folder::new().with(".env", "ORKEE_CLOUD_AUTO_SYNC=false\n"), &[]),
        here(&Folder::new(), &[(off, "false")]),
        // One of them is all of them.
        here(&Folder::new().with("config.toml", "[cloud]\nsync_on_delete = false\n"), &[]),
    ];
    for settings in homes {
        assert!(!settings.flag(Key::AutoSync).unwrap().value, "{settings:?}");
        assert!(!settings.flag(Key::SyncOnUpdate).unwrap().value, "{settings:?}");
    }
    let often = here(&Folder::new().with("config.toml", "[cloud]\nsync_interval = 5\n"), &[]);
    assert_eq!(often.sync_interval().unwrap().value, Duration::from_secs(5), "the user's own may be short");
    assert!(often.flag(Key::AutoSync).unwrap().value);
}

#[test]
fn a_value_of_the_wrong_form_is_refused_with_its_origin() {
    let home = Folder::new().with("config.toml", "[cloud]\nauto_sync = \"maybe\"\n");
    let error = home.load(&[]).unwrap().flag(Key::AutoSync).unwrap_err();
    assert!(error.to_string().contains("cloud.auto_sync in config.toml"), "{error}");
    let error = home.load(&[("ORKEE_CLOUD_SYNC_INTERVAL", "soon")]).unwrap().sync_interval().unwrap_err();
    assert!(error.to_string().contains("seconds"), "{error}");
}

#[test]
fn a_secret_is_not_shown_in_the_error_about_it() {
    let error =
        Folder::new().load(&[("ORKEE_CLOUD_TOKEN", "orkee_\u{7}x")]).unwrap().text(Key::Token).unwrap_err();
    assert!(
        !error.to_string().contains("orkee_\u{7}x") && !format!("{error:?}").contains("orkee_"),
        "{error:?}"
    );
}

#[test]
fn a_broken_file_is_named_and_a_token_in_config_is_not_read() {
    assert!(matches!(
        Folder::new().with("config.toml", "[cloud\n").load(&[]),
        Err(SettingsError::Toml { .. })
    ));
    assert!(matches!(
        Folder::new().with(".env", "prose\n").load(&[]),
        Err(SettingsError::EnvSyntax { line: 1, .. })
    ));
    let home = Folder::new().with("config.toml", "[cloud]\ntoken = \"orkee_x\"\n");
    assert_eq!(home.load(&[]).unwrap().text(Key::Token).unwrap(), None);
}

#[cfg(feature = "plugin")]
mod tenants {
    use super::*;
    use crate::diagnostic::Diagnostic;

    fn read(config: &str) -> Result<TenantSettings, SettingsError> {
        Folder::new().with("config.toml", config).load(&[]).unwrap().tenant_settings("mine")
    }

    #[test]
    fn a_tenants_table_says_all_that_is_set_for_it_and_nothing_of_others() {
        let config = "[tenants.mine]\nprovider = \"s3\"\napi_url = \"https://s3.example\"\n\
                      [tenants.mine.options]\nbucket = \"projects\"\npath-style = true\nport = 9\n\
                      [tenants.mine.limits]\nmemory = \"32 MiB\"\nhost-calls = 100\n\
                      [tenants.other]\nproviderr = 1\n";
        let mine = read(config).unwrap();
        let provider = mine.provider.unwrap();
        assert_eq!(provider.value, "s3");
        assert_eq!(provider.origin.to_string(), "tenants.mine.provider in config.toml");
        assert_eq!(mine.api_url.unwrap().value, "https://s3.example");
        let options: Vec<_> =
            mine.options.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(options, [("bucket", "projects"), ("path-style", "true"), ("port", "9")]);
        assert_eq!((mine.limits.memory, mine.limits.host_calls), (Some(32 << 20), Some(100)));
        assert_eq!(read("[tenants.other]\nprovider = \"s3\"\n").unwrap(), TenantSettings::default());
        assert_eq!(read("").unwrap(), TenantSettings::default());
    }

    #[test]
    fn a_key_that_means_nothing_is_refused_with_the_likely_one() {
        for (config, key, hint) in [
            ("[tenants.mine]\nprovidr = \"s3\"\n", "tenants.mine.providr", "write `provider`"),
            ("[tenants.mine]\napi-url = \"x\"\n", "tenants.mine.api-url", "write `api_url`"),
            (
                "[tenants.mine]\nzzz = 1\n",
                "tenants.mine.zzz",
                "there are: provider, api_url, options, limits",
            ),
            ("[tenants.mine.limits]\nmemoy = \"1 MiB\"\n", "tenants.mine.limits.memoy", "write `memory`"),
        ] {
            let error = read(config).unwrap_err();
            assert!(error.to_string().contains(key), "{error}");
            assert_eq!(error.hint().as_deref(), Some(hint));
        }
    }

    #[test]
    fn a_value_of_a_wrong_type_or_form_is_refused_with_its_origin() {
        for (config, name) in [
            ("tenants = 5\n", "tenants"),
            ("[tenants]\nmine = \"s3\"\n", "tenants.mine"),
            ("[tenants.mine]\nprovider = [\"s3\"]\n", "tenants.mine.provider"),
            ("[tenants.mine]\noptions = \"x\"\n", "tenants.mine.options"),
            ("[tenants.mine.options]\nbucket = [1]\n", "tenants.mine.options.bucket"),
            ("[tenants.mine]\nlimits = []\n", "tenants.mine.limits"),
            ("[tenants.mine.limits]\nmemory = \"lots\"\n", "tenants.mine.limits.memory"),
            ("[tenants.mine.limits]\nhost-calls = 0\n", "tenants.mine.limits.host-calls"),
        ] {
            let error = read(config).unwrap_err().to_string();
            assert!(error.contains(&format!("set by {name} in config.toml")), "{config}: {error}");
        }
    }
}
