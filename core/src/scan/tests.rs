use std::fs;
use std::os::unix::fs::symlink;

use super::*;
use crate::project::Status;
use crate::store::Options;

/// A folder to be scanned, and a store that knows nothing.
struct Rig {
    folder: tempfile::TempDir,
    store: Store,
}

impl Rig {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            store: Options::default().device("laptop").in_memory().unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    /// A checkout with this remote; with none where it is empty.
    fn checkout(&self, name: &str, remote: &str) -> PathBuf {
        let path = self.path(name);
        let git = path.join(".git");
        fs::create_dir_all(&git).unwrap();
        fs::write(git.join("HEAD"), "ref: refs/heads/main\n").unwrap();
        let remote = if remote.is_empty() {
            String::new()
        } else {
            format!("[remote \"origin\"]\n\turl = {remote}\n")
        };
        fs::write(git.join("config"), remote).unwrap();
        path
    }

    /// A further worktree of the repository in `main`.
    fn worktree(&self, name: &str, main: &Path) -> PathBuf {
        let own = main.join(".git/worktrees").join(name);
        fs::create_dir_all(&own).unwrap();
        fs::write(own.join("HEAD"), "ref: refs/heads/topic\n").unwrap();
        fs::write(own.join("commondir"), "../..\n").unwrap();
        let path = self.path(name);
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join(".git"), format!("gitdir: {}\n", own.display())).unwrap();
        path
    }

    fn project(&mut self, name: &str, root: Option<&str>, remote: &str) -> ProjectId {
        let mut project = Project::new(ProjectId::random(), name);
        project.project_root = root.map(ToOwned::to_owned);
        project.git_repository = GitRepository::from_remote(remote);
        self.store.add(project).unwrap().id()
    }

    fn walk(&self) -> Walk {
        walk(self.folder.path(), DEPTH).unwrap()
    }

    fn plan(&self) -> Plan {
        plan(&self.store, &self.walk()).unwrap()
    }

    fn decision(&self, path: &Path) -> Decision {
        self.plan().entries.into_iter().find(|entry| entry.path == path).unwrap().decision
    }

    /// Does everything that is offered.
    fn carry_out(&mut self) -> Vec<Done> {
        let walk = self.walk();
        let all = walk.repositories.iter().map(|one| one.path.clone()).collect();
        carry_out(&mut self.store, &walk, &all).unwrap()
    }
}

fn names(walk: &Walk) -> Vec<String> {
    let name = |one: &Repository| one.path.strip_prefix(&walk.folder).unwrap().to_string_lossy().into_owned();
    walk.repositories.iter().map(name).collect()
}

#[test]
fn repositories_are_found_and_not_entered_and_links_hidden_and_heavy_folders_are_passed_over() {
    let rig = Rig::new();
    rig.checkout("a", "git@github.com:acme/a.git");
    rig.checkout("a/inside", "git@github.com:acme/inside.git");
    rig.checkout("group/sub/b", "");
    rig.checkout(".hidden/c", "");
    rig.checkout("node_modules/d", "");
    symlink(rig.path("group"), rig.path("linked")).unwrap();
    symlink(rig.path(""), rig.path("group/circle")).unwrap();
    assert_eq!(names(&rig.walk()), ["a", "group/sub/b"]);
    assert_eq!(names(&walk(&rig.path("a"), 0).unwrap()), [""], "the folder itself may be one");
}

#[test]
fn what_is_too_deep_is_counted_and_not_entered() {
    let rig = Rig::new();
    rig.checkout("1/2/b", "");
    let shallow = walk(rig.folder.path(), 2).unwrap();
    assert_eq!((names(&shallow).len(), shallow.deeper), (0, 1));
    let deep = walk(rig.folder.path(), 3).unwrap();
    assert_eq!((names(&deep), deep.deeper), (vec!["1/2/b".to_owned()], 0));
}

