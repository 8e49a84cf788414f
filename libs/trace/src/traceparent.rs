use std::{fmt, str::FromStr};

/// The `traceparent` of the work at hand: 16 bytes name the trace, 8 bytes the step within it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Trace {
    pub(crate) id: u128,
    pub(crate) span: u64,
    sampled: bool,
}

/// Why a `traceparent` header was not understood.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a W3C traceparent")]
pub struct NotATraceparent;

impl Trace {
    /// Begins a trace of its own.
    pub fn start() -> Self {
        let mut id = [0; 16];
        // Without entropy the trace is merely less unique; work goes on.
        let _ = getrandom::fill(&mut id);
        Self {
            id: u128::from_be_bytes(id) | 1,
            span: random_span(),
            sampled: true,
        }
    }

    /// The next step of the same trace.
    #[must_use]
    pub fn child(self) -> Self {
        Self {
            span: random_span(),
            ..self
        }
    }

    /// The trace's id, 32 hexadecimal digits: what logs and support requests quote.
    pub fn id(self) -> String {
        format!("{:032x}", self.id)
    }

    /// The step's id, 16 hexadecimal digits.
    pub fn span_id(self) -> String {
        format!("{:016x}", self.span)
    }

    /// Whether it is recorded: who begins a trace decides for all who take part in it.
    pub const fn is_sampled(self) -> bool {
        self.sampled
    }

    /// Whether both are steps of one trace.
    pub const fn is_kin_of(self, other: Self) -> bool {
        self.id == other.id
    }

    /// Records `percent` of all traces. The same ones everywhere, because it goes by the id.
    #[must_use]
    pub(crate) fn sampled(self, percent: u8) -> Self {
        // An id of ours is random, one of another program at least in its low half (W3C, section 3.2.2.3).
        let lot = (self.id >> 1) % 100;
        Self {
            sampled: lot < u128::from(percent),
            ..self
        }
    }
}

fn random_span() -> u64 {
    getrandom::u64().unwrap_or_default() | 1
}

/// The header's value: `00-<trace id>-<span id>-<flags>`.
impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "00-{:032x}-{:016x}-{:02x}",
            self.id,
            self.span,
            u8::from(self.sampled)
        )
    }
}

impl FromStr for Trace {
    type Err = NotATraceparent;

    fn from_str(header: &str) -> Result<Self, NotATraceparent> {
        let mut parts = header.trim().split('-');
        let mut hex = |digits: usize| {
            let part = parts
                .next()
                .filter(|part| part.len() == digits)
                .ok_or(NotATraceparent)?;
            if part
                .bytes()
                .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
            {
                u128::from_str_radix(part, 16).map_err(|_| NotATraceparent)
            } else {
                Err(NotATraceparent)
            }
        };
        let (version, trace_id, span_id, flags) = (hex(2)?, hex(32)?, hex(16)?, hex(2)?);
        let span_id = u64::try_from(span_id).map_err(|_| NotATraceparent)?;
        if version == 0xff || trace_id == 0 || span_id == 0 {
            return Err(NotATraceparent);
        }
        Ok(Self {
            id: trace_id,
            span: span_id,
            sampled: flags & 1 == 1,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traceparent_survives_the_way_out_and_in() {
        let header = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert_eq!(header.parse::<Trace>().unwrap().to_string(), header);
        let child = header.parse::<Trace>().unwrap().child();
        assert_eq!(child.id(), "0af7651916cd43dd8448eb211c80319c");
        assert_ne!(child.to_string(), header);
    }

    #[test]
    fn what_is_no_traceparent_is_refused() {
        for bad in [
            "",
            "00",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-+7ad6b7169203331-01",
        ] {
            assert_eq!(bad.parse::<Trace>(), Err(NotATraceparent), "{bad}");
        }
    }
}
