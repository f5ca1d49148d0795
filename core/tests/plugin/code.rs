//! P30 to P35: compiled code is kept, and believed only where this host wrote it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use orkee_core::plugin::{Code, Host};

use crate::guests;
use crate::rig::{Rig, found};
use crate::server::{Server, reply};

/// Names the home folder to the process that has no room on its disk.
const FULL_DISK: &str = "ORKEE_TEST_FULL_DISK";

/// Names the home folder to the processes that compile at once.
const SHARED_CACHE: &str = "ORKEE_TEST_SHARED_CACHE";

/// Loads the plain provider with a cache in `folder`.
fn load(folder: &Path) -> Code {
    load_bytes(guests::plain(), folder)
}

fn load_bytes(component: &[u8], folder: &Path) -> Code {
    let host = Host::new(Some(folder.to_owned())).unwrap();
    host.load("plain", component, 32 << 20).unwrap().code().clone()
}

fn compiled_file(folder: &Path) -> PathBuf {
    let mut files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.find(|path| path.extension().is_some_and(|e| e == "cwasm")).unwrap()
}

#[test]
fn p30_the_second_load_finds_what_the_first_compiled() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("cache");
    assert_eq!(load(&folder), Code::Compiled);
    assert_eq!(load(&folder), Code::Cached);
}

#[tokio::test]
async fn p30_cached_code_runs() {
    let home = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let rig = Rig { host: Host::new(Some(home.path().join("cache"))).unwrap(), ..Rig::offline() };
        assert_eq!(found(&rig.open(guests::plain(), &[]).await.unwrap()).await.unwrap(), "end");
    }
}

#[test]
fn p31_a_file_that_was_tampered_with_is_made_anew_with_a_warning() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("cache");
    load(&folder);
    let file = compiled_file(&folder);
    let whole = fs::read(&file).unwrap();
    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 1;
    for damaged in [flipped, whole[..whole.len() / 2].to_vec(), Vec::new(), b"\x7fELF not mine".to_vec()] {
        fs::write(&file, damaged).unwrap();
        assert!(matches!(load(&folder), Code::Recompiled(_)));
        assert_eq!(load(&folder), Code::Cached);
    }
    fs::set_permissions(&file, fs::Permissions::from_mode(0o622)).unwrap();
    assert!(matches!(load(&folder), Code::Recompiled(_)));
    assert_eq!(load(&folder), Code::Cached);
}

#[test]
fn p32_hosts_that_compile_at_once_all_succeed() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("cache");
    guests::plain();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| load(&folder));
        }
    });
    assert_eq!(load(&folder), Code::Cached);
}

/// Runs itself in several processes at once, which begin with nothing in the cache.
#[test]
fn p32_processes_that_compile_at_once_all_succeed() {
    if let Some(home) = std::env::var_os(SHARED_CACHE) {
        return compiles_beside_others(Path::new(&home));
    }
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("plain.wasm"), guests::plain()).unwrap();
    let start = || {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "code::p32_processes_that_compile_at_once_all_succeed", "--nocapture"])
            .env(SHARED_CACHE, home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let processes: Vec<_> = (0..3).map(|_| start()).collect();
    for process in processes {
        let output = process.wait_with_output().unwrap();
        let said =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.contains("1 passed"), "{said}");
    }
    let folder = home.path().join("cache");
    assert_eq!(load(&folder), Code::Cached, "what they left can be used");
    let left = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut left: Vec<String> = left.map(|name| name.rsplit('.').next().unwrap().to_owned()).collect();
    left.sort();
    assert_eq!(left, ["cwasm", "key"], "nothing half-written is left");
}

/// One of the processes: it waits for the others, and then compiles.
fn compiles_beside_others(home: &Path) {
    let component = fs::read(home.join("plain.wasm")).unwrap();
    fs::write(home.join(format!("{}.ready", std::process::id())), b"").unwrap();
    let ready = || {
        let files =
            fs::read_dir(home).unwrap().filter_map(|entry| entry.unwrap().file_name().into_string().ok());
        files.filter(|name| name.ends_with(".ready")).count()
    };
    while ready() < 3 {
        std::thread::yield_now();
    }
    let code = load_bytes(&component, &home.join("cache"));
    assert!(matches!(code, Code::Compiled | Code::Cached), "{code:?}");
}

#[test]
fn p33_without_a_place_for_the_cache_it_works_all_the_same() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("a file");
    fs::write(&file, b"").unwrap();
    // A folder cannot be made below a file, whoever asks; nor below what the kernel keeps.
    for folder in [file.join("cache"), PathBuf::from("/proc/cache")] {
        assert_eq!(load(&folder), Code::Compiled);
        assert_eq!(load(&folder), Code::Compiled);
    }
    let host = Host::new(None).unwrap();
    assert_eq!(host.load("plain", guests::plain(), 32 << 20).unwrap().code(), &Code::Compiled);
}

/// Runs itself once more in a process whose files may have 512 bytes: a disk on which the key has room and the code has not.
#[test]
fn p33_on_a_full_disk_it_works_all_the_same_and_leaves_nothing_half_written() {
    let home = match std::env::var_os(FULL_DISK) {
        Some(home) => return loads_on_a_full_disk(Path::new(&home)),
        None => tempfile::tempdir().unwrap(),
    };
    fs::write(home.path().join("plain.wasm"), guests::plain()).unwrap();
    let own_name = "code::p33_on_a_full_disk_it_works_all_the_same_and_leaves_nothing_half_written";
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 1; exec \"$@\"", "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", own_name, "--nocapture"])
        .env(FULL_DISK, home.path())
        .output()
        .unwrap();
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

fn loads_on_a_full_disk(home: &Path) {
    let component = fs::read(home.join("plain.wasm")).unwrap();
    let folder = home.join("cache");
    for _ in 0..2 {
        assert_eq!(load_bytes(&component, &folder), Code::Compiled);
    }
    let left: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["key"]);
}

#[tokio::test]
async fn p35_loading_makes_no_request() {
    let server = Server::start(|_| reply(200, &[], b"")).await;
    let rig = Rig::new(&server.url);
    for component in [guests::plain(), guests::rogue(), guests::orkee_cloud()] {
        rig.open(component, &[]).await.unwrap();
    }
    assert_eq!(server.connections(), 0);
    assert_eq!(rig.http.traffic().round_trips, 0);
}
