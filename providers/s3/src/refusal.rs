//! What a store means by refusing a request, in words for the user.

use orkee_provider_sdk::{Failure, Response};

use crate::address::Address;
use crate::answer::{self, Said};

/// The failure that the host is told of a reply that is no success.
pub(crate) fn failure(reply: &Response, address: &Address) -> Failure {
    let Some(said) = answer::error(&reply.body) else { return without_words(reply) };
    let Said { code, endpoint, region } = said;
    let bucket = &address.bucket;
    match code.as_str() {
        "NoSuchBucket" => Failure::Unsuitable(format!("there is no bucket `{bucket}`: create it, or set another `bucket`")),
        "InvalidBucketName" => Failure::Unsuitable(format!("`{bucket}` is no name that a bucket can have")),
        "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException" => {
            let right = region.map_or(String::new(), |region| format!(": it is `{region}`"));
            Failure::Unsuitable(format!("the option `region` is not that of the bucket `{bucket}`{right}"))
        }
        "PermanentRedirect" | "TemporaryRedirect" => {
            let place = endpoint.map_or(String::new(), |endpoint| format!(": {endpoint}"));
            Failure::Unsuitable(format!("the bucket `{bucket}` has to be asked at another address{place}"))
        }
        "RequestTimeTooSkewed" => Failure::Unsuitable(
            "this machine's clock and the store's differ by more than 15 minutes: set the clock".to_owned(),
        ),
        "NotImplemented" => Failure::Unsuitable(
            "this store has no conditions (If-Match, If-None-Match) on PUT, so that devices would overwrite each other's \
             changes; it cannot be used"
                .to_owned(),
        ),
        "InvalidAccessKeyId" => Failure::AuthRequired("the store does not know this access key".to_owned()),
        "SignatureDoesNotMatch" => {
            Failure::AuthRequired("the secret key does not belong to the access key".to_owned())
        }
        "ExpiredToken" | "InvalidToken" | "TokenRefreshRequired" => {
            Failure::AuthRequired(format!("the store refused the access key [{code}]"))
        }
        "AccessDenied" | "AllAccessDisabled" | "AccountProblem" => {
            Failure::Forbidden(format!("these keys may not read and write in the bucket `{bucket}` [{code}]"))
        }
        "SlowDown" | "ServiceUnavailable" | "Busy" | "ConditionalRequestConflict" | "OperationAborted" => {
            Failure::Busy(reply.retry_after())
        }
        "RequestTimeout" | "InternalError" => Failure::Backend(format!("the store failed [{code}]")),
        _ => reply.failure_saying(format!("the store answered with status {} [{code}]", reply.status)),
    }
}

/// Some stores send no body with a status that speaks for itself.
fn without_words(reply: &Response) -> Failure {
    match reply.status {
        501 => {
            Failure::Unsuitable("this store has no conditions (If-Match, If-None-Match) on PUT".to_owned())
        }
        _ => reply.failure(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::tests::address;

    fn said(status: u16, code: &str) -> Failure {
        let body = format!("<Error><Code>{code}</Code><Region>eu-west-1</Region></Error>").into_bytes();
        failure(
            &Response { status, headers: vec![("retry-after".into(), "3".into())], body },
            &address("b", ""),
        )
    }

    #[test]
    fn each_code_tells_the_user_what_to_do() {
        assert!(
            matches!(said(404, "NoSuchBucket"), Failure::Unsuitable(words) if words.contains("no bucket `b`"))
        );
        assert!(
            matches!(said(400, "AuthorizationHeaderMalformed"), Failure::Unsuitable(words) if words.ends_with("`eu-west-1`"))
        );
        assert!(
            matches!(said(403, "RequestTimeTooSkewed"), Failure::Unsuitable(words) if words.contains("clock"))
        );
        assert!(matches!(said(301, "PermanentRedirect"), Failure::Unsuitable(_)));
        assert!(matches!(said(501, "NotImplemented"), Failure::Unsuitable(_)));
        assert!(matches!(said(403, "InvalidAccessKeyId"), Failure::AuthRequired(_)));
        assert!(matches!(said(403, "SignatureDoesNotMatch"), Failure::AuthRequired(_)));
        assert!(matches!(said(403, "AccessDenied"), Failure::Forbidden(_)));
        assert!(matches!(said(503, "SlowDown"), Failure::Busy(Some(3000))));
        assert!(matches!(said(409, "ConditionalRequestConflict"), Failure::Busy(_)));
        assert!(matches!(said(500, "InternalError"), Failure::Backend(_)));
        assert!(matches!(said(403, "Odd"), Failure::Forbidden(words) if words.contains("[Odd]")));
        assert!(matches!(said(400, "Odd"), Failure::Protocol(_)));
    }

    #[test]
    fn a_reply_of_another_protocol_goes_by_its_status() {
        let reply = |status| Response { status, headers: vec![], body: b"<html>".to_vec() };
        assert!(matches!(failure(&reply(502), &address("b", "")), Failure::Backend(_)));
        assert!(
            matches!(failure(&reply(404), &address("b", "")), Failure::Protocol(w) if w.contains("API URL"))
        );
    }
}
