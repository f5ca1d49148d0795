//! Whether the folders of projects are on this device: looked at on a thread of its own, since a folder on a network that is away can keep
//! whoever looks waiting for minutes.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use orkee_core::project::ProjectId;
use orkee_core::store::Store;

/// Projects that were asked about since the list was read, and who is asked.
pub(super) struct Folders {
    questions: Sender<(ProjectId, PathBuf)>,
    answers: Receiver<(ProjectId, bool)>,
    asked: HashSet<ProjectId>,
}

impl Folders {
    pub(super) fn new() -> Self {
        let (questions, asked) = mpsc::channel::<(ProjectId, PathBuf)>();
        let (answer, answers) = mpsc::channel();
        thread::spawn(move || {
            for (id, folder) in asked {
                if answer.send((id, folder.is_dir())).is_err() {
                    break;
                }
            }
        });
        Self { questions, answers, asked: HashSet::new() }
    }

    /// What is stored may be another folder now.
    pub(super) fn forget(&mut self) {
        self.asked.clear();
    }

    /// Asks about those of these projects that were not asked about yet.
    pub(super) fn ask(&mut self, store: &Store, projects: impl Iterator<Item = ProjectId>) {
        for id in projects {
            if self.asked.insert(id)
                && let Ok(stored) = store.get(id)
                && let Some(folder) = stored.folder()
            {
                let _ = self.questions.send((id, folder));
            }
        }
    }

    /// Takes over the answers that have come; whether one was new.
    pub(super) fn answers(&self, missing: &mut HashSet<ProjectId>) -> bool {
        self.answers.try_iter().fold(false, |news, (id, is_there)| {
            let changed = if is_there { missing.remove(&id) } else { missing.insert(id) };
            news || changed
        })
    }
}
