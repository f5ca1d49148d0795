//! The compiled code of the provider, as a command meets it.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::PathBuf;

use orkee_tests::device::Device;
use orkee_tests::server::Server;

fn compiled_file(device: &Device) -> PathBuf {
    let mut files = fs::read_dir(device.home().join("cache")).unwrap().map(|entry| entry.unwrap().path());
    files.find(|path| path.extension().is_some_and(|extension| extension == "cwasm")).unwrap()
}

#[test]
fn p31_code_that_was_tampered_with_is_made_anew_and_the_person_is_warned() {
    let server = Server::start();
    let device = Device::with_token(&server.url, &server.token());
    let warning = "warning: the compiled code of the provider `orkee-cloud`";
    let sync = || device.run(&["cloud", "sync"]).success().stderr;
    assert!(!sync().contains(warning), "nobody is warned of a first time");
    let file = compiled_file(&device);
    let mut content = fs::read(&file).unwrap();
    *content.last_mut().unwrap() ^= 1;
    fs::write(&file, content).unwrap();
    let said = sync();
    assert!(said.contains(warning) && said.contains("its content is not what was written"), "{said}");
    let said = sync();
    assert!(!said.contains(warning), "{said}");
}
