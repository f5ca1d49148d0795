//! Two devices of one account.

use crate::device::Device;
use crate::server::Server;

/// A server, and two devices of one account. The first has synced, and the second need not compile the provider itself.
pub fn pair() -> (Server, Device, Device) {
    let server = Server::tireless();
    let token = server.token();
    let a = Device::with_token(&server.url, &token);
    a.sync();
    let b = Device::with_token(&server.url, &token).warmed_by(&a);
    (server, a, b)
}
