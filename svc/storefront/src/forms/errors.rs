use std::fmt::Display;

/// The errors of the fields of a form, as texts in the language of the page. Templates read them by the name of the field.
#[derive(Clone, Debug, Default)]
pub(crate) struct FieldErrors(Vec<(&'static str, String)>);

impl FieldErrors {
    /// Adds an error. The first of a field is shown.
    pub(crate) fn add(&mut self, field: &'static str, message: impl Display) {
        self.0.push((field, message.to_string()));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the error of a field.
    pub(crate) fn of(&self, field: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| *known == field);
        found.map(|(_, message)| message.as_str())
    }

    /// Returns all fields with their errors, for the summary above a form.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(field, message)| (*field, message.as_str()))
    }
}