#[test]
fn bare_and_broken_repositories_are_told_apart_and_offered_to_nobody() {
    let mut rig = Rig::new();
    for part in ["objects", "refs"] {
        fs::create_dir_all(rig.path("mirror.git").join(part)).unwrap();
    }
    fs::write(rig.path("mirror.git/HEAD"), "ref: refs/heads/main\n").unwrap();
    fs::create_dir(rig.path("stale")).unwrap();
    fs::write(rig.path("stale/.git"), "gitdir: /nowhere/at/all\n").unwrap();
    let walk = rig.walk();
    assert_eq!((walk.bare, walk.broken), (vec![rig.path("mirror.git")], vec![rig.path("stale")]));
    assert_eq!(rig.carry_out(), []);
}

#[test]
fn a_folder_that_cannot_be_scanned_is_an_error_that_names_it() {
    let rig = Rig::new();
    fs::write(rig.path("file"), "").unwrap();
    for path in [rig.path("none"), rig.path("file")] {
        let error = walk(&path, DEPTH).unwrap_err();
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
        assert_eq!((error.kind(), error.code()), (Kind::Usage, "E-SCAN-001"));
    }
}

#[test]
fn a_folder_below_that_cannot_be_read_is_told_and_passed_over() {
    use rustix::fs::{CWD, Mode, OFlags, mkdirat, openat};
    let rig = Rig::new();
    rig.checkout("z", "");
    // Its path is longer than the system takes, for root as well: it can be made step by step alone.
    let name = "x".repeat(250);
    let open = |dir: &dyn std::os::fd::AsFd, name: &str| {
        openat(dir.as_fd(), name, OFlags::DIRECTORY | OFlags::RDONLY, Mode::empty()).unwrap()
    };
    let mut at = openat(CWD, rig.folder.path(), OFlags::DIRECTORY | OFlags::RDONLY, Mode::empty()).unwrap();
    for _ in 0..18 {
        mkdirat(&at, &*name, Mode::RWXU).unwrap();
        at = open(&at, &name);
    }
    let walk = walk(rig.folder.path(), 100).unwrap();
    assert_eq!((names(&walk), walk.unreadable.len()), (vec!["z".to_owned()], 1), "{:?}", walk.unreadable);
}

#[test]
fn a_new_repository_is_added_as_projects_add_does_and_a_second_scan_changes_nothing() {
    let mut rig = Rig::new();
    let shop = rig.checkout("shop", "https://joe:secret@github.com/acme/shop.git");
    rig.checkout("plain", "");
    let done = rig.carry_out();
    assert_eq!(
        done.iter().map(|one| (one.name.as_str(), one.is_new)).collect::<Vec<_>>(),
        [("plain", true), ("shop", true)]
    );
    let stored = rig.store.get(done[1].id).unwrap().project();
    assert_eq!(stored.project_root.as_deref(), shop.to_str());
    let git = stored.git_repository.unwrap();
    assert_eq!((git.url.as_str(), git.branch.as_deref()), ("https://github.com/acme/shop.git", Some("main")));
    assert_eq!(stored.status, Status::Planning);
    assert_eq!(rig.carry_out(), []);
    assert!(matches!(&rig.decision(&shop), Decision::Known(ids) if *ids == [done[1].id]));
    assert_eq!(rig.store.count().unwrap(), 2);
}

#[test]
fn a_project_without_a_folder_here_gets_the_checkout_of_its_remote_in_whatever_form() {
    let mut rig = Rig::new();
    let id = rig.project("Shop", Some("/home/another/shop"), "git@github.com:acme/shop.git");
    let other = rig.project("Fork", Some("/home/another/shop"), "git@github.com:me/shop.git");
    let path = rig.checkout("code/shop", "https://github.com/Acme/shop");
    assert_eq!(rig.decision(&path), Decision::Locate { id, name: "Shop".to_owned() });
    let done = rig.carry_out();
    assert_eq!((done[0].id, done[0].is_new), (id, false));
    let stored = rig.store.get(id).unwrap();
    assert_eq!((stored.root, stored.number), (Some(path.clone()), 1), "the folder is this device's alone");
    assert_eq!(rig.decision(&path), Decision::Known(vec![id]));
    assert_eq!(rig.store.get(other).unwrap().root, None);
    assert_eq!(rig.carry_out(), []);
}

