//! Where a project's code lives, and how a remote's URL says so.

use serde::{Deserialize, Serialize};

/// A repository on a forge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitRepository {
    /// The account or group; `a/b` for nested groups.
    pub owner: String,
    /// The repository, without `.git`.
    pub repo: String,
    /// The remote's URL, without user name or password.
    pub url: String,
    /// The branch that was checked out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
}

impl GitRepository {
    /// Reads a remote's URL: `https://host/owner/repo.git`, `ssh://git@host/owner/repo`, `git@host:owner/repo.git`.
    /// None where it names no owner and repository, as a path on this machine does. Secrets in the URL are dropped.
    pub fn from_remote(remote: &str) -> Option<Self> {
        let remote = remote.trim();
        if remote.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return None;
        }
        let (url, path) = match remote.split_once("://") {
            Some((scheme, rest)) => from_url(scheme, rest)?,
            None => from_scp(remote)?,
        };
        let path = path.trim_matches('/');
        let path = path.strip_suffix(".git").unwrap_or(path);
        let (owner, repo) = path.rsplit_once('/')?;
        let valid = !owner.is_empty()
            && !repo.is_empty()
            && !path.split('/').any(|part| matches!(part, "" | "." | ".."));
        valid.then(|| Self { owner: owner.to_owned(), repo: repo.to_owned(), url, branch: None })
    }

    /// `host/owner/repo`, the same for every form of a repository's URL. Scheme, user and port say how it is reached; forges take a
    /// path in any case of its letters, and some answer ssh at a host of its own. None where the URL names no host.
    pub fn place(&self) -> Option<String> {
        let host = match self.url.split_once("://") {
            Some((_, rest)) => rest.split('/').next()?,
            None => self.url.split_once(':')?.0,
        };
        let host = host.rsplit_once('@').map_or(host, |(_, host)| host).to_lowercase();
        let host = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
            _ => &host,
        };
        let host =
            ["www.", "ssh.", "altssh."].iter().find_map(|prefix| host.strip_prefix(prefix)).unwrap_or(host);
        let path = format!("{}/{}", self.owner.trim_matches('/'), self.repo.trim_end_matches(".git"));
        (!host.is_empty()).then(|| format!("{host}/{}", path.to_lowercase()))
    }
}

/// `scheme://[user[:password]@]host[:port]/path[?query][#fragment]`
fn from_url(scheme: &str, rest: &str) -> Option<(String, String)> {
    let scheme = scheme.to_ascii_lowercase();
    if !matches!(scheme.as_str(), "https" | "http" | "ssh" | "git" | "git+ssh") {
        return None;
    }
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (authority, path) = rest.split_once('/')?;
    let (user, host) =
        authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
    if host.is_empty() || host.starts_with(':') {
        return None;
    }
    // Over ssh the user is part of the address; over https it is somebody's name or token.
    let user = user.and_then(|u| u.split(':').next()).filter(|u| scheme.contains("ssh") && !u.is_empty());
    let user = user.map(|u| format!("{u}@")).unwrap_or_default();
    Some((format!("{scheme}://{user}{host}/{path}"), path.to_owned()))
}

/// `[user@]host:path`, where the host is not one letter (a drive) and has no slash before the colon (a path).
fn from_scp(remote: &str) -> Option<(String, String)> {
    let (address, path) = remote.split_once(':')?;
    let host = address.rsplit_once('@').map_or(address, |(_, host)| host);
    let is_host = host.len() > 1 && !address.contains(['/', '\\']) && !path.starts_with('\\');
    is_host.then(|| (remote.to_owned(), path.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(remote: &str) -> Option<(String, String, String)> {
        GitRepository::from_remote(remote).map(|r| (r.owner, r.repo, r.url))
    }

    #[test]
    fn every_common_form_of_a_remote_names_owner_and_repository() {
        for (remote, owner, repo) in [
            ("https://github.com/acme/site.git", "acme", "site"),
            ("https://github.com/acme/site", "acme", "site"),
            ("https://github.com/acme/site/", "acme", "site"),
            ("git@github.com:acme/site.git", "acme", "site"),
            ("ssh://git@github.com:22/acme/site.git", "acme", "site"),
            ("https://gitlab.com/group/sub/site.git", "group/sub", "site"),
            ("work:acme/site.git", "acme", "site"),
            ("git://host/acme/site.git.git", "acme", "site.git"),
        ] {
            let (found_owner, found_repo, _) = parsed(remote).unwrap_or_else(|| panic!("{remote}"));
            assert_eq!((found_owner.as_str(), found_repo.as_str()), (owner, repo), "{remote}");
        }
    }

    #[test]
    fn every_form_of_one_repositorys_remote_is_one_place_and_others_are_others() {
        let place = |remote| GitRepository::from_remote(remote).unwrap().place().unwrap();
        for remote in [
            "https://github.com/acme/site.git",
            "https://joe:secret@GitHub.com/Acme/Site/",
            "http://www.github.com:80/acme/site",
            "git@github.com:acme/site.git",
            "github.com:/acme/site",
            "ssh://git@github.com:22/acme/site.git",
            "ssh://git@ssh.github.com:443/acme/site.git",
            "git://github.com/acme/site",
        ] {
            assert_eq!(place(remote), "github.com/acme/site", "{remote}");
        }
        assert_eq!(place("git@gitlab.com:group/sub/site.git"), "gitlab.com/group/sub/site");
        for other in ["https://gitlab.com/acme/site", "git@github.com:acme/site2", "git@github.com:me/site"] {
            assert_ne!(place(other), "github.com/acme/site", "{other}");
        }
    }

    #[test]
    fn a_password_in_a_remote_is_dropped() {
        let (_, _, url) = parsed("https://joe:ghp_secret@github.com/acme/site.git?token=x").unwrap();
        assert_eq!(url, "https://github.com/acme/site.git");
        let (_, _, url) = parsed("ssh://git:secret@host/acme/site.git").unwrap();
        assert_eq!(url, "ssh://git@host/acme/site.git");
    }

    #[test]
    fn what_names_no_repository_is_none() {
        for remote in [
            "",
            "/srv/git/site.git",
            "../site",
            "C:\\code\\site",
            "C:/code/site",
            "file:///srv/a/b",
            "https://host",
            "host:site",
            "https://host/../a",
        ] {
            assert_eq!(parsed(remote), None, "{remote}");
        }
    }
}
