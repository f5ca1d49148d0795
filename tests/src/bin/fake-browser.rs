//! A program for `$BROWSER`: signs in as `FAKE_BROWSER_EMAIL` with `FAKE_BROWSER_PASSWORD` and approves. With
//! `FAKE_BROWSER_RECORD`, it only writes what it was started with to that file, as JSON, and a test goes on from there.

use std::error::Error;

use orkee_tests::browser::{Browser, Person};
use url::Url;

fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).ok_or("no address was given")?;
    if let Some(record) = std::env::var_os("FAKE_BROWSER_RECORD") {
        let environment: std::collections::BTreeMap<String, String> = std::env::vars().collect();
        let text = serde_json::json!({"url": address, "environment": environment}).to_string();
        let fresh = std::path::Path::new(&record).with_extension("new");
        std::fs::write(&fresh, text)?;
        std::fs::rename(&fresh, &record)?;
        return Ok(());
    }
    let person = Person::new(&std::env::var("FAKE_BROWSER_EMAIL")?, &std::env::var("FAKE_BROWSER_PASSWORD")?);
    let page = Browser::default().sign_in(&Url::parse(&address)?, &person)?;
    if page.reply.status >= 400 {
        return Err(format!("{} answered {}: {}", page.url, page.reply.status, page.reply.text()).into());
    }
    Ok(())
}
