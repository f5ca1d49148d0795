//! Signing in through an identity provider: its ID token is checked, then exchanged for tokens of the API's authorization server
//! (RFC 8693), or its access token goes to the API as it is.

use super::Auth;
use super::client::Client;
use super::discovery::{self, Metadata, Standard};
use super::endpoint;
use super::error::{AuthError, plain};
use super::exchange::{self, Granted, Refusal};
use super::login::LoginRequest;
use super::oidc::{self, Expected};
use super::tenant::{Sso, TenantError, TokenUse};
use crate::net::Secret;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";

impl Auth {
    /// The server that exchanges what the identity provider will grant, asked before a person is sent anywhere. None: nothing is
    /// exchanged.
    pub(super) async fn exchange_server(
        &self,
        request: &LoginRequest,
    ) -> Result<Option<Metadata>, AuthError> {
        let Some(sso) = request.sso.as_ref().filter(|sso| sso.identity_provider.token == TokenUse::Exchange)
        else {
            return Ok(None);
        };
        // In the logs of both servers it is one sign-in.
        let client = Client { request_id: request.client.request_id.clone(), ..Client::default() };
        let at = &sso.exchange_at;
        let metadata = discovery::discover(&self.http, at, &client, Standard::Oauth).await?;
        if metadata.grants.as_ref().is_some_and(|grants| !grants.iter().any(|grant| grant == GRANT)) {
            return Err(TenantError::NoExchange { host: at.origin().authority() }.into());
        }
        Ok(Some(metadata.with_new_key_for(request)))
    }

    /// What the API takes, from what an identity provider granted; what the API's own server granted stays as it is.
    pub(super) async fn for_the_api(
        &self,
        request: &LoginRequest,
        metadata: &Metadata,
        exchange: Option<&Metadata>,
        granted: Granted,
        nonce: Option<&Secret>,
    ) -> Result<Granted, AuthError> {
        let Some(sso) = &request.sso else { return Ok(granted) };
        let id_token = granted.id_token.as_ref().ok_or_else(|| TenantError::IdToken {
            host: endpoint::host(&metadata.token),
            reason: "there is none".to_owned(),
        })?;
        let expected = Expected {
            issuer: &metadata.issuer,
            client_id: &metadata.client.id,
            nonce: nonce.map(Secret::expose),
            access_token: granted.token.expose(),
            now: granted.at.unwrap_or_else(|| self.clock.now()),
        };
        oidc::verify(&self.http, metadata, id_token, &expected).await?;
        match exchange {
            Some(server) => self.exchange(request, sso, server, id_token).await,
            None => Ok(granted),
        }
    }

    async fn exchange(
        &self,
        request: &LoginRequest,
        sso: &Sso,
        server: &Metadata,
        id_token: &Secret,
    ) -> Result<Granted, AuthError> {
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", GRANT)
            .append_pair("client_id", &server.client.id)
            .append_pair("subject_token", id_token.expose())
            .append_pair("subject_token_type", ID_TOKEN)
            .append_pair("audience", &sso.tenant)
            .append_pair("scope", &server.client.scope())
            .extend_pairs(request.device.parameters())
            .finish();
        let host = || endpoint::host(&server.token);
        let (tenant, identity_provider) = (sso.tenant.clone(), sso.identity_provider.name.clone());
        let error = match exchange::ask_for_token(&self.http, server, form).await {
            Ok(Ok(granted)) => return Ok(granted),
            Ok(Err(error)) => error,
            Err(Refusal::Failed(error)) => return Err(error),
            Err(Refusal::Grant(description)) => {
                return Err(TenantError::ExchangeRefused {
                    host: host(),
                    tenant,
                    identity_provider,
                    description,
                }
                .into());
            }
        };
        let description = plain(error.error_description().map_or("", String::as_str));
        Err(match error.error().as_ref() {
            "access_denied" => TenantError::NoAccess { tenant, identity_provider, description }.into(),
            "invalid_grant" | "invalid_target" | "invalid_request" => {
                TenantError::ExchangeRefused { host: host(), tenant, identity_provider, description }.into()
            }
            "unsupported_grant_type" => TenantError::NoExchange { host: host() }.into(),
            error => AuthError::Refused { host: host(), error: plain(error), description },
        })
    }
}
