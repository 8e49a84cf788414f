use std::{collections::HashSet, fmt::Display};

use crate::{Errors, Field, Json, Place};

/// Reads the fields of an object, and adds an error for each that is missing, unknown, duplicate or invalid.
#[derive(Debug)]
pub struct ObjectReader<'a, 'e, 'r> {
    fields: Vec<(String, Json<'a>)>,
    known: Vec<&'static str>,
    place: &'e Place<'e>,
    errors: &'e mut Errors<'r>,
    is_valid: bool,
}

impl<'a, 'e, 'r> ObjectReader<'a, 'e, 'r> {
    /// Begins to read an object; adds an error and returns `None` if it is none.
    pub fn open(json: Json<'a>, place: &'e Place<'e>, errors: &'e mut Errors<'r>) -> Option<Self> {
        let fields = errors.check(place, json.fields().ok_or("must be a JSON object"))?;
        Some(Self {
            fields,
            known: Vec::new(),
            place,
            errors,
            is_valid: true,
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
            T::read(json, &Place::BODY, &mut Errors::default())
        };
        self.field_with(name, default, T::read)
    }

    /// Reads a field with the given functions.
    fn field_with<T>(
        &mut self,
        name: &'static str,
        absent: impl FnOnce() -> Option<T>,
        read: impl FnOnce(Json<'a>, &Place<'_>, &mut Errors<'_>) -> Option<T>,
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

    /// Adds the error of a rule to a field.
    pub fn check<E: Display>(&mut self, name: &str, checked: Result<(), E>) {
        if self.errors.check(self.place.field(name), checked).is_none() {
            self.is_valid = false;
        }
    }

    /// Returns `None` if a check failed: fields that are valid one by one are no valid object then.
    pub fn checked(&self) -> Option<()> {
        self.is_valid.then_some(())
    }

    /// Checks a rule that needs data of the request; see [`Errors::check_with`].
    pub fn check_with<C: Send + Sync + 'static, E: Display>(
        &mut self,
        name: &str,
        rule: impl FnOnce(&C) -> Result<(), E>,
    ) {
        self.errors.check_with(self.place.field(name), rule);
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
/// A rule about several fields is a `check`: the fields that it needs, and an expression of type `Result` over references to
/// them. Its error is that of the first field. It is evaluated if these fields are valid, whatever the others are, so that
/// all errors are named together. A check that needs data of the request, such as a setting or the time, has the data and
/// its type after the fields. Its error is named beside other errors only: alone it is left to the use case, which
/// recognises a repeated request first.
///
/// Without an example, the fields are a part of other objects: `..name: Part`, before any field, includes them there.
///
/// ```
/// use input::Whole;
///
/// struct MaxTickets(u32);
///
/// input::object! {
///     /// Seats of one kind.
///     pub struct Seats {
///         /// The first row.
///         pub from_row as "fromRow": Whole<1, 100> = 1,
///         /// The last row.
///         pub to_row as "toRow": Option<Whole<1, 100>>,
///     }
///     check(to_row, from_row): is_not_before(*to_row, *from_row),
/// }
///
/// input::object! {
///     /// Tickets to order.
///     pub struct NewOrder {
///         /// The listing.
///         pub ticket_id as "ticketId": values::TicketId,
///         ..seats: Seats,
///         /// The number of tickets.
///         pub quantity as "quantity": Whole<1, 10> = 1,
///     }
///     check(quantity; max: MaxTickets): is_allowed(*quantity, max),
///     example: {"ticketId": "01936f5e-8c1a-7c3e-9d2b-4f6a8b0c2d4e", "quantity": 2}
/// }
///
/// fn is_not_before(last: Option<Whole<1, 100>>, first: Whole<1, 100>) -> Result<(), &'static str> {
///     let is_before = last.is_some_and(|last| last.get() < first.get());
///     if is_before { Err("must not be before fromRow") } else { Ok(()) }
/// }
///
/// fn is_allowed(quantity: Whole<1, 10>, max: &MaxTickets) -> Result<(), String> {
///     if quantity.get() > max.0 { Err(format!("must be at most {}", max.0)) } else { Ok(()) }
/// }
/// ```
#[macro_export]
macro_rules! object {
    (
        $(#[doc = $doc:literal])*
        #[secret]
        $vis:vis struct $name:ident $fields:tt
        $(check $about:tt: $check:expr,)*
        example: $example:tt
    ) => {
        $crate::object! { @secret $(#[doc = $doc])* $vis struct $name $fields }
        $crate::object! { @fields $name $fields $fields [$($about $check,)*] }
        $crate::object! { @body [$($doc)*] $name $example }
    };
    (
        $(#[doc = $doc:literal])*
        $vis:vis struct $name:ident $fields:tt
        $(check $about:tt: $check:expr,)*
        example: $example:tt
    ) => {
        $crate::object! { $(#[doc = $doc])* $vis struct $name $fields $(check $about: $check,)* }
        $crate::object! { @body [$($doc)*] $name $example }
    };
    (
        $(#[doc = $doc:literal])*
        $vis:vis struct $name:ident $fields:tt
        $(check $about:tt: $check:expr,)*
    ) => {
        $crate::object! { @comparable $(#[doc = $doc])* $vis struct $name $fields }
        $crate::object! { @fields $name $fields $fields [$($about $check,)*] }
    };
    (
        @secret
        $(#[doc = $doc:literal])*
        $vis:vis struct $name:ident {
            $(
                $(..$part:ident: $part_type:ty,)*
                $(#[doc = $field_doc:literal])*
                $field_vis:vis $field:ident as $json:literal: $type:ty $(= $default:literal)?
            ),* $(,)?
        }
    ) => {
        $(#[doc = $doc])*
        $vis struct $name {
            $(
                $($vis $part: $part_type,)*
                $(#[doc = $field_doc])* $field_vis $field: $type,
            )*
        }
    };
    (
        @comparable
        $(#[doc = $doc:literal])*
        $vis:vis struct $name:ident {
            $(
                $(..$part:ident: $part_type:ty,)*
                $(#[doc = $field_doc:literal])*
                $field_vis:vis $field:ident as $json:literal: $type:ty $(= $default:literal)?
            ),* $(,)?
        }
    ) => {
        #[derive(Clone, Debug, $crate::__private::serde::Serialize)]
        #[serde(crate = "input::__private::serde")]
        $(#[doc = $doc])*
        $vis struct $name {
            $(
                $(#[serde(flatten)] $vis $part: $part_type,)*
                $(#[doc = $field_doc])* #[serde(rename = $json)] $field_vis $field: $type,
            )*
        }
    };
    (
        @fields $name:ident {
            $(
                $(..$part:ident: $part_type:ty,)*
                $(#[doc = $field_doc:literal])*
                $field_vis:vis $field:ident as $json:literal: $type:ty $(= $default:literal)?
            ),* $(,)?
        }
        $fields:tt [$($about:tt $check:expr,)*]
    ) => {
        impl $crate::Fields for $name {
            fn describe(to: &mut $crate::Properties<'_>) {
                $(
                    $(<$part_type as $crate::Fields>::describe(to);)*
                    to.add::<$type>($json, concat!($($field_doc),*), None$(.or(Some(stringify!($default))))?);
                )*
            }

            fn read_fields(from: &mut $crate::ObjectReader<'_, '_, '_>) -> Option<Self> {
                $(
                    $(let $part = <$part_type as $crate::Fields>::read_fields(from);)*
                    let $field = $crate::object!(@read from $json $type $(= $default)?);
                )*
                $($crate::object!(@check from $fields $about $check);)*
                from.checked()?;
                Some(Self {
                    $(
                        $($part: $part?,)*
                        $field: $field?,
                    )*
                })
            }
        }
    };
    (@body [$($doc:literal)*] $name:ident $example:tt) => {
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
                registry.create_schema::<Self, _>(stringify!($name).to_owned(), |registry| {
                    let example = $crate::__private::serde_json::json!($example);
                    $crate::__private::object_schema::<Self>(registry, stringify!($name), concat!($($doc),*), example)
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
                errors: &mut $crate::Errors<'_>,
            ) -> Option<Self> {
                let mut object = $crate::ObjectReader::open(json, place, errors)?;
                let read = <Self as $crate::Fields>::read_fields(&mut object);
                object.finish();
                read
            }
        }
    };
    (@read $object:ident $json:literal $type:ty) => {
        $object.field::<$type>($json)
    };
    (@read $object:ident $json:literal $type:ty = $default:literal) => {
        $object.field_or::<$type>($json, stringify!($default))
    };
    (
        @check $object:ident {
            $(
                $(..$part:ident: $part_type:ty,)*
                $(#[doc = $field_doc:literal])*
                $field_vis:vis $field:ident as $json:literal: $type:ty $(= $default:literal)?
            ),* $(,)?
        }
        ($about:ident $(, $needed:ident)*) $check:expr
    ) => {
        if let (Some($about), $(Some($needed),)*) = (&$about, $(&$needed,)*) {
            let name = match stringify!($about) { $(stringify!($field) => $json,)* name => name };
            $object.check(name, $check);
        }
    };
    (
        @check $object:ident {
            $(
                $(..$part:ident: $part_type:ty,)*
                $(#[doc = $field_doc:literal])*
                $field_vis:vis $field:ident as $json:literal: $type:ty $(= $default:literal)?
            ),* $(,)?
        }
        ($about:ident $(, $needed:ident)*; $data:ident: $data_type:ty) $check:expr
    ) => {
        if let (Some($about), $(Some($needed),)*) = (&$about, $(&$needed,)*) {
            let name = match stringify!($about) { $(stringify!($field) => $json,)* name => name };
            $object.check_with(name, |$data: &$data_type| $check);
        }
    };
}
