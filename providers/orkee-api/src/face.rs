//! A component that shows this API under a name of its own.

/// Writes such a component: its type, its name as an id and for people, and how it comes to the [`Api`](crate::Api).
///
/// ```text
/// orkee_provider_api::face!(OrkeeCloud, "orkee-cloud", "Orkee Cloud", Api::default);
/// ```
#[macro_export]
macro_rules! face {
    ($provider:ident, $id:literal, $name:literal, $api:expr) => {
        /// The provider.
        pub struct $provider;

        impl ::orkee_provider_sdk::Provider for $provider {
            fn describe() -> ::orkee_provider_sdk::Description {
                $crate::describe($id, $name, env!("CARGO_PKG_VERSION"))
            }

            fn exchange(
                exchange: ::orkee_provider_sdk::Exchange,
            ) -> Result<::orkee_provider_sdk::Answer, ::orkee_provider_sdk::Failure> {
                $api().exchange(&exchange)
            }
        }

        impl ::orkee_provider_sdk::account::Account for $provider {
            fn whoami() -> Result<::orkee_provider_sdk::account::Profile, ::orkee_provider_sdk::Failure> {
                $api().whoami()
            }
        }

        impl ::orkee_provider_sdk::listing::Listing for $provider {
            fn browse(
                after: Option<String>,
                limit: u32,
            ) -> Result<::orkee_provider_sdk::listing::Page, ::orkee_provider_sdk::Failure> {
                $api().browse(after.as_deref(), limit)
            }
        }

        impl ::orkee_provider_sdk::devices::Devices for $provider {
            fn enumerate()
            -> Result<Vec<::orkee_provider_sdk::devices::Device>, ::orkee_provider_sdk::Failure> {
                $api().devices()
            }

            fn revoke(id: String) -> Result<(), ::orkee_provider_sdk::Failure> {
                $api().revoke(&id)
            }
        }

        impl ::orkee_provider_sdk::watch::Watch for $provider {
            fn wait(
                cursor: ::orkee_provider_sdk::Cursor,
                wait_ms: u32,
            ) -> Result<bool, ::orkee_provider_sdk::Failure> {
                $api().wait(&cursor, wait_ms)
            }
        }

        impl ::orkee_provider_sdk::team::Team for $provider {
            fn show() -> Result<::orkee_provider_sdk::team::Standing, ::orkee_provider_sdk::Failure> {
                $api().team()
            }

            fn invite(
                email: String,
                role: String,
            ) -> Result<(), ::orkee_provider_sdk::Failure> {
                $api().invite(&email, &role)
            }

            fn set_role(
                email: String,
                role: String,
            ) -> Result<(), ::orkee_provider_sdk::Failure> {
                $api().set_role(&email, &role)
            }

            fn remove(email: String) -> Result<(), ::orkee_provider_sdk::Failure> {
                $api().remove(&email)
            }

            fn join(team: String) -> Result<(), ::orkee_provider_sdk::Failure> {
                $api().join(&team)
            }

            fn leave() -> Result<(), ::orkee_provider_sdk::Failure> {
                $api().leave()
            }
        }

        impl ::orkee_provider_sdk::webhooks::Webhooks for $provider {
            fn enumerate()
            -> Result<Vec<::orkee_provider_sdk::webhooks::Endpoint>, ::orkee_provider_sdk::Failure> {
                $api().webhooks()
            }

            fn register(
                registration: ::orkee_provider_sdk::webhooks::Registration,
            ) -> Result<::orkee_provider_sdk::webhooks::Endpoint, ::orkee_provider_sdk::Failure> {
                $api().register_webhook(registration)
            }

            fn set_enabled(id: String, enabled: bool) -> Result<(), ::orkee_provider_sdk::Failure> {
                match enabled {
                    true => $api().enable_webhook(&id, false),
                    false => $api().disable_webhook(&id),
                }
            }

            fn rotate_secret(id: String, secret: String) -> Result<(), ::orkee_provider_sdk::Failure> {
                $api().rotate_webhook(&id, &secret, 0)
            }

            fn remove(id: String) -> Result<(), ::orkee_provider_sdk::Failure> {
                $api().remove_webhook(&id)
            }
        }

        impl ::orkee_provider_sdk::webhook_deliveries::WebhookDeliveries for $provider {
            fn register_with(
                registration: ::orkee_provider_sdk::webhook_deliveries::Registration,
            ) -> Result<String, ::orkee_provider_sdk::Failure> {
                $api().register_webhook_with(registration)
            }

            fn states() -> Result<
                Vec<::orkee_provider_sdk::webhook_deliveries::EndpointState>,
                ::orkee_provider_sdk::Failure,
            > {
                $api().webhook_states()
            }

            fn rotate_with(
                id: String,
                secret: String,
                overlap_seconds: u64,
            ) -> Result<(), ::orkee_provider_sdk::Failure> {
                $api().rotate_webhook(&id, &secret, overlap_seconds)
            }

            fn enable_with(id: String, replay: bool) -> Result<(), ::orkee_provider_sdk::Failure> {
                $api().enable_webhook(&id, replay)
            }

            fn deliveries(
                query: ::orkee_provider_sdk::webhook_deliveries::Query,
            ) -> Result<::orkee_provider_sdk::webhook_deliveries::Page, ::orkee_provider_sdk::Failure> {
                $api().deliveries(&query)
            }

            fn test(
                id: String,
            ) -> Result<::orkee_provider_sdk::webhook_deliveries::Attempt, ::orkee_provider_sdk::Failure>
            {
                $api().test_webhook(&id)
            }

            fn redeliver(
                endpoint: Option<String>,
                ids: Vec<String>,
            ) -> Result<u32, ::orkee_provider_sdk::Failure> {
                $api().redeliver(endpoint.as_deref(), &ids)
            }

            fn pull(
                endpoint: String,
                taken: Vec<String>,
                limit: u32,
            ) -> Result<
                Vec<::orkee_provider_sdk::webhook_deliveries::PulledEvent>,
                ::orkee_provider_sdk::Failure,
            > {
                $api().pull(&endpoint, &taken, limit)
            }
        }

        ::orkee_provider_sdk::export!(
            $provider: account, listing, devices, watch, team, webhooks, webhook_deliveries
        );
    };
}
