//! The macros that make a type of the author's the component's face.

/// Exports a type as a provider: `export!(MyProvider)`, or with the optional parts that it implements,
/// `export!(MyProvider: account, listing, devices, webhooks)`. The type implements [`Provider`](crate::Provider), and for a part
/// the trait of that name: [`Account`](crate::account::Account), [`Listing`](crate::listing::Listing),
/// [`Devices`](crate::devices::Devices), [`Webhooks`](crate::webhooks::Webhooks).
#[macro_export]
macro_rules! export {
    ($provider:ident $(: $($part:ident),+ $(,)?)?) => {
        #[allow(unsafe_code, reason = "the generated entry points of the component")]
        const _: () = {
            $crate::contract::export_provider!($provider with_types_in $crate::contract);
        };
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
        #[allow(unsafe_code, reason = "the generated entry points of the component")]
        const _: () = {
            $crate::contract::dispatcher::export_dispatcher!(
                $dispatcher with_types_in $crate::contract::dispatcher
            );
        };
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __export_part {
    (account $provider:ident) => {
        #[allow(unsafe_code, reason = "the generated entry points of the component")]
        const _: () = {
    $crate::contract::account::export_account!($provider with_types_in $crate::contract::account);
        };
    };
    (listing $provider:ident) => {
        #[allow(unsafe_code, reason = "the generated entry points of the component")]
        const _: () = {
    $crate::contract::listing::export_listing!($provider with_types_in $crate::contract::listing);
        };
    };
    (devices $provider:ident) => {
        #[allow(unsafe_code, reason = "the generated entry points of the component")]
        const _: () = {
    $crate::contract::devices::export_devices!($provider with_types_in $crate::contract::devices);
        };
    };
    (webhooks $provider:ident) => {
        #[allow(unsafe_code, reason = "the generated entry points of the component")]
        const _: () = {
    $crate::contract::webhooks::export_webhooks!($provider with_types_in $crate::contract::webhooks);
        };
    };
}
