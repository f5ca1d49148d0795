//! What brought a person to the sign-in page: the request of a client on their computer, or a device that waits elsewhere. It
//! travels in the query of every page, and is judged anew each time.

use url::form_urlencoded;

use super::device::{self, UserCode};
use super::request::{AuthorizationRequest, Parameters, Refusal};

/// What a person goes on with once they are signed in.
#[derive(Debug, Clone)]
pub(super) enum Errand {
    /// A client's request.
    Authorize(AuthorizationRequest),
    /// A device, with its code where the address held one.
    Device(Option<UserCode>),
}

/// Tells the errands apart in a query.
const NAME: &str = "errand";
const DEVICE: &str = "device";

impl Errand {
    /// From the query of a page.
    pub(super) fn parse(query: &str) -> Result<Self, Refusal> {
        let parameters = Parameters::parse(query.as_bytes());
        if parameters.get(NAME) == Some(DEVICE) {
            return Ok(Self::Device(parameters.get("user_code").and_then(UserCode::parse)));
        }
        AuthorizationRequest::parse(query).map(Self::Authorize)
    }

    /// The query that [`Errand::parse`] reads.
    pub(super) fn to_query(&self) -> String {
        match self {
            Self::Authorize(request) => request.to_query(),
            Self::Device(code) => {
                let mut query = form_urlencoded::Serializer::new(String::new());
                query.append_pair(NAME, DEVICE);
                if let Some(code) = code {
                    query.append_pair("user_code", &code.to_string());
                }
                query.finish()
            }
        }
    }

    /// The page that it begins and goes on with.
    pub(super) fn address(&self) -> String {
        let path = match self {
            Self::Authorize(_) => "/oauth/authorize",
            Self::Device(_) => device::ADDRESS,
        };
        format!("{path}?{}", self.to_query())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_keeps_its_code_on_the_way_through_the_pages() {
        let errand = Errand::Device(UserCode::parse("wdjbmjht"));
        assert_eq!(errand.address(), "/device?errand=device&user_code=WDJB-MJHT");
        assert!(
            matches!(Errand::parse(&errand.to_query()), Ok(Errand::Device(Some(code))) if code.to_string() == "WDJB-MJHT")
        );
        assert!(matches!(Errand::parse("errand=device&user_code=%22%3E"), Ok(Errand::Device(None))));
    }
}
