use std::collections::HashSet;

use problem::FieldErrors;

use crate::{Field, Json, Place};

/// Reads the fields of an object, and adds an error for each that is missing, unknown, duplicate or invalid.
#[derive(Debug)]
pub struct ObjectReader<'a, 'e> {
    fields: Vec<(String, Json<'a>)>,
    known: Vec<&'static str>,
    place: &'e Place<'e>,
    errors: &'e mut FieldErrors,
}

impl<'a, 'e> ObjectReader<'a, 'e> {
    /// Begins to read an object; adds an error and returns `None` if it is none.
    pub fn open(json: Json<'a>, place: &'e Place<'e>, errors: &'e mut FieldErrors) -> Option<Self> {
        let fields = errors.check(place, json.fields().ok_or("must be a JSON object"))?;
        Some(Self {
            fields,
            known: Vec::new(),
            place,
            errors,
        })
    }

    /// Reads a field.
    pub fn field<T: Field>(&mut self, name: &'static str) -> Option<T> {
        self.field_with(name, T::absent, T::read)
    }

    /// Reads a field that has a default, in JSON, if it is left out.
    pub fn field_or<T: Field>(&mut self, name: &'static str, default: &str) -> Option<T> {
        let default = || {
            let json = Json::parse(default.as_bytes()).ok()?;
            T::read(json, &Place::BODY, &mut FieldErrors::new())
        };
        self.field_with(name, default, T::read)
    }

    /// Reads a field with the given functions.
    fn field_with<T>(
        &mut self,
        name: &'static str,
        absent: impl FnOnce() -> Option<T>,
        read: impl FnOnce(Json<'a>, &Place<'_>, &mut FieldErrors) -> Option<T>,
    ) -> Option<T> {
        self.known.push(name);
        let place = self.place.field(name);
        let mut sent = self.fields.iter().filter(|(sent, _)| sent == name);
        let Some((_, json)) = sent.next() else {
            let absent = absent();
            if absent.is_none() {
                self.errors.add(place, "is required");
            }
            return absent;
        };
        if sent.next().is_some() {
            self.errors.add(place, "comes twice");
            return None;
        }
        read(*json, &place, self.errors)
    }

