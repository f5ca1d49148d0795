//! The macros that make a type of the author's the component's face.

/// Exports a type as a provider: `export!(MyProvider)`, or with the optional parts that it implements,
/// `export!(MyProvider: account, listing, devices, watch, team, webhooks, webhook_deliveries)`. The type implements
/// [`Provider`](crate::Provider), and for a part the trait of that name: [`Account`](crate::account::Account),
/// [`Listing`](crate::listing::Listing), [`Devices`](crate::devices::Devices), [`Watch`](crate::watch::Watch),
/// [`Team`](crate::team::Team),
/// [`Webhooks`](crate::webhooks::Webhooks), [`WebhookDeliveries`](crate::webhook_deliveries::WebhookDeliveries).
///
/// On another target than wasm there is nothing to export, and the types are checked alone.
#[macro_export]
macro_rules! export {
    ($provider:ident $(: $($part:ident),+ $(,)?)?) => {
        $crate::__entry_points! {
            $provider as $crate::Provider:
            $crate::contract::export_provider!($provider with_types_in $crate::contract);
        }
        $($($crate::__export_part!($part $provider);)+)?
    };
}

/// Exports a type that implements [`Dispatcher`](crate::dispatcher::Dispatcher) as a webhook dispatcher.
///
/// ```
/// use orkee_provider_sdk::dispatcher::{Delivery, Description, Dispatcher, Outcome};
///
/// struct Deaf;
///
/// impl Dispatcher for Deaf {
///     fn describe() -> Description {
///         Description { id: "deaf".into(), name: "Deaf".into(), version: "0.1.0".into() }
///     }
///
///     fn deliver(_: Delivery) -> Outcome {
///         Outcome::Gone
///     }
/// }
///
/// orkee_provider_sdk::export_dispatcher!(Deaf);
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! export_dispatcher {
    ($dispatcher:ident) => {
        $crate::__entry_points! {
            $dispatcher as $crate::dispatcher::Dispatcher:
            $crate::contract::dispatcher::export_dispatcher!(
                $dispatcher with_types_in $crate::contract::dispatcher
            );
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __export_part {
    (account $provider:ident) => {
        $crate::__entry_points! {
            $provider as $crate::account::Account:
            $crate::contract::account::export_account!($provider with_types_in $crate::contract::account);
        }
    };
    (listing $provider:ident) => {
        $crate::__entry_points! {
            $provider as $crate::listing::Listing:
            $crate::contract::listing::export_listing!($provider with_types_in $crate::contract::listing);
        }
    };
    (devices $provider:ident) => {
        $crate::__entry_points! {
            $provider as $crate::devices::Devices:
            $crate::contract::devices::export_devices!($provider with_types_in $crate::contract::devices);
        }
    };
    (watch $provider:ident) => {
        $crate::__entry_points! {
            $provider as $crate::watch::Watch:
            $crate::contract::watch::export_watch!($provider with_types_in $crate::contract::watch);
        }
    };
    (team $provider:ident) => {
        $crate::__entry_points! {
            $provider as $crate::team::Team:
            $crate::contract::team::export_team!($provider with_types_in $crate::contract::team);
        }
    };
    (webhooks $provider:ident) => {
        $crate::__entry_points! {
            $provider as $crate::webhooks::Webhooks:
            $crate::contract::webhooks::export_webhooks!($provider with_types_in $crate::contract::webhooks);
        }
    };
    (webhook_deliveries $provider:ident) => {
        $crate::__entry_points! {
            $provider as $crate::webhook_deliveries::WebhookDeliveries:
            $crate::contract::webhook_deliveries::export_webhook_deliveries!(
                $provider with_types_in $crate::contract::webhook_deliveries
            );
        }
    };
}

/// The names of a component's entry points are none that a native linker takes.
#[doc(hidden)]
#[macro_export]
macro_rules! __entry_points {
    ($exported:ident as $face:path: $($export:tt)*) => {
        #[cfg(target_family = "wasm")]
        #[allow(unsafe_code, reason = "the generated entry points of the component")]
        const _: () = {
            $($export)*
        };
        #[cfg(not(target_family = "wasm"))]
        const _: fn() = || {
            fn is<T: $face>() {}
            is::<$exported>();
        };
    };
}