#[test]
fn of_several_checkouts_of_one_remote_one_is_taken_and_the_others_are_told() {
    let mut rig = Rig::new();
    let remote = "git@github.com:acme/shop.git";
    let (b, c) = (rig.checkout("b", remote), rig.checkout("c", remote));
    let a = rig.worktree("a", &c);
    assert_eq!(rig.decision(&b), Decision::Add { name: "b".to_owned() });
    assert_eq!(rig.decision(&c), Decision::AnotherOf(b.clone()));
    assert_eq!(rig.decision(&a), Decision::AnotherOf(b.clone()), "a worktree comes last, whatever its name");
    let id = rig.carry_out()[0].id;
    assert_eq!(rig.store.count().unwrap(), 1);
    for further in [&a, &c] {
        assert_eq!(rig.decision(further), Decision::Another(vec![id]));
    }
    rig.store.locate(id, Some(&c)).unwrap();
    assert_eq!(rig.decision(&b), Decision::Another(vec![id]), "the author's folder is not this device's");
}

#[test]
fn a_worktree_without_a_remote_belongs_to_its_repository() {
    let mut rig = Rig::new();
    let main = rig.checkout("main", "");
    let tree = rig.worktree("a-tree", &main);
    assert_eq!(rig.decision(&tree), Decision::AnotherOf(main));
    let id = rig.carry_out()[0].id;
    assert_eq!(rig.decision(&tree), Decision::Another(vec![id]));
}

#[test]
fn projects_of_one_repository_are_told_with_their_ids_and_located_one_by_one() {
    let mut rig = Rig::new();
    let remote = "https://github.com/acme/shop";
    let here = rig.checkout("shop", remote);
    let one = rig.project("shop", here.to_str(), remote);
    let two = rig.project("Shop", Some("/home/another/shop"), "ssh://git@github.com/acme/shop.git");
    let plan = rig.plan();
    let mut ids: Vec<ProjectId> = plan.twins[0].projects.iter().map(|(id, _)| *id).collect();
    ids.sort();
    let mut wanted = [one, two];
    wanted.sort();
    assert_eq!((plan.twins[0].place.as_str(), &ids[..]), ("github.com/acme/shop", &wanted[..]));
    assert_eq!(rig.decision(&here), Decision::Known(vec![one]));
    assert_eq!(rig.carry_out(), []);
}

#[test]
fn what_another_process_did_since_the_plan_counts() {
    let mut rig = Rig::new();
    let path = rig.checkout("shop", "git@github.com:acme/shop.git");
    let walk = rig.walk();
    rig.project("shop", path.to_str(), "git@github.com:acme/shop.git");
    assert_eq!(carry_out(&mut rig.store, &walk, &HashSet::from([path])).unwrap(), []);
    assert_eq!(rig.store.count().unwrap(), 1);
}

#[test]
fn a_name_that_no_project_may_have_is_told_and_stops_nothing_else() {
    let mut rig = Rig::new();
    let odd = rig.checkout("new\nline", "");
    rig.checkout("fine", "");
    assert!(matches!(rig.decision(&odd), Decision::Refused(_)));
    assert_eq!(rig.carry_out().len(), 1);
}

#[test]
fn thousands_of_folders_are_looked_at_once_each() {
    let rig = Rig::new();
    for i in 0..40 {
        for j in 0..50 {
            fs::create_dir_all(rig.path(&format!("{i}/{j}"))).unwrap();
        }
    }
    assert_eq!(rig.walk().folders, 1 + 40 + 40 * 50);
}
