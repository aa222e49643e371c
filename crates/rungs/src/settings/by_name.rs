//! Enumerations whose values have names, on the command line and in files.

/// Printed as its name, and read back from it.
macro_rules! by_name {
    ($type:ident, $what:literal) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.name())
            }
        }

        impl FromStr for $type {
            type Err = Error;

            fn from_str(name: &str) -> Result<Self, Error> {
                let known = Self::ALL.map(Self::name).join(", ");
                let found = Self::ALL.into_iter().find(|item| item.name() == name);
                found.ok_or_else(|| Error::setting($what, format!("there is no {name:?}, only {known}")))
            }
        }
    };
}
pub(super) use by_name;
