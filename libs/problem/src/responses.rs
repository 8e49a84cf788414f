use poem::http::StatusCode;
use poem_openapi::{
    registry::{MetaMediaType, MetaResponse},
    types::Type,
};

use crate::ProblemDocument;

/// Declares the error responses of one operation, each with its condition:
///
/// ```
/// problem::problem_responses! {
///     /// Why an order could not be placed.
///     pub PlaceOrderProblem {
///         404 => "There is no such ticket.",
///         409 => "Not enough tickets are left.",
///     }
/// }
/// ```
///
/// The type wraps a [`crate::Problem`] (`From<Problem>`, so `?` works on use-case errors that become one) and lists its
/// statuses in the OpenAPI document. [`crate::complete`] adds the responses of every operation (401, 415, 503 …).
#[macro_export]
macro_rules! problem_responses {
    ($(#[$doc:meta])* $vis:vis $name:ident { $($status:literal => $when:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug)]
        $vis struct $name($crate::Problem);

        impl<P: Into<$crate::Problem>> From<P> for $name {
            fn from(problem: P) -> Self {
                Self(problem.into())
            }
        }

        impl From<$name> for $crate::poem::Error {
            fn from(refused: $name) -> Self {
                refused.0.into()
            }
        }

        impl $crate::poem::IntoResponse for $name {
            fn into_response(self) -> $crate::poem::Response {
                self.0.into_response()
            }
        }

        impl $crate::poem_openapi::ApiResponse for $name {
            fn meta() -> $crate::poem_openapi::registry::MetaResponses {
                $crate::poem_openapi::registry::MetaResponses {
                    responses: vec![$($crate::problem_response($status, $when)),*],
                }
            }

            fn register(registry: &mut $crate::poem_openapi::registry::Registry) {
                <$crate::ProblemDocument as $crate::poem_openapi::types::Type>::register(registry);
            }
        }
    };
}

/// Returns the OpenAPI description of a problem of this status.
pub fn problem_response(status: u16, when: &'static str) -> MetaResponse {
    debug_assert!(StatusCode::from_u16(status).is_ok_and(|status| status.as_u16() >= 400));
    MetaResponse {
        description: when,
        status: Some(status),
        status_range: None,
        content: vec![MetaMediaType {
            content_type: "application/problem+json",
            schema: ProblemDocument::schema_ref(),
        }],
        headers: Vec::new(),
    }
}
