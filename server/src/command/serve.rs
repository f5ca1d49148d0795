//! `serve`: the address rules, the log, the signals, the housekeeping.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use jiff::{SignedDuration, Timestamp};
use orkee_components::DISPATCHERS;
use orkee_core::event::Access;
use orkee_core::plugin::DispatcherLibrary;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use url::{Host, Url};

use super::{CommandError, Data, print};
use crate::api;
use crate::dpop::Binding;
use crate::http::App;
use crate::http::app::Settings;
use crate::http::waits::Waits;
use crate::serve;
use crate::storage::sqlite::Sqlite;
use crate::storage::{Audit, Deed, Records, Storage, Webhooks, Witness};
use crate::tenant::Issuers;
use crate::webhooks::{self, Hooks, Options, Sender};

/// How often it is looked for secrets and webhooks whose time is over.
const WEBHOOKS: Duration = Duration::from_secs(60);
/// How often what has expired is forgotten.
const HOUSEKEEPING: Duration = Duration::from_secs(3600);

#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    data: Data,
    /// Where to listen; port 0 takes a free one. Anything but loopback needs --public-url.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8787")]
    listen: SocketAddr,
    /// The https address by which clients reach this server through a proxy that speaks TLS.
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Let anybody create an account on the sign-in page.
    #[arg(long)]
    open_registration: bool,
    /// Requests that one account may make in a minute.
    #[arg(long, value_name = "N", default_value = "1200")]
    rate_limit: NonZeroU32,
    /// Forget which projects were deleted after this many days; a device that stays away for longer lists everything anew.
    #[arg(long, value_name = "DAYS", default_value_t = 365)]
    prune_after: u16,
    /// Keep a row of the audit trail for this many days.
    #[arg(long, value_name = "DAYS", default_value_t = 365, value_parser = clap::value_parser!(u16).range(1..))]
    audit_days: u16,
    /// How long an access token is good, in seconds; clients refresh it by themselves.
    #[arg(long, value_name = "SECONDS", default_value_t = 3600, value_parser = clap::value_parser!(u32).range(1..))]
    access_lifetime: u32,
    /// Bind sign-ins to a key of the device (DPoP, RFC 9449), so that a stolen token is of no use: those of clients that can,
    /// or all. API tokens stay bearer tokens.
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Binding::Off)]
    dpop: Binding,
    /// How long a person may take to type the code of a device, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..=1800))]
    device_code_lifetime: u32,
    /// The largest backup that is taken, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..))]
    backup_limit: u32,
    #[command(flatten)]
    webhooks: Options,
}

impl Serve {
    pub(super) fn run(self) -> Result<(), CommandError> {
        start_log();
        let public_url = self.public_url.as_deref().map(public_url).transpose()?;
        if !self.listen.ip().is_loopback() && public_url.is_none() {
            return Err(CommandError::usage(
                format!("{} is not a loopback address, and this server speaks plain http", self.listen),
                "passwords and tokens would cross the network in the clear: put a proxy with TLS in front, and name its \
                 address with --public-url https://…",
            ));
        }
        let storage = Arc::new(Sqlite::open(&self.data.folder)?);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(CommandError::io("the runtime cannot start"))?;
        runtime.block_on(self.serve(storage, public_url))
    }

    async fn serve(self, storage: Arc<Sqlite>, public_url: Option<String>) -> Result<(), CommandError> {
        let listener = TcpListener::bind(self.listen)
            .await
            .map_err(CommandError::io(format!("cannot listen at {}", self.listen)))?;
        let address = listener.local_addr().map_err(CommandError::io("the listener has no address"))?;
        let stop = stop_signal()?;
        let local = format!("http://{address}");
        let settings = Settings {
            behind_proxy: public_url.as_deref().is_some_and(|url| url.starts_with("https://")),
            public_url: public_url.unwrap_or_else(|| local.clone()),
            rate_limit: self.rate_limit.get(),
            open_registration: self.open_registration,
            access_lifetime: SignedDuration::from_secs(self.access_lifetime.into()),
            binding: self.dpop,
            device_lifetime: SignedDuration::from_secs(self.device_code_lifetime.into()),
            backup_limit: u64::from(self.backup_limit) << 20,
        };
        print(&json!({ "url": local, "public_url": settings.public_url }).to_string())?;
        tracing::info!(%address, public_url = settings.public_url, "serving");
        let (attempted, attempts) = watch::channel(0);
        let (access, library) = self.webhooks(&storage)?;
        let hooks = Hooks::new(access, library.names(), attempts);
        let sender = Sender::start(Arc::clone(&storage), library, attempted)
            .map_err(CommandError::io("webhooks cannot be sent"))?;
        let stopping = watch::channel(false);
        let waits = Waits::new(stopping.1.clone());
        let app = Arc::new(App::new(settings, Arc::clone(&storage) as _, Issuers::new()?, hooks, waits));
        let keeper = keep_house(Arc::clone(&storage), self.prune_after, self.audit_days);
        let keepers = [tokio::spawn(keeper), tokio::spawn(keep_webhooks(Arc::clone(&app), storage))];
        let sending = async {
            // Both may take the grace at the same time.
            let _ = stopping.1.clone().wait_for(|stopping| *stopping).await;
            sender.stop(serve::STOP).await;
        };
        let stop = async {
            stop.await;
            stopping.0.send_replace(true);
        };
        tokio::join!(serve::serve(listener, api::router(app), stop), sending);
        keepers.iter().for_each(JoinHandle::abort);
        tracing::info!("stopped");
        Ok(())
    }
}

