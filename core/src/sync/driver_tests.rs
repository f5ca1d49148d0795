//! The driver over a backend in memory whose answers come late and out of order.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use rand::SeedableRng;
use rand::rngs::SmallRng;

use super::simulation::backend::Backend;
use super::*;
use crate::project::Project;
use crate::store::{Options as StoreOptions, Store};
use provider::{Answer, Failure, Limits, Provider, ProviderError, Request};

struct Slow {
    backend: Mutex<(Backend, SmallRng)>,
    under_way: AtomicUsize,
    most: AtomicUsize,
    requests: AtomicUsize,
    fails_from: usize,
}

impl Slow {
    fn new() -> Self {
        Self {
            backend: Mutex::new((Backend::default(), SmallRng::seed_from_u64(1))),
            under_way: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            requests: AtomicUsize::new(0),
            fails_from: usize::MAX,
        }
    }
}

impl Provider for Slow {
    fn limits(&self) -> Limits {
        Limits { max_mutations: 5, max_bytes: 1 << 20, max_record_bytes: 1 << 20, max_page: 7 }
    }

    async fn exchange(&self, request: Request) -> Result<Answer, ProviderError> {
        let number = self.requests.fetch_add(1, Ordering::SeqCst);
        self.most.fetch_max(self.under_way.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        let answer = {
            let (backend, rng) = &mut *self.backend.lock().unwrap();
            backend.exchange(&request, rng)
        };
        // Later requests are answered sooner.
        for _ in 0..(7 - number % 7) {
            tokio::task::yield_now().await;
        }
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        if number >= self.fails_from {
            Err(ProviderError::new(Failure::Unreachable, "gone"))
        } else {
            Ok(answer)
        }
    }
}

fn store_of(count: usize) -> Store {
    let mut store = StoreOptions::default().device("laptop").in_memory().unwrap();
    for n in 0..count {
        store.add(Project::new(format!("id{n:06}").parse().unwrap(), format!("Project {n}"))).unwrap();
    }
    store
}

#[tokio::test]
async fn several_pushes_are_under_way_at_once_and_every_change_is_told_once() {
    let (cloud, mut a, mut b) = (Slow::new(), store_of(60), store_of(0));
    let mut told = Vec::new();
    let summary = sync(&mut a, &cloud, "me", Options::default(), |events| told.extend_from_slice(events))
        .await
        .unwrap();
    assert_eq!((summary.pushed, told.len()), (60, 60));
    assert_eq!(cloud.requests.load(Ordering::SeqCst), 13, "a look at what is there, and twelve pushes");
    assert_eq!(cloud.most.load(Ordering::SeqCst), 2);
    let summary = sync(&mut b, &cloud, "me", Options::default(), |_| {}).await.unwrap();
    assert_eq!(summary.pulled, 60);
    let before = cloud.requests.load(Ordering::SeqCst);
    sync(&mut a, &cloud, "me", Options::default(), |_| {}).await.unwrap();
    assert_eq!(cloud.requests.load(Ordering::SeqCst), before + 1, "nothing of its own is listed");
    assert_eq!(a.live_payloads().unwrap(), b.live_payloads().unwrap());
}

#[tokio::test]
async fn a_sync_that_fails_half_way_is_finished_by_the_next_one() {
    let (mut cloud, mut a) = (Slow::new(), store_of(60));
    cloud.fails_from = 4;
    let error = sync(&mut a, &cloud, "me", Options::default(), |_| {}).await.unwrap_err();
    assert!(matches!(error, SyncError::Provider(ProviderError { failure: Failure::Unreachable, .. })));
    cloud.fails_from = usize::MAX;
    let summary = sync(&mut a, &cloud, "me", Options::default(), |_| {}).await.unwrap();
    assert_eq!((summary.conflicts, summary.merged), (0, 0));
    assert!(!a.has_waiting().unwrap());
    assert_eq!(cloud.backend.lock().unwrap().0.len(), 60);
}

#[tokio::test]
async fn a_sync_that_is_dropped_leaves_nothing_half_done() {
    let (cloud, mut a) = (Slow::new(), store_of(60));
    for polls in 1..20 {
        let mut running = Box::pin(sync(&mut a, &cloud, "me", Options::default(), |_| {}));
        for _ in 0..polls {
            if futures_util::future::poll_immediate(&mut running).await.is_some() {
                break;
            }
        }
    }
    sync(&mut a, &cloud, "me", Options::default(), |_| {}).await.unwrap();
    assert_eq!(cloud.backend.lock().unwrap().0.live(), a.live_payloads().unwrap());
    assert!(a.conflicts(None).unwrap().is_empty());
}
