//! Where an object is: bucket and prefix, as the user set them.

use orkee_provider_sdk::{Failure, option, percent_encoded, required};

/// A bucket, and a prefix in it that is empty or ends with `/`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) bucket: String,
    prefix: String,
}

impl Address {
    pub(crate) fn of_options() -> Result<Self, Failure> {
        Self::new(&required("bucket")?, &option("prefix").unwrap_or_default())
    }

    fn new(bucket: &str, prefix: &str) -> Result<Self, Failure> {
        let (bucket, prefix) = (bucket.trim(), prefix.trim().trim_matches('/'));
        if bucket.contains('/') || matches!(bucket, "" | "." | "..") {
            return Err(Failure::Unsuitable(format!("the option `bucket` is no bucket's name: {bucket}")));
        }
        // A URL cannot hold such names, and XML cannot hold control characters.
        if prefix.split('/').any(|part| matches!(part, "." | "..")) || prefix.chars().any(char::is_control) {
            return Err(Failure::Unsuitable(format!("the option `prefix` cannot be used: {prefix}")));
        }
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        Ok(Self { bucket: bucket.to_owned(), prefix })
    }

    /// The store's key for one of ours.
    pub(crate) fn full(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    /// Our key for one of the store's.
    pub(crate) fn strip<'a>(&self, full: &'a str) -> Option<&'a str> {
        full.strip_prefix(&self.prefix)
    }

    /// The path of an object.
    pub(crate) fn path(&self, key: &str) -> String {
        let full = self.full(key);
        let parts: Vec<_> = full.split('/').map(percent_encoded).collect();
        format!("{}/{}", self.bucket_path(), parts.join("/"))
    }

    /// The path of the bucket.
    pub(crate) fn bucket_path(&self) -> String {
        format!("/{}", percent_encoded(&self.bucket))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn address(bucket: &str, prefix: &str) -> Address {
        Address::new(bucket, prefix).unwrap()
    }

    #[test]
    fn an_object_is_in_its_bucket_below_the_prefix() {
        let address = Address::new("b", "").unwrap();
        assert_eq!(
            (address.path("r/aaaaaaaa").as_str(), address.full("log/")),
            ("/b/r/aaaaaaaa", "log/".into())
        );
        let address = Address::new(" b ", "/team a/x?/").unwrap();
        assert_eq!(address.path("r/aaaaaaaa"), "/b/team%20a/x%3F/r/aaaaaaaa");
        assert_eq!(address.strip("team a/x?/r/aaaaaaaa"), Some("r/aaaaaaaa"));
        assert_eq!(address.strip("other/r/aaaaaaaa"), None);
    }

    #[test]
    fn no_name_leads_out_of_the_bucket() {
        for (bucket, prefix) in
            [("a/b", ""), ("..", ""), ("", ""), ("b", "../c"), ("b", "a/./b"), ("b", "a\nb")]
        {
            assert!(matches!(Address::new(bucket, prefix), Err(Failure::Unsuitable(_))), "{bucket} {prefix}");
        }
    }
}
