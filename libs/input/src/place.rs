use std::fmt;

/// The path of a value in a body: `price.amount`; of the body itself `body`.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    parent: Option<&'a Place<'a>>,
    name: &'a str,
}

impl Place<'static> {
    /// The body.
    pub const BODY: Self = Self { parent: None, name: "" };
}

impl<'a> Place<'a> {
    /// Returns the path of a field of the object at this path.
    #[must_use]
    pub const fn field(&'a self, name: &'a str) -> Self {
        Self {
            parent: Some(self),
            name,
        }
    }
}

/// The maximum length of a name that a client chose, in characters, in a response.
const MAX_NAME: usize = 100;

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(parent) = self.parent else {
            return f.write_str("body");
        };
        if parent.parent.is_some() {
            write!(f, "{parent}.")?;
        }
        match self.name.char_indices().nth(MAX_NAME) {
            Some((end, _)) => write!(f, "{}…", &self.name[..end]),
            None => f.write_str(self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_the_fields_from_the_body_down() {
        let price = Place::BODY.field("price");
        assert_eq!(Place::BODY.to_string(), "body");
        assert_eq!(price.to_string(), "price");
        assert_eq!(price.field("amount").to_string(), "price.amount");
        assert_eq!(
            Place::BODY.field(&"ä".repeat(101)).to_string(),
            format!("{}…", "ä".repeat(100))
        );
    }
}
