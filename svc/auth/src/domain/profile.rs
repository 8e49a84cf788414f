use values::Language;

use super::name::Name;

/// What a user states about an account besides address and password.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Profile {
    pub(crate) name: Option<Name>,
    pub(crate) language: Language,
}
