//! The token exchange (RFC 8693): an ID token of a tenant's identity provider for tokens of this server.
//!
//! An ID token is exchanged once. What it is exchanged for ends when the tenant's sign-in lifetime is over, counted from when the
//! ID token was issued: refreshing does not prolong it, and a shorter lifetime in the settings holds for those who are
//! signed in already.

use axum::http::StatusCode;
use jiff::Timestamp;

use super::request::{Parameters, is_our_scope};
use super::token::{Failed, Tokens, refused, refused_since};
use crate::http::{ApiError, App};
use crate::secret::SecretHash;
use crate::storage::{Account, Deed, NewSignIn, People, SignedIn, StorageError, Tenant, Witness};
use crate::tenant::issuers::IssuerError;
use crate::tenant::{Denied, Proof, Settings, TokenUse, Unproved, admit};

/// The grant type.
pub(super) const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
/// What is given.
pub(super) const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
/// What is taken.
const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";

/// A request of a tenant that there is.
struct Exchange<'a> {
    app: &'a App,
    fields: &'a Parameters,
    tenant: Tenant,
    settings: Settings,
    request_id: Option<String>,
}

/// Why nothing was exchanged, and whom it is about, as far as anybody knows.
struct Refusal {
    failed: Failed,
    why: String,
    /// The provider that signed the token; none: anybody can have made it.
    provider: Option<String>,
    email: Option<String>,
}

/// Fills the tokens in, whose secrets nobody knows yet.
pub(super) async fn exchange(
    app: &App,
    fields: &Parameters,
    request_id: Option<String>,
    tokens: &mut Tokens,
) -> Result<(), Failed> {
    let token = subject_token(fields)?;
    let name = fields
        .get("audience")
        .ok_or_else(|| refused("invalid_request", "audience is missing: it is the tenant's name"))?
        .to_owned();
    let Some(tenant) = app.storage(move |storage| storage.tenant(&name)).await? else {
        return Err(refused("invalid_target", "this server has no tenant of that name"));
    };
    let settings = Settings::of(&tenant).map_err(|e| ApiError::internal(&e))?;
    let exchange = Exchange { app, fields, tenant, settings, request_id };
    match exchange.carry_out(token, tokens).await {
        Ok(()) => {
            tokens.are_exchanged();
            Ok(())
        }
        Err(refusal) => exchange.refuse(token, refusal).await,
    }
}

fn subject_token(fields: &Parameters) -> Result<&str, Failed> {
    if fields.get("subject_token_type") != Some(ID_TOKEN) {
        return Err(refused("invalid_request", "subject_token_type is that of an ID token"));
    }
    if fields.get("requested_token_type").is_some_and(|wanted| wanted != ACCESS_TOKEN) {
        return Err(refused("invalid_request", "the requested_token_type that there is, is access_token"));
    }
    if fields.get("actor_token").is_some() {
        return Err(refused("invalid_request", "nobody acts for anybody else here"));
    }
    if fields.get("scope").is_some_and(|scope| !is_our_scope(scope)) {
        return Err(refused("invalid_scope", "the only scope is sync"));
    }
    fields.get("subject_token").ok_or_else(|| refused("invalid_request", "subject_token is missing"))
}

/// When a sign-in that began at an identity provider is over; none: it did not, or never is.
pub(super) async fn end_of(app: &App, refresh: SecretHash) -> Result<Option<Timestamp>, ApiError> {
    app.storage(move |storage| {
        let Some((account, Some(at))) = storage.signed_in(refresh)? else { return Ok(None) };
        let Some(tenant) = account.tenant.map(|key| storage.tenant_by_key(key)).transpose()?.flatten() else {
            return Ok(None);
        };
        let settings = Settings::of(&tenant).map_err(|e| ApiError::internal(&e))?;
        Ok::<_, ApiError>(settings.end_of(at))
    })
    .await
}

