//! How a page is looked at: width and colour scheme.

use serde_json::{Value, json};

/// A kind of screen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Device {
    Phone,
    Desktop,
}

impl Device {
    pub(crate) const ALL: [Self; 2] = [Self::Phone, Self::Desktop];

    /// Returns the width and the height of the page in CSS pixels.
    pub(crate) fn size(self) -> (u32, u32) {
        match self {
            Self::Phone => (390, 844),
            Self::Desktop => (1280, 800),
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Desktop => "desktop",
        }
    }

    /// Returns the parameters of `Emulation.setDeviceMetricsOverride`.
    pub(crate) fn metrics(self) -> Value {
        let (width, height) = self.size();
        json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": self == Self::Phone})
    }
}

/// A colour scheme.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Scheme {
    Light,
    Dark,
}

impl Scheme {
    pub(crate) const ALL: [Self; 2] = [Self::Light, Self::Dark];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// Returns the parameters of `Emulation.setEmulatedMedia`. Without motion, colours do not change gradually.
    pub(crate) fn media(self) -> Value {
        json!({"features": [
            {"name": "prefers-color-scheme", "value": self.name()},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]})
    }
}
