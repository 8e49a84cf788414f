use std::{fmt, str::FromStr};

/// A selection of parked messages.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Selection {
    /// All messages.
    All,
    /// The messages with this id.
    Id(String),
}

impl Selection {
    pub(super) fn includes(&self, id: &str) -> bool {
        match self {
            Self::All => true,
            Self::Id(selected) => selected == id,
        }
    }
}

/// An empty selection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be the id of a message, or all")]
pub struct MalformedSelection;

impl FromStr for Selection {
    type Err = MalformedSelection;

    fn from_str(text: &str) -> Result<Self, MalformedSelection> {
        match text {
            "" => Err(MalformedSelection),
            "all" => Ok(Self::All),
            id => Ok(Self::Id(id.to_owned())),
        }
    }
}

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::All => "all",
            Self::Id(id) => id,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selection_is_an_id_or_all() {
        assert_eq!("all".parse(), Ok(Selection::All));
        assert_eq!("01936f5e".parse(), Ok(Selection::Id("01936f5e".to_owned())));
        assert_eq!("".parse::<Selection>(), Err(MalformedSelection));
    }
}
