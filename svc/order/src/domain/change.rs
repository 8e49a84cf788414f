/// The effect of a transition on an aggregate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Change {
    /// A new version: to be stored and published.
    NewVersion,
    /// A change that concerns this service only: to be stored, not published.
    Internal,
    /// No change: the transition was repeated, or came too late to matter.
    None,
}
