//! A provider that wants to read files, which no plugin gets.

wit_bindgen::generate!({ path: "../../../wit", world: "sync-provider" });

use std::fs;

use exports::orkee::sync::provider::{Description, Guest, Limits, SignIn};
use orkee::sync::types::{Answer, Failure, Request};

struct Files;

impl Guest for Files {
    fn describe() -> Description {
        let limits = Limits { max_mutations: 1, max_bytes: 1, max_record_bytes: 1, max_page: 1 };
        Description {
            id: "files".to_owned(),
            name: "Files".to_owned(),
            version: "1".to_owned(),
            sign_in: SignIn::None,
            limits,
        }
    }

    fn exchange(_: Request) -> Result<Answer, Failure> {
        match fs::read("/etc/hostname") {
            Ok(_) => Ok(Answer::NewEpoch),
            Err(error) => Err(Failure::Backend(error.to_string())),
        }
    }
}

export!(Files);
