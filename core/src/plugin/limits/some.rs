//! Some of the limits: those that a manifest asks for, a grant raises or a configuration lowers.

use std::fmt;
use std::time::Duration;

use super::{Bytes, Limits, Span};

/// Values for some of the limits, by the names that people write.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SomeLimits {
    /// `memory`: bytes of all memories of a call.
    pub memory: Option<u64>,
    /// `cpu`: computing in a call.
    pub cpu: Option<Duration>,
    /// `call`: a call from beginning to end.
    pub call: Option<Duration>,
    /// `reply`: the body of one reply.
    pub reply: Option<u64>,
    /// `host-calls`: in a call.
    pub host_calls: Option<u32>,
    /// `state`: keys and values.
    pub state: Option<u64>,
}

impl SomeLimits {
    /// The names.
    pub const KEYS: [&'static str; 6] = ["memory", "cpu", "call", "reply", "host-calls", "state"];

    /// Sets one by its name, from a text such as `128 MiB` or `10 s`. An error says in a sentence what would be right.
    pub fn set(&mut self, key: &str, text: &str) -> Result<(), String> {
        match key {
            "memory" => self.memory = Some(size(text, 1 << 30)?),
            "cpu" => self.cpu = Some(time(text, Duration::from_secs(300))?),
            "call" => self.call = Some(time(text, Duration::from_secs(900))?),
            "reply" => self.reply = Some(size(text, 256 << 20)?),
            "host-calls" => self.host_calls = Some(count(text, 100_000)?),
            "state" => self.state = Some(size(text, 16 << 20)?),
            _ => return Err(format!("there is no such limit; there are {}", Self::KEYS.join(", "))),
        }
        Ok(())
    }

    /// Each that is set, by its name, as a text that [`set`](Self::set) reads.
    pub fn entries(&self) -> Vec<(&'static str, String)> {
        let sizes = [("memory", self.memory), ("reply", self.reply), ("state", self.state)];
        let times = [("cpu", self.cpu), ("call", self.call)];
        let sizes = sizes.into_iter().filter_map(|(key, n)| Some((key, Bytes(n?).to_string())));
        let times = times.into_iter().filter_map(|(key, d)| Some((key, Span(d?).to_string())));
        let count = self.host_calls.map(|n| ("host-calls", n.to_string()));
        sizes.chain(times).chain(count).collect()
    }

    /// Whether none is set.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether each that is set here is at most what `granted` has, or what is usual where that says nothing.
    pub fn is_within(&self, granted: &Self) -> bool {
        let wanted = Limits::default().raised(self);
        let given = Limits::default().raised(granted);
        given.raised(self) == given && wanted.raised(granted) == given
    }
}

impl fmt::Display for SomeLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries: Vec<_> =
            self.entries().into_iter().map(|(key, value)| format!("{key} {value}")).collect();
        f.write_str(&entries.join(", "))
    }
}

impl Limits {
    /// These, with each that `some` sets where that is more.
    #[must_use]
    pub fn raised(&self, some: &SomeLimits) -> Self {
        Self {
            memory: some.memory.unwrap_or(0).max(self.memory),
            cpu: some.cpu.unwrap_or_default().max(self.cpu),
            wall_clock: some.call.unwrap_or_default().max(self.wall_clock),
            reply_body: some.reply.unwrap_or(0).max(self.reply_body),
            host_calls: some.host_calls.unwrap_or(0).max(self.host_calls),
            state: some.state.unwrap_or(0).max(self.state),
            ..self.clone()
        }
    }

    /// These, with each that `some` sets where that is less.
    #[must_use]
    pub fn lowered(&self, some: &SomeLimits) -> Self {
        Self {
            memory: some.memory.map_or(self.memory, |n| n.min(self.memory)),
            cpu: some.cpu.map_or(self.cpu, |d| d.min(self.cpu)),
            wall_clock: some.call.map_or(self.wall_clock, |d| d.min(self.wall_clock)),
            reply_body: some.reply.map_or(self.reply_body, |n| n.min(self.reply_body)),
            host_calls: some.host_calls.map_or(self.host_calls, |n| n.min(self.host_calls)),
            state: some.state.map_or(self.state, |n| n.min(self.state)),
            ..self.clone()
        }
    }
}

