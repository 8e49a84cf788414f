//! Request parameters: `a[b][c]=v`, in a query or a form body.

mod metadata;
mod params;

pub(crate) use params::Params;
