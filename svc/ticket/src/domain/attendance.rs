/// The number of admissions of a listing by state.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Attendance {
    pub(crate) valid: u64,
    pub(crate) used: u64,
    pub(crate) void: u64,
    /// The number of scans without the network whose ticket was used before.
    pub(crate) duplicates: u64,
    /// The number of scans without the network whose ticket was void.
    pub(crate) void_scans: u64,
}