fn split(text: &str) -> Option<(u64, &str)> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..digits].parse().ok()?, text[digits..].trim()))
}

fn size(text: &str, most: u64) -> Result<u64, String> {
    let factor = |unit| match unit {
        "KiB" => Some(1 << 10),
        "MiB" => Some(1 << 20),
        "GiB" => Some(1 << 30),
        _ => None,
    };
    let bytes = split(text).and_then(|(n, unit)| n.checked_mul(factor(unit)?)).filter(|n| *n > 0);
    let bytes = bytes.ok_or("it has to be a size such as `128 MiB` (KiB, MiB, GiB)")?;
    if bytes > most { Err(format!("it can be at most {}", Bytes(most))) } else { Ok(bytes) }
}

fn time(text: &str, most: Duration) -> Result<Duration, String> {
    let of = |(n, unit)| match unit {
        "ms" => Some(Duration::from_millis(n)),
        "s" => Some(Duration::from_secs(n)),
        _ => None,
    };
    let time = split(text).and_then(of).filter(|d| !d.is_zero());
    let time = time.ok_or("it has to be a time such as `10 s` (s, ms)")?;
    if time > most { Err(format!("it can be at most {}", Span(most))) } else { Ok(time) }
}

fn count(text: &str, most: u32) -> Result<u32, String> {
    let count = text.trim().parse().ok().filter(|n| *n > 0);
    let count = count.ok_or("it has to be a number above 0")?;
    if count > most { Err(format!("it can be at most {most}")) } else { Ok(count) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(entries: &[(&str, &str)]) -> SomeLimits {
        let mut some = SomeLimits::default();
        entries.iter().for_each(|(key, text)| some.set(key, text).unwrap());
        some
    }

    #[test]
    fn limits_are_written_and_read_as_people_do() {
        let entries = [
            ("memory", "128 MiB"),
            ("reply", "512 KiB"),
            ("state", "2 MiB"),
            ("cpu", "10 s"),
            ("call", "1500 ms"),
            ("host-calls", "5000"),
        ];
        let read = some(&entries);
        let written = read.entries();
        assert_eq!(written, entries.map(|(key, text)| (key, text.to_owned())));
        assert_eq!(some(&written.iter().map(|(k, t)| (*k, t.as_str())).collect::<Vec<_>>()), read);
    }

    #[test]
    fn what_is_no_limit_is_told_what_would_be() {
        let refused = |key, text| SomeLimits::default().set(key, text).unwrap_err();
        for text in [
            "",
            "128",
            "MiB",
            "-1 MiB",
            "0 MiB",
            "99999999999999999999 GiB",
            "18446744073709551615 GiB",
            "1 MB",
        ] {
            assert!(refused("memory", text).contains("such as `128 MiB`"), "{text}");
        }
        assert_eq!(refused("memory", "2 GiB"), "it can be at most 1024 MiB");
        assert!(refused("cpu", "1 h").contains("such as `10 s`"));
        assert!(refused("host-calls", "0").contains("above 0"));
        assert!(refused("disk", "1 MiB").contains("memory, cpu, call"));
    }

    #[test]
    fn a_grant_only_raises_and_a_configuration_only_lowers() {
        let usual = Limits::default();
        let more = some(&[("memory", "128 MiB"), ("cpu", "1 s")]);
        assert_eq!(usual.raised(&more), Limits { memory: 128 << 20, ..usual.clone() });
        let cpu = Duration::from_secs(1);
        assert_eq!(usual.lowered(&more), Limits { cpu, ..usual.clone() });
    }

    #[test]
    fn p41_a_request_is_within_a_grant_if_nothing_in_it_is_more() {
        let granted = some(&[("memory", "128 MiB")]);
        assert!(SomeLimits::default().is_within(&granted));
        assert!(granted.is_within(&granted));
        assert!(some(&[("memory", "100 MiB"), ("cpu", "1 s")]).is_within(&granted));
        assert!(!some(&[("memory", "129 MiB")]).is_within(&granted));
        assert!(!some(&[("cpu", "6 s")]).is_within(&granted));
    }
}
