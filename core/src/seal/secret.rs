//! What all that is kept secret has in common: 32 random bytes that are wiped when they are dropped, compared in constant time, and have
//! no form that can be printed.

/// A type of its own for one kind of secret.
macro_rules! secret {
    ($(#[$about:meta])* $name:ident) => {
        $(#[$about])*
        #[derive(Clone)]
        pub struct $name(zeroize::Zeroizing<[u8; 32]>);

        impl $name {
            /// A new one, from the system's random source.
            pub fn generate() -> Self {
                Self(zeroize::Zeroizing::new($crate::seal::key::random()))
            }

            /// The one with these bytes.
            pub fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(zeroize::Zeroizing::new(bytes))
            }

            /// Its bytes, to be kept where keys are kept or handed on sealed, never printed.
            pub fn expose(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                subtle::ConstantTimeEq::ct_eq(self.0.as_slice(), other.0.as_slice()).into()
            }
        }

        impl Eq for $name {}

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    };
}

pub(super) use secret;

#[cfg(test)]
mod tests {
    use crate::seal::AccountKey;

    #[test]
    fn a_secret_is_not_printed_and_is_the_same_by_its_bytes_alone() {
        let secret = AccountKey::generate();
        assert_eq!(format!("{secret:?}"), "AccountKey(..)");
        assert_eq!(AccountKey::from_bytes(*secret.expose()), secret);
        assert_ne!(secret, AccountKey::generate());
    }
}