    /// Refuses the fields that were not read.
    pub fn finish(self) {
        let mut unknown = HashSet::new();
        for (name, _) in &self.fields {
            if !self.known.contains(&name.as_str()) && unknown.insert(name) {
                self.errors.add(self.place.field(name), "is not known here");
            }
        }
    }
}

/// Declares the object in a body: a struct that implements [`Field`](crate::Field) and poem-openapi's `Type`.
///
/// A field is declared once: its name in JSON, its type, which has the rules, and optionally its default in JSON. The
/// struct implements `Serialize`: the canonical form of the request, for comparing requests. A `#[secret]` object
/// implements neither `Serialize` nor `Debug`.
///
/// ```
/// use input::Whole;
///
/// input::object! {
///     /// Tickets to order.
///     pub struct NewOrder {
///         /// The listing.
///         pub ticket_id as "ticketId": values::TicketId,
///         /// The number of tickets.
///         pub quantity as "quantity": Whole<1, 10> = 1,
///     }
///     example: {"ticketId": "01936f5e-8c1a-7c3e-9d2b-4f6a8b0c2d4e", "quantity": 2}
/// }
/// ```
#[macro_export]
macro_rules! object {
    (
        $(#[doc = $doc:literal])*
        #[secret]
        $vis:vis struct $name:ident $fields:tt
        example: $example:tt
    ) => {
        $crate::object! { @secret $(#[doc = $doc])* $vis struct $name $fields }
        $crate::object! { @implement [$($doc)*] $name $fields $example }
    };
    (
        $(#[doc = $doc:literal])*
        $vis:vis struct $name:ident $fields:tt
        example: $example:tt
    ) => {
        $crate::object! { @comparable $(#[doc = $doc])* $vis struct $name $fields }
        $crate::object! { @implement [$($doc)*] $name $fields $example }
    };
    (
        @secret
        $(#[doc = $doc:literal])*
        $vis:vis struct $name:ident {
            $(
                $(#[doc = $field_doc:literal])*
                $field_vis:vis $field:ident as $json:literal: $type:ty $(= $default:literal)?
            ),* $(,)?
        }
    ) => {
        $(#[doc = $doc])*
        $vis struct $name {
            $($(#[doc = $field_doc])* $field_vis $field: $type,)*
        }
    };
    (
        @comparable
        $(#[doc = $doc:literal])*
        $vis:vis struct $name:ident {
            $(
                $(#[doc = $field_doc:literal])*
                $field_vis:vis $field:ident as $json:literal: $type:ty $(= $default:literal)?
            ),* $(,)?
        }
    ) => {
        #[derive(Clone, Debug, $crate::__private::serde::Serialize)]
        #[serde(crate = "input::__private::serde")]
        $(#[doc = $doc])*
        $vis struct $name {
            $($(#[doc = $field_doc])* #[serde(rename = $json)] $field_vis $field: $type,)*
        }
    };
    (
        @implement [$($doc:literal)*] $name:ident {
            $(
                $(#[doc = $field_doc:literal])*
                $field_vis:vis $field:ident as $json:literal: $type:ty $(= $default:literal)?
            ),* $(,)?
        }
        $example:tt
    ) => {
        impl $crate::__private::poem_openapi::types::Type for $name {
            const IS_REQUIRED: bool = true;
            type RawValueType = Self;
            type RawElementValueType = Self;

            fn name() -> ::std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn schema_ref() -> $crate::__private::poem_openapi::registry::MetaSchemaRef {
                $crate::__private::poem_openapi::registry::MetaSchemaRef::Reference(stringify!($name).to_owned())
            }

            fn register(registry: &mut $crate::__private::poem_openapi::registry::Registry) {
                use $crate::__private::poem_openapi::{registry::MetaSchema, types::Type};
                registry.create_schema::<Self, _>(stringify!($name).to_owned(), |registry| {
                    $(<$type as Type>::register(registry);)*
                    let mut required = Vec::new();
                    let mut properties = Vec::new();
                    $(
                        let mut about = MetaSchema::ANY;
                        about.nullable = <$type as $crate::Field>::IS_NULLABLE;
                        about.description = Some(concat!($($field_doc),*).trim()).filter(|text| !text.is_empty());
                        let default: Option<&str> = None$(.or(Some(stringify!($default))))?;
                        about.default = default.and_then(|json| $crate::__private::serde_json::from_str(json).ok());
                        if default.is_none() && <$type as Type>::IS_REQUIRED {
                            required.push($json);
                        }
                        properties.push(($json, <$type as Type>::schema_ref().merge(about)));
                    )*
                    MetaSchema {
                        title: Some(stringify!($name).to_owned()),
                        description: Some(concat!($($doc),*).trim()),
                        required,
                        properties,
                        example: Some($crate::__private::serde_json::json!($example)),
                        ..MetaSchema::new("object")
                    }
                });
            }

            fn as_raw_value(&self) -> Option<&Self> {
                Some(self)
            }

            fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
                Box::new(::std::iter::once(self))
            }
        }

        impl $crate::Field for $name {
            fn read(
                json: $crate::Json<'_>,
                place: &$crate::Place<'_>,
                errors: &mut $crate::__private::problem::FieldErrors,
            ) -> Option<Self> {
                let mut object = $crate::ObjectReader::open(json, place, errors)?;
                $(let $field = $crate::object!(@read object $json $type $(= $default)?);)*
                object.finish();
                Some(Self { $($field: $field?),* })
            }
        }
    };
    (@read $object:ident $json:literal $type:ty) => {
        $object.field::<$type>($json)
    };
    (@read $object:ident $json:literal $type:ty = $default:literal) => {
        $object.field_or::<$type>($json, stringify!($default))
    };
}
