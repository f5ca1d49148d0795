//! What is common to all commands, by the word it is asked for.

/// A topic's word and its text.
pub(crate) const TOPICS: [(&str, &str); 4] =
    [("auth", AUTH), ("env", ENV), ("exit-codes", EXIT_CODES), ("json", JSON)];

pub(crate) const EXIT_CODES: &str = "\
How a command ended, for scripts:

    0  done
    1  failed
    2  wrong use, settings or input; or an answer is needed and nobody can be asked
    3  done in part: something was set aside (parked)
    4  signing in is needed, or was refused
    5  a conflict stands after a sync, or a sync stopped at a question
    6  the network or the server failed
    7  a deadline passed, or somebody else holds a lock
  130  interrupted

A reader that goes away, as in `orkee projects list | head -1`, is no failure.";

const JSON: &str = "\
With --json every command prints one JSON object on standard output, and nothing else there.
Notes, warnings and questions go to standard error. The object has `schema_version` (1): within a
version keys are added, never renamed or removed.

An error is an object too, and the exit code is the same as without --json:

  {\"schema_version\":1,\"error\":{\"code\":\"E-…\",\"message\":\"…\",\"causes\":[],\"hint\":\"…\",
   \"request_id\":null}}

Projects are written as `orkee projects export` writes them: camelCase, unknown fields included.";

pub(crate) const ENV: &str = "\
A flag goes before the environment, that before .env in the home folder, that before config.toml
there, that before the default. An empty variable counts as not set.

  ORKEE_HOME                  where everything is kept; default ~/.orkee
  VISUAL, EDITOR              what `orkee projects edit` opens
  NO_COLOR, CLICOLOR_FORCE    never, always use colour; so too --color
  ORKEE_PAGER, PAGER          what shows long output on a terminal; default less -FRX. cat: none
  COMPLETE                    set by the scripts of `orkee completions`
  ORKEE_HISTORY_VERSIONS      older versions of a project that are kept (history.versions); 100
  ORKEE_HISTORY_DAYS          for how many days (history.days); 365. 0: no limit
  RUST_LOG                    what to log on standard error, such as orkee::cloud=debug

With cloud support, and the key in config.toml:

  ORKEE_CLOUD_API_URL         cloud.api_url         the address; default https://api.orkee.ai
  ORKEE_CLOUD_TENANT          cloud.tenant          whose projects are meant; default your own
  ORKEE_AUTH_STORE            auth.store            file or keyring: where sign-ins are kept; file
  ORKEE_CLOUD_TOKEN                                 a token that stands for a sign-in
  ORKEE_CLOUD_TOKEN_FILE                            a file that holds such a token
  ORKEE_CLOUD_SSO_PROVIDER    cloud.sso_provider    the identity provider of `login --sso`
  ORKEE_CLOUD_TEAM_MODE       cloud.team_mode       true or false
  ORKEE_CLOUD_AUTO_SYNC       cloud.auto_sync       true or false
  ORKEE_CLOUD_SYNC_INTERVAL   cloud.sync_interval   seconds between two automatic syncs; 300
  ORKEE_CLOUD_SYNC_ON_CREATE  cloud.sync_on_create  true: sync at once; so too for a project
  ORKEE_CLOUD_SYNC_ON_UPDATE  cloud.sync_on_update  that is changed,
  ORKEE_CLOUD_SYNC_ON_DELETE  cloud.sync_on_delete  or deleted
  ORKEE_LOCK_FIELDS           lock.fields           fields that `key lock` seals; all that can be
  ORKEE_WEBHOOK_PROXY         webhook.proxy         the proxy that webhooks go out through
  ORKEE_WEBHOOK_DRAIN         webhook.drain         off: nothing is sent in the background; on
  ORKEE_PROVIDER_LOGIN                              a login for the backend of `provider test`
  HTTPS_PROXY, NO_PROXY                             how to reach the network
  BROWSER                                           what `orkee cloud login` opens

A .env in the current folder, which may have come with a repository, decides automatic sync alone
(AUTO_SYNC, SYNC_INTERVAL, SYNC_ON_…); what else it sets is left aside.";

const AUTH: &str = "\
  orkee cloud login                  in your browser, which comes back to a port on this machine
  orkee cloud login --no-browser     prints the address instead of opening it
  orkee cloud login --with-token     reads an API token from standard input
  ORKEE_CLOUD_TOKEN=… orkee cloud …  for one command; nothing is stored

Tokens are kept in auth.toml of the home folder, readable by you alone, and refreshed before they
expire. `orkee cloud status` shows who is signed in; `orkee cloud logout` revokes the tokens and
removes them.";

/// The exit codes and what they mean, for scripts: the lines of [`EXIT_CODES`] that begin with a number.
pub(super) fn exit_codes() -> impl Iterator<Item = (u8, &'static str)> {
    EXIT_CODES.lines().filter_map(|line| {
        let (code, meaning) = line.trim_start().split_once("  ")?;
        Some((code.parse().ok()?, meaning.trim()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_topic_names_every_setting() {
        for key in orkee_core::settings::Key::ALL {
            assert!(ENV.contains(key.variable()), "{key:?}");
        }
    }

    #[test]
    fn the_table_of_exit_codes_has_each_that_a_failure_leads_to() {
        use orkee_core::diagnostic::Kind;
        let codes: Vec<u8> = exit_codes().map(|(code, _)| code).collect();
        assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6, 7, 130]);
        for kind in [
            Kind::Failed,
            Kind::Usage,
            Kind::Partial,
            Kind::Auth,
            Kind::Conflict,
            Kind::Network,
            Kind::Timeout,
            Kind::Interrupted,
        ] {
            assert!(codes.contains(&kind.exit_code()), "{kind:?}");
        }
    }
}
