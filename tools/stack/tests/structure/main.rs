//! Which package may depend on which, and which module may import which.

mod imports;
mod modules;
mod packages;
mod rooms;
mod services;
