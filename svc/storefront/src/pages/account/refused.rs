//! Refusals of the auth service, beside the fields of a form.

use http::StatusCode;

use crate::{
    api_client::{ApiError, Refusal},
    forms::FieldErrors,
    frame::{Failure, Visit},
    pages::parts::refused_password,
};

/// Adds the errors of the fields that a refusal names, and returns its status. A refusal that no field explains is a failure of
/// the page. `password` is the name of the field with the present password, `new_password` the content of that with a new one.
pub(super) fn field_errors(
    visit: &Visit,
    error: ApiError,
    password: &'static str,
    new_password: &str,
    errors: &mut FieldErrors,
) -> Result<StatusCode, Failure> {
    let ApiError::Refused(refusal) = &error else {
        return Err(error.into());
    };
    for (field, text) in found(refusal, password, new_password) {
        errors.add(field, visit.texts().text(text));
    }
    if errors.is_empty() {
        Err(error.into())
    } else {
        Ok(refusal.status)
    }
}

fn found(refusal: &Refusal, password: &'static str, new_password: &str) -> Vec<(&'static str, &'static str)> {
    match (refusal.kind.as_str(), refusal.status) {
        ("wrong-password", _) => vec![(password, "wrong-password")],
        ("wrong-code", _) => vec![("code", "code-wrong")],
        (_, StatusCode::TOO_MANY_REQUESTS) => vec![(password, "sign-in-too-many")],
        (_, StatusCode::UNPROCESSABLE_ENTITY) => {
            let fields = refusal.errors.iter();
            let known = fields.filter_map(|problem| match problem.field.as_str() {
                "name" => Some(("name", "name-malformed")),
                "language" => Some(("language", "language-unknown")),
                "email" => Some(("email", "email-malformed")),
                "password" => Some(("password", refused_password(new_password))),
                "code" => Some(("code", "code-wrong")),
                _ => None,
            });
            known.collect()
        }
        _ => Vec::new(),
    }
}
