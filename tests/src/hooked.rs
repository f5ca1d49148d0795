//! A device with webhooks of its own, as the commands about webhooks make it, and what a receiver makes of a request.

use base64::prelude::{BASE64_STANDARD as STANDARD, Engine};
use ring::hmac;
use serde_json::Value;

use crate::device::Device;
use crate::folder;
use crate::receiver::Received;

/// Nobody listens there.
pub const NOWHERE: &str = "http://127.0.0.1:59";

/// A device that is signed in nowhere, and sends only when it is told to.
pub fn device() -> Device {
    let device = Device::new(NOWHERE);
    folder::private_folder(&device.home());
    std::fs::write(device.home().join("config.toml"), "[webhook]\ndrain = false\n").unwrap();
    device
}

/// Adds a webhook of this device that is reached by http on this machine; what `add` said of it.
#[track_caller]
pub fn add(device: &Device, url: &str, more: &[&str]) -> Value {
    let args = ["cloud", "webhook", "add", url, "--local", "--allow-insecure-loopback"];
    device.json(&[&args, more].concat())["webhook"].take()
}

/// Its id.
pub fn id(webhook: &Value) -> String {
    webhook["id"].as_str().unwrap().to_owned()
}

/// Sends what is due, now.
#[track_caller]
pub fn drain(device: &Device) {
    device.run(&["cloud", "webhook", "drain"]).success();
}

/// The deliveries of this device, the newest first.
#[track_caller]
pub fn deliveries(device: &Device, more: &[&str]) -> Vec<Value> {
    let args = ["cloud", "webhook", "deliveries", "--local"];
    device.json(&[&args, more].concat())["deliveries"].as_array().unwrap().clone()
}

/// What was logged so far; nothing, where nothing was.
pub fn log(device: &Device) -> Vec<u8> {
    std::fs::read(device.home().join("logs/orkee.log")).unwrap_or_default()
}

/// The signature that a receiver expects who has this secret.
pub fn signature(secret: &str, request: &Received) -> String {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let (id, at) = (request.header("webhook-id").unwrap(), request.header("webhook-timestamp").unwrap());
    let signed = [format!("{id}.{at}.").as_bytes(), &request.body].concat();
    format!("v1,{}", STANDARD.encode(hmac::sign(&key, &signed)))
}

/// The signatures of a request.
pub fn signatures(request: &Received) -> Vec<String> {
    request.header("webhook-signature").unwrap().split(' ').map(str::to_owned).collect()
}
