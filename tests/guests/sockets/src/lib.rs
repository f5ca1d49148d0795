//! A provider that wants a socket of its own, which no plugin gets.

wit_bindgen::generate!({ path: "../../../wit", world: "sync-provider" });

use std::net::TcpStream;

use exports::orkee::sync::provider::{Description, Guest, Limits, SignIn};
use orkee::sync::types::{Answer, Failure, Request};

struct Sockets;

impl Guest for Sockets {
    fn describe() -> Description {
        let limits = Limits { max_mutations: 1, max_bytes: 1, max_record_bytes: 1, max_page: 1 };
        Description {
            id: "sockets".to_owned(),
            name: "Sockets".to_owned(),
            version: "1".to_owned(),
            sign_in: SignIn::None,
            limits,
        }
    }

    fn exchange(_: Request) -> Result<Answer, Failure> {
        match TcpStream::connect("127.0.0.1:1") {
            Ok(_) => Ok(Answer::NewEpoch),
            Err(error) => Err(Failure::Backend(error.to_string())),
        }
    }
}

export!(Sockets);