impl Serve {
    /// How webhooks may be reached, which holds for those that there are, too, and who delivers them.
    fn webhooks(&self, storage: &Sqlite) -> Result<(Access, Arc<DispatcherLibrary>), CommandError> {
        let access = self.webhooks.access()?;
        storage.set_access(&access)?;
        if let Some(allowed) = self.webhooks.told() {
            let deed = Deed { action: "allow-webhook-targets".to_owned(), subject: None, outcome: allowed };
            storage.note(&Witness::default(), &deed, Timestamp::now())?;
        }
        let (cache, state) = (self.data.folder.join("cache"), self.data.folder.join("dispatchers"));
        let courier = self.webhooks.courier()?;
        Ok((access, Arc::new(DispatcherLibrary::new(DISPATCHERS, courier, Some(cache), state))))
    }
}

/// `https://host[:port]`, without a slash at its end. Plain http would send tokens over the network in the clear, and so is
/// taken for an address of this machine alone, where a relay may stand between.
fn public_url(text: &str) -> Result<String, CommandError> {
    let bare = |url: &Url| {
        url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty()
    };
    let is_private = |url: &Url| match (url.scheme(), url.host()) {
        ("https", _) => true,
        ("http", Some(Host::Ipv4(ip))) => ip.is_loopback(),
        ("http", Some(Host::Ipv6(ip))) => ip.is_loopback(),
        _ => false,
    };
    match Url::parse(text) {
        Ok(url) if is_private(&url) && bare(&url) => Ok(url.as_str().trim_end_matches('/').to_owned()),
        _ => Err(CommandError::usage(
            format!("--public-url {text} is not an https address without a path"),
            "it is what clients type, such as https://orkee.example.com",
        )),
    }
}

/// Resolves at SIGTERM or SIGINT.
fn stop_signal() -> Result<impl Future<Output = ()>, CommandError> {
    let doing = "signals cannot be received";
    let mut term = signal(SignalKind::terminate()).map_err(CommandError::io(doing))?;
    let mut int = signal(SignalKind::interrupt()).map_err(CommandError::io(doing))?;
    Ok(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
    })
}

/// Wipes secrets whose time is over, and takes webhooks away that nobody pulls from any more.
async fn keep_webhooks(app: Arc<App>, storage: Arc<Sqlite>) {
    let mut ticks = tokio::time::interval(WEBHOOKS);
    loop {
        ticks.tick().await;
        let (app, storage) = (Arc::clone(&app), Arc::clone(&storage));
        let kept = tokio::task::spawn_blocking(move || {
            webhooks::keep(storage.as_ref(), &app.webhooks.pulls, Timestamp::now(), Instant::now())
        });
        if let Ok(Err(error)) = kept.await {
            tracing::error!(%error, "webhooks cannot be kept in order");
        }
    }
}

/// Forgets, now and then, what has expired, and tombstones and rows of the audit trail beyond their time.
async fn keep_house(storage: Arc<Sqlite>, prune_after: u16, audit_days: u16) {
    let mut ticks = tokio::time::interval(HOUSEKEEPING);
    loop {
        ticks.tick().await;
        let storage = Arc::clone(&storage);
        let kept = tokio::task::spawn_blocking(move || {
            let now = Timestamp::now();
            let ago = |days: u16| now - SignedDuration::from_hours(24 * i64::from(days));
            storage.sweep(now)?;
            storage.forget_audit(ago(audit_days))?;
            storage.forget_deliveries(now)?;
            storage.prune(ago(prune_after))
        });
        match kept.await {
            Ok(Ok(0)) => {}
            Ok(Ok(pruned)) => tracing::info!(pruned, "dropped old tombstones"),
            Ok(Err(error)) => tracing::error!(%error, "housekeeping failed"),
            Err(error) => tracing::error!(%error, "housekeeping failed"),
        }
    }
}

fn start_log() {
    use tracing_subscriber::EnvFilter;
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("orkee_server=info,warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false).init();
}
