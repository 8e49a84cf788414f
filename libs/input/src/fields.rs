use poem_openapi::{
    registry::{MetaSchema, MetaSchemaRef, Registry},
    types::Type,
};
use serde_json::Value;

use crate::{Field, ObjectReader};

/// The fields of a body, or a part of them that several bodies include.
pub trait Fields: Sized {
    /// Describes the fields in their order.
    fn describe(to: &mut Properties<'_>);

    /// Reads the fields. Adds every error in them, and returns `None` if there is one.
    fn read_fields(from: &mut ObjectReader<'_, '_, '_>) -> Option<Self>;
}

/// The schemas of the fields of an object.
#[expect(missing_debug_implementations, reason = "poem-openapi's registry has no Debug")]
pub struct Properties<'r> {
    registry: &'r mut Registry,
    required: Vec<&'static str>,
    schemas: Vec<(&'static str, MetaSchemaRef)>,
}

impl Properties<'_> {
    /// Describes a field, with its default in JSON.
    pub fn add<T: Field>(&mut self, name: &'static str, description: &'static str, default: Option<&str>) {
        T::register(self.registry);
        let about = MetaSchema {
            nullable: T::IS_NULLABLE,
            description: Some(description.trim()).filter(|text| !text.is_empty()),
            default: default.and_then(|json| serde_json::from_str(json).ok()),
            ..MetaSchema::ANY
        };
        if default.is_none() && T::IS_REQUIRED {
            self.required.push(name);
        }
        self.schemas.push((name, T::schema_ref().merge(about)));
    }
}

/// Returns the schema of an object.
pub fn object_schema<T: Fields>(
    registry: &mut Registry,
    name: &str,
    description: &'static str,
    example: Value,
) -> MetaSchema {
    let mut fields = Properties {
        registry,
        required: Vec::new(),
        schemas: Vec::new(),
    };
    T::describe(&mut fields);
    MetaSchema {
        title: Some(name.to_owned()),
        description: Some(description.trim()),
        required: fields.required,
        properties: fields.schemas,
        example: Some(example),
        ..MetaSchema::new("object")
    }
}
