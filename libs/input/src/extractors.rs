use std::cell::RefCell;

use poem::{Request, RequestBody};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions, param,
    registry::{MetaParamIn, MetaSchemaRef, Registry},
    types::{ParseError, ParseFromParameter},
};

/// A parameter of the query. [`Strict`](crate::Strict) names every invalid one before the handler runs.
#[derive(Debug)]
pub struct Query<T>(pub T);

/// A header. [`Strict`](crate::Strict) names every invalid one before the handler runs.
#[derive(Debug)]
pub struct Header<T>(pub T);

/// Checks the values of a parameter. The error is poem-openapi's.
pub(crate) type Check = fn(&[String]) -> Result<(), String>;

thread_local! {
    /// The checks of the parameters that are being described. poem-openapi describes the parameters of an operation, but
    /// does not return how they are read.
    static CHECKS: RefCell<Option<Vec<(MetaParamIn, Check)>>> = const { RefCell::new(None) };
}

/// Describes operations, and returns the checks of their query parameters and headers in the same order.
pub(crate) fn with_checks<D>(describe: impl FnOnce() -> D) -> (D, Vec<(MetaParamIn, Check)>) {
    CHECKS.set(Some(Vec::new()));
    let described = describe();
    (described, CHECKS.take().unwrap_or_default())
}

/// Returns the schema of a parameter, and records its check.
fn described<T: ParseFromParameter>(place: MetaParamIn) -> MetaSchemaRef {
    CHECKS.with_borrow_mut(|checks| {
        if let Some(checks) = checks {
            checks.push((place, |values| {
                let parsed = T::parse_from_parameters(values);
                parsed.map(drop).map_err(ParseError::into_message)
            }));
        }
    });
    T::schema_ref()
}

macro_rules! extractor {
    ($name:ident) => {
        impl<'a, T: ParseFromParameter> ApiExtractor<'a> for $name<T> {
            const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::Parameter];
            const PARAM_IS_REQUIRED: bool = T::IS_REQUIRED;

            type ParamType = T;
            type ParamRawType = T::RawValueType;

            fn register(registry: &mut Registry) {
                T::register(registry);
            }

            fn param_in() -> Option<MetaParamIn> {
                Some(MetaParamIn::$name)
            }

            fn param_schema_ref() -> Option<MetaSchemaRef> {
                Some(described::<T>(MetaParamIn::$name))
            }

            fn param_raw_type(&self) -> Option<&Self::ParamRawType> {
                self.0.as_raw_value()
            }

            async fn from_request(
                request: &'a Request,
                body: &mut RequestBody,
                options: ExtractParamOptions<T>,
            ) -> poem::Result<Self> {
                let read = param::$name::<T>::from_request(request, body, options).await?;
                Ok(Self(read.0))
            }
        }
    };
}

extractor!(Query);
extractor!(Header);
