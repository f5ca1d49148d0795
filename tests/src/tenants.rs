//! A device with tenants: what config.toml says decides, and nothing of the environment but which tenant is meant.

use std::process::Command;

use crate::device::{Device, Login};
use crate::folder;
use crate::home::{Ran, finish};

/// A device whose API URLs come from config.toml.
pub struct TenantDevice {
    device: Device,
}

impl TenantDevice {
    /// A fresh device with this config.toml.
    pub fn new(config: &str) -> Self {
        let device = Device::new("");
        folder::private_folder(&device.home());
        let this = Self { device };
        this.configure(config);
        this
    }

    /// Replaces config.toml.
    pub fn configure(&self, config: &str) {
        std::fs::write(self.home().join("config.toml"), config).unwrap();
    }

    /// Its home folder.
    pub fn home(&self) -> std::path::PathBuf {
        self.device.home()
    }

    /// Installs a component with this manifest.
    #[track_caller]
    pub fn install(&self, component: &[u8], manifest: &str) {
        let file = self.device.path("provider.wasm");
        let component = crate::guests::named(component, manifest);
        std::fs::write(&file, orkee_core::plugin::pack(&component, manifest, None).unwrap()).unwrap();
        self.run("", &["cloud", "provider", "install", file.to_str().unwrap(), "--yes"]).success();
    }

    /// `orkee ARGS` for a tenant; empty: for none.
    pub fn orkee(&self, tenant: &str, args: &[&str]) -> Command {
        let mut command = self.device.orkee(args);
        command.env_remove("ORKEE_CLOUD_API_URL").env("ORKEE_CLOUD_TENANT", tenant);
        command
    }

    /// Starts `orkee cloud login` for a tenant and stops when the browser was opened: the test is the browser.
    pub fn begin_login(&self, tenant: &str) -> Login {
        self.device.begin(self.orkee(tenant, &["cloud", "login"]))
    }

    /// Runs `orkee ARGS` for a tenant to its end.
    pub fn run(&self, tenant: &str, args: &[&str]) -> Ran {
        finish(self.orkee(tenant, args), &[])
    }

    /// The same, with this on standard input.
    pub fn feed(&self, tenant: &str, args: &[&str], input: &str) -> Ran {
        finish(self.orkee(tenant, args), input.as_bytes())
    }

    /// Runs `orkee ARGS --json` for a tenant, which has to succeed, and hands back the object that it printed.
    #[track_caller]
    pub fn json(&self, tenant: &str, args: &[&str]) -> serde_json::Value {
        self.run(tenant, &[args, &["--json"]].concat()).success().json()
    }

    /// The names of a tenant's projects.
    #[track_caller]
    pub fn projects(&self, tenant: &str) -> Vec<String> {
        let listed = self.json(tenant, &["projects", "list"]);
        let all = listed["projects"].as_array().unwrap().iter();
        all.map(|project| project["name"].as_str().unwrap().to_owned()).collect()
    }

    /// What `auth.toml` holds; empty where there is no such file.
    pub fn auth_toml(&self) -> String {
        self.device.auth_toml().unwrap_or_default()
    }
}