impl Exchange<'_> {
    async fn carry_out(&self, token: &str, tokens: &mut Tokens) -> Result<(), Refusal> {
        let now = Timestamp::now();
        let proof = Proof::of_id_token(&self.app.issuers, &self.settings, token, now).await;
        let proof = proof.map_err(|unproved| self.unproved(token, &unproved))?;
        if let Some(end) = self.settings.end_of(proof.signed_in)
            && !tokens.end_at(end)
        {
            let why = "the ID token is older than the tenant lets anybody be signed in";
            return Err(about(&proof, refused("invalid_grant", why), why));
        }
        let (tenant, settings) = (self.tenant.clone(), self.settings.clone());
        let request_id = self.request_id.clone();
        let (device, pair) = (self.fields.device(), tokens.pair());
        let shown = device.name.clone();
        // A token that was exchanged may be stale: it must not so much as change a role again.
        let spent = self.app.storage(move |storage| storage.is_spent(proof.id)).await;
        if spent.map_err(Refusal::of_server)? {
            return Err(denied(&proof, Denied::Spent));
        }
        let (proof, done) = self
            .app
            .storage(move |storage| {
                let sign_in = |people: &dyn People, account: &Account| {
                    let sign_in = NewSignIn {
                        account: account.key,
                        device: &device,
                        tokens: pair,
                        at: proof.signed_in,
                        proof: proof.id,
                        proof_expires: proof.expires,
                    };
                    match people.sign_in(&sign_in, now)? {
                        SignedIn::Granted(grant) => Ok(grant),
                        SignedIn::Spent => Err(Denied::Spent),
                        SignedIn::Disabled => Err(Denied::Removed(account.email.clone())),
                    }
                };
                let done = admit(storage, &tenant, &settings, &proof, request_id.as_deref(), now, sign_in);
                Ok::<_, StorageError>((proof, done))
            })
            .await
            .map_err(Refusal::of_server)?;
        match done {
            Ok((account, grant)) => {
                self.note(&account, grant, shown, &proof.provider).await.map_err(Refusal::of_server)
            }
            Err(why) => Err(denied(&proof, why)),
        }
    }

    fn unproved(&self, token: &str, unproved: &Unproved) -> Refusal {
        let why = format!("the ID token is refused: {unproved}");
        let failed = match unproved {
            Unproved::Issuer(IssuerError::Keys(_)) => refused_since(
                StatusCode::SERVICE_UNAVAILABLE,
                "temporarily_unavailable",
                &unproved.to_string(),
            ),
            Unproved::OtherUse if self.has(TokenUse::Direct) => refused(
                "invalid_request",
                "this identity provider's access tokens go to the API themselves: nothing is exchanged",
            ),
            _ => refused_since(StatusCode::BAD_REQUEST, "invalid_grant", &why),
        };
        let provider = match unproved {
            Unproved::Flawed(_) => self.settings.signer(token),
            _ => None,
        };
        Refusal { failed, why, provider, email: None }
    }

    fn has(&self, usage: TokenUse) -> bool {
        self.settings.identity_providers.iter().any(|provider| provider.token == usage)
    }

    async fn note(
        &self,
        account: &Account,
        grant: String,
        device: Option<String>,
        provider: &str,
    ) -> Result<(), ApiError> {
        let by = Witness {
            account: Some(account.email.clone()),
            device: Some(grant),
            device_name: device,
            ..self.witness()
        };
        self.write(by, provider.to_owned(), "done".to_owned()).await
    }

    /// Tells the log and the client, and the audit trail where the token is one of the provider's: what anybody can send would
    /// fill it without end. Of a token it tells once why it is refused.
    async fn refuse(&self, token: &str, refusal: Refusal) -> Result<(), Failed> {
        if !matches!(refusal.failed, Failed::Api(_)) {
            tracing::warn!(tenant = self.tenant.name, why = refusal.why, "an exchange was refused");
            if let Some(provider) = refusal.provider
                && self.app.seen.is_new(SecretHash::of(token), &refusal.why, Timestamp::now())
            {
                let by = Witness { account: refusal.email, ..self.witness() };
                self.write(by, provider, format!("refused: {}", refusal.why)).await?;
            }
        }
        Err(refusal.failed)
    }

    fn witness(&self) -> Witness {
        Witness {
            tenant: Some(self.tenant.name.clone()),
            team: Some(self.tenant.team.name.clone()),
            request_id: self.request_id.clone(),
            ..Witness::default()
        }
    }

    async fn write(&self, by: Witness, provider: String, outcome: String) -> Result<(), ApiError> {
        let deed = Deed { action: "sign-in".to_owned(), subject: Some(provider), outcome };
        self.app.storage(move |storage| storage.note(&by, &deed, Timestamp::now())).await
    }
}

impl Refusal {
    fn of_server(error: ApiError) -> Self {
        Self { failed: Failed::Api(error), why: String::new(), provider: None, email: None }
    }
}

fn about(proof: &Proof, failed: Failed, why: &str) -> Refusal {
    Refusal {
        failed,
        why: why.to_owned(),
        provider: Some(proof.provider.clone()),
        email: proof.email.clone(),
    }
}

fn denied(proof: &Proof, denied: Denied) -> Refusal {
    match denied {
        Denied::Storage(error) => Refusal::of_server(error.into()),
        Denied::Old | Denied::Spent => about(
            proof,
            refused_since(StatusCode::BAD_REQUEST, "invalid_grant", &denied.to_string()),
            &denied.to_string(),
        ),
        _ => about(
            proof,
            refused_since(StatusCode::BAD_REQUEST, "access_denied", &denied.to_string()),
            &denied.to_string(),
        ),
    }
}
