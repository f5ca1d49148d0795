//! `token create`: an API token, for `ORKEE_CLOUD_TOKEN` and scripts.

use clap::Subcommand;
use jiff::{SignedDuration, Timestamp};

use super::{CommandError, Data, account, email, print};
use crate::oauth::ACCESS_PREFIX;
use crate::secret::Secret;
use crate::storage::sqlite::Sqlite;
use crate::storage::{Grants, NewGrant};

#[derive(Debug, Subcommand)]
pub(super) enum Token {
    /// Make a token and print it, this once.
    Create {
        /// Whose token.
        #[arg(value_parser = email)]
        email: String,
        #[command(flatten)]
        data: Data,
        /// How long it is good: a number and s, m, h or d, such as 30d. Without this, until it is revoked.
        #[arg(long, value_name = "TIME", value_parser = lifetime)]
        expires: Option<SignedDuration>,
        /// What it is called among the account's devices.
        #[arg(long, default_value = "API token")]
        name: String,
    },
}

impl Token {
    pub(super) fn run(self) -> Result<(), CommandError> {
        let Self::Create { email, data, expires, name } = self;
        let storage = Sqlite::open(&data.folder)?;
        let account = account(&storage, &email)?;
        let token = Secret::new(ACCESS_PREFIX);
        let now = Timestamp::now();
        let grant = NewGrant {
            account: account.key,
            name: &name,
            access: token.hash(),
            expires: expires.map(|lifetime| now + lifetime),
        };
        storage.create_grant(&grant, now)?;
        print(token.expose())
    }
}

/// Reads `30d`.
pub(super) fn lifetime(text: &str) -> Result<SignedDuration, String> {
    let wrong = || "write a number and s, m, h or d, such as 30d".to_owned();
    let unit = text.chars().next_back().ok_or_else(wrong)?;
    let seconds: i64 = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return Err(wrong()),
    };
    let number: u32 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
    let total = i64::from(number) * seconds;
    if total == 0 || total > 36_500 * 86_400 {
        return Err("a token is good for at least a second and at most a hundred years".to_owned());
    }
    Ok(SignedDuration::from_secs(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_are_a_number_and_a_unit() {
        assert_eq!(lifetime("30d"), Ok(SignedDuration::from_hours(720)));
        assert_eq!(lifetime("90s"), Ok(SignedDuration::from_secs(90)));
        for bad in ["", "30", "d", "-1d", "0h", "4000000000d", "3é"] {
            assert!(lifetime(bad).is_err(), "{bad}");
        }
    }
}
