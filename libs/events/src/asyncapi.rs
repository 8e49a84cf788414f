use serde_json::Value;

/// The AsyncAPI 3 document of [`crate::ROUTES`].
pub fn asyncapi() -> Value {
    Value::Null
}
