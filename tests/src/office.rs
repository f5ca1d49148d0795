//! A server with a team of three: Ann owns it, Ben is a member, Eve may only read.

use std::io::Write;
use std::net::TcpStream;
use std::process::Command;

use url::Url;

use crate::device::Device;
use crate::home::{Ran, finish};
use crate::http::{self, Reply};
use crate::server::Server;

const TEAM_MODE: &str = "ORKEE_CLOUD_TEAM_MODE";

/// The server and who works with it.
pub struct Office {
    /// The server, with the team `acme`.
    pub server: Server,
    /// `owner`.
    pub ann: Colleague,
    /// `member`.
    pub ben: Colleague,
    /// `read-only`.
    pub eve: Colleague,
}

/// An account with one device.
pub struct Colleague {
    /// The account's address.
    pub email: String,
    /// Its device.
    pub device: Device,
    token: String,
    api: String,
}

impl Office {
    /// A fresh one.
    #[track_caller]
    pub fn open() -> Self {
        let server = Server::tireless();
        let ann = Colleague::new(&server, "ann@example.com");
        let [ben, eve] = ["ben", "eve"].map(|name| Colleague::new(&server, &format!("{name}@example.com")));
        server.command(&["team", "create", "acme", "--owner", &ann.email]).success();
        server.command(&["team", "add", "acme", &ben.email]).success();
        server.command(&["team", "add", "acme", &eve.email, "--role", "read-only"]).success();
        Self { server, ann, ben, eve }
    }

    /// One in which everybody has Ann's project, and its id.
    #[track_caller]
    pub fn with_a_project() -> (Self, String) {
        let office = Self::open();
        let id = office.ann.device.add("shop");
        office.ann.sync(&["--yes"]).success();
        let Self { server, ann, ben, eve } = office;
        let office = Self { ben: ben.beside(&ann), eve: eve.beside(&ann), server, ann };
        office.ben.sync(&[]).success();
        office.eve.sync(&[]).success();
        (office, id)
    }

    /// A person with an account who is in no team.
    pub fn visitor(&self, name: &str) -> Colleague {
        Colleague::new(&self.server, &format!("{name}@example.com")).beside(&self.ann)
    }

    /// Rows of the audit trail.
    #[track_caller]
    pub fn audit(&self, args: &[&str]) -> Vec<serde_json::Value> {
        let ran = self.server.command(&[&["audit", "--json"], args].concat()).success();
        ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Colleague {
    fn new(server: &Server, email: &str) -> Self {
        let token = server.account(email);
        let (api, device) = (server.url.clone(), Device::with_token(&server.url, &token));
        Self { email: email.to_owned(), device, token, api }
    }

    /// Compiles no provider that another has compiled.
    fn beside(self, other: &Self) -> Self {
        if other.device.home().join("cache").is_dir() {
            return Self { device: self.device.warmed_by(&other.device), ..self };
        }
        self
    }

    /// `orkee ARGS` in team mode.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = self.device.orkee(args);
        command.env(TEAM_MODE, "true");
        command
    }

    /// Runs `orkee ARGS` in team mode.
    pub fn run(&self, args: &[&str]) -> Ran {
        finish(self.command(args), &[])
    }

    /// Runs `orkee ARGS --json` in team mode, which has to succeed.
    #[track_caller]
    pub fn json(&self, args: &[&str]) -> serde_json::Value {
        self.run(&[args, &["--json"]].concat()).success().json()
    }

    /// Syncs in team mode.
    pub fn sync(&self, args: &[&str]) -> Ran {
        self.run(&[&["cloud", "sync"], args].concat())
    }

    /// The names of the projects that the server has of the team, as far as this person may see them.
    #[track_caller]
    pub fn sees(&self) -> Vec<String> {
        names(&self.json(&["cloud", "list"]))
    }

    /// The same of the person's own space.
    #[track_caller]
    pub fn owns(&self) -> Vec<String> {
        names(&self.device.json(&["cloud", "list"]))
    }

    /// The head of a request about the team's projects, whose body of so many bytes is the test's to send.
    #[track_caller]
    pub fn begin(&self, method: &str, path: &str, headers: &[(&str, &str)], length: usize) -> TcpStream {
        let url = Url::parse(&format!("{}{path}", self.api)).unwrap();
        let mut head =
            format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", http::authority(&url));
        let (token, length) = (format!("Bearer {}", self.token), length.to_string());
        let ours = [("Authorization", token.as_str()), ("orkee-space", "team"), ("Content-Length", &length)];
        for (name, value) in ours.iter().chain(headers) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let mut stream = http::connect(&url).unwrap();
        stream.write_all(format!("{head}\r\n").as_bytes()).unwrap();
        stream
    }

    /// A request to the API about the team's projects.
    #[track_caller]
    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let url = Url::parse(&format!("{}{path}", self.api)).unwrap();
        let bearer = format!("Bearer {}", self.token);
        let ours = [("Authorization", bearer.as_str()), ("orkee-space", "team")];
        http::send(method, &url, &[&ours[..], headers].concat(), body).unwrap()
    }
}

fn names(listed: &serde_json::Value) -> Vec<String> {
    let projects = listed["projects"].as_array().unwrap().iter();
    projects.map(|project| project["name"].as_str().unwrap_or_default().to_owned()).collect()
}
